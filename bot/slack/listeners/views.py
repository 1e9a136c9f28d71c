"""The whole arguments of a request in a modal, and Approve there."""

from __future__ import annotations

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.approvals import store
from bot.approvals.eligibility import who_can_decide
from bot.approvals.judge import Choice, Place
from bot.approvals.model import Verdict
from bot.slack.cards.full_view import APPROVE_FULL, CardRef, full_view
from bot.slack.cards.view import VIEW_FULL, RequestView
from bot.slack.listeners.clicks import place_of
from bot.slack.listeners.parts import Body, Parts, person_of


def register(app: AsyncApp, parts: Parts) -> None:
    """Opening reads and calls `views.open` once; approving is a choice like a click."""

    async def handle_view_full(ack: AsyncAck, body: Body) -> None:
        place = place_of(body)
        request_id = str(body["actions"][0].get("value") or "")
        view = await _load(parts, request_id)
        if view is not None:
            modal = full_view(view, place.channel, place.message)
            await parts.client.views_open(trigger_id=body["trigger_id"], view=modal)
        await ack()

    async def handle_approve_full(ack: AsyncAck, body: Body) -> None:
        await parts.decider.decide(choice_from_view(body))
        await ack()

    app.action(VIEW_FULL)(handle_view_full)
    app.view(APPROVE_FULL)(handle_approve_full)


async def _load(parts: Parts, request_id: str) -> RequestView | None:
    async with parts.pool.connection() as connection:
        found = await store.load_with_clock(connection, request_id)
    return RequestView(*found, who_can_decide(found[0])) if found else None


def choice_from_view(body: Body) -> Choice:
    """Translate a `view_submission` payload; the card is named by its metadata."""
    view = body["view"]
    card = _card_of(view.get("private_metadata") or "")
    return Choice(
        request=card.request,
        person=person_of(body),
        verdict=Verdict.APPROVE,
        via="slack",
        place=Place(str(body.get("api_app_id") or ""), card.channel, card.ts),
        click=f"view:{view.get('id')}",
    )


def _card_of(metadata: str) -> CardRef:
    """The card that a view names; metadata that is not ours names no request."""
    try:
        return CardRef.from_json(metadata)
    except ValueError:
        return CardRef("", "", "")
