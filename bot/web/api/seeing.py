"""Who may see a request: whoever asked, wrote, decided, or may decide it."""

from __future__ import annotations

import datetime as dt

from bot.approvals.model import Person, Request
from bot.approvals.policy.delegation import is_in_force, standing_in
from bot.approvals.policy.model import Policy


def sees(person: Person, request: Request, policy: Policy, now: dt.datetime) -> bool:
    """Whether a request is this person's business, by what is stored and the policy."""
    if person.team != request.team:
        return False
    own = {request.requester.user, *request.participants}
    own |= {decision.person.user for decision in (*request.decisions, *request.voided)}
    if person.user in own:
        return True
    return any(
        person.user in stage.people
        or _stands_in(person, stage.approvers, stage.people, policy, now)
        for stage in request.stages
    )


def _stands_in(
    person: Person,
    group: str,
    people: tuple[str, ...],
    policy: Policy,
    now: dt.datetime,
) -> bool:
    deputies = standing_in(policy, group, now)
    return any(person.user in deputies.get(user, ()) for user in people)


def represents(person: Person, policy: Policy, now: dt.datetime) -> list[str]:
    """A person, and those for whom they stand in now; user ids."""
    principals = [
        each.principal
        for each in policy.delegations
        if each.delegate == person.user and is_in_force(policy, each, now)
    ]
    return [person.user, *principals]
