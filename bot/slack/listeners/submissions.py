"""A submitted modal becomes a choice; what is wrong with it stands at its inputs.

*Approve for…* and the questions of a tool's server open their forms here too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals.comments import add_reason
from bot.approvals.judge import Result
from bot.approvals.model import CHANGES, Action, Effect, Request, Verdict
from bot.approvals.standing_grants import (
    NOTHING,
    GivingAction,
    Wish,
    offer_of,
)
from bot.conversations.tool_servers import Click
from bot.slack.cards.arguments import TYPED
from bot.slack.cards.blocks import CardRef, entered
from bot.slack.cards.edit_form import (
    EDIT_FORM,
    SERVER_FORM,
    Edited,
    edit_form,
    edited,
    input_of,
    server_answer,
    server_form,
)
from bot.slack.cards.fields import fields_from, fields_of
from bot.slack.cards.forms import (
    ANSWER_FORM,
    APPROVE_STANDING,
    APPROVE_TYPED_FORM,
    LATE_REASON,
    REASON,
    REJECT_REASON,
    answer_entered,
    answer_form,
    as_arguments,
    standing_form,
    typed_form,
    wish_from,
)
from bot.slack.cards.view import ANSWER_SERVER, APPROVE_FOR, DECLINE_SERVER
from bot.slack.deps import Deps
from bot.slack.full_text import APPROVE_FULL
from bot.slack.listeners.clicks import (
    Body,
    action_from_click,
    action_from_view,
    card_of,
    card_ref,
    open_modal,
    person_of,
    place_of,
    then_ack,
    value_of,
    values_of,
)
from bot.texts.clicks import in_form, standing_given

ViewAnswer = dict[str, Any]  # what Slack is told to do with the view; {} closes it
VERDICTS = {
    APPROVE_FULL: Verdict.APPROVE,
    APPROVE_TYPED_FORM: Verdict.APPROVE,
    REJECT_REASON: Verdict.REJECT,
}


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to the modals; what a person decides is written before the ack."""

    def handler(
        submit: Callable[[Deps, Body], Awaitable[ViewAnswer]],
    ) -> Callable[[AsyncAck, Body], Awaitable[None]]:
        async def handle(ack: AsyncAck, body: Body) -> None:
            await ack(**await submit(deps, body))

        return handle

    for callback_id in VERDICTS:
        app.view(callback_id)(handler(_submit))
    app.view(LATE_REASON)(handler(_submit_reason))
    app.view(EDIT_FORM)(handler(_submit_edit))
    app.view(ANSWER_FORM)(handler(_submit_answer))
    app.action(APPROVE_FOR)(then_ack(deps, open_standing))
    app.view(APPROVE_STANDING)(then_ack(deps, submit_standing))
    app.action(ANSWER_SERVER)(then_ack(deps, _open_for_server))
    app.action(DECLINE_SERVER)(then_ack(deps, _decline_server))
    app.view(SERVER_FORM)(handler(_submit_to_server))


def action_from_form(body: Body) -> Action:
    """Translate a submission, but for the values of an edit or a question's form."""
    kind = body["view"].get("callback_id")
    other = Verdict.ANSWER if kind == ANSWER_FORM else Verdict.EDIT
    verdict = VERDICTS.get(kind, other)
    values = values_of(body)
    return replace(
        action_from_view(body, verdict),
        reason=(entered(values, REASON) or "").strip(),
        typed=entered(values, TYPED) or "",
    )


async def _submit(deps: Deps, body: Body) -> ViewAnswer:
    return await _decide(deps, body, action_from_form(body))


async def _submit_reason(deps: Deps, body: Body) -> ViewAnswer:
    action = replace(action_from_form(body), verdict=Verdict.REJECT)
    pool, own_app = deps.listener_pool, deps.decider.own_app()
    if code := await add_reason(pool, deps.jobs, action, own_app):
        await deps.decider.refuse(action, Result(Effect.REFUSED, code))
    return {}


async def _submit_edit(deps: Deps, body: Body) -> ViewAnswer:
    action, values = action_from_form(body), values_of(body)
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


