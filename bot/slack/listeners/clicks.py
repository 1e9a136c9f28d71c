"""A click on Approve or Reject becomes a choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals.judge import Choice, Place
from bot.approvals.model import Verdict
from bot.slack.cards.view import APPROVE, REJECT
from bot.slack.delivery import EVENT_TYPE
from bot.slack.listeners.parts import Body, Parts, person_of

VERDICTS = {APPROVE: Verdict.APPROVE, REJECT: Verdict.REJECT}


def register(app: AsyncApp, parts: Parts) -> None:
    """Listen to the buttons; a click is written down before it is acknowledged."""

    async def handle_click(ack: AsyncAck, body: Body) -> None:
        await parts.decider.decide(choice_from(body))
        await ack()

    for action in VERDICTS:
        app.action(action)(handle_click)


def choice_from(body: Body) -> Choice:
    """Translate a `block_actions` payload."""
    action: Mapping[str, Any] = body["actions"][0]
    return Choice(
        request=str(action.get("value") or ""),
        person=person_of(body),
        verdict=VERDICTS[action["action_id"]],
        via="slack",
        place=place_of(body),
        click=str(action.get("action_ts") or ""),
    )


def place_of(body: Body) -> Place:
    """Which app, channel and message the payload names."""
    container: Mapping[str, Any] = body.get("container") or {}
    channel: Mapping[str, Any] = body.get("channel") or {}
    message: Mapping[str, Any] = body.get("message") or {}
    return Place(
        app=str(body.get("api_app_id") or ""),
        channel=str(container.get("channel_id") or channel.get("id") or ""),
        message=str(container.get("message_ts") or message.get("ts") or ""),
        card=_card_of(message),
        thread=str(container.get("thread_ts") or ""),
    )


def _card_of(message: Mapping[str, Any]) -> str:
    metadata: Mapping[str, Any] = message.get("metadata") or {}
    payload: Mapping[str, Any] = metadata.get("event_payload") or {}
    return str(payload.get("delivery") or "") if _is_ours(metadata) else ""


def _is_ours(metadata: Mapping[str, Any]) -> bool:
    return metadata.get("event_type") == EVENT_TYPE
