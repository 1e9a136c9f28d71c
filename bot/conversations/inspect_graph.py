"""Inspect a graph before it runs: its inputs, nodes, tools and interrupts."""

from __future__ import annotations

import hashlib
import inspect
import json
import types
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from types import FunctionType, MethodType
from typing import Annotated, Any, Union, cast, get_args, get_origin

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableBinding, RunnableSequence
from langchain_core.tools import BaseTool
from langgraph.channels import BaseChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, add_messages
from langgraph.graph.state import CompiledStateGraph
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.types import interrupt

from agent.gate import is_guarded
from agent.tool_arguments import schema_of, titles_of
from bot.conversations.graph_context import GraphContext
from bot.conversations.graph_loop import GraphLoop
from bot.texts import graphs

Graph = Pregel[Any, Any, Any, Any]
Channel = BaseChannel[Any, Any, Any]
MESSAGES = "messages"


@dataclass(frozen=True)
class LoadedGraph:
    """A graph that can be served, and what is known of it.

    Attributes:
        graph: compiled; a checkpointer of its own is replaced for each run.
        name: the graph's own name, else the name that AGENT gives it.
        input_channel: the key of the state that takes messages; "" if there is none.
        tools: JSON schema of the arguments of each tool in a tool node.
        foresees: where it may ask, in words; if nothing is seen, at run time.
        streams: whether a chat model that can stream is in sight of a node.
        version: a digest of nodes, edges, state and breakpoints, so that a change
            which its waiting interrupts may not survive is noticed.
        stops: whether it has static breakpoints.
        guards: tools of tool nodes that our own gate stands on.
        titles: the template of a tool's headline, by its name, as its metadata has it.
        notes: sentences for the person who starts the bot.
        apart: the loop that it was loaded in and runs in, if that is one of its own.
        context: what its runs are given beside their input, if it declares that.
        phrase: what its file says that one may write to it, "" if nothing.
    """

    graph: Graph
    name: str
    input_channel: str
    tools: Mapping[str, dict[str, Any]]
    foresees: tuple[str, ...]
    streams: bool
    version: str
    notes: tuple[str, ...] = ()
    stops: bool = False
    guards: frozenset[str] = frozenset()
    titles: Mapping[str, str] = field(default_factory=dict[str, str])
    apart: GraphLoop | None = None
    context: GraphContext | None = None
    phrase: str = ""


def describe(graph: Graph, name: str) -> LoadedGraph:
    """Look at a graph; runs nothing of it.

    Args:
        graph: a compiled graph.
        name: what to call it where it has no name of its own.
    """
    own = graph.get_name()
    return LoadedGraph(
        graph=graph,
        name=name if own == "LangGraph" else own,
        input_channel=_input_channel(graph),
        tools=_tool_schemas(graph),
        foresees=tuple(_foreseen(graph)) or (graphs.AT_RUN_TIME,),
        streams=any(
            streams(node.bound)
            for _, part in _parts(graph)
            for node in part.nodes.values()
        ),
        version=_version(graph),
        notes=tuple(_notes(graph)),
        stops=any(
            part.interrupt_before_nodes or part.interrupt_after_nodes
            for _, part in _parts(graph)
        ),
        titles=titles_of(_tools(graph).values()),
        guards=frozenset(n for n, t in _tools(graph).items() if is_guarded(t)),
    )


def problem(loaded: LoadedGraph) -> str:
    """Say in one sentence why the bot cannot serve a graph, or ""."""
    if loaded.graph.input_channels == START and not isinstance(
        loaded.graph, CompiledStateGraph
    ):
        return graphs.is_an_entrypoint(loaded.name)
    if not loaded.input_channel:
        return graphs.takes_no_messages(loaded.name, _inputs(loaded.graph))
    parts = _parts(loaded.graph)
    deaf = [path for path, part in parts if path and _asks_in_vain(part)]
    return graphs.asks_in_vain(loaded.name, deaf) if deaf else ""


def remembering(graph: Graph) -> list[str]:
    """The nodes whose subgraphs keep a conversation of their own.

    Deeper ones are not reached: the checkpoints of those go by the tasks around them.
    """
    return [
        path
        for path, part in _parts(graph)
        if part.checkpointer is True and MESSAGES in part.channels and "|" not in path
    ]


def _asks_in_vain(part: Graph) -> bool:
    """Return whether a subgraph keeps no state, and so would forget its question."""
    nodes = part.nodes.values()
    return part.checkpointer is False and any(interrupts(n.bound) for n in nodes)


