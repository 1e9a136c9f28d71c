"""Graphs by their structure: subgraphs, branches, tasks, streams, limits."""

from __future__ import annotations

import threading
from operator import add
from typing import Annotated, Any

from langgraph.cache.memory import InMemoryCache
from langgraph.config import get_stream_writer
from langgraph.func import entrypoint, task
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import CachePolicy, Command, RetryPolicy, Send, interrupt
from typing_extensions import TypedDict

from tests.zoo.kit import did, line, refused, say, works


def ask(question: str, effect: str) -> Any:
    """A node that asks, and then does it or not."""

    def node(state):
        if interrupt({"question": question}):
            did(effect)
            return say(f"{effect} is done")
        return say(f"{effect} is left")

    return node


@works("both are over", "both are over", ran=["a", "b"], long=True)
def parallel_branches() -> Any:
    """Two branches ask at once; each answer reaches its own.

    As in: LangGraph docs, Interrupts, "Handling multiple interrupts".
    """
    builder = StateGraph(MessagesState)
    builder.add_node("join", lambda state: say("both are over"))
    for name in ("a", "b"):
        builder.add_node(name, ask(f"Do {name}?", name)).add_edge(START, name)
    return builder.add_edge(["a", "b"], "join").compile()


class Jokes(MessagesState):
    """A list that branches add to."""

    jokes: Annotated[list[str], add]


@works("told: cats, dogs", "told:", ran=["cats", "dogs"], long=True)
def map_reduce() -> Any:
    """As many branches as there is work, sent with `Send`; each asks.

    As in: LangGraph how-to, "Create map-reduce branches".
    """

    def joke(state):
        subject = state["subject"]
        if not interrupt(f"Tell a joke about {subject}?"):
            return {"jokes": []}
        did(subject)
        return {"jokes": [subject]}

    def tell(state):
        told = state["jokes"][-2:] if state["jokes"] else []
        return say(f"told: {', '.join(sorted(told))}")

    def work(state):
        return [Send("joke", {"subject": each}) for each in ("cats", "dogs")]

    builder = StateGraph(Jokes).add_node(joke).add_node(tell).add_edge("joke", "tell")
    return builder.add_conditional_edges(START, work, ["joke"]).compile()


@works("the end", "the end", ran=["inner work"], long=True)
def subgraph_with_shared_state() -> Any:
    """A compiled graph is a node, and asks.

    As in: LangGraph docs, Subgraphs, "Add a subgraph as a node".
    """
    inner = line(("inner", ask("Do the inner work?", "inner work")))
    return line(("subgraph", inner), ("end", lambda state: say("the end")))


class Own(TypedDict):
    """A state with nothing of its parent's."""

    wish: str
    answer: str


@works("the subgraph heard yes", "the subgraph heard no", ran=["own"], long=True)
def subgraph_with_its_own_state() -> Any:
    """A node calls a graph with another state, and translates.

    As in: LangGraph docs, Subgraphs, "Call a subgraph inside a node".
    """

    def decide(state):
        if not interrupt({"question": f"Grant {state['wish']}?"}):
            return {"answer": "no"}
        did("own")
        return {"answer": "yes"}

    inner = line(decide, state=Own)

    def call(state):
        found = inner.invoke({"wish": state["messages"][-1].text, "answer": ""})
        return say(f"the subgraph heard {found['answer']}")

    return line(call)


@works("the end", "the end", ran=["deep work"], long=True)
def nested_subgraphs() -> Any:
    """A question comes from two levels below.

    As in: LangGraph docs, Subgraphs, grandchildren.
    """
    child = line(("deep", ask("Do the deep work?", "deep work")))
    parent = line(("child", child))
    return line(("parent", parent), ("end", lambda state: say("the end")))


@works("the end", "the end", ran=["kept work"])
def subgraph_with_a_memory() -> Any:
    """A subgraph keeps its own messages from turn to turn.

    As in: LangGraph docs, Subgraphs, `checkpointer=True`.
    """
    builder = StateGraph(MessagesState).add_edge(START, "inner")
    builder.add_node("inner", ask("Do the kept work?", "kept work"))
    inner = builder.compile(checkpointer=True)
    return line(("subgraph", inner), ("end", lambda state: say("the end")))


@works("flow: done", "flow: left", ran=["flow"])
def functional_api_in_a_node() -> Any:
    """A node runs an `@entrypoint`, whose `@task` is followed by a question.

    As in: LangGraph docs, Functional API, "Human-in-the-loop".
    """

    @task
    def write_essay(topic: str) -> str:
        return f"An essay about {topic}"

    @entrypoint()
    def workflow(topic: str) -> str:
        essay = write_essay(topic).result()
        if not interrupt({"essay": essay, "action": "Approve or reject the essay"}):
            return "left"
        did("flow")
        return "done"

    return line(
        ("flow", lambda s: say(f"flow: {workflow.invoke(s['messages'][-1].text)}"))
    )


@refused("it is an entrypoint of the functional API", at_start=True)
def functional_api_alone() -> Any:
    """An `@entrypoint` is the whole graph: it has no state with messages.

    As in: LangGraph docs, Functional API.
    """

    @entrypoint()
    def workflow(topic: str) -> str:
        return "done" if interrupt(topic) else "left"

    return workflow


