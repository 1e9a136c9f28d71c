"""A question with a schema is a form, whose values reach the graph in their types."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.deciding import asked, filled_in, inputs, offered, opened, shows
from tests.support.demo import DORA, MINA
from tests.support.foreign import said_in
from tests.support.shown import buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCHEMA = {
    "type": "object",
    "required": ["item", "count", "ready"],
    "properties": {
        "item": {"type": "string", "description": "What it is."},
        "count": {"type": "integer", "minimum": 1},
        "price": {"type": "number"},
        "size": {"enum": ["S", "L"]},
        "ready": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}


async def ask(stage: Stage, schema: object, value: object = "What?") -> Any:
    given = json.dumps({"schema": schema, "value": value})
    return await asked(stage, f"form {given}")


async def test_a_form_of_all_types(zoo: Stage):
    card, ts = await ask(zoo, SCHEMA)
    names = dict(buttons(card))
    assert "approve" not in names  # nothing in it says yes
    assert "answer_open" in names
    form = await opened(zoo, MINA, card, "answer")
    assert [*inputs(form)] == ["item", "count", "price", "size", "ready", "tags"]
    await filled_in(
        zoo,
        MINA,
        form,
        item="tea",
        count="2",
        price="1.5",
        size="L",
        ready="Yes",
        tags='["a", "b"]',
    )
    final = await zoo.outcome(card, "Answered")
    assert "tea" in everything(final)
    said = await said_in(zoo, ts, "got {")
    for part in ("'item': 'tea'", "'count': 2", "'price': 1.5", "'ready': True"):
        assert part in said
    assert "'size': 'L'" in said
    assert "'tags': ['a', 'b']" in said


async def test_a_schema_error_is_shown_at_its_input(zoo: Stage):
    card, ts = await ask(zoo, SCHEMA)
    form = await opened(zoo, MINA, card, "answer")
    given = {"item": "tea", "count": "0", "ready": "No"}
    refused = await filled_in(zoo, MINA, form, **given)
    [(block, why)] = (refused.errors or {}).items()
    assert inputs(form)["count"]["block_id"] == block
    assert "does not fit what the graph asks for" in why
    await filled_in(zoo, MINA, form, **(given | {"count": "1"}))
    await said_in(zoo, ts, "'count': 1")


async def test_a_question_reopens_when_the_graph_refuses_the_answer(
    zoo: Stage,
):
    card, ts = await asked(zoo, "order")
    form = await opened(zoo, MINA, card, "answer")
    given = {"item": "unicorn", "count": "3", "express": "Yes"}
    await filled_in(zoo, MINA, form, **given)
    assert not zoo.simulator.open_views(MINA)  # no form waits for the graph
    told = await zoo.whisper(MINA, "a unicorn is not in stock")
    assert "The form still has what you filled in" in told
    again = await shows(zoo, card, "Open again", "a unicorn is not in stock")
    assert "answer_open" in dict(buttons(again))

    form = await opened(zoo, MINA, again, "answer")
    assert "a unicorn is not in stock" in everything(form)
    before = inputs(form)["count"]["element"]
    assert before["initial_value"] == "3"  # what was filled in is not lost
    await filled_in(zoo, MINA, form, item="tea")
    await zoo.outcome(card, "Answered")
    await said_in(zoo, ts, "got Order(item='tea', count=3, express=True)")
    request = "SELECT id FROM requests ORDER BY raised_at DESC LIMIT 1"
    trail = zoo.records.rows(
        "SELECT event FROM audit WHERE request_id = %s ORDER BY seq",
        zoo.records.value(request),
    )
    assert [event for (event,) in trail].count("ran") == 1


async def test_a_form_that_is_rejected_stops_the_turn(zoo: Stage):
    card, ts = await asked(zoo, "order")
    await zoo.click(MINA, "reject", card)
    await said_in(zoo, ts, "rejected, so I stopped here")


@pytest.mark.parametrize(
    ("schema", "given", "got"),
    [
        ({"type": "string", "minLength": 2}, "tea", "'tea'"),
        ({"type": "integer"}, "7", "7"),
        ({"enum": ["red", "blue"]}, "blue", "'blue'"),
    ],
)
async def test_a_form_of_a_single_value(
    zoo: Stage, schema: object, given: str, got: str
):
    card, ts = await ask(zoo, schema)
    await filled_in(zoo, MINA, await opened(zoo, MINA, card, "answer"), answer=given)
    await said_in(zoo, ts, f"got {got}")


async def test_a_schema_of_yes_and_no_needs_no_form(zoo: Stage):
    for verdict, value in (("approve", True), ("reject", False)):
        card, ts = await ask(zoo, {"type": "boolean"})
        assert "answer" in offered(card)
        await zoo.click(MINA, verdict, card)
        await said_in(zoo, ts, f"got {value}")


async def test_the_remaining_stages_approve_a_given_answer(zoo: Stage):
    value = {"action": "contract", "question": "Which?"}
    card, ts = await ask(zoo, {"type": "string"}, value)
    await filled_in(zoo, MINA, await opened(zoo, MINA, card, "answer"), answer="ACME")
    shown = await shows(zoo, card, "Answer to be approved:", "ACME")
    await zoo.click(DORA, "approve", shown)
    await said_in(zoo, ts, "got 'ACME'")
