"""Who may decide a request now, and whether its stages can still be filled."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from bot.approvals.model import REQUESTER, Person, Request, Stage


class Refusal(enum.StrEnum):
    """Why somebody may not decide the open stage."""

    OTHER_TEAM = "other_team"
    REQUESTER = "requester"
    PARTICIPANT = "participant"
    ALREADY_DECIDED = "already_decided"
    NOT_IN_GROUP = "not_in_group"


def who_can_decide(request: Request) -> tuple[str, ...]:
    """List the user ids who can decide the open stage, in the policy's order.

    Empty when no stage is open. As good as the people of the stage are: `standing`
    brings them up to date.
    """
    stage = open_stage(request)
    if not request.is_open or stage is None:
        return ()
    barred = _deciders(request)
    if stage.source != REQUESTER:
        barred |= excluded(request)
    return tuple(user for user in stage.people if user not in barred)


def refusal(request: Request, person: Person) -> Refusal | None:
    """Say why this person may not decide the open stage now; None: they may.

    Looks at the policy's people alone: whether the request is still open, and whether
    Slack still knows the person, are questions of their own.
    """
    # A team belongs to one enterprise, and not every payload names the enterprise.
    if person.team != request.team:
        return Refusal.OTHER_TEAM
    stage = open_stage(request)
    if stage is None or stage.source != REQUESTER:
        if person.user == request.requester.user:
            return Refusal.REQUESTER
        if person.user in request.participants:
            return Refusal.PARTICIPANT
    if person.user in _deciders(request):
        return Refusal.ALREADY_DECIDED
    if stage is None or person.user not in stage.people:
        return Refusal.NOT_IN_GROUP
    return None


def unfillable_stage(
    stages: Sequence[Stage],
    excluded: Collection[str],
    decided: Mapping[int, Collection[str]],
) -> Stage | None:
    """Name the stage that those who remain cannot fill, or None.

    `excluded` never decide, but for a stage of the requester's own; `decided` holds, by
    the stage's index, who already has.
    A person decides at most one stage, so stages that could each be filled alone may
    still fail together: then the latest one that stays short is named.
    """
    deciders = {user for users in decided.values() for user in users}
    needs = {
        index: max(0, stage.quorum - len(set(decided.get(index, ()))))
        for index, stage in enumerate(stages)
        if stage.passed_at is None
    }
    people = {index: _remaining(stages[index], deciders, excluded) for index in needs}
    for index, need in needs.items():
        if len(people[index]) < need:
            return stages[index]
    short = _short_stage(needs, people)
    return None if short is None else stages[short]


def _remaining(
    stage: Stage, deciders: Collection[str], excluded: Collection[str]
) -> list[str]:
    own = stage.source == REQUESTER
    barred = {*deciders, *(() if own else excluded)}
    return [user for user in dict.fromkeys(stage.people) if user not in barred]


def _short_stage(
    needs: Mapping[int, int], people: Mapping[int, Sequence[str]]
) -> int | None:
    """Seat people by Kuhn's algorithm; give the last stage that stays short."""
    seated: dict[str, int] = {}
    short = None
    for stage, need in needs.items():
        if not all(_seat(stage, people, seated, {stage}) for _ in range(need)):
            short = stage
    return short


def _seat(
    stage: int,
    people: Mapping[int, Sequence[str]],
    seated: dict[str, int],
    tried: set[int],
) -> bool:
    """Seat one more person at the stage, moving others to their other stages."""
    for person in people[stage]:
        holder = seated.get(person)
        if holder in tried:
            continue
        if holder is not None:
            tried.add(holder)
            if not _seat(holder, people, seated, tried):
                continue
        seated[person] = stage
        return True
    return False


class Origin(Protocol):
    """Whose words a call comes from: a turn, or the request that it has raised."""

    @property
    def requester(self) -> Person: ...

    @property
    def participants(self) -> tuple[str, ...]: ...


def excluded(origin: Origin) -> set[str]:
    """Who asked, or wrote in the turn: none of them decides."""
    return {origin.requester.user, *origin.participants}


def open_stage(request: Request) -> Stage | None:
    """The stage that is to be decided now; None when all have passed."""
    index = request.stage_index
    return request.stages[index] if index < len(request.stages) else None


def _deciders(request: Request) -> set[str]:
    return {decision.person.user for decision in request.decisions}
