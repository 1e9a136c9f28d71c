"""Any value from a graph is written as storable JSON, and nothing is lost."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import json
import pathlib
import types
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage
from pydantic import BaseModel, ConfigDict, SecretStr

from bot.approvals.digest import storable
from bot.approvals.model import Verdict
from bot.conversations import dialects
from bot.conversations.dialects.interface import (
    Decided,
    End,
    Fidelity,
    Unfit,
    arguments_of,
    written,
)
from bot.conversations.dialects.raw import resolve
from tests.support.payloads import asks, batch, inbox, tool_approval

EXACT, SHOWN, HIDDEN = Fidelity
ID = uuid.UUID("12345678123456781234567812345678")


class Colour(enum.Enum):
    RED = "red"


class Word(enum.StrEnum):
    YES = "yes"


class Order(BaseModel):
    model_config = ConfigDict(extra="allow")

    item: str
    key: SecretStr


@dataclasses.dataclass
class Point:
    x: int
    y: float


class Odd:
    def __repr__(self):
        return "<Odd password=hunter2 at 0x7f00>"


CASES = [
    ({"a": [1, 1.5, True, None, "x"]}, {"a": [1, 1.5, True, None, "x"]}, EXACT),
    ((1, 2), [1, 2], EXACT),
    (2**53 - 1, 2**53 - 1, EXACT),
    (2**53, "9007199254740992", SHOWN),
    (-(2**64), "-18446744073709551616", SHOWN),
    (float("nan"), "NaN", SHOWN),
    (float("inf"), "inf", SHOWN),
    (1e300, "1e+300", SHOWN),
    ("a\0b", "a\\u{0}b", SHOWN),
    ("a\ud800", "a\\u{D800}", SHOWN),
    (dt.date(2026, 11, 24), "2026-11-24", SHOWN),
    (
        dt.datetime(2026, 11, 24, 9, 5, tzinfo=dt.UTC),
        "2026-11-24 09:05:00+00:00",
        SHOWN,
    ),
    (decimal.Decimal("1.10"), "1.10", SHOWN),
    (ID, str(ID), SHOWN),
    (pathlib.PurePosixPath("/a/b"), "/a/b", SHOWN),
    (Colour.RED, "red", EXACT),
    (Word.YES, "yes", EXACT),
    (set("edgbfac"), list("abcdefg"), SHOWN),
    ({1: "a", "1": "b"}, [[1, "a"], ["1", "b"]], SHOWN),
    ({"\0": 1, "\\u{0}": 2}, [["\\u{0}", 1], ["\\u{0}", 2]], SHOWN),
    (types.MappingProxyType({"a": 1}), {"a": 1}, EXACT),
    (Point(1, 2.5), {"x": 1, "y": 2.5}, EXACT),
    (b"abc", None, HIDDEN),
    (Odd(), "(a value of the type Odd)", HIDDEN),
    (Odd, "(a value of the type type)", HIDDEN),
    (collections.deque([1]), "(a value of the type deque)", HIDDEN),
]


@pytest.mark.parametrize(
    ("value", "text", "fidelity"),
    CASES,
    # the order of a set differs from run to run
    ids=["set" if isinstance(c[0], set) else repr(c[0])[:40] for c in CASES],
)
def test_each_kind_of_value_is_written_readably(value, text, fidelity):
    found, how = written(value)
    assert how is fidelity
    if text is not None:
        assert found == text
    assert storable({"value": found})


def test_bytes_show_how_many_they_are_and_which():
    assert written(b"abc")[0] == (
        "(3 bytes, SHA-256 "
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad)"
    )


def test_models_are_written_field_by_field_and_secrets_stay_hidden():
    found, how = written(Order(item="tea", key=SecretStr("hunter2"), more=[1]))
    assert found == {
        "item": "tea",
        "key": "(a value of the type SecretStr)",
        "more": [1],
    }
    assert how is HIDDEN
    message, _ = written(HumanMessage("hi", id="m1"))
    assert (message["content"], message["id"]) == ("hi", "m1")


def test_what_has_no_end_comes_to_an_end():
    round_ = []
    round_ += [round_, round_]
    deep = []
    for _ in range(10_000):
        deep = [deep]
    for value in (round_, deep, ["x"] * 30_000, 10**6_000):
        found, how = written(value)
        assert how >= SHOWN
        assert len(storable({"value": found})) < 10**6


def test_arguments_have_names():
    assert arguments_of([1])[0] == {"value": [1]}
    assert arguments_of({"a": 1})[0] == {"a": 1}
    assert arguments_of({1: 2})[0] == {"value": [[1, 2]]}


ODD = st.sampled_from([b"", b"\0", Odd(), Odd, object(), dt.date(1, 1, 1)])
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | ODD
LEAF |= st.characters(categories=["Cs"]) | st.binary()
ANY = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner)
        | st.tuples(inner, inner)
    ),
    max_leaves=20,
)


@given(ANY)
def test_every_payload_gives_arguments_that_survive_canonical_json(value):
    [call] = dialects.read(asks(value), {}).calls
    text = storable(call.arguments)
    assert storable(json.loads(text)) == text
    if call.fidelity is EXACT:
        whole = value if isinstance(value, dict) else {"value": value}
        assert text == storable(json.loads(json.dumps(whole)))


@given(ANY)
def test_every_payload_is_read_the_same_way_twice(value):
    assert dialects.read(asks(value), {}).calls == dialects.read(asks(value), {}).calls


DECIDED = st.builds(
    Decided,
    st.sampled_from(End),
    st.text(),
    st.none() | st.dictionaries(st.text(), ANY),
    ANY,
)
SCHEMA = st.sampled_from([None, {"type": "string"}, {"type": "boolean"}, {}, {"a": 1}])


@given(ANY | st.sampled_from([tool_approval(), inbox()]), SCHEMA, DECIDED)
def test_any_decision_on_any_payload_is_refused_or_answered(value, schema, decided):
    read = dialects.read(asks(value, schema), {})
    question = resolve(read, rule=None, default="words", levels=[])
    if complaint := dialects.validate(question, [decided]):
        with pytest.raises(Unfit) as refused:
            dialects.answer(question, [decided])
        assert str(refused.value) == complaint
    else:
        dialects.answer(question, [decided])


SHAPES = {
    "per_call": lambda args: tool_approval(**args),
    "batched": lambda args: batch(("pay", args, ["approve", "edit", "reject"])),
    "agent_inbox": lambda args: inbox(**args),
}


@pytest.mark.parametrize("dialect", SHAPES)
@pytest.mark.parametrize("value", [float("nan"), 2**60, b"x", Odd(), "a\0"], ids=repr)
def test_a_call_that_cannot_be_shown_exactly_cannot_be_approved(dialect, value):
    question = dialects.read(asks(SHAPES[dialect]({"a": value})), {})
    [call] = question.calls
    assert question.dialect == dialect
    assert call.fidelity is not EXACT
    assert not {Verdict.APPROVE, Verdict.EDIT} & set(call.allowed)
    assert Verdict.REJECT in call.allowed


def test_a_graphs_question_can_be_approved_only_if_fully_shown():
    [shown] = dialects.read(asks({"id": 2**60, "on": dt.date(2026, 1, 1)}), {}).calls
    [hidden] = dialects.read(asks({"image": b"x"}), {}).calls
    assert Verdict.APPROVE in shown.allowed
    assert hidden.allowed == (Verdict.REJECT, Verdict.ANSWER)
