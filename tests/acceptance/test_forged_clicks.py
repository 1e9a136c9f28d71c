"""A click that does not come from the request's own card decides nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.deciding import undecided
from tests.support.demo import GENERAL, MINA
from tests.support.shown import Message, buttons
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
Payload = dict[str, Any]
Forge = Callable[[Payload, Message], object]

ODD: list[Payload] = [
    {"actions": None},
    {"actions": []},
    {"actions": "approve"},
    {"actions": [None]},
    {"actions": [7]},
    {"actions": [{}]},
    {"actions": [{"action_id": 7, "value": "x"}]},
    {"actions": [{"action_id": "approve", "value": {"a": 1}}]},
    {"actions": [{"action_id": "approve", "value": "a\x00b"}]},
    {"actions": [{"action_id": "approve", "value": "\ud800"}]},
    {"actions": [{"action_id": "approve", "value": "x", "action_ts": 7}]},
    {"user": None},
    {"user": {}},
    {"user": {"id": None}},
    {"user": {"id": 7}},
    {"user": {"id": ["U1"]}},
    {"user": MINA},
    {"team": 7},
    {"enterprise": [1]},
    {"container": "here"},
    {"container": {"channel_id": 7, "message_ts": 7}},
    {"channel": 7},
    {"message": 7},
    {"message": {"metadata": 7}},
    {"message": {"metadata": {"event_payload": 7}}},
    {"api_app_id": None},
    {"api_app_id": 7},
    {"type": None},
    {"type": "block_suggestion"},
    {"type": "view_submission"},
    {"type": "view_submission", "view": 7},
    {"type": "view_submission", "view": {"callback_id": "approve_full"}},
    {
        "type": "view_submission",
        "view": {"callback_id": "approve_full", "private_metadata": "[]"},
    },
    {"type": "message_action", "callback_id": "x"},
    {"type": "something_new"},
]


def set_app(payload: Payload, _other: Message) -> None:
    payload["api_app_id"] = "A0ANOTHER0"


def set_channel(payload: Payload, _other: Message) -> None:
    payload["container"]["channel_id"] = GENERAL
    payload["channel"] = {"id": GENERAL, "name": "general"}


def set_unknown_channel(payload: Payload, _other: Message) -> None:
    payload["container"]["channel_id"] = "C0NOWHERE0"


def set_message(payload: Payload, other: Message) -> None:
    payload["container"]["message_ts"] = other["ts"]


def set_both_messages(payload: Payload, other: Message) -> None:
    payload["container"]["message_ts"] = other["ts"]
    payload["message"] = other


def set_value_of_another_card(payload: Payload, other: Message) -> None:
    payload["actions"][0]["value"] = buttons(other)[0][1]


def drop_place(payload: Payload, _other: Message) -> None:
    del payload["container"], payload["message"]


@pytest.mark.parametrize(
    "forge",
    [
        set_app,
        set_channel,
        set_unknown_channel,
        set_message,
        set_both_messages,
        set_value_of_another_card,
        drop_place,
    ],
)
async def test_a_misplaced_click_is_told_so_and_changes_nothing(
    shared_both: Stage, forge: Forge
):
    stage = shared_both
    card, other = await two_cards(stage)
    heard = len(told(stage, MINA))
    payload = stage.click_payload(MINA, card)
    forge(payload, other)

    result = await stage.simulator.send_payload(payload)

    assert result.acked
    await stage.simulator.wait_for(lambda: len(told(stage, MINA)) > heard)
    assert "nothing was decided" in told(stage, MINA)[-1]
    undecided(stage, card, other)


async def test_a_click_on_an_unknown_request_is_told_so(shared_both: Stage):
    stage = shared_both
    card, other = await two_cards(stage)
    for value in ("0123456789abcdefghijkl", "", "x" * 2000, "'; DROP TABLE requests"):
        heard = len(stage.whispers(MINA))
        payload = stage.click_payload(MINA, card)
        payload["actions"][0]["value"] = value

        result = await stage.simulator.send_payload(payload)

        assert result.acked
        await stage.whisper(MINA, "I don't know this request", since=heard)
    undecided(stage, card, other)


async def test_clicks_of_odd_shapes_decide_nothing(shared_both: Stage):
    stage = shared_both
    card, other = await two_cards(stage)
    payloads = [stage.click_payload(MINA, card) | change for change in ODD]

    results = await asyncio.gather(*map(stage.simulator.send_payload, payloads))

    for result in results:  # over a socket what cannot be read is not acknowledged
        assert result.status is None or 200 <= result.status < 500
    undecided(stage, card, other)


async def test_after_all_that_the_cards_can_still_be_decided(shared_both: Stage):
    stage = shared_both
    card, other = await two_cards(stage)

    await stage.click(MINA, "approve", card)
    await stage.click(MINA, "reject", other)
    await stage.outcome(card, "Approved")
    await stage.outcome(other, "Rejected")

    await stage.simulator.wait_for(lambda: not (stage.files / "one.txt").exists())
    assert (stage.files / "two.txt").exists()
    assert "Traceback" not in stage.bot.log


async def two_cards(stage: Stage) -> tuple[Message, Message]:
    """The cards of two open requests, raised by the first test that needs them."""
    if not stage.cards():
        for name in ("one.txt", "two.txt"):
            stage.put(name)
            ts = await stage.ask(f"delete {name}")
            # the bot knows where its card is: before, its metadata alone count
            await stage.reply(GENERAL, ts, "Waiting for")
    return await stage.card_about("one.txt"), await stage.card_about("two.txt")


def told(stage: Stage, user: str) -> list[str]:
    """The texts that a person was sent privately, in a channel or by direct message."""
    direct = stage.simulator.messages(stage.simulator.dm(user))
    return [*stage.whispers(user), *(message["text"] for message in direct)]
