"""App Home: published per person, opened with an event, clicked like a modal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.simulator import AppConfig
from tests.support.demo import MINA, RAVI
from tests.support.simulated import World, actions, button, refusal, world

APP = AppConfig(
    subscriptions=frozenset({"app_home_opened", "message.im"}), home_tab=True
)


def home(**more: Any) -> dict[str, Any]:
    return {"type": "home", "blocks": [actions(button(value="r1"))], **more}


@pytest.fixture
async def made() -> AsyncIterator[World]:
    async with world(app=APP) as made:
        yield made


async def test_opening_home_tells_the_bot_and_shows_its_view(made: World):
    assert await made.simulator.open_home(MINA) is None
    await made.slack.views_publish(user_id=MINA, view=home(callback_id="one"))
    shown = await made.simulator.open_home(MINA)
    assert shown is not None
    first, second = (each["event"] for each in made.socket.payloads)
    assert (first["type"], first["tab"], first["user"]) == (
        "app_home_opened",
        "home",
        MINA,
    )
    assert first["channel"] == made.simulator.dm(MINA)
    assert "view" not in first
    assert second["view"]["id"] == shown["id"]
    assert made.simulator.home(RAVI) is None


async def test_the_messages_tab_is_an_event_without_a_view(made: World):
    await made.slack.views_publish(user_id=MINA, view=home())
    await made.simulator.open_home(MINA, "messages")
    [payload] = made.socket.payloads
    assert payload["event"]["tab"] == "messages"
    assert "view" not in payload["event"]


async def test_republishing_keeps_the_id_and_refuses_a_stale_hash(made: World):
    first = (await made.slack.views_publish(user_id=MINA, view=home()))["view"]
    stale = made.slack.views_publish(user_id=MINA, view=home(), hash="1.x")
    assert (await refusal(stale))["error"] == "hash_conflict"
    again = await made.slack.views_publish(
        user_id=MINA, view=home(callback_id="two"), hash=first["hash"]
    )
    assert again["view"]["id"] == first["id"]
    assert again["view"]["hash"] != first["hash"]
    shown = made.simulator.home(MINA)
    assert shown is not None
    assert shown["callback_id"] == "two"


async def test_a_click_at_home_names_the_view(made: World):
    view = (await made.slack.views_publish(user_id=MINA, view=home()))["view"]
    await made.simulator.click_view(MINA, view["id"], "go")
    [payload] = made.socket.payloads
    assert payload["container"] == {"type": "view", "view_id": view["id"]}
    assert payload["view"]["type"] == "home"
    await made.slack.views_open(
        trigger_id=payload["trigger_id"],
        view={
            "type": "modal",
            "title": {"type": "plain_text", "text": "T"},
            "blocks": [],
        },
    )
    assert len(made.simulator.open_views(MINA)) == 1
    with pytest.raises(LookupError, match="isn't a modal"):
        await made.simulator.submit_view(MINA, view["id"], {})


@pytest.mark.parametrize(
    ("view", "pointer"),
    [
        (home(title={"type": "plain_text", "text": "x"}), "/view/title"),
        (home(blocks=[{"type": "markdown", "text": "x"}]), "/view/blocks/0"),
        (home(blocks=[{"type": "divider"}] * 101), "/view/blocks"),
        (home(type="modal"), "/view"),
    ],
)
async def test_a_home_that_slack_refuses_is_refused(
    made: World, view: dict[str, Any], pointer: str
):
    answer = await refusal(made.slack.views_publish(user_id=MINA, view=view))
    messages = answer["response_metadata"]["messages"]
    assert any(f"[json-pointer:{pointer}]" in each for each in messages)
    assert made.simulator.home(MINA) is None


async def test_a_person_who_does_not_exist_has_no_home(made: World):
    answer = await refusal(made.slack.views_publish(user_id="U0NOBODY00", view=home()))
    assert answer["error"] == "user_not_found"
    with pytest.raises(LookupError, match="no person"):
        await made.simulator.open_home("U0NOBODY00")


async def test_without_the_tab_there_is_no_home():
    async with world(connected=False) as made:
        answer = await refusal(made.slack.views_publish(user_id=MINA, view=home()))
        assert answer["error"] == "not_enabled"
        assert not made.simulator.home_enabled
