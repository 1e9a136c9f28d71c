"""The people in a live group: each source, each answer of Slack's, and none at all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.base.errors import SlackUnavailable
from bot.slack import directory as module
from bot.slack.afresh import Afresh
from bot.slack.directory import MOST_MEMBERS, NOBODY, PAGE, Directory
from tests.support.fake_slack import refused
from tests.support.people import MINA, OMAR, RAVI, US, person

ASKER, ANOTHER = person(RAVI), person(OMAR)
USERGROUP, CHANNEL, OPEN = "usergroup:S1", "channel:C1", "open_channel:C1"
MANAGER = "manager_of_requester:Xf1"
ASKING_SLACK = [USERGROUP, CHANNEL, OPEN, MANAGER]
PRIVATE = {"id": "C1", "is_private": True, "is_archived": False, "num_members": 3}


class Slack:
    """Answers from what stands here, or raises `trouble`; notes what was asked."""

    def __init__(self) -> None:
        self.usergroup: Any = [MINA, "U0MAREK"]
        self.channel: Any = dict(PRIVATE)
        self.members = [MINA, "U0BOT", RAVI]
        self.fields: Any = {"Xf1": {"value": MINA, "alt": ""}}
        self.trouble: BaseException | None = None
        self.delay = 0.0
        self.answers = asyncio.Event()
        self.answers.set()
        self.asked: list[str] = []
        self.limits: list[int] = []

    async def _answer(self, method: str, **data: Any) -> Any:
        self.asked.append(method)
        trouble = self.trouble
        await asyncio.sleep(self.delay)
        await self.answers.wait()
        if trouble is not None:
            raise trouble
        return SimpleNamespace(data={"ok": True, **data})

    async def usergroups_users_list(self, *, usergroup: str) -> Any:
        assert usergroup == "S1"
        return await self._answer("usergroups.users.list", users=self.usergroup)

    async def conversations_info(
        self, *, channel: str, include_num_members: bool
    ) -> Any:
        assert channel == "C1"
        assert include_num_members
        return await self._answer("conversations.info", channel=self.channel)

    async def conversations_members(
        self, *, channel: str, cursor: str | None, limit: int
    ) -> Any:
        assert channel == "C1"
        start = int(cursor or 0)
        end = start + limit
        following = str(end) if end < len(self.members) else ""
        self.limits.append(limit)
        return await self._answer(
            "conversations.members",
            members=self.members[start:end],
            response_metadata={"next_cursor": following},
        )

    async def users_profile_get(self, *, user: str) -> Any:
        profile = {"real_name": user, "fields": self.fields}
        return await self._answer(f"users.profile.get {user}", profile=profile)


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
def people(slack: Slack) -> Directory:
    return Directory(slack, lambda: US)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[Any]]:
    with capture_logs() as found:
        yield found


@pytest.mark.parametrize(
    ("source", "members"),
    [
        (USERGROUP, (MINA, "U0MAREK")),
        (CHANNEL, (MINA, RAVI)),
        (OPEN, (MINA, RAVI)),
        (MANAGER, (MINA,)),
        ("requester", (RAVI,)),
    ],
)
async def test_each_source_has_its_people(people: Directory, logged, source, members):
    assert await people.members(source, ASKER) == members
    assert logged == []


async def test_the_requester_is_known_without_slack(people: Directory, slack: Slack):
    slack.trouble = TimeoutError()
    assert await people.members("requester", ANOTHER) == (OMAR,)
    assert slack.asked == []


async def test_nobody_is_named_twice_and_the_order_is_slacks(
    people: Directory, slack: Slack
):
    slack.usergroup = [MINA, "U0BOT", "U0ADA", MINA]
    assert await people.members(USERGROUP, ASKER) == (MINA, "U0ADA")


@pytest.mark.parametrize("source", ASKING_SLACK)
@pytest.mark.parametrize("word", sorted(NOBODY))
async def test_what_is_not_there_or_hidden_from_us_has_nobody(
    people: Directory, slack: Slack, logged, source, word
):
    slack.trouble = refused(word)
    assert await people.members(source, ASKER) == ()
    [line] = logged
    assert line["log_level"] == "warning"
    assert (line["action"], line["group"], line["why"]) == (
        "group_empty",
        source,
        word,
    )


@pytest.mark.parametrize("source", ASKING_SLACK)
@pytest.mark.parametrize(
    "trouble",
    [
        TimeoutError(),
        aiohttp.ClientConnectionError(),
        OSError("no route"),
        ValueError("no json"),
        refused("internal_error"),
        refused("fatal_error"),
        refused("fetch_members_failed"),
        refused("invalid_auth"),
        refused("team_added_to_org"),
        refused("ratelimited"),
        refused("no_such_subteam", 429),
        refused("unknown_error", 503),
    ],
    ids=repr,
)
async def test_trouble_that_passes_is_no_answer(
    people: Directory, slack: Slack, source, trouble
):
    slack.trouble = trouble
    with pytest.raises(SlackUnavailable):
        await people.members(source, ASKER)


async def test_a_user_group_may_be_empty(people: Directory, slack: Slack):
    slack.usergroup = []
    assert await people.members(USERGROUP, ASKER) == ()


PUBLIC = {"is_private": False}
ARCHIVED = {"is_archived": True}


@pytest.mark.parametrize(
    ("source", "change", "why"),
    [
        (CHANNEL, PUBLIC, "is_public"),
        (CHANNEL, {"is_private": None}, "is_public"),
        (CHANNEL, ARCHIVED, "is_archived"),
        (OPEN, ARCHIVED, "is_archived"),
        (OPEN, {"is_archived": None}, "is_archived"),
        (CHANNEL, {"num_members": MOST_MEMBERS + 1}, "too_many_members"),
        (OPEN, PUBLIC | {"num_members": MOST_MEMBERS + 1}, "too_many_members"),
    ],
)
async def test_an_unfit_channel_has_no_members_and_is_not_read(
    people: Directory, slack: Slack, logged, source, change, why
):
    slack.channel = PRIVATE | change
    assert await people.members(source, ASKER) == ()
    assert [line["why"] for line in logged] == [why]
    assert slack.asked == ["conversations.info"]


@pytest.mark.parametrize("channel", [None, {}, {"id": "C1"}])
async def test_a_channel_that_says_nothing_of_itself_has_nobody(
    people: Directory, slack: Slack, channel
):
    slack.channel = channel
    assert await people.members(CHANNEL, ASKER) == ()
    assert await people.members(OPEN, ASKER) == ()


async def test_an_open_channel_may_be_public(people: Directory, slack: Slack):
    slack.channel = PRIVATE | PUBLIC
    assert await people.members(OPEN, ASKER) == (MINA, RAVI)


async def test_a_large_channel_is_read_page_by_page(people: Directory, slack: Slack):
    slack.members = [f"U{number:05}" for number in range(2 * PAGE + 1)]
    assert await people.members(CHANNEL, ASKER) == tuple(slack.members)
    assert slack.asked == ["conversations.info", *["conversations.members"] * 3]
    assert set(slack.limits) == {PAGE}
    assert PAGE < 1000  # Slack's limit


@pytest.mark.parametrize(("count", "seen"), [(0, MOST_MEMBERS), (1, 0)])
async def test_a_channel_with_too_many_members_has_nobody(
    people: Directory, slack: Slack, logged, count, seen
):
    slack.members = [f"U{number:05}" for number in range(MOST_MEMBERS + count)]
    assert len(await people.members(CHANNEL, ASKER)) == seen
    assert [line["why"] for line in logged] == ["too_many_members"] * count


@pytest.mark.parametrize(
    ("value", "managers"),
    [
        (MINA, (MINA,)),
        ("W0MINA", ("W0MINA",)),
        ("U0MINA,U0MAREK", (MINA, "U0MAREK")),
        (" U0MINA , U0MINA ", (MINA,)),
        ("Mina Kern", ()),
        ("u0mina", ()),
        ("<@U0MINA>", ()),
        ("U0MINA\nU0MAREK", ()),
        ("U", ()),
        ("*", ()),
        ("C0GENERAL", ()),
        ("U0BOT", ()),
        ("", ()),
        (None, ()),
        (7, ()),
    ],
)
async def test_a_manager_is_read_only_from_ids_in_the_field(
    people: Directory, slack: Slack, value, managers
):
    slack.fields = {"Xf1": {"value": value, "alt": ""}}
    assert await people.members(MANAGER, ASKER) == managers


@pytest.mark.parametrize("fields", [[], {}, None, {"Xf2": {"value": MINA}}])
async def test_without_the_field_there_is_no_manager(
    people: Directory, slack: Slack, logged, fields
):
    slack.fields = fields
    assert await people.members(MANAGER, ASKER) == ()
    assert [line["why"] for line in logged] == ["no_manager"]


async def test_everybody_has_a_manager_of_their_own(people: Directory, slack: Slack):
    await people.members(MANAGER, ASKER)
    slack.fields = {"Xf1": {"value": "U0DORA"}}
    assert await people.members(MANAGER, ANOTHER) == ("U0DORA",)
    assert await people.members(MANAGER, ASKER) == (MINA,)
    assert slack.asked == ["users.profile.get U0RAVI", "users.profile.get U0OMAR"]


async def test_a_group_is_the_same_whoever_asks(people: Directory, slack: Slack):
    await people.members(USERGROUP, ASKER)
    await people.members(USERGROUP, ANOTHER)
    assert slack.asked == ["usergroups.users.list"]


async def test_an_answer_is_kept_for_less_than_a_minute(
    people: Directory, slack: Slack, directory_clock
):
    await people.members(USERGROUP, ASKER)
    slack.usergroup = ["U0DORA"]
    directory_clock.at += 59.9
    assert await people.members(USERGROUP, ASKER) == (MINA, "U0MAREK")
    directory_clock.at += 0.1
    assert await people.members(USERGROUP, ASKER) == ("U0DORA",)
    assert len(slack.asked) == 2


async def test_the_minute_begins_before_slack_is_asked(
    people: Directory, slack: Slack, directory_clock, monkeypatch
):
    async def slow(*, usergroup: str) -> Any:
        directory_clock.at += 1.0
        return await slack._answer("usergroups.users.list", users=[MINA])

    monkeypatch.setattr(slack, "usergroups_users_list", slow)
    await people.members(USERGROUP, ASKER)
    directory_clock.at += 59.5
    await people.members(USERGROUP, ASKER)
    assert len(slack.asked) == 2


async def test_afresh_asks_each_time_and_its_answer_serves_the_others(
    people: Directory, slack: Slack
):
    afresh = Afresh(people)
    await people.members(USERGROUP, ASKER)
    slack.usergroup = ["U0DORA"]
    assert await afresh.members(USERGROUP, ASKER) == ("U0DORA",)
    assert await people.members(USERGROUP, ASKER) == ("U0DORA",)
    await afresh.members(USERGROUP, ASKER)
    assert len(slack.asked) == 3


async def test_an_old_answer_never_stands_in_for_slack(people: Directory, slack: Slack):
    await people.members(USERGROUP, ASKER)
    slack.trouble = TimeoutError()
    with pytest.raises(SlackUnavailable):
        await Afresh(people).members(USERGROUP, ASKER)
    with pytest.raises(SlackUnavailable):
        await people.members(USERGROUP, ASKER)
    slack.trouble = None
    assert await people.members(USERGROUP, ASKER) == (MINA, "U0MAREK")


async def test_old_answers_are_forgotten(people: Directory, directory_clock):
    await people.members(USERGROUP, ASKER)
    directory_clock.at += 61
    await people.members(MANAGER, ASKER)
    assert len(people._groups._known) == 1


async def test_a_crowd_of_clicks_is_one_call(people: Directory, slack: Slack):
    slack.delay = 0.01
    afresh = Afresh(people)
    crowd = [
        *(people.members(USERGROUP, ASKER) for _ in range(20)),
        *(afresh.members(USERGROUP, ANOTHER) for _ in range(20)),
    ]
    assert set(await asyncio.gather(*crowd)) == {(MINA, "U0MAREK")}
    assert len(slack.asked) == 1


async def test_concurrent_lookups_share_a_failure_and_later_ones_retry(
    people: Directory, slack: Slack
):
    slack.delay, slack.trouble = 0.01, refused("internal_error")
    crowd = [people.members(USERGROUP, ASKER) for _ in range(5)]
    found = await asyncio.gather(*crowd, return_exceptions=True)
    assert {type(each) for each in found} == {SlackUnavailable}
    slack.trouble = None
    assert await people.members(USERGROUP, ASKER) == (MINA, "U0MAREK")
    assert len(slack.asked) == 2


async def test_a_cancelled_lookup_does_not_cancel_the_others(
    people: Directory, slack: Slack
):
    slack.answers.clear()
    first = asyncio.create_task(people.members(USERGROUP, ASKER))
    await asyncio.sleep(0)
    second = asyncio.create_task(people.members(USERGROUP, ASKER))
    await asyncio.sleep(0.005)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    slack.answers.set()
    assert await second == (MINA, "U0MAREK")
    assert len(slack.asked) == 1


async def test_what_takes_too_long_is_no_answer_over_all_pages(
    people: Directory, slack: Slack, monkeypatch
):
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    slack.delay = 0.2
    slack.members = [f"U{number:05}" for number in range(5 * PAGE)]
    with pytest.raises(SlackUnavailable):
        await people.members(CHANNEL, ASKER)
    assert 1 < len(slack.asked) < 6
