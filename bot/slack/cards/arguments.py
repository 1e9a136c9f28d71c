"""A call's arguments on a card: in full, or their two ends and no Approve."""

from __future__ import annotations

from collections.abc import Sequence

from bot.slack.cards.blocks import Block, preformatted, words
from bot.slack.text import ARGUMENTS_IN_FULL, TEXT_LIMIT, long_arguments

FULL_VIEW_CHARACTERS = 20_000  # one view holds this many; see `full_view`
FILE_BYTES = 4_000_000  # of the text as a file; Slack itself takes up to 1 GB
_OWN_WORDS = 400  # what our own sentences around a long text may take


def shares(lengths: Sequence[int], room: int) -> list[int]:
    """Divide `room` characters among texts: short ones get what they need first."""
    rooms = [0] * len(lengths)
    by_length = sorted(range(len(lengths)), key=lengths.__getitem__)
    for done, index in enumerate(by_length):
        share = room // (len(lengths) - done)
        rooms[index] = min(share, lengths[index])
        room -= rooms[index]
    return rooms


def in_full(text: str, room: int) -> bool:
    """Whether a text stands on the card as a whole."""
    return len(text) <= min(ARGUMENTS_IN_FULL, room)


def argument_elements(text: str, room: int, *, takes_clicks: bool) -> list[Block]:
    """The parts of a `rich_text` that show `text` in at most `room` characters."""
    ends = min(TEXT_LIMIT, room - _OWN_WORDS)
    long = long_arguments(text, limit=min(ARGUMENTS_IN_FULL, room), ends=ends)
    if long is None:
        return [words("Arguments", bold=True), *preformatted(text)]
    return [
        words(f"Arguments: {long.length:,} characters, too many for here", bold=True),
        words("They begin:"),
        *preformatted(long.head),
        words("They end:"),
        *preformatted(long.tail),
        words(f"SHA-256 of the whole text: {long.sha256}"),
        *([words(_where_to_decide(long.length))] if takes_clicks else []),
    ]


def _where_to_decide(length: int) -> str:
    if length > FULL_VIEW_CHARACTERS:
        return (
            "“View in full” sends the whole text as a file into this card's thread; "
            "Approve is there."
        )
    return "Open the whole text with “View in full”; Approve is there."
