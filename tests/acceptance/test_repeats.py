"""The same thing said twice is done once."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.deciding import (
    asked_to_delete,
    one_of_twenty_clicks_decides,
    request_of,
)
from tests.support.demo import BOT, GENERAL, MAREK, MINA, RAVI
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
# With `message.channels` a mention in a channel arrives as two events of one post.
STAGE = {
    "subscriptions": ("app_mention", "message.im", "message.channels"),
    "ack": 15.0,  # twenty clicks at once
}


async def test_the_same_event_three_times_gets_one_answer(shared_both: Stage):
    stage = shared_both
    stage.put("notes.txt")
    dm = stage.simulator.dm(RAVI)

    ts = await stage.ask("read notes.txt", channel=dm)
    found = await stage.simulator.wait_for(lambda: stage.events_about(ts))
    [(event_id, sent), *_] = found.items()
    taken = await asyncio.gather(
        stage.simulator.redeliver(event_id),
        stage.simulator.send_event(sent["event"], event_id),
        stage.simulator.send_event(sent["event"], "Ev0ANOTHER"),
    )
    await stage.answer(dm, ts)
    await stage.rest()

    assert all(taken)
    assert len(stage.said(dm, ts)) == 1


async def test_a_mention_that_arrives_as_two_events_gets_one_answer(
    shared_both: Stage,
):
    stage = shared_both
    stage.put("twice.txt")

    ts = await stage.ask("read twice.txt")
    await stage.answer(GENERAL, ts)
    await stage.rest()

    kinds = [sent["event"]["type"] for sent in stage.events_about(ts).values()]
    assert sorted(kinds) == ["app_mention", "message"]
    assert len(stage.said(GENERAL, ts)) == 1


async def test_the_same_click_five_times_is_one_decision(shared_both: Stage):
    stage = shared_both
    file, card, ts = await asked_to_delete(stage, "five.txt")
    moment = stage.simulator.workspace.next_ts()
    heard = len(stage.whispers(MINA))

    at_once = [stage.click(MINA, "approve", card, action_ts=moment) for _ in range(5)]
    results = await asyncio.gather(*at_once)
    for _ in range(5):
        results.append(await stage.click(MINA, "approve", card, action_ts=moment))
    await stage.answer(GENERAL, ts)
    await stage.outcome(card, "Approved")
    await stage.reply(GENERAL, ts, "Approved by")
    await stage.rest()

    request = request_of(card)
    assert all(result.acked for result in results)
    assert stage.records.decisions(request) == [(MINA, "approve")]
    assert stage.records.claims(request) == 1
    assert not file.exists()
    assert len(stage.whispers(MINA)) == heard
    assert len(stage.said(GENERAL, ts)) == 2  # the notice and the answer, once


async def test_twenty_different_clicks_at_once_have_one_winner(shared_both: Stage):
    await one_of_twenty_clicks_decides(shared_both, "twenty.txt")


async def test_each_late_click_of_another_person_is_answered(shared_both: Stage):
    stage = shared_both
    _, card, ts = await asked_to_delete(stage, "second.txt")
    await stage.click(MINA, "reject", card)
    await stage.outcome(card, "Rejected")
    heard = len(stage.whispers(MAREK))

    await stage.click(MAREK, "approve", card)

    told = await stage.whisper(MAREK, since=heard)
    assert "already rejected" in told
    assert f"<@{MINA}>" in told
    await stage.answer(GENERAL, ts)
    assert (stage.files / "second.txt").exists()


async def test_posts_that_are_not_for_the_agent_are_left_alone(shared_both: Stage):
    stage = shared_both
    said = "delete five.txt, somebody?"

    ts = await stage.simulator.post_message(RAVI, GENERAL, said)
    for event in unaddressed(stage.simulator.workspace.next_ts()):
        assert await stage.simulator.send_event(event)
    await stage.rest()

    assert not stage.said(GENERAL, ts)
    kept = [text for (text,) in stage.records.rows("SELECT text FROM messages")]
    assert not [text for text in kept if "somebody" in text or "edited" in text]


def unaddressed(ts: str) -> list[dict[str, object]]:
    """Events with a mention in them that no person has addressed to the agent."""
    text = f"<@{BOT}> list, edited"
    place = {"type": "message", "channel": GENERAL, "channel_type": "channel"}
    person = {**place, "user": RAVI, "text": text, "ts": ts, "event_ts": ts}
    return [
        {**person, "bot_id": "B0OTHER", "subtype": "bot_message"},
        {**person, "bot_id": "B0OTHER"},
        {**place, "user": BOT, "text": text, "ts": ts, "event_ts": ts},
        {**person, "subtype": "channel_join"},
        {**person, "subtype": "channel_topic"},
        {
            **place,
            "subtype": "message_changed",
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
            "message": person,
            "previous_message": person,
        },
        {
            **place,
            "subtype": "message_deleted",
            "hidden": True,
            "ts": ts,
            "event_ts": ts,
            "deleted_ts": ts,
            "previous_message": person,
        },
        {"type": "reaction_added", "user": RAVI, "reaction": "eyes", "event_ts": ts},
    ]
