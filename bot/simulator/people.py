"""The people, channels and user groups of the workspace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.simulator.shapes import Json

_LEVELS = ("is_admin", "is_owner", "is_restricted", "is_ultra_restricted")


@dataclass
class User:
    """A user object; its flags may be changed while the simulator runs.

    `role` is what the page shows, Slack knows nothing of it. `team_id` is the workspace
    that Slack names as theirs, `teams` are those of the organisation that they are in.
    `fields` are the values of the workspace's own profile fields by their ids (`Xf…`).
    `extra` is merged into the user object last, for what has no attribute here, and the
    fields named in `lacks` are left out of it.
    """

    id: str
    name: str
    real_name: str = ""
    role: str = "member"
    team_id: str = ""
    teams: tuple[str, ...] = ()
    deleted: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    is_bot: bool = False
    bot_id: str = ""
    tz: str = "Etc/UTC"
    email: str = ""
    fields: dict[str, str] = field(default_factory=dict[str, str])
    extra: Json = field(default_factory=dict[str, object])
    lacks: tuple[str, ...] = ()

    @property
    def shown_name(self) -> str:
        """The name that people read."""
        return self.real_name or self.name

    def as_slack(self, enterprise_id: str | None = None) -> Json:
        """Return the object that users.info answers with, in an organisation if any.

        As in Slack a deactivated user has no level flags at all
        (samples: api/users.info.json).
        """
        user: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "profile": self.profile(),
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": 1700000000,
        }
        if not self.deleted:
            user |= self._of_active_users()
        if self.is_stranger:
            user["is_stranger"] = True
        if enterprise_id and self.teams:
            user["enterprise_user"] = self._in_organisation(enterprise_id)
        said = user | self.extra
        return {name: value for name, value in said.items() if name not in self.lacks}

    def _in_organisation(self, enterprise_id: str) -> Json:
        return {
            "id": self.id,
            "enterprise_id": enterprise_id,
            "enterprise_name": enterprise_id,
            "is_admin": False,
            "is_owner": False,
            "teams": list(self.teams),
        }

    def _of_active_users(self) -> Json:
        levels = {level: getattr(self, level) for level in _LEVELS}
        return {
            "color": "4bbe2e",
            "real_name": self.shown_name,
            "tz": self.tz,
            "tz_label": self.tz,
            "tz_offset": 0,
            "is_primary_owner": False,
            "is_email_confirmed": not self.is_bot,
            "who_can_share_contact_card": "EVERYONE",
        } | levels

    def profile(self) -> Json:
        """Return the profile, without the workspace's own fields."""
        first, _, last = self.shown_name.partition(" ")
        profile: Json = {
            "title": "",
            "phone": "",
            "skype": "",
            "real_name": self.shown_name,
            "real_name_normalized": self.shown_name,
            "display_name": self.shown_name,
            "display_name_normalized": self.shown_name,
            "status_text": "",
            "status_emoji": "",
            "status_expiration": 0,
            "avatar_hash": "g0",
            "first_name": first,
            "last_name": last,
            "team": self.team_id,
        }
        if self.bot_id:
            profile["bot_id"] = self.bot_id
        if self.email:
            profile["email"] = self.email
        return profile


@dataclass
class Channel:
    """A conversation object; `user` is the other person of a direct message.

    A group message has `is_mpim` and `is_private`. `owner_team_id` is another company's
    workspace that shares the channel with this one. `refuses_posts` and `refuses_edits`
    are Slack's words to people who write or edit there, "" where everybody may.
    """

    id: str
    name: str = ""
    members: list[str] = field(default_factory=list[str])
    is_private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    is_archived: bool = False
    is_ext_shared: bool = False
    owner_team_id: str = ""
    user: str = ""
    created: int = 1700000000
    refuses_posts: str = ""
    refuses_edits: str = ""

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
            "shared_team_ids": [*filter(None, [self.owner_team_id]), team_id],
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
            "is_ext_shared": self.is_ext_shared,
            "owner_team_id": self.owner_team_id,
            "user": self.user,
        }


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
