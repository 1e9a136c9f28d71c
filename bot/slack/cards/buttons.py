"""The buttons of a card and of the other messages about a request."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Confirm, Kind, Request, Verdict
from bot.slack.cards import view as ids
from bot.slack.cards.arguments import asked_text, confirm_dialog
from bot.slack.cards.blocks import Block, actions, button, menu, plain
from bot.slack.cards.view import RequestView, bundle
from bot.texts import forms
from bot.texts.conversation import RATINGS, STOP, STOP_LABEL

_MENU = (
    (forms.REJECT_WITH_REASON, ids.MORE_REJECT, Verdict.REJECT),
    (forms.EDIT, ids.MORE_EDIT, Verdict.EDIT),
    (forms.ANSWER, ids.MORE_ANSWER, Verdict.ANSWER),
)
_LONG = 1_000  # characters of what is asked, from which a view of it helps
_MENU_SIZE = 5  # Slack's limit for an overflow menu


def card_buttons(view: RequestView, sharing: int, *, complete: bool) -> Block:
    """Approve only where everything is shown; see `full_view` for the rest."""
    request = view.request
    shown: list[Block] = []
    if not complete:
        shown.append(
            button_for(forms.VIEW_IN_FULL, ids.VIEW_FULL, request, forms.ALOUD_VIEW)
        )
    elif view.offers(Verdict.APPROVE):
        shown.append(approve_button(request, sharing, ids.APPROVE, ids.APPROVE_TYPED))
        if view.standing:
            ahead = forms.ALOUD_APPROVE_FOR
            shown.append(button_for(forms.APPROVE_FOR, ids.APPROVE_FOR, request, ahead))
    if view.offers(Verdict.REJECT):
        action = ids.REJECT_ASK if request.terms.asks_reason else ids.REJECT
        shown.append(button_for(forms.REJECT, action, request))
    if view.offers(Verdict.ANSWER) and request.call.kind is Kind.INTERRUPT:
        shown.append(button_for(forms.ANSWER, ids.ANSWER, request, forms.ALOUD_ANSWER))
    offered = _offered(view, complete=complete)
    if len(offered) > _MENU_SIZE:  # where a rule offers all: beside the menu
        aloud = forms.ALOUD_HISTORY
        shown.append(button_for(forms.HISTORY, ids.HISTORY, request, aloud))
    return actions([*shown, menu(ids.MORE, offered[:_MENU_SIZE])])


def history_menu(request: Request) -> Block:
    """Build the menu of a card on which nothing can be decided."""
    return menu(
        ids.MORE, [(forms.HISTORY, f"{ids.MORE_HISTORY}:{request.place.token}")]
    )


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
        shown.append(_for_all(forms.APPROVE_ALL, text, ids.APPROVE_ALL, waiting))
    if all(view.joins_in(Verdict.REJECT) for view in waiting):
        text = forms.REJECT_ALL
        shown.append(_for_all(text, text, ids.REJECT_ALL, waiting))
    return [actions(shown)] if shown else []


def _for_all(
    verb: str, text: str, action_id: str, waiting: Sequence[RequestView]
) -> Block:
    value = bundle(action_id, [view.request for view in waiting])
    return button(text, action_id, value, forms.all_calls(verb, len(waiting)))


def mark_buttons(view: RequestView) -> list[Block]:
    """Build the buttons with which people say how an unknown outcome ended."""
    shown = [
        button_for(forms.MARKS[mark], action, view.request)
        for action, mark in ids.MARKS.items()
        if mark in view.marks
    ]
    return [actions(shown)] if shown else []


def reason_button(view: RequestView) -> list[Block]:
    """Build the button for a reason, right after a reject, if it is still offered."""
    if not view.takes_reason:
        return []
    return [actions([button_for(forms.ADD_REASON, ids.ADD_REASON, view.request)])]


def withdraw_button(request: Request) -> Block:
    """Build Withdraw, for the requester, beside the line on what is waited for."""
    return button_for(forms.WITHDRAW, ids.WITHDRAW, request)


def stop_button(request: Request) -> Block:
    """Build Stop, for the requester and operators, below everything that waits."""
    return button(STOP, ids.STOP, request.place.token, STOP_LABEL)


def feedback_buttons(answer: str) -> Block:
    """Build the two hands below an answer, by its delivery's id.

    https://docs.slack.dev/reference/block-kit/block-elements/feedback-buttons-element
    """
    shown: Block = {"type": "feedback_buttons", "action_id": ids.FEEDBACK}
    for name, rating in (("positive_button", "good"), ("negative_button", "bad")):
        text, label = RATINGS[rating]
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


def button_for(text: str, action_id: str, request: Request, verb: str = "") -> Block:
    """Build a button for one request; `verb` is read aloud in place of its text."""
    label = forms.read_aloud(verb or text, request.code)
    return button(text, action_id, request.place.token, label)


def _offered(view: RequestView, *, complete: bool) -> list[tuple[str, str]]:
    """Return the texts and values that the menu would hold, history last.

    Withdraw stands on the notice; where there is none, it is here.
    """
    request = view.request
    offered = [(text, what) for text, what, verdict in _MENU if view.offers(verdict)]
    if complete and len(asked_text(request)) > _LONG:
        offered.append((forms.VIEW_IN_FULL, ids.MORE_VIEW))
    if not request.place.notice:
        offered.append((forms.WITHDRAW, ids.MORE_WITHDRAW))
    offered.append((forms.HISTORY, ids.MORE_HISTORY))
    return [(text, f"{what}:{request.place.token}") for text, what in offered]
