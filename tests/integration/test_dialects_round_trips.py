"""From the real interrupt to the real resume: the graph acts on what was decided."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import typing
import uuid

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.errors import is_invalid_resume
from langgraph.graph import START, StateGraph
from langgraph.prebuilt.interrupt import ActionRequest, HumanInterrupt
from langgraph.types import interrupt
from pydantic import BaseModel, Field, ValidationError, field_validator
from typing_extensions import TypedDict

from bot.approvals.model import Verdict
from bot.conversations import dialects
from bot.conversations.dialects import raw, static_breakpoint
from bot.conversations.dialects.interface import RunOn, Stop, Unfit
from tests.support.payloads import (
    APPROVED,
    ARGS,
    REJECTED,
    TIMED_OUT,
    answered,
    edited,
    inbox,
)
from tests.support.threads import Log, Thread, asking, graph_of

OUTCOMES = [APPROVED, REJECTED, TIMED_OUT]
NO = REJECTED.message


def read(asked, default=None):
    question = dialects.read(asked, {})
    return raw.resolve(question, rule=None, default=default, levels=["manager"])


async def taken(ask, decided, default=None):
    """Return what a graph calling `ask` gets for a decision; None if it is stopped."""
    ran = []
    thread = Thread(graph_of(asking(ask, ran)), strict=True)
    [asked] = await thread.begin()
    value = dialects.answer(read(asked, default), [decided])
    if isinstance(value, Stop):
        return None
    await thread.resume({asked.id: value})
    assert await thread.pending() == []
    [received] = ran
    return received


@pytest.mark.parametrize(
    ("default", "decided", "deleted"),
    [
        ("booleans", APPROVED, True),
        ("booleans", REJECTED, False),
        ("booleans", TIMED_OUT, False),
        ("words", APPROVED, True),
        # a word is true: this is why nobody's answers are guessed
        ("words", REJECTED, True),
        ("words", TIMED_OUT, True),
    ],
)
async def test_an_if_interrupt_graph_takes_booleans_and_no_words(
    default, decided, deleted
):
    received = await taken(lambda: bool(interrupt("Delete?")), decided, default)
    assert received is deleted


@pytest.mark.parametrize(
    ("decided", "branch"),
    [(APPROVED, "delete"), (REJECTED, "keep"), (TIMED_OUT, "too late")],
)
async def test_a_graph_of_words_takes_each_of_the_three(decided, branch):
    branches = {"approve": "delete", "reject": "keep", "timeout_reject": "too late"}
    received = await taken(lambda: branches[interrupt("Delete?")], decided, "words")
    assert received == branch


@pytest.mark.parametrize(
    ("decided", "value"), [*zip(OUTCOMES, [1, 0, {"late": True}], strict=True)]
)
async def test_a_graph_that_says_its_own_answers_gets_those(decided, value):
    own = {"approve": 1, "reject": 0, "timed_out": {"late": True}}
    payload = {"question": "Delete?", "answers": own}
    assert await taken(lambda: interrupt(payload), decided, "words") == value


async def test_without_anybody_who_says_the_answers_nothing_is_resumed():
    thread = Thread(graph_of(asking(lambda: interrupt("Delete?"), ran := [])))
    [asked] = await thread.begin()
    for decided in OUTCOMES:
        with pytest.raises(Unfit, match="which values mean yes and no"):
            dialects.answer(read(asked), [decided])
    assert ran == []


async def test_a_persons_own_words_answer_an_open_question():
    given = answered("ACME, Inc. <b>")
    received = await taken(lambda: interrupt("Which customer?"), given, "words")
    assert received == "ACME, Inc. <b>"


async def test_nothing_at_all_may_be_asked():
    assert await taken(lambda: interrupt(None), REJECTED, "booleans") is False


HUMAN = HumanInterrupt(
    action_request=ActionRequest(action="pay", args=ARGS),
    config=inbox("accept edit respond ignore")["config"],
    description="Pays somebody.",
)


@pytest.mark.parametrize(
    "raised",
    [HUMAN, [HUMAN], json.dumps(HUMAN), json.dumps([HUMAN])],
    ids=["one", "list", "text", "list as text"],
)
@pytest.mark.parametrize(
    ("decided", "response"),
    [
        (APPROVED, {"type": "accept", "args": {"action": "pay", "args": ARGS}}),
        (REJECTED, {"type": "ignore"}),
        (TIMED_OUT, {"type": "ignore"}),
        (
            edited(to="Bo"),
            {"type": "edit", "args": {"action": "pay", "args": {"to": "Bo"}}},
        ),
        (answered("Less."), {"type": "response", "args": "Less."}),
    ],
    ids=["approve", "reject", "timed out", "edit", "answer"],
)
async def test_an_agent_inbox_graph_reads_the_first_of_a_list(
    raised, decided, response
):
    received = await taken(lambda: interrupt(raised)[0], decided)
    assert received == response
    if response["type"] == "accept":
        kinds = {k: type(v) for k, v in received["args"]["args"].items()}
        assert kinds == {k: type(v) for k, v in ARGS.items()}


async def test_an_inbox_that_may_not_be_ignored_gets_a_response():
    payload = inbox("accept respond")
    received = await taken(lambda: interrupt([payload])[0], TIMED_OUT)
    assert received == {"type": "response", "args": TIMED_OUT.message}


class Order(BaseModel):
    item: str
    count: int = Field(ge=1)

    @field_validator("item")
    @classmethod
    def known(cls, item):
        if item == "unicorn":
            raise ValueError("not in stock")
        return item


class Note(TypedDict):
    item: str
    count: int


@dataclasses.dataclass
class Line:
    item: str
    count: int


FILLED = {"item": "tea", "count": 2}
JSON_SCHEMA = {"type": "object", "required": ["item"], "properties": {"count": {}}}


@pytest.mark.parametrize(
    ("schema", "received"),
    [
        (Order, Order(item="tea", count=2)),
        (Note, FILLED),
        (Line, Line("tea", 2)),
        (JSON_SCHEMA, FILLED),
    ],
    ids=["pydantic", "typed dict", "dataclass", "json schema"],
)
async def test_a_form_gives_the_graph_its_own_type(schema, received):
    def ask():
        return interrupt("What?", response_schema=schema)

    assert await taken(ask, answered(FILLED)) == received
    assert await taken(ask, REJECTED) is None
    assert await taken(ask, TIMED_OUT) is None
    for bad in ({"count": 1}, "tea", [FILLED], None):
        with pytest.raises(Unfit):
            await taken(ask, answered(bad))


@pytest.mark.parametrize("bad", [{"item": "tea", "count": 0}, {"item": 1, "count": 1}])
async def test_a_form_checks_what_the_model_says_of_its_fields(bad):
    with pytest.raises(Unfit):
        await taken(lambda: interrupt("?", response_schema=Order), answered(bad))


async def test_an_answer_that_the_graph_refuses_leaves_the_question_open():
    ran = []
    thread = Thread(
        graph_of(asking(lambda: interrupt("?", response_schema=Order), ran)),
        strict=True,
    )
    [asked] = await thread.begin()
    for item in ("unicorn", "tea"):
        value = dialects.answer(read(asked), [answered({"item": item, "count": 1})])
        if item == "tea":
            await thread.resume({asked.id: value})
            continue
        with pytest.raises(ValidationError, match="not in stock") as refused:
            await thread.resume({asked.id: value})
        assert is_invalid_resume(refused.value)
        assert await thread.pending() == [asked]
    assert ran == [Order(item="tea", count=1)]


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        (bool, [True, False, False]),
        (typing.Literal["approve", "reject"], ["approve", "reject", "reject"]),
        (
            typing.Literal["approve", "reject", "timeout_reject"],
            ["approve", "reject", "timeout_reject"],
        ),
    ],
    ids=str,
)
async def test_a_schema_of_yes_and_no_needs_no_form(schema, values):
    for decided, value in zip(OUTCOMES, values, strict=True):
        received = await taken(lambda: interrupt("?", response_schema=schema), decided)
        assert received is value or received == value


async def test_parallel_questions_can_be_answered_together_or_separately():
    ran = []

    def one(state):
        ran.append(("one", interrupt({"question": "1", "level": "manager"})))
        return {"log": []}

    def two(state):
        ran.append(("two", interrupt("2", response_schema=bool)))
        return {"log": []}

    for at_once in (True, False):
        ran.clear()
        thread = Thread(graph_of(one, two, parallel=True), strict=True)
        asked = await thread.begin()
        values = {
            a.id: dialects.answer(read(a, "words"), [d])
            for a, d in zip(asked, [APPROVED, REJECTED], strict=True)
        }
        batches = [values] if at_once else [{k: v} for k, v in values.items()]
        for batch in batches:
            await thread.resume(batch)
        assert sorted(ran) == [("one", "approve"), ("two", False)]


async def test_successive_questions_of_a_subgraph_node_are_each_answered():
    ran = []

    def stages(state):
        ran.append([interrupt({"level": "manager"}), interrupt("Sure?")])
        return {"log": []}

    inner = graph_of(stages).compile()
    builder = StateGraph(Log).add_node("inner", inner).add_edge(START, "inner")
    thread = Thread(builder, strict=True)
    [first] = await thread.begin()
    await thread.resume({first.id: dialects.answer(read(first, "words"), [APPROVED])})
    [second] = await thread.pending()
    assert second.id != first.id
    await thread.resume({second.id: dialects.answer(read(second, "words"), [REJECTED])})
    assert ran == [["approve", "reject"]]


@pytest.mark.parametrize("decided", OUTCOMES, ids=lambda d: d.end)
async def test_a_static_breakpoint_runs_on_or_stops_the_turn(decided):
    builder = graph_of(asking(lambda: "acted", ran := []))
    saver = InMemorySaver()
    compiled = builder.compile(checkpointer=saver, interrupt_before=["node"])
    thread = Thread(builder, strict=True, compiled=compiled)
    assert await thread.begin() == []
    state = await thread.state()
    key = state.config["configurable"]["checkpoint_id"]
    question = read(static_breakpoint.raised(state.next, key))
    assert (question.interrupt, question.calls[0].name) == (key, "node")
    value = dialects.answer(question, [decided])
    if isinstance(value, RunOn):
        await thread.run(None)
    assert ran == (["acted"] if decided is APPROVED else [])


class Size(enum.Enum):
    BIG = "big"


ODD = {
    "question": "Go on?",
    "on": dt.date(2026, 11, 24),
    "at": dt.datetime(2026, 11, 24, 9, 5, tzinfo=dt.UTC),
    "price": decimal.Decimal("1.10"),
    "id": uuid.UUID(int=7),
    "pair": (1, 2),
    "some": {3, 1},
    "file": b"\0\1",
    "far": 2**60,
    "odd": float("nan"),
}
# which a strict checkpoint does not give back as they were
OWN_TYPES = {
    "size": Size.BIG,
    "line": Line("tea", 2),
    "order": Order(item="a", count=1),
}


@pytest.mark.parametrize(
    "value",
    [ODD, OWN_TYPES, "text", None, 7, [1, "a"], {"a": {"b": [True, 0.5]}}],
    ids=repr,
)
async def test_a_question_reads_the_same_live_and_from_the_checkpoint(value):
    strict = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=[]))
    thread = Thread(graph_of(asking(lambda: interrupt(value), [])), saver=strict)
    live = await thread.run({"log": []})
    [stored] = await thread.pending()
    assert read(live["__interrupt__"][0]).calls == read(stored).calls


async def test_what_cannot_be_shown_can_still_be_rejected():
    payload = {"question": "Post it?", "image": b"\0\1"}
    assert await taken(lambda: interrupt(payload), REJECTED, "booleans") is False
    with pytest.raises(Unfit):
        await taken(lambda: interrupt(payload), APPROVED, "booleans")
    thread = Thread(graph_of(asking(lambda: interrupt(payload), [])))
    [call] = read((await thread.begin())[0], "words").calls
    assert Verdict.APPROVE not in call.allowed
