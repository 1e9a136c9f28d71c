"""What people may decide, and how a turn ends that takes no answer."""

from __future__ import annotations

from collections.abc import Sequence

from bot.approvals.model import Verdict
from bot.conversations.dialects import sentences
from bot.conversations.dialects.interface import Decided, End, Stop


def without_approval(allowed: tuple[Verdict, ...] | None) -> tuple[Verdict, ...]:
    """What is left where nobody can be shown all that an approval would run."""
    left = (Verdict.REJECT, Verdict.ANSWER)
    return left if allowed is None else tuple(v for v in allowed if v in left)


def stopped(decisions: Sequence[Decided]) -> Stop:
    """End the turn, since somebody said no or nobody said anything."""
    rejected = any(decided.end is End.REJECT for decided in decisions)
    return Stop(sentences.STOPPED if rejected else sentences.STOPPED_BY_TIME)
