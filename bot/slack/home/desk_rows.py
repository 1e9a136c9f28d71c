"""A request as one row of App Home, or of the answer to `/approvals`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from bot.approvals.model import Kind, Request, Verdict
from bot.approvals.standing_grants import StandingGrant
from bot.slack.cards.arguments import (
    asked_text,
    field_elements,
    foreign_elements,
    in_full,
    question_elements,
)
from bot.slack.cards.blocks import (
    Block,
    actions,
    button,
    context,
    rich_text,
    section,
    text_length,
)
from bot.slack.cards.buttons import approve_button, button_for
from bot.slack.cards.card import changed_elements, headline_block
from bot.slack.cards.facts import asker, outcome_line
from bot.slack.cards.view import RequestView
from bot.slack.identity import Identity
from bot.texts import forms, home
from bot.texts.call import mrkdwn_headline
from bot.texts.formatting import escape, is_identifier

# The `action_id`s of the rows. A button's value is the request's token alone.
APPROVE, APPROVE_TYPED = "desk_approve", "desk_approve_typed"
REJECT, REJECT_ASK = "desk_reject", "desk_reject_ask"
WITHDRAW, OPEN = "desk_withdraw", "desk_open"
REVOKE = "desk_revoke"  # of what was allowed ahead; its value is the grant's code
ROOM = 1_000  # characters of what is decided on; what is longer is decided on its card
Link = Callable[[Request], str]


def link_to_card(us: Identity) -> Link:
    """Return what gives the address of a request's card, "" while there is none."""

    def link(request: Request) -> str:
        place = request.place
        return us.permalink(place.channel, place.ts) if place.ts else ""

    return link


def waiting_row(view: RequestView, link: Link) -> list[Block]:
    """Headline with all that is decided on, who asked and until when, the buttons.

    As on a card, Approve is offered only where the row shows everything; else the card
    is one click away.
    """
    request = view.request
    details = _details(request)
    whole = details is not None and is_identifier(request.call.tool)
    title = headline_block(view, with_state=False)
    shown = rich_text([*title["elements"], *(details or ())])
    small = " · ".join([_small(request), *map(home.for_whom, view.deputies.values())])
    blocks = [shown, context(small)]
    if not whole:
        blocks.append(context(home.not_whole(request.code)))
    buttons = [*_deciding(view, whole=whole), *_open(request, link)]
    return [*blocks, *([actions(buttons)] if buttons else [])]


def offered_by(blocks: Sequence[Block]) -> set[str]:
    """The buttons of some rows that decide: of each the action and the token."""
    return {
        f"{each['action_id']} {each['value']}"
        for block in blocks
        if block["type"] == "actions"
        for each in cast("list[Block]", block["elements"])
        if each.get("value")
    }


def told_row(view: RequestView, link: Link) -> list[Block]:
    """One line about a request of one's own, or one that is decided."""
    request = view.request
    lines = [f"{view.icon} {mrkdwn_headline(request)} · {escape(request.code)}"]
    if request.is_open:
        lines = [f"{view.icon} {mrkdwn_headline(request)}", _small(request)]
    else:
        lines.append(outcome_line(view))
    return [section(lines, next(iter(_open(request, link)), None))]


def allowed_row(grant: StandingGrant) -> Block:
    """One line about what a person has allowed ahead, with its end at their hand."""
    label = forms.read_aloud(home.REVOKE, grant.code)
    revoke = button(home.REVOKE, REVOKE, grant.code, label)
    return section(home.allowed(grant), revoke)


def _small(request: Request) -> str:
    """Say who asked where, until when, and the risk."""
    due, code = request.deadline, escape(request.code)
    place, risk = request.people.asked_in, home.RISKS[request.terms.risk]
    return home.asked_by(asker(request), place, due, code, risk)


def _details(request: Request) -> list[Block] | None:
    """All that is decided on beside the headline; None where that is too long."""
    text = asked_text(request)
    if not in_full(text, ROOM):
        return None
    if request.call.kind is Kind.INTERRUPT:
        fields = question_elements(request)
    elif (fields := field_elements(request)) is None:
        return None
    if text_length(fields) > ROOM:
        return None
    changed = changed_elements(request, sharing=1)
    return [*changed, *fields, *foreign_elements(request, sharing=1)]


def _deciding(view: RequestView, *, whole: bool) -> Sequence[Block]:
    request, shown = view.request, list[Block]()
    if whole and view.offers(Verdict.APPROVE):
        shown.append(approve_button(request, 1, APPROVE, APPROVE_TYPED))
    if view.offers(Verdict.REJECT):
        action = REJECT_ASK if request.terms.asks_reason else REJECT
        shown.append(button_for(forms.REJECT, action, request))
    return shown


def _open(request: Request, link: Link) -> list[Block]:
    url = link(request)
    if not url:
        return []
    shown = button(home.OPEN, OPEN, "", home.read_aloud_open(request.code))
    del shown["value"]
    return [{**shown, "url": url}]
