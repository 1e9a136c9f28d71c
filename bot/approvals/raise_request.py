"""Turn what a graph asks into requests: policy, chain, digests, card, trail.

`Places` says which of them share a card, and where it stands.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from bot.approvals import SQL, digest, store
from bot.approvals.assess import Assessment, EarlierReject, ProposedCall, Turn, rule
from bot.approvals.audit import arguments_text
from bot.approvals.deadlines import earliest
from bot.approvals.eligibility import PolicyContext, people_now
from bot.approvals.model import Status
from bot.approvals.policy.model import DM, THREAD, Policy
from bot.approvals.ports import Jobs, resume_job, standing_job
from bot.approvals.stages import chain_json, hours_json
from bot.base.masks import mask_strings
from bot.database.pool import Connection

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that sounds or looks alike


async def raise_requests(
    connection: Connection,
    jobs: Jobs,
    turn: Turn,
    asked: Sequence[ProposedCall],
    context: PolicyContext,
    before: Mapping[str, EarlierReject],
) -> list[str]:
    """Raise what is not raised yet, in the caller's transaction; return new ids.

    Asking again about the same interrupt changes nothing, so this may be repeated
    after a crash.

    Args:
        context: `members` has the groups that `sources_of` names.
        before: what people have rejected here within the last hour, by call digest.
    """
    raised: list[str] = []
    cards: list[str] = []
    policy, places = context.policy, Places(turn, asked)
    for ask in asked:
        ruling = rule(ask, turn, context, before)
        first = _first_told(turn, ruling, context)
        row = _row(policy, turn, ask, ruling, places.of(ask, ruling, first))
        inserted = await connection.execute(SQL["raise"], row)
        if await inserted.fetchone() is None:
            continue
        raised.append(row["id"])
        cards.append(row["card"])
        if ruling.takes_standing:
            await jobs.defer(connection, [standing_job(row["id"])])
    jobs.post(connection, dict.fromkeys(filter(None, cards)))
    if not all(cards) and not turn.people.agent:
        await jobs.defer(connection, [resume_job(turn.conversation)])
    return raised


async def rejected_before(
    connection: Connection, conversation: str, asked: Sequence[ProposedCall]
) -> tuple[Mapping[str, EarlierReject], datetime]:
    """Return what people have rejected here within the last hour, and the clock."""
    key = {"conversation": conversation, "digests": digests_of(asked)}
    found = await connection.execute(SQL["select_rejected_before"], key)
    row = cast("DictRow", await found.fetchone())
    return rejects_from(row["rejected"]), row["now"]


def rejects_from(rows: Iterable[Mapping[str, str]]) -> dict[str, EarlierReject]:
    """Read what the database's `rejected_before` has returned."""
    return {
        row["digest"]: EarlierReject(row["by"], store.utc(row["at"])) for row in rows
    }


def digests_of(asked: Iterable[ProposedCall]) -> list[str]:
    """The call digests of those that have one."""
    return [known for ask in asked if (known := _digest(ask))]


def _digest(ask: ProposedCall) -> str:
    try:
        return ask.digest
    except digest.NotCanonical:
        return ""


def new_name() -> str:
    """A new request's id; a command line takes one with a dash first for an option."""
    while (name := secrets.token_urlsafe(16)).startswith("-"):
        continue
    return name


def _row(
    policy: Policy,
    turn: Turn,
    ask: ProposedCall,
    ruling: Assessment,
    place: dict[str, str | None],
) -> dict[str, Any]:
    call = _call(policy, turn, ask, ruling)
    return {
        "id": new_name(),
        "code": "".join(secrets.choice(ALPHABET) for _ in range(4)),
        **call,
        **_trail(call, turn, ask, ruling, policy.version),
        **_ruled(policy, ruling),
        **_asked(ask),
        **_outside(turn, ask, ruling),
        **place,
    }


def _call(
    policy: Policy, turn: Turn, ask: ProposedCall, ruling: Assessment
) -> dict[str, Any]:
    shown = ask if ruling.is_readable else replace(ask, arguments={})
    call = shown.digest
    person = turn.people.requester
    return {
        "team": person.team,
        "enterprise": person.enterprise,
        "requester": person.user,
        "participants": list(turn.people.participants),
        "conversation": turn.conversation,
        "interrupt": ask.interrupt,
        "position": ask.position,
        "tool_call": ask.tool_call,
        "tool": ask.tool,
        "kind": str(ask.kind),
        "note": ask.note,
        "arguments": shown.text,
        "schema": digest.schema_as_is(ask.schema),
        "schema_digest": digest.schema_digest(ask.schema),
        "call_digest": call,
        "grant_digest": digest.grant_digest(
            call,
            conversation=turn.conversation,
            interrupt=ask.interrupt,
            tool_call=ask.tool_call,
            requester=(person.enterprise, person.team, person.user),
            policy_version=policy.version,
        ),
    }


def _asked(ask: ProposedCall) -> dict[str, Any]:
    takes = ask.takes
    return {
        "takes": None if takes is None else [str(verdict) for verdict in takes],
        "guarded": ask.guarded,
        "seen": None if ask.seen is None else digest.canonical(dict(ask.seen)),
        "headline": ask.headline,
        "tool_title": ask.tool_title,
        "form": None if ask.form is None else json.dumps(ask.form),
        "graph_version": ask.graph_version,
    }


