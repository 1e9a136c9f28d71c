"""A click on a button of a message, or on its menu."""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals.model import Mark, Verdict
from bot.slack.cards.view import (
    ANSWER,
    APPROVE,
    APPROVE_ALL,
    APPROVE_TYPED,
    ASK_AGAIN,
    HISTORY,
    MARK_DONE,
    MARK_NOT_DONE,
    MORE,
    MORE_ANSWER,
    MORE_HISTORY,
    MORE_VIEW,
    MORE_WITHDRAW,
    REJECT,
    REJECT_ALL,
    TRY_AGAIN,
    VIEW_FULL,
    WITHDRAW,
)
from bot.slack.listeners.bundles import decide_all
from bot.slack.listeners.opening import (
    FORMS,
    open_form,
    open_full_view,
    open_history,
    show_form,
)
from bot.slack.listeners.parts import Body, Parts
from bot.slack.listeners.translating import choice_of, option_of, value_of

_MARKS = {
    MARK_DONE: Mark.DONE,
    MARK_NOT_DONE: Mark.NOT_DONE,
    ASK_AGAIN: Mark.AGAIN,
}
_ALL = {APPROVE_ALL: Verdict.APPROVE, REJECT_ALL: Verdict.REJECT}
_WITHDRAW = re.compile(rf"^{WITHDRAW}(_\d+)?$")  # one block may hold several


def register(app: AsyncApp, parts: Parts) -> None:
    """Listen to buttons and menus; a choice is written down before the ack."""

    async def handle_approve(ack: AsyncAck, body: Body) -> None:
        choice = choice_of(body, value_of(body), Verdict.APPROVE)
        judgement, request = await parts.decider.decide(choice)
        if judgement.word == "typed_wrong" and request:  # a card from before that rule
            await show_form(parts, body, APPROVE_TYPED, request)
        await ack()

    async def handle_reject(ack: AsyncAck, body: Body) -> None:
        await parts.decider.decide(choice_of(body, value_of(body), Verdict.REJECT))
        await ack()

    async def handle_withdraw(ack: AsyncAck, body: Body) -> None:
        await parts.decider.decide(choice_of(body, value_of(body), Verdict.WITHDRAW))
        await ack()

    async def handle_typed(ack: AsyncAck, body: Body) -> None:
        await open_form(parts, body, APPROVE_TYPED, value_of(body))
        await ack()

    async def handle_more(ack: AsyncAck, body: Body) -> None:
        await _take_from_menu(parts, body)
        await ack()

    _register_questions(app, parts)
    _register_all(app, parts)
    app.action(APPROVE)(handle_approve)
    app.action(REJECT)(handle_reject)
    app.action(_WITHDRAW)(handle_withdraw)
    app.action(APPROVE_TYPED)(handle_typed)
    app.action(MORE)(handle_more)
    _register_looking(app, parts)


def _register_looking(app: AsyncApp, parts: Parts) -> None:
    """Buttons that change nothing."""

    async def handle_view(ack: AsyncAck, body: Body) -> None:
        await open_full_view(parts, body, value_of(body))
        await ack()

    async def handle_history(ack: AsyncAck, body: Body) -> None:
        await open_history(parts, body, value_of(body))
        await ack()

    app.action(VIEW_FULL)(handle_view)
    app.action(HISTORY)(handle_history)


def _register_questions(app: AsyncApp, parts: Parts) -> None:
    async def handle_answer(ack: AsyncAck, body: Body) -> None:
        await open_form(parts, body, MORE_ANSWER, value_of(body))
        await ack()

    async def handle_mark(ack: AsyncAck, body: Body) -> None:
        choice = choice_of(body, value_of(body), Verdict.APPROVE)
        await parts.marker.mark(choice, _MARKS[body["actions"][0]["action_id"]])
        await ack()

    async def handle_again(ack: AsyncAck, body: Body) -> None:
        choice = choice_of(body, value_of(body), Verdict.APPROVE)
        await parts.retrier.try_again(choice)
        await ack()

    for action in _MARKS:
        app.action(action)(handle_mark)
    app.action(TRY_AGAIN)(handle_again)
    app.action(ANSWER)(handle_answer)


def _register_all(app: AsyncApp, parts: Parts) -> None:
    async def handle_all(ack: AsyncAck, body: Body) -> None:
        await decide_all(parts, body, _ALL[body["actions"][0]["action_id"]])
        await ack()

    for action in _ALL:
        app.action(action)(handle_all)


async def _take_from_menu(parts: Parts, body: Body) -> None:
    word, token = option_of(body)
    if word in FORMS:
        await open_form(parts, body, word, token)
    elif word == MORE_VIEW:
        await open_full_view(parts, body, token)
    elif word == MORE_HISTORY:
        await open_history(parts, body, token)
    elif word == MORE_WITHDRAW:
        await parts.decider.decide(choice_of(body, token, Verdict.WITHDRAW))
    else:  # an option that no card of ours has: the person is told so
        await parts.decider.decide(choice_of(body, "", Verdict.REJECT))
