"""Ids get the names that Slack has for them, from nowhere else, and seldom asked."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from bot.approvals.model import Person, Profile
from bot.base.errors import SlackUnavailable
from bot.slack.cards.arguments import ids_in
from bot.slack.directory import MOST, Names
from tests.support.fake_slack import refused
from tests.support.people import MINA, OLAF, US

NAMES = {MINA: "Mina (Berlin)\nadmin", OLAF: "Olaf (U0MINA)"}


class Slack:
    """Knows two people, a channel and a group; `trouble` is what it says instead."""

    def __init__(self, trouble: Exception | None = None) -> None:
        self.asked: Counter[str] = Counter()
        self.trouble = trouble

    async def look_up(self, person: Person) -> Profile:
        self.asked[person.user] += 1
        if self.trouble:
            raise SlackUnavailable from self.trouble
        return Profile(person, NAMES.get(person.user, person.user))

    async def conversations_info(self, channel: str) -> Any:
        self.asked[channel] += 1
        if self.trouble:
            raise self.trouble
        return SimpleNamespace(data={"channel": {"name": "general"}})

    async def usergroups_list(self) -> Any:
        self.asked["groups"] += 1
        return SimpleNamespace(data={"usergroups": [{"id": "S1", "name": "Finance"}]})


def names(slack: Slack) -> Names:
    return Names(slack, slack, lambda: US)  # type: ignore[arg-type]


async def test_each_mention_becomes_name_and_id():
    slack = Slack()
    text = f"<@{MINA}>, <@{OLAF}>, <@U0NOBODY> in <#C1> of <!subteam^S1>, <!subteam^S2>"
    for _ in range(2):
        assert await names_in(slack, text) == (
            f"@Mina [Berlin] admin ({MINA}), @Olaf [U0MINA] ({OLAF}), @U0NOBODY"
            " in #general (C1) of @Finance (S1), @S2"
        )
    assert slack.asked[MINA] == 2  # once for each of our `Names`


async def names_in(slack: Slack, text: str) -> str:
    found = names(slack)
    await found.put_in(text)
    return await found.put_in(text)


@pytest.mark.parametrize("word", ["channel_not_found", "missing_scope"])
async def test_what_slack_refuses_is_not_asked_again(word: str):
    slack = Slack(refused(word))
    assert await names_in(slack, "<#C1>") == "#C1"
    assert slack.asked["C1"] == 1


async def test_trouble_of_slacks_costs_the_name_alone():
    slack = Slack(refused("internal_error"))
    assert await names_in(slack, f"<#C1> <@{MINA}>") == f"#C1 @{MINA}"
    assert slack.asked == {"C1": 2, MINA: 2}


async def test_a_text_full_of_ids_costs_few_questions():
    slack = Slack()
    text = " ".join(f"<@U{n}>" for n in range(1_000))
    await names(slack).put_in(text)
    assert sum(slack.asked.values()) == MOST


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ('{"user": "U0MINA", "also": ["W1ABCDE", "U0MINA"]}', ["U0MINA", "W1ABCDE"]),
        ("C0GENERAL and S0FINANCE0.", ["C0GENERAL", "S0FINANCE0"]),
        ("UPDATE USERS SET COUNTER WARNING GERMANY", []),
        ("aU0MINA U0MINAb U0MIN", []),
    ],
)
def test_what_reads_like_an_id_is_found(text: str, ids: list[str]):
    assert ids_in(text) == ids
