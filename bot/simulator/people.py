"""People and bots of the simulated workspace, as Slack's user objects."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.simulator.shapes import Json

_LEVELS = ("is_admin", "is_owner", "is_restricted", "is_ultra_restricted")


@dataclass
class User:
    """A user object; its flags may be changed while the simulator runs.

    `role` is what the page shows, Slack knows nothing of it. `fields` are the values
    of the workspace's own profile fields by their ids (`Xf…`). `extra` is merged into
    the user object last, for what has no attribute here.
    """

    id: str
    name: str
    real_name: str = ""
    role: str = "member"
    team_id: str = ""
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

    @property
    def shown_name(self) -> str:
        """The name that people read."""
        return self.real_name or self.name

    def as_slack(self) -> Json:
        """Return the object that users.info answers with.

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
        return user | self.extra

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
