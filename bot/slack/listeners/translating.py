"""Translate a payload of Slack's into a person's action, in a place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.approvals.model import Action, Person, Place, Verdict
from bot.slack.cards.blocks import CardRef
from bot.slack.delivery import EVENT_TYPE


def action_from_click(body: Body, request: str, verdict: Verdict) -> Action:
    """Read a `block_actions` payload as an action on a request.

    `request` is what the button or the menu's option carries.
    """
    action: Mapping[str, Any] = body["actions"][0]
    return Action(
        request=request,
        person=person_of(body),
        verdict=verdict,
        via="slack",
        place=place_of(body),
        click=str(action.get("action_ts") or ""),
    )


def action_id_of(body: Body) -> str:
    """Return the `action_id` of the button or menu."""
    return str(body["actions"][0]["action_id"])


def value_of(body: Body) -> str:
    """Return the value that the button carries."""
    return str(body["actions"][0].get("value") or "")


def option_of(body: Body) -> tuple[str, str]:
    """Return the menu's word that was chosen, and the request that it carries."""
    action: Mapping[str, Any] = body["actions"][0]
    option: Mapping[str, Any] = action.get("selected_option") or {}
    word, _, request = str(option.get("value") or "").partition(":")
    return word, request


def place_of(body: Body) -> Place:
    """Return the app, channel and message that the payload names."""
    container: Mapping[str, Any] = body.get("container") or {}
    channel: Mapping[str, Any] = body.get("channel") or {}
    message: Mapping[str, Any] = body.get("message") or {}
    return Place(
        app=str(body.get("api_app_id") or ""),
        channel=str(container.get("channel_id") or channel.get("id") or ""),
        message=str(container.get("message_ts") or message.get("ts") or ""),
        card=_delivery_of(message),
        thread=str(container.get("thread_ts") or ""),
    )


def _delivery_of(message: Mapping[str, Any]) -> str:
    metadata: Mapping[str, Any] = message.get("metadata") or {}
    payload: Mapping[str, Any] = metadata.get("event_payload") or {}
    ours = metadata.get("event_type") == EVENT_TYPE
    return str(payload.get("delivery") or "") if ours else ""


def action_from_view(body: Body, verdict: Verdict) -> Action:
    """A `view_submission` payload; the card is named by the view's metadata."""
    view: Mapping[str, Any] = body["view"]
    card = card_of(body)
    app = str(body.get("api_app_id") or "")
    return Action(
        request=card.request,
        person=person_of(body),
        verdict=verdict,
        via="slack",
        place=Place(app, card.channel, card.ts, card.card, card.thread),
        # one view is sent again where its first word did not stand
        click=f"view:{view.get('id')}:{card.request}",
    )


def card_of(body: Body) -> CardRef:
    """The card that a view names; metadata that is not ours names no request."""
    try:
        return CardRef.from_json(body["view"].get("private_metadata") or "")
    except ValueError:
        return CardRef("", "", "")


def values_of(body: Body) -> Mapping[str, Any]:
    """Return the values of a view's inputs: `state.values`."""
    state: Mapping[str, Any] = body["view"].get("state") or {}
    return state.get("values") or {}


Body = Mapping[str, Any]


def person_of(body: Body) -> Person:
    """Return the person who acted, by the signed payload of an interaction.

    The team is the one that the app is installed in, as the payload says. It is not
    `user.team_id`, which may be another workspace of the organisation, or its own id;
    whether the person is one of ours is for `users.info` to say. A form says itself
    where its app is installed, since it may be sent from another workspace.
    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    user: Mapping[str, Any] = body["user"]
    team: Mapping[str, Any] = body.get("team") or {}
    view: Mapping[str, Any] = body.get("view") or {}
    enterprise: Mapping[str, Any] = body.get("enterprise") or {}
    installed = view.get("app_installed_team_id") or team.get("id")
    where = installed or user.get("team_id") or ""
    return Person(str(enterprise.get("id") or ""), str(where), str(user["id"]))