def _parts(graph: Graph) -> Iterator[tuple[str, Graph]]:
    """The graph and its subgraphs, each with its path, such as `plan|research`."""
    yield from _with_stateless("", graph)
    found = cast("Iterator[tuple[str, object]]", graph.get_subgraphs(recurse=True))
    for path, part in found:
        if isinstance(part, Pregel):
            yield from _with_stateless(path, cast("Graph", part))


def _with_stateless(
    path: str, graph: Graph, above: tuple[Graph, ...] = ()
) -> Iterator[tuple[str, Graph]]:
    """A graph and the parts in it that keep no state, which LangGraph does not list."""
    yield path, graph
    above = (*above, graph)
    for name, node in graph.nodes.items():
        for value in _in_sight(node.bound):
            if not isinstance(value, Pregel) or value.checkpointer is not False:
                continue
            part, inside = cast("Graph", value), f"{path}|{name}" if path else name
            if all(part is not known for known in above):  # a node may see its graph
                yield from _with_stateless(inside, part, above)


def _inputs(graph: Graph) -> dict[str, Channel]:
    keys: Sequence[str] = ()
    if isinstance(graph, CompiledStateGraph):
        builder = graph.builder
        keys = list(cast("dict[str, object]", builder.schemas[builder.input_schema]))
    elif not isinstance(graph.input_channels, str):
        keys = graph.input_channels
    channels = _channels(graph)
    return {key: channels[key] for key in keys if key in channels and key != "__root__"}


def _channels(graph: Graph) -> dict[str, Channel]:
    """The channels without what LangGraph itself fills in for the nodes."""
    found = cast("dict[str, object]", graph.channels)
    return {
        k: cast("Channel", c) for k, c in found.items() if isinstance(c, BaseChannel)
    }


def _input_channel(graph: Graph) -> str:
    inputs = _inputs(graph)
    fitting = [key for key, channel in inputs.items() if _takes_messages(channel)]
    usual = inputs.get(MESSAGES)
    if MESSAGES in fitting or (usual and _plain(usual.ValueType) in (list, Sequence)):
        return MESSAGES
    return fitting[0] if len(fitting) == 1 else ""


def _takes_messages(channel: Channel) -> bool:
    reducer = getattr(channel, "operator", None) or getattr(channel, "reducer", None)
    # `add_messages(format=…)` is a partial of the function behind `add_messages`.
    if isinstance(reducer, partial):
        return reducer.func.__module__ == add_messages.__module__
    return reducer is add_messages or _is_list_of_messages(channel.ValueType)


def _is_list_of_messages(kind: Any) -> bool:
    plain = _plain(kind)
    if get_origin(plain) not in (list, Sequence):
        return False
    return any(_is_message(element) for element in get_args(plain))


def _is_message(kind: Any) -> bool:
    plain = _plain(kind)
    if get_origin(plain) in (Union, types.UnionType):
        return any(_is_message(member) for member in get_args(plain))
    return isinstance(plain, type) and issubclass(plain, BaseMessage)


def _plain(kind: Any) -> Any:
    return _plain(get_args(kind)[0]) if get_origin(kind) is Annotated else kind


def _tools(graph: Graph) -> dict[str, BaseTool]:
    return {
        name: tool
        for _, part in _parts(graph)
        for node in part.nodes.values()
        for name, tool in tools(node.bound).items()
    }


def _tool_schemas(graph: Graph) -> dict[str, dict[str, Any]]:
    schemas: dict[str, dict[str, Any]] = {}
    for name, tool in _tools(graph).items():
        # Arguments of a type that JSON schema does not know: left out, like a tool
        # that stands in no tool node.
        with suppress(Exception):
            schemas[name] = schema_of(tool)
    return schemas


def _foreseen(graph: Graph) -> list[str]:
    """Return the places where a graph may ask, as far as can be seen, each once."""
    found: list[str] = []
    for path, part in _parts(graph):
        inside = f"{path}|" if path else ""
        for when, nodes in (
            ("before", part.interrupt_before_nodes),
            ("after", part.interrupt_after_nodes),
        ):
            names = [graphs.every_node(path)] if nodes == "*" else nodes
            found += [graphs.stops(when, f"{inside}{name}") for name in names]
        for name, node in part.nodes.items():
            found += middleware(node.bound)
            if interrupts(node.bound):
                found.append(graphs.in_node(f"{inside}{name}"))
    found += [graphs.in_tool(n) for n, t in _tools(graph).items() if asks(t)]
    return list(dict.fromkeys(found))


