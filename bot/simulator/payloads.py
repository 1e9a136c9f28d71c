"""Event and interaction payloads in Slack's shape (samples: events, app-backend)."""

from __future__ import annotations

import secrets

from bot.simulator.message import Message, in_slack
from bot.simulator.people import Channel, User
from bot.simulator.shapes import Json, copied
from bot.simulator.workspace import Workspace

# Deprecated by Slack and still sent; nobody should trust it.
VERIFICATION_TOKEN = "simulated-verification-token"


def new_event_id() -> str:
    """Return a fresh event_id."""
    return "Ev0" + secrets.token_hex(5).upper()


def event_callback(workspace: Workspace, event: Json, event_id: str) -> Json:
    """Wrap an event as the Events API does.

    In a channel that another company shares the outer team is that company's; the
    workspace in which the app is installed stands in `authorizations`.
    """
    channel = workspace.channels.get(str(event.get("channel", "")))
    owner = channel.owner_team_id if channel else ""
    enterprise = None if owner else workspace.enterprise_id
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": owner or workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": workspace.enterprise_id,
        **({"enterprise_id": enterprise} if enterprise else {}),
        "api_app_id": workspace.app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": int(workspace.clock()),
        "authorizations": [
            {
                "enterprise_id": workspace.enterprise_id,
                "team_id": workspace.team_id,
                "user_id": workspace.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
        "event_context": f"4-{secrets.token_hex(20)}",
    }


def message_event(message: Message, channel: Channel) -> Json:
    """Return the `message` event of a posted message."""
    data = copied(message.data)
    if "files" in data:
        data.setdefault("subtype", "file_share")
    if data.get("subtype") == "thread_broadcast":
        data.pop("parent_user_id", None)
    return {
        **data,
        "channel": channel.id,
        "event_ts": message.ts,
        "channel_type": channel.channel_type,
    }


def app_mention_event(message: Message) -> Json:
    """Return the `app_mention` event of a posted message."""
    event = {**copied(message.data), "type": "app_mention"}
    event.pop("parent_user_id", None)
    return {**event, "channel": message.channel, "event_ts": message.ts}


def change_event(
    kind: str, channel: Channel, ts: str, message: Json | None, previous: Json
) -> Json:
    """Return the `message_changed` or `message_deleted` event of an edit."""
    event: Json = {
        "type": "message",
        "subtype": f"message_{kind}",
        "hidden": True,
        "channel": channel.id,
        "channel_type": channel.channel_type,
        "ts": ts,
        "event_ts": ts,
        "previous_message": previous,
    }
    if message is None:
        return event | {"deleted_ts": previous["ts"]}
    return event | {"message": message}


def session_stopped(user_id: str, channel_id: str, thread_ts: str, ts: str) -> Json:
    """Return the event of Slack's own stop button.

    https://docs.slack.dev/reference/events/agent_session_stopped
    """
    return {
        "type": "agent_session_stopped",
        "channel": channel_id,
        "thread_ts": thread_ts,
        "user": user_id,
        "streaming_message_ts": [],
        "event_ts": ts,
    }


def _interaction(workspace: Workspace, user: User, kind: str) -> Json:
    team: Json = {"id": workspace.team_id, "domain": workspace.team_domain}
    if workspace.enterprise_id:
        team["enterprise_id"] = workspace.enterprise_id
    enterprise = {"id": workspace.enterprise_id, "name": workspace.team_name}
    return {
        "type": kind,
        "user": {
            "id": user.id,
            "username": user.name,
            "name": user.name,
            "team_id": workspace.team_of(user),
        },
        "api_app_id": workspace.app_id,
        "token": VERIFICATION_TOKEN,
        "team": team,
        "enterprise": enterprise if workspace.enterprise_id else None,
        "is_enterprise_install": False,
    }


def block_actions(
    workspace: Workspace,
    user: User,
    channel: Channel,
    message: Message,
    action: Json,
    *,
    state: Json,
    trigger_id: str,
    response_url: str,
) -> Json:
    """Return the payload of a click on a message.

    A private message is named in the container only, as in Slack.
    """
    data = in_slack(message)
    is_ephemeral = data.pop("to", None) is not None
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": is_ephemeral,
    }
    if "thread_ts" in data:
        container["thread_ts"] = data["thread_ts"]
    payload: Json = {
        **_interaction(workspace, user, "block_actions"),
        "container": container,
        "trigger_id": trigger_id,
        "channel": {"id": channel.id, "name": payload_name(channel)},
        "state": {"values": state},
        "response_url": response_url,
        "actions": [action],
    }
    return payload if is_ephemeral else payload | {"message": copied(data)}


def view_actions(
    workspace: Workspace, user: User, view: Json, action: Json, trigger_id: str
) -> Json:
    """Return the payload of a click inside a modal or the App Home.

    It names no channel and has no response_url.
    """
    return {
        **_interaction(workspace, user, "block_actions"),
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": trigger_id,
        "view": copied(view),
        "actions": [action],
    }


def block_suggestion(
    workspace: Workspace, user: User, element: Json, block_id: str, text: str
) -> Json:
    """Return the payload that asks for the options of an external menu."""
    return {
        **_interaction(workspace, user, "block_suggestion"),
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": text,
    }


def slash_command(
    workspace: Workspace,
    user: User,
    channel: Channel,
    *,
    command: str,
    text: str,
    trigger_id: str,
    response_url: str,
) -> Json:
    """Return the fields of a slash command, all of them text as in a form."""
    payload: Json = {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "team_domain": workspace.team_domain,
        "channel_id": channel.id,
        "channel_name": payload_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": command,
        "text": text,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }
    if workspace.enterprise_id:
        payload["enterprise_id"] = workspace.enterprise_id
        payload["enterprise_name"] = workspace.team_name
    return payload


def app_home_opened(
    user_id: str, dm: str, tab: str, ts: str, home: Json | None
) -> Json:
    """Return the event of a person who opens the app's Home or Messages tab."""
    event: Json = {
        "type": "app_home_opened",
        "user": user_id,
        "channel": dm,
        "tab": tab,
        "event_ts": ts,
    }
    return event | ({"view": copied(home)} if home and tab == "home" else {})


def payload_name(channel: Channel) -> str:
    """Return the name that interaction payloads give a channel."""
    if channel.is_im:
        return "directmessage"
    if channel.is_mpim:
        return channel.name
    return "privategroup" if channel.is_private else channel.name


def view_payload(
    workspace: Workspace, user: User, kind: str, view: Json, **more: object
) -> Json:
    """Return the payload of a view_submission or view_closed.

    It comes from the person's own workspace; the view says where the app is installed.
    """
    payload = _interaction(workspace, user, kind) | {"view": copied(view)}
    payload["team"]["id"] = user.team_id
    return payload | more
