"""Event and interaction payloads in Slack's shape (samples: events, app-backend)."""

from __future__ import annotations

import secrets
from typing import Any

from bot.simulator.channels import Channel
from bot.simulator.messages import Message, in_slack
from bot.simulator.people import User
from bot.simulator.shapes import Json, as_list, copied
from bot.simulator.workspace import Workspace

# Deprecated by Slack and still sent; nobody should trust it.
VERIFICATION_TOKEN = "simulated-verification-token"


def new_event_id() -> str:
    """Return a fresh event_id."""
    return "Ev0" + secrets.token_hex(5).upper()


def event_callback(workspace: Workspace, event: Json, event_id: str) -> Json:
    """Wrap an event as the Events API does."""
    channel = workspace.channels.get(str(event.get("channel", "")))
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": workspace.enterprise_id,
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
    return {
        **copied(message.data),
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
            "team_id": user.team_id,
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
        "channel": {"id": channel.id, "name": _payload_name(channel)},
        "state": {"values": dict[str, object]()},
        "response_url": response_url,
        "actions": [action],
    }
    return payload if is_ephemeral else payload | {"message": copied(data)}


def _payload_name(channel: Channel) -> str:
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name


def action(element: Json, block_id: str, action_ts: str, value: object) -> Json:
    """Return the entry of `actions` for an element that was acted on.

    `value` stands for the button's own value or names the chosen option.
    """
    entry: dict[str, Any] = {
        "action_id": element["action_id"],
        "block_id": block_id,
        "type": element["type"],
        "action_ts": action_ts,
    }
    for name in ("text", "style", "value", "url", "placeholder", "confirm"):
        if name in element:
            entry[name] = element[name]
    if element["type"] == "button":
        return entry if value is None else entry | {"value": value}
    return entry | chosen(element, value)


def chosen(element: Json, value: object) -> Json:
    """Return the value fields of an input element, as state and actions have them."""
    kind = str(element["type"])
    if kind in ("overflow", "static_select", "radio_buttons"):
        return {"selected_option": _option(element, value)}
    if kind in ("checkboxes", "multi_static_select"):
        values = as_list(value) or []
        return {"selected_options": [_option(element, each) for each in values]}
    if kind.endswith("picker"):
        return {f"selected_{_PICKED[kind]}": value}
    if kind.endswith("_select"):
        return {f"selected_{kind.removesuffix('s_select')}": value}
    return {"value": value or None}


_PICKED = {"datepicker": "date", "timepicker": "time", "datetimepicker": "date_time"}


def _option(element: Json, value: object) -> Json | None:
    groups = [element, *element.get("option_groups", [])]
    options = [option for group in groups for option in group.get("options", [])]
    return next((option for option in options if option["value"] == value), None)


def view_payload(
    workspace: Workspace, user: User, kind: str, view: Json, **more: object
) -> Json:
    """Return the payload of a view_submission or view_closed."""
    payload = _interaction(workspace, user, kind) | {"view": copied(view)}
    return payload | more
