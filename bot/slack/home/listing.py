"""The answers to `/approvals`: the rows of App Home in a private message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.model import Request
from bot.slack.cards.blocks import (
    MESSAGE_TEXT_LIMIT,
    Block,
    context,
    section,
    text_length,
    with_block_ids,
)
from bot.slack.home.desk import ASKED, DECIDED, WAITING, Desk
from bot.slack.home.desk_rows import Link, offered_by, told_row, waiting_row
from bot.slack.home.home_view import view_of
from bot.texts import home
from bot.texts.call import plain_headline

_MOST_BLOCKS = 48  # of the 50 of a message


@dataclass(frozen=True)
class Answer:
    """A private message; `offered` are its buttons, see `offered_by`."""

    text: str
    blocks: Sequence[Block] = ()
    offered: Sequence[str] = ()

    def to_json(self) -> Block:
        """Return it as the body that acknowledges a command."""
        message: Block = {"response_type": "ephemeral", "text": self.text}
        return {**message, "blocks": list(self.blocks)} if self.blocks else message


def waiting_list(desk: Desk, link: Link) -> Answer:
    """List what waits for a person, with its buttons."""
    if desk.refusal:
        return Answer(home.for_members_only(desk.refusal))
    rows = [waiting_row(view_of(each, desk), link) for each in desk.waiting]
    if not rows:
        return Answer(home.NOTHING_WAITS)
    return _listed(home.WAITING, rows, desk.waiting, _next(desk, WAITING, "waiting"))


def own_list(desk: Desk, link: Link) -> Answer:
    """List a person's own requests."""
    told = _next(desk, ASKED, "mine")
    return _told_list(desk, link, desk.asked, home.ASKED, home.NOTHING_ASKED, told)


def decided_list(desk: Desk, link: Link) -> Answer:
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
) -> Answer:
    if desk.refusal:
        return Answer(home.for_members_only(desk.refusal))
    rows = [told_row(view_of(each, desk), link) for each in requests]
    return _listed(title, rows, requests, more) if rows else Answer(empty)


def _next(desk: Desk, name: str, word: str) -> str:
    """Say by which words the next page of a list comes; "" where there is none."""
    page = desk.pages.get(name, 0)
    return home.next_page(word, page) if name in desk.more else ""


def one_row(request: Request, desk: Desk, link: Link) -> Answer:
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
) -> Answer:
    """As many whole rows as one message holds; `more` says where the rest is."""
    blocks: list[Block] = [section([f"*{title}*"])]
    room = MESSAGE_TEXT_LIMIT - len(home.IN_APP_HOME)
    for row in rows:
        longer = [*blocks, *row]
        if len(longer) > _MOST_BLOCKS or text_length(longer) > room:
            more = home.IN_APP_HOME
            break
        blocks = longer
    if more:
        blocks.append(context(more))
    text = "\n".join([title, *map(plain_headline, requests)])
    shown = with_block_ids(blocks, "approvals", 0)
    return Answer(text, shown, sorted(offered_by(shown)))
