"""LangChain's HumanInTheLoopMiddleware, in its two modes: per call and batched."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, cast

from langgraph.types import Interrupt

from bot.approvals.json_schemas import is_schema, misfit, resolved
from bot.approvals.model import Verdict
from bot.conversations.dialects.interface import (
    AskedCall,
    Decided,
    End,
    Fidelity,
    Question,
    Schemas,
    arguments_of,
    stopped,
    text_of,
    without_approval,
)
from bot.texts import graphs
from bot.texts.agent import TIMED_OUT_FOR_AGENT, rejected_for_agent

APPROVE, EDIT, REJECT, RESPOND = "approve", "edit", "reject", "respond"
_VERDICTS = {APPROVE: Verdict.APPROVE, EDIT: Verdict.EDIT, RESPOND: Verdict.ANSWER}
TYPES = frozenset({*_VERDICTS, REJECT})
RUNS = frozenset({APPROVE, EDIT})  # decisions that let the call run


def is_action(value: Mapping[str, Any]) -> bool:
    """Return whether a mapping names a tool and its arguments."""
    name = value.get("name")
    return isinstance(name, str) and bool(name) and isinstance(value.get("args"), dict)


def call_of(
    value: Mapping[str, Any],
    types: Collection[str] | None,
    schemas: Schemas,
    schema: Mapping[str, Any],
) -> AskedCall:
    """Read one action.

    Args:
        types: the decisions that the middleware takes, None if it does not say.
        schema: of the arguments, where the house knows none itself.
    """
    arguments, fidelity = arguments_of(value["args"])
    allowed = None if types is None else verdicts(types)
    return AskedCall(
        name=text_of(value["name"]),
        arguments=arguments,
        allowed=allowed if fidelity is Fidelity.EXACT else without_approval(allowed),
        schema=schemas.get(value["name"], schema),
        note=text_of(value.get("description")),
        tool_call=text_of(value.get("tool_call_id")),
        fidelity=fidelity,
    )


def verdicts(types: Collection[str]) -> tuple[Verdict, ...]:
    """Return the verdicts that people may give; they may always reject."""
    taken = [verdict for word, verdict in _VERDICTS.items() if word in types]
    return (*taken, Verdict.REJECT)


def complaint(decided: Decided) -> str:
    """Say what LangChain's own shape of a decision would not take."""
    if decided.end is not End.ANSWER:
        return ""
    is_text = isinstance(decided.value, str) and decided.value.strip()
    return "" if is_text else graphs.NO_TEXT


def decision_of(
    decided: Decided, name: str, types: Collection[str] | None
) -> dict[str, Any] | None:
    """Give the middleware's decision, None where it takes none that means no.

    An edit pins the tool's name: the batched mode would run any other tool that the
    decision names, past the rules for it.
    """
    match decided.end:
        case End.APPROVE:
            return {"type": APPROVE}
        case End.EDIT:
            action = {"name": name, "args": dict(decided.arguments or {})}
            return {"type": EDIT, "edited_action": action}
        case End.ANSWER:
            return {"type": RESPOND, "message": decided.value}
        case End.REJECT | End.TIMED_OUT:
            return _declined(decided, types)


def message_of(decided: Decided) -> str:
    """Give the sentence with which the agent is told no."""
    own = TIMED_OUT_FOR_AGENT if decided.end is End.TIMED_OUT else rejected_for_agent()
    return decided.message or own


def _declined(decided: Decided, types: Collection[str] | None) -> dict[str, Any] | None:
    taken = next((t for t in (REJECT, RESPOND) if types is None or t in types), None)
    return {"type": taken, "message": message_of(decided)} if taken else None


# --- Per call -------------------------------------------------------------------------


