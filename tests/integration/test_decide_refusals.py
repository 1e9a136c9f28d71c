"""Words that decide nothing: late, repeated, misplaced, or of the wrong people."""

from __future__ import annotations

import pytest

from bot.approvals.judge import Result
from bot.approvals.model import Action, Effect, Place, Status
from tests.support.house import APPROVE, REJECT, House
from tests.support.people import APP, APPROVALS, MINA, OLAF, OMAR, person


async def test_a_late_click_is_told_and_only_redraws_the_card(
    house: House,
):
    request = await house.approved()
    await house.forget_jobs()

    result = await house.click(OMAR, request, REJECT)

    assert result == Result(Effect.LATE, "approved")
    assert await house.request(request.id) == request
    assert await house.told(OMAR) == ["late approved"]
    assert {request.place.card, request.place.notice} < {*house.handed}
    assert await house.jobs("resume") == []


async def test_a_click_after_the_deadline_times_the_request_out(
    house: House,
):
    request = await house.ask()
    await house.pass_time(hours=25)

    assert (await house.click(MINA, request)).effect is Effect.TIMED_OUT

    closed = await house.request(request.id)
    assert (closed.status, closed.chain.decisions) == (Status.TIMED_OUT, ())
    assert len(await house.jobs("resume")) == 1
    events = await house.rows(
        "SELECT event, actor FROM audit WHERE request_id = %s ORDER BY seq", request.id
    )
    assert [tuple(row.values()) for row in events] == [
        ("requested", "bot"),
        ("timed_out", "clock"),
        ("late", MINA),
    ]


async def test_the_same_click_five_times_is_one_decision(house: House):
    request = await house.ask("pay")
    effects = [(await house.click(MINA, request, click="5.5")).effect for _ in range(5)]
    assert effects == [Effect.RECORDED] + [Effect.REPEATED] * 4
    assert len((await house.request(request.id)).chain.decisions) == 1
    assert await house.trail(request) == ["requested", "recorded"] + ["repeated"] * 4


async def test_who_has_left_the_group_since_may_not_decide(house: House):
    request = await house.ask()
    house.policies.change("{users: [U0MINA, U0OMAR]}", "{users: [U0OLAF, U0OMAR]}")
    refused = await house.click(MINA, request)
    assert refused == Result(Effect.REFUSED, "not_in_group")
    assert (await house.click(OMAR, request)).effect is Effect.APPROVED


async def test_new_group_members_do_not_decide_older_requests(
    house: House,
):
    request = await house.ask()
    house.policies.change(
        "{users: [U0MINA, U0OMAR]}", "{users: [U0MINA, U0OMAR, U0OLAF]}"
    )
    assert (await house.click(OLAF, request)).code == "not_in_group"


async def test_a_group_that_is_gone_from_the_policy_ends_it(house: House):
    request = await house.ask()
    house.policies.change("managers", "leads")
    ended = await house.click(MINA, request)
    assert (ended.effect, ended.detail) == (Effect.REJECTED, "managers")
    assert (await house.request(request.id)).status is Status.REJECTED


@pytest.mark.parametrize("word", ["deactivated", "guest", "stranger", "bot"])
async def test_people_that_slack_does_not_vouch_for_do_not_decide(house: House, word):
    request = await house.ask()
    house.people.refusals[MINA] = word
    assert await house.click(MINA, request) == Result(Effect.REFUSED, word)
    assert (await house.request(request.id)).is_open


async def test_the_same_id_of_another_team_is_somebody_else(house: House):
    request = await house.ask()
    result = await house.click(person(MINA, team="T2"), request)
    assert result == Result(Effect.REFUSED, "other_team")


async def test_a_click_while_slack_is_down_is_refused_and_told(
    house: House,
):
    request = await house.ask()
    house.people.down = True
    for verdict in (APPROVE, REJECT):
        result = await house.click(MINA, request, verdict)
        assert result == Result(Effect.REFUSED, "could_not_check")
    assert await house.request(request.id) == request
    assert await house.told(MINA) == ["refused could_not_check"] * 2
    house.people.down = False
    assert (await house.click(MINA, request)).effect is Effect.APPROVED


async def test_a_click_on_an_unknown_request_is_told_and_recorded(house: House):
    place = Place(APP, APPROVALS, "1.1")
    action = Action("nothing", person(OLAF), APPROVE, "slack", place)
    result, request = await house.decider.decide(action)
    assert (result.code, request) == ("unknown_request", None)
    assert await house.told(OLAF) == ["refused unknown_request"]
    [row] = await house.rows("SELECT actor, detail FROM audit WHERE event = 'refused'")
    assert row["actor"] == OLAF
    assert row["detail"]["asked_for"] == "nothing"


async def test_a_click_counts_only_on_the_requests_own_card(house: House):
    request = await house.ask()
    other = await house.ask()
    await house.rows(
        "UPDATE deliveries SET message_ts = '5.5', posted_channel = 'D9' WHERE id = %s",
        request.place.card,
    )
    wrong = [
        Place("A2", "D9", "5.5"),
        Place(APP, APPROVALS, "5.5"),
        Place(APP, "D9", "5.6"),
        Place(APP, "D9", "5.6", request.place.card),
        Place(APP, "D9", "5.6", other.place.card),
    ]
    for place in wrong:
        result = await house.click(MINA, request, at=place)
        assert result == Result(Effect.REFUSED, "misplaced")
    foreign = await house.click(
        MINA, other, at=Place(APP, "D9", "5.5", request.place.card)
    )
    assert foreign.code == "misplaced"
    right = await house.click(MINA, request, at=Place(APP, "D9", "5.5"))
    assert right.effect is Effect.APPROVED


async def test_a_private_answer_stands_in_the_thread_of_the_card(house: House):
    request = await house.ask()
    place = Place(APP, APPROVALS, "77.7", request.place.card, thread="70.1")
    await house.click(OLAF, request, at=place)
    [row] = await house.rows(
        "SELECT channel_id, thread_ts FROM deliveries WHERE kind = 'private'"
    )
    assert row == {"channel_id": APPROVALS, "thread_ts": "70.1"}
