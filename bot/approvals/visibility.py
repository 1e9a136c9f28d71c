"""The requests that a person may see, by their rows and the policy."""

from __future__ import annotations

import datetime as dt

from bot.approvals.model import Person, Request
from bot.approvals.policy.model import Policy, is_in_force, standing_in


def can_see(person: Person, request: Request, policy: Policy, now: dt.datetime) -> bool:
    """Return whether a request is this person's business, by its row and the policy."""
    if person.team != request.team:
        return False
    chain = request.chain
    own = {request.people.requester.user, *request.people.participants}
    own |= {decision.person.user for decision in (*chain.decisions, *chain.voided)}
    if person.user in own:
        return True
    return any(
        person.user in stage.people
        or _stands_in(person, stage.approvers, stage.people, policy, now)
        for stage in chain.stages
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
