"""The HTTP door: who is not Slack stays outside, and nothing breaks it."""

from __future__ import annotations

import time

import pytest

from tests.support.demo import BOT, GENERAL, RAVI
from tests.support.door import CHALLENGE, FORM, JSON, knock, say, signed, signed_with
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {"transport": "http"}


def without(name: bytes) -> dict[bytes, bytes]:
    return {key: value for key, value in signed(CHALLENGE).items() if key != name}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"Content-Type": JSON},
        without(b"X-Slack-Signature"),
        without(b"X-Slack-Request-Timestamp"),
        signed(CHALLENGE) | {b"X-Slack-Signature": b"v0=" + b"0" * 64},
        signed(CHALLENGE) | {b"X-Slack-Signature": b"v1=abc"},
        signed(CHALLENGE) | {b"X-Slack-Signature": b""},
        signed(CHALLENGE) | {b"X-Slack-Signature": b"v0=\xff\xfe"},
        signed(CHALLENGE) | {b"X-Slack-Signature": "v0=å".encode()},
        signed(b"another body"),
        signed(CHALLENGE, at=time.time() - 3600),
        signed(CHALLENGE, at=time.time() + 36_000),
        signed(CHALLENGE, at=0),
        signed_with(b"soon", CHALLENGE),
        signed_with(b"", CHALLENGE),
        signed_with(b"-1", CHALLENGE),
        signed_with(b"1e9", CHALLENGE),
        signed_with(b"%d.5" % time.time(), CHALLENGE),
        signed_with(b"9" * 400, CHALLENGE),
        signed_with("٣".encode(), CHALLENGE),
        signed_with(b"\xff", CHALLENGE),
    ],
)
async def test_what_slack_did_not_sign_gets_401(
    shared: Stage, headers: dict[bytes, bytes]
):
    status, _ = await knock(shared.port, CHALLENGE, headers)

    assert status == 401


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", JSON),
        (b"", FORM),
        (b"{", JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b'"text"', JSON),
        (b"\xff\xfe", JSON),
        (b'{"type": "\xff"}', JSON),
        (b"[" * 100_000, JSON),
        (b"payload=", FORM),
        (b"payload=nothing", FORM),
        (b"payload=[]", FORM),
        (b"payload=%FF", FORM),
        (b"\x00\x01", b"application/octet-stream"),
        (CHALLENGE, b"text/plain"),
        (CHALLENGE, b"application/x-www-form-urlencoded"),
        (b"--x", b"multipart/form-data; boundary=x"),
        (CHALLENGE, b""),
    ],
)
async def test_a_body_that_cannot_be_read_gets_400(
    shared: Stage, body: bytes, content_type: bytes
):
    status, _ = await knock(shared.port, body, signed(body, content_type))

    assert status == 400


async def test_a_body_that_is_too_large_gets_413(shared: Stage):
    body = b'{"type": "' + b"x" * 1_000_001 + b'"}'

    status, _ = await knock(shared.port, body, signed(body))
    announced, _ = await knock(shared.port, b"{}", signed(b"{}"), length=10**12)

    assert status == 413
    assert announced == 413


async def test_other_methods_get_405(shared: Stage):
    for method in (b"GET", b"PUT", b"DELETE"):
        status, _ = await knock(shared.port, method=method)
        assert status == 405


async def test_slacks_own_check_of_the_address_is_answered(shared: Stage):
    status, text = await knock(shared.port, CHALLENGE, signed(CHALLENGE))

    assert status == 200
    assert "abc" in text


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"type": "event_callback"},
        {"type": "event_callback", "event": None},
        {"type": "event_callback", "event": "message"},
        {"type": "event_callback", "event": []},
        {"type": "event_callback", "event": {"type": 7}},
        {"type": "event_callback", "event": {"type": ["message"]}},
        {"type": 7, "event": {"type": "message"}},
        {"type": "event_callback", "event": {"type": "message", "user": {}}},
        {"type": "event_callback", "event": {"type": "app_mention", "text": 7}},
        {"type": "event_callback", "event": {"type": "something_new"}},
        {"type": "url_verification"},
        {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1},
        {"team_id": 7, "api_app_id": [], "type": "event_callback", "event": {}},
        {"authorizations": 7, "type": "event_callback", "event": {"type": "message"}},
        {"authorizations": [7], "type": "event_callback", "event": {"type": "x"}},
        {"enterprise_id": {}, "event": {"type": "message", "channel": 7}},
        {"command": 7, "text": {}},
    ],
)
async def test_an_odd_signed_event_causes_no_server_error(
    shared: Stage, payload: object
):
    status, _ = await say(shared.port, payload)

    assert 200 <= status < 500


@pytest.mark.parametrize(
    "field",
    [
        {"ts": 7},
        {"ts": None},
        {"ts": "never"},
        {"channel": None},
        {"channel": {"id": GENERAL}},
        {"user": None},
        {"user": [RAVI]},
        {"thread_ts": 7},
        {"text": None},
        {"text": {"a": 1}},
        {"subtype": ["x"]},
        {"subtype": {"x": 1}},
        {"bot_id": 7},
        {"text": f"<@{BOT}> \x00 \ud800 list"},
        {"user": "U\x00", "text": f"<@{BOT}> list"},
        {"channel": "C\x00", "text": f"<@{BOT}> list"},
        {"ts": "1.\x00", "text": f"<@{BOT}> list"},
        {"blocks": 7, "files": 7, "attachments": "x", "edited": 7},
    ],
)
async def test_an_odd_field_in_a_mention_causes_no_server_error(
    shared: Stage, field: dict[str, object]
):
    event = {
        "type": "app_mention",
        "user": RAVI,
        "channel": GENERAL,
        "ts": shared.simulator.workspace.next_ts(),
        "text": f"<@{BOT}> list",
    }
    workspace = shared.simulator.workspace
    wrapping = {
        "type": "event_callback",
        "team_id": workspace.team_id,
        "api_app_id": workspace.app_id,
        "event_id": f"Ev0{workspace.next_ts()}",
    }

    status, _ = await say(shared.port, {**wrapping, "event": {**event, **field}})

    assert 200 <= status < 500


async def test_after_all_that_the_bot_still_answers(shared: Stage):
    shared.put("still.txt")

    ts = await shared.ask("read still.txt")

    await shared.answer(GENERAL, ts)
    assert "Traceback" not in shared.bot.log
    assert (await shared.bot.get("/readyz"))[0] == 200
