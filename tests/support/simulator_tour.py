"""A walk through all that the simulator can say, for whoever looks at its fields."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from bot.simulator import AppConfig, ProfileField, SlashCommand, UserGroup
from tests.support.demo import BOT, GENERAL, MAREK, MINA, OLAF, RAVI
from tests.support.simulated import (
    APP_TOKEN,
    METADATA,
    World,
    actions,
    button,
    modal,
    mrkdwn,
    plain,
    world,
)
from tests.support.simulated import field as input_block

APP = AppConfig(
    subscriptions=frozenset(
        {
            *("app_mention", "app_home_opened", "subteam_members_changed"),
            *("message.im", "message.channels", "channel_archive"),
            *("member_joined_channel", "member_left_channel"),
        }
    ),
    commands=(SlashCommand("/approvals"),),
    home_tab=True,
)
CARD = [
    {"type": "header", "text": plain("Delete a file?")},
    {"type": "section", "text": mrkdwn("*who*"), "fields": [mrkdwn("a")]},
    {"type": "context", "elements": [mrkdwn("until then")]},
    actions(button(value="r1", style="primary")),
]
FORM = modal(
    input_block({"type": "plain_text_input", "action_id": "why", "multiline": True}),
    actions(button(value="r1")),
    callback_id="reason",
    private_metadata="r1",
    notify_on_close=True,
)


@dataclass
class Tour:
    """Answers by method, events by type and subtype, interaction payloads by type."""

    answers: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    events: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    payloads: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    envelopes: list[Any] = field(default_factory=list)


async def tour() -> Tour:
    """Walk through everything once."""
    seen = Tour()
    async with world(app=APP) as made:
        _people(made)
        await _messages(made)
        await _questions(made)
        await _clicks(made)
        await _rest(made)
        await made.simulator.settled()
        for call in made.simulator.calls:
            seen.answers[call.method].append(call.answer)
        seen.envelopes = made.socket.heard
    for envelope in seen.envelopes:
        _sort(seen, envelope)
    return seen


def _sort(seen: Tour, envelope: dict[str, Any]) -> None:
    payload = envelope["payload"]
    if envelope["type"] == "events_api":
        event = payload["event"]
        name = event.get("subtype") or event["type"]
        if event["type"] == "message" and name == "message" and event.get("bot_id"):
            name = "message of the bot"
        seen.events[name].append(payload)
    else:
        name = payload.get("type", "slash_command")
        if name == "block_actions" and "view" in payload:
            name = "block_actions in a view"
        seen.payloads[name].append(payload)


def _people(made: World) -> None:
    workspace = made.simulator.workspace
    workspace.add_usergroup(UserGroup("S0FINANCE0", "finance", users=[MINA]))
    workspace.profile_fields = [ProfileField("Xf0MANAGER", "Manager", "user")]
    workspace.users[RAVI].fields = {"Xf0MANAGER": MINA}
    workspace.users[RAVI].email = "ravi@example.com"
    workspace.users[OLAF].deleted = True


async def _messages(made: World) -> None:
    simulator, slack = made.simulator, made.slack
    asked = await simulator.post_message(RAVI, GENERAL, f"<@{BOT}> hello <@{MINA}>")
    await simulator.post_message(RAVI, GENERAL, "and more", asked)
    await simulator.post_message(RAVI, simulator.dm(RAVI), "hello")
    posted = await slack.chat_postMessage(
        channel=GENERAL, text="a card", blocks=CARD, metadata=METADATA
    )
    await slack.chat_postMessage(channel=GENERAL, text="reply", thread_ts=asked)
    await slack.chat_postMessage(
        channel=GENERAL, text="to all", thread_ts=asked, reply_broadcast=True
    )
    await slack.chat_update(channel=GENERAL, ts=posted["ts"], text="done", blocks=CARD)
    gone = await slack.chat_postMessage(channel=GENERAL, text="gone")
    await slack.chat_delete(channel=GENERAL, ts=gone["ts"])
    await slack.chat_postEphemeral(channel=GENERAL, user=MINA, text="private")
    await slack.files_upload_v2(channel=GENERAL, filename="a.txt", content="x")
    await slack.chat_getPermalink(channel=GENERAL, message_ts=posted["ts"])
    await slack.reactions_add(channel=GENERAL, timestamp=posted["ts"], name="eyes")


async def _questions(made: World) -> None:
    slack = made.slack
    await slack.auth_test()
    await slack.bots_info()
    await slack.team_info()
    for user in (RAVI, OLAF, BOT):
        await slack.users_info(user=user)
    await slack.users_list()
    await slack.users_lookupByEmail(email="ravi@example.com")
    await slack.users_profile_get(user=RAVI, include_labels=True)
    await slack.team_profile_get()
    await slack.usergroups_list(include_users=True, include_count=True)
    await slack.usergroups_users_list(usergroup="S0FINANCE0")
    await slack.conversations_open(users=RAVI, return_im=True)
    await slack.conversations_open(users=[RAVI, MINA])
    await slack.conversations_list(types="public_channel,im,mpim", limit=2)
    await slack.conversations_info(channel=GENERAL, include_num_members=True)
    await slack.conversations_members(channel=GENERAL, limit=2)
    await slack.conversations_history(channel=GENERAL, include_all_metadata=True)
    first = made.simulator.messages(GENERAL)[0]["ts"]
    await slack.conversations_replies(channel=GENERAL, ts=first)
    dm = made.simulator.dm(RAVI)
    threads = slack.assistant_threads_setStatus
    await threads(channel_id=GENERAL, thread_ts=first, status="is thinking")
    thread = await made.simulator.post_message(RAVI, dm, "Hello.")
    await slack.assistant_threads_setTitle(channel_id=dm, thread_ts=thread, title="x")
    await slack.assistant_threads_setSuggestedPrompts(
        channel_id=dm, thread_ts="1.0", prompts=[{"title": "x", "message": "y"}]
    )
    await slack.apps_connections_open(app_token=APP_TOKEN)


async def _clicks(made: World) -> None:
    simulator, slack = made.simulator, made.slack
    posted = await slack.chat_postMessage(
        channel=GENERAL, text="a card", blocks=CARD, metadata=METADATA
    )
    click = await simulator.click(MINA, GENERAL, posted["ts"], "go")
    view = await slack.views_open(trigger_id=click.payload["trigger_id"], view=FORM)
    over = await slack.views_push(trigger_id=await made.trigger(), view=FORM)
    await simulator.close_view(MINA, over["view"]["id"])
    view_id = view["view"]["id"]
    await slack.views_update(view_id=view_id, view=FORM)
    await simulator.click_view(MINA, view_id, "go", values={"why": "be"})
    await simulator.submit_view(MINA, view_id, {"why": "because"})
    private = simulator.ephemerals(MINA)
    assert private
    made.socket.answers["slash_commands"] = {"text": "Your queue"}
    await simulator.run_command(MINA, GENERAL, "/approvals", "mine")


async def _rest(made: World) -> None:
    simulator = made.simulator
    home = {"type": "home", "blocks": CARD}
    await simulator.open_home(MINA)
    await made.slack.views_publish(user_id=MINA, view=home)
    await simulator.open_home(MINA)
    simulator.workspace.set_usergroup_users("S0FINANCE0", [MAREK])
    await simulator.leave_channel(OLAF, GENERAL)
    await simulator.join_channel(OLAF, GENERAL)
    simulator.workspace.archive(GENERAL, MINA)
