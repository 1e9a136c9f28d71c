"""The policy changes while a request waits: stricter wins, at the click and the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.deciding import (
    SANDBOX,
    asked,
    filled_in,
    opened,
    request_of,
    shows,
    transfers,
)
from tests.support.demo import APPROVALS, DORA, FAY, GENERAL, MAREK, MINA
from tests.support.shown import Message, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = SANDBOX
WAS = SANDBOX["policy"]
DIRECTOR_TOO = (
    WAS
    + """
  - name: directors-too
    tools: [transfer_money]
    why: Directors look at every transfer now.
    stages: [{approvers: directors}]
"""
)
NONE_AT_ALL = (
    WAS
    + "  - {name: frozen, tools: [transfer_money], deny: true, why: Frozen today.}\n"
)
TYPED = WAS.replace(
    "stages: [{approvers: managers}]\n  - name: transfers-over-1000",
    "stages: [{approvers: managers}]\n    confirm: typed\n"
    "  - name: transfers-over-1000",
)
FREE = WAS.replace(
    "stages: [{approvers: managers}]\n  - name: transfers-over-1000",
    "approval: none\n  - name: transfers-over-1000",
)
TWO_MANAGERS = WAS.replace(
    "stages: [{approvers: managers}]\n  - name: transfers-over-1000",
    "stages: [{approvers: managers, quorum: 2}]\n  - name: transfers-over-1000",
)
PENDING = "SELECT status FROM requests WHERE id = %s"


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared: Stage) -> AsyncIterator[Stage]:
    """The stage with its policy as it was, before and after."""
    yield shared
    shared.simulator.faults.clear()
    if (shared.folder / "policy.yml").read_text() != WAS:
        await shared.change_policy(WAS)


async def test_the_next_click_finds_the_stage_that_was_added(stage: Stage):
    before = transfers(stage)
    card, ts = await asked(stage, "transfer 100 GBP to alice")

    await stage.change_policy(DIRECTOR_TOO)
    await stage.click(MINA, "approve", card)

    now = await shows(stage, card, "for directors")
    assert "The policy has changed and asks for more now: directors." in everything(now)
    await stage.reply(APPROVALS, card["ts"], f"<@{DORA}>", "your turn")
    assert stage.records.value(PENDING, request_of(card)) == "pending"
    assert transfers(stage) == before
    await stage.click(DORA, "approve", now)
    await stage.outcome(card, "Approved")
    await stage.answer(GENERAL, ts, "transferred GBP 100.00")
    assert transfers(stage) == [*before, ("alice", "GBP", 10000)]


async def test_a_refused_click_also_applies_the_tightened_policy(stage: Stage):
    card, ts = await asked(stage, "transfer 101 GBP to alice")

    await stage.change_policy(TWO_MANAGERS)
    await stage.click(DORA, "approve", card)

    now = await shows(stage, card, "0 of 2 so far")
    assert "asks for more now: managers (2)" in everything(now)
    await stage.click(MINA, "approve", now)
    now = await shows(stage, card, "1 of 2 so far")
    await stage.click(MAREK, "approve", now)
    await stage.answer(GENERAL, ts, "transferred GBP 101.00")


async def test_approve_opens_the_typed_confirmation_that_the_policy_now_demands(
    stage: Stage,
):
    before = transfers(stage)
    card, ts = await asked(stage, "transfer 106 GBP to alice")

    await stage.change_policy(TYPED)
    await stage.click(MINA, "approve", card)

    [form] = await stage.simulator.wait_for(lambda: stage.simulator.open_views(MINA))
    assert not stage.records.decisions(request_of(card))
    assert (await filled_in(stage, MINA, form, to="105")).errors
    assert not (await filled_in(stage, MINA, form, to="106")).errors
    await stage.outcome(card, "Approved")
    await stage.answer(GENERAL, ts, "transferred GBP 106.00")
    assert transfers(stage) == [*before, ("alice", "GBP", 10600)]


async def test_a_click_rejects_what_the_policy_now_denies(
    stage: Stage,
):
    before = transfers(stage)
    card, ts = await asked(stage, "transfer 102 GBP to alice")

    await stage.change_policy(NONE_AT_ALL)
    await stage.click(MINA, "approve", card)

    final = await stage.outcome(card, "Rejected")
    assert "Frozen today." in everything(final)
    assert f"*Rejected* by <@{MINA}>" not in everything(final)
    assert "Frozen today." in await stage.answer(GENERAL, ts)
    assert transfers(stage) == before


async def test_a_stage_added_before_the_run_must_approve_too(
    stage: Stage,
):
    before = transfers(stage)
    card, ts = await approved_but_not_run(stage, "transfer 103 GBP to bob")

    await stage.change_policy(DIRECTOR_TOO)
    stage.simulator.faults.clear()

    now = await shows(stage, card, "Open again", "for directors")
    assert "The policy has changed and asks for more now: directors." in everything(now)
    assert "managers: approved by" in everything(now)
    assert transfers(stage) == before
    await stage.click(DORA, "approve", now)
    await stage.answer(GENERAL, ts, "transferred GBP 103.00")
    assert transfers(stage) == [*before, ("bob", "GBP", 10300)]


async def test_a_policy_changed_during_downtime_applies_at_the_run(
    stage: Stage,
):
    before = transfers(stage)
    card, ts = await approved_but_not_run(stage, "transfer 104 GBP to bob")
    await stage.stop()
    stage.simulator.faults.clear()
    stage.write_policy(NONE_AT_ALL)

    await stage.start_bot()

    final = await stage.outcome(card, "Rejected")
    assert "Frozen today." in everything(final)
    assert "Frozen today." in await stage.answer(GENERAL, ts)
    await stage.rest()
    assert transfers(stage) == before


async def test_a_looser_policy_takes_nothing_away(stage: Stage):
    before = transfers(stage)
    card, ts = await asked(stage, "transfer 1050 GBP to carol")

    await stage.change_policy(FREE)
    await stage.click(MINA, "approve", card)
    now = await shows(stage, card, "for finance")
    assert "The policy has changed" not in everything(now)
    await stage.rest()
    assert transfers(stage) == before
    await stage.click(FAY, "approve", now)
    await stage.answer(GENERAL, ts, "transferred GBP 1,050.00")

    ts = await stage.ask("transfer 1 GBP to carol")  # what is asked now is free
    await stage.answer(GENERAL, ts, "transferred GBP 1.00")
    assert transfers(stage) == [
        *before,
        ("carol", "GBP", 105000),
        ("carol", "GBP", 100),
    ]


async def test_a_bad_policy_file_is_reported_and_changes_nothing(
    stage: Stage,
):
    card, ts = await asked(stage, "transfer 105 GBP to carol")
    log = "the changed policy cannot be used, the one before it stays in force"

    stage.write_policy(FREE.replace("approvers: managers", "approvers: manegers"))
    await stage.bot.until(200, "`manegers` isn't a group")

    await stage.logged(log)
    await stage.click(DORA, "approve", card)
    await stage.whisper(DORA, "You can't decide this one")
    await stage.click(MINA, "approve", card)
    await stage.answer(GENERAL, ts, "transferred GBP 105.00")
    stage.write_policy(WAS)
    await all_well(stage)


async def approved_but_not_run(stage: Stage, text: str) -> tuple[Message, str]:
    """A request that Mina has approved while Slack tells nobody who she is.

    The bot knows her for a minute, so the click counts; the run asks afresh, and waits.
    """
    card, ts = await asked(stage, text)
    form = await opened(stage, MINA, card, "reject")
    await stage.simulator.close_view(MINA, form["id"])
    stage.simulator.faults.add("users.info", "server_error", times=1000)
    await stage.click(MINA, "approve", card)
    assert stage.records.value(PENDING, request_of(card)) == "approved"
    return card, ts


async def all_well(stage: Stage) -> None:
    await stage.bot.until(200, "ok")
    for _ in range(100):
        if (await stage.bot.get("/readyz"))[1] == "ok\n":
            return
        await asyncio.sleep(0.05)
    raise AssertionError(await stage.bot.get("/readyz"))
