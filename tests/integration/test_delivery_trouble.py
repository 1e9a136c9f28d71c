"""Slack refuses, is slow, or says nothing: no message is lost or posted twice."""

from __future__ import annotations

import asyncio

import aiohttp
import psycopg
import pytest

from bot.approvals.deadlines import expire_due
from bot.jobs.courier import DUE_AT_ONCE
from bot.slack.delivery import HELD, Deliverer
from bot.texts import notices
from tests.support.fake_slack import refused
from tests.support.house import House
from tests.support.people import APPROVALS, CHANNEL, DANA, MINA, OLAF, RAVI, US
from tests.support.post import Post, shown

TROUBLE = [
    TimeoutError(),
    aiohttp.ServerDisconnectedError(),
    ConnectionResetError(),
    refused("internal_error"),
    refused("service_unavailable", 503),
]


@pytest.mark.parametrize("trouble", TROUBLE, ids=lambda t: str(t) or type(t).__name__)
@pytest.mark.parametrize("thread", ["100.1", None])
async def test_a_post_of_unknown_outcome_is_found_and_not_repeated(
    post: Post, trouble, thread
):
    answer = await post.add("answer", thread_ts=thread)
    post.slack.fail("chat_postMessage", trouble, lost=True)
    assert await post.send(answer) == 1
    await post.send(answer)
    assert len(post.slack.messages) == 1
    row = await post.row(answer)
    assert (row["state"], row["message_ts"]) == ("sent", "5000.000100")


async def test_a_post_that_did_not_arrive_is_posted_again(post: Post):
    answer = await post.add("answer")
    post.slack.fail("chat_postMessage", *TROUBLE)
    assert [await post.send(answer) for _ in TROUBLE] == [1, 2, 4, 8, 16]
    await post.send(answer)
    assert len(post.slack.messages) == 1
    assert (await post.row(answer))["tries"] == 0


async def test_what_was_postponed_is_not_due_before_its_time(post: Post, house: House):
    answer = await post.add("answer")
    post.slack.fail("chat_postMessage", TimeoutError())
    await post.send(answer)
    await post.work()
    assert post.slack.messages == []
    await house.rows("UPDATE deliveries SET due_at = clock_timestamp()")
    await post.work()
    assert len(post.slack.messages) == 1


async def test_a_post_is_found_on_a_later_page_too(post: Post):
    answer = await post.add("answer", thread_ts=None)
    post.slack.fail("chat_postMessage", TimeoutError(), lost=True)
    await post.send(answer)
    for number in range(5):
        await post.slack.chat_postMessage(channel=CHANNEL, text=str(number))
    post.slack.page = 2
    await post.send(answer)
    assert len(post.slack.messages) == 6
    assert len(post.slack.called("history")) == 3


async def test_a_card_posted_without_confirmation_is_edited_after_the_decision(
    post: Post, house: House
):
    request = await house.ask()
    post.slack.fail("chat_postMessage", TimeoutError(), lost=True)
    await post.send(request.place.card)
    await house.click(MINA, request)
    await post.send(request.place.card)
    [card] = [m for m in post.slack.messages if m["channel"] == APPROVALS]
    assert "Approved" in shown(card)
    assert "button" not in shown(card)


async def test_a_process_that_dies_after_posting_finds_its_post(
    post: Post, house: House, monkeypatch
):
    request = await house.ask()

    async def die(*_):
        raise asyncio.CancelledError

    with monkeypatch.context() as dying:
        dying.setattr(Deliverer, "_note_sent", die)
        with pytest.raises(asyncio.CancelledError):
            await post.send(request.place.card)
    assert (await post.row(request.place.card))["state"] == "sending"
    await post.send(request.place.card)  # it might still be alive
    await post.work()
    assert (await post.row(request.place.card))["state"] == "sending"
    await house.rows("UPDATE deliveries SET taken_until = clock_timestamp()")
    await post.work()
    assert len([m for m in post.slack.messages if m["channel"] == APPROVALS]) == 1


async def test_a_post_forgotten_by_a_database_crash_is_found(
    post: Post, house: House, monkeypatch
):
    request = await house.ask()

    async def cut_off(*_):
        raise psycopg.OperationalError("server closed the connection")

    with monkeypatch.context() as crashing:
        crashing.setattr(Deliverer, "_note_sent", cut_off)
        await post.send(request.place.card)
    # what was not on the disk is gone: the row is as it was before the try
    await house.rows("UPDATE deliveries SET state = 'queued', taken_until = NULL")
    await post.send(request.place.card)

    assert len([m for m in post.slack.messages if m["channel"] == APPROVALS]) == 1
    assert (await post.row(request.place.card))["state"] == "sent"


