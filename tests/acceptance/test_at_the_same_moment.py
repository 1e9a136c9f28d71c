"""Several words at one instant, and a plug that is pulled: one effect, or none."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.deciding import (
    SANDBOX,
    asked,
    choose,
    filled_in,
    notice_of,
    opened,
    raised,
    request_of,
    shows,
    transfers,
)
from tests.support.demo import APPROVALS, FAY, GENERAL, MAREK, MINA, RAVI
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = SANDBOX
ROUNDS = 2  # each word first once


async def test_an_approve_and_an_edit_at_once_have_one_winner(shared: Stage):
    for round_ in range(ROUNDS):
        before = transfers(shared)
        card, ts = await asked(shared, f"transfer {200 + round_} GBP to alice")
        form = await opened(shared, MINA, card, "edit")

        words = [
            filled_in(shared, MINA, form, amount="1.5"),
            shared.click(MAREK, "approve", card),
        ]
        await asyncio.gather(*(words if round_ % 2 else reversed(words)))
        await shared.answer(GENERAL, ts)
        await shared.outcome(card, "Approved")

        [decided] = shared.records.decisions(request_of(card))
        pence = {MINA: 150, MAREK: (200 + round_) * 100}[decided[0]]
        assert transfers(shared) == [*before, ("alice", "GBP", pence)]


async def test_of_two_edits_at_once_one_is_superseded(shared: Stage):
    await raised(shared, 1_300)  # so that nobody waits for Slack to name finance
    for round_ in range(ROUNDS):
        before = transfers(shared)
        card, ts = await asked(shared, f"transfer {300 + round_} GBP to bob")
        forms = {user: await opened(shared, user, card, "edit") for user in PAY}
        heard = {user: len(shared.whispers(user)) for user in PAY}

        sent = [
            filled_in(shared, user, form, amount=PAY[user])
            for user, form in forms.items()
        ]
        await asyncio.gather(*sent)
        now = await shows(shared, card, "for finance")

        [(winner, verdict)] = shared.records.decisions(request_of(card))
        assert verdict == "edit"
        loser = next(user for user in PAY if user != winner)
        told = await shared.whisper(loser, since=heard[loser])
        assert f"changed by <@{winner}>" in told
        await shared.click(FAY, "approve", now)
        await shared.answer(GENERAL, ts, "transferred")
        assert transfers(shared) == [*before, ("bob", "GBP", int(PAY[winner]) * 100)]


PAY = {MINA: "1100", MAREK: "1200"}


async def test_a_transfer_runs_only_if_approve_beats_the_withdrawal(
    shared: Stage,
):
    for round_ in range(ROUNDS):
        before = transfers(shared)
        card, ts = await asked(shared, f"transfer {400 + round_} GBP to carol")
        await notice_of(shared, request_of(card))

        words = [
            choose(shared, RAVI, card, "withdraw"),
            shared.click(MINA, "approve", card),
        ]
        await asyncio.gather(*(words if round_ % 2 else reversed(words)))
        answer = await shared.answer(GENERAL, ts)

        status = shared.records.status(request_of(card))
        assert status in ("withdrawn", "approved")
        ran = len(transfers(shared)) - len(before)
        assert ran == (status == "approved")
        assert ("withdrawn" in answer) == (status == "withdrawn")


async def test_a_chain_goes_on_after_the_plug_was_pulled(shared: Stage):
    before = transfers(shared)
    card, ts = await asked(shared, "transfer 1900 GBP to acme")
    form = await opened(shared, MINA, card, "edit")
    await filled_in(shared, MINA, form, amount="1950")
    await shared.bot.kill()
    shared.bots.clear()
    await shared.start_bot()

    now = await shows(shared, card, "for finance", "1900 → 1950")
    await shared.reply(APPROVALS, card["ts"], f"<@{FAY}>", "your turn")
    await shared.click(FAY, "approve", now)

    final = await shared.outcome(card, "Approved")
    assert f"<@{MINA}> (with edits) and <@{FAY}>" in everything(final)
    await shared.answer(GENERAL, ts, "GBP 1,950.00")
    assert transfers(shared) == [*before, ("acme", "GBP", 195000)]
