"""The times of a stage that several rules demand, or that a policy shortens: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from bot.approvals.model import Escalation, Times


def folded(times: Iterable[Times]) -> Times:
    """Put together what several rules say of one group; their order does not matter."""
    all_times = list(times)
    reminders = {reminder for each in all_times for reminder in each.reminders}
    return Times(
        shortest(each.timeout for each in all_times),
        tuple(sorted(reminders)),
        _earliest(each.escalation for each in all_times),
    )


def shortest(timeouts: Iterable[timedelta | None]) -> timedelta | None:
    """The shortest of them; None stands for no timeout of its own."""
    return min((t for t in timeouts if t is not None), default=None)


def _earliest(escalations: Iterable[Escalation | None]) -> Escalation | None:
    known = [each for each in escalations if each is not None]
    if not known:
        return None
    targets = {target.group: target for each in known for target in each.to}
    return Escalation(
        min(each.after for each in known),
        tuple(target for _, target in sorted(targets.items())),
    )
