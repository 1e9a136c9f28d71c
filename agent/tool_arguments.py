"""Parse a tool call's arguments, and check them against the tool's schema."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NoReturn, cast

from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ValidationError

from agent.phrases import tool_calls

#: Beyond it two readers of JSON may see two numbers (RFC 8785, RFC 7493).
MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 32
MAX_PARTS = 5_000  # of a server's schema, its references written out
#: The key of a tool's schema under which the program marks what it knows of the tool.
#: It is part of each digest, and the model does not get it.
MARKS = "x-marks"


class ArgumentsError(ValueError):
    """The arguments cannot be used; the text is a sentence for the model."""


def parse_arguments(text: str) -> dict[str, Any]:
    """Read the arguments that a model server sent as JSON text.

    An empty text counts as no arguments, as servers send it for tools without any.

    Raises:
        ArgumentsError: the text is no JSON, no object, or holds a key twice.
    """
    if not text.strip():
        return {}
    try:
        value: object = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant
        )
    except ArgumentsError:
        raise
    except (ValueError, RecursionError) as exc:
        raise ArgumentsError(tool_calls.NO_JSON) from exc
    if not isinstance(value, dict):
        raise ArgumentsError(tool_calls.NO_OBJECT)
    return cast("dict[str, Any]", value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Readers disagree on which of two equal keys counts, so a card could show one
    # value and the tool get another.
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ArgumentsError(tool_calls.SAME_KEY_TWICE)
    return found


def _no_constant(name: str) -> NoReturn:
    raise ArgumentsError(tool_calls.no_number(name))


def check_values(value: object, depth: int = 0) -> str:
    """Say what in a parsed value cannot be shown, hashed and stored as it is.

    Returns a sentence for the model, or "" when all is well.
    """
    if depth > MAX_DEPTH:
        return tool_calls.too_deep(MAX_DEPTH)
    if isinstance(value, dict):
        entries = cast("dict[object, object]", value)
        if not all(isinstance(key, str) for key in entries):
            return tool_calls.KEY_NO_TEXT
        return _first(depth, *entries.keys(), *entries.values())
    if isinstance(value, list):
        return _first(depth, *cast("list[object]", value))
    return _check_leaf(value)


def _first(depth: int, *values: object) -> str:
    return next((bad for v in values if (bad := check_values(v, depth + 1))), "")


def _check_leaf(value: object) -> str:
    if isinstance(value, str):
        return _check_text(value)
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return _check_number(value)
    return tool_calls.NOT_KNOWN_TO_JSON


def _check_number(value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return tool_calls.NOT_FINITE
    # A float too: written as JSON it may become an integer that nobody can write.
    beyond = abs(value) > MAX_INTEGER
    return tool_calls.BEYOND_INTEGERS if beyond else ""


def _check_text(text: str) -> str:
    if "\0" in text:
        return tool_calls.NUL
    if any("\ud800" <= char <= "\udfff" for char in text):
        return tool_calls.HALF_CHARACTER
    return ""


MAX_COMPLAINTS = 5


def schema_of(tool: BaseTool) -> dict[str, Any]:
    """The JSON schema of the arguments that the model may give."""
    schema = cast("type[BaseModel] | dict[str, Any]", tool.tool_call_schema)
    return schema if isinstance(schema, dict) else schema.model_json_schema()


def titled(tool: str) -> dict[str, Any]:
    """The metadata of a tool of ours: the template of its headline.

    Any tool of a graph may have one, and `{name}` in it stands for an argument.
    """
    return {"title": tool_calls.TITLES[tool]}


def titles_of(tools: Iterable[BaseTool]) -> dict[str, str]:
    """The templates of the tools that have one, by the tools' names."""
    found = {tool.name: (tool.metadata or {}).get("title") for tool in tools}
    return {name: title for name, title in found.items() if isinstance(title, str)}


def problem_with(tool: BaseTool, args: dict[str, Any]) -> str:
    """Say in one sentence why the tool cannot run with these arguments, or ""."""
    if bad := check_values(args):
        return bad
    complaints = _unknown(tool, args) or _complaints(tool, args)
    return (
        tool_calls.unfit(tool.name, complaints[:MAX_COMPLAINTS]) if complaints else ""
    )


def _model_of(tool: BaseTool) -> type[BaseModel] | None:
    schema: object = tool.args_schema
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema
    return None


def _unknown(tool: BaseTool, args: dict[str, Any]) -> list[str]:
    # A key that the model does not see in the schema would either be dropped after a
    # person approved it, or fill an argument that only the program may inject.
    schema, model = schema_of(tool), _model_of(tool)
    if schema.get("additionalProperties"):
        return []
    if model is not None and model.model_config.get("extra") == "allow":
        return []
    known = cast("dict[str, object]", schema.get("properties", {}))
    return [tool_calls.no_argument(key) for key in args if key not in known]


