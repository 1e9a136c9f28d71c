"""What a person posts, as Slack stores it."""

from __future__ import annotations

import uuid

from bot.simulator.messages import rich_text
from bot.simulator.shapes import Json
from bot.simulator.workspace import Workspace


def person_message(
    workspace: Workspace, user_id: str, channel_id: str, text: str
) -> Json:
    """Return a person's message; raises LookupError if they are not in the channel."""
    user = workspace.users.get(user_id)
    channel = workspace.channels.get(channel_id)
    if user is None:
        raise LookupError(f"there is no person {user_id}")
    if channel is None:
        raise LookupError(f"there is no channel {channel_id}")
    if user_id not in channel.members:
        raise LookupError(f"{user_id} is not in {channel_id} and cannot post there")
    if channel.is_archived:
        raise LookupError(f"{channel_id} is archived and nobody can post there")
    message: Json = {
        "type": "message",
        "user": user_id,
        "client_msg_id": str(uuid.uuid4()),
        "text": text,
        "team": user.team_id,
        "blocks": rich_text(text),
    }
    if user.team_id != workspace.team_id:  # somebody from a shared channel
        message |= {"user_team": user.team_id, "source_team": user.team_id}
    if user.is_bot:
        message |= {"bot_id": user.bot_id or "B0OTHER000", "subtype": "bot_message"}
    return message
