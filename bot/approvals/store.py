"""Read requests, and write what has become of them, on one connection."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, cast

from psycopg.rows import DictRow

from bot.approvals import SQL, digest
from bot.approvals.model import (
    Action,
    Askers,
    Call,
    CardPlace,
    Chain,
    Comment,
    Confirm,
    Decision,
    Ending,
    Escalation,
    Execution,
    Hours,
    Kind,
    Mark,
    Outcome,
    Person,
    Request,
    Risk,
    Stage,
    Status,
    Target,
    Terms,
    Times,
    Verdict,
)
from bot.approvals.ports import Jobs
from bot.base.quick_json import quick_loads
from bot.database.pool import Connection


async def load(connection: Connection, request: str) -> Request | None:
    """One request as it is now."""
    found = await load_with_clock(connection, request)
    return found[0] if found else None


async def load_with_clock(
    connection: Connection, request: str
) -> tuple[Request, datetime] | None:
    """One request as it is now, by its id or a button's token, and the clock."""
    found = await connection.execute(SQL["find_request"], {"id": request})
    row = await found.fetchone()
    return (request_from(row), utc(row["now"])) if row else None


async def clock(connection: Connection) -> datetime:
    """The database's clock."""
    row = await (await connection.execute(SQL["clock"])).fetchone()
    return utc(cast("dict[str, Any]", row)["now"])


async def load_locked(
    connection: Connection, request: str
) -> tuple[Request, datetime] | None:
    """Lock a request by its id or a button's token, then read it."""
    found = await connection.execute(SQL["lock_request"], {"id": request})
    row = cast("dict[str, Any]", await found.fetchone())["request"]
    return (request_from(row), utc(row["now"])) if row else None


async def find(
    connection: Connection,
    *,
    status: str | None = None,
    code: str | None = None,
    limit: int = 1000,
) -> list[Request]:
    """Requests of a status, of a code; at most the newest `limit`, oldest first."""
    key = {"status": status, "code": code, "limit": limit}
    found = await connection.execute(SQL["select_requests"], key)
    return [request_from(row) for row in reversed(await found.fetchall())]


async def named(connection: Connection, ids: Sequence[str]) -> list[Request]:
    """Requests by their ids, in this order."""
    return [request for request, _ in await named_with_clock(connection, ids)]


async def named_with_clock(
    connection: Connection, ids: Sequence[str]
) -> list[tuple[Request, datetime]]:
    """Requests by their ids, in this order, each with the clock."""
    found = await connection.execute(SQL["select_requests_named"], {"ids": list(ids)})
    return [(request_from(row), utc(row["now"])) for row in await found.fetchall()]


async def shown_by(connection: Connection, delivery: str) -> list[Request]:
    """The requests that a card or a notice shows, in call order."""
    key = {"delivery": delivery}
    found = await connection.execute(SQL["select_requests_shown"], key)
    return [request_from(row) for row in await found.fetchall()]


@dataclass(frozen=True)
class ShownCard:
    """A card, with its requests in call order.

    `reader` is the user id of whose copy it is, "" for a card in a channel.
    """

    id: str
    reader: str
    requests: Sequence[Request]


async def shown_at(
    connection: Connection, channel: str, ts: str, card: str
) -> ShownCard | None:
    """The card at a place, or with the id that the message's own metadata names."""
    key = {"channel": channel, "ts": ts, "card": card}
    row = await (await connection.execute(SQL["find_card"], key)).fetchone()
    if row is None:
        return None
    return ShownCard(row["id"], row["reader"], await shown_by(connection, row["id"]))


async def unresumed(connection: Connection, conversation: str) -> list[Request]:
    """Return the requests that a conversation's graph waits for, oldest first."""
    key = {"conversation": conversation}
    found = await connection.execute(SQL["select_requests_unresumed"], key)
    return [request_from(row) for row in await found.fetchall()]


async def show_in(
    connection: Connection, delivery: str, requests: Sequence[Request]
) -> None:
    """Have a message drawn again whenever one of these requests changes."""
    await connection.execute(
        SQL["show_in"], {"delivery": delivery, "requests": [r.id for r in requests]}
    )


