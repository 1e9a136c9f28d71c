"""Threats of App Home and `/approvals`: forged clicks, foreign requests, delegates."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from bot.approvals.judge import is_in_place
from bot.approvals.model import Action, Effect, Place, Verdict
from bot.approvals.policy.model import Delegation, standing_in
from bot.slack.home.desk import Desks
from bot.texts import home as words
from tests.support.cards_samples import texts
from tests.support.desk_parts import HomeDesk, buttons_of, delegating, values_of
from tests.support.house import House
from tests.support.people import APP, DANA, FAY, MINA, OLAF, OMAR, person
from tests.support.request_builder import request

VIEW = f"V0HOME-{MINA}"
FORGED: Mapping[str, dict[str, Any]] = {
    "of another app": {"api_app_id": "A9"},
    "a view of another app": {"view": {"id": VIEW, "type": "home", "app_id": "A9"}},
    "another person's": {
        "view": {"id": f"V0HOME-{OMAR}", "type": "home", "app_id": APP}
    },
    "a modal": {"view": {"id": VIEW, "type": "modal", "app_id": APP}},
    "no view": {"view": {}},
    "a public message": {
        "view": {},
        "container": {"type": "message", "message_ts": "1.1", "channel_id": "C1"},
    },
    "a private list that nobody asked for": {
        "view": {},
        "container": {"type": "message", "is_ephemeral": True},
    },
}


@pytest.fixture
def desk(house: House) -> HomeDesk:
    return HomeDesk(house)


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
async def test_threat_68_a_forged_home_button_changes_nothing(
    house: House, desk: HomeDesk, forged: dict[str, Any]
):
    asked = await house.ask()
    await desk.open(MINA)
    await desk.click("desk_approve", asked.place.token, **forged)
    now = await house.request(asked.id)
    assert now.is_open
    assert now.chain.decisions == ()
    assert "refused" in await house.trail(asked)


async def test_threat_68_home_decides_only_what_it_offered(
    house: House, desk: HomeDesk
):
    whole = await house.ask()
    await desk.open(MINA)
    cut = await house.ask(arguments={"path": "x" * 2_000})  # raised since
    for action, value in (("desk_approve", cut.place.token), ("desk_approve", "")):
        await desk.click(action, value)
    assert (await house.request(cut.id)).is_open
    assert words.RECORDED not in "".join(texts(desk.slack.views[MINA]))
    assert set(await house.trail(cut)) <= {"requested", "refused"}
    assert (await house.request(whole.id)).is_open


async def test_threat_68_home_approves_nothing_it_did_not_show(
    house: House, desk: HomeDesk
):
    cut = await house.ask(arguments={"path": "x" * 2_000})
    view = await desk.open(MINA)
    assert ("desk_reject", cut.place.token) in buttons_of(view)
    await desk.click("desk_approve", cut.place.token)
    assert (await house.request(cut.id)).is_open


def test_threat_68_a_place_with_offers_still_names_our_app():
    asked = request()
    token = asked.place.token
    for app, offered, counts in (
        (APP, (token,), True),
        ("A9", (token,), False),
        (APP, (), False),
    ):
        place = Place(app, "", "", offered=offered)
        action = Action(token, person(MINA), Verdict.APPROVE, "slack", place)
        assert is_in_place(asked, action, APP) is counts


async def test_threat_69_a_home_click_decides_nothing_of_another_workspace(
    house: House, desk: HomeDesk
):
    asked = await house.ask()
    await desk.open(MINA)
    elsewhere = {"team": {"id": "T9"}}
    view = {"id": VIEW, "type": "home", "app_id": APP, "app_installed_team_id": "T9"}
    await desk.click("desk_approve", asked.place.token, view=view, **elsewhere)
    assert (await house.request(asked.id)).is_open
    await house.rows(
        "UPDATE home_viewers SET team_id = 'T9' WHERE user_id = %s", MINA
    )  # even if that person had been offered it there
    await desk.click("desk_approve", asked.place.token, view=view, **elsewhere)
    assert (await house.request(asked.id)).is_open


async def test_threat_69_home_shows_nothing_of_others(house: House, desk: HomeDesk):
    asked = await house.ask(arguments={"path": "secret-plans.txt"})
    decided = await house.approved(arguments={"path": "older-plans.txt"})
    for user in (OLAF, FAY, DANA):
        view = await desk.open(user)
        said = "".join(texts(view))
        assert "plans.txt" not in said
        assert values_of(view) == set()
        for each in (asked, decided):
            found = await desk.desks.find(person(user), each.code)
            assert found is None
    other_team = await Desks(house.pool, house.people, house.policies).read(
        person(MINA, "T9")
    )
    assert not [*other_team.waiting, *other_team.asked, *other_team.decided]


async def test_threat_69_who_asked_sees_no_approve_of_theirs(
    house: House, desk: HomeDesk
):
    asked = await house.ask(requester=person(MINA), participants=(OMAR,))
    for user in (MINA, OMAR):
        view = await desk.open(user)
        assert "desk_approve" not in [action for action, _ in buttons_of(view)]
    assert (await house.request(asked.id)).status == "rejected"  # nobody is left


async def test_threat_69_who_left_a_group_sees_its_requests_no_more(
    house: House, desk: HomeDesk
):
    house.policies.change(
        f"managers: {{users: [{MINA}, {OMAR}]}}", "managers: {usergroup: S01}"
    )
    house.people.groups["usergroup:S01"] = (MINA, OMAR)
    asked = await house.ask()
    assert await desk.shown(MINA) == [asked.code]
    house.people.groups["usergroup:S01"] = (OMAR, FAY)
    assert await desk.shown(MINA) == []
    assert await desk.shown(FAY) == [asked.code]


async def test_threat_70_a_delegate_of_a_delegate_does_not_decide(
    house: House, desk: HomeDesk
):
    delegating(house)
    await desk.command(f"delegate <@{FAY}> until tomorrow", MINA)
    await desk.command(f"delegate <@{OLAF}> until tomorrow", FAY)
    assert desk.answers[-1]["text"] == words.NOT_DELEGABLE
    until = dt.datetime.now(dt.UTC).date()
    chain = [
        Delegation(MINA, FAY, until, given=True),
        Delegation(FAY, OLAF, until, given=True),
    ]
    desk.deps.delegations.policies.give(chain)  # however they came there
    asked = await house.ask()
    assert await desk.shown(OLAF) == []
    result = await house.click(OLAF, asked)
    assert result.code == "not_in_group"
    assert await desk.shown(FAY) == [asked.code]


async def test_threat_70_naming_another_delegate_ends_the_first(
    house: House, desk: HomeDesk
):
    """Or one person's own deputies would fill a quorum of any size."""
    delegating(house, DANA)
    for delegate in (FAY, DANA):
        await desk.command(f"delegate <@{delegate}> until tomorrow", MINA)
    rows = await house.rows(
        "SELECT delegate_id FROM delegations WHERE ended_at IS NULL"
    )
    assert [row["delegate_id"] for row in rows] == [DANA]
    assert "delegation_ended" in await house.trail()


