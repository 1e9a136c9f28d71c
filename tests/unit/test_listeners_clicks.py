"""A click or a submitted view becomes an action: shapes as in Slack's own samples."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from bot.approvals.judge import Result
from bot.approvals.model import Effect, Person, Place, Verdict
from bot.slack.delivery import EVENT_TYPE
from bot.slack.listeners import clicks
from bot.slack.listeners.clicks import action_from_click, option_of, value_of
from bot.slack.listeners.submissions import action_from_form
from tests.support.clicks import CLICK, DELIVERY, SUBMISSION, click_of, handlers_of
from tests.support.people import MINA, person


def action_from(body, verdict=Verdict.APPROVE):
    return action_from_click(body, value_of(body), verdict)


def test_a_click_names_its_person_request_and_place():
    action = action_from(CLICK)
    assert action.request == "req-1"
    assert action.person == person(MINA)
    assert (action.verdict, action.via) == (Verdict.APPROVE, "slack")
    assert action.click == "1795426301.5"
    assert action.place == Place("A1", "C2", "1795426300.000100", DELIVERY)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ({"value": "edit:t-1"}, ("edit", "t-1")),
        ({"value": "edit:t:1"}, ("edit", "t:1")),
        ({"value": "edit"}, ("edit", "")),
        ({}, ("", "")),
        (None, ("", "")),
    ],
)
def test_a_menu_names_what_was_chosen_and_the_request(option, expected):
    action = {"action_id": "more", "type": "overflow", "selected_option": option}
    assert option_of(click_of(actions=[action])) == expected


@pytest.mark.parametrize("team", ["T1", "T5", "E1", None])
def test_a_person_is_of_the_workspace_that_was_clicked_in(team):
    body = click_of(
        enterprise={"id": "E1", "name": "Grid"},
        user={"id": "U0MINA", "username": "mina", "name": "m", "team_id": team},
    )
    assert action_from(body).person == Person("E1", "T1", "U0MINA")


def test_a_click_in_another_workspace_is_of_that_one():
    body = click_of(team={"id": "T9", "domain": "other"})
    assert action_from(body).person == Person("", "T9", "U0MINA")


def test_without_a_workspace_the_persons_own_team_counts():
    body = click_of(team=None)
    assert action_from(body).person == Person("", "T1", "U0MINA")


def test_no_name_says_who_somebody_is():
    body = click_of(user={**CLICK["user"], "username": "dana", "name": "U0DANA"})
    assert action_from(body).person == person(MINA)


def test_a_click_in_a_thread_says_which():
    container = {**CLICK["container"], "thread_ts": "1795426000.000100"}
    place = action_from(click_of(container=container)).place
    assert place is not None
    assert place.thread == "1795426000.000100"


@pytest.mark.parametrize(
    "metadata",
    [
        None,
        {},
        {"event_type": "other", "event_payload": {"delivery": DELIVERY}},
        {"event_type": EVENT_TYPE, "event_payload": {}},
        {"event_type": EVENT_TYPE},
    ],
)
def test_metadata_that_is_not_ours_names_no_card(metadata):
    body = click_of(message={**CLICK["message"], "metadata": metadata})
    place = action_from(body).place
    assert place is not None
    assert place.card == ""


def test_a_click_without_message_or_value_fits_nothing():
    action = {"action_id": "approve", "type": "button", "block_id": "b"}
    body = click_of(actions=[action])
    for name in ("message", "container", "channel", "api_app_id"):
        del body[name]
    action = action_from(body)
    assert (action.request, action.click) == ("", "")
    assert action.place == Place("", "", "")


def test_a_submitted_view_approves_the_request_of_its_card():
    action = action_from_form(SUBMISSION)
    assert (action.request, action.verdict) == ("req-1", Verdict.APPROVE)
    assert action.person == person(MINA)
    assert action.place == Place("A1", "C2", "1.1")
    assert action.click == "view:V1:req-1"


def test_a_form_is_of_the_workspace_of_its_app():
    body = {**SUBMISSION, "team": {"id": "T5", "domain": "sibling"}}
    body["view"] = {**SUBMISSION["view"], "app_installed_team_id": "T1"}
    assert action_from_form(body).person == Person("", "T1", "U0MINA")


@pytest.mark.parametrize("metadata", ["", "no json", "[]", '{"request": "req-1"}'])
def test_a_view_whose_metadata_is_not_ours_names_no_request(metadata):
    view = {**SUBMISSION["view"], "private_metadata": metadata}
    action = action_from_form({**SUBMISSION, "view": view})
    assert action.request == ""
    assert action.place == Place("A1", "", "")


@pytest.mark.parametrize(
    ("action_id", "verdict"),
    [("approve", "approve"), ("reject", "reject"), ("withdraw_3", "withdraw")],
)
async def test_a_choice_is_written_down_before_it_is_acknowledged(action_id, verdict):
    order: list[str] = []
    parts = SimpleNamespace(decider=SimpleNamespace())
    handle = handlers_of(clicks, parts)(action_id)

    async def decide(action):
        order.append(f"decided {action.verdict} {action.request}")
        return Result(Effect.RECORDED), None

    async def ack():
        order.append("acknowledged")

    parts.decider.decide = decide
    await handle(ack, CLICK)
    assert order == [f"decided {verdict} req-1", "acknowledged"]

    async def fails(_choice):
        raise TimeoutError

    parts.decider.decide = fails
    with pytest.raises(TimeoutError):
        await handle(ack, CLICK)
    assert order == [f"decided {verdict} req-1", "acknowledged"]
