"""Each dialect: what is read, and exactly what each decision gives back."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from bot.approvals.digest import storable
from bot.approvals.json_schemas import misfit
from bot.approvals.model import Kind, Verdict
from bot.conversations import dialects
from bot.conversations.dialects import raw
from bot.conversations.dialects.interface import (
    Decided,
    End,
    Question,
    RunOn,
    Stop,
    Unfit,
)
from bot.conversations.dialects.static_breakpoint import raised
from bot.texts import conversation
from bot.texts.agent import TIMED_OUT_FOR_AGENT
from tests.support.payloads import (
    ALL,
    APPROVED,
    ARGS,
    REJECTED,
    TIMED_OUT,
    answered,
    asks,
    batch,
    decision_schema,
    edited,
    inbox,
    tool_approval,
)

NO = "No. Reason: too dear."
LATE = "It timed out."
NEW = {"to": "Ada", "amount": 7}
STOPPED, STOPPED_BY_TIME = (
    Stop(conversation.STOPPED),
    Stop(conversation.STOPPED_BY_TIME),
)
RAISED = {"action": "pay", "args": ARGS}
NAMED = {"approve": "ship", "reject": "hold", "timed_out": "wait"}
YES_OR_NO = {"enum": ["approve", "reject"], "type": "string"}
CUSTOMER = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}
EDIT = {"type": "edit", "edited_action": {"name": "pay", "args": NEW}}


def read(interrupt, *, default: Any = None, rule: Any = None):
    question = dialects.read(interrupt, {})
    return raw.resolve(question, rule=rule, default=default, levels=["manager"])


def later(interrupt, **how: Any) -> Callable[[], Question]:
    """Read it in the test, once: in a table it is read by each collection."""
    return cache(lambda: read(interrupt, **how))


def words(value):
    return later(asks(value), default="words")


def booleans(value):
    return later(asks(value), default="booleans")


def per_call(*types):
    return later(asks(tool_approval(), decision_schema(*types) if types else None))


def one(*allowed):
    return later(asks(batch(("pay", ARGS, list(allowed)))))


def form(schema, value="How?"):
    return later(asks(value, schema))


PER_CALL = per_call(*ALL)
PLAIN = per_call()
BATCH = one(*ALL)
INBOX = later(asks(inbox()))
STOP_AT = later(raised(["tools"], "checkpoint-1"))

# the rows of "Interrupts of any graph", and what the libraries' own types say
ANSWERS = [
    ("raw text, words", words("Go on?"), APPROVED, "approve"),
    ("raw text, words", words("Go on?"), REJECTED, "reject"),
    ("raw text, words", words("Go on?"), TIMED_OUT, "timeout_reject"),
    ("raw text, booleans", booleans("Go on?"), APPROVED, True),
    ("raw text, booleans", booleans("Go on?"), REJECTED, False),
    ("raw text, booleans", booleans("Go on?"), TIMED_OUT, False),
    ("raw text", words("Which customer?"), answered("ACME, Inc."), "ACME, Inc."),
    ("raw dict", words({"level": "manager"}), APPROVED, "approve"),
    ("raw dict", booleans({"level": "manager"}), TIMED_OUT, False),
    ("raw, by payload", words({"answers": NAMED}), APPROVED, "ship"),
    ("raw, by payload", words({"answers": NAMED}), REJECTED, "hold"),
    ("raw, by payload", words({"answers": NAMED}), TIMED_OUT, "wait"),
    ("raw, payload's words", booleans({"answers": "words"}), REJECTED, "reject"),
    ("raw nothing", booleans(None), APPROVED, True),
    ("raw list", words([1, 2]), TIMED_OUT, "timeout_reject"),
    ("per call", PER_CALL, APPROVED, {"type": "approve"}),
    ("per call", PER_CALL, REJECTED, {"type": "reject", "message": NO}),
    ("per call", PER_CALL, TIMED_OUT, {"type": "reject", "message": LATE}),
    ("per call", PER_CALL, edited(**NEW), EDIT),
    ("per call", PER_CALL, answered("Ok."), {"type": "respond", "message": "Ok."}),
    ("per call, no schema", PLAIN, APPROVED, {"type": "approve"}),
    ("per call, no schema", PLAIN, REJECTED, {"type": "reject", "message": NO}),
    ("per call, no schema", PLAIN, edited(**NEW), EDIT),
    (
        "per call, the person is the tool",
        per_call("respond"),
        TIMED_OUT,
        {"type": "respond", "message": LATE},
    ),
    ("per call, no no", per_call("approve"), REJECTED, STOPPED),
    ("per call, no no", per_call("approve", "edit"), TIMED_OUT, STOPPED_BY_TIME),
    ("batched", BATCH, APPROVED, {"decisions": [{"type": "approve"}]}),
    (
        "batched",
        BATCH,
        REJECTED,
        {"decisions": [{"type": "reject", "message": NO}]},
    ),
    (
        "batched",
        BATCH,
        TIMED_OUT,
        {"decisions": [{"type": "reject", "message": LATE}]},
    ),
    ("batched", BATCH, edited(**NEW), {"decisions": [EDIT]}),
    (
        "batched",
        BATCH,
        answered("Ok."),
        {"decisions": [{"type": "respond", "message": "Ok."}]},
    ),
    ("batched, no no", one("approve"), REJECTED, STOPPED),
    ("inbox", INBOX, APPROVED, [{"type": "accept", "args": RAISED}]),
    ("inbox", INBOX, REJECTED, [{"type": "ignore"}]),
    ("inbox", INBOX, TIMED_OUT, [{"type": "ignore"}]),
    (
        "inbox",
        INBOX,
        edited(**NEW),
        [{"type": "edit", "args": {"action": "pay", "args": NEW}}],
    ),
    ("inbox", INBOX, answered("Less."), [{"type": "response", "args": "Less."}]),
    (
        "inbox that may not be ignored",
        later(asks(inbox("accept respond"))),
        REJECTED,
        [{"type": "response", "args": NO}],
    ),
    (
        "inbox that may not be ignored",
        later(asks(inbox("accept respond"))),
        TIMED_OUT,
        [{"type": "response", "args": LATE}],
    ),
    ("inbox, no no", later(asks(inbox("accept edit"))), REJECTED, STOPPED),
    (
        "inbox in a list",
        later(asks([inbox()])),
        APPROVED,
        [{"type": "accept", "args": RAISED}],
    ),
    (
        "inbox as text",
        later(asks(json.dumps(inbox()))),
        APPROVED,
        [{"type": "accept", "args": RAISED}],
    ),
    (
        "inbox in a list as text",
        later(asks(json.dumps([inbox()]))),
        REJECTED,
        [{"type": "ignore"}],
    ),
    (
        "form",
        form(CUSTOMER),
        answered({"name": "A", "age": 3}),
        {"name": "A", "age": 3},
    ),
    ("form", form(CUSTOMER), REJECTED, STOPPED),
    ("form", form(CUSTOMER), TIMED_OUT, STOPPED_BY_TIME),
    ("form, boolean", form({"type": "boolean"}), APPROVED, True),
    ("form, boolean", form({"type": "boolean"}), REJECTED, False),
    ("form, boolean", form({"type": "boolean"}), TIMED_OUT, False),
    ("form, boolean", form({"type": "boolean"}), answered(False), False),
    ("form, words", form(YES_OR_NO), APPROVED, "approve"),
    ("form, words", form(YES_OR_NO), REJECTED, "reject"),
    ("form, words", form(YES_OR_NO), TIMED_OUT, "reject"),
    (
        "form, all words",
        form({"enum": ["approve", "reject", "timeout_reject"]}),
        TIMED_OUT,
        "timeout_reject",
    ),
    ("form, any text", form({"type": "string"}), answered("reject"), "reject"),
    ("form, any text", form({"type": "string"}), REJECTED, STOPPED),
    (
        "form, by payload",
        form({"type": "string"}, {"answers": NAMED}),
        TIMED_OUT,
        "wait",
    ),
    ("breakpoint", STOP_AT, APPROVED, RunOn()),
    ("breakpoint", STOP_AT, REJECTED, STOPPED),
    ("breakpoint", STOP_AT, TIMED_OUT, STOPPED_BY_TIME),
]


def typed(value):
    """A value with the types in it, since 1 == True == 1.0."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return type(value), value


