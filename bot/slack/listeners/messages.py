"""A direct message or a mention becomes a message of its conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.approvals.comments import reads_as_decision
from bot.conversations.inbox import Incoming, overhear, receive
from bot.slack.deps import Deps
from bot.slack.identity import Identity
from bot.slack.listeners.translating import Body
from bot.slack.message_text import Reading, mention_of, read
from bot.texts.intake import not_read_for_agent


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to both events of one post; the inbox knows that they are one message."""

    async def handle_message(body: Body) -> None:
        us, rate = deps.identity(), deps.rates.get("messages")
        if incoming := incoming_from(body, us, reads_files=deps.reads_files):
            await receive(deps.listener_pool, deps.jobs, incoming, rate)
        elif said := decision_in_thread(body, us):
            await overhear(deps.listener_pool, deps.jobs, said, rate)

    app.event("app_mention")(handle_message)
    app.event("message")(handle_message)


def incoming_from(
    body: Body, us: Identity, *, reads_files: bool = False
) -> Incoming | None:
    """Translate an event, or None if it is no message of a person to the agent.

    Edits, joins and other subtypes, bots (this one among them) and posts in a channel
    that do not mention the bot are none.
    https://docs.slack.dev/reference/events/message
    """
    event = _said_by_a_person(body, us)
    if not event or not _is_to_us(event, us):
        return None
    return _incoming(body, event, us, reads_files=reads_files)


def decision_in_thread(body: Body, us: Identity) -> Incoming | None:
    """Translate a reply to others that reads like a decision, or None.

    Only where the app is granted such events, which its own manifest does not ask for.
    """
    event = _said_by_a_person(body, us)
    is_reply = event.get("thread_ts") not in (None, event.get("ts"))
    if not is_reply or not reads_as_decision(str(event.get("text") or "")):
        return None
    return _incoming(body, event, us)


def _said_by_a_person(body: Body, us: Identity) -> Mapping[str, Any]:
    """Return the event if a person said something to this app's workspace, else {}."""
    event: Mapping[str, Any] = body.get("event") or {}
    is_ours = body.get("api_app_id") in (None, us.app)
    if is_ours and _is_from_a_person(event) and event["user"] != us.user:
        return event
    return {}


def _incoming(
    body: Body, event: Mapping[str, Any], us: Identity, *, reads_files: bool = False
) -> Incoming:
    enterprise, team = _installed(body, us)
    found = read(event, us.user, reads_files=reads_files)
    return Incoming(
        enterprise=enterprise,
        team=team,
        channel=str(event["channel"]),
        ts=str(event["ts"]),
        thread_ts=str(event.get("thread_ts") or event["ts"]),
        event_id=str(body.get("event_id") or f"{event['channel']}:{event['ts']}"),
        user=str(event["user"]),
        text=_text(found),
        unread=tuple(found.unread),
    )


def _text(found: Reading) -> str:
    unread = [not_read_for_agent(found.unread)] if found.text and found.unread else []
    return "\n\n".join([found.text, *unread])


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
    mentioned = mention_of(us.user).search(str(event.get("text") or "")) is not None
    direct = event.get("channel_type") == "im"
    return event.get("type") == "app_mention" or direct or mentioned