async def add_delivery(
    connection: Connection,
    *,
    kind: str,
    team: str,
    channel: str,
    thread_ts: str | None = None,
    user: str | None = None,
    text: str | None = None,
) -> str:
    """Note something that is to be sent, and return its id."""
    delivery = str(uuid.uuid4())
    await connection.execute(
        SQL["insert_delivery"],
        {
            "id": delivery,
            "kind": kind,
            "team": team,
            "channel": channel,
            "thread_ts": thread_ts,
            "user": user,
            "text": text,
        },
    )
    return delivery


async def tell(
    connection: Connection,
    jobs: Jobs,
    person: Person,
    text: str,
    channel: str = "",
    thread: str | None = None,
) -> None:
    """Tell a person something privately: in a channel or its thread, else directly."""
    delivery = await add_delivery(
        connection,
        kind="private",
        team=person.team,
        channel=channel,
        thread_ts=thread or None,
        user=person.user,
        text=text,
    )
    jobs.post(connection, [delivery])


async def reply(connection: Connection, jobs: Jobs, action: Action, text: str) -> None:
    """Tell who acted something privately, where they acted; "" is nothing to tell."""
    who, place = action.person, action.place
    if place and text:
        await tell(connection, jobs, who, text, place.channel, place.thread)


async def of_message(
    connection: Connection, statement: LiteralString, delivery: str
) -> DictRow | None:
    """Read what a message of ours shows; None for an id that is none of ours."""
    try:
        key = {"id": uuid.UUID(delivery)}
    except ValueError:
        return None
    return await (await connection.execute(statement, key)).fetchone()


async def place_of_card(connection: Connection, request: str) -> tuple[str, str | None]:
    """Read in which channel, and in which of its threads, a request's card stands."""
    found = await connection.execute(SQL["place_of_card"], {"id": request})
    row = cast("dict[str, Any]", await found.fetchone())
    return row["channel_id"], row["thread_ts"]


async def touch(connection: Connection, request: str) -> Sequence[str]:
    """Say that the request's messages are out of date; return their ids."""
    found = await connection.execute(SQL["touch_deliveries"], {"id": request})
    return [str(row["id"]) for row in await found.fetchall()]


async def see(
    connection: Connection, request: str, call: str, seen: Mapping[str, Any] | None
) -> None:
    """Keep what a call names now, under its digest; None is nothing to keep."""
    if seen is None:
        return
    what = digest.canonical(dict(seen))
    key = {"request": request, "call_digest": call, "what": what}
    await connection.execute(SQL["see"], key)


def request_from(row: Mapping[str, Any]) -> Request:
    """One row of `full_requests`, or its JSON, as a Request."""
    return Request(
        id=row["id"],
        code=row["code"],
        team=row["team_id"],
        conversation=str(row["conversation_id"]),
        interrupt=row["interrupt_id"],
        call=_call(row),
        people=_askers(row),
        terms=_terms(row),
        chain=_chain(row),
        policy_version=row["policy_version"],
        status=Status(row["status"]),
        raised_at=utc(row["raised_at"]),
        expires_at=utc(row["expires_at"]),
        place=_place(row),
        end=_end(row),
        graph_version=row["graph_version"],
    )


def _askers(row: Mapping[str, Any]) -> Askers:
    return Askers(
        Person(row["enterprise_id"], row["team_id"], row["requester_id"]),
        tuple(row["participants"]),
        row["asked_in"],
        row["agent"],
    )


def _call(row: Mapping[str, Any]) -> Call:
    return Call(
        id=row["tool_call_id"],
        tool=row["tool"],
        arguments=quick_loads(row["arguments"]),
        digest=row["call_digest"],
        grant_digest=row["grant_digest"],
        schema=quick_loads(row["schema"]),
        schema_digest=row["schema_digest"],
        kind=Kind(row["kind"]),
        position=row["position"],
        note=row["note"],
        guarded=row["guarded"],
        raised_arguments=quick_loads(row["raised_arguments"] or "null"),
        edited_by=row["edited_by"],
        headline=row["headline"],
        tool_title=row["tool_title"],
        form=quick_loads(row["form"] or "null"),
        answer_json=row["answer"],
        refused_answer=row["refused_answer"],
    )


