"""A person as Slack knows them now: each flag, and the meaning of no answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from bot.approvals.model import Person
from bot.base.errors import ConfigurationError, SlackUnavailable
from bot.slack import directory as module
from bot.slack.directory import Directory, profile_from
from bot.slack.identity import Identity, learn_identity
from tests.support.fake_slack import refused
from tests.support.people import MINA, OMAR, US, person

GRID = Identity("E1", "T1", "Team", "A1", "B1", "U0BOT", "https://t.slack.example/")
WHO = person(MINA)
MEMBER = {
    "id": MINA,
    "team_id": "T1",
    "name": "mina",
    "deleted": False,
    "real_name": "Mina Kern",
    "profile": {"real_name": "Mina Kern", "display_name": "mina.k", "team": "T1"},
    "is_admin": False,
    "is_owner": False,
    "is_primary_owner": False,
    "is_restricted": False,
    "is_ultra_restricted": False,
    "is_bot": False,
    "is_app_user": False,
    "updated": 1795426200,
}


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in MEMBER.items() if name not in names}


def refusal(user: dict[str, Any], us: Identity = US, person: Person = WHO) -> str:
    return profile_from(person, user, us).refusal


def test_a_full_member_of_the_installed_team_is_not_refused():
    assert refusal(MEMBER) == ""
    assert refusal({**MEMBER, "is_admin": True, "is_owner": True}) == ""


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"deleted": True}, "deactivated"),
        ({"is_restricted": True}, "guest"),
        ({"is_restricted": True, "is_ultra_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_bot": True}, "bot"),
        ({"is_workflow_bot": True}, "bot"),
        ({"is_stranger": True}, "stranger"),
        ({"is_stranger": True, "team_id": "T9"}, "stranger"),
        ({"team_id": "T9"}, "other team"),
        ({"team_id": None}, "other team"),
        ({"id": "U0OTHER"}, "stranger"),
    ],
    ids=str,
)
def test_each_flag_refuses(change, word):
    assert refusal(MEMBER | change) == word


@pytest.mark.parametrize("missing", ["team_id", "id"])
def test_a_user_object_that_does_not_say_everything_refuses(missing):
    assert refusal(without(missing))


@pytest.mark.parametrize(
    ("missing", "word"),
    [
        ("deleted", "account not said"),
        ("is_bot", "bot not said"),
        ("is_restricted", "guest not said"),
        ("is_ultra_restricted", "guest not said"),
    ],
)
def test_what_slack_does_not_say_refuses_by_its_own_word(missing, word):
    assert refusal(without(missing)) == word
    assert refusal({**MEMBER, missing: None}) == word


def test_a_member_need_not_be_said_to_be_no_stranger():
    assert "is_stranger" not in MEMBER
    assert refusal({**MEMBER, "is_stranger": False}) == ""


def test_an_empty_answer_refuses():
    assert refusal({}) == "stranger"


def test_slackbot_is_a_bot_though_slack_does_not_say_so():
    slackbot = person("USLACKBOT")
    assert refusal({**MEMBER, "id": "USLACKBOT"}, person=slackbot) == "bot"


def test_a_click_from_another_team_is_always_refused():
    assert refusal(MEMBER, person=person(MINA, team="T2")) == "other team"


def grid_user(**enterprise: Any) -> dict[str, Any]:
    return {**MEMBER, "team_id": "E1", "enterprise_user": enterprise}


@pytest.mark.parametrize(
    ("user", "word"),
    [
        (grid_user(enterprise_id="E1", teams=["T1", "T5"]), ""),
        (grid_user(enterprise_id="E1", teams=["T5"]), "other team"),
        (grid_user(enterprise_id="E1", teams=[]), "other team"),
        (grid_user(enterprise_id="E1"), "other team"),
        (grid_user(enterprise_id="E9", teams=["T1"]), "other team"),
    ],
    ids=["in the team", "elsewhere", "nowhere", "not said", "other enterprise"],
)
def test_in_an_enterprise_the_teams_of_the_person_count(user, word):
    assert refusal(user, GRID) == word


@pytest.mark.parametrize("team", ["T1", "T5", "E1"])
def test_the_workspace_that_slack_names_first_makes_no_difference(team):
    member = {**grid_user(enterprise_id="E1", teams=["T5", "T1"]), "team_id": team}
    assert refusal(member, GRID) == ""
    assert refusal(member, US) == ""  # joined the organisation since the start


def test_an_account_is_known_by_both_of_its_ids():
    wide = grid_user(id="W0MINA", enterprise_id="E1", teams=["T1"])
    by_local = profile_from(WHO, wide, GRID)
    by_wide = profile_from(Person("E1", "T1", "W0MINA"), wide, GRID)
    assert (by_local.refusal, by_wide.refusal) == ("", "")
    assert by_local.account == by_wide.account == "W0MINA"
    assert by_local.teams == ("T1",)
    assert profile_from(WHO, MEMBER, US).account == "U0MINA"


@pytest.mark.parametrize(
    ("user", "name"),
    [
        (MEMBER, "mina.k"),
        ({**MEMBER, "profile": {"display_name": "", "real_name": "Mina"}}, "Mina"),
        ({**without("profile"), "real_name": "Mina Kern"}, "Mina Kern"),
        ({**without("profile", "real_name")}, "mina"),
        ({**without("profile", "real_name", "name")}, MINA),
    ],
)
def test_the_name_is_what_slack_shows(user, name):
    assert profile_from(WHO, user, US).name == name


class Slack:
    """Answers `users.info` from `users`, or raises `trouble`."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {MINA: dict(MEMBER)}
        self.trouble: BaseException | None = None
        self.delay = 0.0
        self.asked = 0

    async def users_info(self, *, user: str) -> Any:
        self.asked += 1
        await asyncio.sleep(self.delay)
        if self.trouble is not None:
            raise self.trouble
        return SimpleNamespace(data={"ok": True, "user": self.users[user]})


