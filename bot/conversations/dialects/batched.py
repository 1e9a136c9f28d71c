"""LangChain's batched approval: several calls in one interrupt, decided by position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from langgraph.types import Interrupt

from bot.approvals.json_schemas import is_schema
from bot.conversations.dialects import langchain
from bot.conversations.dialects.interface import Decided, Question, Schemas, stopped

Item = Mapping[str, Any]


def recognise(interrupt: Interrupt[Any]) -> bool:
    """Return whether it is a whole `HITLRequest`: as many review configs as actions."""
    actions = _items(interrupt.value, "action_requests")
    configs = _items(interrupt.value, "review_configs")
    return (
        0 < len(actions) == len(configs)
        and all(langchain.is_action(action) for action in actions)
        and all(_is_config(config) for config in configs)
    )


def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
    """Read each call with what its own review config allows."""
    calls = [
        langchain.call_of(action, types, schemas, schema)
        for action, types, schema in _reviewed(interrupt.value)
    ]
    return Question(interrupt, tuple(calls))


def validate(question: Question, decisions: Sequence[Decided]) -> str:
    """Check each decision; the middleware itself would notice only after saving."""
    return next((c for d in decisions if (c := langchain.complaint(d))), "")


def answer(question: Question, decisions: Sequence[Decided]) -> Any:
    """Give one decision per call; if one call takes no no, nothing is run."""
    found = [
        langchain.decision_of(decided, action["name"], types)
        for decided, (action, types, _) in zip(
            decisions, _reviewed(question.raised.value), strict=True
        )
    ]
    return stopped(decisions) if None in found else {"decisions": found}


def _items(value: object, key: str) -> list[Item]:
    """The mappings of a list under a key; nothing if it holds anything else."""
    found = cast("Item", value).get(key) if isinstance(value, dict) else None
    items = cast("list[object]", found) if isinstance(found, list) else []
    mappings = [cast("Item", item) for item in items if isinstance(item, dict)]
    return mappings if len(mappings) == len(items) else []


def _is_config(config: Item) -> bool:
    types = config.get("allowed_decisions")
    if not isinstance(config.get("action_name"), str) or not isinstance(types, list):
        return False
    words = cast("list[object]", types)
    return bool(words) and all(word in [*langchain.TYPES] for word in words)


def _reviewed(value: Item) -> Iterator[tuple[Item, frozenset[str], Item]]:
    """Each action, the decisions that it takes, and the schema of its arguments.

    Configs go by name: several of one name allow what all of them do, and an action
    that no config names takes no decision at all.
    """
    configs = _items(value, "review_configs")
    for action in _items(value, "action_requests"):
        own = [c for c in configs if c["action_name"] == action["name"]]
        taken = [frozenset(cast("list[str]", c["allowed_decisions"])) for c in own]
        types = frozenset[str].intersection(*taken) if taken else frozenset[str]()
        schemas = [c["args_schema"] for c in own if is_schema(c.get("args_schema"))]
        yield action, types, cast("Item", schemas[0] if schemas else {})
