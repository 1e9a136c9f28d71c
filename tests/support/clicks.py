"""A click and a submitted view as Slack sends them, and the listeners they reach."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

from bot.approvals.model import Request
from bot.slack.cards.view import bundle
from bot.slack.delivery import EVENT_TYPE
from bot.slack.deps import Deps
from tests.support.house import House
from tests.support.people import APPROVALS, TEAM, US


def deps_of(house: House, **given: Any) -> Deps:
    """The parts that listeners are built on, over a house; the others are None."""
    own = {
        "pool": house.pool,
        "listener_pool": house.pool,
        "jobs": house.queue,
        "people": house.people,
        "policies": house.policies,
        "decider": house.decider,
        "identity": lambda: US,
    }
    nothing: dict[str, Any] = {each.name: None for each in fields(Deps) if each.init}
    return Deps(**{**nothing, "rates": {}, **own, **given})


DELIVERY = "7c1d6c0e-5f7e-4b7e-9a3f-111111111111"


CLICK = {
    "type": "block_actions",
    "enterprise": None,
    "team": {"id": "T1", "domain": "team"},
    "user": {"id": "U0MINA", "username": "mina", "name": "mina", "team_id": "T1"},
    "api_app_id": "A1",
    "token": "t",
    "container": {
        "type": "message",
        "message_ts": "1795426300.000100",
        "channel_id": "C2",
        "is_ephemeral": False,
    },
    "trigger_id": "1.2.x",
    "channel": {"id": "C2", "name": "approvals"},
    "message": {
        "type": "message",
        "user": "U0BOT",
        "bot_id": "B1",
        "app_id": "A1",
        "ts": "1795426300.000100",
        "text": "Approval needed",
        "blocks": [],
        "metadata": {
            "event_type": EVENT_TYPE,
            "event_payload": {"delivery": DELIVERY},
        },
    },
    "response_url": "https://hooks.slack.example/x",
    "actions": [
        {
            "action_id": "approve",
            "block_id": "b",
            "type": "button",
            "value": "req-1",
            "action_ts": "1795426301.5",
        }
    ],
}


def click_of(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(CLICK) | changes


def click_for_all(
    user: str, requests: Sequence[Request], button: str = "approve_all", value: str = ""
) -> dict[str, Any]:
    """A click on a button for all of a card, as it is drawn for these requests.

    The card is known by its metadata, since nothing has posted it.
    """
    place = {"message_ts": "77.7", "channel_id": APPROVALS}
    payload = {"delivery": requests[0].place.card}
    metadata = {"event_type": EVENT_TYPE, "event_payload": payload}
    value = value or bundle(button, requests)
    return click_of(
        user={"id": user, "team_id": TEAM},
        container=place,
        message={"ts": "77.7", "metadata": metadata},
        actions=[{"action_id": button, "value": value, "action_ts": "79.5"}],
    )


SUBMISSION = {
    "type": "view_submission",
    "enterprise": None,
    "team": {"id": "T1", "domain": "team"},
    "user": {"id": "U0MINA", "username": "mina", "name": "mina", "team_id": "T1"},
    "api_app_id": "A1",
    "token": "t",
    "trigger_id": "1.2.y",
    "view": {
        "id": "V1",
        "team_id": "T1",
        "type": "modal",
        "private_metadata": '{"request":"req-1","channel":"C2","ts":"1.1"}',
        "callback_id": "approve_full",
        "state": {"values": {}},
        "hash": "h",
        "app_id": "A1",
        "bot_id": "B1",
    },
    "response_urls": [],
    "is_enterprise_install": False,
}


def handlers_of(module, parts):
    """Register `module`; return a look-up of its listener for an action or a view."""
    registered: list[tuple[Any, Any]] = []
    listen = lambda name: lambda do: registered.append((name, do))  # noqa: E731
    module.register(SimpleNamespace(action=listen, view=listen), parts)

    def listener(wanted: str) -> Any:
        fits = [do for name, do in registered if re.fullmatch(name, wanted)]
        assert len(fits) == 1
        return fits[0]

    return listener
