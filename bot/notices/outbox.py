"""Turn what has happened to requests into e-mails and events, each of them once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.approvals import store
from bot.approvals.eligibility import who_can_decide
from bot.approvals.model import Request
from bot.approvals.outside import tells_by_email, ways_to_tell
from bot.approvals.policy.model import Policy
from bot.approvals.ports import Job, Jobs, Policies
from bot.approvals.standing import Standing, refreshed
from bot.database.pool import Connection, Pool, transaction
from bot.notices.events import OPENS_A_STAGE, REMINDS, event_body, event_type
from bot.notices.jobs import SQL, email_job, webhook_job
from bot.time_limits import limits

AT_ONCE = 50  # changes in one transaction
ENDS = frozenset(
    {"approved", "rejected", "timed_out", "answered", "orphaned", "unknown"}
)


@dataclass(frozen=True)
class Outbox:
    """Works off what the trail's trigger has put down.

    `source`: where the events come from; "" where nobody wants any.
    """

    pool: Pool
    jobs: Jobs
    policies: Policies
    source: str
    emails: bool

    async def work_off(self) -> None:
        """Tell all that has happened since the last time; a duty of the clock."""
        while await self._some():
            pass
        await self._take_up()

    async def _some(self) -> bool:
        async with transaction(self.pool) as connection:
            alone = await (await connection.execute(SQL["tell_alone"])).fetchone()
            if alone is None or not alone["alone"]:
                return False
            taken = await connection.execute(SQL["take_outbox"], {"limit": AT_ONCE})
            changes = sorted(await taken.fetchall(), key=lambda row: row["seq"])
            follow: list[Job] = []
            for change in changes:
                follow += await self._tell(connection, change)
            await self.jobs.defer(connection, follow)
        return len(changes) == AT_ONCE

    async def _tell(
        self, connection: Connection, change: Mapping[str, Any]
    ) -> list[Job]:
        found = await store.load_with_clock(connection, change["request_id"])
        if found is None:
            return []
        policy = self.policies.current
        request = refreshed(found[0], Standing(policy, found[1], {}))
        follow: list[Job] = []
        if self.source:
            follow.append(await self._event(connection, change, request, policy))
        if self.emails:
            for user, kind in whom_to_write(change["event"], request, policy):
                follow += await _email(connection, change, request, user, kind)
        return follow

    async def _event(
        self,
        connection: Connection,
        change: Mapping[str, Any],
        request: Request,
        policy: Policy,
    ) -> Job:
        body = event_body(change, request, policy, self.source)
        await connection.execute(
            SQL["insert_event"],
            {
                "seq": change["seq"],
                "request": request.id,
                "type": event_type(change["event"]),
                "body": body,
            },
        )
        return webhook_job(change["seq"], request.id)

    async def _take_up(self) -> None:
        """Defer again what has no job although it waits to be sent."""
        async with transaction(self.pool) as connection:
            key = {
                "age": timedelta(seconds=limits().left_behind),
                "limit": AT_ONCE,
            }
            found = await connection.execute(SQL["notices_left_behind"], key)
            jobs = [
                email_job(row["id"])
                if row["job"] == "email"
                else webhook_job(int(row["id"]), row["lock"])
                for row in await found.fetchall()
            ]
            await self.jobs.defer(connection, jobs)


def whom_to_write(
    change: str, request: Request, policy: Policy
) -> Iterable[tuple[str, str]]:
    """Who gets an e-mail about a change, and of which kind: user id, kind. Pure."""
    if change in ENDS and tells_by_email(request, policy):
        yield request.requester.user, "outcome"
    elif request.is_open and "email" in ways_to_tell(request, policy):
        if change in REMINDS:
            yield from ((user, "reminder") for user in who_can_decide(request))
        elif change in OPENS_A_STAGE:
            yield from ((user, "notice") for user in who_can_decide(request))


async def _email(
    connection: Connection,
    change: Mapping[str, Any],
    request: Request,
    user: str,
    kind: str,
) -> list[Job]:
    email = str(uuid.uuid4())
    new = await connection.execute(
        SQL["insert_email"],
        {
            "id": email,
            "seq": change["seq"],
            "request": request.id,
            "team": request.team,
            "user": user,
            "kind": kind,
        },
    )
    return [email_job(email)] if await new.fetchone() else []
