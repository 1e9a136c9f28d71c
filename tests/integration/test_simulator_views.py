"""Modals: triggers of three seconds, stacks, forms and what a form answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Simulator, demo_workspace

MINA, GENERAL = "U0MINA0000", "C0GENERAL0"
BUTTON = {
    "type": "button",
    "text": {"type": "plain_text", "text": "More"},
    "action_id": "more",
}
CARD = [{"type": "actions", "elements": [BUTTON]}]


def view(**more: Any) -> dict[str, Any]:
    text = {"type": "plain_text", "text": "Why"}
    element = {"type": "plain_text_input", "action_id": "text"}
    block = {"type": "input", "block_id": "why", "label": text, "element": element}
    return {
        "type": "modal",
        "callback_id": "reason",
        "title": text,
        "submit": text,
        "blocks": [block],
        **more,
    }


class Bot:
    """A socket that answers each envelope with the payload given beforehand."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = None
        self.heard: list[Any] = []

    async def serve(self, url: str) -> None:
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as ws:
            await ws.receive_json()
            async for frame in ws:
                envelope = frame.json()
                self.heard.append(envelope)
                ack = {"envelope_id": envelope["envelope_id"], "payload": self.answer}
                await ws.send_json(ack)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    simulator = Simulator(demo_workspace(), bot_token="xoxb-1", app_token="xapp-1")
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
def slack(simulator: Simulator) -> AsyncWebClient:
    return AsyncWebClient("xoxb-1", base_url=simulator.api_url)


@pytest.fixture
async def bot(simulator: Simulator, slack: AsyncWebClient) -> AsyncIterator[Bot]:
    bot = Bot()
    url = (await slack.apps_connections_open(app_token="xapp-1"))["url"]
    task = asyncio.create_task(bot.serve(url))
    await simulator.wait_for(lambda: simulator.sockets == 1)
    yield bot
    task.cancel()


async def trigger(simulator: Simulator, slack: AsyncWebClient) -> str:
    """The trigger_id of a fresh click."""
    posted = await slack.chat_postMessage(channel=GENERAL, text="x", blocks=CARD)
    return simulator.click_payload(MINA, GENERAL, posted["ts"], "more")["trigger_id"]


async def refusal(call: Any) -> Any:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response.data


async def opened(simulator: Simulator, slack: AsyncWebClient, **more: Any) -> str:
    """The id of a view that is open in front of Mina."""
    trigger_id = await trigger(simulator, slack)
    answer = await slack.views_open(trigger_id=trigger_id, view=view(**more))
    return answer["view"]["id"]


async def test_a_trigger_serves_once_and_for_three_seconds(
    simulator: Simulator, slack: AsyncWebClient
):
    used = await trigger(simulator, slack)
    await slack.views_open(trigger_id=used, view=view())
    late = await trigger(simulator, slack)
    clock = simulator.workspace.clock
    simulator.workspace.clock = lambda: clock() + 3.1
    for trigger_id, error in (
        (used, "exchanged_trigger_id"),
        (late, "expired_trigger_id"),
        ("1.2.3", "invalid_trigger_id"),
    ):
        answer = await refusal(slack.views_open(trigger_id=trigger_id, view=view()))
        assert answer["error"] == error
    assert len(simulator.open_views(MINA)) == 1


async def test_a_bad_view_is_refused_and_costs_no_trigger(
    simulator: Simulator, slack: AsyncWebClient
):
    trigger_id = await trigger(simulator, slack)
    title = {"type": "plain_text", "text": "x" * 25}
    answer = await refusal(
        slack.views_open(trigger_id=trigger_id, view=view(title=title))
    )
    assert answer["error"] == "invalid_arguments"
    assert answer["response_metadata"]["messages"] == [
        "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"
    ]
    assert (await slack.views_open(trigger_id=trigger_id, view=view()))["ok"]


async def test_three_views_lie_on_each_other_at_most(
    simulator: Simulator, slack: AsyncWebClient
):
    first = await opened(simulator, slack)
    for _ in range(2):
        trigger_id = await trigger(simulator, slack)
        await slack.views_push(trigger_id=trigger_id, view=view())
    stack = simulator.open_views(MINA)
    assert [v["root_view_id"] for v in stack] == [first] * 3
    assert stack[2]["previous_view_id"] == stack[1]["id"]
    fourth = slack.views_push(trigger_id=await trigger(simulator, slack), view=view())
    assert (await refusal(fourth))["error"] == "push_limit_reached"


