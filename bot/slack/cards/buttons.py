"""The buttons of a card and of the other messages about a request."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Confirm, Kind, Request, Verdict
from bot.slack.cards import view as ids
from bot.slack.cards.arguments import confirm_dialog
from bot.slack.cards.blocks import Block, actions, button, dialog, menu
from bot.slack.cards.view import RequestView, bundle
from bot.texts import forms

_MENU = (
    (forms.REJECT_WITH_REASON, ids.MORE_REJECT, Verdict.REJECT),
    (forms.EDIT, ids.MORE_EDIT, Verdict.EDIT),
    (forms.ANSWER, ids.MORE_ANSWER, Verdict.ANSWER),
    (forms.VIEW_IN_FULL, ids.MORE_VIEW, None),
    (forms.WITHDRAW, ids.MORE_WITHDRAW, None),
    (forms.HISTORY, ids.MORE_HISTORY, None),
)
_MENU_SIZE = 5  # Slack's limit for an overflow menu


def card_buttons(view: RequestView, sharing: int, *, complete: bool) -> Block:
    """Approve only where everything is shown; see `full_view` for the rest."""
    request = view.request
    shown: list[Block] = []
    if not complete:
        shown.append(
            _button(forms.VIEW_IN_FULL, ids.VIEW_FULL, request, forms.ALOUD_VIEW)
        )
    elif view.offers(Verdict.APPROVE):
        shown.append(_approve(request, sharing))
    if view.offers(Verdict.REJECT):
        shown.append(_button(forms.REJECT, ids.REJECT, request))
    if view.offers(Verdict.ANSWER) and request.call.kind is Kind.INTERRUPT:
        shown.append(_button(forms.ANSWER, ids.ANSWER, request, forms.ALOUD_ANSWER))
    offered = _offered(view)
    if len(offered) > _MENU_SIZE:  # where a rule offers all: beside the menu
        shown.append(_button(forms.HISTORY, ids.HISTORY, request, forms.ALOUD_HISTORY))
    return actions([*shown, menu(ids.MORE, offered[:_MENU_SIZE])])


def history_menu(request: Request) -> Block:
    """All that a card offers on which nothing can be decided."""
    return menu(
        ids.MORE, [(forms.HISTORY, f"{ids.MORE_HISTORY}:{request.place.token}")]
    )


def all_buttons(views: Sequence[RequestView], in_whole: Sequence[bool]) -> list[Block]:
    """Approve all and Reject all, where several calls wait on one card.

    All may be approved at once only where each may be by one click on what is seen.
    """
    pairs = zip(views, in_whole, strict=True)
    waiting = [(view, complete) for view, complete in pairs if view.takes_clicks]
    if len(waiting) < 2:
        return []
    value = bundle([view.request for view in views])
    shown: list[Block] = []
    if all(complete and _takes_a_click(view) for view, complete in waiting):
        confirm = _confirm_all([view.request for view, _ in waiting])
        text = forms.APPROVE_ALL
        label = forms.all_calls(text, len(waiting))
        shown.append(button(text, ids.APPROVE_ALL, value, label, confirm=confirm))
    if all(view.offers(Verdict.REJECT) for view, _ in waiting):
        text = forms.REJECT_ALL
        label = forms.all_calls(text, len(waiting))
        shown.append(button(text, ids.REJECT_ALL, value, label))
    return [actions(shown)] if shown else []


def _takes_a_click(view: RequestView) -> bool:
    return (
        view.offers(Verdict.APPROVE) and view.request.terms.confirm is not Confirm.TYPED
    )


def _confirm_all(requests: Sequence[Request]) -> Block | None:
    if all(request.terms.confirm is Confirm.NONE for request in requests):
        return None
    text = forms.you_approve([request.code for request in requests])
    return dialog(forms.APPROVE_ALL_OF_THEM, text, forms.APPROVE, forms.GO_BACK)


def mark_buttons(view: RequestView) -> list[Block]:
    """For an action whose end is unknown: what somebody has found out."""
    request = view.request
    if not view.takes_marks:
        return []
    return [
        actions(
            [
                _button(forms.MARK_DONE, ids.MARK_DONE, request),
                _button(forms.MARK_NOT_DONE, ids.MARK_NOT_DONE, request),
                _button(forms.ASK_AGAIN, ids.ASK_AGAIN, request),
            ]
        )
    ]


def withdraw_buttons(requests: Sequence[Request]) -> Block:
    """A button for each, for whoever asked."""
    named = len(requests) > 1
    return actions(
        [
            # one block takes an `action_id` once, so the first alone has the plain one
            _button(
                forms.withdraw(request.code) if named else forms.WITHDRAW,
                f"{ids.WITHDRAW}_{index}" if index else ids.WITHDRAW,
                request,
                forms.WITHDRAW,
            )
            for index, request in enumerate(requests)
        ]
    )


def _approve(request: Request, sharing: int) -> Block:
    typed = request.terms.confirm is Confirm.TYPED
    return button(
        forms.APPROVE,
        ids.APPROVE_TYPED if typed else ids.APPROVE,
        request.place.token,
        forms.read_aloud(forms.APPROVE, request.code),
        primary=True,
        confirm=confirm_dialog(request, sharing),
    )


def _button(text: str, action_id: str, request: Request, verb: str = "") -> Block:
    label = forms.read_aloud(verb or text, request.code)
    return button(text, action_id, request.place.token, label)


def _offered(view: RequestView) -> list[tuple[str, str]]:
    """Return the texts and values that the menu would hold, history last."""
    return [
        (text, f"{what}:{view.request.place.token}")
        for text, what, verdict in _MENU
        if verdict is None or view.offers(verdict)
    ]
