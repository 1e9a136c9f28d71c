"""Questions of a tool's server: the form, the answer, the decline."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals.model import Verdict
from bot.conversations.server_questions import Click
from bot.slack.cards.edit_form import Edited
from bot.slack.cards.modal import CardRef
from bot.slack.cards.server_question import (
    SERVER_FORM,
    input_about,
    server_answer,
    server_form,
)
from bot.slack.cards.view import ANSWER_SERVER, DECLINE_SERVER
from bot.slack.deps import Deps
from bot.slack.listeners.clicks import open_modal, then_ack
from bot.slack.listeners.translating import (
    Body,
    choice_of_view,
    person_of,
    place_of,
    value_of,
    values_of,
)


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to the buttons and the form; an answer is written before the ack."""

    async def submit(ack: AsyncAck, body: Body) -> None:
        await ack(**await _submit(deps, body))

    app.action(ANSWER_SERVER)(then_ack(deps, _open))
    app.action(DECLINE_SERVER)(then_ack(deps, _decline))
    app.view(SERVER_FORM)(submit)


def _click(body: Body, verdict: str) -> Click:
    return Click(value_of(body), person_of(body), place_of(body), verdict)


async def _decline(deps: Deps, body: Body) -> None:
    await deps.answers.take(_click(body, "decline"))


async def _open(deps: Deps, body: Body) -> None:
    """Open the form, for the one person who may answer."""
    question, _ = await deps.answers.take(_click(body, "answer"))
    if question is None:
        return
    place, delivery = place_of(body), str(question["delivery_id"])
    where = (place.channel, place.message, place.thread)
    card = CardRef(delivery, *where, card=delivery)
    await open_modal(deps, body, server_form(question, card))


async def _submit(deps: Deps, body: Body) -> dict[str, Any]:
    """Send the answer; what Slack is told to do with the view."""
    action = choice_of_view(body, Verdict.ANSWER)
    if action.place is None:
        return {}
    question = await deps.answers.look(action.request)
    found = server_answer(question, values_of(body)) if question else Edited()
    content = None if found.errors else found.arguments
    click = Click(action.request, action.person, action.place, "answer", content)
    taken, wrong = await deps.answers.take(click)
    if taken is None:
        return {}
    errors = {input_about(taken, wrong): wrong} if wrong else found.errors
    return {"response_action": "errors", "errors": errors} if errors else {}
