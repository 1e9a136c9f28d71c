"""The API's document and its reading are made from one set of shapes."""

from __future__ import annotations

import base64
import itertools
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from bot.approvals.model import Execution, Request, Status, Verdict
from bot.approvals.outside_slack import request_json
from bot.texts import api as sentences
from bot.web.api.problems import Problem
from bot.web.api.queries import read_query
from bot.web.api.schema import OPERATIONS, DecisionBody, document
from tests.support.cards_samples import closed, comment, decision
from tests.support.request_builder import NOW, request


def validator(name: str) -> Draft202012Validator:
    """Check by a component of the document."""
    document_with_it = {**document(), "$ref": f"#/components/schemas/{name}"}
    return Draft202012Validator(
        document_with_it, format_checker=Draft202012Validator.FORMAT_CHECKER
    )


VALUES: dict[str, tuple[Any, ...]] = {
    "digest": (None, "0" * 64, "0" * 63),
    "reason": ("no", "x" * 3_000, "x" * 3_001, 5),
    "arguments": ({}, {"path": "a"}, [], "x"),
    "answer": ("tea", {"count": 2}, None),
    "typed": ("", "K7QP", None),
    "user": ("U0MINA",),
}
MEMBERS = [(name, value) for name, given in VALUES.items() for value in given]
BODIES: list[dict[str, Any]] = [
    {"decision": word, **dict(members)}
    for word in (*Verdict, "APPROVE", None)
    for count in (0, 1, 2)
    for members in itertools.combinations(MEMBERS, count)
]


def test_a_body_is_read_as_the_document_says():
    fits, read = validator("Decision"), 0
    for body in [*BODIES, {}, {"reason": "no"}]:
        try:
            read += bool(DecisionBody.model_validate(body))
            is_read = True
        except ValidationError:
            is_read = False
        assert is_read is fits.is_valid(body), body
    assert read > 50


def test_an_empty_member_is_as_good_as_left_out():
    """The document does not offer it; programs that fill in every member send it."""
    body = {"decision": "approve", "reason": "", "arguments": None}
    assert DecisionBody.model_validate(body).verdict is Verdict.APPROVE
    assert not validator("Decision").is_valid(body)


@pytest.mark.parametrize(
    "one",
    [
        request(),
        request(
            decisions=tuple(decision(verdict=each) for each in list(Verdict)[:4]),
            comments=(comment("Why?"),),
            raised_arguments={"path": "b.txt"},
            form={"type": "object"},
            answer_json='{"count": 2}',
            execution=Execution.UNKNOWN,
        ),
        *(closed(status) for status in Status),
    ],
)
def test_a_request_is_written_as_the_document_says(one: Request):
    shown = json.loads(json.dumps(request_json(one, "Delete `a`")))
    conversation = "3f0c9f0e-6a0e-4f57-9d53-0d2b7c1e8a44"
    validator("Approval").validate({**shown, "conversation": conversation})
    assert shown["raised_at"] == NOW.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    assert shown["title"] == "Delete `a`"
    assert "card_ts" not in shown


@pytest.mark.parametrize(
    ("verdict", "count"),
    [("approve", 1), ("edit", 1), ("answer", 1), ("reject", 0)],
)
def test_what_can_pass_a_stage_counts_as_its_approval(verdict: str, count: int):
    word = decision(verdict=Verdict(verdict))
    [stage] = request_json(request(decisions=(word,)), "")["stages"]
    assert stage["approvals"] == count


def test_parts_of_a_request_share_no_name_that_is_shown():
    one = request()
    parts = (one, one.call, one.people, one.terms, one.end)
    names = [name for part in parts for name in vars(part)]
    shared = {name for name in names if names.count(name) > 1}
    assert shared == {"id", "note"}
    shown = request_json(one, "")
    assert (shown["id"], shown["note"]) == (one.id, one.call.note)


def test_every_operation_problem_and_parameter_is_described():
    assert sentences.SUMMARIES.keys() == {each.name for each in OPERATIONS}
    listing = document()["paths"]["/api/approvals"]["get"]
    assert [each["name"] for each in listing["parameters"]] == [*sentences.QUERY]
    told = json.dumps(document())
    for said in (*sentences.SUMMARIES.values(), *sentences.PROBLEMS.values()):
        assert json.dumps(said) in told
    for members in sentences.members(3_000).values():
        assert all(json.dumps(said) in told for said in members.values())


def test_no_docstring_of_the_code_is_in_the_document():
    told = json.dumps(document())
    for shape in (DecisionBody, Status):
        assert shape.__doc__
        assert json.dumps(shape.__doc__) not in told
    assert '"title": "Status"' not in told


def cursor_of(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ([("limit", "0"), ("status", "open")], "limit must be a whole number"),
        ([("status", "open"), ("limit", "0")], "status must be one of pending, "),
        ([("role", "boss")], "role must be one of requester, approver."),
        ([("limit", "0"), ("order", "id")], "There is no such parameter; there are: "),
        ([("limit", "1"), ("limit", "1")], "Give limit once."),
        ([("limit", "00000010099")], "limit must be a whole number from 1 to 100."),
        ([("limit", "+5")], "limit must be a whole number"),
        ([("tool", "x" * 201)], "tool must be a tool's name."),
        ([("cursor", cursor_of("[" * 3_000))], "cursor must be what the page before"),
        ([("cursor", cursor_of('["2026-11-23", "x"]'))], "cursor must be what"),
        ([("cursor", cursor_of(f'["{NOW.isoformat()}", 5]'))], "cursor must be what"),
    ],
)
def test_the_first_parameter_that_does_not_fit_is_named(
    query: list[tuple[str, str]], sentence: str
):
    with pytest.raises(Problem) as refused:
        read_query(query)
    assert refused.value.sentence.startswith(sentence)


def test_what_a_page_gives_leads_to_the_next():
    given = cursor_of(json.dumps([NOW.isoformat(), "req-1"])).rstrip("=")
    assert read_query([("cursor", given)]).cursor == (NOW, "req-1")
    assert read_query([]).limit == 20
