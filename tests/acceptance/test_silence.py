"""Seconds for hours: reminders, an escalation, the end of a stage, from outside."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest

from tests.support.deciding import asked_to_delete, request_of
from tests.support.demo import APPROVALS, DORA, GENERAL, MAREK, MINA, OLAF, RAVI
from tests.support.policies import files_policy
from tests.support.shown import Message, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
SLOW = "[{approvers: managers, reminders: [2s, 6s], timeout: 9s, %s}]"
ESCALATE = "escalate: {after: 4s, to: directors}"
STAGE = {"policy": files_policy(deleting=f"stages: {SLOW % ESCALATE}")}
REMINDED, JOINED = "this still needs you", "you can decide this too now"


def in_thread(stage: Stage, card: Message, words: str = "") -> list[str]:
    """The bot's messages with these words below a card, without the card itself."""
    found = stage.said(APPROVALS, card["ts"])
    texts = [everything(m) for m in found if m["ts"] != card["ts"]]
    return [text for text in texts if words in text]


async def until_said(stage: Stage, card: Message, words: str, number: int = 1) -> str:
    def found() -> list[str]:
        texts = in_thread(stage, card, words)
        return texts if len(texts) >= number else []

    return (await stage.simulator.wait_for(found))[-1]


async def nothing_calls(stage: Stage, card: Message) -> None:
    """Wait until no message calls people any more, and see that it stays so."""

    def calling() -> list[str]:
        return in_thread(stage, card, REMINDED) + in_thread(stage, card, JOINED)

    await stage.simulator.wait_for(lambda: not calling())
    await stage.rest()
    assert not calling()


async def test_silence_reminds_escalates_and_ends(shared: Stage):
    stage = shared
    file, card, ts = await asked_to_delete(stage, "slow.txt")
    coming = everything(card)
    assert "directors too from" in coming

    first = await until_said(stage, card, REMINDED)
    assert f"<@{MINA}>" in first
    assert f"<@{MAREK}>" in first
    assert f"<@{DORA}>" not in first
    await stage.reply(GENERAL, ts, "Reminded")

    joined = await until_said(stage, card, JOINED)
    assert f"<@{DORA}>" in joined
    assert f"<@{MINA}>" not in joined
    second = await until_said(stage, card, REMINDED, 2)
    assert f"<@{DORA}>" in second
    now = everything(stage.message(APPROVALS, card["ts"]))
    assert "directors joined" in now

    final = await stage.outcome(card, "Timed out")
    assert "no one in managers decided in time" in everything(final)
    assert "timed out" in await stage.answer(GENERAL, ts)
    await nothing_calls(stage, card)
    assert file.exists()
    below = in_thread(stage, card)
    assert len(below) == 3
    assert all("Timed out: *Delete*" in text for text in below)
    request = request_of(card)
    assert events(stage, request) == ["reminded", "escalated", "reminded", "timed_out"]


def events(stage: Stage, request: str) -> list[str]:
    return stage.records.value(
        "SELECT array_agg(event ORDER BY seq) FROM audit WHERE request_id = %s"
        " AND event IN ('reminded', 'escalated', 'timed_out', 'approved')",
        request,
    )


async def test_whoever_joins_decides_and_nobody_else(shared: Stage):
    stage = shared
    file, card, ts = await asked_to_delete(stage, "joined.txt")
    heard = len(stage.whispers(DORA)), len(stage.whispers(OLAF))

    await stage.click(DORA, "approve", card)
    await stage.whisper(DORA, since=heard[0])
    assert file.exists()
    await until_said(stage, card, JOINED)
    await stage.click(OLAF, "approve", card)
    await stage.whisper(OLAF, since=heard[1])
    assert file.exists()
    await stage.click(DORA, "approve", card)

    await stage.answer(GENERAL, ts)
    final = await stage.outcome(card, "Approved")
    assert f"<@{DORA}>" in everything(final)
    assert not file.exists()
    await nothing_calls(stage, card)


async def test_the_requester_withdraws_at_any_time(shared: Stage):
    stage = shared
    ts = await stage.ask("delete withdrawn.txt")
    card = await stage.card_about("withdrawn.txt")
    await until_said(stage, card, JOINED)

    notices = [m for m in stage.said(GENERAL, ts) if "Withdraw" in everything(m)]
    await stage.click(RAVI, "withdraw", notices[0])

    await stage.outcome(card, "Withdrawn")
    await nothing_calls(stage, card)


@pytest.mark.parametrize("event", ["reminder", "escalation"])
async def test_approve_at_the_instant_of_what_silence_brings(shared: Stage, event: str):
    stage = shared
    seconds = {"reminder": 2, "escalation": 4}[event]
    names = [f"{event}-{number}.txt" for number in range(3)]
    for name in names:
        stage.put(name)

    await asyncio.gather(
        *(race(stage, name, seconds, index) for index, name in enumerate(names))
    )

    for name in names:
        card = await stage.card_about(name)
        await nothing_calls(stage, card)
        assert not (stage.files / name).exists()
        assert len(in_thread(stage, card)) <= 2


async def race(stage: Stage, name: str, seconds: int, index: int) -> None:
    """Click around the instant, and see that everything says the same."""
    ts = await stage.ask(f"delete {name}")
    card = await stage.card_about(name)
    request = request_of(card)
    opened: dt.datetime = stage.records.value(
        "SELECT opened_at FROM stages WHERE request_id = %s", request
    )
    moment = opened + dt.timedelta(seconds=seconds, milliseconds=index * 100 - 100)
    await asyncio.sleep((moment - dt.datetime.now(dt.UTC)).total_seconds())
    await stage.click(MINA, "approve", card)
    await stage.answer(GENERAL, ts)
    await stage.outcome(card, "Approved")
    assert stage.records.decisions(request) == [(MINA, "approve")]
    assert events(stage, request)[-1] == "approved"


async def test_two_replicas_one_stopped_half_way_send_everything_once(shared: Stage):
    stage = shared
    await stage.start_bot()
    await stage.simulator.wait_for(lambda: stage.simulator.sockets == 2)
    names = [f"many-{number}.txt" for number in range(2)]
    for name in names:
        stage.put(name)
    for name in names:
        await stage.ask(f"delete {name}")
    cards = [await stage.card_about(name) for name in names]
    for card in cards:
        await until_said(stage, card, REMINDED)

    leaving = stage.bots.pop(0)
    await leaving.kill()

    for card in cards:  # the one that died may have held an edit; its lease runs out
        await stage.outcome(card, "Timed out", timeout=45)
    for card in cards:
        await nothing_calls(stage, card)
        request = request_of(card)
        assert len(in_thread(stage, card)) == 3
        assert events(stage, request) == [
            *["reminded", "escalated", "reminded", "timed_out"]
        ]
