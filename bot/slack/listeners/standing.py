"""*Approve for…*: a form that decides nothing, and the submission that does."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.approvals.model import CHANGES, Action, Effect, Request, Verdict
from bot.approvals.standing_grants import (
    NOTHING,
    GivingAction,
    Wish,
    offer_of,
)
from bot.slack.cards.forms import APPROVE_STANDING, standing_form, wish_from
from bot.slack.cards.view import APPROVE_FOR
from bot.slack.deps import Deps
from bot.slack.listeners.clicks import card_ref, open_modal, then_ack
from bot.slack.listeners.translating import (
    Body,
    choice_of,
    choice_of_view,
    value_of,
    values_of,
)
from bot.texts.clicks import standing_given


def register(app: AsyncApp, deps: Deps) -> None:
    """Listen to the button and to its form; the grant is written before the ack."""

    app.action(APPROVE_FOR)(then_ack(deps, open_standing))
    app.view(APPROVE_STANDING)(then_ack(deps, submit_standing))


async def open_standing(deps: Deps, body: Body) -> None:
    """Open the form, or have the person told why there is none for them."""
    action = _giving(choice_of(body, value_of(body), Verdict.APPROVE), None)
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
    action = choice_of_view(body, Verdict.APPROVE)
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
