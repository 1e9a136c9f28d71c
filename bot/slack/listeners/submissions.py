"""A submitted modal becomes a choice; what is wrong with it stands at its inputs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals.comments import add_reason
from bot.approvals.judge import Result
from bot.approvals.model import Action, Effect, Request, Verdict
from bot.slack.cards.arguments import TYPED
from bot.slack.cards.edit_form import EDIT_FORM, edit_form, edited, input_of
from bot.slack.cards.forms import (
    ANSWER_FORM,
    APPROVE_TYPED_FORM,
    LATE_REASON,
    REASON,
    REJECT_REASON,
    answer_entered,
    answer_form,
    as_arguments,
    typed_form,
)
from bot.slack.cards.modal import CardRef, entered
from bot.slack.deps import Deps
from bot.slack.full_text import APPROVE_FULL
from bot.slack.listeners.translating import (
    Body,
    card_of,
    choice_of_view,
    values_of,
)
from bot.texts.clicks import in_form

Answer = dict[str, Any]  # what Slack is told to do with the view; {} closes it
VERDICTS = {
    APPROVE_FULL: Verdict.APPROVE,
    APPROVE_TYPED_FORM: Verdict.APPROVE,
    REJECT_REASON: Verdict.REJECT,
}


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to the modals; a choice is written down before the ack."""

    def handler(
        submit: Callable[[Deps, Body], Awaitable[Answer]],
    ) -> Callable[[AsyncAck, Body], Awaitable[None]]:
        async def handle(ack: AsyncAck, body: Body) -> None:
            await ack(**await submit(deps, body))

        return handle

    for callback_id in VERDICTS:
        app.view(callback_id)(handler(_submit))
    app.view(LATE_REASON)(handler(_submit_reason))
    app.view(EDIT_FORM)(handler(_submit_edit))
    app.view(ANSWER_FORM)(handler(_submit_answer))


def choice_from(body: Body) -> Action:
    """Translate a submission, but for the values of an edit or a question's form."""
    kind = body["view"].get("callback_id")
    other = Verdict.ANSWER if kind == ANSWER_FORM else Verdict.EDIT
    verdict = VERDICTS.get(kind, other)
    values = values_of(body)
    return replace(
        choice_of_view(body, verdict),
        reason=(entered(values, REASON) or "").strip(),
        typed=entered(values, TYPED) or "",
    )


async def _submit(deps: Deps, body: Body) -> Answer:
    return await _decide(deps, body, choice_from(body))


async def _submit_reason(deps: Deps, body: Body) -> Answer:
    action = replace(choice_from(body), verdict=Verdict.REJECT)
    pool, own_app = deps.listener_pool, deps.decider.own_app()
    if code := await add_reason(pool, deps.jobs, action, own_app):
        await deps.decider.refuse(action, Result(Effect.REFUSED, code))
    return {}


async def _submit_edit(deps: Deps, body: Body) -> Answer:
    action, values = choice_from(body), values_of(body)
    request = await deps.load(action.request)
    if request is None:
        return await _decide(deps, body, action)
    if request.place.token != action.request:  # the form shows arguments that are gone
        stale = replace(action, arguments=request.call.arguments)
        return await _decide(deps, body, stale)
    found = edited(request, values)
    if found.errors:
        return _errors(found.errors)
    arguments = await deps.filled_for(request, found.arguments)
    seen = await deps.look_for(request, arguments)
    edit = replace(action, arguments=arguments, seen=seen)
    return await _decide(deps, body, edit)


async def _submit_answer(deps: Deps, body: Body) -> Answer:
    action, values = choice_from(body), values_of(body)
    request = await deps.load(action.request)
    form = request.call.form if request else None
    if request is None or form is None or request.place.token != action.request:
        return await _decide(deps, body, action)
    value, found = answer_entered(request, values)
    if found.errors:
        return _errors(found.errors)
    return await _decide(deps, body, replace(action, value=value))


async def _decide(deps: Deps, body: Body, action: Action) -> Answer:
    result, request = await deps.decider.decide(action)
    sentence = in_form(result, request) if request else ""
    if request is None or not sentence:
        return {}
    block = _input_of(result, request, values_of(body))
    if block:
        return _errors({block: sentence})
    card = replace(card_of(body), request=request.place.token)
    return {"response_action": "update", "view": _anew(action, request, card)}


def _input_of(result: Result, request: Request, values: Mapping[str, Any]) -> str:
    """The `block_id` of the input that is to be mended, "" if the view lacks it."""
    wanted = {"typed_wrong": TYPED, "answer_empty": REASON}.get(result.code)
    if wanted:
        return wanted if wanted in values else ""
    asked = as_arguments(request) if result.code == "answer_invalid" else request
    return input_of(asked, values, result.detail)


def _anew(action: Action, request: Request, card: CardRef) -> Answer:
    """A form with the input that the rule has asked for since this one was opened."""
    if action.verdict is Verdict.ANSWER:
        return answer_form(request, card)
    build = edit_form if action.verdict is Verdict.EDIT else typed_form
    return build(request, card)


def _errors(errors: dict[str, str]) -> Answer:
    return {"response_action": "errors", "errors": errors}
