"""A click in vain is explained privately, and the card is shown as it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.deciding import (
    SANDBOX,
    asked,
    choose,
    filled_in,
    opened,
    request_of,
    shows,
)
from tests.support.demo import DORA, FAY, GENERAL, MAREK, MINA, OLAF, RAVI
from tests.support.shown import Message
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = SANDBOX
# what is done to a request, who clicks then, and what they are told
DONE = {
    "approve": ("already approved", f"<@{MINA}>"),
    "reject": ("already rejected", f"<@{MINA}>"),
    "withdraw": ("withdrew this request", f"<@{RAVI}>"),
    "edit": ("already approved", f"<@{MINA}>"),
}


@pytest.mark.parametrize(
    ("end", "late"),
    [
        ("approve", "approve"),
        ("approve", "edit"),
        ("reject", "view"),
        ("withdraw", "reject"),
        ("edit", "view"),
    ],
)
async def test_a_late_click_is_told_who_was_first(shared: Stage, end: str, late: str):
    card, _ = await asked(shared, f"transfer {len(shared.cards()) + 1} GBP to bob")
    form = await opened(shared, MAREK, card, late) if late in ("edit", "view") else None
    await do(shared, end, card)
    now = await gone(shared, card)
    heard, drawn = len(shared.whispers(MAREK)), redrawings(shared, card)

    if form is None:
        await shared.click(MAREK, late, card)
    else:
        values = {"amount": "7.77"} if late == "edit" else {}
        await filled_in(shared, MAREK, form, **values)

    told = await shared.whisper(MAREK, since=heard)
    assert all(words in told for words in DONE[end]), told
    assert not shared.simulator.open_views(MAREK)
    await shared.simulator.wait_for(lambda: redrawings(shared, card) > drawn)
    after = shared.message(card["channel"], card["ts"])
    assert now is not None
    assert after["text"] == now["text"]
    assert len(shared.whispers(MAREK)) == heard + 1


@pytest.mark.parametrize(
    ("person", "words"),
    [
        (OLAF, ["You can't decide this one", f"<@{MINA}>", f"<@{MAREK}>"]),
        (DORA, ["You can't decide this one", f"<@{MINA}>"]),
        (FAY, ["You can't decide this one", f"<@{MINA}>"]),
        (RAVI, ["You asked for this yourself", f"<@{MINA}>", "withdraw"]),
    ],
)
async def test_a_refused_click_names_the_approvers_and_redraws_the_card(
    shared: Stage, person: str, words: list[str]
):
    card, _ = await asked(shared, f"transfer {len(shared.cards()) + 1} GBP to bob")
    heard, drawn = len(shared.whispers(person)), redrawings(shared, card)

    await shared.click(person, "approve", card)

    told = await shared.whisper(person, since=heard)
    assert all(each in told for each in words), told
    await shared.simulator.wait_for(lambda: redrawings(shared, card) > drawn)
    assert not shared.records.decisions(request_of(card))
    assert len(shared.whispers(person)) == heard + 1
    await shared.click(MINA, "reject", card)


async def test_approvers_of_a_passed_stage_cannot_decide_the_next(shared: Stage):
    card, ts = await asked(shared, "transfer 2001 GBP to bob")
    await shared.click(MINA, "approve", card)
    now = await shows(shared, card, "for finance")
    heard = len(shared.whispers(MINA))

    await shared.click(MINA, "approve", now)
    told = await shared.whisper(MINA, since=heard)
    assert "already decided on this request" in told
    await shared.click(MAREK, "approve", now)
    told = await shared.whisper(MAREK, "can't decide this one")
    assert f"<@{FAY}> can." in told
    # one stage of theirs is over, but a reject is a word on the open stage, too
    await shared.click(MAREK, "reject", now)
    await shared.rest()
    assert shared.records.status(request_of(card)) == "pending"
    await shared.click(FAY, "reject", now)
    await shared.answer(GENERAL, ts, "rejected")


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("view", {"kind": "error", "error": "expired_trigger_id"}),
        ("reject", {"kind": "server_error"}),
        ("history", {"kind": "timeout_before"}),
    ],
)
async def test_whoever_gets_no_window_is_told_instead_of_warned(
    shared: Stage, word: str, fault: dict[str, Any]
):
    card, _ = await asked(shared, f"transfer {len(shared.cards()) + 1} GBP to bob")
    heard = len(shared.whispers(MINA))
    shared.simulator.faults.add("views.open", **fault)

    clicked = await choose(shared, MINA, card, word)

    assert clicked.acked
    told = await shared.whisper(MINA, since=heard)
    assert "didn't open the window" in told
    assert not shared.simulator.open_views(MINA)
    await shared.click(MINA, "reject", card)


async def test_the_same_click_again_says_nothing(shared: Stage):
    card, _ = await asked(shared, "transfer 2002 GBP to bob")
    moment = shared.simulator.workspace.next_ts()
    await shared.click(MINA, "approve", card, action_ts=moment)
    await shows(shared, card, "for finance")
    heard = len(shared.whispers(MINA))

    await shared.click(MINA, "approve", card, action_ts=moment)
    await shared.rest()

    assert len(shared.whispers(MINA)) == heard
    assert shared.records.decisions(request_of(card)) == [(MINA, "approve")]


async def do(stage: Stage, end: str, card: Message) -> None:
    """Bring a request to its end."""
    if end == "withdraw":
        await choose(stage, RAVI, card, "withdraw")
    elif end == "edit":
        form = await opened(stage, MINA, card, "edit")
        await filled_in(stage, MINA, form, amount="0.5")
    else:
        await stage.click(MINA, end, card)


async def gone(stage: Stage, card: Message) -> Message | None:
    """The card, when it is over."""

    def closed() -> Message | None:
        now = stage.message(card["channel"], card["ts"])
        return now if stage.is_closed(card, "") else None

    return await stage.simulator.wait_for(closed)


def redrawings(stage: Stage, card: Message) -> int:
    """Count how often the bot has edited a card."""
    return sum(
        call.method == "chat.update" and call.args.get("ts") == card["ts"]
        for call in stage.simulator.calls
    )
