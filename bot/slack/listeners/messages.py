"""A direct message or a mention becomes a message of its conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.conversations.inbox import Incoming, receive
from bot.slack.deps import Deps
from bot.slack.identity import Identity
from bot.slack.listeners.translating import Body


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to both events of one post; the inbox knows that they are one message."""

    async def handle_message(body: Body) -> None:
        incoming = incoming_from(body, deps.identity())
        if incoming is not None:
            rate = deps.rates.get("messages")
            await receive(deps.listener_pool, deps.jobs, incoming, rate)

    app.event("app_mention")(handle_message)
    app.event("message")(handle_message)


def incoming_from(body: Body, us: Identity) -> Incoming | None:
    """Translate an event, or None if it is no message of a person to the agent.

    Edits, joins and other subtypes, bots (this one among them) and posts in a channel
    that do not mention the bot are none.
    https://docs.slack.dev/reference/events/message
    """
    event: Mapping[str, Any] = body.get("event") or {}
    if not _is_from_a_person(event) or not _is_to_us(event, us):
        return None
    if body.get("api_app_id") not in (None, us.app):
        return None
    enterprise, team = _installed(body, us)
    return Incoming(
        enterprise=enterprise,
        team=team,
        channel=str(event["channel"]),
        ts=str(event["ts"]),
        thread_ts=str(event.get("thread_ts") or event["ts"]),
        event_id=str(body.get("event_id") or f"{event['channel']}:{event['ts']}"),
        user=str(event["user"]),
        text=text_of(str(event.get("text") or ""), us.user),
    )


def _installed(body: Body, us: Identity) -> tuple[str, str]:
    """Return the organisation and the workspace in which the event reached the app.

    In a shared channel the outer `team_id` may be the other company's; then
    `authorizations` names ours. Whose the author is says `users.info`.
    https://docs.slack.dev/apis/events-api#callback-field
    """
    granted: Sequence[Mapping[str, Any]] = body.get("authorizations") or ()
    outer = str(body.get("team_id") or us.team)
    if outer != us.team and any(each.get("team_id") == us.team for each in granted):
        return us.enterprise, us.team
    return str(body.get("enterprise_id") or ""), outer


def _is_from_a_person(event: Mapping[str, Any]) -> bool:
    allowed = (None, "file_share", "thread_broadcast")
    return (
        event.get("subtype") in allowed
        and not event.get("bot_id")
        and all(isinstance(event.get(key), str) for key in ("user", "channel", "ts"))
    )


def _is_to_us(event: Mapping[str, Any], us: Identity) -> bool:
    if event["user"] == us.user:
        return False
    mentioned = _mention(us.user).search(str(event.get("text") or "")) is not None
    direct = event.get("channel_type") == "im"
    return event.get("type") == "app_mention" or direct or mentioned


def _mention(user: str) -> re.Pattern[str]:
    """`<@U…>` or `<@U…|name>`, of this user and of none whose id only starts alike."""
    return re.compile(rf"<@{re.escape(user)}(?:\|[^>]*)?>")


def text_of(text: str, bot_user: str) -> str:
    """The words without the mention of the bot, with Slack's escapes undone.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    words = _mention(bot_user).sub(" ", text)
    words = re.sub(r"<(https?://|mailto:)([^>|]*)(?:\|([^>]*))?>", _link, words)
    for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        words = words.replace(escaped, plain)
    return words.strip()


def _link(match: re.Match[str]) -> str:
    """Slack links what looks like an address; people mean the words they wrote."""
    return match[3] or (match[2] if match[1] == "mailto:" else match[1] + match[2])
