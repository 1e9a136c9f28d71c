"""Several questions of a graph of somebody else's, and what goes wrong in it."""

from __future__ import annotations

import pytest

from tests.support.deciding import asked, shows
from tests.support.demo import MAREK, MINA
from tests.support.foreign import said_in
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("order", ["left first", "right first"])
async def test_two_questions_at_once_are_answered_one_by_one(zoo: Stage, order: str):
    card, ts = await asked(zoo, "both", "Right?")
    before = len(zoo.ledger)
    name, other = ("left", "right") if order == "left first" else ("right", "left")

    await zoo.click(MINA, "approve", card, about=f"{name.title()}?")
    now = await shows(zoo, card, "Approved")
    await zoo.simulator.wait_for(lambda: zoo.ledger[before:] == [f"{name} approve"])
    await zoo.click(MAREK, "reject", now, about=f"{other.title()}?")
    await said_in(zoo, ts, "both are over")
    assert zoo.ledger[before:] == [f"{name} approve", f"{other} reject"]


@pytest.mark.parametrize("where", ["twice", "inner"])
async def test_two_questions_in_a_row_are_answered_separately(zoo: Stage, where: str):
    first, ts = await asked(zoo, where)
    assert "First?" in everything(first)
    count = len(zoo.cards())
    await zoo.click(MINA, "approve", first)
    second = await zoo.card(count + 1)
    assert "Second?" in everything(second)
    await zoo.click(MINA, "approve", first)  # a late click answers nothing else
    await zoo.rest()
    assert "Approval needed" in everything(zoo.message(second["channel"], second["ts"]))
    await zoo.click(MINA, "reject", second)
    await said_in(zoo, ts, "got ['approve', 'reject']")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("boom", "failed in `boom` (ValueError)"),
        ("loop", "more steps than one turn may take"),
        ("silent", "ended without a message"),
    ],
)
async def test_a_failing_graph_gives_a_code_and_the_conversation_continues(
    zoo: Stage, text: str, words: str
):
    ts = await zoo.ask(text)
    said = await said_in(zoo, ts, words)
    code = said.partition("Code: ")[2].partition(")")[0]
    assert code
    assert code in zoo.bot.log
    assert "secret detail" not in said
    await zoo.ask(f'ask "And after {text}?"', thread_ts=ts)
    card = await zoo.card_about(f"And after {text}?")
    await zoo.click(MINA, "approve", card)
    await said_in(zoo, ts, "got 'approve'")


async def test_what_fails_after_an_approval_is_not_run_again(zoo: Stage):
    card, ts = await asked(zoo, "after")
    before = zoo.ledger.count("after")
    await zoo.click(MINA, "approve", card)
    await said_in(zoo, ts, "The error is in the graph's own code")
    await shows(zoo, card, "Approved", "Failed")
    await zoo.ask('ask "After that?"', thread_ts=ts)
    again = await zoo.card_about("After that?")
    await zoo.click(MINA, "reject", again)
    await said_in(zoo, ts, "got 'reject'")
    assert zoo.ledger.count("after") == before + 1


async def test_a_question_that_stands_beside_a_failure_is_closed(zoo: Stage):
    """Its answer would let the failed node run once more."""
    card, ts = await asked(zoo, "both broken", "Right?")
    await zoo.click(MINA, "approve", card, about="Left?")
    await said_in(zoo, ts, "The error is in the graph's own code")
    await zoo.outcome(card, "Orphaned")
    await zoo.click(MINA, "approve", card, about="Right?")
    await zoo.whisper(MINA, "has moved on")
    assert len(zoo.texts(ts)) >= 2