@pytest.mark.parametrize(
    ("question", "decided", "value"),
    [row[1:] for row in ANSWERS],
    ids=[f"{row[0]}: {row[2].end}" for row in ANSWERS],
)
def test_a_decision_gives_exactly_the_documented_value(question, decided, value):
    asked = question()
    assert dialects.validate(asked, [decided]) == ""
    assert typed(dialects.answer(asked, [decided])) == typed(value)


def test_each_dialect_is_in_the_table_with_all_three_outcomes():
    covered = {(row[1]().dialect, row[2].end) for row in ANSWERS}
    three = (End.APPROVE, End.REJECT, End.TIMED_OUT)
    assert covered >= {(name, end) for name in dialects.DIALECTS for end in three}


def test_the_schema_of_an_edit_brings_what_it_refers_to():
    arguments = {**NEW, "source": {"name": "main"}}
    assert misfit(PER_CALL().calls[0].schema, arguments) == ""


def test_several_calls_are_answered_by_position_each_for_itself():
    question = read(
        asks(batch(("a", {}, ALL), ("b", {"n": 1}, ALL), ("a", {"n": 2}, ALL)))
    )
    assert [(c.name, c.arguments) for c in question.calls] == [
        ("a", {}),
        ("b", {"n": 1}),
        ("a", {"n": 2}),
    ]
    value = dialects.answer(question, [APPROVED, edited(n=5), REJECTED])
    assert value == {
        "decisions": [
            {"type": "approve"},
            {"type": "edit", "edited_action": {"name": "b", "args": {"n": 5}}},
            {"type": "reject", "message": NO},
        ]
    }


