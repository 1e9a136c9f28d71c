"""What people read about a turn that has failed and can be tried again.

Functions give mrkdwn, already escaped.
"""

from __future__ import annotations

import datetime as dt

from bot.slack import sentences
from bot.slack.text import date, mention

TRY_AGAIN = "Try again"
TRY_AGAIN_LABEL = "Try again what has just failed"
NO_OFFER = "This button is not valid any more. Nothing was run; please write again."
MISPLACED = (
    "This button does not belong to this message. Nothing was run; please use the "
    "original one."
)
TRIED_ALREADY = "It has been tried again already, so your click did nothing."
MOVED_ON = (
    "The conversation has gone on since, so this was not tried again. Please write "
    "what you need now."
)
CANNOT_TELL = (
    "I could not check with Slack who you are, so nothing was run. Please click again "
    "in a moment."
)
_REFUSALS = {
    "unknown_offer": NO_OFFER,
    "misplaced": MISPLACED,
    "tried_already": TRIED_ALREADY,
    "moved_on": MOVED_ON,
    "could_not_check": CANNOT_TELL,
}


def tried_by(user: str, at: dt.datetime) -> str:
    """In place of the button."""
    return f"Tried again by {mention(user)}, {date(at)}."


def not_tried(word: str) -> str:
    """Why a click did nothing: a word of the retrier, or what the person is."""
    return _REFUSALS.get(word) or sentences.may_not_ask(word)