async def test_a_database_crash_after_sending_posts_no_second_card(
    post: Post, house: House
):
    request = await house.ask()
    await post.send(request.place.card)
    # the commit that said so had not reached the disk
    await house.rows(
        "UPDATE deliveries SET state = 'queued', shown = 0, message_ts = NULL,"
        " posted_channel = NULL, sent_at = NULL WHERE id = %s",
        request.place.card,
    )
    await post.send(request.place.card)

    assert len([m for m in post.slack.messages if m["channel"] == APPROVALS]) == 1
    assert (await post.row(request.place.card))["state"] == "sent"


@pytest.mark.parametrize("code", ["channel_not_found", "is_archived"])
async def test_an_answer_that_slack_refuses_for_good_is_given_up(post: Post, code):
    answer = await post.add("answer")
    post.slack.fail("chat_postMessage", refused(code))
    await post.send(answer)
    await post.send(answer)
    row = await post.row(answer)
    assert (row["state"], row["error"]) == ("failed", code)
    assert len(post.slack.called("chat_postMessage")) == 1


@pytest.mark.parametrize(
    "code",
    [
        "invalid_blocks",
        "invalid_blocks_format",
        "markdown_text_conflict",
        "msg_blocks_too_long",
        "msg_too_long",
        "a_word_from_next_year",
    ],
)
async def test_an_answer_whose_blocks_are_refused_is_posted_as_text(post: Post, code):
    answer = await post.add("answer", "# Done <!channel>\n[a.com](https://b.example)")
    post.slack.fail("chat_postMessage", refused(code))
    assert await post.send(answer) is None
    await post.work()
    [said] = post.slack.messages
    assert said["blocks"] is None
    assert said["text"] == "# Done ＜!channel&gt;\na.com (https://b.example)"
    assert (await post.row(answer))["state"] == "sent"


async def test_what_slack_refuses_as_text_too_is_told_of(post: Post, house: House):
    await house.write(user=RAVI, thread_ts="100.1")
    answer = await post.add("answer")
    post.slack.fail("chat_postMessage", *[refused("invalid_blocks")] * 2)
    await post.send(answer)
    await post.work()
    [told] = post.slack.messages
    assert told["text"] == notices.ANSWER_COULD_NOT_BE_POSTED


async def test_a_text_of_unknown_outcome_is_found_and_not_repeated(post: Post):
    answer = await post.add("answer", "# Done")
    post.slack.fail("chat_postMessage", refused("invalid_blocks"))
    post.slack.fail("chat_postMessage", TimeoutError(), lost=True)
    assert await post.send(answer) == 1
    await post.send(answer)
    assert [each["text"] for each in post.slack.messages] == ["# Done"]


LONG = "\n\n".join(f"{n}" + " word" * 1_500 for n in range(4))


async def test_a_long_answer_is_posted_in_order_and_once(post: Post, house: House):
    answer = await post.add("answer", LONG)
    post.slack.fail("chat_postMessage", TimeoutError(), lost=True)
    await post.send(answer)
    await post.send(answer)
    await post.work()
    said = post.slack.messages
    shown = "\n\n".join(each["blocks"][0]["text"] for each in said)
    assert shown == LONG
    assert {each["thread_ts"] for each in said} == {"100.1"}
    stored = await house.rows("SELECT text FROM deliveries ORDER BY message_ts")
    assert "\n\n".join(row["text"] for row in stored) == shown


async def test_an_answer_split_before_a_crash_comes_whole_and_once(
    post: Post, monkeypatch: pytest.MonkeyPatch
):
    answer = await post.add("answer", LONG)

    async def cut_off(*_):
        raise psycopg.OperationalError("server closed the connection")

    with monkeypatch.context() as crashing:
        crashing.setattr(Deliverer, "_sent", cut_off)
        assert await post.send(answer) == 1
    await post.send(answer)
    await post.work()
    shown = [each["blocks"][0]["text"] for each in post.slack.messages]
    assert "\n\n".join(shown) == LONG


async def test_no_part_follows_before_the_one_ahead_stands(post: Post, house: House):
    answer = await post.add("answer", LONG)
    post.slack.fail("chat_postMessage", refused("ratelimited", 429))
    await post.send(answer)
    await post.work()
    assert post.slack.messages == []
    assert await house.one("SELECT count(*) FROM deliveries") == 1


@pytest.mark.parametrize("thread", ["100.1", None])
async def test_a_group_that_may_not_be_read_gets_the_answer(post: Post, house, thread):
    await house.write(user=RAVI, thread_ts="100.1")
    answer = await post.add("answer", thread_ts=thread)
    await house.rows("UPDATE deliveries SET created_at = now() - interval '1 minute'")
    post.slack.fail("history", refused("missing_scope"))
    post.slack.fail("replies", refused("missing_scope"))
    await post.send(answer)
    await post.work()
    [said] = post.slack.messages
    assert (said["channel"], said["text"]) == (CHANNEL, "Hello.")
    assert (await post.row(answer))["state"] == "sent"