def test_a_reject_that_is_not_allowed_stops_approved_calls_too():
    question = read(asks(batch(("a", {}, ALL), ("b", {}, ["approve"]))))
    assert dialects.answer(question, [APPROVED, REJECTED]) == STOPPED
    assert dialects.answer(question, [REJECTED, APPROVED]) != STOPPED


def test_a_call_without_a_review_config_only_stops_the_turn():
    payload = batch(("a", {}, ALL), ("b", {}, ALL))
    payload["review_configs"][1]["action_name"] = "B"
    question = read(asks(payload))
    assert question.calls[1].allowed == (Verdict.REJECT,)
    assert dialects.answer(question, [APPROVED, REJECTED]) == STOPPED


def test_differing_configs_of_one_name_allow_only_common_decisions():
    question = read(
        asks(batch(("a", {}, ["approve", "reject"]), ("a", {}, ["reject", "edit"])))
    )
    assert [c.allowed for c in question.calls] == [(Verdict.REJECT,)] * 2


@pytest.mark.parametrize("end", [End.REJECT, End.TIMED_OUT])
def test_a_no_without_a_message_gets_a_default_sentence(end):
    message = dialects.answer(PER_CALL(), [Decided(end)])["message"]
    assert message.endswith(".")
    assert ("timed out" in message) == (end is End.TIMED_OUT)


def test_silence_reaches_the_agent_with_the_words_timed_out():
    value = dialects.answer(BATCH(), [Decided(End.TIMED_OUT)])
    assert value["decisions"][0]["message"] == TIMED_OUT_FOR_AGENT


