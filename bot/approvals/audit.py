"""The trail: facts are appended in the transaction that they describe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from bot.approvals.model import Request
from bot.database.pool import Connection
from bot.database.statements import load_statements
from bot.masks import mask_strings

FILES = (
    "requests.sql",
    "verdicts.sql",
    "time.sql",
    "grants.sql",
    "resumes.sql",
    "seen.sql",
)
SQL: dict[str, LiteralString] = {
    name: text
    for file in FILES
    for name, text in load_statements("bot.approvals", file).items()
}


@dataclass(frozen=True)
class Fact:
    """One row of the trail. `actor` is a user id, or "bot", "clock", "operator"."""

    team: str
    event: str
    request: str | None = None
    conversation: str | None = None
    actor: str = "bot"
    via: str = ""
    detail: dict[str, Any] = field(default_factory=dict[str, Any])


def about(
    request: Request, event: str, *, actor: str = "bot", via: str = "", **detail: Any
) -> Fact:
    """A fact about a request."""
    return Fact(
        request.team,
        event,
        request=request.id,
        conversation=request.conversation,
        actor=actor,
        via=via,
        detail={"tool": request.tool, "digest": request.grant_digest, **detail},
    )


async def append(connection: Connection, facts: Sequence[Fact]) -> None:
    """Append facts; without them the transaction must not commit.

    Raises:
        psycopg.Error: the trail refused; the caller's transaction rolls back.
    """
    if facts:
        await connection.execute(SQL["append_audit"], {"facts": as_json(facts)})


def as_json(facts: Sequence[Fact]) -> Jsonb:
    """Facts as a statement takes them that appends them beside its own work.

    People's words may hold secrets, which the trail keeps masked.
    """
    return Jsonb(mask_strings([asdict(fact) for fact in facts]))
