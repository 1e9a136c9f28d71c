"""Parts of the zoo: what is said of a graph, a scripted model, a ledger of effects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import Field

STOPPED = "so I stopped here"
LEDGER = Path("ledger.txt")  # in the folder where the bot runs


@dataclass(frozen=True)
class ZooGraph:
    """A graph of the zoo, and what becomes of it.

    Attributes:
        make: gives the graph; its docstring says the shape, and where it is from.
        said: words of the answer in the thread, by what people decide.
        ran: effects of an approved turn; of any other there is none.
        answers: what the policy says that the graph takes (`interrupts.answers`).
        rule: a rule that the policy has to have for it.
        long: whether it is served in `make long` alone: another one goes the same ways.
        told: whether an approval ends with a sentence of the bot's about a failure.
        typed: what is filled in instead of an approval, by the input's first word.
        refused: the sentence that it is refused with, if it is.
        at_start: whether it is refused then, and not when it asks.
        settings: of the bot, beside AGENT.
    """

    make: Callable[[], Any]
    said: Mapping[str, str]
    ran: Sequence[str] = ()
    answers: str = "booleans"
    rule: str = ""
    told: bool = False
    long: bool = False
    typed: Mapping[str, str] = field(default_factory=dict[str, str])
    refused: str = ""
    at_start: bool = False
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


GRAPHS: list[ZooGraph] = []


def works(
    approved: str, rejected: str = STOPPED, timed_out: str = "", **more: Any
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Say what a graph answers, to silence where that is no other no."""
    # a call that was rejected is not asked again within the hour: that comes last
    said = {"timed out": timed_out} if timed_out else {}
    said |= {"approve": approved, "reject": rejected}

    def keep(make: Callable[[], Any]) -> Callable[[], Any]:
        GRAPHS.append(ZooGraph(make, said, **more))
        return make

    return keep


def refused(
    sentence: str, **more: Any
) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Say with which sentence a graph is refused."""

    def keep(make: Callable[[], Any]) -> Callable[[], Any]:
        GRAPHS.append(ZooGraph(make, {}, refused=sentence, **more))
        return make

    return keep


def did(what: str) -> None:
    """Note an effect."""
    with LEDGER.open("a", encoding="utf-8") as ledger:
        ledger.write(f"{what}\n")


def say(text: str) -> dict[str, Any]:
    """A node's update: the graph says this."""
    return {"messages": [AIMessage(text)]}


def line(*nodes: Any, state: Any = MessagesState, **options: Any) -> Any:
    """A graph of nodes in a row, compiled."""
    builder = StateGraph(state, **options)
    before = START
    for node in nodes:
        name, action = node if isinstance(node, tuple) else (node.__name__, node)
        builder.add_node(name, action)
        builder.add_edge(before, name)
        before = name
    return builder.compile()


@tool
def pay(amount: int) -> str:
    """Pay an amount of money."""
    did(f"paid {amount}")
    return f"{amount} is paid"


@tool
def look_up(what: str) -> str:
    """Look something up; nobody is asked."""
    return f"{what} is 7"


class Model(BaseChatModel):
    """Calls its tools round by round, and then repeats what they have said.

    As strict with a history as model servers are.
    """

    rounds: list[list[tuple[str, dict[str, Any]]]] = Field(default_factory=list)
    says: str = "They say: "

    @property
    def _llm_type(self) -> str:
        return "zoo"

    def bind_tools(self, tools, **kwargs):
        return self

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        strict(messages)
        people = [i for i, m in enumerate(messages) if _is_a_person(m)]
        turn = messages[people[-1] + 1 :] if people else messages
        made = [
            {call["name"] for call in message.tool_calls}
            for message in turn
            if isinstance(message, AIMessage)
        ]
        for number, wanted in enumerate(self.rounds):
            if {name for name, _ in wanted} not in made:
                return _result("", _calls(wanted, f"{len(messages)}_{number}"))
        heard = [m.text for m in turn if isinstance(m, ToolMessage)]
        return _result(f"{self.says}{'; '.join(heard)}")


def strict(messages: Sequence[Any]) -> None:
    """Refuse a history as model servers do: each call is answered once, in place."""
    wanted: list[str] = []
    for message in messages:
        if isinstance(message, ToolMessage):
            assert message.tool_call_id in wanted, "an answer without its call"
            wanted.remove(message.tool_call_id)
            continue
        assert not wanted, f"calls without answers: {wanted}"
        if isinstance(message, AIMessage):
            wanted = [call["id"] for call in message.tool_calls]
            assert wanted or message.text, "an empty message of the model"
    assert not wanted, f"calls without answers: {wanted}"


def _is_a_person(message: Any) -> bool:
    return isinstance(message, HumanMessage) and not message.name


def _calls(wanted: Sequence[tuple[str, Any]], key: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "args": args, "id": f"call_{key}_{place}", "type": "tool_call"}
        for place, (name, args) in enumerate(wanted)
    ]


def _result(text: str, calls: Sequence[dict[str, Any]] = ()) -> ChatResult:
    message = AIMessage(text, tool_calls=[*calls])
    return ChatResult(generations=[ChatGeneration(message=message)])
