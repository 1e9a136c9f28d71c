"""Approve with other arguments: the policy is asked again, and nobody is fooled."""

from __future__ import annotations

import pytest

from tests.support.deciding import (
    SANDBOX,
    asked,
    choose,
    databases,
    filled_in,
    inputs,
    opened,
    request_of,
    shows,
    transfers,
)
from tests.support.demo import APPROVALS, DORA, FAY, GENERAL, MAREK, MINA
from tests.support.shown import buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOUNDED = """
  - name: no-fortunes
    tools: [transfer_money]
    when: {amount: {gt: 200000}}
    deny: true
    why: Nobody transfers more than 200,000 from here.
"""
STAGE = {**SANDBOX, "policy": SANDBOX["policy"] + BOUNDED}


async def test_saving_an_edit_approves_and_runs_the_new_arguments(shared: Stage):
    before = transfers(shared)
    card, ts = await asked(shared, "transfer 500 GBP to alice")
    form = await opened(shared, MINA, card, "edit")
    assert form["submit"]["text"] == "Save and approve"

    result = await filled_in(shared, MINA, form, amount="250.50", currency="EUR")

    assert result.acked
    assert not shared.simulator.open_views(MINA)
    final = await shared.outcome(card, "Approved")
    answer = await shared.answer(GENERAL, ts)
    assert transfers(shared) == [*before, ("alice", "EUR", 25050)]
    assert "A person changed" in answer
    assert "250.5 EUR" in answer
    shown = everything(final)
    assert f"<@{MINA}> (with edits)" in shown
    assert '"amount": 500 → 250.5' in shown
    assert '"currency": "GBP" → "EUR"' in shown
    assert '"to"' not in shown[shown.index("old → new") : shown.index("currency\n")]


async def test_typed_inputs_come_filled_in_and_types_survive(shared: Stage):
    card, ts = await asked(shared, "transfer 700 GBP to bob")
    form = await opened(shared, MAREK, card, "edit")
    fields = {label: block["element"] for label, block in inputs(form).items()}

    assert {label: e["type"] for label, e in fields.items()} == {
        "to": "plain_text_input",
        "amount": "number_input",
        "currency": "static_select",
    }
    assert fields["amount"]["initial_value"] == "700"
    assert fields["currency"]["initial_option"]["text"]["text"] == "GBP"
    await filled_in(shared, MAREK, form, to="carol", amount="701")
    await shared.answer(GENERAL, ts, "carol")

    request = request_of(card)
    kept = "SELECT arguments FROM requests WHERE id = %s"
    arguments = shared.records.value(kept, request)
    assert arguments == '{"amount":701,"currency":"GBP","to":"carol"}'


async def test_editing_over_a_limit_adds_finance_and_voids_old_buttons(
    shared: Stage,
):
    before = transfers(shared)
    card, ts = await asked(shared, "transfer 900 GBP to acme")
    old = shared.simulator.click_payload(
        MAREK, APPROVALS, card["ts"], "approve", request_of(card)
    )
    form = await opened(shared, MINA, card, "edit")
    await filled_in(shared, MINA, form, amount="1500")

    now = await shows(shared, card, "managers: approved by", "for finance", "1500")
    assert '"amount": 900 → 1500' in everything(now)
    assert f"<@{MINA}> (with edits)" in everything(now)
    await shared.reply(APPROVALS, card["ts"], f"<@{FAY}>", "your turn")
    assert dict(buttons(now))["approve"] != dict(buttons(card))["approve"]

    # somebody whose screen still shows the old amount
    assert (await shared.simulator.send_payload(old)).acked
    assert "arguments were changed" in await shared.whisper(MAREK, f"<@{MINA}>")
    await shared.click(FAY, "approve", card)
    assert "arguments were changed" in await shared.whisper(FAY, f"<@{MINA}>")
    await shared.click(MINA, "approve", now)
    await shared.whisper(MINA, "already decided")
    assert transfers(shared) == before

    await shared.click(FAY, "approve", now)
    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts, "GBP 1,500.00")
    assert transfers(shared) == [*before, ("acme", "GBP", 150000)]


