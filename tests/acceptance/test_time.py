"""Nobody clicks in time, and the click that comes at the last moment."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from tests.support.deciding import asked_to_delete, request_of
from tests.support.demo import GENERAL, MINA
from tests.support.policies import files_policy
from tests.support.shown import Message, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {"policy": files_policy(timeout="2s")}
ROUNDS = 6


async def test_silence_is_a_reject_and_everybody_is_told(shared: Stage):
    file = shared.put("silence.txt")

    ts = await shared.ask("delete silence.txt")
    card = await shared.card_about("silence.txt")
    final = await shared.outcome(card, "Timed out")
    answer = await shared.answer(GENERAL, ts)

    assert "no one decided in time" in everything(final)
    assert "timed out" in answer  # what the agent was told stands in its answer
    await shared.reply(GENERAL, ts, "Timed out: *Delete*")
    assert file.exists()


async def test_a_late_click_changes_nothing_and_is_answered(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "late.txt")
    await shared.outcome(card, "Timed out")
    await shared.answer(GENERAL, ts)
    await shared.reply(GENERAL, ts, "Timed out: *Delete*")
    heard = len(shared.whispers(MINA))

    clicked = await shared.click(MINA, "approve", card)

    assert clicked.acked
    assert "timed out" in await shared.whisper(MINA, since=heard)
    await shared.rest()
    assert file.exists()
    request = request_of(card)
    assert shared.records.status(request) == "timed_out"
    assert not shared.records.decisions(request)
    assert len(shared.said(GENERAL, ts)) == 2  # the notice and the answer, once


async def test_approve_and_expiry_at_the_same_instant_have_one_winner(shared: Stage):
    names = [f"race-{number}.txt" for number in range(ROUNDS)]
    for name in names:
        shared.put(name)

    raced = [race(shared, name, index) for index, name in enumerate(names)]
    outcomes = [await each for each in asyncio.as_completed(raced)]

    assert len(outcomes) == ROUNDS
    assert set(outcomes) <= {"approved", "timed_out"}


async def race(stage: Stage, name: str, index: int) -> str:
    """Click around a request's deadline, check that all agree, and return its end."""
    ts = await stage.ask(f"delete {name}")
    card = await stage.card_about(name)
    request = request_of(card)
    deadline: dt.datetime = stage.records.value(
        "SELECT expires_at FROM requests WHERE id = %s", request
    )
    moment = deadline + dt.timedelta(milliseconds=(index - ROUNDS / 2) * 16)
    await asyncio.sleep((moment - dt.datetime.now(dt.UTC)).total_seconds())
    await stage.click(MINA, "approve", card)
    await stage.answer(GENERAL, ts)
    return await agreed(stage, card, request, (stage.files / name).exists())


async def agreed(stage: Stage, card: Message, request: str, still_there: bool) -> str:
    """The end that database, card and file agree on."""
    status = stage.records.status(request)
    await stage.outcome(card, {"approved": "Approved"}.get(status, "Timed out"))
    decisions = stage.records.decisions(request)
    assert decisions == ([(MINA, "approve")] if status == "approved" else [])
    assert still_there is (status != "approved")
    return status
