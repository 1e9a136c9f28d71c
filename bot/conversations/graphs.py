"""Load the graph that AGENT names, written as in `langgraph.json`.

What in somebody else's graph would not run safely here is changed before.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import inspect
import re
import sys
import sysconfig
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from difflib import SequenceMatcher
from importlib.machinery import ModuleSpec, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn, cast

import structlog
from langchain_core.messages import ToolCall
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphInterrupt
from langgraph.func import task
from langgraph.graph import StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.pregel import Pregel
from langgraph.pregel._loop import AsyncPregelLoop, SyncPregelLoop
from langgraph.runtime import Runtime
from langgraph.types import Command

from bot.base.errors import ConfigurationError
from bot.base.logs import escape_controls
from bot.base.masks import mask
from bot.base.settings import Settings
from bot.conversations.graph_context import make_context
from bot.conversations.graph_loop import GraphLoop
from bot.conversations.inspect_graph import Graph, LoadedGraph, describe, problem
from bot.texts import graphs as say

log = structlog.get_logger(__name__)
CAUSE_LIMIT = 200  # characters of another's words in a sentence of ours
# Code of which no line is a clue: Python's, the libraries', our own.
_NOT_THEIRS = (
    "<",
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    __file__,
)


@asynccontextmanager
async def load_graph(spec: str) -> AsyncGenerator[LoadedGraph]:
    """Load a graph and keep open what it has opened.

    The name stands for a compiled graph, a `StateGraph`, or a function that returns
    one: sync or async, with no argument or one `config`, or a context manager around
    it. Such a function is called once, here, and not for each run as LangGraph's own
    server does. https://docs.langchain.com/langsmith/graph-rebuild

    Args:
        spec: `./file.py:name`, from the working directory, or `package.module:name`.

    Raises:
        ConfigurationError: one sentence that says why it cannot be loaded.
    """
    where, _, name = spec.rpartition(":")
    if not where or not name.isidentifier():
        raise _refusal(spec, say.MALFORMED)
    adapt_langgraph()
    async with AsyncExitStack() as stack:
        # In a thread, as LangGraph's server does it: graphs are written that call
        # `asyncio.run` when they are imported.
        module = await asyncio.to_thread(_import, spec, where)
        found = _member(spec, module, name)
        graph = await _graph_of(spec, found, stack)
        yield replace(describe(graph, name), phrase=_phrase(module))


def _import(spec: str, where: str) -> ModuleType:
    if where.endswith(".py") or "/" in where:
        return _import_file(spec, Path(where).absolute())
    try:
        return importlib.import_module(where)
    except (Exception, SystemExit) as error:
        if isinstance(error, ModuleNotFoundError) and _is_part(error.name, where):
            raise _refusal(spec, say.no_module(where)) from error
        _fail(spec, say.NOT_IMPORTED, error)


def _is_part(missing: str | None, where: str) -> bool:
    return missing is not None and f"{where}.".startswith(f"{missing}.")


def _import_file(spec: str, path: Path) -> ModuleType:
    if path.suffix != ".py" or not path.is_file():
        raise _refusal(spec, say.no_file(path))
    # The same in each process, since checkpoints name the classes of the state by it;
    # like no other module, so that none is shadowed.
    name = f"graph_file_{re.sub(r'[^0-9A-Za-z]', '_', spec.rpartition(':')[0])}"
    loader = SourceFileLoader(name, str(path))
    module = importlib.util.module_from_spec(ModuleSpec(name, loader, origin=str(path)))
    module.__file__ = str(path)
    if str(path.parent) not in sys.path:
        # Its neighbours can be imported; at the end, so that they shadow nothing.
        sys.path.append(str(path.parent))
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        _fail(spec, say.NOT_IMPORTED, error)
    return module


def _member(spec: str, module: ModuleType, name: str) -> object:
    try:
        return getattr(module, name)
    except AttributeError:
        graphs = [n for n, v in vars(module).items() if _is_graph(v)]
        graphs.sort(key=lambda n: SequenceMatcher(None, n, name).ratio(), reverse=True)
        where = Path(spec.rpartition(":")[0]).name
        raise _refusal(spec, say.not_in_it(name, where, graphs)) from None


def _phrase(module: ModuleType) -> str:
    """The words in a module's docstring that one may write to its graph."""
    found = re.search(r"\b[Ww]rite\s+`([^`\n]+)`", module.__doc__ or "")
    return found[1] if found else ""


