"""What a policy in force adds to the chain that a request has: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bot.approvals.model import Confirm, Verdict
from bot.approvals.policy.model import Demanded, StageDemand


@dataclass(frozen=True)
class Chain:
    """What a request asks of people: its stages in order, and how they may answer."""

    stages: tuple[StageDemand, ...]
    allow: tuple[Verdict, ...]
    confirm: Confirm
    confirm_argument: str = ""


def stricter(have: Chain, now: Demanded) -> Chain:
    """Add what is demanded now; take nothing away.

    A group that is there keeps its place and its people and gets the larger quorum;
    others are appended in their order. Gives `have` itself if there is nothing to add.
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
    quorums = {stage.approvers: stage.quorum for stage in now}
    known = {stage.approvers for stage in have}
    raised = [
        replace(s, quorum=max(s.quorum, quorums.get(s.approvers, 0))) for s in have
    ]
    return (*raised, *(stage for stage in now if stage.approvers not in known))
