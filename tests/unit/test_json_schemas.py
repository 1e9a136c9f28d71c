"""Checks of arguments against somebody else's schema: no crash, no long wait."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.approvals import json_schemas
from bot.approvals.json_schemas import complaint_about, is_schema

ARGUMENTS = {"to": "a" * 40 + "!", "amount": 2.5}
UNREADABLE = "their schema can't be read, so it's unknown whether they fit"


def named(**to: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"to": to, "amount": {"type": "number"}}}


@pytest.mark.parametrize(
    "schema",
    [
        named(type="money"),
        named(minLength="x"),
        named(pattern="("),
        named(pattern="(?=a)"),  # RE2 looks nowhere ahead
        named(enum=5),
        named(**{"$ref": "#/$defs/nothing"}),
        named(**{"$ref": "https://schemas.example/to.json"}),
        {"$ref": "#"},
        {"allOf": 5},
        {"$id": 5},
        {"properties": {"to": {}, "amount": {"multipleOf": 0}}},
        {"properties": {"to": {}, "amount": {"multipleOf": 10**400}}},
        named(default={1, 2}),  # no JSON
    ],
)
def test_a_schema_that_is_none_is_said_to_be_unreadable(schema: dict[str, Any]):
    assert complaint_about(schema, ARGUMENTS) == UNREADABLE


def test_a_pattern_is_matched_in_linear_time():
    begun = time.process_time()
    complaint = complaint_about(named(pattern="^(a+)+$"), ARGUMENTS)
    assert time.process_time() - begun < 1
    assert complaint.startswith("to: ")
    assert complaint_about(named(pattern="a!$"), ARGUMENTS) == ""


def test_a_schema_is_checked_once(monkeypatch: pytest.MonkeyPatch):
    checked: list[Any] = []
    monkeypatch.setattr(json_schemas._Validator, "check_schema", checked.append)
    schema = named(title="checked once")
    assert is_schema(schema)
    assert [complaint_about(schema, {"to": n, "amount": 1}) for n in "ab"] == ["", ""]
    assert checked == [schema]


def test_what_does_not_fit_is_named():
    assert complaint_about(named(type="integer"), ARGUMENTS).startswith("to: ")
    assert (
        complaint_about(named(), {**ARGUMENTS, "cc": 1}) == "there is no argument 'cc'"
    )
