"""Live groups over HTTP: the directory, with Slack's client, asks the simulator."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs
from structlog.typing import EventDict

from bot.approvals.model import Person
from bot.base.errors import SlackUnavailable
from bot.simulator import AppConfig, Channel, UserGroup, Workspace, demo_workspace
from bot.slack import directory as module
from bot.slack.afresh import Afresh
from bot.slack.client import make_client, make_session
from bot.slack.directory import Directory
from bot.slack.identity import learn_identity
from tests.support.demo import APPROVALS, BOT, DORA, FAY, MAREK, MINA, OLAF, RAVI
from tests.support.root import ROOT
from tests.support.simulated import BOT_TOKEN, World, world

MANIFEST = AppConfig.read(ROOT / "manifest.yml")
FINANCE, SECRET = "usergroup:S0FINANCE0", "channel:C0SECRET00"
LEAD, OPEN = "manager_of_requester:Xf0MANAGER", f"open_channel:{APPROVALS}"
EVERYBODY = (RAVI, MINA, MAREK, DORA, FAY, OLAF)


def workspace() -> Workspace:
    made = demo_workspace()
    made.add_usergroup(UserGroup("S0FINANCE0", "finance", users=[DORA, MINA]))
    secret = Channel("C0SECRET00", "secret", [MAREK, BOT, MINA], is_private=True)
    made.add_channel(secret)
    return made


class Play(World):
    """A simulator that holds the bot to its manifest, and the bot's directory."""

    people: Directory

    async def members(self, source: str, user: str = RAVI) -> tuple[str, ...]:
        """The people who are in a group now, by the directory."""
        return await Afresh(self.people).members(source, _person(self, user))

    def asked(self, method: str) -> int:
        return sum(call.method == method for call in self.simulator.calls)


def _person(play: World, user: str) -> Person:
    return Person("", play.simulator.workspace.team_id, user)


@asynccontextmanager
async def playing(app: AppConfig = MANIFEST) -> AsyncIterator[Play]:
    async with (
        world(workspace=workspace(), connected=False, app=app) as made,
        make_session() as session,
    ):
        client: AsyncWebClient = make_client(BOT_TOKEN, made.simulator.api_url, session)
        us = await learn_identity(client)
        play = Play(made.simulator)
        play.people = Directory(client, lambda: us)
        yield play


@pytest.fixture
async def play() -> AsyncIterator[Play]:
    async with playing() as made:
        yield made


def whys(logged: list[EventDict]) -> list[str]:
    """Why a group has nobody, as the log says; what Slack refuses is told beside."""
    return [line["why"] for line in logged if "why" in line]


@pytest.mark.parametrize(
    ("source", "members"),
    [
        (FINANCE, (DORA, MINA)),
        (SECRET, (MAREK, MINA)),
        (OPEN, EVERYBODY),
        ("open_channel:C0SECRET00", (MAREK, MINA)),
        (LEAD, (MINA,)),
        ("requester", (RAVI,)),
        (f"channel:{APPROVALS}", ()),
        ("channel:C0NOWHERE0", ()),
        ("usergroup:S0NOWHERE0", ()),
        ("manager_of_requester:Xf0NOWHERE", ()),
    ],
)
async def test_each_source_is_read_with_the_scopes_of_the_manifest(
    play: Play, source: str, members: tuple[str, ...]
):
    with capture_logs() as logged:
        assert await play.members(source) == members
    assert len(whys(logged)) == (0 if members else 1)


async def test_every_change_in_slack_is_seen_at_the_next_asking(play: Play):
    space = play.simulator.workspace
    space.set_usergroup_users("S0FINANCE0", [OLAF])
    await play.simulator.join_channel(DORA, "C0SECRET00")
    await play.simulator.leave_channel(MAREK, "C0SECRET00")
    space.users[RAVI].fields = {"Xf0MANAGER": f"{DORA},{OLAF}"}
    assert await play.members(FINANCE) == (OLAF,)
    assert await play.members(SECRET) == (MINA, DORA)
    assert await play.members(LEAD) == (DORA, OLAF)
    space.usergroups["S0FINANCE0"].disabled = 1700000001
    space.archive("C0SECRET00", MINA)
    space.users[RAVI].fields = {}
    for source in (FINANCE, SECRET, "open_channel:C0SECRET00", LEAD):
        assert await play.members(source) == ()


async def test_who_is_not_invited_into_a_private_channel_sees_nobody(play: Play):
    await play.simulator.leave_channel(BOT, "C0SECRET00")
    assert await play.members(SECRET) == ()


async def test_a_plan_without_user_groups_has_nobody_in_them(play: Play):
    play.simulator.workspace.has_paid_plan = False
    assert await play.members(FINANCE) == ()


async def test_a_click_uses_cached_members_and_a_run_asks_afresh(play: Play):
    ravi = _person(play, RAVI)
    await play.people.members(FINANCE, ravi)
    play.simulator.workspace.set_usergroup_users("S0FINANCE0", [OLAF])
    assert await play.people.members(FINANCE, ravi) == (DORA, MINA)
    assert await Afresh(play.people).members(FINANCE, ravi) == (OLAF,)
    assert play.asked("usergroups.users.list") == 2


async def test_forty_clicks_at_once_are_one_call(play: Play):
    play.simulator.latency = 0.05
    clicks = [play.people.members(FINANCE, _person(play, each)) for each in EVERYBODY]
    found = await asyncio.gather(*clicks, *(play.members(FINANCE) for _ in range(35)))
    assert set(found) == {(DORA, MINA)}
    assert play.asked("usergroups.users.list") == 1


async def test_a_channel_of_several_pages_is_read_to_its_end(
    play: Play, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "PAGE", 4)
    assert await play.members(OPEN) == EVERYBODY
    assert play.asked("conversations.members") == 2


async def test_a_channel_with_too_many_members_has_nobody(
    play: Play, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MOST_MEMBERS", len(EVERYBODY))
    assert await play.members(OPEN) == ()  # six of them, with the bot
    assert play.asked("conversations.members") == 0


@pytest.mark.parametrize("scope", ["usergroups:read", "users.profile:read"])
async def test_without_its_scope_a_group_has_nobody(scope: str):
    source = FINANCE if scope.startswith("usergroups") else LEAD
    scopes = frozenset(MANIFEST.scopes or ()) - {scope}
    async with playing(AppConfig(scopes=scopes)) as play:
        with capture_logs() as logged:
            assert await play.members(source) == ()
    assert whys(logged) == ["missing_scope"]


METHODS = {
    FINANCE: "usergroups.users.list",
    SECRET: "conversations.members",
    OPEN: "conversations.info",
    LEAD: "users.profile.get",
}
TROUBLE: dict[str, dict[str, Any]] = {
    "ratelimited": {"retry_after": 30},
    "server_error": {"status": 503},
    "error": {"error": "internal_error"},
    "cut_before": {"times": 2},  # the first GET on a kept connection is repeated
    "timeout_before": {"seconds": 5.0},
    "slow": {"seconds": 5.0},
}


@pytest.mark.parametrize("kind", TROUBLE)
@pytest.mark.parametrize("source", METHODS)
async def test_trouble_that_passes_is_no_answer(
    play: Play, source: str, kind: Any, monkeypatch: pytest.MonkeyPatch
):
    before = await play.members(source)
    play.simulator.faults.add(METHODS[source], kind, **TROUBLE[kind])
    with monkeypatch.context() as patched:
        patched.setattr(module, "PATIENCE", 0.3)
        with pytest.raises(SlackUnavailable):
            await play.members(source)
    play.simulator.faults.clear()
    assert await play.members(source) == before