async def _submit_answer(deps: Deps, body: Body) -> ViewAnswer:
    action, values = action_from_form(body), values_of(body)
    request = await deps.load(action.request)
    form = request.call.form if request else None
    if request is None or form is None or request.place.token != action.request:
        return await _decide(deps, body, action)
    value, found = answer_entered(request, values)
    if found.errors:
        return _errors(found.errors)
    return await _decide(deps, body, replace(action, value=value))


async def _decide(deps: Deps, body: Body, action: Action) -> ViewAnswer:
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
    return input_of(fields_of(asked), values, result.detail)


def _anew(action: Action, request: Request, card: CardRef) -> ViewAnswer:
    """A form with the input that the rule has asked for since this one was opened."""
    if action.verdict is Verdict.ANSWER:
        return answer_form(request, card)
    build = edit_form if action.verdict is Verdict.EDIT else typed_form
    return build(request, card)


def _errors(errors: dict[str, str]) -> ViewAnswer:
    return {"response_action": "errors", "errors": errors}


# --- *Approve for…*: a form that decides nothing, and the submission that does --------


async def open_standing(deps: Deps, body: Body) -> None:
    """Open the form, or have the person told why there is none for them."""
    action = _giving(action_from_click(body, value_of(body), Verdict.APPROVE), None)
    request = await deps.load(action.request)
    offer = offer_of(deps.policies.current, request) if request else None
    result, _ = await deps.decider.preview(action)
    if result.effect is Effect.TIMED_OUT or request is None or offer is None:
        await deps.decider.decide(_giving(action, NOTHING))
    elif result.effect in CHANGES:
        form = standing_form(request, card_ref(body, request), offer)
        await open_modal(deps, body, form)
    else:
        await deps.decider.refuse(action, result)


async def submit_standing(deps: Deps, body: Body) -> None:
    """Approve the request and store the grant, both or neither."""
    action = action_from_view(body, Verdict.APPROVE)
    request = await deps.load(action.request)
    offer = offer_of(deps.policies.current, request) if request else None
    wish = wish_from(request, values_of(body), offer) if request and offer else None
    # without one the policy has changed, or no form of ours was sent
    result, _ = await deps.decider.decide(_giving(action, wish or NOTHING))
    if request and result.effect in CHANGES and not result.code:
        await _tell_giver(deps, action, request)


async def _tell_giver(deps: Deps, action: Action, request: Request) -> None:
    """Say privately what was allowed, and by which code it is revoked."""
    who, place = action.person, action.place
    grants = await deps.grants.list_standing(who.team, who.user)
    grant = next((each for each in grants if each.request == request.id), None)
    if grant is None or place is None:
        return
    text = standing_given(grant.code, grant.expires_at, grant.uses)
    await deps.tell(who, text, place.channel, place.thread)


def _giving(action: Action, wish: Wish | None) -> GivingAction:
    return GivingAction(**vars(action), wish=wish)


# --- Questions of a tool's server: the form, the answer, the decline ------------------


def _server_click(body: Body, verdict: str) -> Click:
    return Click(value_of(body), person_of(body), place_of(body), verdict)


async def _decline_server(deps: Deps, body: Body) -> None:
    await deps.answers.take(_server_click(body, "decline"))


async def _open_for_server(deps: Deps, body: Body) -> None:
    """Open the form, for the one person who may answer."""
    question, _ = await deps.answers.take(_server_click(body, "answer"))
    if question is None:
        return
    place, delivery = place_of(body), str(question["delivery_id"])
    where = (place.channel, place.message, place.thread)
    card = CardRef(delivery, *where, card=delivery)
    await open_modal(deps, body, server_form(question, card))


async def _submit_to_server(deps: Deps, body: Body) -> ViewAnswer:
    """Send the answer; what Slack is told to do with the view."""
    action = action_from_view(body, Verdict.ANSWER)
    if action.place is None:
        return {}
    question = await deps.answers.look(action.request)
    values = values_of(body)
    found = server_answer(question, values) if question else Edited()
    content = None if found.errors else found.arguments
    click = Click(action.request, action.person, action.place, "answer", content)
    taken, wrong = await deps.answers.take(click)
    if taken is None:
        return {}
    if wrong:
        asked = fields_from(taken["schema"])
        return _errors({input_of(asked, values, wrong): wrong})
    return _errors(found.errors) if found.errors else {}