def _complaints(tool: BaseTool, args: dict[str, Any]) -> list[str]:
    schema, model = schema_of(tool), _model_of(tool)
    if model is None:
        required = cast("list[str]", schema.get("required", []))
        return [tool_calls.missing(name) for name in required if name not in args]
    try:
        model.model_validate(args)
    except ValidationError as exc:
        return _sentences(exc, _hidden(tool, model))
    return []


def _hidden(tool: BaseTool, model: type[BaseModel]) -> set[str]:
    """Fields that the program fills in, not the model."""
    shown = cast("type[BaseModel]", tool.tool_call_schema)
    return set(model.model_fields) - set(shown.model_fields)


def _sentences(exc: ValidationError, hidden: set[str]) -> list[str]:
    # Without the values that pydantic saw: they go to the model as they are anyway.
    return [
        f"{'.'.join(map(str, error['loc'])) or 'arguments'}: {error['msg'].lower()}"
        for error in exc.errors(include_url=False, include_input=False)
        if not error["loc"] or error["loc"][0] not in hidden
    ]


def injected_by_graph(tool: BaseTool) -> list[str]:
    """Arguments that only a graph's own tool node could fill in (state, store, …)."""
    model = _model_of(tool)
    if model is None:
        return []
    hidden = _hidden(tool, model)
    return sorted(n for n in hidden if not _is_call_id(model.model_fields[n].metadata))


def _is_call_id(metadata: list[Any]) -> bool:
    return any(
        isinstance(m, InjectedToolCallId) or m is InjectedToolCallId for m in metadata
    )


@lru_cache(maxsize=1_000)  # a list is read before each call
def is_usable(schema: str) -> bool:
    """Return whether the model can be given a tool with this JSON schema.

    One that cannot would end each turn of the agent, whichever tools it needs.
    """
    form = json.loads(schema)
    if not (isinstance(form["properties"], dict) and _is_list(form.get("required"))):
        return False
    if not _is_small(form):
        return False
    try:
        convert_to_openai_tool(
            StructuredTool(name="x", description="x", args_schema=form, func=print)
        )
    except Exception:  # of whatever kind: the schema is somebody else's
        return False
    return True


def _is_list(required: object) -> bool:
    return required is None or isinstance(required, list)


def _is_small(form: dict[str, Any]) -> bool:
    """Return whether a schema stays small when each reference is written out.

    It is for the model; a few that double each other would be more than memory holds.
    """
    room = MAX_PARTS
    todo: list[tuple[Any, frozenset[str]]] = [(form, frozenset())]
    while todo:
        part, followed = todo.pop()
        room -= 1
        if room < 0:
            return False
        if isinstance(part, dict):
            values = cast("dict[str, Any]", part)
            ref = values.get("$ref")
            if isinstance(ref, str) and ref not in followed:
                todo.append((_at(form, ref), followed | {ref}))
            todo += [(each, followed) for each in values.values()]
        elif isinstance(part, list):
            todo += [(each, followed) for each in cast("list[Any]", part)]
    return True


def _at(form: dict[str, Any], ref: str) -> Any:
    """The part of a schema that a reference within it names, None if there is none."""
    found: Any = form
    for step in ref.split("/")[1:]:
        if isinstance(found, list) and step.isdecimal():
            found = dict(enumerate(cast("list[Any]", found))).get(int(step))
        else:
            found = (
                cast("dict[str, Any]", found).get(step)
                if isinstance(found, dict)
                else None
            )
    return found


class Toolbox:
    """Tools by name: some for good, and some that come and go."""

    def __init__(
        self,
        tools: Sequence[BaseTool],
        more: Callable[[], Sequence[BaseTool]] = tuple,
    ) -> None:
        self._tools = tools
        self._more = more
        self._last: tuple[Sequence[BaseTool], dict[str, BaseTool]] = (), _named(tools)

    @property
    def named(self) -> dict[str, BaseTool]:
        """The tools there are now; the same dict as long as they are the same."""
        more = self._more()
        if [*map(id, more)] != [*map(id, self._last[0])]:
            self._last = more, _named([*self._tools, *more])
        return self._last[1]


class Schemas(Mapping[str, dict[str, Any]]):
    """The schemas of the tools in a toolbox, by name."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox

    def __getitem__(self, name: str) -> dict[str, Any]:
        return schema_of(self._toolbox.named[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._toolbox.named)

    def __len__(self) -> int:
        return len(self._toolbox.named)


def _named(tools: Sequence[BaseTool]) -> dict[str, BaseTool]:
    named = {tool.name: tool for tool in tools}
    if len(named) < len(tools):
        raise ValueError("Two tools have the same name.")
    return named
