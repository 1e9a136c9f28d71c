"""The app's configuration in Slack: scopes, events, commands, Home tab."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from bot.simulator.shapes import Json, as_list, as_object, objects

DEFAULT_SUBSCRIPTIONS = ("app_mention", "message.im")
# One of these scopes is needed for an event to be sent; the others need none
# (docs: reference/events).
EVENT_SCOPES: dict[str, tuple[str, ...]] = {
    "app_mention": ("app_mentions:read",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "member_joined_channel": ("channels:read", "groups:read"),
    "member_left_channel": ("channels:read", "groups:read"),
    "channel_archive": ("channels:read",),
    "channel_unarchive": ("channels:read",),
    "subteam_members_changed": ("usergroups:read",),
    "subteam_updated": ("usergroups:read",),
    "user_change": ("users:read",),
    "team_join": ("users:read",),
}


@dataclass(frozen=True)
class SlashCommand:
    """A command as the manifest declares it."""

    command: str
    description: str = ""
    usage_hint: str = ""
    should_escape: bool = False


@dataclass(frozen=True)
class AppConfig:
    """An app's configuration; `scopes` None grants all but chat:write.public.

    (With that one a bot may post into public channels that it is not in.)
    """

    subscriptions: frozenset[str] = frozenset(DEFAULT_SUBSCRIPTIONS)
    scopes: frozenset[str] | None = None
    commands: tuple[SlashCommand, ...] = ()
    home_tab: bool = False
    is_agent: bool = False

    @classmethod
    def from_manifest(cls, manifest: Json) -> AppConfig:
        """Read an app manifest (docs: reference/app-manifest)."""
        scopes = _at(manifest, "oauth_config", "scopes", "bot")
        events = _at(manifest, "settings", "event_subscriptions", "bot_events")
        commands = _at(manifest, "features", "slash_commands")
        home = _at(manifest, "features", "app_home", "home_tab_enabled")
        return cls(
            subscriptions=frozenset(as_list(events) or []),
            scopes=frozenset(as_list(scopes) or []),
            commands=tuple(_command(each) for each in objects(commands)),
            home_tab=home is True,
            is_agent=_at(manifest, "features", "agent_view") is not None,
        )

    @classmethod
    def read(cls, path: Path) -> AppConfig:
        """Read a manifest file in YAML or JSON; raises ValueError if it is neither."""
        try:
            manifest = as_object(yaml.safe_load(path.read_text(encoding="utf-8")))
        except yaml.YAMLError as error:
            raise ValueError(f"{path} is not YAML: {error}") from error
        if manifest is None:
            raise ValueError(f"{path} holds no app manifest")
        return cls.from_manifest(manifest)

    def grants(self, *scopes: str) -> bool:
        """Tell whether the bot has one of the scopes."""
        return self.scopes is None or bool(self.scopes.intersection(scopes))

    def hears(self, event: str) -> bool:
        """Tell whether the bot subscribes to an event and may see it."""
        needed = EVENT_SCOPES.get(event)
        return event in self.subscriptions and (not needed or self.grants(*needed))

    def command(self, name: str) -> SlashCommand | None:
        """Return the command of that name, with its slash."""
        return next((each for each in self.commands if each.command == name), None)


def _command(declared: Json) -> SlashCommand:
    return SlashCommand(
        str(declared.get("command", "")),
        str(declared.get("description", "")),
        str(declared.get("usage_hint", "")),
        declared.get("should_escape") is True,
    )


def _at(value: object, *path: str) -> object:
    for name in path:
        value = (as_object(value) or {}).get(name)
    return value
