"""The values behind a card: requests as stored, and who can decide them now."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.approvals.comments import offered_until
from bot.approvals.judge import APPROVING
from bot.approvals.model import Decision, Execution, Mark, Request, Verdict
from bot.approvals.raise_request import REQUESTS_PER_CARD
from bot.approvals.unknown_outcome import marks_taken
from bot.texts.cards import WAITING, icon, status_word

# The `action_id`s of our messages. A button's value is the request's token; a menu's is
# one of the words below, a colon, and the token.
APPROVE = "approve"
APPROVE_TYPED = "approve_typed"
REJECT = "reject"
REJECT_ASK = "reject_ask"  # opens the form for a reason
VIEW_FULL = "view_full"
WITHDRAW = "withdraw"
MORE = "more"
ANSWER = "answer_open"
APPROVE_FOR = "approve_for"  # opens the form with which calls are allowed ahead
APPROVE_ALL = "approve_all"
REJECT_ALL = "reject_all"
MARKS = {
    "mark_done": Mark.DONE,
    "mark_not_done": Mark.NOT_DONE,
    "ask_again": Mark.AGAIN,
}
HISTORY = "history"
ADD_REASON = "add_reason"  # right after a reject
FEEDBACK = "feedback"  # under an answer; its value is a rating, a colon, the answer
STOP = "stop_turn"  # on the notice of what is waited for
ANSWER_SERVER, DECLINE_SERVER = "answer_server", "decline_server"
TRY_AGAIN = "try_again"  # under the sentence of a turn that has failed
MORE_REJECT, MORE_EDIT, MORE_ANSWER = "reject", "edit", "answer"
MORE_VIEW, MORE_WITHDRAW, MORE_HISTORY = "view", "withdraw", "history"


@dataclass(frozen=True)
class RequestView:
    """One request on a card.

    Attributes:
        elsewhere: its buttons stand on another one now.
        names: Slack's, by the ids that its arguments may hold.
        needs_own_click: by the policy in force; its own terms may say so too.
        pause: why an operator lets nothing run; None: it may.
        standing: whether an approver may allow calls like it ahead.
        deputies: for whom those of `can_decide` do so who are delegates.
    """

    request: Request
    now: dt.datetime  # the database's clock
    can_decide: tuple[str, ...] = ()  # user ids who can decide the open stage now
    elsewhere: bool = False
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    needs_own_click: bool = False
    pause: str | None = None
    standing: bool = False
    deputies: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def is_paused(self) -> bool:
        """True if it would run, now or once it is approved, and a pause keeps it."""
        waits = self.request.end.execution is Execution.APPROVED
        return self.pause is not None and (self.in_time or waits)

    @property
    def in_time(self) -> bool:
        return self.request.is_open and self.now < self.request.deadline

    @property
    def takes_clicks(self) -> bool:
        return self.in_time and not self.elsewhere

    @property
    def word(self) -> str:
        """The word beside the headline."""
        return WAITING if self.request.is_open else status_word(self.request)

    @property
    def icon(self) -> str:
        return icon(self.request.status, self.request.end.execution)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Return what people may say here about an unknown outcome."""
        return () if self.elsewhere else marks_taken(self.request)

    @property
    def takes_reason(self) -> bool:
        """True while the person who rejected it with one click may still say why."""
        until = offered_until(self.request)
        return until is not None and self.now < until and not self.elsewhere

    def offers(self, verdict: Verdict) -> bool:
        return self.takes_clicks and self.request.offers(verdict)

    def joins_in(self, verdict: Verdict) -> bool:
        """Return whether one click may give this verdict to it and to others."""
        terms = self.request.terms
        if verdict is Verdict.REJECT:
            return self.offers(verdict) and not terms.asks_reason
        alone = self.needs_own_click or terms.needs_own_click
        return self.offers(verdict) and not alone


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


def bundle(action_id: str, requests: Sequence[Request]) -> str:
    """Return the value of a button for several requests.

    It is an opaque id of the digests for which the button stands: one for another set
    of requests, for one that was edited since, or for another button is another.
    """
    shown = [f"{each.place.token} {each.call.grant_digest}" for each in requests]
    return hashlib.sha256("\n".join([action_id, *shown]).encode()).hexdigest()[:32]


def approvals(request: Request, stage: int | None = None) -> list[Decision]:
    """The approving decisions, with edits among them, of one stage or of all."""
    return [
        decision
        for decision in request.chain.decisions
        if decision.verdict in APPROVING and stage in (None, decision.stage)
    ]


def last_word(request: Request, verdict: Verdict) -> Decision | None:
    """The latest decision of a kind, None if there is none."""
    found = [d for d in request.chain.decisions if d.verdict is verdict]
    return found[-1] if found else None
