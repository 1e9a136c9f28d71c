"""Scopes: without the right one a method is refused, and an event not sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.simulator import AppConfig, Channel, SlashCommand
from bot.simulator.web_api.methods import METHODS
from tests.support.demo import BOT, GENERAL, MINA, RAVI
from tests.support.simulated import World, refusal, world

FREE = {
    *("auth.test", "blocks.validate", "chat.getPermalink"),
    *("views.open", "views.push", "views.update", "views.publish"),
    *("openid.connect.token", "openid.connect.userInfo"),  # no bot token either
}
PER_KIND = {
    "conversations.info": "read",
    "conversations.members": "read",
    "conversations.history": "history",
    "conversations.replies": "history",
}
KINDS = {"C0PUBLIC00": "channels", "C0PRIVATE0": "groups", "G0GROUP000": "mpim"}


def test_only_these_methods_need_no_scope():
    assert {name for name, each in METHODS.items() if not each.scopes} == FREE


OF_THE_BOT = [
    name for name, each in METHODS.items() if each.scopes and each.caller == "bot"
]


@pytest.mark.parametrize("name", sorted(OF_THE_BOT))
async def test_each_method_names_the_scope_that_is_missing(name: str):
    app = AppConfig(scopes=frozenset({"other"}))
    async with world(app=app, connected=False) as made:
        answer = await refusal(made.slack.api_call(name))
    assert answer["error"] == "missing_scope"
    assert answer["needed"] == ",".join(METHODS[name].scopes)
    assert answer["provided"] == "other"


def kinds_of_channels(made: World) -> dict[str, str]:
    """The id of a channel of each kind, by the scope's beginning."""
    workspace = made.simulator.workspace
    for channel_id in KINDS:
        members = [MINA, RAVI, BOT]
        workspace.add_channel(
            Channel(
                channel_id,
                channel_id.lower(),
                members,
                is_private=channel_id != "C0PUBLIC00",
                is_mpim=channel_id == "G0GROUP000",
            )
        )
    return {kind: channel for channel, kind in KINDS.items()} | {
        "im": made.simulator.dm(RAVI)
    }


@pytest.mark.parametrize("kind", ["channels", "groups", "im", "mpim"])
@pytest.mark.parametrize("name", PER_KIND)
async def test_conversations_want_the_scope_of_their_kind(name: str, kind: str):
    scope = f"{kind}:{PER_KIND[name]}"
    async with world(connected=False, scopes=frozenset({scope})) as made:
        channels = kinds_of_channels(made)
        posted = made.simulator.workspace.add_message(channels[kind], {"text": "x"})
        args = {"channel": channels.pop(kind), "ts": posted.ts}
        assert (await made.slack.api_call(name, params=args))["ok"]
        for other, channel in channels.items():
            args = {"channel": channel, "ts": posted.ts}
            answer = await refusal(made.slack.api_call(name, params=args))
            needed = f"{other}:{PER_KIND[name]}"
            assert (answer["error"], answer["needed"]) == ("missing_scope", needed)


async def test_lists_and_openings_want_the_scope_of_what_is_asked():
    scopes = frozenset({"channels:read", "im:write"})
    async with world(connected=False, scopes=scopes) as made:
        assert (await made.slack.conversations_list())["channels"]
        private = made.slack.conversations_list(types="private_channel")
        assert (await refusal(private))["needed"] == "groups:read"
        unknown = made.slack.conversations_list(types="secret")
        assert (await refusal(unknown))["error"] == "invalid_types"
        assert (await made.slack.conversations_open(users=RAVI))["ok"]
        group = made.slack.conversations_open(users=[RAVI, MINA])
        assert (await refusal(group))["needed"] == "mpim:write"


@pytest.mark.parametrize("may", [True, False])
async def test_posting_to_a_public_channel_without_joining_needs_a_scope(may: bool):
    scopes = frozenset({"chat:write", *(["chat:write.public"] if may else [])})
    async with world(connected=False, scopes=scopes) as made:
        workspace = made.simulator.workspace
        workspace.add_channel(Channel("C0ELSEWHER", "elsewhere", [MINA]))
        workspace.add_channel(Channel("C0HIDDEN00", "h", [MINA], is_private=True))
        hidden = made.slack.chat_postMessage(channel="C0HIDDEN00", text="x")
        assert (await refusal(hidden))["error"] == "channel_not_found"
        post = made.slack.chat_postMessage(channel="C0ELSEWHER", text="x")
        if may:
            assert (await post)["channel"] == "C0ELSEWHER"
        else:
            assert (await refusal(post))["error"] == "not_in_channel"


async def test_an_event_whose_scope_is_missing_is_not_sent():
    app = AppConfig(scopes=frozenset({"im:history"}))
    async with world(app=app) as made:
        await made.simulator.post_message(RAVI, GENERAL, f"<@{BOT}> hello")
        await made.simulator.post_message(RAVI, made.simulator.dm(RAVI), "hello")
        await made.simulator.settled()
        events = [each["event"] for each in made.socket.payloads]
    assert [event["channel_type"] for event in events] == ["im"]


def test_an_app_is_what_its_manifest_says(tmp_path: Path):
    manifest = tmp_path / "manifest.json"
    command = {"command": "/approvals", "description": "d", "should_escape": True}
    manifest.write_text(
        json.dumps(
            {
                "features": {
                    "app_home": {"home_tab_enabled": True},
                    "slash_commands": [command],
                },
                "oauth_config": {"scopes": {"bot": ["chat:write"]}},
                "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}},
            }
        )
    )
    app = AppConfig.read(manifest)
    assert app == AppConfig(
        subscriptions=frozenset({"app_mention"}),
        scopes=frozenset({"chat:write"}),
        commands=(SlashCommand("/approvals", "d", should_escape=True),),
        home_tab=True,
    )
    assert not app.hears("app_mention")  # app_mentions:read is missing
    for text, why in (("[]", "holds no app manifest"), ("{", "is not YAML")):
        manifest.write_text(text)
        with pytest.raises(ValueError, match=why):
            AppConfig.read(manifest)
