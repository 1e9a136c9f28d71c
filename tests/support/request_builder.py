"""One request for the tests, with whatever they change of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import fields, replace
from typing import Any

from bot.approvals.model import (
    Askers,
    Call,
    CardPlace,
    Chain,
    Ending,
    Request,
    Stage,
    Status,
    Terms,
)
from tests.support.people import MINA, OMAR, RAVI, person

NOW = dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC)
MANAGERS = Stage("managers", (MINA, OMAR), 1, NOW)
PLAIN = Request(
    id="req-1",
    code="K7QP",
    team="T1",
    conversation="c-1",
    interrupt="i-1",
    call=Call(
        id="call-1",
        tool="delete_file",
        arguments={"path": "reports/q3.csv"},
        digest="c" * 64,
        grant_digest="0123456789abcdef" * 4,
    ),
    people=Askers(person(RAVI), (RAVI,)),
    terms=Terms(rules=("deleting",), why=("Deleted files cannot be restored.",)),
    chain=Chain((MANAGERS,)),
    policy_version="1",
    status=Status.PENDING,
    raised_at=NOW,
    expires_at=NOW + dt.timedelta(hours=24),
    place=CardPlace(token="req-1"),
)
_GROUPS = {
    "end": Ending,
    "place": CardPlace,
    "chain": Chain,
    "terms": Terms,
    "people": Askers,
    "call": Call,
}
_OWN = {field.name for field in fields(Request)}
#: What stands in which group. Where two have a name, it is the call's, and the other's
#: has its group before it: `end_note`.
_GROUP_OF = {
    name: (group, field.name)
    for group, kind in _GROUPS.items()
    for field in fields(kind)
    for name in (f"{group}_{field.name}", field.name)
}


def request(**changes: Any) -> Request:
    """A request of Ravi's that waits for a manager."""
    token = changes.get("id", PLAIN.id)  # until an edit brings another
    return changed(PLAIN, **{"token": token, **changes})


def changed(old: Request, **changes: Any) -> Request:
    """The request with other values: whole groups, or single fields of any group."""
    own = {name: changes.pop(name) for name in _OWN & changes.keys()}
    new = replace(old, **own)
    for name, value in changes.items():
        group, field = _GROUP_OF[name]
        part = replace(getattr(new, group), **{field: value})
        new = replace(new, **{group: part})
    return new