@works("It is sent", "It is left", ran=["sent"], long=True)
def streaming_node() -> Any:
    """A node writes to a custom stream before and after it asks.

    As in: LangGraph docs, Streaming, "Stream custom data".
    """

    def generate(state):
        get_stream_writer()({"progress": "begun"})
        if not interrupt("Send it?"):
            return say("It is left")
        did("sent")
        get_stream_writer()({"progress": "ended"})
        return say("It is sent")

    return line(generate)


@works("all is in: short, long", "all is in: short, long", ran=["work"], long=True)
def deferred_node() -> Any:
    """A node waits for branches of different lengths, one of which asks.

    As in: LangGraph docs, Graph API, "Defer node execution".
    """
    builder = StateGraph(MessagesState).add_edge(START, "short").add_edge(START, "one")
    builder.add_node("short", lambda state: None)
    builder.add_node("one", ask("Do the long work?", "work"))
    builder.add_node("two", lambda state: None).add_edge("one", "two")
    builder.add_node("end", lambda state: say("all is in: short, long"), defer=True)
    return builder.add_edge("short", "end").add_edge("two", "end").compile()


@works("It is tried 2 times", "left is done", ran=["failed", "worked"], long=True)
def retry_policy() -> Any:
    """A node behind a question fails once, and LangGraph runs it again.

    As in: LangGraph docs, Graph API, "Add retry policies".
    """

    def ask_first(state):
        go = interrupt("Call the server?")
        return Command(goto="call" if go else "leave")

    tries: list[str] = []

    def call(state):
        tries.append("")
        did("worked" if len(tries) > 1 else "failed")
        if len(tries) < 2:
            raise ConnectionError
        return say(f"It is tried {len(tries)} times")

    builder = StateGraph(MessagesState).add_edge(START, "ask_first")
    builder.add_node("ask_first", ask_first, destinations=("call", "leave"))
    once_more = RetryPolicy(initial_interval=0.01)
    builder.add_node("call", call, retry_policy=once_more)
    return builder.add_node("leave", lambda state: say("left is done")).compile()


@works("cached work is done", "cached work is left", ran=["cached work"], long=True)
def cached_node() -> Any:
    """A node's result comes from a cache; the question is another node's.

    As in: LangGraph docs, Graph API, "Node caching".
    """
    builder = StateGraph(MessagesState).add_edge(START, "expensive")
    policy = CachePolicy(ttl=60)
    builder.add_node("expensive", lambda state: None, cache_policy=policy)
    builder.add_node("ask", ask("Do the cached work?", "cached work"))
    return builder.add_edge("expensive", "ask").compile(cache=InMemoryCache())


@works("more steps than one turn may take", "It is left", told=True, ran=["begun"])
def recursion_limit() -> Any:
    """A loop behind a question runs into the graph's own limit.

    As in: LangGraph docs, Graph API, "Impose a recursion limit".
    """

    def start(state):
        if not interrupt("Begin?"):
            return Command(goto="leave")
        did("begun")
        return Command(goto="loop")

    def loop(state):
        return Command(goto="loop")

    builder = StateGraph(MessagesState).add_edge(START, "start")
    builder.add_node("start", start, destinations=("loop", "leave"))
    builder.add_node("loop", loop, destinations=("loop",))
    builder.add_node("leave", lambda state: say("It is left"))
    return builder.compile().with_config(recursion_limit=4)


@works(
    "failed in `look` (KeyError)",
    "Already done: `begin`",
    told=True,
    ran=["half"],
    long=True,
)
def error_in_a_node() -> Any:
    """A node behind the question has an error of its own.

    As in: LangGraph issue threads on errors after a resume.
    """

    def begin(state):
        if interrupt("Begin?"):
            did("half")

    def look(state):
        return say({}["nothing"])

    return line(begin, look)


@refused("asks and is compiled with checkpointer=False", at_start=True, long=True)
def subgraph_without_checkpoints() -> Any:
    """A subgraph that keeps nothing asks.

    As in: LangGraph docs, Subgraphs, `checkpointer=False`.
    """
    builder = StateGraph(MessagesState).add_edge(START, "inner")
    builder.add_node("inner", ask("Go?", "it"))
    return line(("subgraph", builder.compile(checkpointer=False)))


@refused("a value of the type `lock` in `ask`")
def payload_that_cannot_be_stored() -> Any:
    """A question holds an object that no checkpoint keeps.

    As in: LangGraph issue threads on "Type is not msgpack serializable".
    """

    def ask(state):
        return say(interrupt({"question": "Go?", "lock": threading.Lock()}))

    return line(ask)


@works("the helper said: quick", "the helper said: quick", ran=["it"], long=True)
def helper_without_checkpoints() -> Any:
    """A node calls a graph that keeps nothing.

    As in: LangGraph issue threads on `checkpointer=False` and `durability`.
    """
    builder = StateGraph(MessagesState).add_edge(START, "inner")
    builder.add_node("inner", lambda state: say("quick"))
    quick = builder.compile(checkpointer=False)

    def call(state):
        found = quick.invoke({"messages": state["messages"]})
        return say(f"the helper said: {found['messages'][-1].text}")

    return line(("ask", ask("Go?", "it")), call)
