"""The operator's look at a policy, with Slack to ask: names, groups, unknown ids."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.policy.load import parse_policy
from bot.base.settings import Settings
from bot.commands.ask_slack import unknown_ids
from bot.commands.policy import explain_command, show_command
from bot.simulator import AppConfig, Channel, UserGroup, demo_workspace
from bot.simulator.people import ProfileField
from tests.support.demo import APPROVALS, BOT, DORA, FAY, MAREK, MINA, OLAF, RAVI
from tests.support.policies import policy_text
from tests.support.root import ROOT
from tests.support.simulated import BOT_TOKEN, World, world

POLICY = policy_text(
    "{name: paying, tools: [pay],"
    " stages: [{approvers: lead}, {approvers: finance}, {approvers: managers}]}",
    defaults=f"{{channel: {APPROVALS}, stages: [{{approvers: managers}}]}}",
    approvers={
        "managers": (MINA, MAREK),
        "finance": "{usergroup: S0FINANCE0}",
        "secret": "{channel: C0SECRET00}",
        "lead": "{manager_of_requester: Xf0MANAGER}",
    },
    delegations=f"[{{from: {MINA}, to: {DORA}, until: 2999-12-31}}]",
)
SECRET = ("C0SECRET00", "secret", [MAREK, BOT])


@pytest.fixture
async def slack() -> AsyncIterator[World]:
    workspace = demo_workspace()
    workspace.add_channel(Channel(*SECRET, is_private=True))
    app = AppConfig.read(ROOT / "manifest.yml")
    async with world(workspace=workspace, connected=False, app=app) as made:
        yield made


def settings(slack: World, folder: Path, policy: str = POLICY) -> Settings:
    (folder / "policy.yml").write_text(policy)
    return Settings.load(
        {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": "0123456789abcdef",
            "SLACK_API_URL": slack.simulator.api_url,
            "POLICY_FILE": str(folder / "policy.yml"),
        }
    )


def called(requester: str | None = RAVI) -> argparse.Namespace:
    return argparse.Namespace(tool="pay", args="{}", requester=requester, agent=None)


async def test_show_names_people_beside_ids_and_members_of_live_groups(
    slack: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    slack.simulator.workspace.users[MAREK].is_restricted = True
    await show_command(settings(slack, tmp_path), argparse.Namespace(), "")
    found = capsys.readouterr().out
    assert f"managers: Mina ({MINA}), Marek ({MAREK}, cannot decide: guest)" in found
    assert f"finance: user group S0FINANCE0, now Fay ({FAY})" in found
    assert "members of the private channel C0SECRET00, now Marek" in found
    assert (
        "lead: manager of the requester, from the profile field Xf0MANAGER\n" in found
    )
    assert f"Dora ({DORA}) for Mina ({MINA}), until 2999-12-31" in found
    assert "cannot be asked" not in found


async def test_explain_says_who_decides_now_without_the_requester(
    slack: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    chosen = settings(slack, tmp_path)
    await explain_command(chosen, called(), "")
    found = capsys.readouterr().out
    assert f"1. lead, 1 of: Mina ({MINA}), Dora ({DORA})\n" in found
    assert f"2. finance, 1 of: Fay ({FAY})\n" in found
    assert f"3. managers, 1 of: Mina ({MINA}), Marek ({MAREK}), Dora ({DORA})" in found
    assert f"Ravi ({RAVI}) asks" in found
    assert "Too few people are left" not in found

    await explain_command(chosen, called(MINA), "")
    found = capsys.readouterr().out
    assert "1. lead, 1 of: no one\n" in found
    assert f"3. managers, 1 of: Marek ({MAREK})\n" in found
    assert "Too few people are left for the stage lead" in found

    await explain_command(chosen, called(None), "")
    found = capsys.readouterr().out
    assert "1. lead, 1 of: manager of the requester" in found
    assert "Too few people are left" not in found


async def test_what_slack_does_not_say_is_said(
    slack: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    chosen = settings(slack, tmp_path)
    slack.simulator.faults.add("usergroups.users.list", "server_error")
    await explain_command(chosen, called(), "")
    found = capsys.readouterr().out
    assert "2. finance, 1 of: user group S0FINANCE0, not looked up" in found
    assert found.endswith("Slack did not answer all questions; ask again.\n")

    slack.simulator.faults.add("auth.test", "error", error="invalid_auth")
    await explain_command(chosen, called(), "")
    found = capsys.readouterr().out
    assert f"3. managers, 1 of: {MINA}, {MAREK}, {DORA}" in found
    assert found.endswith("Slack cannot be asked (invalid_auth): ids only.\n")


async def troubles(slack: World, policy: str) -> list[str]:
    client = AsyncWebClient(BOT_TOKEN, base_url=slack.simulator.api_url)
    return await unknown_ids(parse_policy(policy), client)


async def test_every_kind_of_id_is_looked_up(slack: World):
    assert await troubles(slack, POLICY) == []


@pytest.mark.parametrize(
    ("old", "new", "trouble"),
    [
        (MAREK, "U0NOBODY00", "approvers.managers.users[1]: Slack does not know"),
        ("S0FINANCE0", "S0NOTHING0", "approvers.finance.usergroup: Slack does not"),
        ("S0FINANCE0", "S0EMPTY000", "approvers.finance.usergroup: no one is in S0"),
        ("C0SECRET00", "C0NOWHERE0", "approvers.secret.channel: Slack does not know"),
        ("C0SECRET00", "C0GENERAL0", "approvers.secret.channel: C0GENERAL0 is public"),
        ("Xf0MANAGER", "Xf0NOTHING", "approvers.lead.manager_of_requester: Slack does"),
        ("Xf0MANAGER", "Xf0TEXT000", "approvers.lead.manager_of_requester: Xf0TEXT000"),
        (f"to: {DORA}", "to: U0NOBODY00", "delegations[0].to: Slack does not know"),
        (
            "{approvers: finance}",
            "{approvers: finance, channel: C0OUTSIDE0}",
            "rules[0].stages[1].channel: the bot is not a member of C0OUTSIDE0",
        ),
    ],
)
async def test_an_id_that_is_wrong_is_told_with_its_path(
    slack: World, old: str, new: str, trouble: str
):
    workspace = slack.simulator.workspace
    workspace.add_usergroup(UserGroup("S0EMPTY000", "empty"))
    workspace.profile_fields.append(ProfileField("Xf0TEXT000", "Text"))
    workspace.add_channel(Channel("C0OUTSIDE0", "outside", [OLAF]))
    assert old in POLICY
    (found,) = await troubles(slack, POLICY.replace(old, new, 1))
    assert found.startswith(trouble)


async def test_an_open_group_may_be_a_public_channel(slack: World):
    opened = "channel: C0GENERAL0, open: true"
    assert await troubles(slack, POLICY.replace("channel: C0SECRET00", opened)) == []


async def test_a_plan_without_user_groups_is_named(slack: World):
    slack.simulator.workspace.has_paid_plan = False
    (found,) = await troubles(slack, POLICY)
    assert found == (
        "approvers.finance.usergroup: this Slack plan has no user groups; "
        "list the people under `users`"
    )


async def test_a_missing_scope_hides_one_id_and_not_the_others():
    scopes = frozenset({"users:read", "channels:read", "groups:read"})
    app = AppConfig.read(ROOT / "manifest.yml")
    async with world(connected=False, app=app, scopes=scopes) as made:
        found = await troubles(made, POLICY)
    assert found == [
        "approvers.finance.usergroup: S0FINANCE0 cannot be checked: "
        "the app lacks a scope of manifest.yml",
        "approvers.secret.channel: Slack does not know C0SECRET00",
        "approvers.lead.manager_of_requester: Xf0MANAGER cannot be checked: "
        "the app lacks a scope of manifest.yml",
    ]