async def test_a_form_that_was_opened_before_an_edit_changes_nothing(shared: Stage):
    card, ts = await asked(shared, "transfer 800 GBP to bob")
    slow = await opened(shared, MAREK, card, "edit")
    late = await opened(shared, DORA, card, "view")
    quick = await opened(shared, MINA, card, "edit")
    await filled_in(shared, MINA, quick, amount="1800")
    await shows(shared, card, "for finance")

    await filled_in(shared, MAREK, slow, amount="1")
    await shared.whisper(MAREK, "arguments were changed")
    await filled_in(shared, DORA, late)
    await shared.whisper(DORA, "arguments were changed")

    now = await shows(shared, card, "1800")
    await shared.click(FAY, "reject", now)
    await shared.answer(GENERAL, ts, "rejected")


async def test_a_second_edit_begins_the_chain_anew(shared: Stage):
    before = transfers(shared)
    card, ts = await asked(shared, "transfer 1200 GBP to carol")
    await shared.click(MINA, "approve", card)
    now = await shows(shared, card, "for finance")
    form = await opened(shared, FAY, now, "edit")
    await filled_in(shared, FAY, form, amount="1300")

    now = await shows(shared, card, "for managers", "finance: approved by", "1300")
    assert '"amount": 1200 → 1300' in everything(now)
    form = await opened(shared, MINA, now, "edit")
    await filled_in(shared, MINA, form, amount="990")

    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts, "GBP 990.00")
    assert transfers(shared) == [*before, ("carol", "GBP", 99000)]
    decided = shared.records.decisions(request_of(card))
    assert decided == [(MINA, "approve"), (FAY, "edit"), (MINA, "edit")]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"amount": "-5"}, "do not fit the tool"),
        ({"amount": "250000"}, "Nobody transfers more than 200,000 from here."),
        ({"to": "   "}, "required"),
        ({}, "You changed nothing"),
    ],
)
async def test_an_invalid_edit_is_refused_in_the_form(
    shared: Stage, values: dict[str, str], sentence: str
):
    before = transfers(shared)
    card, _ = await asked(shared, "transfer 300 GBP to bob")
    form = await opened(shared, MINA, card, "edit")

    result = await filled_in(shared, MINA, form, **values)

    assert sentence in " ".join(result.errors.values())
    assert shared.simulator.open_views(MINA)  # to be mended and sent again
    shown = shared.message(APPROVALS, card["ts"])
    assert dict(buttons(shown)) == dict(buttons(card))
    request = request_of(card)
    assert shared.records.status(request) == "pending"
    assert not shared.records.decisions(request)
    await shared.click(MINA, "reject", card)
    await shared.outcome(card, "Rejected")
    assert transfers(shared) == before


async def test_the_form_shows_why_the_tool_itself_refuses_an_edit(
    shared: Stage,
):
    before = transfers(shared)
    card, ts = await asked(shared, "transfer 305 GBP to bob")
    form = await opened(shared, MINA, card, "edit")

    result = await filled_in(shared, MINA, form, amount="1.001")

    assert "at most two decimals" in " ".join(result.errors.values())
    await shared.click(MINA, "reject", card)
    await shared.outcome(card, "Rejected")
    await shared.answer(GENERAL, ts)
    assert transfers(shared) == before


async def test_an_edit_without_any_change_of_value_is_no_edit(shared: Stage):
    card, _ = await asked(shared, "transfer 310 GBP to bob")
    form = await opened(shared, MINA, card, "edit")

    result = await filled_in(shared, MINA, form, amount="310", to="bob")

    assert "You changed nothing" in " ".join(result.errors.values())
    await shared.click(MINA, "reject", card)
    await shared.outcome(card, "Rejected")


async def test_whoever_may_not_decide_gets_no_form(shared: Stage):
    card, _ = await asked(shared, "transfer 320 GBP to bob")

    await choose(shared, DORA, card, "edit")

    await shared.whisper(DORA, "You can't decide this one")
    assert not shared.simulator.open_views(DORA)
    await shared.click(MINA, "reject", card)
    await shared.outcome(card, "Rejected")


async def test_a_typed_confirmation_of_an_edit_takes_the_new_value(shared: Stage):
    card, ts = await asked(shared, "drop database staging")
    form = await opened(shared, MINA, card, "edit")

    wrong = await filled_in(shared, MINA, form, name="analytics", to="staging")
    assert "That isn't the value of name" in " ".join(wrong.errors.values())
    right = await filled_in(shared, MINA, form, name="analytics", to="analytics")
    assert not right.errors
    now = await shows(shared, card, "for directors", '"name": "staging" → "analytics"')
    form = await opened(shared, DORA, now, "approve")
    assert not (await filled_in(shared, DORA, form, to="analytics")).errors

    await shared.answer(GENERAL, ts, "dropped the database analytics")
    assert databases(shared) == {"prod", "staging"}
