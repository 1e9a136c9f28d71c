"""Turn what has happened to requests into e-mails and events, each of them once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import partial
from typing import Any

from bot.approvals import store
from bot.approvals.eligibility import PolicyContext, who_can_decide, with_current_people
from bot.approvals.model import Request
from bot.approvals.outside_slack import request_json, tells_by_email, ways_to_tell
from bot.approvals.policy.model import Policy
from bot.approvals.ports import Policies
from bot.base.time_limits import limits, wait_after
from bot.database.pool import Connection, Pool, transaction
from bot.notices import SQL
from bot.texts.call import plain_headline

AT_ONCE = 50  # changes in one transaction
Send = Callable[[str], None]
ENDS = frozenset(
    {"approved", "rejected", "timed_out", "answered", "orphaned", "unknown"}
)


@dataclass(frozen=True)
class Feed:
    """Works off what the trail's trigger has put down.

    Attributes:
        source: where the events come from.
        send_event: sends the events of a request; None where nobody wants any.
        send_email: sends an e-mail by its id; None where none are sent.
    """

    pool: Pool
    policies: Policies
    source: str
    send_event: Send | None
    send_email: Send | None

    async def work_off(self) -> None:
        """Tell all that has happened since the last time; a duty of the clock."""
        while await self._some():
            pass

    async def _some(self) -> bool:
        async with transaction(self.pool) as connection:
            alone = await (await connection.execute(SQL["tell_alone"])).fetchone()
            if alone is None or not alone["alone"]:
                return False
            taken = await connection.execute(SQL["take_outbox"], {"limit": AT_ONCE})
            changes = sorted(await taken.fetchall(), key=lambda row: row["seq"])
            for change in changes:
                await self._tell(connection, change)
        return len(changes) == AT_ONCE

    async def _tell(self, connection: Connection, change: Mapping[str, Any]) -> None:
        if not (self.send_event or self.send_email):
            return
        found = await store.load_with_clock(connection, change["request_id"])
        if found is None:
            return
        policy = self.policies.current
        request = with_current_people(found[0], PolicyContext(policy, found[1], {}))
        if self.send_event:
            await self._add_event(connection, change, request, policy)
            connection.after_commit.append(partial(self.send_event, request.id))
        if self.send_email:
            for user, kind in whom_to_write(change["event"], request, policy):
                email = await _add_email(connection, change, request, user, kind)
                connection.after_commit.append(partial(self.send_email, email))

    async def _add_event(
        self,
        connection: Connection,
        change: Mapping[str, Any],
        request: Request,
        policy: Policy,
    ) -> None:
        body = event_body(change, request, policy, self.source)
        kind = event_type(change["event"])
        key = {"seq": change["seq"], "request": request.id, "type": kind, "body": body}
        await connection.execute(SQL["insert_event"], key)


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


async def _add_email(
    connection: Connection,
    change: Mapping[str, Any],
    request: Request,
    user: str,
    kind: str,
) -> str:
    email, place = str(uuid.uuid4()), {"request": request.id, "team": request.team}
    key = {"id": email, "seq": change["seq"], **place, "user": user, "kind": kind}
    await connection.execute(SQL["insert_email"], key)
    return email


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
            "request": request_json(request, plain_headline(request)),
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


def next_try(tries: int) -> int:
    """Return the seconds until an e-mail or event is sent again; at most an hour."""
    return wait_after(tries, LONGEST_WAIT, limits().next_notice)
