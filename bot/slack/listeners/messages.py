"""A direct message or a mention becomes a message of its conversation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from slack_bolt.async_app import AsyncApp

from bot.approvals.comments import reads_as_decision
from bot.approvals.model import Person
from bot.conversations.inbox import Change, Incoming, change, overhear, receive
from bot.conversations.stop_and_retry import asks_to_stop
from bot.slack.deps import Deps
from bot.slack.identity import Identity
from bot.slack.incoming_text import Reading, mention_of, read
from bot.slack.listeners.clicks import Body
from bot.texts.agent import not_read_for_agent


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to what people say, and to Slack's own stop.

    Both events of one post come here; the inbox knows that they are one message.
    """

    async def handle_message(body: Body) -> None:
        us, rate = deps.identity(), deps.rates.get("messages")
        pool, jobs = deps.listener_pool, deps.jobs
        if incoming := incoming_from(body, us, reads_files=deps.reads_files):
            if await receive(pool, jobs, incoming, rate):
                await _stop(deps, incoming)
        elif changed := change_in(body, us, reads_files=deps.reads_files):
            await change(pool, changed)
        elif await _is_followed(deps, body, us):
            return
        elif said := decision_in_thread(body, us):
            await overhear(pool, jobs, said, rate)

    async def handle_stopped(body: Body) -> None:
        event, person = body["event"], _who(body, deps.identity())
        place = str(event["channel"]), str(event["thread_ts"])
        await deps.stopper.stop_thread(person, place)

    app.event("app_mention")(handle_message)
    app.event("message")(handle_message)
    app.event("agent_session_stopped")(handle_stopped)


def _who(body: Body, us: Identity) -> Person:
    """Return the person whom an event is about; Slack has signed it."""
    enterprise, team = _installed(body, us)
    return Person(enterprise, team, str(body["event"]["user"]))


async def _is_followed(deps: Deps, body: Body, us: Identity) -> bool:
    """Take a reply in a thread that its author has asked the agent in."""
    said = follow_up(body, us, reads_files=deps.reads_files)
    rate, pool = deps.rates.get("messages"), deps.listener_pool
    if said is None or not await receive(pool, deps.jobs, said, rate):
        return False
    await _stop(deps, said)
    return True


async def _stop(deps: Deps, incoming: Incoming) -> None:
    """Stop the turn of a thread whose requester writes that one word in it."""
    if not asks_to_stop(incoming.text) or incoming.thread_ts == incoming.ts:
        return
    person = Person(incoming.enterprise, incoming.team, incoming.user)
    place = incoming.channel, incoming.thread_ts
    await deps.stopper.stop_thread(person, place, said=incoming.ts, quietly=True)


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


# A reply that begins with a mention is for the person mentioned.
_TO_ANOTHER = re.compile(r"\s*<(?:@|!subteam\^)")


def follow_up(
    body: Body, us: Identity, *, reads_files: bool = False
) -> Incoming | None:
    """Translate a reply that mentions nobody first, or None.

    It is one to the agent only if its author has asked in that thread before, which the
    inbox knows. Only where the app is granted such events.
    """
    event = _said_by_a_person(body, us)
    is_reply = event.get("thread_ts") not in (None, event.get("ts"))
    if not is_reply or _TO_ANOTHER.match(str(event.get("text") or "")):
        return None
    said = _incoming(body, event, us, reads_files=reads_files)
    return replace(said, is_follow_up=True)


def change_in(body: Body, us: Identity, *, reads_files: bool = False) -> Change | None:
    """Translate an edit or a deletion of a person's message, or None.

    Slack's own changes are none, such as the page that it shows below a link: nobody
    has said that.
    https://docs.slack.dev/reference/events/message/message_changed
    """
    event: Mapping[str, Any] = body.get("event") or {}
    kind = event.get("subtype")
    if body.get("api_app_id") not in (None, us.app) or kind not in _CHANGES:
        return None
    message = event.get(_CHANGES[kind])
    if not isinstance(message, dict) or not isinstance(event.get("channel"), str):
        return None
    found = cast("Mapping[str, Any]", message)
    if not _is_from_a_person({**found, "channel": event["channel"]}):
        return None
    is_gone = kind == "message_deleted"
    if not (is_gone or found.get("edited")):
        return None
    said = "" if is_gone else _text(read(found, us.user, reads_files=reads_files))
    _, team = _installed(body, us)
    author = str(found["user"])
    return Change(team, str(event["channel"]), str(found["ts"]), author, said, is_gone)


# Where an event of this subtype has the message as its author sees it, or saw it.
_CHANGES = {"message_changed": "message", "message_deleted": "previous_message"}


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
