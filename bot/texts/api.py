"""The sentences of the API's problem answers, for programs and whoever reads them.

What became of a verdict stands in `bot.texts.web`.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.texts.agent import because

# --- The caller, and the address ----------------------------------------------------
NO_HEADER = "Send the header Authorization: Bearer TOKEN, with a token of yours."
UNKNOWN_CALLER = "This token is not known here; ask whoever runs the bot for one."
NO_ADDRESS = "There is no such address; /api/openapi.json lists those that there are."
NOT_YOURS = "There is no such conversation of yours; take a new UUID to begin one."


def full_members_only(word: str) -> str:
    """`word` says what the person is."""
    return f"Only full members may use this, and {because(word)}."


def wrong_method(method: str, allowed: str) -> str:
    return f"This address does not take {method}; it takes {allowed}."


# --- Idempotency-Key ----------------------------------------------------------------
BAD_KEY = "Idempotency-Key must be 1 to 255 visible ASCII characters."
KEY_REUSED = "This Idempotency-Key stands for another request; take a new one."
IN_PROGRESS = "The first request with this Idempotency-Key is still worked on."

# --- Parameters ---------------------------------------------------------------------
BAD_TOOL = "tool must be a tool's name."
BAD_CONVERSATION = "conversation must be a conversation's id, a UUID."
BAD_CURSOR = "cursor must be what the page before gave as next_cursor."


def unknown_parameter(known: Iterable[str]) -> str:
    return f"There is no such parameter; there are: {', '.join(known)}."


def give_once(name: str) -> str:
    return f"Give {name} once."


def must_be_one_of(name: str, words: Iterable[str]) -> str:
    return f"{name} must be one of {', '.join(words)}."


def bad_limit(most: int) -> str:
    return f"limit must be a whole number from 1 to {most}."


# --- The body -----------------------------------------------------------------------
SEND_JSON = "Send JSON, with the header Content-Type: application/json."
NO_JSON = (
    "The body is no JSON that can be read alike everywhere: send one object, in UTF-8, "
    "each key once."
)
ANSWER_NO_TEXT = "The body does not fit at answer: it must be a text here."
# What does not fit, as the end of a sentence.
ARGUMENTS_WITH_EDIT = "`arguments` go with the decision edit, and it needs them"
ANSWER_WITH_ANSWER = "`answer` goes with the decision answer, and it needs it"
REASON_WITH_REJECT = "`reason` goes with the decision reject alone"


def answer_too_long(most: int) -> str:
    return f"`answer` has more than {most:,} characters"


def body_too_large(most: int) -> str:
    return f"The body is larger than {most:,} bytes; send a smaller one."


def does_not_fit(where: str, complaint: str) -> str:
    """`where` is the path of what does not fit, "" for the whole body."""
    return f"The body does not fit{f' at {where}' if where else ''}: {complaint}."