def _version(graph: Graph) -> str:
    seen = [[path, *_structure(part)] for path, part in _parts(graph)]
    text = json.dumps(sorted(seen), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _structure(graph: Graph) -> list[Any]:
    # What LangGraph derives itself (branch:to:…) may change with its release.
    derived = ("__", "branch:", "join:")
    edges = graph.get_graph().edges
    return [
        sorted(graph.nodes),
        sorted([e.source, e.target, e.conditional] for e in edges),
        sorted(
            [key, type(channel).__name__]
            for key, channel in _channels(graph).items()
            if not key.startswith(derived)
        ),
        [sorted(graph.interrupt_before_nodes), sorted(graph.interrupt_after_nodes)],
    ]


def _notes(graph: Graph) -> Iterator[str]:
    if isinstance(graph.checkpointer, BaseCheckpointSaver):
        yield graphs.NOT_ITS_CHECKPOINTER
    if graph.store is not None:
        yield graphs.keeps_its_store(type(graph.store).__name__)
    nodes = graph.nodes.items()
    cached = [name for name, node in nodes if node.cache_policy or graph.cache_policy]
    if graph.cache is not None and cached:
        yield graphs.answers_from_cache(cached)
    if retried := [name for name, node in nodes if node.retry_policy]:
        yield graphs.tries_again(retried)


def tools(node: object) -> dict[str, BaseTool]:
    """The tools of a tool node, by name."""
    found = [part for part in _steps(node) if isinstance(part, ToolNode)]
    return {name: tool for part in found for name, tool in part.tools_by_name.items()}


def middleware(node: object) -> list[str]:
    """Return what LangChain's HumanInTheLoopMiddleware behind a node asks about."""
    return [
        graphs.before_tool(tool, _allowed(config))
        for _, owner in _functions(node)
        for tool, config in _interrupt_on(owner).items()
    ]


def interrupts(node: object) -> bool:
    """Return whether a function of a node calls `interrupt` itself."""
    return any(
        _calls_interrupt(function)
        for function, owner in _functions(node)
        if not _interrupt_on(owner)
    )


def asks(tool: BaseTool) -> bool:
    """Return whether a tool calls `interrupt` itself."""
    return any(_calls_interrupt(function) for function, _ in _functions(tool))


def streams(node: object) -> bool:
    """Return whether a chat model that can stream is in sight of a node."""
    return any(_can_stream(part) for value in _in_sight(node) for part in _steps(value))


def _in_sight(node: object) -> list[object]:
    """All that a node consists of, and what its functions can see."""
    seen: list[object] = [*_steps(node)]
    for function, owner in _functions(node):
        seen += _visible_to(function)
        seen += vars(owner).values() if hasattr(owner, "__dict__") else ()
    return seen


def _steps(runnable: object) -> Iterator[object]:
    yield runnable
    if isinstance(runnable, RunnableSequence):
        for step in cast("RunnableSequence[Any, Any]", runnable).steps:
            yield from _steps(step)
    elif isinstance(runnable, RunnableBinding):
        yield from _steps(cast("RunnableBinding[Any, Any]", runnable).bound)


def _functions(node: object) -> Iterator[tuple[FunctionType, object]]:
    """The functions of a node or a tool, each with the object it is bound to."""
    for part in _steps(node):
        for name in ("func", "afunc", "coroutine"):
            held: object = getattr(part, name, None)
            while isinstance(held, partial):
                held = cast("partial[Any]", held).func
            owner: object = held.__self__ if isinstance(held, MethodType) else None
            plain = inspect.unwrap(held) if callable(held) else held
            if isinstance(plain, MethodType):
                plain = plain.__func__
            if isinstance(plain, FunctionType):
                yield plain, owner


def _interrupt_on(owner: object) -> Mapping[str, Any]:
    # By its attribute, since LangChain itself need not be installed.
    found: object = getattr(owner, "interrupt_on", None)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _allowed(config: object) -> list[str]:
    if not isinstance(config, dict):
        return []
    words = cast("dict[str, Any]", config).get("allowed_decisions", ())
    return [str(word) for word in words]


def _calls_interrupt(function: FunctionType) -> bool:
    names = function.__code__.co_names
    return "interrupt" in names or any(
        function.__globals__.get(name) is interrupt for name in names
    )


def _visible_to(function: FunctionType) -> list[object]:
    try:
        seen = inspect.getclosurevars(function)
    except ValueError:  # a name in it has no value yet
        return []
    return [*seen.nonlocals.values(), *seen.globals.values()]


def _can_stream(value: object) -> bool:
    if not isinstance(value, BaseChatModel) or value.disable_streaming is True:
        return False
    own = (getattr(type(value), name) for name in ("_stream", "_astream"))
    given = (getattr(BaseChatModel, name) for name in ("_stream", "_astream"))
    return any(mine is not theirs for mine, theirs in zip(own, given, strict=True))
