"""App Home and `/approvals` of one person: their desk in, blocks out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Request, Verdict
from bot.approvals.standing_grants import StandingGrant
from bot.slack.cards.arguments import (
    asked_text,
    field_elements,
    foreign_elements,
    in_full,
)
from bot.slack.cards.blocks import (
    MESSAGE_TEXT_LIMIT,
    Block,
    actions,
    button,
    context,
    plain,
    rich_text,
    section,
    text_length,
    with_block_ids,
)
from bot.slack.cards.card import (
    changed_elements,
    headline_block,
    odd_tool,
    shows_tool,
)
from bot.slack.cards.facts import asker, outcome_line
from bot.slack.cards.view import RequestView, approve_button, button_for
from bot.slack.home.desk import ALLOWED, ASKED, DECIDED, WAITING, Desk
from bot.slack.identity import Identity
from bot.texts import forms, home
from bot.texts.call import mrkdwn_headline, plain_headline
from bot.texts.formatting import escape

# --- A request as one row ------------------------------------------------------------
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
    whole = details is not None and shows_tool(request)
    title = headline_block(view, with_state=False)
    shown = rich_text([*title["elements"], *(details or ())])
    told = request.terms.is_risky  # in the headline
    line = _small(request, risk_told=told)
    small = " · ".join([line, *map(home.for_whom, view.deputies.values())])
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
    """Build the line about a person's own request, or about a decided one."""
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


def _small(request: Request, *, risk_told: bool = False) -> str:
    """Say who asked where, until when, and the risk where that is not told above."""
    due, code = request.deadline, escape(request.code)
    risk = "" if risk_told else home.RISKS[request.terms.risk]
    return home.asked_by(asker(request), request.people.asked_in, due, code, risk)


def _details(request: Request) -> list[Block] | None:
    """All that is decided on beside the headline; None where that is too long."""
    text = asked_text(request)
    if not in_full(text, ROOM):
        return None
    fields = field_elements(request)
    if text_length(fields) > ROOM:
        return None
    changed = [*odd_tool(request), *changed_elements(request, sharing=1)]
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


# --- App Home -------------------------------------------------------------------------
HOME = "home"  # the view's `callback_id`
# The buttons that turn a list over: `action_id`s, of each its list and the pages to go.
TURNS = {
    "home_next": (WAITING, 1),
    "home_previous": (WAITING, -1),
    **{f"home_next_{name}": (name, 1) for name in (ASKED, DECIDED, ALLOWED)},
    **{f"home_previous_{name}": (name, -1) for name in (ASKED, DECIDED, ALLOWED)},
}
MOST_BLOCKS = 100


@dataclass(frozen=True)
class Home:
    """A view for `views.publish`, and its buttons, see `offered_by`."""

    view: Block
    offered: Sequence[str]


@dataclass(frozen=True)
class Visit:
    """The words beside the desk.

    Attributes:
        is_first: the person has not seen it before.
        note: the answer to their last click here, mrkdwn; "" for none.
    """

    is_first: bool = False
    note: str = ""


def home_view(desk: Desk, visit: Visit, link: Link) -> Home:
    """Build the whole page, within Slack's 100 blocks."""
    said = [section([visit.note])] if visit.note else []
    if desk.refusal:
        said.append(section([home.for_members_only(desk.refusal)]))
        return _home(desk, said)
    if visit.is_first:
        said.append(section([home.FIRST_VISIT]))
    stands_in = home.NOBODY_STANDS_IN if desk.may_delegate else ""
    parts = [
        _headed(_title(desk, WAITING), _waiting(desk, link), home.NOTHING_WAITS),
        _headed(_title(desk, ASKED), _asked(desk, link), home.NOTHING_ASKED),
        _headed(_title(desk, DECIDED), _decided(desk, link), home.NOTHING_DECIDED),
        _headed(_title(desk, ALLOWED), _allowed(desk), ""),
        _headed(home.STANDING_IN, _standing_in(desk), stands_in),
    ]
    for number, part in enumerate(filter(None, parts)):
        said += [{"type": "divider"}] if number else []
        said += part
    return _home(desk, said)


def _title(desk: Desk, name: str) -> str:
    """Name a list, with the page of one that has several, or how much waits."""
    page = desk.pages.get(name, 0)
    if page or name in desk.more:
        return f"{_TITLES[name]} · {home.page_number(page)}"
    waiting = len(desk.waiting) if name == WAITING else 0
    return f"{_TITLES[name]} · {waiting}" if waiting > 1 else _TITLES[name]


_TITLES = {
    WAITING: home.WAITING,
    ASKED: home.ASKED,
    DECIDED: home.DECIDED,
    ALLOWED: home.ALLOWED,
}


def _home(desk: Desk, blocks: Sequence[Block]) -> Home:
    shown = with_block_ids(blocks[:MOST_BLOCKS], f"home-{desk.person.user}", 0)
    view: Block = {"type": "home", "callback_id": HOME, "blocks": shown}
    return Home(view, sorted(offered_by(shown)))


def _headed(title: str, rows: Sequence[Block], empty: str) -> list[Block]:
    """A part with its heading; without rows it teaches, or is left out."""
    if not rows and not empty:
        return []
    heading = {"type": "header", "text": plain(title)}
    return [heading, *(rows or [context(empty)])]


