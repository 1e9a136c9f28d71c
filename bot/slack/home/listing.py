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
from bot.slack.home.desk import Desk
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
    return _listed(
        home.WAITING, rows, home.NOTHING_WAITS, desk.waiting, more=desk.is_more
    )


def told_list(
    title: str, empty: str, requests: Sequence[Request], desk: Desk, link: Link
) -> Answer:
    """List a person's own requests, or what they have decided."""
    if desk.refusal:
        return Answer(home.for_members_only(desk.refusal))
    rows = [told_row(view_of(each, desk), link) for each in requests]
    return _listed(title, rows, empty, requests)


def one_row(request: Request, desk: Desk, link: Link) -> Answer:
    """Show one request, with its buttons where it waits for this person."""
    waiting = [each for each in desk.waiting if each.id == request.id]
    if waiting:
        row = waiting_row(view_of(waiting[0], desk), link)
    else:
        row = told_row(view_of(request, desk), link)
    return _listed(request.code, [row], "", [request])


def _listed(
    title: str,
    rows: Sequence[Sequence[Block]],
    empty: str,
    requests: Sequence[Request],
    *,
    more: bool = False,
) -> Answer:
    """As many whole rows as one message holds."""
    if not rows:
        return Answer(empty)
    blocks: list[Block] = [section([f"*{title}*"])]
    room = MESSAGE_TEXT_LIMIT - len(home.IN_APP_HOME)
    for row in rows:
        longer = [*blocks, *row]
        if len(longer) > _MOST_BLOCKS or text_length(longer) > room:
            more = True
            break
        blocks = longer
    if more:
        blocks.append(context(home.IN_APP_HOME))
    text = "\n".join([title, *map(plain_headline, requests)])
    shown = with_block_ids(blocks, "approvals", 0)
    return Answer(text, shown, sorted(offered_by(shown)))
