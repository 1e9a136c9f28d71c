"""What can be seen of one node of a graph: its functions, tools and chat models."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import RunnableBinding, RunnableSequence
from langchain_core.tools import BaseTool
from langgraph.prebuilt import ToolNode
from langgraph.types import interrupt


def tools(node: object) -> dict[str, BaseTool]:
    """The tools of a tool node, by name."""
    found = [part for part in _steps(node) if isinstance(part, ToolNode)]
    return {name: tool for part in found for name, tool in part.tools_by_name.items()}


def middleware(node: object) -> list[str]:
    """What LangChain's HumanInTheLoopMiddleware behind a node asks about."""
    return [
        f"tool {tool}: {', '.join(_allowed(config))}"
        for _, owner in _functions(node)
        for tool, config in _interrupt_on(owner).items()
    ]


def interrupts(node: object) -> bool:
    """Whether a function of a node calls `interrupt` itself."""
    return any(
        _calls_interrupt(function)
        for function, owner in _functions(node)
        if not _interrupt_on(owner)
    )


def asks(tool: BaseTool) -> bool:
    """Whether a tool calls `interrupt` itself."""
    return any(_calls_interrupt(function) for function, _ in _functions(tool))


def streams(node: object) -> bool:
    """Whether a chat model that can stream is in sight of a node."""
    seen: list[object] = [*_steps(node)]
    for function, owner in _functions(node):
        seen += _visible_to(function)
        seen += vars(owner).values() if hasattr(owner, "__dict__") else ()
    return any(_can_stream(part) for value in seen for part in _steps(value))


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
