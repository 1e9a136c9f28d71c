"""Who may decide a request now, and whether its stages can still be filled."""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence

from bot.approvals.model import Person, Request, Stage


class Refusal(enum.StrEnum):
    """Why somebody may not decide the open stage."""

    OTHER_TEAM = "other_team"
    REQUESTER = "requester"
    PARTICIPANT = "participant"
    ALREADY_DECIDED = "already_decided"
    NOT_IN_GROUP = "not_in_group"


def who_can_decide(request: Request) -> tuple[str, ...]:
    """List the user ids who can decide the open stage, in the policy's order.

    Empty when no stage is open.
    """
    if not request.is_open:
        return ()
    barred = _excluded(request) | _deciders(request)
    return tuple(user for user in _open_people(request) if user not in barred)


def refusal(request: Request, person: Person) -> Refusal | None:
    """Say why this person may not decide the open stage now; None: they may.

    Looks at the policy's people alone: whether the request is still open, and whether
    Slack still knows the person, are questions of their own.
    """
    # A team belongs to one enterprise, and not every payload names the enterprise.
    if person.team != request.team:
        return Refusal.OTHER_TEAM
    if person.user == request.requester.user:
        return Refusal.REQUESTER
    if person.user in request.participants:
        return Refusal.PARTICIPANT
    if person.user in _deciders(request):
        return Refusal.ALREADY_DECIDED
    if person.user not in _open_people(request):
        return Refusal.NOT_IN_GROUP
    return None


def unfillable_stage(
    stages: Sequence[Stage],
    excluded: Collection[str],
    decided: Mapping[int, Collection[str]],
) -> Stage | None:
    """Name the stage that those who remain cannot fill, or None.

    `excluded` never decide; `decided` holds, by the stage's index, who already has.
    A person decides at most one stage, so stages that could each be filled alone may
    still fail together: then the latest one that stays short is named.
    """
    barred = {*excluded, *(user for users in decided.values() for user in users)}
    needs = {
        index: max(0, stage.quorum - len(set(decided.get(index, ()))))
        for index, stage in enumerate(stages)
        if stage.passed_at is None
    }
    people = {index: _remaining(stages[index], barred) for index in needs}
    for index, need in needs.items():
        if len(people[index]) < need:
            return stages[index]
    short = _short_stage(needs, people)
    return None if short is None else stages[short]


def _remaining(stage: Stage, barred: Collection[str]) -> list[str]:
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


def _excluded(request: Request) -> set[str]:
    return {request.requester.user, *request.participants}


def _deciders(request: Request) -> set[str]:
    return {decision.person.user for decision in request.decisions}


def _open_people(request: Request) -> tuple[str, ...]:
    index = request.stage_index
    return request.stages[index].people if index < len(request.stages) else ()
