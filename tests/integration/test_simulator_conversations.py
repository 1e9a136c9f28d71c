"""Channels, threads and history, asked by Slack's own client."""

from __future__ import annotations

from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Simulator
from tests.support.demo import APPROVALS, GENERAL, MINA, RAVI
from tests.support.simulated import METADATA, refusal


async def test_a_thread_is_listed_oldest_first_and_history_newest_first(
    slack: AsyncWebClient,
):
    root = (await slack.chat_postMessage(channel=GENERAL, text="root"))["ts"]
    for text in ("one", "two"):
        await slack.chat_postMessage(
            channel=GENERAL, text=text, thread_ts=root, metadata=METADATA
        )
    await slack.chat_postMessage(channel=GENERAL, text="later")
    thread = await slack.conversations_replies(channel=GENERAL, ts=root)
    history = await slack.conversations_history(channel=GENERAL)
    assert [m["text"] for m in thread["messages"]] == ["root", "one", "two"]
    assert [m["text"] for m in history["messages"]] == ["later", "root"]
    assert thread["messages"][0]["reply_count"] == 2
    assert "metadata" not in thread["messages"][1]
    thread = await slack.conversations_replies(
        channel=GENERAL, ts=root, include_all_metadata=True
    )
    assert thread["messages"][1]["metadata"] == METADATA


async def test_history_goes_page_by_page_and_between_moments(slack: AsyncWebClient):
    stamps = [
        (await slack.chat_postMessage(channel=GENERAL, text=str(n)))["ts"]
        for n in range(5)
    ]
    seen: list[str] = []
    async for page in await slack.conversations_history(channel=GENERAL, limit=2):
        seen += [m["text"] for m in page["messages"]]
    assert seen == ["4", "3", "2", "1", "0"]
    between = await slack.conversations_history(
        channel=GENERAL, oldest=stamps[1], latest=stamps[3]
    )
    assert [m["text"] for m in between["messages"]] == ["2"]
    inclusive = await slack.conversations_history(
        channel=GENERAL, oldest=stamps[1], latest=stamps[3], inclusive=True
    )
    assert [m["text"] for m in inclusive["messages"]] == ["3", "2", "1"]


async def test_a_reply_to_a_missing_message_becomes_a_plain_one(slack: AsyncWebClient):
    answer = await slack.chat_postMessage(channel=GENERAL, text="x", thread_ts="1.0")
    assert "thread_ts" not in answer["message"]
    missing = await refusal(slack.conversations_replies(channel=GENERAL, ts="1.0"))
    assert missing["error"] == "thread_not_found"


async def test_channels_members_and_links(simulator: Simulator, slack: AsyncWebClient):
    info = await slack.conversations_info(channel=GENERAL, include_num_members=True)
    assert (info["channel"]["name"], info["channel"]["num_members"]) == ("general", 7)
    members = await slack.conversations_members(channel=GENERAL)
    assert {RAVI, MINA, "U0APPROVER"} <= set(members["members"])
    listed = await slack.conversations_list(types="public_channel,im")
    assert {GENERAL, APPROVALS, "D0RAVI0000"} <= {c["id"] for c in listed["channels"]}
    ts = (await slack.chat_postMessage(channel=GENERAL, text="x"))["ts"]
    link = await slack.chat_getPermalink(channel=GENERAL, message_ts=ts)
    path = f"/archives/{GENERAL}/p{ts.replace('.', '')}"
    assert link["permalink"] == simulator.base_url + path
