"""What can be clicked on a card and on the other messages about a request."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Confirm, Request, Verdict
from bot.slack.cards.blocks import Block, actions, button, menu
from bot.slack.cards.confirming import confirm_dialog
from bot.slack.cards.view import (
    APPROVE,
    APPROVE_TYPED,
    HISTORY,
    MORE,
    MORE_ANSWER,
    MORE_EDIT,
    MORE_HISTORY,
    MORE_REJECT,
    MORE_VIEW,
    MORE_WITHDRAW,
    REJECT,
    VIEW_FULL,
    WITHDRAW,
    RequestView,
)

_MENU = (
    ("Reject with reason…", MORE_REJECT, Verdict.REJECT),
    ("Edit…", MORE_EDIT, Verdict.EDIT),
    ("Answer…", MORE_ANSWER, Verdict.ANSWER),
    ("View in full", MORE_VIEW, None),
    ("Withdraw", MORE_WITHDRAW, None),
    ("History…", MORE_HISTORY, None),
)
_MENU_SIZE = 5  # Slack's limit for an overflow menu


def card_buttons(view: RequestView, sharing: int, *, complete: bool) -> Block:
    """Approve only where everything is shown; see `full_view` for the rest."""
    request = view.request
    shown: list[Block] = []
    if not complete:
        shown.append(_button("View in full", VIEW_FULL, request, "View"))
    elif view.offers(Verdict.APPROVE):
        shown.append(_approve(request, sharing))
    if view.offers(Verdict.REJECT):
        shown.append(_button("Reject", REJECT, request))
    offered = _offered(view)
    if len(offered) > _MENU_SIZE:  # where a rule offers all: beside the menu
        shown.append(_button("History…", HISTORY, request, "History of"))
    return actions([*shown, menu(MORE, offered[:_MENU_SIZE])])


def history_menu(request: Request) -> Block:
    """All that a card offers on which nothing can be decided."""
    return menu(MORE, [("History…", f"{MORE_HISTORY}:{request.token}")])


def withdraw_buttons(requests: Sequence[Request]) -> Block:
    """A button for each, for whoever asked."""
    named = len(requests) > 1
    return actions(
        [
            # one block takes an `action_id` once, so the first alone has the plain one
            _button(
                f"Withdraw {request.code}" if named else "Withdraw",
                f"{WITHDRAW}_{index}" if index else WITHDRAW,
                request,
                "Withdraw",
            )
            for index, request in enumerate(requests)
        ]
    )


def _approve(request: Request, sharing: int) -> Block:
    typed = request.confirm is Confirm.TYPED
    return button(
        "Approve",
        APPROVE_TYPED if typed else APPROVE,
        request.token,
        f"Approve request {request.code}",
        primary=True,
        confirm=confirm_dialog(request, sharing),
    )


def _button(text: str, action_id: str, request: Request, verb: str = "") -> Block:
    label = f"{verb or text} request {request.code}"
    return button(text, action_id, request.token, label)


def _offered(view: RequestView) -> list[tuple[str, str]]:
    """What the menu would hold: texts and values, history last."""
    return [
        (text, f"{what}:{view.request.token}")
        for text, what, verdict in _MENU
        if verdict is None or view.offers(verdict)
    ]
