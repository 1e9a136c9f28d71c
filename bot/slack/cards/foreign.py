"""What a card says of addresses in other letters than they seem to be written in."""

from __future__ import annotations

from bot.approvals.model import Request
from bot.slack.cards.blocks import Block, preformatted, words
from bot.slack.lookalikes import Lookalike, lookalikes
from bot.slack.text import cut, joined, shown

_TOGETHER = 480  # characters; several requests on one card share them
_MOST = 5  # addresses, likewise
DECEIVES = "⚠ Look-alike addresses:"
FOREIGN = "Addresses beyond ASCII:"


def foreign_elements(request: Request, sharing: int) -> list[Block]:
    """The parts of a `rich_text` that mark such addresses, none if there are none."""
    found = lookalikes(request.arguments)
    if not found:
        return []
    first = found[: max(1, _MOST // sharing)]
    room = _TOGETHER // sharing // len(first)
    lines = [cut(foreign_line(each), room) for each in first]
    more = len(found) - len(first)
    return [
        words(DECEIVES if found[0].deceives else FOREIGN, bold=True),
        *preformatted("\n".join(lines)),
        *([words(f"… and {more} more.")] if more else []),
    ]


def foreign_line(each: Lookalike) -> str:
    """Plain text: an address, and what is odd about it."""
    said = [f"in ASCII {each.ascii_form}"]
    if each.scripts:
        names = joined([script.title() for script in each.scripts])
        said.insert(0, f"mixes {names} letters")
    elif each.reads_as_latin:
        said.insert(0, "its letters only look like Latin ones")
    return f"{cut(shown(each.text), 40)}: {shown(', '.join(said))}"
