"""Turn what a graph asks into requests: policy, chain, digests, card, trail.

`Places` says which of them share a card, and where it stands.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
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
from bot.approvals.ports import Jobs
from bot.approvals.stages import chain_json
from bot.base.masks import mask_strings
from bot.base.quick_json import quick_json
from bot.database.pool import Connection

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that sounds or looks alike
NewRequest = dict[str, Any]  # its columns, and what `raise_requests` writes beside them


def requests_for(
    turn: Turn,
    asked: Sequence[ProposedCall],
    context: PolicyContext,
    before: Mapping[str, EarlierReject],
) -> list[NewRequest]:
    """Rule on calls, and return the requests to be raised for them.

    Args:
        context: `members` has the groups that `sources_of` names.
        before: what people have rejected here within the last hour, by call digest.
    """
    new, places = list[NewRequest](), Places(turn, asked)
    for ask in asked:
        ruling = rule(ask, turn, context, before)
        first = _first_told(turn, ruling, context)
        place = places.of(ask, ruling, first)
        new.append(_new(context.policy, turn, ask, ruling, place))
    return new


async def raise_requests(
    connection: Connection, jobs: Jobs, new: Sequence[NewRequest]
) -> list[str]:
    """Raise what is not raised yet, in the caller's transaction; return new ids.

    Asking again about the same interrupt changes nothing, so this may be repeated
    after a crash.
    """
    found = await connection.execute(SQL["raise"], {"asked": requests_json(new)})
    raised = cast("DictRow", await found.fetchone())["raised"]
    post_cards(connection, jobs, new, raised)
    return raised


def requests_json(new: Sequence[NewRequest]) -> Jsonb:
    """Requests as the database's `raise_requests` takes them."""
    return Jsonb(new, quick_json)


def post_cards(
    connection: Connection,
    jobs: Jobs,
    new: Sequence[NewRequest],
    raised: Collection[str],
) -> None:
    """Send the cards of those that were raised, after the commit."""
    cards = (each["card_id"] for each in new if each["id"] in raised)
    jobs.post(connection, dict.fromkeys(filter(None, cards)))


async def rejected_lately(
    connection: Connection, conversation: str
) -> tuple[Mapping[str, EarlierReject], datetime]:
    """Return what people have rejected here within the last hour, and the clock."""
    key = {"conversation": conversation}
    found = await connection.execute(SQL["select_rejected_lately"], key)
    row = cast("DictRow", await found.fetchone())
    return rejects_from(row["rejected"]), row["now"]


def rejects_from(rows: Iterable[Mapping[str, Any]] | None) -> dict[str, EarlierReject]:
    """Read what the database's `rejected_lately` has returned, oldest first."""
    return {
        call: EarlierReject(row["by"], store.utc(row["at"]))
        for row in rows or ()
        for call in row["digests"]
    }


def new_name() -> str:
    """A new request's id; a command line takes one with a dash first for an option."""
    while (name := secrets.token_urlsafe(16)).startswith("-"):
        continue
    return name


def _new(
    policy: Policy,
    turn: Turn,
    ask: ProposedCall,
    ruling: Assessment,
    place: Mapping[str, Any],
) -> NewRequest:
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
        "team_id": person.team,
        "enterprise_id": person.enterprise,
        "requester_id": person.user,
        "participants": turn.people.participants,
        "conversation_id": turn.conversation,
        "interrupt_id": ask.interrupt,
        "position": ask.position,
        "tool_call_id": ask.tool_call,
        "tool": ask.tool,
        "kind": ask.kind,
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
    return {
        "takes": ask.takes,
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
        "claim_within": _seconds(ruling.claim_within if agent else None),
        "result_within": _seconds(ruling.result_within if agent else None),
    }


def _ruled(policy: Policy, ruling: Assessment) -> dict[str, Any]:
    return {
        "policy_version": policy.version,
        "rules": [name for name in ruling.rules if name],
        "why": [why for why in ruling.why if why],
        "status": ruling.status,
        "outcome": ruling.outcome,
        "outcome_note": ruling.note,
        "confirm": ruling.confirm,
        "confirm_argument": ruling.confirm_argument,
        "critical": ruling.critical,
        "title": ruling.title,
        "risk": ruling.risk,
        "asks_reason": ruling.asks_reason,
        "allow": ruling.allow,
        "stages": chain_json(ruling.stages, 0),
        "takes_standing": ruling.takes_standing,
        **_timed(ruling),
    }


def _timed(ruling: Assessment) -> dict[str, Any]:
    """Return the ruling's times, and the first stage's, counted from now."""
    first = ruling.stages[0] if ruling.stages else None
    return {
        "timeout": _seconds(ruling.timeout),
        "hours": asdict(ruling.hours) if ruling.hours else None,
        "stage_timeout": _seconds(first.times.timeout if first else None),
        "wakes_after": _seconds(earliest(first) if first else None),
    }


def _seconds(span: timedelta | None) -> str | None:
    """An interval in PostgreSQL's words; not in days, since not all are as long."""
    return f"{span.total_seconds()} seconds" if span is not None else None


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
        "on_behalf_of": call["requester_id"],
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
        "detail": mask_strings(detail),
        "texts": mask_strings(texts),
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

    def of(self, ask: ProposedCall, ruling: Assessment, first: str) -> dict[str, Any]:
        """Return where a request is shown, and the messages that show it.

        `first`: the user id of the person who gets the card directly, or "".
        """
        if ruling.status is not Status.PENDING:
            return {"card_id": None, "notice_id": None, "posts": []}
        shared = self._shared(ask, ruling, first)
        thread = {"channel_id": self._turn.channel, "thread_ts": self._turn.thread_ts}
        card = {"id": shared.card, "kind": "card"}
        if ruling.channel == THREAD:
            posts = [card | thread]
            return {"card_id": shared.card, "notice_id": None, "posts": posts}
        card |= {"channel_id": first or ruling.channel, "user_id": first or None}
        posts = [card, {"id": shared.notice, "kind": "notice"} | thread]
        return {"card_id": shared.card, "notice_id": shared.notice, "posts": posts}

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
