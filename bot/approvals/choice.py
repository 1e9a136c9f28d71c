"""A person's word on a request, and what it did."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.approvals.model import Person, Verdict


class Effect(enum.StrEnum):
    """What a word did."""

    RECORDED = "recorded"  # counted; the stage needs more people
    STAGE_PASSED = "stage_passed"
    APPROVED = "approved"
    EDITED = "edited"  # other arguments; the chain that they need is open
    ANSWERED = "answered"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    TIMED_OUT = "timed_out"  # the click found the deadline over
    LATE = "late"  # the request was closed already
    REPEATED = "repeated"  # the same click once more
    REFUSED = "refused"


CHANGES = frozenset(
    {
        Effect.RECORDED,
        Effect.STAGE_PASSED,
        Effect.APPROVED,
        Effect.EDITED,
        Effect.ANSWERED,
        Effect.REJECTED,
        Effect.WITHDRAWN,
        Effect.TIMED_OUT,
    }
)


@dataclass(frozen=True)
class Place:
    """Where in Slack a click was made, as the signed payload says."""

    app: str
    channel: str
    message: str
    card: str = ""  # the card's id in the message's own metadata
    thread: str = ""  # the ts of the thread that the message stands in


@dataclass(frozen=True)
class Choice:
    """One authenticated person's word on one request.

    Attributes:
        request: what the button carries: `Request.token` as it was when it was drawn.
            An older token is a word on arguments that hold no more.
        reason: why it is rejected, or the answer in the tool's place.
        arguments: the whole new arguments, for an edit.
        typed: what was typed in to confirm.
        seen: what the new arguments of an edit name at the moment.
        value: what a form was filled in with, to answer a graph's own question.
        quiet: one of several words of one click; who clicks is told of all at once.
    """

    request: str
    person: Person
    verdict: Verdict
    via: str
    place: Place | None = None
    reason: str = ""
    click: str = ""
    arguments: Mapping[str, Any] | None = None
    typed: str = ""
    seen: Mapping[str, Any] | None = None
    value: Any = None
    quiet: bool = False


def word_of(choice: Choice | None) -> dict[str, str | None]:
    """What a person said, as the statement wants it; all None where nobody did."""
    if choice is None:
        names = ("enterprise", "team", "user", "verdict", "reason", "via", "click")
        return dict.fromkeys(names)
    verdict = choice.verdict
    return {
        "enterprise": choice.person.enterprise,
        "team": choice.person.team,
        "user": choice.person.user,
        "verdict": "reject" if verdict == "withdraw" else str(verdict),
        "reason": choice.reason,
        "via": choice.via,
        "click": choice.click,
    }
