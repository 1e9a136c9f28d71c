"""What the page shows to a person."""

from __future__ import annotations

from bot.simulator.messages import Message, in_slack
from bot.simulator.shapes import Json, objects
from bot.simulator.workspace import Workspace

_SHOWN = 400  # messages of a channel; older ones stay in the workspace


def start(workspace: Workspace) -> Json:
    """Return what does not change: the team, the bot, and who one may act as."""
    users = workspace.users.values()
    return {
        "team": workspace.team_name,
        "bot": workspace.bot_user_id,
        "names": {user.id: user.shown_name for user in users},
        "groups": {each.id: each.handle for each in workspace.usergroups.values()},
        "people": [
            {
                "id": user.id,
                "name": user.shown_name,
                "handle": user.name,
                "role": user.role,
            }
            for user in users
            if not user.is_bot and not user.deleted
        ],
    }


def channels(workspace: Workspace, user_id: str) -> list[Json]:
    """Return the conversations that a person is in."""
    return [
        {
            "id": channel.id,
            "name": channel.name,
            "is_im": channel.is_im,
            "is_private": channel.is_private,
            "is_archived": channel.is_archived,
            "members": list(channel.members),
        }
        for channel in workspace.channels.values()
        if user_id in channel.members
    ]


def messages(workspace: Workspace, channel_id: str, user_id: str) -> Json:
    """Return a channel as one person sees it: also what only they see."""
    private = [
        each
        for each in workspace.ephemerals
        if each.channel == channel_id and each.data["to"] == user_id
    ]
    public = workspace.messages(channel_id)[-_SHOWN:]
    listed = sorted([*public, *private], key=lambda message: message.ts)
    statuses = {
        thread_ts: status
        for (channel, thread_ts), status in workspace.statuses.items()
        if channel == channel_id and status
    }
    return {
        "type": "channel",
        "channel": channel_id,
        "messages": [_shown(each) for each in listed],
        "statuses": statuses,
    }


def _shown(message: Message) -> Json:
    data = in_slack(message, metadata=False)
    data["is_private"] = data.pop("to", None) is not None
    data["is_card"] = _is_card(data)
    return data


def _is_card(data: Json) -> bool:
    """Tell whether the bot asks, or asked, for something with this message."""
    kinds = {block.get("type") for block in objects(data.get("blocks"))}
    public = not data["is_private"]
    return public and bool(data.get("bot_id")) and bool(kinds & {"header", "actions"})
