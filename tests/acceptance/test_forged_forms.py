"""A form that was sent by no screen of ours decides nothing, and breaks nothing."""

from __future__ import annotations

import asyncio
import copy
import json
from functools import partial
from typing import Any

import pytest

from tests.support.deciding import (
    SANDBOX,
    asked,
    filled_in,
    inputs,
    offered,
    opened,
    request_of,
    transfers,
)
from tests.support.demo import APPROVALS, FAY, GENERAL, MAREK, MINA, RAVI
from tests.support.shown import Message, buttons
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = SANDBOX
Payload = dict[str, Any]
ODD_NUMBERS = [
    "1e3",
    "0x10",
    "NaN",
    "-0",
    "1_000",
    "٣",
    "１２",
    "1,5",
    "9" * 400,
    "9" * 5000,
    "0." + "0" * 400 + "1",
    7,
    None,
    {"a": 1},
    ["1"],
    True,
]
ODD_TEXTS = ["", " ", "*", "<!channel>&", None, 7, {"a": 1}]
ODD_OPTIONS = [{"value": v} for v in ("99", "-1", "abc", "²", "٠", "", None, 0)]
ODD_STATES = [None, {}, [], "x", {"values": None}, {"values": {}}, {"values": []}]
ODD_METADATA = ["", "[]", "{}", "null", "x", '{"request": 7}', None, 7]


async def test_odd_values_change_nothing(shared: Stage):
    card, sent = await an_edit(shared)
    before = transfers(shared)
    blocks = {label: block["block_id"] for label, block in inputs(sent["view"]).items()}

    forged = [
        *(with_value(sent, blocks["amount"], "value", odd) for odd in ODD_NUMBERS),
        *(with_value(sent, blocks["to"], "value", odd) for odd in ODD_TEXTS),
        *(
            with_value(sent, blocks["currency"], "selected_option", odd)
            for odd in [*ODD_OPTIONS, None, "GBP", []]
        ),
        *(with_view(sent, state=odd) for odd in ODD_STATES),
        *(with_view(sent, private_metadata=odd) for odd in ODD_METADATA),
    ]
    for number, payload in enumerate(forged):
        payload["view"]["id"] = f"V{number:09}"
    results = await asyncio.gather(*map(shared.simulator.send_payload, forged))

    for result in results:  # over a socket what cannot be read is not acknowledged
        assert result.status is None or 200 <= result.status < 500
    assert "Traceback" not in shared.bot.log
    await undecided(shared, card, before)


async def test_a_form_for_one_card_decides_no_other(shared: Stage):
    card, sent = await an_edit(shared)
    other, _ = await asked(shared, "transfer 12 GBP to bob")
    before = transfers(shared)
    place = json.loads(sent["view"]["private_metadata"])

    for change in (
        {"ts": other["ts"]},
        {"channel": GENERAL},
        {"request": request_of(other)},
        {"request": "0123456789abcdefghijkl"},
    ):
        forged = with_view(sent, private_metadata=json.dumps({**place, **change}))
        fitting(forged)
        told = heard(shared)
        assert (await shared.simulator.send_payload(forged)).acked
        await shared.simulator.wait_for(partial(has_heard_more, shared, told))
        assert "nothing was decided" in [*shared.whispers(MINA), *direct(shared)][-1]

    await undecided(shared, card, before)
    await undecided(shared, other, before)


@pytest.mark.parametrize("sender", [FAY, RAVI, "U0NOBODY00"])
async def test_a_form_sent_by_an_outsider_decides_nothing(shared: Stage, sender: str):
    card, sent = await an_edit(shared)
    before = transfers(shared)
    fitting(sent)
    sent["user"] = {**sent["user"], "id": sender}

    assert (await shared.simulator.send_payload(sent)).acked

    await undecided(shared, card, before)


@pytest.mark.parametrize("verdict", ["approve_full", "approve_typed", "reject_reason"])
async def test_a_form_of_another_app_is_none_of_ours(shared: Stage, verdict: str):
    card, sent = await an_edit(shared)
    before = transfers(shared)
    sent["view"]["callback_id"] = verdict
    sent["api_app_id"] = "A0ANOTHER0"

    await shared.simulator.send_payload(sent)

    await undecided(shared, card, before)


@pytest.mark.parametrize(
    "option", ["", "edit", "edit:", ":x", "approve:{id}", "reject", "sudo:{id}"]
)
async def test_options_that_no_menu_has_decide_nothing(shared: Stage, option: str):
    card, _ = await asked(shared, "transfer 13 GBP to bob")
    before = transfers(shared)
    payload = shared.simulator.click_payload(
        MINA, APPROVALS, card["ts"], "more", offered(card)["edit"]
    )
    value = option.replace("{id}", request_of(card))
    payload["actions"][0]["selected_option"]["value"] = value

    assert (await shared.simulator.send_payload(payload)).acked

    await undecided(shared, card, before)


async def test_after_all_that_nothing_was_logged_as_a_crash(shared: Stage):
    assert "Traceback" not in shared.bot.log


async def an_edit(stage: Stage) -> tuple[Message, Payload]:
    """A card, and the payload of an edit of Mina's that the tool does not take."""
    card, _ = await asked(stage, "transfer 11 GBP to bob")
    form = await opened(stage, MINA, card, "edit")
    result = await filled_in(stage, MINA, form, amount="-5")
    assert result.errors
    await stage.simulator.close_view(MINA, form["id"])
    return card, copy.deepcopy(result.payload)


def fitting(payload: Payload) -> None:
    """Let the edit be one that the tool would take."""
    values = payload["view"]["state"]["values"]
    block = inputs(payload["view"])["amount"]["block_id"]
    values[block]["value"]["value"] = "5"


def with_value(payload: Payload, block: str, name: str, value: object) -> Payload:
    made = copy.deepcopy(payload)
    made["view"]["state"]["values"][block]["value"][name] = value
    return made


def with_view(payload: Payload, **changes: object) -> Payload:
    made = copy.deepcopy(payload)
    made["view"] |= changes
    return made


def heard(stage: Stage) -> int:
    """The number of private messages to Mina so far."""
    return len(stage.whispers(MINA)) + len(direct(stage))


def has_heard_more(stage: Stage, before: int) -> bool:
    return heard(stage) > before


def direct(stage: Stage) -> list[str]:
    """The texts of the direct messages to Mina."""
    return [m["text"] for m in stage.simulator.messages(stage.simulator.dm(MINA))]


async def undecided(stage: Stage, card: Message, before: list[Any]) -> None:
    """Nothing was decided, and Marek still can."""
    request = request_of(card)
    assert stage.records.status(request) == "pending"
    assert not stage.records.decisions(request)
    kept = "SELECT token IS NULL OR token = id FROM requests WHERE id = %s"
    assert stage.records.value(kept, request)
    assert transfers(stage) == before
    assert buttons(stage.message(APPROVALS, card["ts"]))
    await stage.click(MAREK, "reject", card)
    await stage.outcome(card, "Rejected")
