"""What a policy in force adds to the chain that a request has: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.approvals.model import Confirm, Verdict
from bot.approvals.policy.model import Demanded, StageDemand
from bot.approvals.policy.times import shortest


@dataclass(frozen=True)
class Chain:
    """What a request asks of people: its stages in order, and how they may answer."""

    stages: tuple[StageDemand, ...]
    allow: tuple[Verdict, ...]
    confirm: Confirm
    confirm_argument: str = ""


def stricter(have: Chain, now: Demanded) -> Chain:
    """Add what is demanded now; take nothing away.

    A group that is there keeps its place and its people and gets the larger quorum and
    the shorter timeout; others are appended in their order. Reminders demand nothing,
    and an escalation lets more people decide, so those stay as they were. Gives `have`
    itself if there is nothing to add.
    """
    confirm = strongest((have.confirm, now.confirm))
    is_stronger = confirm is not have.confirm
    added = Chain(
        stages=_stages(have.stages, now.stages),
        allow=tuple(verdict for verdict in have.allow if verdict in now.allow),
        confirm=confirm,
        confirm_argument=now.confirm_argument if is_stronger else have.confirm_argument,
    )
    return have if added == have else added


def strongest(confirms: Iterable[Confirm]) -> Confirm:
    """The confirmation that asks most of a person."""
    return max(confirms, key=list(Confirm).index)


def _stages(
    have: tuple[StageDemand, ...], now: tuple[StageDemand, ...]
) -> tuple[StageDemand, ...]:
    demands = {stage.approvers: stage for stage in now}
    known = {stage.approvers for stage in have}
    raised = [_raised(s, demands.get(s.approvers, s)) for s in have]
    return (*raised, *(stage for stage in now if stage.approvers not in known))


def _raised(have: StageDemand, now: StageDemand) -> StageDemand:
    timeout = shortest((have.times.timeout, now.times.timeout))
    return replace(
        have,
        quorum=max(have.quorum, now.quorum),
        times=replace(have.times, timeout=timeout),
    )
