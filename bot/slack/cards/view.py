"""A request on a card: as stored, who can decide it now, its buttons."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bot.approvals.comments import offered_until
from bot.approvals.judge import APPROVING
from bot.approvals.model import (
    Confirm,
    Decision,
    Execution,
    Kind,
    Mark,
    Request,
    Verdict,
)
from bot.approvals.raise_request import REQUESTS_PER_CARD
from bot.approvals.unknown_outcome import marks_taken
from bot.slack.cards.arguments import asked_text, confirm_dialog, field_elements
from bot.slack.cards.blocks import Block, actions, button, menu, plain, text_length
from bot.texts import conversation, forms
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
        elsewhere: whether its buttons are on another card now.
        names: Slack's, by the ids that its arguments may hold.
        needs_own_click: by the policy in force; its own terms may say so too.
        pause: why an operator lets nothing run; None: it may.
        standing: whether an approver may allow calls like it ahead.
        deputies: the person that each delegate in `can_decide` stands in for.
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

    @cached_property
    def text(self) -> str:
        return asked_text(self.request)

    @cached_property
    def fields(self) -> list[Block]:
        return field_elements(self.request)

    @cached_property
    def length(self) -> int:
        """Characters that the arguments take, as one text or as fields."""
        return max(len(self.text), text_length(self.fields))

    @property
    def is_paused(self) -> bool:
        """True if it would run, now or once it is approved, and a pause keeps it."""
        waits = self.request.end.execution is Execution.APPROVED
        return self.pause is not None and (self.in_time or waits)

    @cached_property
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

    Raises ValueError for no request, or for more than `REQUESTS_PER_CARD`: Slack's
    limits hold for any content only up to there, so more calls need a second card.
    """

    requests: tuple[RequestView, ...]
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


# --- The buttons of a card and of the other messages about a request ------------------

_MENU = (
    (forms.REJECT_WITH_REASON, MORE_REJECT, Verdict.REJECT),
    (forms.EDIT, MORE_EDIT, Verdict.EDIT),
    (forms.ANSWER, MORE_ANSWER, Verdict.ANSWER),
)
_LONG = 1_000  # characters of what is asked, from which a view of it helps
_MENU_SIZE = 5  # Slack's limit for an overflow menu


def card_buttons(view: RequestView, sharing: int, *, complete: bool) -> Block:
    """Approve only where everything is shown; see `full_view` for the rest."""
    request = view.request
    shown: list[Block] = []
    if not complete:
        shown.append(button_for(forms.VIEW_IN_FULL, VIEW_FULL, request))
    elif view.offers(Verdict.APPROVE):
        shown.append(approve_button(request, sharing, APPROVE, APPROVE_TYPED))
        if view.standing:
            shown.append(button_for(forms.APPROVE_FOR, APPROVE_FOR, request))
    if view.offers(Verdict.REJECT):
        action = REJECT_ASK if request.terms.asks_reason else REJECT
        shown.append(button_for(forms.REJECT, action, request))
    if view.offers(Verdict.ANSWER) and request.call.kind is Kind.INTERRUPT:
        shown.append(button_for(forms.ANSWER, ANSWER, request))
    offered = _offered(view, complete=complete)
    if len(offered) > _MENU_SIZE:  # where a rule offers all: beside the menu
        shown.append(button_for(forms.HISTORY, HISTORY, request))
    return actions([*shown, menu(MORE, offered[:_MENU_SIZE])])


def history_menu(request: Request) -> Block:
    """Build the menu of a card on which nothing can be decided."""
    return menu(MORE, [(forms.HISTORY, f"{MORE_HISTORY}:{request.place.token}")])


def all_buttons(views: Sequence[RequestView], in_whole: Sequence[bool]) -> list[Block]:
    """Approve all and Reject all, where several requests wait on one card.

    All may be approved at once only where each is shown whole and needs no click of its
    own.
    """
    waiting = [view for view in views if view.takes_clicks]
    if len(waiting) < 2:
        return []
    pairs = zip(views, in_whole, strict=True)
    are_whole = all(whole for view, whole in pairs if view.takes_clicks)
    shown: list[Block] = []
    if are_whole and all(view.joins_in(Verdict.APPROVE) for view in waiting):
        text = forms.approve_all(len(waiting), of=len(views))
        shown.append(_for_all(text, APPROVE_ALL, waiting))
    if all(view.joins_in(Verdict.REJECT) for view in waiting):
        shown.append(_for_all(forms.REJECT_ALL, REJECT_ALL, waiting))
    return [actions(shown)] if shown else []


def _for_all(text: str, action_id: str, waiting: Sequence[RequestView]) -> Block:
    value = bundle(action_id, [view.request for view in waiting])
    return button(text, action_id, value, forms.read_aloud_all(text))


def mark_buttons(view: RequestView) -> list[Block]:
    """Build the buttons with which people say how an unknown outcome ended."""
    shown = [
        button_for(forms.MARKS[mark], action, view.request)
        for action, mark in MARKS.items()
        if mark in view.marks
    ]
    return [actions(shown)] if shown else []


def reason_button(view: RequestView) -> list[Block]:
    """Build the button for a reason, right after a reject, if it is still offered."""
    if not view.takes_reason:
        return []
    return [actions([button_for(forms.ADD_REASON, ADD_REASON, view.request)])]


def withdraw_button(request: Request) -> Block:
    """Build Withdraw, for the requester, beside the line on what is waited for."""
    return button_for(forms.WITHDRAW, WITHDRAW, request)


def stop_button(request: Request) -> Block:
    """Build Stop, for the requester and operators, below everything that waits."""
    return button(conversation.STOP, STOP, request.place.token, conversation.STOP_LABEL)


def feedback_buttons(answer: str) -> Block:
    """Build the two hands below an answer, by its delivery's id.

    https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element
    """
    shown: Block = {"type": "feedback_buttons", "action_id": FEEDBACK}
    for name, rating in (("positive_button", "good"), ("negative_button", "bad")):
        text, label = conversation.RATINGS[rating]
        shown[name] = {
            "text": plain(text),
            "value": f"{rating}:{answer}",
            "accessibility_label": label,
        }
    return {"type": "context_actions", "elements": [shown]}


def approve_button(request: Request, sharing: int, once: str, typed: str) -> Block:
    """Build Approve; `typed` is its action where a value has to be typed in."""
    is_typed = request.terms.confirm is Confirm.TYPED
    return button(
        forms.APPROVE,
        typed if is_typed else once,
        request.place.token,
        forms.read_aloud(forms.APPROVE, request.code),
        style="danger" if request.terms.is_risky else "primary",
        confirm=confirm_dialog(request, sharing),
    )


def button_for(text: str, action_id: str, request: Request) -> Block:
    """Build a button for one request."""
    label = forms.read_aloud(text, request.code)
    return button(text, action_id, request.place.token, label)


def _offered(view: RequestView, *, complete: bool) -> list[tuple[str, str]]:
    """Return the texts and values that the menu would hold, history last.

    Withdraw stands on the notice; where there is none, it is here.
    """
    request = view.request
    offered = [(text, what) for text, what, verdict in _MENU if view.offers(verdict)]
    if not complete or len(view.text) > _LONG:
        offered.append((forms.VIEW_IN_FULL, MORE_VIEW))
    if not request.place.notice:
        offered.append((forms.WITHDRAW, MORE_WITHDRAW))
    offered.append((forms.HISTORY, MORE_HISTORY))
    return [(text, f"{what}:{request.place.token}") for text, what in offered]
