"""What the listeners hand their translations to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.decide import Decider
from bot.approvals.marks import Marker
from bot.approvals.model import Person
from bot.approvals.ports import Jobs
from bot.conversations.again import Retrier
from bot.database.pool import Pool
from bot.slack.full_text import FullTexts
from bot.slack.identity import Identity
from bot.variables import Rate

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Parts:
    """`pool` is small and the listeners' own: running agents never starve a click."""

    pool: Pool
    jobs: Jobs
    decider: Decider
    marker: Marker
    retrier: Retrier
    client: AsyncWebClient
    identity: Callable[[], Identity]
    full_texts: FullTexts
    # what a tool says that arguments name at the moment
    look: Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Any] | None]]
    rates: Mapping[str, Rate] = field(default_factory=dict[str, Rate])  # by kind


def person_of(body: Body) -> Person:
    """Who acted, by the signed payload of an interaction.

    `user.team_id` is the person's own team; in a channel that is shared with another
    company it is not the team that the app is installed in.
    https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
    """
    user: Mapping[str, Any] = body["user"]
    team: Mapping[str, Any] = body.get("team") or {}
    enterprise: Mapping[str, Any] = body.get("enterprise") or {}
    own_team = user.get("team_id") or team.get("id") or ""
    return Person(str(enterprise.get("id") or ""), str(own_team), str(user["id"]))
