"""The dialects that recognise an interrupt, their order, and the fate of the rest."""

from __future__ import annotations

import copy
import json

import pytest

from bot.approvals.model import Kind, Verdict
from bot.conversations import dialects
from bot.conversations.dialects import raw
from bot.conversations.dialects.interface import Stop
from bot.conversations.dialects.static_breakpoint import Breakpoint, raised
from bot.texts import graphs
from tests.support.payloads import (
    ALL,
    APPROVED,
    ARGS,
    REJECTED,
    answered,
    asks,
    batch,
    decision_schema,
    edited,
    inbox,
    tool_approval,
)

SCHEMA = {"type": "boolean"}
DECIDES = {"type": "object", "required": ["type"]}
NAMED = {"approve": 1, "reject": 2, "timed_out": 3}


def read(value, schema=None):
    return dialects.read(asks(value, schema), {})


def changed(payload, path, value):
    """A copy with one place changed; `...` takes it out."""
    found = copy.deepcopy(payload)
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return found


def test_the_order_of_recognition():
    assert list(dialects.DIALECTS) == [
        "static_breakpoint",
        "per_call",
        "batched",
        "agent_inbox",
        "form",
        "raw",
    ]


@pytest.mark.parametrize(
    ("value", "schema", "name"),
    [
        (tool_approval(), None, "per_call"),
        (tool_approval(), decision_schema(*ALL), "per_call"),
        (tool_approval(), decision_schema("reject"), "per_call"),
        ({**tool_approval(), **batch(("a", {}, ALL)), **inbox()}, None, "per_call"),
        (batch(("a", {}, ALL)), SCHEMA, "batched"),
        ({**batch(("a", {}, ALL)), **inbox()}, None, "batched"),
        (inbox(), SCHEMA, "agent_inbox"),
        ([inbox()], None, "agent_inbox"),
        (json.dumps(inbox()), None, "agent_inbox"),
        (json.dumps([inbox()], indent=1), None, "agent_inbox"),
        ("Go on?", SCHEMA, "form"),
        (None, SCHEMA, "form"),
        ({"action": "x"}, {"type": "object", "properties": {}}, "form"),
        ("Go on?", None, "raw"),
    ],
)
def test_the_first_that_recognises_it_reads_it(value, schema, name):
    assert read(value, schema).dialect == name


PER_CALL, BATCH, INBOX = tool_approval(), batch(("a", {}, ALL)), inbox()
NEARLY = [
    changed(PER_CALL, ["type"], "tool_approvals"),
    changed(PER_CALL, ["type"], ["tool_approval"]),
    changed(PER_CALL, ["name"], ...),
    changed(PER_CALL, ["name"], ""),
    changed(PER_CALL, ["args"], "to: Ada"),
    changed(PER_CALL, ["args"], None),
    changed(PER_CALL, ["tool_call_id"], ...),
    changed(PER_CALL, ["tool_call_id"], 7),
    [PER_CALL],
    changed(BATCH, ["review_configs"], ...),
    changed(BATCH, ["review_configs"], []),
    changed(BATCH, ["review_configs"], BATCH["review_configs"] * 2),
    changed(BATCH, ["review_configs", 0], "a"),
    changed(BATCH, ["review_configs", 0, "action_name"], ...),
    changed(BATCH, ["review_configs", 0, "allowed_decisions"], ...),
    changed(BATCH, ["review_configs", 0, "allowed_decisions"], []),
    changed(BATCH, ["review_configs", 0, "allowed_decisions"], ["approve", "x"]),
    changed(BATCH, ["review_configs", 0, "allowed_decisions"], [["approve"]]),
    changed(BATCH, ["review_configs", 0, "allowed_decisions"], "approve"),
    changed(BATCH, ["action_requests"], ...),
    changed(BATCH, ["action_requests"], {"0": BATCH["action_requests"][0]}),
    changed(BATCH, ["action_requests"], BATCH["action_requests"] * 2),
    changed(BATCH, ["action_requests", 0, "name"], None),
    changed(BATCH, ["action_requests", 0, "args"], []),
    {"action_requests": [], "review_configs": []},
    [BATCH],
    changed(INBOX, ["action_request"], ...),
    [],
    [[INBOX]],
    json.dumps(INBOX)[:-1],
    json.dumps(json.dumps(INBOX)),
    "action_request " + "[" * 100_000,
]