def _is_graph(value: object) -> bool:
    return isinstance(value, StateGraph | Pregel)


async def _graph_of(spec: str, found: object, stack: AsyncExitStack) -> Graph:
    if not _is_graph(found) and callable(found):
        arguments = _arguments(spec, found)
        try:
            found = await _made(found, arguments, stack)
        except (Exception, SystemExit) as error:
            _fail(spec, say.RAISED, error)
        if not _is_graph(found):
            raise _refusal(spec, say.returns_no_graph(type(found).__name__))
    if isinstance(found, StateGraph):
        return _compiled(spec, cast("StateGraph[Any, Any, Any, Any]", found))
    if isinstance(found, Pregel):
        return cast("Graph", found)
    raise _refusal(spec, say.no_graph(type(found).__name__))


async def _made(
    function: Callable[..., object], arguments: dict[str, Any], stack: AsyncExitStack
) -> object:
    made = function(**arguments)
    if inspect.isawaitable(made):
        made = await cast("Awaitable[object]", made)
    if hasattr(made, "__aenter__"):
        return await stack.enter_async_context(cast("Any", made))
    if hasattr(made, "__enter__"):
        return stack.enter_context(cast("Any", made))
    return made


def _arguments(spec: str, function: Callable[..., object]) -> dict[str, Any]:
    """Return the arguments to call a function with: none, or an empty `config`."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a function that is not written in Python
        return {}
    given: dict[str, Any] = {}
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if _takes_config(parameter):
            given[parameter.name] = {"configurable": {}}
        elif parameter.default is parameter.empty:
            raise _refusal(spec, say.needs_argument(parameter.name))
    return given


def _takes_config(parameter: inspect.Parameter) -> bool:
    if parameter.kind is parameter.POSITIONAL_ONLY:
        return False
    return parameter.name == "config" or "RunnableConfig" in str(parameter.annotation)


def _compiled(spec: str, builder: StateGraph[Any, Any, Any, Any]) -> Graph:
    try:
        return cast("Graph", builder.compile())
    except Exception as error:
        _fail(spec, say.NOT_COMPILED, error)


def _fail(spec: str, what: str, error: BaseException) -> NoReturn:
    log.debug("the graph cannot be loaded", action="graph_failed", exc_info=error)
    raise _refusal(spec, say.failed(what, _cause(error))) from None


def _cause(error: BaseException) -> str:
    """The type of an error, its first line and where in the graph's code it was."""
    said = (str(error).strip() or say.WITHOUT_A_WORD).splitlines()[0][:CAUSE_LIMIT]
    frames = traceback.extract_tb(error.__traceback__)
    theirs = [frame for frame in frames if not frame.filename.startswith(_NOT_THEIRS)]
    at = ""
    # Python itself says the place of what it cannot parse.
    if theirs and not isinstance(error, SyntaxError):
        at = say.in_line(Path(theirs[-1].filename).name, theirs[-1].lineno)
    return f"{type(error).__name__}: {said}{at}"


def _refusal(spec: str, why: str) -> ConfigurationError:
    return ConfigurationError(escape_controls(mask(say.not_loaded(spec, why))))


@asynccontextmanager
async def load_served(settings: Settings) -> AsyncGenerator[LoadedGraph | None]:
    """Load what AGENT names and keep open what it has opened; None: the shipped agent.

    Raises:
        ConfigurationError: one sentence that says why it cannot be served.
    """
    if settings.agent is None:
        yield None
        return
    async with (
        GraphLoop.started() as apart,
        apart.keep(load_graph(settings.agent)) as loaded,
    ):
        if why := problem(loaded):
            raise ConfigurationError(why)
        context = make_context(loaded.graph, settings.agent_context)
        yield replace(loaded, apart=apart, context=context)