async def test_a_refused_card_is_reported_once_and_retried_until_posted(
    post: Post, house: House
):
    request = await house.ask()
    post.slack.fail("chat_postMessage", *[refused("not_in_channel")] * 3)
    assert [await post.send(request.place.card) for _ in range(3)] == [60] * 3
    said = await house.rows("SELECT text FROM deliveries WHERE kind = 'say'")
    assert len(said) == 1
    assert request.code in said[0]["text"]
    await post.work()
    await post.send(request.place.card)
    assert {m["channel"] for m in post.slack.messages} == {APPROVALS, CHANNEL}
    assert (await post.row(request.place.card))["error"] is None


async def test_an_unposted_card_is_given_up_with_its_request(post: Post, house: House):
    request = await house.ask()
    post.slack.fail("chat_postMessage", *[refused("is_archived")] * 2)
    await post.send(request.place.card)
    await house.pass_time(days=2)
    await expire_due(house.pool, house.queue)
    await post.send(request.place.card)
    await post.work()
    assert (await post.row(request.place.card))["state"] == "failed"
    said = [m["text"] for m in post.slack.messages]
    assert len([text for text in said if request.code in text]) == 1
    assert any(text.startswith("⌛ Timed out: *Wipe*") for text in said)


async def test_a_stage_call_waits_only_for_its_card(post: Post, house: House):
    request = await house.ask("sign")
    await house.click(MINA, request)
    call = await house.one("SELECT id::text FROM deliveries WHERE kind = 'call'")
    assert await post.send(call) == HELD
    await post.send(request.place.card)
    await post.send(call)
    card, said = post.slack.messages
    assert said["thread_ts"] == card["ts"]


async def test_a_stage_call_without_a_card_ends_with_the_request(
    post: Post, house: House
):
    request = await house.ask("sign")
    await house.click(MINA, request)
    call = await house.one("SELECT id::text FROM deliveries WHERE kind = 'call'")
    post.slack.fail("chat_postMessage", refused("is_archived"))
    await house.pass_time(days=2)
    await expire_due(house.pool, house.queue)
    await post.send(request.place.card)
    await post.send(call)
    assert (await post.row(call))["state"] == "failed"
    assert post.slack.messages == []


async def test_an_edit_that_slack_refuses_costs_no_decision(post: Post, house: House):
    request = await house.ask()
    await post.work()
    await house.click(MINA, request)
    post.slack.fail("chat_update", refused("message_not_found"))
    await post.send(request.place.card)  # the others in any order
    await post.work()
    assert (await house.request(request.id)).status == "approved"
    assert (await post.row(request.place.card))["state"] == "failed"
    assert await house.rows("SELECT * FROM deliveries WHERE kind = 'say'") == []


async def test_a_deleted_card_of_an_open_request_is_posted_again(
    post: Post, house: House
):
    request = await house.ask("sign")
    await post.work()
    first = post.slack.messages[0]
    post.slack.messages[0] = {"ts": "", "channel": "", "text": ""}
    await house.click(MINA, request)
    post.slack.fail("chat_update", refused("message_not_found"))

    await post.send(request.place.card)
    await post.work()

    cards = [m for m in post.slack.messages if m["channel"] == APPROVALS]
    [card] = [m for m in cards if "blocks" in m and not m.get("thread_ts")]
    assert "button" in shown(card)
    now = await house.request(request.id)
    assert (now.place.ts, now.place.card) == (card["ts"], request.place.card)
    assert (await house.click(DANA, request)).effect == "approved"
    assert first["metadata"] == card["metadata"]


FROZEN = ["cant_update_message", "edit_window_closed"]


@pytest.mark.parametrize("code", FROZEN)
async def test_what_a_frozen_card_cannot_show_is_said_below_it(
    post: Post, house: House, code
):
    request = await house.ask()
    await post.work()
    await house.click(MINA, request)
    post.slack.fail("chat_update", *[refused(code)] * 2)
    await post.work()
    first, second, *said = post.slack.messages
    card, notice = (first, second) if first["channel"] == APPROVALS else (second, first)
    below = {each["thread_ts"] for each in said}
    assert below == {card["ts"], notice["thread_ts"]}
    assert len(said) == 2
    for each in said:
        assert f"Approved by <@{MINA}>: *Wipe*" in each["text"]
    await house.rows(
        "UPDATE deliveries SET revision = revision + 1 WHERE kind = 'card'"
    )
    post.slack.fail("chat_update", refused(code))
    await post.work()
    assert len(post.slack.messages) == 4