@pytest.mark.parametrize("value", NEARLY, ids=lambda v: repr(v)[:60])
def test_what_is_nearly_a_known_shape_is_raw_and_whole(value):
    question = read(value)
    assert question.dialect == "raw"
    [call] = question.calls
    assert call.kind is Kind.INTERRUPT
    whole = value if isinstance(value, dict) else {"value": value}
    assert call.arguments == whole


IN_THE_WILD = [
    (changed(INBOX, ["config", "allow_edit"], ...), ARGS),
    (changed(INBOX, ["config", "allow_edit"], "yes"), ARGS),
    (changed(INBOX, ["description"], ...), ARGS),
    (changed(INBOX, ["action_request", "args"], ...), {}),
    (changed(INBOX, ["action_request", "args"], None), {}),
    (changed(INBOX, ["action_request", "args"], "Ada"), {"value": "Ada"}),
    (changed(INBOX, ["action_request", "args"], ["Ada", 1]), {"value": ["Ada", 1]}),
]


@pytest.mark.parametrize(("value", "arguments"), IN_THE_WILD)
def test_an_inbox_question_in_the_wild_is_one(value, arguments):
    question = read(value)
    assert (question.dialect, question.problem) == ("agent_inbox", "")
    [call] = question.calls
    assert (call.name, call.arguments) == ("pay", arguments)
    args = value["action_request"].get("args")
    accepted = {"type": "accept", "args": {"action": "pay", "args": args}}
    assert dialects.answer(question, [APPROVED]) == [accepted]
    assert dialects.answer(question, [REJECTED]) == [{"type": "ignore"}]


@pytest.mark.parametrize("also", [{}, {"allow_ignore": True}])
def test_an_inbox_request_for_words_alone_is_a_question(also):
    config = {"allow_respond": True, **also}
    [call] = read(changed(INBOX, ["config"], config)).calls
    assert (call.kind, call.name) == (Kind.INTERRUPT, INBOX["action_request"]["action"])
    assert call.allowed == (Verdict.REJECT, Verdict.ANSWER)
    assert call.arguments[call.headline] == INBOX["description"]


def test_an_edit_of_an_inbox_question_keeps_its_shape():
    question = read(changed(INBOX, ["action_request", "args"], "Ada"))
    [response] = dialects.answer(question, [edited(value="Bo")])
    assert response == {"type": "edit", "args": {"action": "pay", "args": "Bo"}}


@pytest.mark.parametrize("raised", [[INBOX, INBOX], json.dumps([INBOX, INBOX])])
def test_several_inbox_questions_get_a_response_each(raised):
    question = read(raised)
    assert len(question.calls) == 2
    accepted, ignored = dialects.answer(question, [APPROVED, REJECTED])
    assert (accepted["type"], ignored["type"]) == ("accept", "ignore")


@pytest.mark.parametrize(
    "value",
    [
        changed(INBOX, ["config"], ...),
        changed(INBOX, ["config"], True),
        changed(INBOX, ["config"], {"allow_accept": "yes"}),
        changed(INBOX, ["action_request"], "pay"),
        changed(INBOX, ["action_request"], None),
        changed(INBOX, ["action_request", "action"], ""),
        changed(INBOX, ["action_request", "action"], 7),
        [INBOX, "and another"],
    ],
    ids=lambda v: repr(v)[:60],
)
def test_an_inbox_question_without_an_answer_is_refused(value):
    question = read(value)
    assert question.dialect == "agent_inbox"
    assert "so I asked no one" in question.problem


