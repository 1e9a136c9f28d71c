"""Reject with a reason, answer in the tool's place, confirm; and an end to asking."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.deciding import (
    SANDBOX,
    asked,
    asked_to_delete,
    choose,
    databases,
    filled_in,
    offered,
    opened,
    request_of,
    shows,
    transfers,
)
from tests.support.demo import APPROVALS, DORA, FAY, GENERAL, MINA, RAVI
from tests.support.shown import buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
REASON = "Not *before* <!here> Friday.\nAsk `alice` first."
STAGE = SANDBOX


async def test_a_reason_reaches_card_agent_and_thread(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "friday.txt")
    form = await opened(shared, MINA, card, "reject")
    assert form["submit"]["text"] == "Reject"

    empty = await shared.simulator.submit_view(MINA, form["id"], {})
    assert empty.errors  # a reject without a reason is one click on the card
    await filled_in(shared, MINA, form, reason=REASON)

    final = await shared.outcome(card, "Rejected")
    assert f"*Rejected* by <@{MINA}>" in everything(final)
    assert REASON in everything(final)
    answer = await shared.answer(GENERAL, ts)
    assert "Not *before*" in answer
    assert "Friday." in answer
    assert shared.records.decisions(request_of(card)) == [(MINA, "reject")]
    assert file.exists()


async def test_a_reason_added_right_after_a_reject_is_shown(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "afterwards.txt")
    await shared.click(MINA, "reject", card)
    rejected = await shared.outcome(card, "Rejected")
    [(action, value), *_] = buttons(rejected)
    place = (APPROVALS, card["ts"], action, value)

    await shared.simulator.click(FAY, *place)
    await shared.whisper(FAY, "Only the person who rejected this")
    await shared.simulator.click(MINA, *place)
    [form] = shared.simulator.open_views(MINA)
    await filled_in(shared, MINA, form, reason=REASON)

    final = await shows(shared, card, "Rejected", REASON)
    assert not buttons(final)
    await shared.reply(GENERAL, ts, "Rejected by", REASON)
    request = request_of(card)
    [(reason,)] = shared.records.rows(
        "SELECT reason FROM decisions WHERE request_id = %s", request
    )
    assert reason == REASON
    [(by,)] = shared.records.rows(
        "SELECT actor FROM audit WHERE event = 'reason_added' AND request_id = %s",
        request,
    )
    assert by == MINA


async def test_a_person_answers_in_the_tools_place(shared: Stage):
    there = await shared.ask("databases")
    await shared.answer(GENERAL, there, "staging")
    card, ts = await asked(shared, "drop database staging")
    assert "answer" in offered(card)
    form = await opened(shared, MINA, card, "answer")

    await filled_in(shared, MINA, form, your="It is gone since yesterday.")

    final = await shared.outcome(card, "Answered")
    assert f"*Answered* by <@{MINA}>" in everything(final)
    assert "It is gone since yesterday." in everything(final)
    answer = await shared.answer(GENERAL, ts)
    assert "didn't run" in answer
    assert "It is gone since yesterday." in answer
    await shared.reply(GENERAL, ts, "Answered by", f"<@{MINA}>")
    assert "staging" in databases(shared)


async def test_answer_is_offered_only_where_the_rule_allows_it(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "offered.txt")
    database, _ = await asked(shared, "drop database analytics")
    assert set(offered(card)) == {"reject", "edit", "history"}

    # as if the menu had it: the option of another card, with this card's request
    forged = shared.simulator.click_payload(
        MINA, APPROVALS, database["ts"], "more", offered(database)["answer"]
    )
    forged["actions"][0]["selected_option"]["value"] = f"answer:{request_of(card)}"
    forged["container"]["message_ts"] = card["ts"]
    await shared.simulator.send_payload(forged)

    await shared.whisper(MINA, "The policy doesn't offer that")
    assert not shared.simulator.open_views(MINA)
    await shared.click(MINA, "reject", card)
    await shared.click(MINA, "reject", database)
    await shared.answer(GENERAL, ts, "rejected")


async def test_a_dialog_names_the_effect_before_a_click_counts(shared: Stage):
    card, ts = await asked(shared, "transfer 1234.50 GBP to acme")
    [approve] = [
        element
        for block in card["blocks"]
        if block["type"] == "actions"
        for element in block["elements"]
        if element["action_id"] == "approve"
    ]
    asks = approve["confirm"]
    for words in ("Transfer `1,234.50`", '"amount": 1234.5', '"GBP"', '"acme"'):
        assert words in asks["text"]["text"]

    await shared.click(MINA, "approve", card)  # Slack sends it after the dialog
    now = await shows(shared, card, "for finance")
    await shared.click(FAY, "approve", now)
    await shared.answer(GENERAL, ts, "GBP 1,234.50")


async def test_a_typed_confirmation_takes_the_value_and_nothing_else(shared: Stage):
    before = transfers(shared)
    card, _ = await asked(shared, "transfer 12000.50 GBP to alice")
    assert buttons(card)[0][0] == "approve_typed"

    form = await opened(shared, MINA, card, "approve")
    for wrong in ("12000", "12000.5 GBP", "yes", "12000.51"):
        result = await filled_in(shared, MINA, form, to=wrong)
        assert "That isn't the value of amount" in " ".join(result.errors.values())
    assert not shared.records.decisions(request_of(card))
    assert not (await filled_in(shared, MINA, form, to=" 12,000.50 ")).errors
    now = await shows(shared, card, "for finance")

    # More → View in full asks for it, too
    form = await opened(shared, FAY, now, "view")
    assert "type the value of amount" in str(form["blocks"])
    assert (await filled_in(shared, FAY, form, to="1")).errors
    assert not (await filled_in(shared, FAY, form, to="12000.5")).errors
    now = await shows(shared, card, "for directors")
    assert transfers(shared) == before
    form = await opened(shared, DORA, now, "approve")
    await filled_in(shared, DORA, form, to="12000.50")
    await shared.outcome(card, "Approved")
    await shared.simulator.wait_for(lambda: len(transfers(shared)) == len(before) + 1)


async def test_a_click_that_leaves_the_typing_out_decides_nothing(shared: Stage):
    """A forged Approve, and one of a card that was drawn before the rule asked."""
    card, _ = await asked(shared, "transfer 13000 GBP to bob")
    payload = shared.simulator.click_payload(MINA, APPROVALS, card["ts"], "reject")
    payload["actions"][0]["action_id"] = "approve"

    await shared.simulator.send_payload(payload)

    [form] = await shared.simulator.wait_for(lambda: shared.simulator.open_views(MINA))
    assert "type the value of amount" in str(form["blocks"])
    assert not shared.records.decisions(request_of(card))
    await shared.simulator.close_view(MINA, form["id"])
    await shared.click(MINA, "reject", card)
    await shared.outcome(card, "Rejected")


async def test_the_same_call_again_within_the_hour_pages_nobody(shared: Stage):
    shared.put("loop.txt")
    shared.put("other.txt")
    card, ts = await asked(shared, "delete loop.txt")
    await shared.click(MINA, "reject", card)
    await shared.answer(GENERAL, ts, "rejected")
    cards = len(shared.cards())

    await shared.ask("delete loop.txt", thread_ts=ts)
    told = await shared.answer(GENERAL, ts, "it was rejected in this")
    assert "within the last hour" in told
    assert "no one was asked again" in told
    await shared.rest()
    assert len(shared.cards()) == cards

    # another call, and the same call in another conversation, are asked about
    other, _ = await asked(shared, "delete other.txt", thread_ts=ts)
    elsewhere, _ = await asked(shared, "delete loop.txt")
    await shared.click(MINA, "reject", other)
    await shared.click(MINA, "reject", elsewhere)
    await shared.outcome(elsewhere, "Rejected")


async def test_a_withdrawn_call_may_be_asked_again(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "mistake.txt")
    await choose(shared, RAVI, card, "withdraw")
    await shared.answer(GENERAL, ts, "withdrawn")

    again, _ = await asked(shared, "delete mistake.txt", thread_ts=ts)
    await shared.click(MINA, "approve", again)
    await shared.outcome(again, "Approved")
    await shared.simulator.wait_for(lambda: not file.exists())


async def test_three_rejects_end_a_turn_and_say_so(shared: Stage):
    names = [f"three-{number}.txt" for number in range(3)]
    files = [shared.put(name) for name in names]
    card, ts = await asked(shared, f"delete {' and '.join(names)}", names[2])

    await asyncio.gather(
        *(shared.click(MINA, "reject", card, about=name) for name in names)
    )

    answer = await shared.reply(GENERAL, ts, "I stopped here")
    assert "3 of my calls were rejected" in answer
    assert all(name in answer for name in names)
    assert all(file.exists() for file in files)
