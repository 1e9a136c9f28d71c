"""Slack's requests to the bot: signed events and clicks, as fast as they come."""

from __future__ import annotations

import itertools
import json
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from tests.bench.workspace import APP, BOT_USER, SIGNING_SECRET, TEAM
from tests.support.demo import GENERAL

PATIENCE = 60  # seconds for one request; Slack's own 3 would hide how late an ack is
MESSAGE = ("ts", "text", "blocks", "metadata")  # what a click repeats of a message
_numbers = itertools.count(1)


def mention(user: str, ts: str, words: str, thread: str = "") -> dict[str, Any]:
    """A mention of the bot that starts a thread, or goes on with one.

    https://docs.slack.dev/reference/events/app_mention
    """
    event = {
        "type": "app_mention",
        "user": user,
        "text": f"<@{BOT_USER}> {words}",
        "ts": ts,
        "event_ts": ts,
        "channel": GENERAL,
        "team": TEAM,
        **({"thread_ts": thread} if thread else {}),
    }
    authorization = {
        "enterprise_id": None,
        "team_id": TEAM,
        "user_id": BOT_USER,
        "is_bot": True,
        "is_enterprise_install": False,
    }
    return {
        "token": "none",
        "team_id": TEAM,
        "api_app_id": APP,
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev0BENCH{next(_numbers):07}",
        "event_time": int(time.time()),
        "authorizations": [authorization],
        "is_ext_shared_channel": False,
        "event_context": "4-bench",
    }


def click(user: str, card: dict[str, Any], element: dict[str, Any]) -> dict[str, Any]:
    """A click on a button of a posted message.

    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    message = {
        "type": "message",
        "user": BOT_USER,
        "app_id": APP,
        "team": TEAM,
        **{name: card[name] for name in MESSAGE if name in card},
    }
    action = {**element, "action_ts": f"{time.time():.6f}"}
    return {
        "type": "block_actions",
        "user": {"id": user, "username": user, "name": user, "team_id": TEAM},
        "api_app_id": APP,
        "token": "none",
        "container": {
            "type": "message",
            "message_ts": card["ts"],
            "channel_id": card["channel"],
            "is_ephemeral": False,
        },
        "trigger_id": f"{next(_numbers)}.1.bench",
        "team": {"id": TEAM, "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": card["channel"], "name": "approvals"},
        "message": message,
        "state": {"values": {}},
        "response_url": "https://hooks.slack.com/actions/none",
        "actions": [action],
    }


class Door:
    """The bot's request URL, and the secret that signs what goes there."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/slack/events"
        self._signer = SignatureVerifier(SIGNING_SECRET)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=PATIENCE),
        )

    async def event(self, payload: dict[str, Any]) -> tuple[float, int]:
        """Send an event; when it was sent, and the status."""
        return await self._post(json.dumps(payload), "application/json")

    async def interaction(self, payload: dict[str, Any]) -> tuple[float, int]:
        """Send a click; when it was sent, and the status."""
        body = urlencode({"payload": json.dumps(payload)})
        return await self._post(body, "application/x-www-form-urlencoded")

    async def _post(self, body: str, content_type: str) -> tuple[float, int]:
        timestamp = str(int(time.time()))
        signature = self._signer.generate_signature(timestamp=timestamp, body=body)
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature or "",
        }
        sent = time.monotonic()
        async with self._session.post(
            self._url, data=body.encode(), headers=headers
        ) as answer:
            await answer.read()
            return sent, answer.status

    async def close(self) -> None:
        await self._session.close()