@pytest.mark.parametrize(
    "schema",
    [
        {"oneOf": [{**DECIDES, "properties": {"type": {"const": "approve"}}}, SCHEMA]},
        {**DECIDES, "properties": {"type": {"const": "escalate"}}},
        {"type": "object", "properties": {"type": {"type": "string"}}},
        SCHEMA,
    ],
)
def test_a_tool_approval_with_unknown_decisions_is_a_form(schema):
    assert read(PER_CALL, schema).dialect == "form"


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"title": "Anything"},
        {"type": "no such type"},
        {"type": 7},
        {"properties": []},
        {"$ref": "#/$defs/Missing"},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "#"},
        {"pattern": "("},
        bool,
        [SCHEMA],
    ],
    ids=repr,
)
def test_a_schema_that_makes_no_form_leaves_the_question_raw(schema):
    assert read("Go on?", schema).dialect == "raw"


def test_a_schema_is_never_fetched_from_elsewhere(tmp_path):
    elsewhere = tmp_path / "schema.json"
    elsewhere.write_text('{"type": "boolean"}')
    assert read("Go on?", {"$ref": elsewhere.as_uri()}).dialect == "raw"


NAMES = [
    ({"action": "delete_db"}, "delete_db"),
    ({"name": "delete_db"}, "delete_db"),
    ({"type": "approval"}, "approval"),
    ({"action": {"type": "drop", "name": "x"}}, "drop"),
    ({"action": {"name": "drop"}}, "drop"),
    ({"action": "drop", "name": "x", "type": "y"}, "drop"),
    ({"action": {"args": {}}, "name": "drop"}, "drop"),
    ({"action": "Please drop it!", "type": "question"}, "question"),
    ({"action": "Please drop it!"}, "interrupt"),
    ({"action": 7, "name": None, "type": ["a"]}, "interrupt"),
    ({"name": "a b"}, "interrupt"),
    ({"name": ""}, "interrupt"),
    ("delete_db", "interrupt"),
    (["delete_db"], "interrupt"),
    (None, "interrupt"),
]


@pytest.mark.parametrize(("value", "name"), NAMES, ids=repr)
def test_the_name_that_rules_know_a_raw_interrupt_by(value, name):
    assert read(value).calls[0].name == name


@pytest.mark.parametrize(
    ("value", "headline", "note"),
    [
        ({"question": "Go?", "to": 1}, "question", "Go?"),
        ({"text": "c", "title": "b", "message": "a"}, "message", "a"),
        ({"message": " ", "description": "Go?"}, "description", "Go?"),
        ({"message": {"a": 1}, "prompt": "Go?"}, "prompt", "Go?"),
        ({"to": 1}, "", ""),
        ("Go?", "value", "Go?"),
        (7, "", ""),
        (None, "", ""),
        (["Go?"], "", ""),
    ],
    ids=repr,
)
def test_the_graphs_sentence_is_the_headline_above_a_table(value, headline, note):
    [call] = read(value).calls
    assert (call.headline, call.note) == (headline, note)
    whole = value if isinstance(value, dict) else {"value": value}
    assert call.arguments == whole
    assert call.rest == {k: v for k, v in whole.items() if k != headline}


def test_a_breakpoint_is_a_question_of_its_own():
    [one] = dialects.read(raised(["delete_files"], "k"), {}).calls
    [two] = dialects.read(raised(["a", "b"], "k"), {}).calls
    [odd] = dialects.read(raised(["delete files"], "k"), {}).calls
    assert (one.name, one.arguments) == ("delete_files", {"next": ["delete_files"]})
    assert (two.name, two.arguments) == ("breakpoint", {"next": ["a", "b"]})
    assert odd.name == "breakpoint"


def test_no_graph_can_raise_what_looks_like_a_breakpoint():
    assert read({"nodes": ["a"]}).dialect == "raw"
    assert read(Breakpoint(("a",))).dialect == "static_breakpoint"


def resolve(value, schema=None, *, rule=None, default=None, levels=()):
    question = read(value, schema)
    return raw.resolve(question, rule=rule, default=default, levels=levels)


