"""App Home at its fullest: every list has pages, and nothing is cut off."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest

from bot.approvals.model import Risk
from bot.approvals.policy.model import Delegation
from bot.approvals.standing_grants import EQUAL, Binding, StandingGrant
from bot.slack.home.desk import (
    ALLOWED,
    ASKED,
    DECIDED,
    PAGE,
    RECENT,
    WAITING,
    Desk,
)
from bot.slack.home.home_view import MOST_BLOCKS, TURNS, Visit, home_view
from bot.texts import home as words
from tests.support.cards_samples import of_type, texts
from tests.support.people import MINA, RAVI, TEAM, person
from tests.support.request_builder import NOW, request

LONG = request(arguments={"path": "x" * 2_000})  # its row says where it is shown whole
GRANT = StandingGrant(
    *("g", "CODE", person(MINA), "managers", "wipe", ""),
    *((Binding("path", EQUAL, "a"),), RAVI, "", "", "v", Risk.NORMAL, 9, 1, NOW),
    *(NOW + dt.timedelta(hours=1), "r"),
)


def test_the_fullest_page_fits_and_turns_every_list():
    lists = (WAITING, ASKED, DECIDED, ALLOWED)
    desk = Desk(
        person(MINA, TEAM),
        NOW,
        waiting=[LONG] * PAGE,
        pages=dict.fromkeys(lists, 1),
        more=lists,
        asked=[LONG] * RECENT,
        decided=[LONG] * RECENT,
        allowed=[replace(GRANT, code=f"CODE{n}") for n in range(RECENT)],
        delegations=[Delegation(MINA, RAVI, NOW.date())],
    )
    shown = home_view(desk, Visit(is_first=True, note="Done"), lambda _: "https://x")
    blocks = shown.view["blocks"]
    assert len(blocks) < MOST_BLOCKS
    assert re.search(r"stands in for you until \d+ \w+ \d{4}\.", texts(blocks[-1])[0])
    turns = {each["action_id"] for each in of_type(shown.view, "button")}
    assert turns >= TURNS.keys()
    headings = [texts(each)[0] for each in blocks if each["type"] == "header"]
    assert headings[:4] == [
        f"{each} · Page 2"
        for each in (words.WAITING, words.ASKED, words.DECIDED, words.ALLOWED)
    ]


def test_a_row_says_once_that_the_risk_is_high():
    risky = request(risk=Risk.HIGH)
    desk = Desk(person(MINA, TEAM), NOW, waiting=[risky])
    shown = home_view(desk, Visit(), lambda _: "").view
    assert " ".join(texts(shown)).lower().count("high risk") == 1


@pytest.mark.parametrize("title", ["", "Ask {zone}"])
def test_a_servers_tool_is_approved_on_its_row(title: str):
    tool, zone = "time.get_current_time", {"zone": "Europe/Paris"}
    asked = request(tool=tool, arguments=zone, title=title)
    shown = home_view(Desk(person(MINA, TEAM), NOW, waiting=[asked]), Visit(), _nowhere)
    assert "Approve" in texts(shown.view)
    assert sum(tool in each for each in texts(shown.view)) == 1


def _nowhere(_: object) -> str:
    return ""
