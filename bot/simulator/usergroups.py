"""User groups of the simulated workspace, as Slack's usergroup objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.simulator.shapes import Json


@dataclass
class UserGroup:
    """A user group; `disabled` is when it was switched off, 0 while it is on."""

    id: str
    handle: str
    name: str = ""
    users: list[str] = field(default_factory=list[str])
    description: str = ""
    created: int = 1700000000
    updated: int = 1700000000
    disabled: int = 0
    creator: str = ""

    def as_slack(self, team_id: str) -> Json:
        """Return the object that usergroups.list answers with, without its users."""
        return {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name or self.handle,
            "description": self.description,
            "handle": self.handle,
            "is_external": False,
            "date_create": self.created,
            "date_update": self.updated,
            "date_delete": self.disabled,
            "auto_provision": False,
            "enterprise_subteam_id": "",
            "created_by": self.creator,
            "updated_by": self.creator,
            "prefs": {"channels": list[str](), "groups": list[str]()},
            "channel_count": 0,
        }

    def replace_users(self, users: Iterable[str], team_id: str, now: str) -> Json:
        """Put other people in, and return the event `subteam_members_changed`."""
        before, after = self.users, list(dict.fromkeys(users))
        added = [each for each in after if each not in before]
        removed = [each for each in before if each not in after]
        previous, self.updated = self.updated, int(float(now))
        self.users = after
        return {
            "type": "subteam_members_changed",
            "subteam_id": self.id,
            "team_id": team_id,
            "date_previous_update": previous,
            "date_update": self.updated,
            "added_users": added,
            "added_users_count": len(added),
            "removed_users": removed,
            "removed_users_count": len(removed),
            "event_ts": now,
        }


@dataclass(frozen=True)
class ProfileField:
    """A field that the workspace adds to profiles; type `user` holds user ids."""

    id: str
    label: str
    type: str = "text"
    hint: str = ""

    def as_slack(self, ordering: int) -> Json:
        """Return the object that team.profile.get answers with."""
        return {
            "id": self.id,
            "ordering": ordering,
            "field_name": self.label.lower().replace(" ", "_"),
            "label": self.label,
            "hint": self.hint,
            "type": self.type,
            "is_hidden": False,
            "possible_values": list[str](),
        }