async def test_an_open_request_leaves_its_frozen_card(post: Post, house: House):
    request = await house.ask("sign")
    await post.work()
    await house.click(MINA, request)
    post.slack.fail("chat_update", refused("cant_update_message"))
    await post.send(request.place.card)
    await post.work()
    cards = [m for m in post.slack.messages if "button" in shown(m)]
    old, new = [m for m in cards if m["channel"] == APPROVALS and not m["thread_ts"]]
    below = [m for m in post.slack.messages if m["thread_ts"] == old["ts"]]
    assert any(notices.CARD_BELOW in m["text"] for m in below)
    now = await house.request(request.id)
    assert now.place.ts == new["ts"] != old["ts"]
    assert (await house.click(DANA, request)).effect == "approved"


@pytest.mark.parametrize("kind", ["say", "answer"])
async def test_words_for_a_thread_that_is_gone_reach_whoever_asked(
    post: Post, house: House, kind: str
):
    await house.write(user=RAVI, thread_ts="100.1")
    said = await post.add(kind, "Our words.")
    post.slack.fail("chat_postMessage", refused("not_in_channel"))

    await post.send(said)
    await post.work()

    [told] = post.slack.messages
    assert told["channel"] == RAVI
    own = {"say": "Our words.", "answer": notices.ANSWER_COULD_NOT_BE_POSTED}
    assert told["text"] == own[kind]
    assert (await post.row(said))["state"] == "failed"


@pytest.mark.parametrize(
    "code", ["is_archived", "restricted_action_read_only_channel", "restricted_action"]
)
async def test_an_answer_for_a_frozen_thread_reaches_whoever_asked(
    post: Post, house: House, code: str
):
    await house.write(user=RAVI, thread_ts="100.1")
    said = await post.add("answer", LONG)
    post.slack.fail("chat_postMessage", refused(code))
    await post.send(said)
    await post.work()
    shown = "\n\n".join(each["blocks"][0]["text"] for each in post.slack.messages)
    assert {each["channel"] for each in post.slack.messages} == {RAVI}
    before, _, rest = shown.partition("\n\n")
    assert f"({US.permalink(CHANNEL, '100.1')})" in before
    assert rest == LONG


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"retry-after": "7"}, 7),
        ({"Retry-After": "soon"}, 1),
        ({"Retry-After": "0"}, 1),
        ({}, 1),
    ],
    ids=str,
)
async def test_a_rate_limit_names_the_wait(post: Post, headers, seconds):
    answer = await post.add("answer")
    post.slack.fail("chat_postMessage", refused("ratelimited", 429, **headers))
    assert await post.send(answer) == seconds
    row = await post.row(answer)
    assert (row["state"], row["taken_until"]) == ("queued", None)


async def test_a_rate_limit_holds_all_posts_to_that_channel(post: Post, house: House):
    first, second, other = [await post.add("answer") for _ in range(3)]
    private = await post.add("private", user=OLAF)
    where = "UPDATE deliveries SET channel_id = %s, thread_ts = NULL WHERE id = %s"
    await house.rows(where, APPROVALS, other)
    limited = refused("ratelimited", 429, **{"Retry-After": "30"})
    post.slack.fail("chat_postMessage", limited)
    waits = [await post.send(each) for each in (first, second, other, private)]
    assert waits == [30, 30, None, None]
    posts = [given["channel"] for given in post.slack.called("chat_postMessage")]
    assert posts == [CHANNEL, APPROVALS]


async def test_what_is_due_goes_in_turns_past_what_slack_refuses(
    post: Post, house: House
):
    """A channel with much to change holds up neither another one nor what is new."""
    busy = [await post.add("answer") for _ in range(DUE_AT_ONCE + 1)]
    stands = """UPDATE deliveries SET message_ts = '1.' || id, shown = 0,
      due_at = now() - interval '1 hour' RETURNING id"""
    await house.rows(stands)
    [quiet] = [await post.add("answer", channel=APPROVALS)]
    await house.rows(f"{stands[:-13]} WHERE id = %s RETURNING id", quiet)
    new = await post.add("answer")
    picked = await post.courier.pick()
    assert {quiet, new} < {*picked}
    assert len(picked) == DUE_AT_ONCE

    again = "UPDATE deliveries SET due_at = now() WHERE id <> %s RETURNING id"
    await house.rows(again, new)
    limited = refused("ratelimited", 429, **{"Retry-After": "30"})
    post.slack.fail("chat_update", limited)
    assert await post.send(busy[0]) == 30
    assert await post.courier.pick() == [quiet]
