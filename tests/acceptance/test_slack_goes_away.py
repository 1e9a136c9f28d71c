"""Sockets that close, channels that are archived, cards that are deleted."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.deciding import asked_to_delete, request_of
from tests.support.demo import APPROVALS, DORA, GENERAL, MINA, RAVI
from tests.support.policies import files_policy
from tests.support.shown import Message
from tests.support.stage import Stage, make_stage

TWO_STAGES = files_policy(
    deleting="stages: [{approvers: managers}, {approvers: directors}]"
)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    "how", ["warning", "refresh_requested", "link_disabled", "cut", "no address"]
)
async def test_however_a_socket_ends_no_request_is_lost(shared: Stage, how: Any):
    stage, before = shared, len(shared.cards())
    file, card, thread = await asked_to_delete(stage, "a.txt")
    stage.put("b.txt", "still here")

    await end_sockets(stage, how)
    ts = await stage.ask("read b.txt")
    clicked = await stage.click(MINA, "approve", card)
    await stage.bot.until_ready()
    await stage.send_again(ts)
    await stage.until(lambda: "still here" in str(stage.answers(ts)))
    if not clicked.acked:  # Slack has told her; it may have counted all the same
        assert (await stage.click(MINA, "approve", card)).acked
    await stage.answer(GENERAL, thread)
    await stage.outcome(card, "Approved")
    await stage.rest()

    assert not file.exists()
    assert stage.records.decisions(request_of(card)) == [(MINA, "approve")]
    assert len(stage.answers(ts)) == 1
    assert len(stage.cards()) == before + 1


async def end_sockets(stage: Stage, how: Any) -> None:
    if how == "cut":
        await stage.simulator._sockets.close()
    elif how == "no address":
        stage.simulator.faults.add("apps.connections.open", "server_error", times=2)
        await stage.simulator.disconnect("refresh_requested")
        await stage.bot.until(503, "no socket")
    else:
        await stage.simulator.disconnect(how)


async def test_clicks_while_sockets_reconnect_are_done_once_or_refused(
    socket_stage: Stage,
):
    """Each is done once, or the person knows that it was not."""
    stage = socket_stage
    threads, cards = [], []
    for number in range(4):
        _, card, ts = await asked_to_delete(stage, f"{number}.txt")
        cards.append(card)
        threads.append(ts)

    async def shake() -> None:
        for reason in ("refresh_requested", "warning", "link_disabled") * 2:
            await stage.simulator.disconnect(reason)
            await stage.until(lambda: stage.simulator.sockets)

    async def press(card: Message) -> None:
        while not (await stage.click(MINA, "approve", card)).acked:
            await stage.until(lambda: stage.simulator.sockets)

    await asyncio.gather(shake(), *(press(card) for card in cards))
    for card, ts in zip(cards, threads, strict=True):
        await stage.until(lambda ts=ts: stage.answers(ts))
        await stage.until(lambda card=card: stage.is_closed(card, "Approved"))
    await stage.rest()

    assert [len(stage.answers(ts)) for ts in threads] == [1] * 4
    ran = "SELECT count(*) FROM audit WHERE event = 'claimed'"
    assert stage.records.value(ran) == 4
    assert not list(stage.files.glob("*.txt"))


async def test_a_deleted_card_is_posted_again_for_the_next_stage(
    tmp_path: Path, database: str
):
    async with make_stage(tmp_path, database, "socket", policy=TWO_STAGES) as stage:
        file, card, ts = await asked_to_delete(stage, "a.txt")
        workspace = stage.simulator.workspace
        click = stage.simulator.click_payload(
            MINA, APPROVALS, card["ts"], "approve", request_of(card)
        )
        workspace.remove_message(workspace.message(APPROVALS, card["ts"]))

        await stage.simulator.send_payload(click)  # on its way when it was deleted
        again = await stage.until(lambda: stage.cards())
        assert again[0]["ts"] != card["ts"]
        await stage.click(DORA, "approve", again[0])
        await stage.answer(GENERAL, ts)
        await stage.outcome(again[0], "Approved")

        assert not file.exists()
        assert len(stage.cards()) == 1


async def test_an_archived_channel_is_reported_and_the_request_times_out(
    tmp_path: Path, database: str
):
    policy = files_policy(timeout="3s")
    async with make_stage(tmp_path, database, "socket", policy=policy) as stage:
        file = stage.put("a.txt")
        stage.simulator.workspace.archive(APPROVALS, MINA)

        ts = await stage.ask("delete a.txt")
        await stage.reply(GENERAL, ts, "could not post the card")
        answer = await stage.answer(GENERAL, ts)

        assert "timed out" in answer
        assert file.exists()
        said = [m for m in stage.said(GENERAL, ts) if "could not post" in m["text"]]
        assert len(said) == 1
        assert "Traceback" not in stage.bot.log


async def test_a_requester_whose_channel_is_gone_gets_a_direct_message(
    socket_stage: Stage,
):
    stage = socket_stage
    file, card, _ = await asked_to_delete(stage, "a.txt")
    stage.simulator.workspace.archive(GENERAL, MINA)

    await stage.click(MINA, "approve", card)
    await stage.outcome(card, "Approved")
    dm = stage.simulator.dm(RAVI)
    told = await stage.until(lambda: stage.simulator.messages(dm))

    assert (
        "Slack doesn't let me post in [the thread where you asked]" in told[0]["text"]
    )
    assert not file.exists()
    assert len(stage.simulator.messages(dm)) == 1