def test_answers_come_from_the_payload_then_rule_then_policy():
    said = {"answers": NAMED}
    assert resolve(said, rule="words", default="booleans").answers == NAMED
    assert resolve("?", rule=NAMED, default="booleans").answers == NAMED
    assert resolve("?", rule="words", default="booleans").answers == raw.WORDS
    assert resolve("?", default="booleans").answers == raw.BOOLEANS
    assert resolve("?").problem == graphs.NO_ANSWERS
    assert resolve("?", default="words").problem == ""


@pytest.mark.parametrize(
    "said", [["yes", "no"], {"q1": "a"}, {}, 7, "yes", None], ids=repr
)
def test_answers_that_are_something_else_are_no_business_of_ours(said):
    question = resolve({"answers": said}, default="words")
    assert (question.answers, question.problem) == (raw.WORDS, "")
    assert question.calls[0].arguments == {"answers": said}


@pytest.mark.parametrize(
    "said",
    [
        {"approve": "yes"},
        {"approve": "yes", "reject": "no"},
        {"approve": "yes", "reject": "yes", "timed_out": "no"},
        {"approve": True, "reject": False, "timed_out": 1},
    ],
    ids=repr,
)
def test_answers_that_are_not_clear_are_refused_and_not_guessed(said):
    assert resolve({"answers": said}, default="words").problem == graphs.BAD_ANSWERS
    assert resolve("?", rule=said).problem == graphs.BAD_ANSWERS


def test_a_question_with_an_unknown_level_is_refused():
    known = {"levels": ["manager", "director"], "default": "words"}
    assert resolve({"level": "manager"}, **known).problem == ""
    assert resolve({"level": "manager"}, SCHEMA, **known).level == "manager"
    assert resolve({"level": None}, **known).level == ""
    for level in ("ceo", "Manager", "", 2, ["manager"], {"of": "x"}):
        for schema in (None, SCHEMA):
            problem = resolve({"level": level}, schema, **known).problem
            assert "director and manager" in problem
            assert dialects.validate(resolve({"level": level}, **known), []) == problem


def test_a_form_needs_no_answers_of_the_policy():
    question = resolve("?", SCHEMA)
    assert question.problem == ""
    assert question.answers == raw.BOOLEANS
    assert resolve("?", {"type": "integer"}, default="words").answers == {}


def test_answers_that_the_schema_refuses_mean_no_approve():
    question = resolve({"answers": NAMED}, SCHEMA)
    assert question.answers == {}
    assert resolve({"answers": NAMED}, {"type": "integer"}).answers == NAMED
    assert resolve({"answers": {"approve": 1}}, SCHEMA).problem == graphs.BAD_ANSWERS


SHAPE = {"answer": {"data": "{text}", "from": ["a person", "re: {text}"]}}


@pytest.mark.parametrize(
    "said",
    [{"payload": SHAPE}, {"rule": SHAPE}, {"default": SHAPE}],
    ids=["payload", "rule", "defaults"],
)
def test_a_text_goes_to_the_graph_in_its_shape(said):
    payload = {"query": "Which?", "answers": said.pop("payload", None)}
    question = resolve(payload, **said)
    told = dialects.answer(question, [answered("Blue.")])
    assert told == {"data": "Blue.", "from": ["a person", "re: Blue."]}
    assert question.calls[0].allowed == (Verdict.REJECT, Verdict.ANSWER)
    assert isinstance(dialects.answer(question, [REJECTED]), Stop)


def test_a_shape_beside_the_outcomes_leaves_them_as_they_are():
    question = resolve({"answers": {**NAMED, "answer": ["{text}"]}})
    assert Verdict.APPROVE in question.calls[0].allowed
    assert dialects.answer(question, [APPROVED]) == NAMED["approve"]
    assert dialects.answer(question, [answered("Blue.")]) == ["Blue."]


@pytest.mark.parametrize("said", [{"answer": "a past answer"}, {"answer": 7}])
def test_an_answer_without_room_for_a_text_is_no_shape(said):
    question = resolve({"answers": said}, default="words")
    assert question.answers == raw.WORDS
    assert resolve("?", rule=said).problem == graphs.BAD_ANSWERS
