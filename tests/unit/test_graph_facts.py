"""Facts that are found out about a graph before it runs."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import AnyMessage, BaseMessage, HumanMessage
from langchain_core.tools import tool
from langgraph.cache.memory import InMemoryCache
from langgraph.channels import DeltaChannel
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import START, MessagesState, StateGraph, add_messages
from langgraph.managed import RemainingSteps
from langgraph.prebuilt import ToolNode
from langgraph.store.memory import InMemoryStore
from langgraph.types import CachePolicy, RetryPolicy, interrupt
from langgraph.types import interrupt as ask
from pydantic import BaseModel
from typing_extensions import TypedDict

from agent.gate import Gate
from agent.grant_protocol import MemoryGrants
from agent.graph import build_graph
from agent.offline import OfflineModel
from agent.tools import make_tools
from bot.conversations.inspect_graph import LoadedGraph, describe, problem
from bot.texts.graphs import AT_RUN_TIME

STREAMING = FakeListChatModel(responses=["hi"])
MUTE = FakeListChatModel(responses=["hi"], disable_streaming=True)


@tool
def wipe(path: str, deep: bool = False) -> str:
    """Wipe a path."""
    return path


@tool
def careful(path: str) -> str:
    """Ask before it looks."""
    return str(interrupt(path))


class Strange:
    """Of this JSON schema knows nothing."""


@tool
def odd(thing: Strange) -> str:
    """Take a thing."""
    return str(thing)


def nothing(state: Any) -> dict[str, Any]:
    return {}


def one_node(schema: Any, node: Any = nothing, **compiled: Any) -> LoadedGraph:
    builder = StateGraph(schema)
    builder.add_node("work", node)
    builder.add_edge(START, "work")
    return describe(builder.compile(**compiled), "theirs")


def state_of(**keys: Any) -> Any:
    return TypedDict("State", keys)


FORMATTED = Annotated[list, add_messages(format="langchain-openai")]
APPENDED = Annotated[list, operator.add]
MESSAGES = Annotated[list[AnyMessage], add_messages]


class Model(BaseModel):
    messages: MESSAGES = []
    plan: str = ""


@pytest.mark.parametrize(
    ("schema", "channel"),
    [
        (MessagesState, "messages"),
        (Model, "messages"),
        (state_of(messages=MESSAGES, other=MESSAGES), "messages"),
        (state_of(messages=APPENDED), "messages"),
        (state_of(messages=list), "messages"),
        (state_of(messages=FORMATTED), "messages"),
        (state_of(messages=Annotated[list, DeltaChannel(add_messages)]), "messages"),
        (state_of(chat=MESSAGES, plan=str, steps=RemainingSteps), "chat"),
        (state_of(chat=Annotated[Sequence[BaseMessage], operator.add]), "chat"),
        (state_of(chat=list[HumanMessage | str]), "chat"),
        (state_of(chat=Annotated[list, add_messages]), "chat"),
        (state_of(one=MESSAGES, two=MESSAGES), ""),
        (state_of(messages=list[str]), ""),
        (state_of(messages=Annotated[list[dict], operator.add]), ""),
        (state_of(messages=str, chat=APPENDED), ""),
        (state_of(question=str), ""),
        (MESSAGES, ""),
    ],
)
def test_the_key_that_takes_messages(schema: Any, channel: str):
    assert one_node(schema).input_channel == channel


def test_the_input_counts_and_not_all_of_the_state():
    builder = StateGraph(MessagesState, input_schema=state_of(question=str))
    builder.add_node("work", nothing)
    builder.add_edge(START, "work")

    loaded = describe(builder.compile(), "theirs")

    assert loaded.input_channel == ""
    assert "(there is question)" in problem(loaded)


def test_a_graph_without_messages_is_a_problem_with_one_sentence():
    assert problem(one_node(MessagesState)) == ""
    said = problem(one_node(state_of(question=str, plan=list[str])))
    assert "The graph theirs cannot be served" in said
    assert "(there is question, plan)" in said
    assert "takes a list of messages;" in problem(one_node(MESSAGES))


def test_a_function_of_langgraph_is_no_graph_of_messages():
    @entrypoint()
    def flow(question: str) -> str:
        return question

    loaded = describe(flow, "theirs")

    assert loaded.input_channel == ""
    assert "an entrypoint of the functional API" in problem(loaded)


def agent(**how: Any) -> LoadedGraph:
    tools = [wipe, careful]
    return describe(create_agent(how.pop("model", STREAMING), tools, **how), "theirs")


@pytest.mark.parametrize("mode", ["batched", "per_call"])
def test_the_middleware_of_langchain_is_foreseen(mode: Any):
    asked = {"wipe": {"allowed_decisions": ["approve", "reject"]}, "careful": False}
    middleware = HumanInTheLoopMiddleware(asked, interrupt_mode=mode)

    loaded = agent(middleware=[middleware], name="secretary")

    assert loaded.name == "secretary"
    assert loaded.foresees == ("tool wipe: approve, reject", "tool careful")
    assert loaded.streams
    assert set(loaded.tools) == {"wipe", "careful"}
    assert loaded.tools["wipe"]["properties"]["deep"]["type"] == "boolean"
    assert problem(loaded) == ""


def test_static_breakpoints_are_foreseen():
    def loaded(**breakpoints: Any) -> tuple[str, ...]:
        return one_node(MessagesState, **breakpoints).foresees

    assert loaded() == (AT_RUN_TIME,)
    assert loaded(interrupt_before=["work"]) == ("before work",)
    assert loaded(interrupt_after=["work"]) == ("after work",)
    assert loaded(interrupt_before="*") == ("before every node of the graph",)


def test_nodes_and_tools_that_call_interrupt_are_foreseen():
    def plainly(state: Any) -> dict[str, Any]:
        return {"messages": [str(interrupt("go?"))]}

    async def by_another_name(state: Any) -> dict[str, Any]:
        return {"messages": [str(ask("go?"))]}

    assert one_node(MessagesState, plainly).foresees == ("in work",)
    assert one_node(MessagesState, by_another_name).foresees == ("in work",)
    assert one_node(MessagesState, ToolNode([careful, wipe])).foresees == (
        "tool careful",
    )


def test_subgraphs_are_seen_through():
    inner = agent(interrupt_before=["tools"]).graph
    loaded = one_node(MessagesState, inner)

    assert loaded.foresees == ("before work|tools", "tool careful")
    assert set(loaded.tools) == {"wipe", "careful"}
    assert loaded.streams


@pytest.mark.parametrize(
    ("model", "streams"), [(STREAMING, True), (MUTE, False), (None, False)]
)
def test_a_graph_streams_if_a_nodes_model_can(model: Any, streams: bool):
    class Nodes:
        def __init__(self) -> None:
            self.model = model and model.bind(stop=["."])

        def work(self, state: Any) -> dict[str, Any]:
            return {"messages": [self.model.invoke(state["messages"])]}

    def closure(state: Any) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    for node in (Nodes().work, closure):
        assert one_node(MessagesState, node).streams is streams


def test_the_shipped_agent_is_seen_as_it_is(tmp_path: Any):
    tools = make_tools(["files"], files_dir=tmp_path)
    graph = build_graph(OfflineModel(), tools, Gate(MemoryGrants()))

    loaded = describe(graph, "shipped")

    assert (loaded.name, loaded.input_channel) == ("agent", "messages")
    assert (loaded.streams, loaded.notes) == (True, ())
    assert loaded.foresees == (AT_RUN_TIME,)


def chain(names: Sequence[str] = ("a", "b"), schema: Any = MessagesState, **how: Any):
    builder = StateGraph(schema)
    for name in names:
        builder.add_node(name, how.get("node", nothing))
    builder.add_edge(START, names[0])
    for before, after in itertools.pairwise(names):
        builder.add_edge(before, after)
    return builder


def version(builder: Any, **compiled: Any) -> str:
    return describe(builder.compile(**compiled), "theirs").version


def test_the_version_changes_with_the_structure_and_with_nothing_else():
    same = version(chain())

    assert same == version(chain(), name="another", checkpointer=InMemorySaver())
    assert same == version(chain(node=lambda state: {"messages": []}))
    others = [
        version(chain(("a", "c"))),
        version(chain(("b", "a"))),
        version(chain(("a", "b", "c"))),
        version(chain(schema=state_of(messages=MESSAGES, plan=str))),
        version(chain(), interrupt_before=["b"]),
        version(chain(), interrupt_after=["b"]),
        version(chain(node=chain().compile())),
        version(chain(node=chain(("a", "c")).compile())),
    ]
    assert len({same, *others}) == len(others) + 1


def test_what_an_operator_should_know_is_noted():
    builder = chain()
    builder.add_node(
        "tried", nothing, retry_policy=RetryPolicy(), cache_policy=CachePolicy()
    )
    builder.add_edge("b", "tried")

    loaded = describe(
        builder.compile(
            checkpointer=InMemorySaver(), store=InMemoryStore(), cache=InMemoryCache()
        ),
        "theirs",
    )

    checkpointer, store, cache, retried = loaded.notes
    assert "own checkpointer is not used" in checkpointer
    assert "InMemoryStore" in store
    assert "result of tried without" in cache
    assert "tries tried again" in retried
    assert describe(chain().compile(), "theirs").notes == ()


def test_a_tool_whose_arguments_have_no_schema_is_left_out():
    loaded = one_node(MessagesState, ToolNode([odd, wipe]))

    assert set(loaded.tools) == {"wipe"}
