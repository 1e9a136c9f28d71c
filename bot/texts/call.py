"""The words around a call's arguments, or a graph's question. Plain text."""

from __future__ import annotations

from collections.abc import Sequence

from bot.texts.formatting import joined

TOOL, QUESTION, ARGUMENTS = "Tool", "Question", "Arguments"
REASON, ANSWER, FAILURE = "Reason", "Answer", "Failed:"
THEY_BEGIN, THEY_END = "They begin:", "They end:"
BY_THE_GRAPH = "The agent's graph asks, in its own words:"
ANSWER_TO_BE_APPROVED = "Answer to be approved:"
AGENT_SAYS = "The agent says (unverified):"
DECEIVES = "⚠ Look-alike addresses:"
FOREIGN = "Addresses beyond ASCII:"
LATIN_LOOK = "its letters only look like Latin ones"
ABSENT = "(absent)"
TOO_MUCH = "(too deep or too much to show)"
# What stands before a person and after them.
COMMENT_BY = ("Comment by ", ":")
CHANGED_BY = ("Changed by ", ", old → new:")
IN_VIEW = "Open the whole text with “View in full”; Approve is there."
IN_FILE = (
    "“View in full” sends the whole text as a file into this card's thread; Approve is "
    "there."
)


def too_many_characters(length: int) -> str:
    return f"Arguments: {length:,} characters, too many for here"


def of_type(name: str) -> str:
    """In place of a value of a graph's own class."""
    return f"(a value of the type {name})"


def bytes_of(length: int, sha256: str) -> str:
    return f"({length:,} bytes, SHA-256 {sha256})"


def left_out(length: int, sha256: str) -> str:
    """Between the two ends of a text; `length` is that of the whole."""
    return f"… {length:,} characters in all, SHA-256 {sha256} …"


def fingerprint(sha256: str) -> str:
    return f"SHA-256 of the whole text: {sha256}"


def and_more(number: int) -> str:
    return f"… and {number} more."


def more_arguments(number: int) -> str:
    return f"… {number} more arguments"


def more_changed(number: int) -> str:
    return f"… and {number} more arguments are changed."


def in_ascii(host: str) -> str:
    return f"in ASCII {host}"


def mixed_letters(scripts: Sequence[str]) -> str:
    return f"mixes {joined(scripts)} letters"
