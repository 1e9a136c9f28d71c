"""The simulator's own policy at each edge: how much money needs whom."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.deciding import (
    SANDBOX,
    asked,
    databases,
    filled_in,
    offered,
    opened,
    request_of,
    shows,
    transfers,
)
from tests.support.demo import APPROVALS, DORA, FAY, GENERAL, MAREK, MINA
from tests.support.shown import Message, buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = SANDBOX
# amount, payee, groups in order, what stands before Approve
EDGES = [
    ("999.99", "alice", ["managers"], "none"),
    ("1000", "alice", ["managers"], "none"),
    ("1,000.00", "bob", ["managers"], "none"),
    ("1000.01", "alice", ["managers", "finance"], "dialog"),
    ("10000", "bob", ["managers", "finance"], "dialog"),
    ("10000.01", "carol", ["managers", "finance", "directors"], "typed"),
]
DECIDES = {"managers": MINA, "finance": FAY, "directors": DORA}


@pytest.mark.parametrize(("amount", "payee", "groups", "asks"), EDGES)
async def test_a_transfer_is_decided_by_those_whom_its_amount_needs(
    shared: Stage, amount: str, payee: str, groups: list[str], asks: str
):
    before = transfers(shared)
    card, ts = await asked(shared, f"transfer {amount} GBP to {payee}")
    request = request_of(card)
    assert stages_of(shared, request) == groups
    for index, group in enumerate(groups):
        others = {MINA, FAY, DORA, MAREK} - {DECIDES[group], MAREK}
        await nobody_else_decides(shared, card, others)
        assert transfers(shared) == before
        card = await shows(shared, card, f"<@{DECIDES[group]}>")
        await approve(shared, DECIDES[group], card, asks, amount)
        if index + 1 < len(groups):
            await shows(shared, card, f"for {groups[index + 1]}")

    final = await shared.outcome(card, "Approved")
    answer = await shared.answer(GENERAL, ts, "transferred GBP")
    await shared.reply(GENERAL, ts, "Approved by")
    pence = round(float(amount.replace(",", "")) * 100)
    assert transfers(shared) == [*before, (payee, "GBP", pence)]
    assert f"to {payee}" in answer
    for group in groups:
        assert f"<@{DECIDES[group]}>" in everything(final)
    now = everything(shared.message(APPROVALS, card["ts"]))
    assert "running" not in now  # it is over, and nobody would take the word away
    assert len(shared.said(GENERAL, ts)) == 2  # the notice and the answer, once


async def test_pounds_are_not_alone_in_the_table(shared: Stage):
    card, _ = await asked(shared, "pay carol €1000.01")

    assert stages_of(shared, request_of(card)) == ["managers", "finance"]
    await shared.click(MINA, "reject", card)
    await shared.outcome(card, "Rejected")


async def test_a_rejected_transfer_moves_nothing(shared: Stage):
    before = transfers(shared)
    card, ts = await asked(shared, "transfer 20000 GBP to acme")
    await approve(shared, MINA, card, "typed", "20000")
    card = await shows(shared, card, "for finance")

    await shared.click(FAY, "reject", card)

    final = await shared.outcome(card, "Rejected")
    assert f"<@{FAY}>" in everything(final)
    await shared.answer(GENERAL, ts, "rejected")
    assert transfers(shared) == before


@pytest.mark.parametrize(
    "text", ["transfer 500 CHF to alice", "transfer 1.005 GBP to bob", "pay bob £-5"]
)
async def test_an_unusable_amount_gets_help_and_no_card(shared: Stage, text: str):
    cards, before = len(shared.cards()), transfers(shared)

    ts = await shared.ask(text)

    assert "didn't understand" in await shared.answer(GENERAL, ts)
    await shared.rest()
    assert len(shared.cards()) == cards
    assert transfers(shared) == before


async def test_dropping_prod_is_denied_with_a_reason_and_no_card(shared: Stage):
    cards = len(shared.cards())

    ts = await shared.ask("drop database prod")

    answer = await shared.answer(GENERAL, ts)
    assert "The production database is not dropped from here." in answer
    await shared.rest()
    assert len(shared.cards()) == cards
    assert len(shared.said(GENERAL, ts)) == 1


async def test_a_drop_needs_its_name_typed_by_manager_and_director(
    shared: Stage,
):
    card, ts = await asked(shared, "drop database analytics")
    clickable = [action for action, _ in buttons(card)]
    assert clickable == ["approve_typed", "reject", "more"]
    assert {"reject", "edit", "answer", "history"} == set(offered(card))

    await nobody_else_decides(shared, card, {DORA, FAY})
    await approve(shared, MAREK, card, "typed", "analytics")
    card = await shows(shared, card, "for directors")
    assert "analytics" in databases(shared)
    await approve(shared, DORA, card, "typed", "analytics")
    await shared.outcome(card, "Approved")

    await shared.answer(GENERAL, ts, "dropped the database analytics")
    assert databases(shared) == {"prod", "staging"}


async def approve(
    stage: Stage, user: str, card: Message, asks: str, value: str
) -> None:
    """Approve through what stands before it."""
    assert dialog(card) == (asks == "dialog")
    if asks != "typed":
        await stage.click(user, "approve", card)
        return
    view = await opened(stage, user, card, "approve")
    result = await filled_in(stage, user, view, to=value)
    assert result.acked
    assert not result.errors


def dialog(card: Message) -> bool:
    """Return whether Slack asks once more on Approve, naming what would be done."""
    asked = [approve_button(card).get("confirm")]
    return any(each and "Transfer `" in each["text"]["text"] for each in asked)


def approve_button(card: Message) -> dict[str, Any]:
    elements = [
        e for b in card["blocks"] if b["type"] == "actions" for e in b["elements"]
    ]
    return next(e for e in elements if e["action_id"].startswith("approve"))


async def nobody_else_decides(stage: Stage, card: Message, people: set[str]) -> None:
    """Clicks of people whose turn it is not are refused."""
    action = approve_button(card)["action_id"]
    heard = {user: len(stage.whispers(user)) for user in people}
    await asyncio.gather(*(stage.click(user, action, card) for user in people))
    for user in people:
        await stage.whisper(user, since=heard[user])
        assert not stage.simulator.open_views(user)


def stages_of(stage: Stage, request: str) -> list[str]:
    rows = stage.records.rows(
        "SELECT approvers FROM stages WHERE request_id = %s ORDER BY position", request
    )
    return [approvers for (approvers,) in rows]
