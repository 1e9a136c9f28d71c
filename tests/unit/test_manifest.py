"""manifest.yml asks for exactly what the code uses, and is within Slack's limits."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator.app_config import EVENT_SCOPES
from bot.simulator.web_api.methods import METHODS
from tests.support import slack_usage
from tests.support.check_manifest import at, complaints, load

MANIFEST = load()
# Bolt itself calls these: the token's own identity, and the socket's address.
OF_BOLT = {"auth.test", "apps.connections.open"}
# Where the bot goes: it is mentioned in public and private channels and in direct
# messages of several, and written to in others; the policy names channels, whose
# members may be approvers.
PLACES = {
    "conversations.history": ("channels", "groups", "im", "mpim"),
    "conversations.replies": ("channels", "groups", "im", "mpim"),
    "conversations.info": ("channels", "groups"),
    "conversations.members": ("channels", "groups"),
}
# Whose answers hold more with a scope more: to whom e-mails go.
FIELDS = {"users:read.email"}
OPTIONAL = [
    "assistant:write",
    "commands",
    "files:read",
    "mpim:history",
    "reactions:write",
]
# Replies in a thread that the agent takes part in need no mention.
EVENTS = {
    "message": {f"message.{place}" for place in ("channels", "groups", "im", "mpim")}
}


def methods() -> set[str]:
    """The Web API methods that the bot calls."""
    known = {name.replace(".", "_"): name for name in METHODS}
    used = slack_usage.client_methods()
    assert used <= known.keys(), "the simulator does not know these"
    return {known[name] for name in used} | OF_BOLT


def events() -> set[str]:
    """The events that the bot listens to, as the manifest names them."""
    heard = slack_usage.listeners("event")
    return {name for each in heard for name in EVENTS.get(each, {each})}


def scopes() -> set[str]:
    """The bot token's scopes that all of this needs, the first where one is enough."""
    needed = set(FIELDS)
    for name in methods():
        method = METHODS[name]
        if name in PLACES:
            rights = {scope.split(":")[0]: scope for scope in method.scopes}
            needed |= {rights[place] for place in PLACES[name]}
        elif method.caller == "bot":
            needed |= set(method.scopes[:1])
    for event in events():
        needed |= set(EVENT_SCOPES.get(event, ())[:1])
    return needed | ({"commands"} if slack_usage.listeners("command") else set())


#: Of an app that keeps `assistant_view`, which this manifest has not.
OF_THE_PANE = "assistant_thread_started"


def test_the_code_is_read_at_all():
    assert {"chat.postMessage", "chat.update", "users.info"} <= methods()
    assert {"app_mention", "message.im"} <= events()


def test_the_scopes_are_those_in_use():
    assert set(at(MANIFEST, "oauth_config.scopes.bot")) == scopes()
    assert at(MANIFEST, "oauth_config.scopes.user") is None
    assert at(MANIFEST, "oauth_config.scopes.bot_optional") == OPTIONAL


def test_the_events_are_those_listened_to():
    listed = at(MANIFEST, "settings.event_subscriptions.bot_events")
    assert set(listed) == events() - {OF_THE_PANE}


def test_commands_home_and_clicks_are_declared_as_they_are_served():
    declared = at(MANIFEST, "features.slash_commands") or []
    assert {each["command"] for each in declared} == slack_usage.listeners("command")
    publishes = "views.publish" in methods()
    assert at(MANIFEST, "features.app_home.home_tab_enabled") is publishes
    clicks = at(MANIFEST, "settings.interactivity.is_enabled")
    assert clicks is slack_usage.handles_clicks()


def test_it_stands_within_slacks_limits():
    assert list(complaints(MANIFEST)) == []


def changed(path: str, value: Any) -> dict[str, Any]:
    """The manifest with something else at a dotted path."""
    manifest = load()
    *names, last = path.split(".")
    inner = manifest
    for name in names:
        inner = inner.setdefault(name, {})
    inner[last] = value
    return manifest


COMMAND = {"command": "/ok", "description": "d"}


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("display_information.name", "x" * 36, "36 characters"),
        ("display_information.name", "", "0 characters"),
        ("display_information.description", "x" * 141, "141 characters"),
        ("display_information.long_description", "x" * 174, "174 characters"),
        ("display_information.background_color", "blue", "no colour"),
        ("features.bot_user.display_name", "x" * 81, "81 characters"),
        ("features.slash_commands", [{"command": "ok"}], "no /command"),
        ("features.slash_commands", [{"command": "/" + "x" * 32}], "no /command"),
        ("features.slash_commands", [{"command": "/ok"}], "says nothing"),
        ("features.slash_commands", [COMMAND] * 51, "51 entries"),
        ("settings.event_subscriptions.bot_events", ["app_mention"] * 2, "twice"),
        ("settings.socket_mode_enabled", False, "request_url: is missing"),
    ],
)
def test_what_is_over_a_limit_is_named(path: str, value: Any, complaint: str):
    found = list(complaints(changed(path, value)))
    assert any(path.split(".")[0] in each and complaint in each for each in found)


def test_two_kinds_of_agent_exclude_each_other():
    manifest = changed("features.agent_view", {"agent_description": "x"})
    manifest["features"]["assistant_view"] = {"assistant_description": "x"}
    assert any("exclude each other" in each for each in complaints(manifest))
