"""The simulator's Web API, asked by Slack's own client."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.simulator import Channel, Simulator, User, demo_workspace
from tests.support.demo import GENERAL, MINA, RAVI
from tests.support.simulated import CARD, METADATA, refusal, world


async def test_the_bot_learns_who_it_is(slack: AsyncWebClient):
    me = await slack.auth_test()
    bot = await slack.bots_info(bot=me["bot_id"])
    assert (me["team_id"], me["user_id"]) == ("T0SIMULATE", "U0APPROVER")
    assert bot["bot"]["app_id"] == "A0SIMULATE"
    assert (await slack.team_info())["team"]["name"] == "Simulated workspace"


async def test_tokens_are_checked(simulator: Simulator, slack: AsyncWebClient):
    async def error(token: str | None, method: str) -> str:
        client = AsyncWebClient(token, base_url=simulator.api_url)
        return (await refusal(client.api_call(method)))["error"]

    assert await error(None, "auth.test") == "not_authed"
    assert await error("xoxb-other-é", "auth.test") == "invalid_auth"
    assert await error("xoxb-1", "apps.connections.open") == "not_allowed_token_type"
    assert await error("xapp-1", "auth.test") == "not_allowed_token_type"
    unknown = await refusal(slack.api_call("chat.shout"))
    assert unknown["error"] == "unknown_method"


async def test_a_scope_that_the_bot_lacks_is_named():
    scopes = frozenset({"users:read", "chat:write"})
    async with world(connected=False, scopes=scopes) as made:
        me = await made.slack.auth_test()
        answer = await refusal(made.slack.conversations_open(users=RAVI))
    assert me.headers["x-oauth-scopes"] == "chat:write,users:read"
    assert (answer["error"], answer["needed"]) == (
        "missing_scope",
        "im:write,mpim:write",
    )


@pytest.mark.parametrize("way", ["GET", "query", "form", "json", "token in form"])
async def test_arguments_come_in_every_way(simulator: Simulator, way: str):
    args = {"channel": GENERAL, "text": "hello", "blocks": '[{"type":"divider"}]'}
    sent: dict[str, Any] = {
        "GET": {"params": args},
        "query": {"params": args},
        "form": {"data": args},
        "json": {"json": args | {"blocks": [{"type": "divider"}]}},
        "token in form": {"data": args | {"token": "xoxb-1"}},
    }[way]
    headers = {} if "token" in way else {"Authorization": "Bearer xoxb-1"}
    verb = "GET" if way == "GET" else "POST"
    url = simulator.api_url + "chat.postMessage"
    async with (
        aiohttp.ClientSession() as session,
        session.request(verb, url, headers=headers, **sent) as response,
    ):
        answer = await response.json()
    assert answer["ok"]
    posted = simulator.messages(GENERAL)[0]
    assert (posted["text"], posted["blocks"][0]["type"]) == ("hello", "divider")


@pytest.mark.parametrize(
    ("body", "error"), [("{", "invalid_json"), ("[]", "json_not_object")]
)
async def test_a_body_that_is_no_object_is_refused(
    simulator: Simulator, body: str, error: str
):
    headers = {"Content-Type": "application/json", "Authorization": "Bearer xoxb-1"}
    url = simulator.api_url + "auth.test"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=body, headers=headers) as response,
    ):
        assert (await response.json())["error"] == error


async def test_a_posted_message_has_slacks_fields_and_ids(slack: AsyncWebClient):
    answer = await slack.chat_postMessage(
        channel=GENERAL, text="a card", blocks=CARD, metadata=METADATA
    )
    message = answer["message"]
    assert (answer["channel"], answer["ts"]) == (GENERAL, message["ts"])
    assert message["bot_id"] == "B0APPROVER"
    assert message["metadata"] == METADATA
    assert message["blocks"][0]["block_id"]
    assert "thread_ts" not in message


async def test_ts_only_ever_grow_also_when_the_clock_stands():
    workspace = demo_workspace()
    workspace.clock = lambda: 1700000000.0
    stamps = [workspace.next_ts() for _ in range(3)]
    assert stamps == ["1700000000.000000", "1700000000.000001", "1700000000.000002"]


async def test_a_post_to_a_person_opens_the_direct_message(slack: AsyncWebClient):
    answer = await slack.chat_postMessage(channel=RAVI, text="hello")
    opened = await slack.conversations_open(users=RAVI)
    assert answer["channel"] == opened["channel"]["id"] == "D0RAVI0000"
    edited = await refusal(slack.chat_update(channel=RAVI, ts=answer["ts"], text="x"))
    assert edited["error"] == "channel_not_found"


async def test_who_cannot_be_written_to_is_refused_in_slacks_words(
    simulator: Simulator, slack: AsyncWebClient
):
    simulator.workspace.users[MINA].deleted = True
    simulator.workspace.add_channel(Channel("C0PRIVATE0", "x", is_private=True))
    simulator.workspace.add_channel(Channel("C0UNJOINED", "y"))
    post = slack.chat_postMessage
    for channel, error in (
        ("C0NOWHERE0", "channel_not_found"),
        ("C0PRIVATE0", "channel_not_found"),
        ("C0UNJOINED", "not_in_channel"),
        ("U0APPROVER", "cannot_dm_bot"),
        (MINA, "channel_not_found"),
    ):
        answer = await refusal(post(channel=channel, text="x"))
        assert answer["error"] == error, channel
    opened = await refusal(slack.conversations_open(users=MINA))
    assert opened["error"] == "user_disabled"
    assert (await refusal(post(channel=GENERAL, text=" ")))["error"] == "no_text"


async def test_bad_blocks_are_refused_with_a_pointer(slack: AsyncWebClient):
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    answer = await refusal(
        slack.chat_postMessage(channel=GENERAL, text="x", blocks=[header])
    )
    assert answer["error"] == "invalid_blocks"
    assert answer["errors"] == [
        "must be less than 151 characters [json-pointer:/blocks/0/text/text]"
    ]
    checked = await refusal(
        slack.api_call("blocks.validate", json={"blocks": [header]})
    )
    assert checked["errors"][0]["pointer"] == "/0/text/text"


async def test_a_text_only_edit_removes_blocks_and_keeps_metadata(
    simulator: Simulator, slack: AsyncWebClient
):
    posted = await slack.chat_postMessage(
        channel=GENERAL, text="a", blocks=CARD, metadata=METADATA
    )
    await slack.chat_update(channel=GENERAL, ts=posted["ts"], text="b")
    message = simulator.messages(GENERAL)[0]
    assert "blocks" not in message
    assert (message["text"], message["metadata"]) == ("b", METADATA)
    assert message["edited"]["user"] == "U0APPROVER"
    await slack.chat_update(channel=GENERAL, ts=posted["ts"], text="b", metadata={})
    assert "metadata" not in simulator.messages(GENERAL)[0]


async def test_only_the_bots_own_messages_can_be_edited(
    simulator: Simulator, slack: AsyncWebClient
):
    theirs = await simulator.post_message(RAVI, GENERAL, "mine")
    edit = slack.chat_update
    answer = await refusal(edit(channel=GENERAL, ts=theirs, text="x"))
    assert answer["error"] == "cant_update_message"
    answer = await refusal(edit(channel=GENERAL, ts="1.0", text="x"))
    assert answer["error"] == "message_not_found"
    own = await slack.chat_postMessage(channel=GENERAL, text="own")
    answer = await refusal(edit(channel=GENERAL, ts=own["ts"], text="x" * 4001))
    assert answer["error"] == "msg_too_long"
    await slack.chat_delete(channel=GENERAL, ts=own["ts"])
    assert [m["text"] for m in simulator.messages(GENERAL)] == ["mine"]


async def test_a_private_message_is_seen_by_one_member_only(
    simulator: Simulator, slack: AsyncWebClient
):
    await slack.chat_postEphemeral(channel=GENERAL, user=MINA, text="only you")
    assert [m["text"] for m in simulator.ephemerals(MINA, GENERAL)] == ["only you"]
    assert simulator.ephemerals(RAVI) == []
    assert simulator.messages(GENERAL) == []
    answer = await refusal(
        slack.chat_postEphemeral(channel=GENERAL, user="U0STRANGER", text="x")
    )
    assert answer["error"] == "user_not_in_channel"


async def test_people_carry_the_flags_that_a_test_gives_them(
    simulator: Simulator, slack: AsyncWebClient
):
    workspace = simulator.workspace
    workspace.add_user(User("U0GUEST000", "guest", is_ultra_restricted=True))
    workspace.add_user(User("U0OTHER000", "other", team_id="T0OTHER", is_stranger=True))
    workspace.users[RAVI].deleted = True
    guest = (await slack.users_info(user="U0GUEST000"))["user"]
    stranger = (await slack.users_info(user="U0OTHER000"))["user"]
    gone = (await slack.users_info(user=RAVI))["user"]
    assert guest["is_ultra_restricted"]
    assert (stranger["team_id"], stranger["is_stranger"]) == ("T0OTHER", True)
    assert gone["deleted"]
    assert "is_restricted" not in gone
    assert (await refusal(slack.users_info(user="U0NOBODY")))["error"] == (
        "user_not_found"
    )


async def test_a_status_is_cleared_by_the_next_post(
    simulator: Simulator, slack: AsyncWebClient
):
    root = await simulator.post_message(RAVI, GENERAL, "hello")
    await slack.assistant_threads_setStatus(
        channel_id=GENERAL, thread_ts=root, status="is thinking…"
    )
    assert simulator.workspace.statuses == {(GENERAL, root): "is thinking…"}
    await slack.chat_postMessage(channel=GENERAL, text="done", thread_ts=root)
    assert simulator.workspace.statuses == {}


async def test_a_reaction_counts_once(simulator: Simulator, slack: AsyncWebClient):
    ts = await simulator.post_message(RAVI, GENERAL, "hello")
    await slack.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    again = slack.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    assert (await refusal(again))["error"] == "already_reacted"
    assert simulator.messages(GENERAL)[0]["reactions"][0]["name"] == "eyes"


async def test_calls_are_recorded_with_their_arguments(
    simulator: Simulator, slack: AsyncWebClient
):
    await slack.chat_postMessage(channel=GENERAL, text="x", unfurl_links=False)
    call = simulator.calls[-1]
    assert (call.method, call.ok) == ("chat.postMessage", True)
    assert call.args["unfurl_links"] is False