@pytest.fixture
def slack() -> Slack:
    return Slack()


def directory(slack: Slack) -> Directory:
    return Directory(slack, lambda: US)  # type: ignore[arg-type]


async def test_an_answer_is_kept_for_less_than_a_minute(slack: Slack, directory_clock):
    known = directory(slack)
    assert (await known.look_up(WHO)).refusal == ""
    slack.users[MINA]["deleted"] = True
    directory_clock.at += 59.9
    assert (await known.look_up(WHO)).refusal == ""
    directory_clock.at += 0.1
    assert (await known.look_up(WHO)).refusal == "deactivated"
    assert slack.asked == 2


async def test_the_minute_begins_before_slack_is_asked(slack: Slack, directory_clock):
    known = directory(slack)

    async def slow(*, user: str):
        slack.asked += 1
        directory_clock.at += 1.0
        return SimpleNamespace(data={"user": MEMBER})

    slack.users_info = slow  # type: ignore[method-assign]
    await known.look_up(WHO)
    directory_clock.at += 59.5
    await known.look_up(WHO)
    assert slack.asked == 2


@pytest.mark.parametrize(
    "trouble",
    [
        TimeoutError(),
        aiohttp.ClientConnectionError(),
        OSError("no route"),
        refused("internal_error"),
        refused("invalid_auth"),
        refused("ratelimited"),
        ValueError("no json"),
    ],
    ids=repr,
)
async def test_an_old_answer_never_stands_in_for_slack(
    slack: Slack, directory_clock, trouble
):
    known = directory(slack)
    await known.look_up(WHO)
    directory_clock.at += 61
    slack.trouble = trouble
    for _ in range(2):
        with pytest.raises(SlackUnavailable):
            await known.look_up(WHO)
    directory_clock.at -= 60
    with pytest.raises(SlackUnavailable):
        await known.look_up(WHO)
    slack.trouble = None
    assert (await known.look_up(WHO)).refusal == ""


async def test_who_is_unknown_to_slack_is_a_stranger(slack: Slack):
    slack.trouble = refused("user_not_found")
    assert (await directory(slack).look_up(WHO)).refusal == "stranger"


async def test_an_answer_that_takes_too_long_is_none(slack: Slack, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.02)
    slack.delay = 5
    with pytest.raises(SlackUnavailable):
        await directory(slack).look_up(WHO)


def test_the_patience_leaves_time_to_acknowledge():
    assert module.PATIENCE <= 1.5
    assert module.FRESH <= 60


async def test_the_same_id_of_another_team_is_looked_up_apart(slack: Slack):
    known = directory(slack)
    assert (await known.look_up(WHO)).refusal == ""
    other = await known.look_up(person(MINA, team="T2"))
    assert other.refusal == "other team"


async def test_old_answers_are_forgotten(slack: Slack, directory_clock):
    known = directory(slack)
    await known.look_up(WHO)
    directory_clock.at += 61
    slack.users[OMAR] = {**MEMBER, "id": OMAR}
    await known.look_up(person(OMAR))
    assert len(known._known) == 1


class Api:
    def __init__(self, me: dict[str, Any]) -> None:
        self._me = me

    async def auth_test(self) -> Any:
        headers = {"X-OAuth-Scopes": "chat:write, users:read"}
        return SimpleNamespace(data=self._me, headers=headers)

    async def bots_info(self, *, bot: str) -> Any:
        return SimpleNamespace(data={"bot": {"id": bot, "app_id": "A1"}})


ME = {
    "ok": True,
    "url": "https://t.slack.example/",
    "team": "Team",
    "user": "agent",
    "team_id": "T1",
    "user_id": "U0BOT",
    "bot_id": "B1",
    "is_enterprise_install": False,
}


async def test_who_we_are_comes_from_slack():
    us = await learn_identity(Api(ME))  # type: ignore[arg-type]
    assert us == replace(US, scopes=frozenset({"chat:write", "users:read"}))
    assert us.lacks("channels:history")
    assert not us.lacks("chat:write")
    assert not US.lacks("chat:write")  # where Slack doesn't say
    link = us.permalink("C1", "1795426200.000100")
    assert link == "https://t.slack.example/archives/C1/p1795426200000100"


async def test_a_token_that_is_not_a_bots_is_refused():
    person = {name: value for name, value in ME.items() if name != "bot_id"}
    with pytest.raises(ConfigurationError, match="SLACK_BOT_TOKEN is not a bot's"):
        await learn_identity(Api(person))  # type: ignore[arg-type]
