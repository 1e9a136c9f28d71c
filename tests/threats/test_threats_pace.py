"""Threat 52: nobody floods the bot, and nobody's click is lost without a word."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.rate_limit import count
from bot.base.settings_types import Rate
from bot.conversations.inbox import Incoming, receive
from bot.slack.listeners import register_listeners
from tests.support.clicks import deps_of
from tests.support.house import House
from tests.support.people import (
    APP,
    APPROVALS,
    CHANNEL,
    MINA,
    OLAF,
    OMAR,
    RAVI,
    TEAM,
)
from tests.support.people import person as person_of

CLICKS, MESSAGES = Rate("clicks", 3, 60), Rate("messages", 2, 60)


async def write(house: House, number: int, rate: Rate | None = MESSAGES) -> bool:
    ts = f"200.{number:06}"
    said = Incoming("", TEAM, CHANNEL, ts, ts, f"EvR{number}", RAVI, "delete it")
    return await receive(house.pool, house.queue, said, rate)


async def test_threat_52_messages_above_the_rate_are_refused_with_one_sentence(
    house: House,
):
    taken = [await write(house, number) for number in range(6)]
    assert taken == [True, True, False, False, False, False]

    told = await house.told(RAVI)
    assert len(told) == 1
    assert "2 times in 1 minute" in told[0]
    states = await house.rows("SELECT state FROM messages ORDER BY id")
    assert [row["state"] for row in states] == ["received"] * 2 + ["refused"] * 4
    assert len(await house.jobs("turn")) == 2

    await house.pass_time(seconds=61)
    assert await write(house, 10)


async def test_threat_52_the_same_message_counts_once(house: House):
    await write(house, 1)
    await asyncio.gather(*(write(house, 1) for _ in range(5)))
    assert await write(house, 2)


async def test_threat_52_who_still_floods_is_told_again_after_a_pause(house: House):
    for number in range(3):
        await write(house, number)
    await house.pass_time(seconds=11)
    await write(house, 4)
    assert len(await house.told(RAVI)) == 2


async def test_threat_52_without_a_limit_nothing_is_counted(house: House):
    assert all([await write(house, number, None) for number in range(5)])
    assert await house.rows("SELECT * FROM paces") == []


async def test_threat_52_a_flood_of_comments_is_kept_and_redraws_no_card(house: House):
    request = await house.ask()
    await house.rows(
        "UPDATE deliveries SET message_ts = '7.1', posted_channel = %s WHERE id = %s"
        " RETURNING id",
        APPROVALS,
        request.place.card,
    )
    before = len(house.handed)
    for number in range(2, 8):
        ts = f"7.{number}"
        said = Incoming("", TEAM, APPROVALS, ts, "7.1", f"EvC{number}", OLAF, "hm?")
        assert not await receive(house.pool, house.queue, said, MESSAGES)

    kept = await house.rows("SELECT text FROM comments")
    assert len(kept) == 6
    told = await house.told(OLAF)
    assert [text.startswith("Added to the card") for text in told] == [
        True,
        True,
        False,
    ]
    assert "faster than I can show it" in told[-1]
    assert house.handed.count(request.place.card) == 3  # the post and two edits
    assert len(house.handed) - before <= 5


async def test_threat_52_clicks_are_counted_over_all_replicas_and_for_each_person(
    house: House,
):
    mina, omar = person_of(MINA), person_of(OMAR)
    counted = await asyncio.gather(*(count(house.pool, CLICKS, mina) for _ in range(8)))
    assert sum(not each.is_over for each in counted) == 3
    assert sum(each.tell for each in counted) == 1
    assert not (await count(house.pool, CLICKS, omar)).is_over


def app_with(house: House) -> AsyncApp:
    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id=TEAM, bot_token="xoxb-1")

    app = AsyncApp(
        name="approval-bot",
        signing_secret="x",
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
    )
    deps = deps_of(house, client=AsyncWebClient(), rates={"clicks": CLICKS})
    register_listeners(app, deps)
    return app


def click(value: str, user: str = MINA) -> AsyncBoltRequest:
    body = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": user, "team_id": TEAM},
        "api_app_id": APP,
        "container": {"type": "message", "channel_id": "C9", "message_ts": "1.1"},
        "actions": [{"action_id": "approve", "type": "button", "value": value}],
    }
    return AsyncBoltRequest(body=body, mode="socket_mode")


async def test_threat_47_guessed_buttons_are_refused_and_rate_limited(house: House):
    await house.ask()
    app = app_with(house)
    for number in range(10):
        answer = await app.async_dispatch(click(f"guess-{number}"))
        assert answer.status == 200

    told = await house.told(MINA)
    assert [text for text in told if "too" in text or "more than" in text] == [told[-1]]
    assert "3 times in 1 minute" in told[-1]
    assert len(told) == 4  # three refusals, and that it is too much
    assert await house.rows("SELECT * FROM decisions") == []
    refused = await house.rows("SELECT detail FROM audit WHERE event = 'refused'")
    assert refused[-1]["detail"] == {"word": "too_many_clicks"}


async def test_threat_52_commands_count_as_clicks(house: House):
    app = app_with(house)
    body = {"command": "/approvals", "text": "help", "user_id": MINA, "team_id": TEAM}
    answers = [
        await app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
        for _ in range(5)
    ]
    assert [bool(each.body) for each in answers] == [True] * 3 + [False] * 2
    [told] = await house.told(MINA)
    assert "3 times in 1 minute" in told


@pytest.mark.parametrize("kind", ["view_submission", "block_actions"])
async def test_threat_52_a_click_above_the_rate_decides_nothing(
    house: House, kind: str
):
    request = await house.ask()
    app = app_with(house)
    for _ in range(3):
        await count(house.pool, CLICKS, person_of(MINA))
    body = click(request.place.token).body | {"type": kind}
    if kind == "view_submission":
        body["view"] = {"id": "V1", "type": "modal", "callback_id": "approve_full"}
    answer = await app.async_dispatch(AsyncBoltRequest(body=body, mode="socket_mode"))
    assert answer.status == 200
    assert (await house.request(request.id)).is_open
    assert "Wait a little" in (await house.told(MINA))[-1]