async def test_threat_70_without_delegable_to_no_one_stands_in(
    house: House, desk: HomeDesk
):
    await desk.command(f"delegate <@{FAY}> until tomorrow", MINA)
    assert desk.answers[-1]["text"] == words.NOT_DELEGABLE
    assert await house.rows("SELECT 1 FROM delegations") == []
    assert "refused" in await house.trail()
    given = [Delegation(MINA, FAY, dt.date(2999, 1, 1), given=True)]
    desk.deps.delegations.policies.give(given)
    policy = house.policies.current
    assert standing_in(policy, "managers", dt.datetime.now(dt.UTC)) == {}
    asked = await house.ask()
    assert (await house.click(FAY, asked)).code == "not_in_group"


async def test_threat_70_no_one_delegates_to_the_requester(
    house: House, desk: HomeDesk
):
    delegating(house)
    await desk.command(f"delegate <@{FAY}> until tomorrow", MINA)
    asked = await house.ask(requester=person(FAY))
    assert await desk.shown(FAY) == []
    assert (await house.click(FAY, asked)).code == "requester"
    own = await house.ask(requester=person(MINA))
    assert own.code not in await desk.shown(FAY)
    assert (await house.click(FAY, own)).code == "not_in_group"


async def test_threat_75_what_was_ended_elsewhere_gives_no_right(
    house: House, desk: HomeDesk
):
    """Another process has ended it, and this one has not looked since."""
    delegating(house)
    await desk.command(f"delegate <@{FAY}> until tomorrow", MINA)
    asked, other = await house.ask(), await house.ask()
    assert (await house.click(FAY, other)).effect is Effect.APPROVED
    await house.rows("UPDATE delegations SET ended_at = bot_now()")
    assert await desk.shown(FAY) == [asked.code]  # as this process believes
    assert (await house.click(FAY, asked)).code == "not_in_group"
    now = await house.request(asked.id)
    assert (now.is_open, now.chain.decisions) == (True, ())
    assert (await house.click(MINA, asked)).effect is Effect.APPROVED
