"""Build the runtime context of a graph that declares one: settings, and who asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

from langgraph.pregel import Pregel
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError

from bot.approvals.assess import Turn
from bot.base.errors import ConfigurationError
from bot.texts import graphs

#: Fields that are filled with who asks where, unless AGENT_CONTEXT gives them.
ASKER = (
    "user_id",
    "user_name",
    "team_id",
    "channel_id",
    "thread_ts",
    "conversation_id",
)
#: What a run knows about who asks, by those names.
asker: ContextVar[Mapping[str, str]] = ContextVar("asker")


def introduced(turn: Turn, name: str) -> dict[str, str]:
    """Say who asks in a turn; `name` is theirs in Slack."""
    return {
        "user_id": turn.people.requester.user,
        "user_name": name,
        "team_id": turn.people.requester.team,
        "channel_id": turn.channel,
        "thread_ts": turn.thread_ts,
        "conversation_id": turn.conversation,
    }


@dataclass(frozen=True)
class GraphContext:
    """The context that a graph declares.

    Attributes:
        schema: a dataclass, a Pydantic model, a TypedDict, or any other class.
        values: of AGENT_CONTEXT.
        asks: its fields that say who asks.
    """

    schema: Any
    values: Mapping[str, Any]
    asks: frozenset[str]

    def given(self, who: Mapping[str, str]) -> dict[str, Any]:
        """The fields of one run by their names."""
        found = {key: value for key, value in who.items() if key in self.asks}
        return {**self.values, **found}

    def built(self, who: Mapping[str, str]) -> Any:
        """Build the context of one run.

        Raises:
            ValidationError, TypeError: the values do not fit the schema.
        """
        values = self.given(who)
        try:
            return TypeAdapter[Any](self.schema).validate_python(values)
        except (PydanticUserError, PydanticUndefinedAnnotation):
            # types that Pydantic does not know: LangGraph makes it without a check
            return values


def make_context(
    graph: Pregel[Any, Any, Any, Any], given: Mapping[str, Any] | None
) -> GraphContext | None:
    """Check what AGENT_CONTEXT gives against what the graph declares.

    Raises:
        ConfigurationError: one sentence that names the fields which do not fit.
    """
    schema: Any = graph.context_schema
    if schema is None:
        if given is not None:
            raise ConfigurationError(graphs.NO_CONTEXT)
        return None
    values, fields = given or {}, _fields(schema)
    if strange := [key for key in values if fields and key not in fields]:
        raise ConfigurationError(graphs.strange_context(strange, fields))
    asks = frozenset(key for key in ASKER if key in fields and key not in values)
    required = [key for key, needed in fields.items() if needed]
    if missing := [key for key in required if key not in values and key not in asks]:
        raise ConfigurationError(graphs.context_lacks(missing))
    made = GraphContext(schema, values, asks)
    try:
        made.built(dict.fromkeys(ASKER, "U0000000A1"))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise ConfigurationError(graphs.unfit_context(where, first["msg"])) from None
    return made


def _fields(schema: Any) -> dict[str, bool]:
    """The fields of a schema, and whether each has to be given; none if unknown."""
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return {name: f.is_required() for name, f in schema.model_fields.items()}
    if dataclasses.is_dataclass(cast("object", schema)):
        none, declared = dataclasses.MISSING, cast("Any", schema)
        return {
            field.name: field.default is none and field.default_factory is none
            for field in dataclasses.fields(declared)
            if field.init
        }
    found = vars(cast("object", schema))
    named: Mapping[str, Any] = found.get("__annotations__", {})
    required: frozenset[str] = found.get("__required_keys__", frozenset())
    return {name: name in required for name in named}
