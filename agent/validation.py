"""Judge a call against its tool's schema before anybody is asked about it."""

from __future__ import annotations

from typing import Any, cast

from langchain_core.tools import BaseTool, InjectedToolCallId
from pydantic import BaseModel, ValidationError

from agent.arguments import check_values

MAX_COMPLAINTS = 5


def schema_of(tool: BaseTool) -> dict[str, Any]:
    """The JSON schema of the arguments that the model may give."""
    schema = cast("type[BaseModel] | dict[str, Any]", tool.tool_call_schema)
    return schema if isinstance(schema, dict) else schema.model_json_schema()


def problem_with(tool: BaseTool, args: dict[str, Any]) -> str:
    """Say in one sentence why the tool cannot run with these arguments, or ""."""
    if bad := check_values(args):
        return bad
    complaints = _unknown(tool, args) or _complaints(tool, args)
    if not complaints:
        return ""
    listed = "; ".join(complaints[:MAX_COMPLAINTS])
    return f"The arguments do not fit {tool.name}: {listed}."


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
    return [f"there is no argument {key!r}" for key in args if key not in known]


def _complaints(tool: BaseTool, args: dict[str, Any]) -> list[str]:
    schema, model = schema_of(tool), _model_of(tool)
    if model is None:
        required = cast("list[str]", schema.get("required", []))
        return [f"{name!r} is missing" for name in required if name not in args]
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
