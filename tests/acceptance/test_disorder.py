"""Events and clicks that come late, again, or in another order than they happened."""

from __future__ import annotations

import pytest

from tests.support.deciding import asked_to_delete, request_of
from tests.support.demo import BOT, GENERAL, MINA, RAVI
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {"subscriptions": ("app_mention", "message.im", "message.channels")}


def let_minutes_pass(stage: Stage) -> None:
    """Everything in the database was minutes ago."""
    changes = (
        "UPDATE messages SET received_at = received_at - interval '7 minutes'",
        "UPDATE conversations SET last_run_at = last_run_at - interval '7 minutes',"
        " created_at = created_at - interval '7 minutes'",
        "UPDATE deliveries SET created_at = created_at - interval '7 minutes'",
    )
    for change in changes:
        stage.records.rows(f"{change} RETURNING 1")


async def test_both_events_of_a_post_come_again_after_minutes(shared_both: Stage):
    stage = shared_both
    stage.put("late.txt", "once only")
    ts = await stage.ask("read late.txt")
    await stage.answer(GENERAL, ts, "once only")
    await stage.simulator.settled()
    let_minutes_pass(stage)

    for event_id, sent in stage.events_about(ts).items():
        assert await stage.simulator.redeliver(event_id)
        assert await stage.simulator.send_event(sent["event"], f"{event_id}X")
    await stage.rest()

    assert len(stage.said(GENERAL, ts)) == 1
    count = "SELECT count(*) FROM messages WHERE ts = %s"
    assert stage.records.value(count, ts) == 1


async def test_the_second_message_of_a_thread_may_come_first(shared_both: Stage):
    stage = shared_both
    stage.put("one.txt", "the first")
    stage.put("two.txt", "the second")
    first, second = (stage.simulator.workspace.next_ts() for _ in range(2))

    def event(ts: str, words: str) -> dict[str, object]:
        thread = {} if ts == first else {"thread_ts": first}
        text = f"<@{BOT}> {words}"
        place = {"channel": GENERAL, "user": RAVI, "ts": ts, "event_ts": ts}
        return {"type": "app_mention", "text": text, **place, **thread}

    assert await stage.simulator.send_event(event(second, "read two.txt"))
    assert await stage.simulator.send_event(event(first, "read one.txt"))
    await stage.simulator.wait_for(
        lambda: len([c for c in posts(stage, first) if "the" in c]) == 2
    )
    await stage.rest()

    said = "\n".join(posts(stage, first))
    assert said.count("the first\n") == said.count("the second\n") == 1


def posts(stage: Stage, thread: str) -> list[str]:
    """The bot's posts in a thread whose start the simulator has not seen."""
    return [
        call.args["text"]
        for call in stage.simulator.calls
        if call.method == "chat.postMessage" and call.args.get("thread_ts") == thread
    ]


async def test_a_click_again_after_minutes_changes_nothing(shared_both: Stage):
    stage = shared_both
    file, card, ts = await asked_to_delete(stage, "clicked.txt")
    moment = stage.simulator.workspace.next_ts()
    await stage.click(MINA, "approve", card, action_ts=moment)
    await stage.answer(GENERAL, ts)
    await stage.outcome(card, "Approved")
    stage.put("clicked.txt", "a new one")
    heard = len(stage.whispers(MINA))
    let_minutes_pass(stage)

    again = await stage.click(MINA, "approve", card, action_ts=moment)
    other = await stage.click(MINA, "reject", card)
    await stage.whisper(MINA, "already approved", since=heard)
    await stage.rest()

    assert again.acked
    assert other.acked
    assert stage.records.decisions(request_of(card)) == [(MINA, "approve")]
    assert file.read_text() == "a new one"
    assert "Approved" in everything(stage.message(card["channel"], card["ts"]))


async def test_an_edit_of_a_message_asks_nothing_again(shared_both: Stage):
    stage = shared_both
    stage.put("edited.txt", "as it was")
    ts = await stage.ask("read edited.txt")
    await stage.answer(GENERAL, ts, "as it was")
    place = {"channel": GENERAL, "channel_type": "channel", "event_ts": ts}
    message = {"type": "message", "user": RAVI, "ts": ts, "text": f"<@{BOT}> list"}

    edit = {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "ts": stage.simulator.workspace.next_ts(),
        **place,
        "message": message,
        "previous_message": message,
    }
    assert await stage.simulator.send_event(edit)
    await stage.rest()

    assert len(stage.said(GENERAL, ts)) == 1
