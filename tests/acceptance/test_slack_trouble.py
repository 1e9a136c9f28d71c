"""Slack limits, fails, forgets to answer: nothing is lost and nothing comes twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.simulator.people import Channel
from tests.support.deciding import asked_to_delete, filled_in, opened, request_of
from tests.support.demo import GENERAL, MINA, OLAF, RAVI
from tests.support.full_workspace import full_workspace
from tests.support.policies import files_policy
from tests.support.shown import everything
from tests.support.stage import SHORTER, Stage, make_stage

module = pytest.mark.asyncio(loop_scope="module")
LIMIT = {"kind": "ratelimited", "retry_after": 1, "times": 2}
FAULT = {"kind": "server_error", "times": 2}
CUT_BEFORE = {"kind": "cut_before"}
CUT_AFTER = {"kind": "cut_after"}
SLOW = {"kind": "timeout_after", "seconds": 3}
STAGE = {"TIME_LIMITS": f"{SHORTER},slack_call=2"}
BUSY = {"kind": "error", "error": "service_unavailable"}


@module
@pytest.mark.parametrize("fault", [LIMIT, FAULT, CUT_BEFORE, CUT_AFTER, SLOW, BUSY])
async def test_a_card_and_an_answer_arrive_once_whatever_posting_meets(
    shared: Stage, fault: dict[str, Any]
):
    name = f"post-{fault['kind']}.txt"
    shared.put(name)

    shared.simulator.faults.add("chat.postMessage", **fault)
    ts = await shared.ask(f"delete {name}")
    card = await shared.until(lambda: shared.cards_about(name))
    await shared.until(lambda: shared.said(GENERAL, ts))
    shared.simulator.faults.add("chat.postMessage", **(CUT_AFTER | {"times": 1}))
    await shared.click(MINA, "approve", card[0])
    await shared.until(lambda: shared.answers(ts))
    await shared.until(lambda: "Approved" in shared.said(GENERAL, ts)[0]["text"])
    await shared.rest()

    assert len(shared.cards_about(name)) == 1
    assert len(shared.answers(ts)) == 1
    assert len(shared.said(GENERAL, ts)) == 2  # the notice and the answer
    assert not (shared.files / name).exists()


@module
async def test_a_click_before_the_card_is_recorded_counts(
    shared: Stage,
):
    file = shared.put("early.txt")
    shared.simulator.faults.add("chat.postMessage", "slow", seconds=2)
    ts = await shared.ask("delete early.txt")
    card = await shared.card_about("early.txt")

    clicked = await shared.click(MINA, "approve", card)
    request = request_of(card)
    assert shared.records.status(request) == "approved"
    assert clicked.acked
    await shared.until(lambda: shared.answers(ts))

    assert not file.exists()
    await shared.outcome(card, "Approved")
    assert len(shared.cards_about("early.txt")) == 1


@module
async def test_a_form_sent_before_the_card_is_recorded_counts(
    shared: Stage,
):
    file = shared.put("quick.txt")
    shared.simulator.faults.add("chat.postMessage", "slow", seconds=2)
    ts = await shared.ask("delete quick.txt")
    card = await shared.card_about("quick.txt")

    form = await opened(shared, MINA, card, "reject")
    await filled_in(shared, MINA, form, reason="Not today.")

    assert shared.records.status(request_of(card)) == "rejected"
    await shared.until(lambda: shared.answers(ts))
    await shared.outcome(card, "Rejected")
    assert file.exists()


@module
@pytest.mark.parametrize("fault", [LIMIT, FAULT, CUT_BEFORE, CUT_AFTER, BUSY])
async def test_the_outcome_is_shown_in_the_end_although_editing_fails(
    shared: Stage, fault: dict[str, Any]
):
    name = f"edit-{fault['kind']}.txt"
    _, card, ts = await asked_to_delete(shared, name)
    await shared.reply(GENERAL, ts, "Waiting for")

    shared.simulator.faults.add("chat.update", **fault)
    await shared.click(MINA, "reject", card)
    await shared.answer(GENERAL, ts, "rejected")

    await shared.outcome(card, "Rejected")
    await shared.until(lambda: "Rejected" in shared.said(GENERAL, ts)[0]["text"])


@module
async def test_a_question_waits_until_slack_says_who_asks(shared: Stage):
    shared.put("who.txt", "it is me")
    shared.simulator.faults.add("users.info", "server_error", times=2)

    ts = await shared.ask("read who.txt", OLAF)

    await shared.until(lambda: shared.answers(ts))
    assert "it is me" in everything(shared.said(GENERAL, ts)[0])


@module
async def test_whoever_cannot_be_told_in_the_channel_is_told_directly(shared: Stage):
    _, card, _ = await asked_to_delete(shared, "direct.txt")
    shared.simulator.faults.add(
        "chat.postEphemeral", "error", error="user_not_in_channel"
    )
    dm = shared.simulator.dm(OLAF)

    await shared.click(OLAF, "approve", card)

    await shared.simulator.wait_for(
        lambda: [
            m for m in shared.simulator.messages(dm) if "can't decide" in m["text"]
        ]
    )
    await shared.click(RAVI, "reject", card)
    await shared.outcome(card, "Withdrawn")


@module
async def test_a_private_sentence_survives_a_limit(shared: Stage):
    _, card, _ = await asked_to_delete(shared, "limit.txt")
    heard = len(shared.whispers(OLAF))
    shared.simulator.faults.add("chat.postEphemeral", **LIMIT)

    await shared.click(OLAF, "approve", card)

    await shared.until(lambda: len(shared.whispers(OLAF)) > heard)
    await shared.click(RAVI, "reject", card)
    await shared.outcome(card, "Withdrawn")


@module
async def test_a_socket_that_slack_closes_is_opened_again(shared: Stage):
    shared.put("socket.txt", "back again")

    await shared.simulator.disconnect("refresh_requested")
    await shared.until(lambda: shared.simulator.sockets)
    ts = await shared.ask("read socket.txt")

    assert "back again" in await shared.answer(GENERAL, ts)
    assert (await shared.bot.get("/readyz"))[0] == 200
    assert "Traceback" not in shared.bot.log


async def test_a_channel_without_the_bot_is_reported_in_the_thread(
    tmp_path: Path, database: str
):
    workspace = full_workspace()
    workspace.add_channel(Channel("C0CLOSED00", "closed", [MINA]))
    policy = files_policy(channel="C0CLOSED00", timeout="3s")
    async with make_stage(
        tmp_path, database, "socket", policy=policy, workspace=workspace
    ) as stage:
        file = stage.put("a.txt")

        ts = await stage.ask("delete a.txt")
        await stage.reply(GENERAL, ts, "could not post the card", "member of the")
        answer = await stage.answer(GENERAL, ts)

        assert "timed out" in answer
        assert file.exists()
        told = [m for m in stage.said(GENERAL, ts) if "could not post" in m["text"]]
        assert len(told) == 1
        assert "Traceback" not in stage.bot.log
