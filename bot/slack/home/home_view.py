"""App Home of one person: their desk in, blocks out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Request
from bot.slack.cards.blocks import (
    Block,
    actions,
    button,
    context,
    plain,
    section,
    with_block_ids,
)
from bot.slack.cards.buttons import button_for
from bot.slack.cards.view import RequestView
from bot.slack.home.desk import ALLOWED, ASKED, DECIDED, WAITING, Desk
from bot.slack.home.desk_rows import (
    WITHDRAW,
    Link,
    allowed_row,
    offered_by,
    told_row,
    waiting_row,
)
from bot.texts import forms, home

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
    return [*blocks, *_turned(desk, WAITING)]


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
