"""The time limits of the process, in seconds.

Only tests lower these, with TIME_LIMITS, so that a fault takes them less time than it
takes people; that is refused where Slack is real.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.base.errors import SlackUnavailable

PATIENCE = 1.5  # for all that Slack has to say before an ack, which is due within 3
OPENING = 1.2  # for the form that it then opens


@dataclass(frozen=True)
class TimeLimits:
    """Each limit in seconds; the defaults are what people get."""

    slack_call: float = 10.0  # one call of the Web API
    socket_try: float = 8.0  # one try to open the socket
    socket_ping: float = 5.0  # between two pings, and between two tries to connect
    sign_of_life: float = 0.5  # for an idle connection to the database
    click_statement: float = 2.0  # for one statement of a listener
    statement: float = 8.0  # for one statement of anything else
    transaction: float = 5.0  # without a statement: the server takes it for dead
    duty: float = 10.0  # for a duty of the clock, which then goes on without it
    late_tick: float = 15.0  # behind its time: the clock counts as standing still
    message_lease: float = 25.0  # a process that dies holds a message for so long
    lost_card: float = 60.0  # between two tries of a card that Slack refuses
    heartbeat: float = 5.0  # between two signs of life of a worker
    server_question: float = 300.0  # that a tool's server asks in the middle of a call
    stalled: float = 20.0  # without a sign of life: the worker is gone
    job_missing: float = 8.0  # longer than a fetch whose answer is on its way
    left_behind: float = 60.0  # how old work without a job is when it is found
    seldom: float = 60.0  # between two looks for what is to be forgotten
    quiet: float = 60.0  # since a conversation's last run, before it is pruned
    next_checkpoint: float = 30.0  # until the next try, where the sink takes nothing
    next_notice: float = 5.0  # until the second try of an e-mail or event
    unsaved: float = 2.0  # of a run: sooner nobody stops it for what it does
    word: float = 0.05  # for each word of the offline model that people read at once
    longest_retry: float = 60.0  # between two tries of a job


@asynccontextmanager
async def slack_in_time() -> AsyncGenerator[None]:
    """Give Slack PATIENCE for its answers. Raises SlackUnavailable: it takes longer."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError as error:
        raise SlackUnavailable from error


NAMES = tuple(field.name for field in dataclasses.fields(TimeLimits))
_in_force = TimeLimits()


def limits() -> TimeLimits:
    """Return the limits in force."""
    return _in_force


def lower(chosen: dict[str, float] | None) -> None:
    """Put these limits in place of their defaults; None: all defaults."""
    global _in_force
    _in_force = TimeLimits(**(chosen or {}))


def read_limits(text: str) -> dict[str, float]:
    """Read a setting such as `slack_call=1,lost_card=2`."""
    allowed = f"NAME=SECONDS, comma-separated, of {', '.join(NAMES)}"
    chosen: dict[str, float] = {}
    for part in text.split(","):
        name, _, seconds = part.strip().partition("=")
        if name not in NAMES or not seconds.replace(".", "", 1).isdecimal():
            raise ValueError(allowed)
        if not 0 < float(seconds) <= getattr(TimeLimits, name):
            raise ValueError(f"{allowed}; more than 0 and at most the default")
        chosen[name] = float(seconds)
    return chosen


def wait_after(tries: int, longest: float, first: float = 1) -> int:
    """Return the seconds until the next try: twice as many after each one."""
    return math.ceil(min(first * 2 ** min(tries, 20), longest))