def _terms(row: Mapping[str, Any]) -> Terms:
    takes = row["takes"]
    return Terms(
        rules=tuple(row["rules"]),
        why=tuple(row["why"]),
        allow=tuple(Verdict(word) for word in row["allow"]),
        takes=None if takes is None else tuple(Verdict(word) for word in takes),
        confirm=Confirm(row["confirm"]),
        confirm_argument=row["confirm_argument"],
        hours=_hours(row["hours"]) if row["hours"] else None,
        title=row["title"],
        risk=Risk(row["risk"]),
        asks_reason=row["asks_reason"],
        critical=row["critical"],
    )


def _chain(row: Mapping[str, Any]) -> Chain:
    words = [(_decision(word), word["voided_at"]) for word in row["decisions"] or ()]
    return Chain(
        stages=tuple(_stage(stage) for stage in row["stages"] or ()),
        decisions=tuple(word for word, voided in words if voided is None),
        voided=tuple(word for word, voided in words if voided is not None),
        comments=tuple(_comment(comment) for comment in row["comments"] or ()),
    )


def _place(row: Mapping[str, Any]) -> CardPlace:
    channel, ts = row["card"] or ("", "")
    return CardPlace(
        card=str(row["card_id"] or ""),
        channel=channel or "",
        ts=ts or "",
        notice=str(row["notice_id"] or ""),
        token=row["token"] or row["id"],
        messages=tuple((channel, ts) for channel, ts in row["places"] or ()),
    )


def _end(row: Mapping[str, Any]) -> Ending:
    execution = Execution(row["execution"]) if row["execution"] else None
    failed = execution is Execution.FAILED
    return Ending(
        decided_at=_time(row["decided_at"]),
        outcome=Outcome(row["outcome"]),
        note=row["outcome_note"],
        execution=execution,
        finished_at=_time(row["finished_at"]),
        failure=(row["result"] or "") if failed else "",
        summary=(row["result"] or "") if row["agent"] and not failed else "",
        mark=Mark(row["marked"]),
        marked_by=row["marked_by"],
        marked_at=_time(row["marked_at"]),
    )


def _stage(row: Mapping[str, Any]) -> Stage:
    return Stage(
        approvers=row["approvers"],
        people=tuple(row["people"]),
        quorum=row["quorum"],
        opened_at=_time(row["opened_at"]),
        passed_at=_time(row["passed_at"]),
        source=row["source"],
        channel=row["channel"],
        times=_times(row["times"]),
        reminded_at=_time(row["reminded_at"]),
        escalated_at=_time(row["escalated_at"]),
    )


def _times(stored: Mapping[str, Any]) -> Times:
    """Seconds as `bot.approvals.stages` writes them; {} for a stage without times."""
    timeout, after = stored.get("timeout"), stored.get("after")
    reminders = tuple(_span(reminder) for reminder in stored.get("reminders", ()))
    targets = tuple(
        Target(each["group"], tuple(each["people"]), each["source"])
        for each in stored.get("to", ())
    )
    return Times(
        None if timeout is None else _span(timeout),
        reminders,
        None if after is None else Escalation(_span(after), targets),
    )


def _span(seconds: float) -> dt.timedelta:
    return dt.timedelta(seconds=seconds)


def _hours(stored: Mapping[str, Any]) -> Hours:
    return Hours(tuple(stored["days"]), stored["begin"], stored["end"], stored["zone"])


def _comment(row: Mapping[str, Any]) -> Comment:
    at = dt.datetime.fromisoformat(row["at"])
    return Comment(user=row["user_id"], text=row["text"], at=at)


def _decision(row: Mapping[str, Any]) -> Decision:
    return Decision(
        person=Person(row["enterprise_id"], row["team_id"], row["user_id"]),
        verdict=Verdict(row["verdict"]),
        stage=row["stage"],
        at=dt.datetime.fromisoformat(row["at"]),
        via=row["via"],
        reason=row["reason"],
        click=row["click"],
        for_user=row.get("for_user") or "",
    )


def _time(at: dt.datetime | str | None) -> dt.datetime | None:
    return utc(at) if at else None


def utc(at: dt.datetime | str) -> dt.datetime:
    """The same instant in UTC: in the session's zone, sums and differences would be
    those of clocks on the wall. As text where a statement packs rows into one value.
    """
    when = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    return when.astimezone(dt.UTC)