REFUSED = [
    ("edit that is not allowed", per_call("approve", "reject"), edited(**NEW)),
    ("answer that is not allowed", per_call("approve", "reject"), answered("x")),
    ("approval that is not allowed", per_call("respond"), APPROVED),
    ("batched approval", one("respond"), APPROVED),
    ("batched edit", one("approve", "reject"), edited(**NEW)),
    ("inbox approval", later(asks(inbox("edit ignore"))), APPROVED),
    ("inbox edit", later(asks(inbox("accept ignore"))), edited(**NEW)),
    ("inbox answer", later(asks(inbox("accept ignore"))), answered("x")),
    ("edit without arguments", PER_CALL, Decided(End.EDIT)),
    ("edit of a wrong type", PER_CALL, edited(to="Ada", amount="7")),
    ("edit with too little", PER_CALL, edited(to="Ada")),
    ("edit of an inner type", PER_CALL, edited(**NEW, source={"name": 7})),
    ("edit that is no JSON", INBOX, edited(to=float("nan"))),
    ("edit of bytes", INBOX, edited(to=b"x")),
    ("answer that is no text", PER_CALL, answered(7)),
    ("batched answer that is no text", BATCH, answered({"a": 1})),
    ("inbox answer that is no text", INBOX, answered(None)),
    ("empty answer", PER_CALL, answered("  ")),
    ("raw empty answer", words("Which?"), answered("")),
    ("raw no answer", words("Which?"), answered(None)),
    ("raw edit", words("Which?"), edited(a=1)),
    ("form edit", form(CUSTOMER), edited(a=1)),
    ("form without a yes", form(CUSTOMER), APPROVED),
    ("form, any text, no yes", form({"type": "string"}), APPROVED),
    ("form with a wrong value", form(CUSTOMER), answered({"name": 7})),
    ("form with too little", form(CUSTOMER), answered({})),
    ("form with nothing", form(CUSTOMER), answered(None)),
    ("form, number for a boolean", form({"type": "boolean"}), answered(1)),
    ("form, no date", form({"type": "string", "format": "date"}), answered("soon")),
    ("breakpoint answer", STOP_AT, answered("x")),
    ("raw without answers", later(asks("Go on?")), APPROVED),
    ("raw without answers", later(asks("Go on?")), answered("x")),
]


@pytest.mark.parametrize(
    ("question", "decided"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_what_the_graph_would_not_take_never_reaches_it(question, decided):
    asked = question()
    sentence = dialects.validate(asked, [decided])
    assert sentence.endswith((".", "booleans`."))
    assert "\n" not in sentence
    with pytest.raises(Unfit) as refused:
        dialects.answer(asked, [decided])
    assert str(refused.value) == sentence


@pytest.mark.parametrize("decisions", [[], [APPROVED], [APPROVED] * 3])
def test_a_question_of_two_calls_takes_two_decisions(decisions):
    question = read(asks(batch(("a", {}, ALL), ("b", {}, ALL))))
    assert f"about 2 calls and {len(decisions)}" in dialects.validate(
        question, decisions
    )


def test_what_is_read_for_the_card_and_the_policy():
    call = PER_CALL().calls[0]
    assert (call.name, call.arguments, call.tool_call) == ("pay", ARGS, "call_1")
    assert (call.kind, call.waivable, call.note) == (Kind.TOOL, True, "Pays somebody.")
    assert call.schema["properties"].keys() == {"to", "amount", "source"}
    assert set(call.allowed) == {*Verdict} - {Verdict.WITHDRAW}
    assert PLAIN().calls[0].allowed is None
    assert BATCH().calls[0].note == "pay?"
    assert INBOX().calls[0].arguments == ARGS
    assert INBOX().calls[0].note == "Pays somebody."
    assert form(CUSTOMER)().form == CUSTOMER
    assert STOP_AT().calls[0].name == "tools"
    assert STOP_AT().interrupt == "checkpoint-1"
    for row in ANSWERS:
        for asked in row[1]().calls:
            assert storable(asked.arguments)
            assert Verdict.REJECT in (asked.allowed or (Verdict.REJECT,))


def test_a_known_schema_takes_precedence_over_the_payloads():
    known = {"pay": {"type": "object", "required": ["to"]}}
    for value, schema in [
        (tool_approval(), decision_schema(*ALL)),
        (batch(("pay", ARGS, ALL)), None),
        (inbox(), None),
    ]:
        [call] = dialects.read(asks(value, schema), known).calls
        assert call.schema == known["pay"]


def test_a_graphs_own_questions_are_never_waived():
    for question in (words("Go?"), form(CUSTOMER), STOP_AT):
        [call] = question().calls
        assert (call.kind, call.waivable) == (Kind.INTERRUPT, False)


def test_text_that_a_model_may_have_written_is_never_waived():
    assert [
        read(asks(value)).calls[0].waivable
        for value in (inbox(), [inbox()], json.dumps(inbox()))
    ] == [True, True, False]
