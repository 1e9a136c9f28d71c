"""`/approvals` on a real database: its answers, its buttons, and delegations."""

from __future__ import annotations

import datetime as dt
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from bot.base.settings import Settings
from bot.commands.approvals import list_command
from bot.slack.cards.card import card_blocks
from bot.slack.home import home_view
from bot.slack.home.desk import PAGE, RECENT
from bot.slack.listeners.home import commander, read_delegation
from bot.texts import home as words
from bot.texts.call import mrkdwn_headline
from tests.support.cards_samples import grey_text, section_text, texts, view
from tests.support.desk_parts import HomeDesk, buttons_of, delegating
from tests.support.house import House, house_fixture
from tests.support.people import DANA, FAY, MINA, OLAF, OMAR, RAVI, TEAM, person

__all__ = ["house_fixture"]
NOW = dt.datetime(2026, 11, 29, 23, 30, tzinfo=dt.UTC)


@pytest.fixture
def desk(house: House) -> HomeDesk:
    return HomeDesk(house)


async def say(desk: HomeDesk, text: str, user: str = MINA) -> dict[str, Any]:
    """The body of the answer to `/approvals` with these words."""
    await desk.command(text, user)
    return desk.answers[-1]


async def test_each_word_answers_privately_with_the_same_rows(
    house: House, desk: HomeDesk
):
    request = await house.ask()
    home = await desk.open(MINA)
    answer = await say(desk, "")
    assert answer["response_type"] == "ephemeral"
    assert buttons_of(answer) == buttons_of(home)
    assert (await say(desk, "waiting"))["blocks"] == answer["blocks"]
    assert f"show `{request.code}`" not in str(answer)
    shown = await say(desk, f"show {request.code.lower()}")
    assert buttons_of(shown) == buttons_of(home)
    assert (await say(desk, "history"))["text"] == words.NOTHING_DECIDED
    mine = await say(desk, "mine", RAVI)
    assert "a.txt" in "".join(texts(mine))
    assert (await say(desk, "help"))["text"] == words.HELP
    unknown = (await say(desk, "aproove <!channel>"))["text"]
    assert unknown.startswith("I don't know `aproove &lt;!channel&gt;`.")
    assert words.HELP in unknown


async def test_a_list_names_the_words_for_its_next_page(house: House, desk: HomeDesk):
    for number in range(RECENT + 1):
        await house.approved(arguments={"path": f"{number}.txt"})
    for word, user in (("mine", RAVI), ("history", MINA)):
        first = texts(await say(desk, word, user))
        assert words.next_page(word, 0) in first
        assert f"`/approvals {word} 2`" in first[-1]
        last = texts(await say(desk, f"{word} 2", user))
        assert ("0.txt" in str(last), "8.txt" in str(last)) == (True, False)
        assert not any("next:" in each for each in last)
        for odd in ("3", "0", "-1", "two", "999999999"):
            assert texts(await say(desk, f"{word} {odd}", user)) == first


async def test_a_request_of_others_is_not_shown(house: House, desk: HomeDesk):
    request = await house.ask()
    answer = await say(desk, f"show {request.code}", OLAF)
    assert answer["text"] == words.no_such_request(request.code)
    house.people.refusals[MINA] = "guest"
    assert "Only full members" in (await say(desk, "waiting"))["text"]
    house.people.down = True
    assert (await say(desk, "waiting"))["text"] == words.COULD_NOT_LOOK


async def test_a_row_of_the_answer_decides_and_says_so(house: House, desk: HomeDesk):
    request = await house.ask()
    await say(desk, "waiting")
    await desk.click_listed("desk_approve", request.place.token)
    assert (await house.request(request.id)).status == "approved"
    assert await house.told(MINA) == [
        words.decided("Approved", mrkdwn_headline(request), request.code)
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@U1|dora> until 2026-12-31", ("U1", dt.date(2026, 12, 31))),
        ("<@U1> until tomorrow", ("U1", dt.date(2026, 12, 1))),
        ("<@U1> UNTIL today", ("U1", dt.date(2026, 11, 30))),
        ("@dora until 2026-12-31", None),
        ("<@U1> until later", None),
        ("<@U1>", None),
        ("", None),
    ],
)
def test_the_words_of_a_delegation_are_read(text: str, expected: object):
    assert read_delegation(text, NOW, "Europe/Berlin") == expected


def test_a_command_names_its_person():
    body = {"user_id": MINA, "team_id": TEAM, "enterprise_id": "E1"}
    assert commander(body) == person(MINA, TEAM, "E1")


