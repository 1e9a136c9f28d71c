"""What a card shows: requests as stored, and who can decide them now."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from bot.approvals.model import Decision, Request, Verdict
from bot.slack.sentences import status_word

REQUESTS_PER_CARD = 6

# The `action_id`s of a card's buttons; each button's value is the request's id.
APPROVE = "approve"
REJECT = "reject"
VIEW_FULL = "view_full"


@dataclass(frozen=True)
class RequestView:
    """One request on a card."""

    request: Request
    now: dt.datetime  # the database's clock
    can_decide: tuple[str, ...] = ()  # user ids who can decide the open stage now

    @property
    def takes_clicks(self) -> bool:
        return self.request.is_open and self.now < self.request.expires_at

    @property
    def status_word(self) -> str:
        return status_word(self.request.status, self.request.execution)


@dataclass(frozen=True)
class CardView:
    """One message: its requests in call order.

    `first_post` is true for `chat.postMessage` and false for each `chat.update`.
    Raises ValueError for no request, or for more than `REQUESTS_PER_CARD`: Slack's
    limits hold for any content only up to there, so more calls need a second card.
    """

    requests: tuple[RequestView, ...]
    first_post: bool = False
    version: int = 0  # number of this edit, where the caller counts them

    def __post_init__(self) -> None:
        if not 1 <= len(self.requests) <= REQUESTS_PER_CARD:
            raise ValueError(
                f"A card holds 1 to {REQUESTS_PER_CARD} requests, "
                f"not {len(self.requests)}; put the others on another card."
            )


def approvals(request: Request, stage: int | None = None) -> list[Decision]:
    """The approving decisions, of one stage or of all."""
    return [
        decision
        for decision in request.decisions
        if decision.verdict is Verdict.APPROVE and stage in (None, decision.stage)
    ]


def rejection(request: Request) -> Decision | None:
    """The decision that rejected the request, if a person did."""
    rejections = [d for d in request.decisions if d.verdict is Verdict.REJECT]
    return rejections[-1] if rejections else None
