"""The simulator's streams: strict about order, limits and what has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Simulator
from bot.simulator.app_config import AppConfig
from tests.support.demo import GENERAL, MINA, RAVI
from tests.support.simulated import METADATA, plain, refusal, world

TASK = {"type": "task_update", "id": "t1", "title": "Reading a.txt"}
FOR_RAVI = {"recipient_user_id": RAVI, "recipient_team_id": "T0SIMULATE"}


def text(words: str) -> dict[str, Any]:
    return {"type": "markdown_text", "text": words}


async def begun(simulator: Simulator, slack: AsyncWebClient, **more: Any) -> str:
    thread = await simulator.post_message(RAVI, GENERAL, "hello")
    given = {"channel": GENERAL, "thread_ts": thread, **FOR_RAVI, **more}
    return str((await slack.chat_startStream(**given))["ts"])


async def test_text_grows_and_ends_with_its_metadata(
    simulator: Simulator, slack: AsyncWebClient
):
    ts = await begun(simulator, slack, markdown_text="Hello")
    await slack.chat_appendStream(channel=GENERAL, ts=ts, markdown_text=" Ravi")
    done = {**TASK, "title": "Read a.txt", "status": "complete", "output": "3 lines"}
    for chunk in (TASK, done):
        await slack.chat_appendStream(channel=GENERAL, ts=ts, chunks=[chunk])
    assert simulator.messages(GENERAL)[-1]["text"] == "Hello Ravi"
    await slack.chat_stopStream(
        channel=GENERAL, ts=ts, markdown_text="!", metadata=METADATA
    )
    ended = simulator.messages(GENERAL)[-1]
    kinds = [(b["type"], b.get("text", b.get("title"))) for b in ended["blocks"]]
    assert kinds == [
        ("markdown", "Hello Ravi"),
        ("task_card", "Read a.txt"),
        ("markdown", "!"),
    ]
    assert (ended["metadata"], ended["ts"]) == (METADATA, ts)


async def test_what_has_ended_takes_no_more(
    simulator: Simulator, slack: AsyncWebClient
):
    ts = await begun(simulator, slack)
    busy = await refusal(slack.chat_update(channel=GENERAL, ts=ts, text="x"))
    assert busy["error"] == "streaming_state_conflict"
    simulator.workspace.end_streams()
    for late in (
        slack.chat_appendStream(channel=GENERAL, ts=ts, markdown_text="x"),
        slack.chat_stopStream(channel=GENERAL, ts=ts),
    ):
        assert (await refusal(late))["error"] == "message_not_in_streaming_state"
    await slack.chat_update(channel=GENERAL, ts=ts, text="x")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"markdown_text": "x", "chunks": [text("y")]}, "markdown_text_conflict"),
        ({"chunks": [{**TASK, "title": "x" * 257}]}, "invalid_chunks"),
        ({"chunks": [{**TASK, "colour": "red"}]}, "invalid_chunks"),
        ({"chunks": [{**TASK, "status": "begun"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "task_update", "id": "t1"}]}, "invalid_chunks"),
        ({"chunks": [{"type": "song"}]}, "invalid_chunks"),
        ({"text": "x"}, "invalid_arguments"),
        ({}, "no_text"),
        ({"ts": "1.1", "markdown_text": "x"}, "message_not_found"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_append_is_refused(
    simulator: Simulator, slack: AsyncWebClient, given: dict[str, Any], error: str
):
    ts = await begun(simulator, slack)
    given = {"channel": GENERAL, "ts": ts, **given}
    answer = await refusal(slack.api_call("chat.appendStream", json=given))
    assert answer["error"] == error


async def test_a_stream_in_a_channel_names_its_reader(
    simulator: Simulator, slack: AsyncWebClient
):
    thread = await simulator.post_message(RAVI, GENERAL, "hello")
    place = {"channel": GENERAL, "thread_ts": thread}
    for given, error in (
        ({}, "missing_recipient_user_id"),
        ({"recipient_user_id": RAVI}, "missing_recipient_team_id"),
        ({**FOR_RAVI, "thread_ts": "1.1"}, "thread_not_found"),
        ({**FOR_RAVI, "task_display_mode": "list"}, "invalid_arguments"),
        ({**FOR_RAVI, "blocks": [plain("x")]}, "invalid_arguments"),
    ):
        answer = await refusal(
            slack.api_call("chat.startStream", json={**place, **given})
        )
        assert answer["error"] == error


@pytest.fixture
async def narrow() -> AsyncIterator[AsyncWebClient]:
    scopes = frozenset({"users:read", "reactions:write", "channels:history"})
    async with world(connected=False, scopes=scopes) as made:
        yield made.slack


async def test_streams_need_the_scope_to_write(narrow: AsyncWebClient):
    given = {"channel": GENERAL, "thread_ts": "1.1"}
    answer = await refusal(narrow.chat_startStream(**given))
    assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")


async def test_a_title_counts_as_its_session_begins():
    async with world(connected=False, app=AppConfig(is_agent=True)) as made:
        ts = await made.simulator.post_message(MINA, GENERAL, "hello")
        place = {"channel_id": GENERAL, "thread_ts": ts, "status": "processing"}
        say = made.slack.agents_sessions_setStatus
        long = await refusal(say(**place, title="x" * 201))
        assert long["error"] == "invalid_arguments"
        for title in ("Hello", "Other"):
            await say(**place, title=title)
        assert made.simulator.workspace.titles == {(GENERAL, ts): "Hello"}


async def test_titles_without_sessions_are_for_direct_messages(
    simulator: Simulator, slack: AsyncWebClient
):
    dm = simulator.dm(MINA)
    ts = await simulator.post_message(MINA, dm, "hello")
    name = slack.assistant_threads_setTitle
    await name(channel_id=dm, thread_ts=ts, title="Hello")
    assert simulator.workspace.titles == {(dm, ts): "Hello"}
    for channel, thread, error in (
        (GENERAL, ts, "channel_not_supported"),
        (dm, "1.1", "thread_not_found"),
    ):
        asked = name(channel_id=channel, thread_ts=thread, title="x")
        assert (await refusal(asked))["error"] == error


async def test_sessions_are_for_agents_and_reactions_go(
    simulator: Simulator, slack: AsyncWebClient
):
    ts = await simulator.post_message(MINA, GENERAL, "hello")
    asked = slack.agents_sessions_setStatus(
        channel_id=GENERAL, thread_ts=ts, status="processing"
    )
    assert (await refusal(asked))["error"] == "not_allowed"
    await slack.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    await slack.reactions_remove(channel=GENERAL, timestamp=ts, name="eyes")
    assert simulator.messages(GENERAL)[-1]["reactions"] == []
    again = slack.reactions_remove(channel=GENERAL, timestamp=ts, name="eyes")
    assert (await refusal(again))["error"] == "no_reaction"
