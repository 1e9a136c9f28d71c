"""Channels and direct messages of the simulated workspace."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.simulator.shapes import Json


@dataclass
class Channel:
    """A conversation object; `user` is the other person of a direct message.

    A group message has `is_mpim` and `is_private`.
    """

    id: str
    name: str = ""
    members: list[str] = field(default_factory=list[str])
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    user: str = ""
    created: int = 1700000000

    @property
    def channel_type(self) -> str:
        """The `channel_type` that message events carry."""
        if self.is_im:
            return "im"
        if self.is_mpim:
            return "mpim"
        return "group" if self.is_private else "channel"

    def as_slack(self, bot_user_id: str, team_id: str) -> Json:
        """Return the object that conversations.info answers with."""
        if self.is_im:
            return self._as_direct_message(team_id)
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.is_private,
            "is_group": self.is_private and not self.is_mpim,
            "is_im": False,
            "is_mpim": self.is_mpim,
            "is_private": self.is_private,
            "is_general": self.name == "general",
            "is_archived": self.is_archived,
            "is_shared": self.is_ext_shared,
            "is_ext_shared": self.is_ext_shared,
            "is_org_shared": False,
            "is_member": bot_user_id in self.members,
            "created": self.created,
            "creator": self.members[0] if self.members else "",
            "context_team_id": team_id,
            "shared_team_ids": [team_id],
            "topic": {"value": "", "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }

    def _as_direct_message(self, team_id: str) -> Json:
        return {
            "id": self.id,
            "created": self.created,
            "is_im": True,
            "is_archived": self.is_archived,
            "is_org_shared": False,
            "user": self.user,
            "is_user_deleted": False,
            "context_team_id": team_id,
            "priority": 0,
        }

    def member_event(self, kind: str, user_id: str, team_id: str, now: str) -> Json:
        """Return `member_joined_channel` or `member_left_channel`."""
        return {
            "type": kind,
            "user": user_id,
            "channel": self.id,
            "channel_type": "G" if self.is_private else "C",
            "team": team_id,
            "event_ts": now,
        }

    def as_saved(self) -> Json:
        """Return the part that is written to the state file."""
        return {
            "id": self.id,
            "name": self.name,
            "members": list(self.members),
            "is_private": self.is_private,
            "is_im": self.is_im,
            "is_mpim": self.is_mpim,
            "is_archived": self.is_archived,
            "user": self.user,
        }