def _outside(turn: Turn, ask: ProposedCall, ruling: Assessment) -> dict[str, Any]:
    """Return what is stored only for an agent outside: its key, and how long it has."""
    agent = turn.people.agent
    return {
        "agent": agent,
        "agent_key": ask.key if agent else None,
        "agent_asked": ask.sent if agent else None,
        "claim_within": ruling.claim_within.total_seconds() if agent else None,
        "result_within": ruling.result_within.total_seconds() if agent else None,
    }


def _ruled(policy: Policy, ruling: Assessment) -> dict[str, Any]:
    terms = {
        "rules": [name for name in ruling.rules if name],
        "why": [why for why in ruling.why if why],
        "outcome": ruling.outcome,
        "outcome_note": ruling.note,
        "confirm": ruling.confirm,
        "confirm_argument": ruling.confirm_argument,
        "critical": ruling.critical,
        "title": ruling.title,
        "risk": ruling.risk,
        "asks_reason": ruling.asks_reason,
        "allow": ruling.allow,
    }
    return {
        "policy_version": policy.version,
        "status": ruling.status,
        "timeout": ruling.timeout.total_seconds(),
        **_timed(ruling),
        "stages": chain_json(ruling.stages, 0),
        "terms": Jsonb(terms),
    }


def _timed(ruling: Assessment) -> dict[str, Any]:
    """Return the ruling's hours, and the first stage's times in seconds from now."""
    first = ruling.stages[0] if ruling.stages else None
    timeout = first.times.timeout if first else None
    wakes_after = earliest(first) if first else None
    return {
        "hours": hours_json(ruling.hours),
        "stage_timeout": timeout.total_seconds() if timeout else None,
        "wakes_after": wakes_after.total_seconds() if wakes_after else None,
    }


def _first_told(turn: Turn, ruling: Assessment, context: PolicyContext) -> str:
    """Return who gets the card directly; its sending brings the others theirs."""
    if ruling.channel != DM or ruling.status is not Status.PENDING:
        return ""
    return people_now(ruling.stages[0], turn.people, context)[0]


def _trail(
    call: Mapping[str, Any],
    turn: Turn,
    ask: ProposedCall,
    ruling: Assessment,
    version: str,
) -> dict[str, Any]:
    waits = ruling.status is Status.PENDING
    detail = {
        "on_behalf_of": call["requester"],
        "tool": ask.tool,
        "schema": call["schema_digest"],
        "call": call["call_digest"],
        "digest": call["grant_digest"],
        "rules": [name for name in ruling.rules if name],
        "policy": version,
        "outcome": str(ruling.outcome),
        "stages": [[stage.approvers, stage.quorum] for stage in ruling.stages],
        **({"agent": turn.people.agent} if turn.people.agent else {}),
    }
    texts = {
        "note": ruling.note,
        "arguments": arguments_text(ask.arguments, ask.schema),
    }
    return {
        "event": "requested" if waits else str(ruling.status),
        "detail": Jsonb(mask_strings(detail)),
        "texts": Jsonb(mask_strings(texts)),
    }


# --- Which requests share a card, and where it stands ---------------------------------
REQUESTS_PER_CARD = 6  # more of them stand on further cards
# Characters of the arguments of several requests on one card, so that each is shown as
# whole as it would be alone: Slack takes 13,200 in all, with what else six rows say.
ROOM = 6_000


@dataclass
class _Shared:
    """A card, and the notice on it in the conversation's thread, while they fill."""

    count: int = 0
    used: int = 0  # characters
    card: str = field(default_factory=lambda: str(uuid.uuid4()))
    notice: str = field(default_factory=lambda: str(uuid.uuid4()))

    def takes(self, length: int) -> bool:
        fits = self.count < REQUESTS_PER_CARD and self.used + length <= ROOM
        return fits or not self.count


class Places:
    """The card of each request, and beside it what the conversation's thread says.

    Requests that are raised together share both, as many as one card holds, where the
    same group is asked first, in one channel; the calls of a batch do so in any case.
    A card that is posted takes no further request. The notice is sent once the card is
    posted, since it links to it; a card in the thread itself needs none.
    """

    def __init__(self, turn: Turn, asked: Sequence[ProposedCall]) -> None:
        self._turn = turn
        self._calls = Counter(ask.interrupt for ask in asked)
        self._filling: dict[tuple[str, str], _Shared] = {}

    def of(
        self, ask: ProposedCall, ruling: Assessment, first: str
    ) -> dict[str, str | None]:
        """Return where a request is shown, as the statement wants it.

        `first`: the user id of the person who gets the card directly, or "".
        """
        turn, in_thread = self._turn, ruling.channel == THREAD
        waits = ruling.status is Status.PENDING
        shared = self._shared(ask, ruling, first) if waits else None
        return {
            "card": shared.card if shared else None,
            "card_channel": turn.channel if in_thread else first or ruling.channel,
            "card_user": first or None,
            "card_thread": turn.thread_ts if in_thread else None,
            "notice": shared.notice if shared and not in_thread else None,
            "channel": turn.channel,
            "thread": turn.thread_ts,
        }

    def _shared(self, ask: ProposedCall, ruling: Assessment, first: str) -> _Shared:
        is_batch = self._calls[ask.interrupt] > 1
        with_whom = ask.interrupt if is_batch else ruling.stages[0].approvers
        key, length = (with_whom, first or ruling.channel), _length(ask)
        shared = self._filling.get(key)
        if shared is None or not shared.takes(length):
            shared = self._filling[key] = _Shared()
        shared.count += 1
        shared.used += length
        return shared


def _length(ask: ProposedCall) -> int:
    """About how many characters the arguments take on a card, rather more than less."""
    return len(json.dumps(ask.arguments, indent=2))