def _waiting(desk: Desk, link: Link) -> list[Block]:
    blocks: list[Block] = []
    for request in desk.waiting:
        blocks += [{"type": "divider"}] if blocks else []
        blocks += waiting_row(view_of(request, desk), link)
    turned = _turned(desk, WAITING)  # apart from the buttons of the last row
    return [*blocks, *([{"type": "divider"}] if blocks and turned else []), *turned]


def _turned(desk: Desk, name: str) -> list[Block]:
    """Build the end of a list that has several pages."""
    page = desk.pages.get(name, 0)
    ways = [*([-1] if page else []), *([1] if name in desk.more else [])]
    if not ways:
        return []
    by_way = {turn: action_id for action_id, turn in TURNS.items()}
    turns = [_turn(by_way[name, way], way) for way in ways]
    return [actions(turns)]


def _turn(action_id: str, way: int) -> Block:
    text = home.NEXT if way > 0 else home.PREVIOUS
    turn = button(text, action_id, "", text)
    del turn["value"]
    return turn


def _asked(desk: Desk, link: Link) -> list[Block]:
    """The person's own requests; what still waits they can withdraw."""
    blocks: list[Block] = []
    for request in desk.asked:
        blocks += told_row(view_of(request, desk), link)
        if request.is_open:
            withdraw = button_for(forms.WITHDRAW, WITHDRAW, request)
            blocks.append(actions([withdraw]))
    return [*blocks, *_turned(desk, ASKED)]


def _decided(desk: Desk, link: Link) -> list[Block]:
    rows = [told_row(view_of(each, desk), link) for each in desk.decided]
    blocks = [block for row in rows for block in row]
    return [*blocks, *_turned(desk, DECIDED)]


def _allowed(desk: Desk) -> list[Block]:
    return [*map(allowed_row, desk.allowed), *_turned(desk, ALLOWED)]


def _standing_in(desk: Desk) -> list[Block]:
    lines = home.stands_in(desk.delegations, desk.person.user)
    return [section(lines[:20])] if lines else []


def view_of(request: Request, desk: Desk) -> RequestView:
    """The request as the desk's reader may see it now."""
    can, principal = who_can_decide(request), desk.for_whom.get(request.id)
    deputies = {desk.person.user: principal} if principal else {}
    return RequestView(request, desk.now, can, deputies=deputies)


# --- The answers to `/approvals` ------------------------------------------------------
_MOST_IN_MESSAGE = 48  # of the 50 of a message


@dataclass(frozen=True)
class PrivateReply:
    """A private message; `offered` are its buttons, see `offered_by`."""

    text: str
    blocks: Sequence[Block] = ()
    offered: Sequence[str] = ()

    def to_json(self) -> Block:
        """Return it as the body that acknowledges a command."""
        message: Block = {"response_type": "ephemeral", "text": self.text}
        return {**message, "blocks": list(self.blocks)} if self.blocks else message


def waiting_list(desk: Desk, link: Link) -> PrivateReply:
    """List what waits for a person, with its buttons."""
    if desk.refusal:
        return PrivateReply(home.for_members_only(desk.refusal))
    rows = [waiting_row(view_of(each, desk), link) for each in desk.waiting]
    if not rows:
        return PrivateReply(home.NOTHING_WAITS)
    return _listed(home.WAITING, rows, desk.waiting, _next(desk, WAITING, "waiting"))


def own_list(desk: Desk, link: Link) -> PrivateReply:
    """List a person's own requests."""
    told = _next(desk, ASKED, "mine")
    return _told_list(desk, link, desk.asked, home.ASKED, home.NOTHING_ASKED, told)


def decided_list(desk: Desk, link: Link) -> PrivateReply:
    """List what a person has decided."""
    told, empty = _next(desk, DECIDED, "history"), home.NOTHING_DECIDED
    return _told_list(desk, link, desk.decided, home.DECIDED, empty, told)


def _told_list(
    desk: Desk,
    link: Link,
    requests: Sequence[Request],
    title: str,
    empty: str,
    more: str,
) -> PrivateReply:
    if desk.refusal:
        return PrivateReply(home.for_members_only(desk.refusal))
    rows = [told_row(view_of(each, desk), link) for each in requests]
    return _listed(title, rows, requests, more) if rows else PrivateReply(empty)


def _next(desk: Desk, name: str, word: str) -> str:
    """Say by which words the next page of a list comes; "" where there is none."""
    page = desk.pages.get(name, 0)
    return home.next_page(word, page) if name in desk.more else ""


def one_row(request: Request, desk: Desk, link: Link) -> PrivateReply:
    """Show one request, with its buttons where it alone waits for this person."""
    if desk.waiting:
        row = waiting_row(view_of(desk.waiting[0], desk), link)
    else:
        row = told_row(view_of(request, desk), link)
    return _listed(request.code, [row], [request])


def _listed(
    title: str,
    rows: Sequence[Sequence[Block]],
    requests: Sequence[Request],
    more: str = "",
) -> PrivateReply:
    """List as many whole rows as one message holds; `more` says where the rest is."""
    blocks: list[Block] = [section([f"*{title}*"])]
    room = MESSAGE_TEXT_LIMIT - len(home.IN_APP_HOME)
    for row in rows:
        longer = [*blocks, *row]
        if len(longer) > _MOST_IN_MESSAGE or text_length(longer) > room:
            more = home.IN_APP_HOME
            break
        blocks = longer
    if more:
        blocks.append(context(more))
    text = "\n".join([title, *map(plain_headline, requests)])
    shown = with_block_ids(blocks, "approvals", 0)
    return PrivateReply(text, shown, sorted(offered_by(shown)))
