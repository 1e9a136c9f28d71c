"""Menus and buttons that open a form, and what comes of a form that was sent."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.approvals import store
from bot.approvals.judge import Result
from bot.approvals.model import Confirm, Effect, Place, Verdict
from bot.simulator.block_check import view_errors
from bot.simulator.form_state import state_of
from bot.slack.cards.blocks import CardRef
from bot.slack.cards.edit_form import edit_form
from bot.slack.cards.forms import answer_form, reason_form, typed_form
from bot.slack.cards.view import RequestView
from bot.slack.full_text import full_view
from bot.slack.listeners import clicks, submissions
from bot.texts.clicks import NOT_OPENED
from tests.support.clicks import CLICK, SUBMISSION, click_of, handlers_of
from tests.support.people import MINA, person
from tests.support.request_builder import NOW, request

CARD = CardRef(
    "req-1",
    "C2",
    "1795426300.000100",
    card="7c1d6c0e-5f7e-4b7e-9a3f-111111111111",
)
ALL = tuple(Verdict)[:4]
REFUSED = Result(Effect.REFUSED, "not_in_group")


class House:
    """The parts that listeners use: one stored request, and a decider that says so."""

    def __init__(self, monkeypatch, stored=None, preview=None, says=None):
        self.stored = stored
        self.previewed: list[Any] = []
        self.decided: list[Any] = []
        self.opened: list[dict] = []
        self.acks: list[dict] = []
        self.trouble: Exception | None = None  # of Slack's, at `views.open`
        self.told: list[tuple[Any, ...]] = []
        self._preview = preview or Result(Effect.APPROVED)
        self._says = says or Result(Effect.APPROVED)
        self.refused: list[Result] = []
        self.looked: list[Any] = []
        self.decider = SimpleNamespace(
            preview=self.preview, decide=self.decide, refuse=self.refuse
        )
        self.client = SimpleNamespace(views_open=self.views_open)
        self.listener_pool = SimpleNamespace(connection=self.connection)
        monkeypatch.setattr(store, "load_with_clock", self.load_with_clock)

    @contextlib.asynccontextmanager
    async def connection(self):
        yield None

    async def load(self, token):
        known = self.stored and token in (self.stored.place.token, "spent")
        return self.stored if known else None

    async def load_with_clock(self, _connection, token):
        found = await self.load(token)
        return (found, NOW) if found else None

    async def filled_for(self, request, arguments):
        return dict(arguments)

    async def look_for(self, request, arguments):
        self.looked.append((request.call.tool, arguments))
        return {"file": None}

    async def preview(self, action):
        self.previewed.append(action)
        return self._preview, self.stored

    async def refuse(self, action, result):
        self.refused.append(result)

    async def decide(self, action):
        self.decided.append(action)
        known = await self.load(action.request)
        unknown = Result(Effect.REFUSED, "unknown_request")
        return (self._says if known else unknown), known

    async def views_open(self, *, trigger_id, view):
        assert trigger_id == "1.2.x"
        assert view_errors(view) == []
        if self.trouble:
            raise self.trouble
        self.opened.append(view)
        return SimpleNamespace(data={"view": {"id": "V1", "hash": "h"}})

    async def tell(self, person, *said):
        self.told.append((person.user, *said))

    async def ack(self, **answer):
        self.acks.append(answer)

    async def click(self, action_id, body):
        await handlers_of(clicks, self)(action_id)(self.ack, body)

    async def send(self, form, **values):
        """Submit a form; `values` by `block_id`."""
        filled = {**form, "state": {"values": state_of(form["blocks"], values)}}
        body = {**SUBMISSION, "view": {"id": "V1", **filled}}
        await handlers_of(submissions, self)(form["callback_id"])(self.ack, body)


def menu(word: str, token: str = "req-1") -> dict[str, Any]:
    option = {"value": f"{word}:{token}"}
    action = {"action_id": "more", "type": "overflow", "selected_option": option}
    return click_of(actions=[{**action, "action_ts": "1.5"}])


def typed(token: str = "req-1") -> dict[str, Any]:
    return click_of(actions=[{"action_id": "approve_typed", "value": token}])


OPENERS = [
    ("more", menu("reject"), Verdict.REJECT, "reject_reason"),
    ("more", menu("edit"), Verdict.EDIT, "edit"),
    ("more", menu("answer"), Verdict.ANSWER, "answer"),
    ("approve_typed", typed(), Verdict.APPROVE, "approve_typed"),
]


@pytest.mark.parametrize(("action_id", "body", "verdict", "form"), OPENERS)
async def test_whoever_may_decide_gets_the_form_and_nothing_is_written(
    monkeypatch, action_id, body, verdict, form
):
    house = House(monkeypatch, request(allow=ALL, confirm=Confirm.TYPED))
    await house.click(action_id, body)
    assert [view["callback_id"] for view in house.opened] == [form]
    assert CardRef.from_json(house.opened[0]["private_metadata"]) == CARD
    assert house.decided == []
    assert house.acks == [{}]
    (asked,) = house.previewed
    assert (asked.verdict, asked.request) == (verdict, "req-1")
    assert asked.arguments == {"path": "reports/q3.csv"}
    assert asked.person == person(MINA)


@pytest.mark.parametrize(
    "trouble",
    [
        SlackApiError("", {"ok": False, "error": "expired_trigger_id"}),
        aiohttp.ServerDisconnectedError(),
        TimeoutError(),
    ],
)
@pytest.mark.parametrize(("action_id", "body"), [opener[:2] for opener in OPENERS])
async def test_whoever_gets_no_form_is_told_after_an_ack(
    monkeypatch, action_id, body, trouble
):
    house = House(monkeypatch, request(allow=ALL, confirm=Confirm.TYPED))
    house.trouble = trouble
    await house.click(action_id, body)
    assert house.told == [("U0MINA", NOT_OPENED, "C2", "")]
    assert house.acks == [{}]
    assert (house.opened, house.decided) == ([], [])


@pytest.mark.parametrize("word", ["edit_same", "typed_wrong", "answer_empty"])
async def test_what_the_form_will_bring_does_not_keep_it_closed(monkeypatch, word):
    house = House(monkeypatch, request(), Result(Effect.REFUSED, word))
    await house.click("more", menu("edit"))
    assert len(house.opened) == 1
    assert house.decided == []


@pytest.mark.parametrize(("action_id", "body", "verdict", "form"), OPENERS)
@pytest.mark.parametrize(
    "preview",
    [
        REFUSED,
        Result(Effect.LATE, "approved"),
        Result(Effect.TIMED_OUT),
        Result(Effect.REPEATED),
    ],
)
async def test_whoever_may_not_is_told_and_sees_no_form(
    monkeypatch, action_id, body, verdict, form, preview
):
    house = House(monkeypatch, request(), preview, REFUSED)
    await house.click(action_id, body)
    assert house.opened == []
    assert house.acks == [{}]
    if preview.effect is Effect.TIMED_OUT:  # it closes the request, which is a change
        (told,) = house.decided
        assert (told.verdict, told.request) == (verdict, "req-1")
        assert (told.reason, told.typed) == ("", "")
    else:
        assert house.decided == []
        assert house.refused == [preview]


@pytest.mark.parametrize(
    ("action_id", "body"),
    [
        ("more", menu("edit", "gone")),
        ("more", menu("view", "gone")),
        ("more", menu("dance")),
        ("more", click_of(actions=[{"action_id": "more"}])),
        ("view_full", click_of(actions=[{"action_id": "view_full", "value": "gone"}])),
        ("approve_typed", typed("gone")),
    ],
)
async def test_nothing_that_names_no_request_is_silent(monkeypatch, action_id, body):
    house = House(monkeypatch, request())
    await house.click(action_id, body)
    assert house.opened == []
    assert house.acks == [{}]
    (told,) = house.decided
    assert told.request in ("gone", "")


@pytest.mark.parametrize(
    ("action_id", "body"),
    [
        ("more", menu("view")),
        ("view_full", click_of(actions=[{"action_id": "view_full", "value": "req-1"}])),
    ],
)
async def test_anybody_can_look_at_the_whole_arguments(monkeypatch, action_id, body):
    house = House(monkeypatch, request(), REFUSED)
    await house.click(action_id, body)
    (view,) = house.opened
    assert view["callback_id"] == "approve_full"
    assert view["submit"]["text"] == "Approve"
    assert (house.decided, house.previewed) == ([], [])


async def test_from_an_older_card_the_whole_arguments_offer_no_approve(monkeypatch):
    moved = request(channel="C9", ts="2.2")
    house = House(monkeypatch, moved)
    await house.click("more", menu("view"))
    assert "submit" not in house.opened[0]


async def test_withdraw_in_the_menu_decides_at_once(monkeypatch):
    house = House(monkeypatch, request())
    await house.click("more", menu("withdraw"))
    (action,) = house.decided
    assert (action.verdict, action.request) == (Verdict.WITHDRAW, "req-1")
    assert action.place == Place(
        "A1",
        "C2",
        "1795426300.000100",
        CLICK["message"]["metadata"]["event_payload"]["delivery"],
    )
    assert house.opened == []


async def test_a_plain_approve_opens_the_typed_form_if_needed(monkeypatch):
    asked = request(confirm=Confirm.TYPED, confirm_argument="path")
    house = House(monkeypatch, asked, says=Result(Effect.REFUSED, "typed_wrong"))
    await house.click("approve", CLICK)
    assert [view["callback_id"] for view in house.opened] == ["approve_typed"]


async def test_an_ordinary_approve_opens_nothing(monkeypatch):
    house = House(monkeypatch, request(), says=REFUSED)
    await house.click("approve", CLICK)
    assert house.opened == []


async def test_a_reason_reaches_the_decision(monkeypatch):
    house = House(monkeypatch, request())
    await house.send(reason_form(request(), CARD), reason=" Too risky.\n")
    (action,) = house.decided
    assert (action.verdict, action.reason) == (Verdict.REJECT, "Too risky.")
    assert action.place == Place("A1", CARD.channel, CARD.ts, CARD.card)
    assert action.click == "view:V1:req-1"
    assert house.acks == [{}]


async def test_a_typed_value_reaches_the_decision_as_it_was_typed(monkeypatch):
    asked = request(confirm=Confirm.TYPED, confirm_argument="path")
    house = House(monkeypatch, asked)
    await house.send(typed_form(asked, CARD), typed="reports/q3.csv ")
    (action,) = house.decided
    assert (action.verdict, action.typed) == (Verdict.APPROVE, "reports/q3.csv ")


async def test_an_answer_reaches_the_decision(monkeypatch):
    house = House(monkeypatch, request(allow=ALL))
    await house.send(answer_form(request(), CARD), reason="Use q2.")
    (action,) = house.decided
    assert (action.verdict, action.reason) == (Verdict.ANSWER, "Use q2.")


async def test_an_edit_brings_the_whole_new_arguments(monkeypatch):
    asked = request(arguments={"path": "a", "amount": 5}, confirm=Confirm.TYPED)
    house = House(monkeypatch, asked)
    form = edit_form(asked, CARD)
    await house.send(form, typed="K7QP", **{"argument-1": "7"})
    (action,) = house.decided
    assert action.verdict is Verdict.EDIT
    assert action.arguments == {"path": "a", "amount": 7}
    assert action.typed == "K7QP"


async def test_an_unreadable_input_is_reported_there_and_decides_nothing(
    monkeypatch,
):
    asked = request(arguments={"tags": [1]})
    house = House(monkeypatch, asked)
    await house.send(edit_form(asked, CARD), **{"argument-0": "[1"})
    assert house.decided == []
    (answer,) = house.acks
    assert answer["response_action"] == "errors"
    assert "JSON" in answer["errors"]["argument-0"]


async def test_an_edit_of_outdated_arguments_is_not_read(
    monkeypatch,
):
    asked = request(arguments={"amount": 5}, token="t-2")
    form = edit_form(request(arguments={"amount": 5}), CardRef("spent", "C2", "1.1"))
    superseded = Result(Effect.REFUSED, "superseded")
    house = House(monkeypatch, asked, says=superseded)
    await house.send(form, **{"argument-0": "9000"})
    (action,) = house.decided
    assert action.request == "spent"
    assert action.arguments == asked.call.arguments
    assert house.acks == [{}]


@pytest.mark.parametrize(
    ("word", "detail", "block"),
    [
        ("edit_invalid", "amount: 7 is too much", "argument-1"),
        ("edit_denied", "Not on Fridays.", "argument-0"),
        ("edit_unfillable", "directors", "argument-0"),
        ("edit_same", "", "argument-0"),
        ("typed_wrong", "", "typed"),
    ],
)
async def test_what_the_form_can_mend_stands_at_its_input(
    monkeypatch, word, detail, block
):
    asked = request(arguments={"path": "a", "amount": 5}, confirm=Confirm.TYPED)
    says = Result(Effect.REFUSED, word, detail)
    house = House(monkeypatch, asked, says=says)
    await house.send(edit_form(asked, CARD))
    (answer,) = house.acks
    assert answer["response_action"] == "errors"
    assert list(answer["errors"]) == [block]


async def test_an_empty_answer_is_said_at_its_input(monkeypatch):
    house = House(monkeypatch, request(), says=Result(Effect.REFUSED, "answer_empty"))
    await house.send(answer_form(request(), CARD), reason=" ")
    assert list(house.acks[0]["errors"]) == ["reason"]


@pytest.mark.parametrize("build", ["full", "edit"])
async def test_an_outdated_form_gets_the_typed_field_now_required(monkeypatch, build):
    before = request()
    now = request(confirm=Confirm.TYPED, confirm_argument="path")
    forms = {
        "full": full_view(RequestView(before, NOW), CARD),
        "edit": edit_form(before, CARD),
    }
    house = House(monkeypatch, now, says=Result(Effect.REFUSED, "typed_wrong"))
    await house.send(forms[build])
    (answer,) = house.acks
    assert answer["response_action"] == "update"
    assert view_errors(answer["view"]) == []
    assert "typed" in [block["block_id"] for block in answer["view"]["blocks"]]
    assert CardRef.from_json(answer["view"]["private_metadata"]) == CARD


@pytest.mark.parametrize("form", [reason_form, answer_form, edit_form])
async def test_other_refusals_close_the_form(monkeypatch, form):
    house = House(monkeypatch, request(), says=REFUSED)
    await house.send(form(request(), CARD), reason="x")
    assert house.acks == [{}]


async def test_a_form_is_not_acknowledged_before_its_word_is_written(monkeypatch):
    house = House(monkeypatch, request())

    async def fails(_choice):
        raise TimeoutError

    house.decider.decide = fails
    with pytest.raises(TimeoutError):
        await house.send(reason_form(request(), CARD), reason="x")
    assert house.acks == []
