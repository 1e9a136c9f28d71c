"""Read what `GET /api/approvals` asks for, and let a caller see only what they may."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from bot.approvals.model import Person, Request, Status
from bot.approvals.policy.model import Policy, is_in_force, standing_in
from bot.texts import api as sentences
from bot.web.api.problems import unreadable

ROLES = ("requester", "approver")
USUAL, MOST = 20, 100  # requests on a page
_NONE: dict[str, Any] = {
    "status": None,
    "tool": None,
    "conversation": None,
    "role": "",
    "limit": USUAL,
    "after_at": None,
    "after_id": "",
}


def read_query(given: Mapping[str, str], names: list[str]) -> dict[str, Any]:
    """The parameters of the statement `page_of_requests`.

    Args:
        names: every parameter as often as it stands in the address.

    Raises:
        Problem: 422.
    """
    for name in names:
        if name not in _READERS:
            raise unreadable(sentences.unknown_parameter(_READERS))
        if names.count(name) > 1:
            raise unreadable(sentences.give_once(name))
    asked = dict(_NONE)
    for name in names:
        asked.update(_READERS[name](given[name]))
    return asked


def cursor(row: Mapping[str, Any]) -> str:
    """Return where the page after this row begins; opaque to callers."""
    text = json.dumps([row["raised_at"].isoformat(), row["id"]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _status(text: str) -> dict[str, Any]:
    if text not in {*Status}:
        raise unreadable(sentences.must_be_one_of("status", Status))
    return {"status": text}


def _role(text: str) -> dict[str, Any]:
    if text not in ROLES:
        raise unreadable(sentences.must_be_one_of("role", ROLES))
    return {"role": text}


def _tool(text: str) -> dict[str, Any]:
    if not text.isprintable() or not 0 < len(text) <= 200:
        raise unreadable(sentences.BAD_TOOL)
    return {"tool": text}


def _conversation(text: str) -> dict[str, Any]:
    try:
        return {"conversation": uuid.UUID(text)}
    except ValueError:
        raise unreadable(sentences.BAD_CONVERSATION) from None


def _limit(text: str) -> dict[str, Any]:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MOST):
        raise unreadable(sentences.bad_limit(MOST))
    return {"limit": int(text)}


def _cursor(text: str) -> dict[str, Any]:
    try:
        padded = text + "=" * (-len(text) % 4)
        at, request = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        found = dt.datetime.fromisoformat(at)
        if found.tzinfo is None or not request.isprintable():
            raise ValueError
    except (ValueError, TypeError, AttributeError):
        raise unreadable(sentences.BAD_CURSOR) from None
    return {"after_at": found, "after_id": request}


_READERS: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "status": _status,
    "role": _role,
    "tool": _tool,
    "conversation": _conversation,
    "limit": _limit,
    "cursor": _cursor,
}


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
