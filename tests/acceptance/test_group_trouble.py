"""A group that lives in Slack: Slack does not say who is in it, or says less later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bot.simulator.people import UserGroup
from tests.support.deciding import SANDBOX, asked, opened, request_of, shows, transfers
from tests.support.demo import FAY, GENERAL, MINA, OLAF
from tests.support.shown import Message, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
# Each test has a user group of its own, since an answer is kept for a minute.
GROUPS = {
    "alice": "S0ALICE000",
    "bob": "S0BOB00000",
    "carol": "S0CAROL000",
    "acme": "S0ACME0000",
}
LIST = "usergroups.users.list"
PER_PAYEE = "".join(
    f"""
  - name: paying-{payee}
    tools: [transfer_money]
    when: {{to: {{in: [{payee}]}}}}
    stages: [{{approvers: managers}}, {{approvers: friends-of-{payee}}}]
"""
    for payee in GROUPS
)
STAGE = {
    **SANDBOX,
    "policy": (SANDBOX["policy"] + PER_PAYEE).replace(
        "approvers:\n",
        "approvers:\n"
        + "".join(f"  friends-of-{p}: {{usergroup: {s}}}\n" for p, s in GROUPS.items()),
        1,
    ),
}


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared: Stage) -> AsyncIterator[Stage]:
    """The stage with Fay and Olaf in each group, and no trouble left behind."""
    for source in GROUPS.values():
        put(shared, source, FAY, OLAF)
    yield shared
    shared.simulator.faults.clear()


async def test_no_click_counts_while_the_group_cannot_be_read(
    stage: Stage,
):
    before = transfers(stage)
    card = await waiting_for_the_group(stage, "alice")
    await stage.restart()  # what it has looked up before is forgotten
    stage.simulator.faults.add(LIST, "error", times=20, error="internal_error")

    clicked = await stage.click(FAY, "approve", card)

    assert clicked.acked
    told = await stage.whisper(FAY, "nothing was decided")
    assert "Slack doesn't tell me who you are" in told
    assert "Click again" in told
    assert stage.records.decisions(request_of(card)) == [(MINA, "approve")]
    assert transfers(stage) == before
    stage.simulator.faults.clear()
    await stage.click(FAY, "approve", card)
    await stage.outcome(card, "Approved")
    await stage.simulator.wait_for(lambda: len(transfers(stage)) == len(before) + 1)


async def test_leaving_the_group_before_the_run_voids_the_approval(
    stage: Stage,
):
    before = transfers(stage)
    card = await waiting_for_the_group(stage, "bob")
    form = await opened(stage, FAY, card, "reject")  # looks both up, for a minute
    await stage.simulator.close_view(FAY, form["id"])

    put(stage, GROUPS["bob"], OLAF)
    await stage.click(FAY, "approve", card)

    again = await shows(stage, card, "Open again", f"<@{FAY}> may no longer decide")
    assert "for friends-of-bob" in everything(again)
    assert "managers: approved by" in everything(again)
    assert transfers(stage) == before
    await stage.click(OLAF, "approve", again)
    await stage.outcome(card, "Approved")
    await stage.simulator.wait_for(lambda: len(transfers(stage)) == len(before) + 1)
    assert stage.records.rows(
        "SELECT user_id FROM decisions WHERE request_id = %s AND voided_at IS NOT NULL",
        request_of(card),
    ) == [(FAY,)]


async def test_the_run_waits_until_the_group_can_be_read(stage: Stage):
    before = transfers(stage)
    card = await waiting_for_the_group(stage, "carol")
    form = await opened(stage, FAY, card, "reject")
    await stage.simulator.close_view(FAY, form["id"])

    stage.simulator.faults.add(LIST, "server_error", times=1000)
    await stage.click(FAY, "approve", card)
    assert stage.records.status(request_of(card)) == "approved"
    await stage.rest()
    assert transfers(stage) == before
    stage.simulator.faults.clear()

    await stage.simulator.wait_for(
        lambda: len(transfers(stage)) == len(before) + 1, timeout=20
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "server_error", "status": 500},
        {"kind": "error", "error": "missing_scope"},
    ],
)
async def test_who_waits_for_slack_is_told_then_gets_the_card(
    stage: Stage, fault: dict[str, Any]
):
    await stage.restart()  # what it has looked up before is forgotten
    method = LIST if fault["kind"] == "server_error" else "users.info"
    cards = len(stage.cards())
    stage.simulator.faults.add(method, times=1000, **fault)

    ts = await stage.ask("transfer 2 GBP to alice")
    await stage.simulator.wait_for(lambda: stage.said(GENERAL, ts), timeout=30)
    [told] = stage.said(GENERAL, ts)
    assert "Slack doesn't tell me who may do this" in told["text"]
    assert len(stage.cards()) == cards
    stage.simulator.faults.clear()

    card = await stage.simulator.wait_for(lambda: stage.cards()[cards:], timeout=30)
    await stage.click(MINA, "reject", card[0])
    said = [message["text"] for message in stage.said(GENERAL, ts)]
    assert sum("Slack doesn't tell me" in text for text in said) == 1


async def test_an_empty_group_means_a_reject_once_slack_answers(
    stage: Stage,
):
    put(stage, GROUPS["acme"])
    before, cards = transfers(stage), len(stage.cards())
    stage.simulator.faults.add(LIST, "cut_before", times=2)

    ts = await stage.ask("transfer 1 GBP to acme")

    answer = await stage.answer(GENERAL, ts)
    assert "too few people" in answer
    assert "friends-of-acme" in answer
    assert not stage.simulator.faults.to_come
    assert len(stage.cards()) == cards
    assert transfers(stage) == before


def put(stage: Stage, source: str, *users: str) -> None:
    """Have these people in a user group, and nobody else."""
    workspace = stage.simulator.workspace
    if source not in workspace.usergroups:
        workspace.add_usergroup(UserGroup(source, source.lower()))
    workspace.set_usergroup_users(source, users)


async def waiting_for_the_group(stage: Stage, payee: str) -> Message:
    """The card of a transfer that a manager has approved already."""
    card, _ = await asked(stage, f"transfer 10 GBP to {payee}")
    await stage.click(MINA, "approve", card)
    return await shows(stage, card, f"for friends-of-{payee}")
