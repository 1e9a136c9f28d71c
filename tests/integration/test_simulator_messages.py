"""The contents of a message: metadata, attachments, markdown, links, response_urls."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.support.block_samples import SECTION
from tests.support.demo import GENERAL, MINA, RAVI
from tests.support.simulated import World, actions, button, mrkdwn, refusal


async def test_metadata_has_a_form_and_a_size(made: World):
    post = made.slack.chat_postMessage
    large = {"event_type": "card", "event_payload": {"x": "x" * 8000}}
    for metadata, error in (
        (large, "metadata_too_large"),
        ({"event_type": "card"}, "invalid_metadata_format"),
        ({"event_type": 1, "event_payload": {}}, "invalid_metadata_format"),
    ):
        answer = await refusal(post(channel=GENERAL, text="x", metadata=metadata))
        assert answer["error"] == error


async def test_metadata_is_listed_only_when_asked_for(made: World):
    metadata = {"event_type": "card", "event_payload": {"x": "1"}}
    await made.slack.chat_postMessage(channel=GENERAL, text="x", metadata=metadata)
    bare = await made.slack.conversations_history(channel=GENERAL)
    full = await made.slack.conversations_history(
        channel=GENERAL, include_all_metadata=True
    )
    assert "metadata" not in bare["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


async def test_blocks_in_attachments_are_checked_where_they_stand(made: World):
    def post(*attachments: dict[str, Any]) -> Any:
        return made.slack.chat_postMessage(
            channel=GENERAL, text="x", attachments=attachments
        )

    await post({"blocks": [SECTION], "color": "#36a64f"})
    [message] = made.simulator.messages(GENERAL)
    assert message["attachments"][0]["blocks"][0]["block_id"]
    answer = await refusal(post({}, {"blocks": [SECTION, {"type": "?"}]}))
    assert answer["error"] == "invalid_blocks"
    assert "[json-pointer:/attachments/1/blocks/1]" in answer["errors"][0]
    many = await refusal(post(*[{"fallback": "x"}] * 101))
    assert many["error"] == "too_many_attachments"


async def test_markdown_text_is_a_message_of_its_own_kind(made: World):
    post = made.slack.chat_postMessage
    await post(channel=GENERAL, markdown_text="# Done")
    [message] = made.simulator.messages(GENERAL)
    assert [block["type"] for block in message["blocks"]] == ["markdown"]
    for more, error in (
        ({"text": "x"}, "markdown_text_conflict"),
        ({"blocks": [SECTION]}, "markdown_text_conflict"),
    ):
        answer = await refusal(post(channel=GENERAL, markdown_text="x", **more))
        assert answer["error"] == error
    long = await refusal(post(channel=GENERAL, markdown_text="x" * 12_001))
    assert long["error"] == "msg_too_long"


async def test_totals_of_a_message_are_refused(made: World):
    sections = [{"type": "section", "text": mrkdwn("x" * 2700)}] * 5
    answer = await refusal(
        made.slack.chat_postMessage(channel=GENERAL, text="x", blocks=sections)
    )
    assert answer["error"] == "msg_blocks_too_long"


async def test_a_permalink_leads_to_the_message_and_its_thread(made: World):
    root = await made.slack.chat_postMessage(channel=GENERAL, text="x")
    reply = await made.slack.chat_postMessage(
        channel=GENERAL, text="y", thread_ts=root["ts"]
    )
    link = await made.slack.chat_getPermalink(channel=GENERAL, message_ts=reply["ts"])
    path = f"/archives/{GENERAL}/p{reply['ts'].replace('.', '')}"
    query = f"?thread_ts={root['ts']}&cid={GENERAL}"
    assert link["permalink"] == made.simulator.base_url + path + query
    lost = made.slack.chat_getPermalink(channel=GENERAL, message_ts="1.0")
    assert (await refusal(lost))["error"] == "message_not_found"


async def test_a_response_url_serves_for_half_an_hour(made: World):
    posted = await made.slack.chat_postMessage(
        channel=GENERAL, text="x", blocks=[actions(button())]
    )
    payload = made.simulator.click_payload(MINA, GENERAL, posted["ts"], "go")
    workspace = made.simulator.workspace
    clock = workspace.clock

    async def respond(url: str) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, json={"text": "late"}) as response,
        ):
            return response.status, (await response.json()).get("error", "")

    workspace.clock = lambda: clock() + 29 * 60
    assert await respond(payload["response_url"]) == (200, "")
    workspace.clock = lambda: clock() + 31 * 60
    assert await respond(payload["response_url"]) == (404, "expired_url")
    unknown = payload["response_url"] + "x"
    assert await respond(unknown) == (404, "no_such_response_url")
    assert [each["text"] for each in made.simulator.ephemerals(MINA)] == ["late"]


async def test_a_click_carries_what_the_other_menus_hold(made: World):
    option = {"text": {"type": "plain_text", "text": "One"}, "value": "1"}
    menu = {"type": "static_select", "action_id": "menu", "options": [option]}
    posted = await made.slack.chat_postMessage(
        channel=GENERAL, text="x", blocks=[actions(button(), menu, block_id="row")]
    )
    click = made.simulator.click_payload
    untouched = click(RAVI, GENERAL, posted["ts"], "go")["state"]["values"]
    assert untouched["row"]["menu"]["selected_option"] is None
    chosen = click(RAVI, GENERAL, posted["ts"], "menu", "1")
    assert chosen["actions"][0]["selected_option"] == option
    assert chosen["state"]["values"]["row"]["menu"]["selected_option"] == option
    held = click(RAVI, GENERAL, posted["ts"], "go", values={"menu": "1"})
    assert held["state"]["values"]["row"]["menu"]["selected_option"] == option


async def test_a_rating_is_sent_with_its_value(made: World):
    def rate(text: str, value: str) -> dict[str, Any]:
        return {"text": {"type": "plain_text", "text": text}, "value": value}

    element = {
        "type": "feedback_buttons",
        "action_id": "rating",
        "positive_button": rate("Good", "+"),
        "negative_button": rate("Bad", "-"),
    }
    posted = await made.slack.chat_postMessage(
        channel=GENERAL,
        text="x",
        blocks=[{"type": "context_actions", "elements": [element]}],
    )
    click = made.simulator.click_payload
    payload = click(RAVI, GENERAL, posted["ts"], "rating", "-")
    assert payload["actions"][0]["value"] == "-"
    assert payload["actions"][0]["text"]["text"] == "Bad"
    with pytest.raises(LookupError, match="no button"):
        click(RAVI, GENERAL, posted["ts"], "rating", "?")