async def test_an_update_is_guarded_by_the_hash(
    simulator: Simulator, slack: AsyncWebClient
):
    view_id = await opened(simulator, slack)
    stale = slack.views_update(view_id=view_id, hash="1.x", view=view())
    assert (await refusal(stale))["error"] == "hash_conflict"
    fresh = simulator.open_views(MINA)[0]["hash"]
    await slack.views_update(
        view_id=view_id, hash=fresh, view=view(private_metadata="two")
    )
    [shown] = simulator.open_views(MINA)
    assert (shown["id"], shown["private_metadata"]) == (view_id, "two")
    gone = slack.views_update(view_id="V0GONE", view=view())
    assert (await refusal(gone))["error"] == "not_found"


async def test_a_form_is_sent_with_every_value_and_closes(
    simulator: Simulator, slack: AsyncWebClient, bot: Bot
):
    view_id = await opened(simulator, slack, private_metadata="r1")
    result = await simulator.submit_view(MINA, view_id, {"text": "because"})
    assert result.acked
    assert simulator.open_views(MINA) == []
    [envelope] = bot.heard
    payload = envelope["payload"]
    assert envelope["accepts_response_payload"]
    assert (payload["type"], payload["user"]["id"]) == ("view_submission", MINA)
    assert payload["view"]["private_metadata"] == "r1"
    assert payload["view"]["state"]["values"] == {
        "why": {"text": {"type": "plain_text_input", "value": "because"}}
    }


async def test_an_empty_required_field_keeps_the_form(
    simulator: Simulator, slack: AsyncWebClient, bot: Bot
):
    view_id = await opened(simulator, slack)
    result = await simulator.submit_view(MINA, view_id, {})
    assert result.errors == {"why": "Please complete this required field."}
    assert bot.heard == []
    assert len(simulator.open_views(MINA)) == 1


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ({"response_action": "errors", "errors": {"why": "Too short."}}, ["reason"]),
        ({"response_action": "update", "view": view(callback_id="next")}, ["next"]),
        (
            {"response_action": "push", "view": view(callback_id="over")},
            ["reason", "over"],
        ),
        ({"response_action": "clear"}, []),
    ],
)
async def test_a_form_does_what_the_answer_says(
    simulator: Simulator, slack: AsyncWebClient, bot: Bot, answer: Any, left: list[str]
):
    view_id = await opened(simulator, slack)
    bot.answer = answer
    result = await simulator.submit_view(MINA, view_id, {"why": "no"})
    assert [v["callback_id"] for v in simulator.open_views(MINA)] == left
    assert result.errors == answer.get("errors", {})


async def test_closing_is_told_only_if_asked_for(
    simulator: Simulator, slack: AsyncWebClient, bot: Bot
):
    quiet = await opened(simulator, slack)
    assert await simulator.close_view(MINA, quiet) is None
    told = await opened(simulator, slack, notify_on_close=True)
    await simulator.close_view(MINA, told)
    assert [e["payload"]["type"] for e in bot.heard] == ["view_closed"]
    with pytest.raises(LookupError, match="no open view"):
        await simulator.close_view(MINA, told)


async def test_a_response_url_serves_five_times(
    simulator: Simulator, slack: AsyncWebClient
):
    posted = await slack.chat_postMessage(channel=GENERAL, text="x", blocks=CARD)
    payload = simulator.click_payload(MINA, GENERAL, posted["ts"], "more")
    async with aiohttp.ClientSession() as session:

        async def respond(**body: Any) -> int:
            async with session.post(payload["response_url"], json=body) as response:
                return response.status

        assert await respond(text="private") == 200
        assert await respond(text="public", response_type="in_channel") == 200
        assert await respond(text="replaced", replace_original=True) == 200
        assert await respond(text="again") == 200
        assert await respond(delete_original=True) == 200
        assert await respond(text="a sixth") == 404
    assert [m["text"] for m in simulator.ephemerals(MINA)] == ["private", "again"]
    assert [m["text"] for m in simulator.messages(GENERAL)] == ["public"]