async def test_a_delegate_decides_and_the_card_says_for_whom(
    house: House, desk: HomeDesk
):
    delegating(house)
    tomorrow = f"<@{FAY}|fay> until tomorrow"
    given = await say(desk, f"delegate {tomorrow}")
    assert f"<@{FAY}> stands in for you in *managers*" in given["text"]
    assert words.told_delegate(MINA, _tomorrow()) in await house.told(FAY)
    request = await house.ask()
    answer = await say(desk, "waiting", FAY)
    assert f"for <@{MINA}>" in grey_text(answer["blocks"])
    await desk.click_listed("desk_approve", request.place.token, FAY)
    decided = await house.request(request.id)
    [decision] = decided.chain.decisions
    assert (decision.person.user, decision.for_user) == (FAY, MINA)
    drawn = card_blocks(view(decided))
    assert f"<@{FAY}> for <@{MINA}>" in section_text(drawn)
    assert "delegated" in await house.trail()
    ended = await say(desk, "delegate off")
    assert ended["text"] == words.delegation_over([FAY])
    assert (await say(desk, "delegate off"))["text"] == words.NOBODY_STOOD_IN
    assert "delegation_ended" in await house.trail()
    assert await desk.shown(FAY) == []


def _tomorrow() -> dt.date:
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("who", "text", "expected"),
    [
        (MINA, f"<@{MINA}> until tomorrow", words.NOT_YOURSELF),
        (MINA, f"<@{FAY}> until 2020-01-01", words.NOT_PAST),
        (MINA, f"<@{FAY}> until 2999-01-01", words.TOO_LONG),
        (MINA, f"<@{OLAF}> until tomorrow", words.may_not_stand_in(OLAF, ["deputies"])),
        (DANA, f"<@{FAY}> until tomorrow", words.NOT_DELEGABLE),
        (MINA, "fay", words.DELEGATE_HOW),
    ],
)
async def test_a_delegation_that_cannot_be_is_refused(
    house: House, desk: HomeDesk, who: str, text: str, expected: str
):
    delegating(house)
    assert (await say(desk, f"delegate {text}", who))["text"] == expected
    assert house.policies.current.delegations == ()
    assert "delegated" not in await house.trail()


async def test_a_delegate_who_is_no_member_is_refused(house: House, desk: HomeDesk):
    delegating(house)
    house.people.refusals[FAY] = "guest"
    answer = await say(desk, f"delegate <@{FAY}> until tomorrow")
    assert answer["text"] == words.no_member(FAY, "guest")


async def test_answers_hold_what_one_message_takes(
    house: House, desk: HomeDesk, monkeypatch: pytest.MonkeyPatch
):
    asked = [
        await house.ask(arguments={"path": f"{number}", "text": "x" * 800})
        for number in range(11)
    ]
    answer = await say(desk, "waiting")
    assert len(answer["blocks"]) <= 50
    assert sum(map(len, texts(answer["blocks"]))) < 13_200
    assert words.next_page("waiting", 0) in texts(answer)
    by_token = {each.place.token: each for each in asked}
    last = buttons_of(await say(desk, "waiting 2"))
    [one] = {token for _, token in last}
    # a request of any page has its buttons where it is shown alone
    assert buttons_of(await say(desk, f"show {by_token[one].code}")) == last
    monkeypatch.setattr(home_view, "MESSAGE_TEXT_LIMIT", 4_000)
    answer = await say(desk, "waiting")
    assert 0 < len(buttons_of(answer)) < 2 * PAGE
    assert words.IN_APP_HOME in texts(answer)


async def test_the_queue_names_a_stand_in_like_the_card(
    house: House, desk: HomeDesk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    policy, asked = tmp_path / "policy.yml", Namespace(status="pending")
    settings = Settings.load({"POLICY_FILE": str(policy)})
    request = await house.ask()
    policy.write_text(delegating(house))
    await say(desk, f"delegate <@{FAY}|fay> until tomorrow")

    await list_command(settings, asked, house.url)
    listed = capsys.readouterr()
    policy.write_text("[")
    await list_command(settings, asked, house.url)
    unread = capsys.readouterr()

    assert request.id in listed.out
    assert f"{MINA}, {OMAR}, {FAY}" in listed.out
    assert (FAY in unread.out, OMAR in unread.out) == (False, True)
    assert "CAN DECIDE is as when each was asked" in unread.err