# --- What would not run safely here is changed ---------------------------------------
IN_A_TASK = "__pregel_call"  # in `configurable`, where a task can begin another one


def adapt_langgraph() -> None:
    """Let graphs run as they are written, and each call of a tool node in its own task.

    To be called before a graph is loaded: a tool node keeps what it runs when it is
    made. Graphs of ours have no tool nodes.
    """
    # Under `durability="sync"` LangGraph waits for a checkpoint after each step, and
    # finds none in a subgraph with `checkpointer=False`.
    for loop in (AsyncPregelLoop, SyncPregelLoop):
        cast("Any", loop)._put_checkpoint_fut = _Nothing()
    cast("Any", ToolNode)._func = _run_apart
    cast("Any", ToolNode)._afunc = _arun_apart


class _Nothing:
    """Waits for nothing, however often."""

    def __await__(self) -> Iterator[None]:
        return iter(())

    def result(self) -> None:
        return None


# The node's own parts are used, as it uses them.
_together = cast("Any", ToolNode)._func
_atogether = cast("Any", ToolNode)._afunc


async def _arun_apart(
    node: Any, input: Any, config: RunnableConfig, runtime: Runtime[Any]
) -> Any:
    """Run the calls of one message apart, as `Send` would.

    LangGraph pairs answers with the questions of one task by their order, and runs the
    whole task again for each answer. In one task a call that has run would run once
    more, and an answer could reach the tool that asks first.
    """
    calls, kind = node._parse_input(input)
    if not _is_shared(calls, kind, config):
        return await _atogether(node, input, config, runtime)

    async def run(call: ToolCall) -> Any:
        return await node.ainvoke(_alone(call, input))

    waited = _begun(run, calls)
    ended: list[Any] = await asyncio.gather(*waited, return_exceptions=True)
    return node._combine_tool_outputs(_outputs(ended), kind)


def _run_apart(
    node: Any, input: Any, config: RunnableConfig, runtime: Runtime[Any]
) -> Any:
    """Do the same where a sync node or tool has called the graph."""
    calls, kind = node._parse_input(input)
    if not _is_shared(calls, kind, config):
        return _together(node, input, config, runtime)

    def run(call: ToolCall) -> Any:
        return node.invoke(_alone(call, input))

    ended = [_end_of(each) for each in _begun(run, calls)]
    return node._combine_tool_outputs(_outputs(ended), kind)


def _is_shared(calls: Sequence[Any], kind: str, config: RunnableConfig) -> bool:
    """Return whether one task has several calls, and can begin others for them."""
    several = kind != "tool_calls" and len(calls) > 1
    return several and IN_A_TASK in config.get("configurable", {})


def _alone(call: ToolCall, state: Any) -> dict[str, Any]:
    """One call in the shape in which LangGraph's own agents send it with its state."""
    return {"__type": "tool_call_with_context", "tool_call": call, "state": state}


def _begun(run: Callable[[ToolCall], Any], calls: Sequence[ToolCall]) -> list[Any]:
    one = cast("Any", task)
    return [one(run, name=call["name"])(call) for call in calls]


def _end_of(waited: Future[Any]) -> Any:
    try:
        return waited.result()
    except BaseException as error:
        return error


def _outputs(ended: list[Any]) -> list[Any]:
    """Give the messages and commands of calls, in their order.

    Raises:
        GraphInterrupt: some wait for answers; all that they ask.
        BaseException: of a call that has failed; the others have come to their ends.
    """
    errors = [each for each in ended if isinstance(each, BaseException)]
    for error in errors:
        if not isinstance(error, GraphInterrupt):
            raise error
    if errors:
        raise GraphInterrupt(tuple(i for error in errors for i in error.args[0]))
    found: list[Any] = []
    for each in ended:
        for output in cast("list[Any]", each if isinstance(each, list) else [each]):
            if isinstance(output, Command):
                found.append(output)
            else:  # messages, under the one key that a tool node writes to
                found += next(iter(output.values()))
    return found
