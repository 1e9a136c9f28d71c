"""User groups, profiles and membership: what is asked, and what is told."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.simulator import AppConfig, Channel, ProfileField, UserGroup
from tests.support.demo import BOT, GENERAL, MAREK, MINA, OLAF, RAVI
from tests.support.simulated import World, refusal, world

EVENTS = AppConfig(
    subscriptions=frozenset(
        {
            "subteam_members_changed",
            "member_joined_channel",
            "member_left_channel",
            "channel_archive",
            "message.mpim",
        }
    )
)


@pytest.fixture
async def made() -> AsyncIterator[World]:
    async with world(app=EVENTS) as made:
        workspace = made.simulator.workspace
        workspace.add_usergroup(UserGroup("S0FINANCE0", "finance", users=[MINA]))
        gone = UserGroup("S0GONE0000", "gone", users=[OLAF], disabled=1700000001)
        workspace.add_usergroup(gone)
        workspace.profile_fields = [
            ProfileField("Xf0MANAGER", "Manager", "user"),
            ProfileField("Xf0OFFICE0", "Office"),
        ]
        workspace.users[RAVI].fields = {"Xf0MANAGER": MINA}
        workspace.users[RAVI].email = "Ravi@example.com"
        yield made


async def test_user_groups_are_listed_with_what_is_asked_for(made: World):
    [bare] = (await made.slack.usergroups_list())["usergroups"]
    assert (bare["id"], bare["handle"], bare["date_delete"]) == (
        "S0FINANCE0",
        "finance",
        0,
    )
    assert not {"users", "user_count"} & bare.keys()
    full = await made.slack.usergroups_list(
        include_users=True, include_count=True, include_disabled=True
    )
    assert [(g["users"], g["user_count"]) for g in full["usergroups"]] == [
        ([MINA], 1),
        ([OLAF], 1),
    ]


async def test_members_are_asked_per_group_and_unknown_groups_refused(made: World):
    ask = made.slack.usergroups_users_list
    assert (await ask(usergroup="S0FINANCE0"))["users"] == [MINA]
    for group in ("S0NOWHERE0", "S0GONE0000"):
        assert (await refusal(ask(usergroup=group)))["error"] == "no_such_subteam"
    disabled = await ask(usergroup="S0GONE0000", include_disabled=True)
    assert disabled["users"] == [OLAF]
    made.simulator.workspace.has_paid_plan = False
    answer = await refusal(ask(usergroup="S0FINANCE0"))
    assert answer["error"] == "plan_upgrade_required"


async def test_a_change_of_a_group_is_told(made: World):
    made.simulator.workspace.set_usergroup_users("S0FINANCE0", [MAREK, RAVI])
    await made.simulator.settled()
    [payload] = made.socket.payloads
    event = payload["event"]
    assert event["type"] == "subteam_members_changed"
    assert event["subteam_id"] == "S0FINANCE0"
    assert (event["added_users"], event["added_users_count"]) == ([MAREK, RAVI], 2)
    assert (event["removed_users"], event["removed_users_count"]) == ([MINA], 1)
    assert event["date_previous_update"] < event["date_update"]
    now = await made.slack.usergroups_users_list(usergroup="S0FINANCE0")
    assert now["users"] == [MAREK, RAVI]


async def test_profile_fields_come_with_the_profile_and_are_explained(made: World):
    profile = (await made.slack.users_profile_get(user=RAVI))["profile"]
    assert profile["fields"] == {"Xf0MANAGER": {"value": MINA, "alt": ""}}
    assert "fields" not in (await made.slack.users_info(user=RAVI))["user"]["profile"]
    labelled = await made.slack.users_profile_get(user=RAVI, include_labels=True)
    assert labelled["profile"]["fields"]["Xf0MANAGER"]["label"] == "Manager"
    listed = (await made.slack.team_profile_get())["profile"]["fields"]
    assert [(f["id"], f["label"], f["type"], f["ordering"]) for f in listed] == [
        ("Xf0MANAGER", "Manager", "user", 0),
        ("Xf0OFFICE0", "Office", "text", 1),
    ]
    empty = (await made.slack.users_profile_get(user=OLAF))["profile"]
    assert empty["fields"] == []  # not {}, as in Slack
    nobody = await refusal(made.slack.users_profile_get(user="U0NOBODY00"))
    assert nobody["error"] == "user_not_found"


async def test_members_come_page_by_page_of_less_than_a_thousand(made: World):
    ask = made.slack.conversations_members
    first = await ask(channel=GENERAL, limit=4)
    cursor = first["response_metadata"]["next_cursor"]
    second = await ask(channel=GENERAL, limit=4, cursor=cursor)
    everybody = made.simulator.workspace.channels[GENERAL].members
    assert first["members"] + second["members"] == everybody
    assert second["response_metadata"]["next_cursor"] == ""
    assert (await ask(channel=GENERAL, limit=999))["members"] == everybody
    for limit in (0, 1000):
        refused = await refusal(ask(channel=GENERAL, limit=limit))
        assert refused["error"] == "invalid_limit"
    assert (await refusal(ask(channel=GENERAL, cursor="x")))[
        "error"
    ] == "invalid_cursor"


async def test_a_private_channel_is_seen_by_its_members_alone(made: World):
    secret = Channel("C0SECRET00", "secret", [MINA, BOT], is_private=True)
    made.simulator.workspace.add_channel(secret)
    seen = (await made.slack.conversations_info(channel=secret.id))["channel"]
    assert (seen["is_private"], seen["is_member"]) == (True, True)
    listed = await made.slack.conversations_members(channel=secret.id)
    assert listed["members"] == [MINA, BOT]
    await made.simulator.leave_channel(BOT, secret.id)
    for ask in (made.slack.conversations_info, made.slack.conversations_members):
        assert (await refusal(ask(channel=secret.id)))["error"] == "channel_not_found"


async def test_in_the_demo_minas_report_is_ravi():
    async with world(connected=False) as made:
        profile = (await made.slack.users_profile_get(user=RAVI))["profile"]
        [field] = (await made.slack.team_profile_get())["profile"]["fields"]
    assert profile["fields"][field["id"]]["value"] == MINA
    assert (field["label"], field["type"]) == ("Manager", "user")


async def test_people_are_found_by_e_mail_unless_they_left(made: World):
    find = made.slack.users_lookupByEmail
    assert (await find(email="ravi@EXAMPLE.com"))["user"]["id"] == RAVI
    assert (await refusal(find(email="x@example.com")))["error"] == "users_not_found"
    made.simulator.workspace.users[RAVI].deleted = True
    assert (await refusal(find(email="ravi@example.com")))["error"] == "users_not_found"


async def test_an_e_mail_is_seen_with_its_own_scope_only():
    app = AppConfig(scopes=frozenset({"users:read", "users.profile:read"}))
    async with world(app=app, connected=False) as made:
        made.simulator.workspace.users[RAVI].email = "ravi@example.com"
        person = (await made.slack.users_info(user=RAVI))["user"]
        profile = (await made.slack.users_profile_get(user=RAVI))["profile"]
        everybody = (await made.slack.users_list())["members"]
    assert "email" not in person["profile"]
    assert "email" not in profile
    assert all("email" not in each["profile"] for each in everybody)


async def test_who_comes_and_goes_is_told_where_the_bot_is(made: World):
    workspace = made.simulator.workspace
    workspace.add_channel(Channel("C0ELSEWHER", "elsewhere", [MINA]))
    await made.simulator.leave_channel(OLAF, GENERAL)
    await made.simulator.leave_channel(OLAF, GENERAL)
    await made.simulator.join_channel(OLAF, GENERAL)
    await made.simulator.join_channel(OLAF, "C0ELSEWHER")
    await made.simulator.join_channel(BOT, "C0ELSEWHER")
    await made.simulator.settled()
    events = [each["event"] for each in made.socket.payloads]
    assert sorted((e["type"], e["user"], e["channel"]) for e in events) == [
        ("member_joined_channel", BOT, "C0ELSEWHER"),
        ("member_joined_channel", OLAF, GENERAL),
        ("member_left_channel", OLAF, GENERAL),
    ]
    assert {e["channel_type"] for e in events} == {"C"}


async def test_an_archived_channel_is_told_and_takes_no_message(made: World):
    made.simulator.workspace.archive(GENERAL, MINA)
    await made.simulator.settled()
    [payload] = made.socket.payloads
    assert (payload["event"]["type"], payload["event"]["channel"]) == (
        "channel_archive",
        GENERAL,
    )
    for call in (
        made.slack.chat_postMessage(channel=GENERAL, text="x"),
        made.slack.chat_postEphemeral(channel=GENERAL, user=MINA, text="x"),
    ):
        assert (await refusal(call))["error"] == "is_archived"
    with pytest.raises(LookupError, match="archived"):
        await made.simulator.post_message(MINA, GENERAL, "hello")


async def test_several_people_share_one_group_message(made: World):
    opened = await made.slack.conversations_open(users=[RAVI, MINA], return_im=True)
    again = await made.slack.conversations_open(users=[MINA, RAVI])
    channel = opened["channel"]
    assert channel["id"] == again["channel"]["id"]
    assert (channel["is_mpim"], channel["is_private"]) == (True, True)
    assert channel["name"] == "mpdm-ravi--mina--approval_bot-1"
    await made.simulator.post_message(RAVI, channel["id"], "hello")
    await made.simulator.settled()
    [payload] = made.socket.payloads
    assert payload["event"]["channel_type"] == "mpim"
    listed = await made.slack.conversations_list(types="mpim")
    assert [each["id"] for each in listed["channels"]] == [channel["id"]]
    many = ",".join(made.simulator.workspace.users) + ",U1,U2,U3"
    crowd = await refusal(made.slack.conversations_open(users=many))
    assert crowd["error"] == "too_many_users"
    stranger = made.slack.conversations_open(users=[RAVI, "U0NOBODY00"])
    assert (await refusal(stranger))["error"] == "user_not_found"
