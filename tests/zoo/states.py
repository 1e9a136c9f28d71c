"""Graphs by what they keep: kinds of state, histories, memories, contexts."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import add
from typing import Annotated, Any

from langchain_core.messages import AIMessage, AnyMessage, RemoveMessage
from langchain_core.messages.utils import count_tokens_approximately, trim_messages
from langgraph.graph import START, MessagesState, StateGraph, add_messages
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.runtime import Runtime
from langgraph.store.memory import InMemoryStore
from langgraph.types import interrupt
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from tests.zoo.kit import Model, did, line, refused, say, strict, works


def granted(what: str) -> bool:
    """Ask, and note an effect of a yes."""
    if not interrupt({"question": f"Grant {what}?"}):
        return False
    did(what)
    return True


class Steps(TypedDict):
    """A state with a reducer of its own."""

    messages: Annotated[list[AnyMessage], add_messages]
    steps: Annotated[list[str], add]
    best: Annotated[int, lambda one, other: max(one, other)]


@works("steps: plan, yes; best 7", "steps: plan, no; best 7", ran=["typed"], long=True)
def state_with_reducers() -> Any:
    """A TypedDict with reducers of its author's.

    As in: LangGraph docs, Graph API, "Process state updates with reducers".
    """

    def plan(state):
        return {"steps": ["plan"], "best": 7}

    def act(state):
        return {"steps": ["yes" if granted("typed") else "no"], "best": 3}

    def tell(state):
        return say(f"steps: {', '.join(state['steps'][-2:])}; best {state['best']}")

    return line(plan, act, tell, state=Steps)


class Plan(BaseModel):
    """A model in the state."""

    goal: str
    steps: list[str] = []


class PydanticState(BaseModel):
    """A state that is checked."""

    messages: Annotated[list[AnyMessage], add_messages] = []
    plan: Plan | None = None
    count: int = Field(default=0, ge=0)


@works("goal go, granted: True", "goal go, granted: False", ran=["pydantic"])
def pydantic_state() -> Any:
    """The state is a Pydantic model, and holds another one.

    As in: LangGraph docs, Graph API, "Use Pydantic models for graph state".
    """

    def plan(state: PydanticState):
        return {"plan": Plan(goal=state.messages[-1].text), "count": 1}

    def act(state: PydanticState):
        is_granted = granted("pydantic")
        assert isinstance(state.plan, Plan)
        return say(f"goal {state.plan.goal}, granted: {is_granted}")

    return line(plan, act, state=PydanticState)


@dataclass
class DataState:
    """A state that is a dataclass."""

    messages: Annotated[list[AnyMessage], add_messages] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)


@works(
    "seen go, granted: True", "seen go, granted: False", ran=["dataclass"], long=True
)
def dataclass_state() -> Any:
    """The state is a dataclass.

    As in: LangGraph docs, Graph API, "Define state".
    """

    def look(state: DataState):
        return {"seen": [state.messages[-1].text]}

    def act(state: DataState):
        is_granted = granted("dataclass")
        return say(f"seen {state.seen[0]}, granted: {is_granted}")

    return line(look, act, state=DataState)


class Private(TypedDict):
    """What only two nodes share."""

    secret: str


@works("the secret is 7", "the secret stays", ran=["private"], long=True)
def private_state() -> Any:
    """Two nodes share what is not in the state of the graph.

    As in: LangGraph docs, Graph API, "Pass private state between nodes".
    """

    def one(state: MessagesState) -> Private:
        return {"secret": "7"}

    def two(state: Private):
        is_granted = granted("private")
        told = f"is {state['secret']}" if is_granted else "stays"
        return say(f"the secret {told}")

    return line(one, two)


class Out(TypedDict):
    """What the graph returns."""

    answer: str


class Whole(MessagesState):
    """What it works with."""

    answer: str


@works("the answer is 42", "no answer", ran=["in and out"], long=True)
def input_and_output_schemas() -> Any:
    """Input and output are parts of the state; the output has no messages.

    As in: LangGraph docs, Graph API, "Define input and output schemas".
    """

    def answer(state):
        text = "the answer is 42" if granted("in and out") else "no answer"
        return {"answer": text, **say(text)}

    return line(answer, state=Whole, input_schema=MessagesState, output_schema=Out)


class Listed(TypedDict):
    """Messages without a reducer: what comes in replaces what is there."""

    messages: list[AnyMessage]


@works("2 messages, granted: True", "2 messages, granted: False", ran=["listed"])
def messages_without_a_reducer() -> Any:
    """A plain list of messages, which each node writes anew.

    As in: LangGraph docs, Graph API, "Define state" (first example).
    """

    def act(state):
        text = f"granted: {granted('listed')}"
        return {"messages": [*state["messages"], AIMessage(f"2 messages, {text}")]}

    return line(act, state=Listed)


@works("trimmed, granted: True", "trimmed, granted: False", ran=["trimmed"])
def trimmed_history() -> Any:
    """The history is cut to what a model takes, before each call.

    As in: LangGraph docs, Memory, "Trim messages".
    """

    def trim(state):
        kept = trim_messages(
            state["messages"],
            strategy="last",
            token_counter=count_tokens_approximately,
            max_tokens=60,
            start_on="human",
        )
        return {"messages": [RemoveMessage(REMOVE_ALL_MESSAGES), *kept]}

    def act(state):
        strict(state["messages"])
        return say(f"trimmed, granted: {granted('trimmed')}")

    return line(trim, act)


class Summed(MessagesState):
    """The history, and what was in its older part."""

    summary: str


@works(
    "after the sum, granted: True",
    "after the sum, granted: False",
    ran=["summed"],
    long=True,
)
def summarised_history() -> Any:
    """Older messages are replaced by a summary and removed one by one.

    As in: LangGraph docs, Memory, "Summarize messages".
    """
    model = Model(says="A summary ")

    def act(state):
        return say(f"after the sum, granted: {granted('summed')}")

    def summarise(state):
        if len(state["messages"]) < 4:
            return {}
        gone = [RemoveMessage(m.id) for m in state["messages"][:-2]]
        return {"summary": model.invoke(state["messages"]).text, "messages": gone}

    return line(act, summarise, state=Summed)


@works("I know 1 thing", "I know 1 thing", "I know 0 things", ran=["remembered"])
def long_term_memory() -> Any:
    """A store beside the thread, which the graph brings along.

    As in: LangGraph docs, Memory, "Add long-term memory".
    """

    def remember(state, runtime: Runtime):
        if granted("remembered"):
            runtime.store.put(("memories",), "1", {"said": state["messages"][-1].text})
        known = len(runtime.store.search(("memories",)))
        return say(f"I know {known} thing{'s' * (known != 1)}")

    builder = StateGraph(MessagesState).add_node(remember).add_edge(START, "remember")
    return builder.compile(store=InMemoryStore())


@dataclass
class Context:
    """Where the graph is run, and for whom."""

    user_id: str
    tone: str = "polite"
    region: str = "nowhere"


@works(
    "polite in eu for U0RAVI",
    "polite in eu for U0RAVI",
    ran=["context"],
    settings={"AGENT_CONTEXT": '{"region": "eu"}'},
)
def runtime_context() -> Any:
    """A context of a setting, of defaults, and of who asks.

    As in: LangGraph docs, Graph API, "Add runtime configuration".
    """

    def act(state, runtime: Runtime[Context]):
        granted("context")
        given = runtime.context
        return say(f"{given.tone} in {given.region} for {given.user_id}")

    return line(act, context_schema=Context)


@dataclass
class Needed:
    """A context that nobody gives."""

    tenant: str


@refused("context needs tenant; give it in AGENT_CONTEXT", at_start=True, long=True)
def context_that_is_missing() -> Any:
    """A context with a field that has no value.

    As in: LangGraph docs, Graph API, "Add runtime configuration".
    """
    return line(("act", lambda state: say("never")), context_schema=Needed)


class Topic(TypedDict):
    """A state without messages."""

    topic: str


@refused("no key of its input takes a list of messages", at_start=True, long=True)
def state_without_messages() -> Any:
    """A graph that takes a topic, and no message.

    As in: LangGraph docs, Quickstart, the joke about a topic.
    """
    return line(("joke", lambda state: {"topic": "cats"}), state=Topic)


class Extra(TypedDict, total=False):
    """Messages under another name, and something with a default."""

    chat: Annotated[list[AnyMessage], add_messages]
    language: str


@works(
    "in English, granted: True",
    "in English, granted: False",
    ran=["renamed"],
    long=True,
)
def messages_under_another_key() -> Any:
    """The key that takes messages has a name of its author's.

    As in: LangGraph docs, Graph API, "Messages in graph state".
    """

    def act(state):
        language = state.get("language", "English")
        text = f"in {language}, granted: {granted('renamed')}"
        return {"chat": [AIMessage(text)]}

    return line(act, state=Extra)
