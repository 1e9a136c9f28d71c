"""Read what `GET /api/approvals` asks for, and let a caller see only what they may."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from bot.approvals.model import Person, Request, Status
from bot.approvals.policy.model import Policy, is_in_force, standing_in
from bot.texts import api as sentences
from bot.web.api.problems import unreadable

MOST = 100  # requests on a page


def _only(fits: Callable[[str], object]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not fits(text):
            raise ValueError
        return text

    return check


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


LeftOut = SkipJsonSchema[None]  # which the schema does not offer as a value
Role = Literal["requester", "approver"]
Printable = Annotated[str, AfterValidator(_only(str.isprintable))]
Tool = Annotated[Printable, AfterValidator(_only(lambda name: 0 < len(name) <= 200))]
Limit = Annotated[
    int,
    Field(ge=1, le=MOST),
    # int reads signs, blanks and other scripts too
    BeforeValidator(_only(re.compile("[0-9]{1,9}").fullmatch)),
]
Uuid = Annotated[uuid.UUID, BeforeValidator(uuid.UUID)]  # reads more than pydantic does
Cursor = Annotated[
    Json[tuple[AwareDatetime, Printable]],
    BeforeValidator(_decoded),
    WithJsonSchema({"type": "string"}),
]


class Query(BaseModel):
    """The parameters of `GET /api/approvals`."""

    # built at the first use, since a start would wait for it
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    status: Status | LeftOut = None
    role: Role | LeftOut = None
    tool: Tool | LeftOut = None
    conversation: Uuid | LeftOut = None
    limit: Limit = 20
    cursor: Cursor | LeftOut = None


_MISFITS = sentences.misfits(get_args(Role), MOST)


def read_query(given: Iterable[tuple[str, str]]) -> Query:
    """Read every parameter, as often as it stands in the address.

    Raises:
        Problem: 422, about the first that does not fit.
    """
    pairs = list(given)
    names = [name for name, _ in pairs]
    for name in names:
        if name not in _MISFITS:
            raise unreadable(sentences.unknown_parameter(_MISFITS))
        if names.count(name) > 1:
            raise unreadable(sentences.give_once(name))
    try:
        return Query.model_validate(dict(pairs))
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors()}
        first = next(name for name in names if name in wrong)
        raise unreadable(_MISFITS[first]) from None


def cursor(row: Mapping[str, Any]) -> str:
    """Return where the page after this row begins; opaque to callers."""
    text = json.dumps([row["raised_at"].isoformat(), row["id"]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


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
