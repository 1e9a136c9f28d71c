"""Turn what has happened to requests into e-mails and events, each of them once."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from bot.approvals import store
from bot.approvals.eligibility import PolicyContext, who_can_decide, with_current_people
from bot.approvals.model import Request
from bot.approvals.policy.channels import tells_by_email, ways_to_tell
from bot.approvals.policy.model import Policy
from bot.approvals.ports import Job, Jobs, Policies
from bot.approvals.serialize import request_json
from bot.database.pool import Connection, Pool, transaction
from bot.notices.sql import SQL
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
        request = with_current_people(found[0], PolicyContext(policy, found[1], {}))
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
    """Yield the recipients of e-mails about a change: user id, kind. Pure."""
    if change in ENDS and tells_by_email(request, policy):
        yield request.people.requester.user, "outcome"
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


PREFIX = "slack-approval-bot.request"
#: After these the people of a stage have something to do, or still have.
OPENS_A_STAGE = frozenset(
    {"requested", "stage_passed", "edited", "tightened", "voided"}
)
REMINDS = frozenset({"reminded", "escalated"})


def event_type(change: str) -> str:
    """The event's type: the trail's own word, such as `….request.approved`."""
    return f"{PREFIX}.{change}"


def event_body(
    change: Mapping[str, Any], request: Request, policy: Policy, source: str
) -> str:
    """The event as it is sent.

    Its id is the number of the row in the trail, so a repeat is known as one, and what
    comes out of order can be put in order. The request is as it stands when the event
    is written down.

    Args:
        change: a row of the outbox.
    """
    seq = change["seq"]
    event = {
        "specversion": "1.0",
        "id": str(seq),
        "source": source,
        "type": event_type(change["event"]),
        "subject": request.id,
        "time": change["at"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "sequence": f"{seq:020d}",
        "datacontenttype": "application/json",
        "data": {
            "change": change["event"],
            "actor": change["actor"],
            "via": change["via"],
            "call": _called(change["event"], request, policy),
            "request": request_json(request),
        },
    }
    return json.dumps(event, ensure_ascii=False)


def _called(change: str, request: Request, policy: Policy) -> list[str]:
    """Whom the policy has told through the webhook that it is their turn."""
    if change not in OPENS_A_STAGE | REMINDS or "webhook" not in ways_to_tell(
        request, policy
    ):
        return []
    return list(who_can_decide(request))


EVENTS_FOR = timedelta(days=3)
EMAILS_FOR = timedelta(days=1)
LONGEST_WAIT = 3_600  # seconds


def email_job(email: str) -> Job:
    """Send an e-mail."""
    return Job("email", email, {"email": email})


def webhook_job(seq: int, request: str) -> Job:
    """Send an event; those of one request one after the other."""
    return Job("webhook", f"webhook:{request}", {"event": str(seq)})


def wait_after(tries: int) -> int:
    """Seconds until the next try: twice as long each time, at most an hour."""
    return math.ceil(min(limits().next_notice * 2 ** min(tries, 20), LONGEST_WAIT))