class PerCall:
    """One call in an interrupt, `{"type": "tool_approval", …}`: one decision back."""

    @staticmethod
    def recognise(interrupt: Interrupt[Any]) -> bool:
        """Return whether it is a tool's call, with or without a schema of decisions."""
        if not isinstance(interrupt.value, dict):
            return False
        value = cast("dict[str, Any]", interrupt.value)
        return (
            isinstance(value.get("type"), str)
            and value["type"] == "tool_approval"
            and isinstance(value.get("tool_call_id"), str)
            and is_action(value)
            and (interrupt.response_schema is None or bool(_branches(interrupt)))
        )

    @staticmethod
    def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
        """Read the call; the middleware says in the schema which decisions it takes."""
        known = _arguments_schema(interrupt)
        call = call_of(interrupt.value, _types(interrupt), schemas, known)
        return Question(interrupt, (call,))

    @staticmethod
    def validate(question: Question, decisions: Sequence[Decided]) -> str:
        """Check the decision against the interrupt's own schema."""
        if found := complaint(decisions[0]):
            return found
        decision = _decision(question.raised, decisions[0])
        if decision is None or question.raised.response_schema is None:
            return ""
        schema = cast("dict[str, Any]", question.raised.response_schema)
        found = misfit(schema, decision)
        return graphs.unfit_answer(found) if found else ""

    @staticmethod
    def answer(question: Question, decisions: Sequence[Decided]) -> Any:
        """Give one decision, not in a list."""
        return _decision(question.raised, decisions[0]) or stopped(decisions)


def _decision(interrupt: Interrupt[Any], decided: Decided) -> dict[str, Any] | None:
    return decision_of(decided, interrupt.value["name"], _types(interrupt))


def _types(interrupt: Interrupt[Any]) -> frozenset[str] | None:
    # without a schema the graph takes all of them, as `agent.gate` does
    if interrupt.response_schema is None:
        return None
    return frozenset(_branches(interrupt))


def _branches(interrupt: Interrupt[Any]) -> dict[str, Mapping[str, Any]]:
    """The schema's part for each type of decision: one object, or several in `oneOf`.

    A type that LangChain does not have today makes all of it unknown.
    """
    if not is_schema(interrupt.response_schema):
        return {}
    schema = cast("dict[str, Any]", interrupt.response_schema)
    found = [resolved(schema, part) for part in schema.get("oneOf", [schema])]
    named = {str(_property(schema, p, "type").get("const")): p for p in found}
    return named if {*named} <= TYPES else {}


def _arguments_schema(interrupt: Interrupt[Any]) -> Mapping[str, Any]:
    branch = _branches(interrupt).get(EDIT) if _types(interrupt) else None
    if branch is None:
        return {}
    schema = cast("dict[str, Any]", interrupt.response_schema)
    action = _property(schema, branch, "edited_action")
    found = _property(schema, action, "args")
    definitions = schema.get("$defs")
    return {**found, "$defs": definitions} if definitions else found


def _property(
    schema: Mapping[str, Any], part: Mapping[str, Any], name: str
) -> Mapping[str, Any]:
    return resolved(schema, part.get("properties", {}).get(name, {}))


# --- Batched --------------------------------------------------------------------------

Item = Mapping[str, Any]


class Batched:
    """Several calls in one interrupt, decided by position."""

    @staticmethod
    def recognise(interrupt: Interrupt[Any]) -> bool:
        """Return whether it is a whole `HITLRequest`: a config for each action."""
        actions = _items(interrupt.value, "action_requests")
        configs = _items(interrupt.value, "review_configs")
        return (
            0 < len(actions) == len(configs)
            and all(is_action(action) for action in actions)
            and all(_is_config(config) for config in configs)
        )

    @staticmethod
    def describe(interrupt: Interrupt[Any], schemas: Schemas) -> Question:
        """Read each call with what its own review config allows."""
        calls = [
            call_of(action, types, schemas, schema)
            for action, types, schema in _reviewed(interrupt.value)
        ]
        return Question(interrupt, tuple(calls))

    @staticmethod
    def validate(question: Question, decisions: Sequence[Decided]) -> str:
        """Check each decision; the middleware itself would notice only after saving."""
        return next((c for d in decisions if (c := complaint(d))), "")

    @staticmethod
    def answer(question: Question, decisions: Sequence[Decided]) -> Any:
        """Give one decision per call; if one call takes no no, nothing is run."""
        found = [
            decision_of(decided, action["name"], types)
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
    return bool(words) and all(word in [*TYPES] for word in words)


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
