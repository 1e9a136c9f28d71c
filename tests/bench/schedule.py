"""The events of a soak and their times: the same seed makes the same schedule."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["say", "click", "kill", "slack", "database"]
SAYS_EACH = 1.5  # seconds between two messages, about
CLICKS_EACH = 0.9
KILLS_EACH = 14.0
SLACK_EACH = 6.0
DATABASE_EACH = 19.0
#: Method, kind of trouble, and how often it comes.
TROUBLE = (
    ("chat.postMessage", "ratelimited", 2),
    ("chat.postMessage", "server_error", 2),
    ("chat.postMessage", "cut_after", 1),
    ("chat.postMessage", "cut_before", 2),
    ("chat.update", "ratelimited", 1),
    ("chat.update", "server_error", 2),
    ("users.info", "server_error", 1),
    ("*", "cut_after", 1),
)


@dataclass(frozen=True, order=True)
class Event:
    """Something that happens; the numbers are drawn before anybody knows what for."""

    at: float  # seconds since the beginning
    kind: Kind
    first: int
    second: int


def schedule(seed: int, seconds: float) -> list[Event]:
    """All events, in order."""
    draw = random.Random(seed)
    rates: list[tuple[Kind, float]] = [
        ("say", SAYS_EACH),
        ("click", CLICKS_EACH),
        ("kill", KILLS_EACH),
        ("slack", SLACK_EACH),
        ("database", DATABASE_EACH),
    ]
    return sorted(
        event for kind, each in rates for event in _of(kind, each, seconds, draw)
    )


def _of(
    kind: Kind, each: float, seconds: float, draw: random.Random
) -> Iterator[Event]:
    at = draw.expovariate(1 / each)
    while at < seconds:
        yield Event(at, kind, draw.randrange(10**6), draw.randrange(10**6))
        at += draw.expovariate(1 / each)
