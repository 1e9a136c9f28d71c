"""Deliveries to Slack: once each, in order, brought up to date."""

from __future__ import annotations

import json

import pytest

from tests.support.fake_slack import refused
from tests.support.house import House
from tests.support.people import APPROVALS, CHANNEL, MINA, OLAF, US
from tests.support.post import Post, shown


async def test_an_answer_is_posted_once_in_its_thread(post: Post):
    answer = await post.add("answer", "**Done.**")
    await post.send(answer)
    await post.send(answer)
    [message] = post.slack.messages
    assert (message["channel"], message["thread_ts"]) == (CHANNEL, "100.1")
    assert "Done." in shown(message)
    assert (await post.row(answer))["state"] == "sent"


async def test_nothing_that_is_posted_unfurls(post: Post, house: House):
    await house.ask()
    await post.add("answer", "https://example.com")
    await post.add("private", user=OLAF)
    post.slack.fail("chat_postEphemeral", refused("user_not_in_channel"))
    await post.work()
    posts = post.slack.called("chat_postMessage")
    assert len(posts) == 4
    assert all(p["unfurl_links"] is p["unfurl_media"] is False for p in posts)


async def test_a_card_is_posted_once_with_mentions_then_edited(
    post: Post, house: House
):
    request = await house.ask()
    await post.work()
    posted = post.slack.called("chat_postMessage")
    [first] = [p for p in posted if p["channel"] == APPROVALS]
    assert f"<@{MINA}>" in json.dumps(first["blocks"])

    await house.click(MINA, request)
    await post.work()

    edits = {e["ts"]: e for e in post.slack.called("chat_update")}
    card = edits[(await house.request(request.id)).place.ts]
    assert card["channel"] == APPROVALS
    assert "Approved" in shown(card)
    assert card["blocks"]
    assert all(e["blocks"] is not None for e in edits.values())
    assert len(post.slack.messages) == 2
    assert "shown" in await house.trail()


async def test_the_notice_follows_its_card_and_links_to_it(post: Post, house: House):
    request = await house.ask()
    assert house.handed == [request.place.card]
    await post.work()
    card, notice = post.slack.messages
    assert (card["channel"], notice["channel"]) == (APPROVALS, CHANNEL)
    assert US.permalink(APPROVALS, card["ts"]) in notice["text"]
    await house.click(MINA, request)
    await post.work()
    assert "Waiting" not in post.slack.messages[1]["text"]


async def test_the_notice_links_to_the_current_stages_card(post: Post, house: House):
    stages = "{approvers: managers}, {approvers: directors"
    house.policies.change(f"{stages}}}", f"{stages}, channel: C0SECOND}}")
    request = await house.ask("sign")
    await post.work()
    await house.click(MINA, request)
    await post.work()
    await post.work()
    _, notice, second = post.slack.messages
    assert second["channel"] == "C0SECOND"
    assert US.permalink("C0SECOND", second["ts"]) in notice["text"]


async def test_the_next_job_shows_a_change_made_during_sending(
    post: Post, house: House
):
    request = await house.ask()

    async def decide_now():
        post.slack.during = None
        await house.click(MINA, request)

    post.slack.during = decide_now
    await post.work()
    card = next(m for m in post.slack.messages if m["channel"] == APPROVALS)
    assert "Approved" in shown(card)
    row = await post.row(request.place.card)
    assert row["shown"] == row["revision"] == 2


async def test_a_private_sentence_is_ephemeral_where_the_person_is(post: Post):
    private = await post.add("private", "Not you.", user=OLAF)
    await post.send(private)
    await post.send(private)
    [given] = post.slack.called("chat_postEphemeral")
    assert (given["channel"], given["user"], given["text"]) == (
        CHANNEL,
        OLAF,
        "Not you.",
    )
    assert post.slack.messages == []


@pytest.mark.parametrize("code", ["user_not_in_channel", "channel_not_found"])
async def test_a_private_sentence_goes_by_dm_where_slack_shows_none(post: Post, code):
    private = await post.add("private", user=OLAF, channel="")
    post.slack.fail("chat_postEphemeral", refused(code))
    await post.send(private)
    assert [m["channel"] for m in post.slack.messages] == [OLAF]


async def test_a_delivery_that_is_unknown_does_nothing(post: Post):
    await post.send("00000000-0000-0000-0000-000000000000")
    assert post.slack.calls == []
