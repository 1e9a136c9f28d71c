"""A report on a period, from the rows of the trail, and what people thought of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from bot.audit.period import Period
from bot.audit.sql import REPORT
from bot.audit.verify import snapshot, verify
from bot.database.pool import Connection

Rows = list[dict[str, Any]]
SELF = frozenset({"requester", "participant"})  # words for approving what one asked for
_ENDS = (
    *("approved", "rejected", "timed_out", "withdrawn", "answered", "orphaned"),
    "denied",
)
_RUNS = ("claimed", "ran", "failed", "unknown", "marked")


async def make_report(connection: Connection, period: Period) -> dict[str, Any]:
    """Everything for a period, as JSON has it; and whether the whole trail is good."""
    async with snapshot(connection):
        found = {name: await _rows(connection, name, period) for name in REPORT}
        verifier, findings = await verify(connection)
    refused = found["refused"]
    return {
        "from": _time(period.since),
        "until": _time(period.until),
        "requests": _requests(found["events"]),
        "outcomes": _count(found["events"], _ENDS),
        "runs": _count(found["events"], _RUNS),
        "stages": found["stages"],
        "by_approver": found["approvers"],
        "time_to_decide": {row["within"]: row["count"] for row in found["times"]},
        "refused": dict(Counter(row["word"] for row in refused).most_common()),
        "refused_attempts": refused,
        "self_approval_attempts": [
            row
            for row in refused
            if row["word"] in SELF and row["verdict"] not in ("reject", "withdraw")
        ],
        "decisions_within_3_seconds": found["quick"],
        "policies": found["policies"],
        "feedback": {row["rating"]: row["count"] for row in found["feedback"]},
        "exports_taken": _count(found["events"], ("exported",))["exported"],
        "verify": {
            "good": not findings,
            "rows": verifier.rows,
            "findings": [str(finding) for finding in findings],
            "heads": {
                team: {"number": head.number, "hash": head.hash}
                for team, head in verifier.heads.items()
            },
        },
    }


async def _rows(connection: Connection, name: str, period: Period) -> Rows:
    key = {"since": period.since, "until": period.until}
    return await (await connection.execute(REPORT[name], key)).fetchall()


def _time(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds")


def _requests(events: Rows) -> dict[str, Any]:
    by_tool: Counter[str] = Counter()
    for row in events:
        if row["event"] == "requested":
            by_tool[row["tool"]] += row["count"]
    return {"count": by_tool.total(), "by_tool": dict(sorted(by_tool.items()))}


def _count(events: Rows, names: tuple[str, ...]) -> dict[str, Any]:
    """Count these events; those with an outcome of their own are counted apart."""
    counted = dict.fromkeys(names, 0)
    for row in events:
        if row["event"] not in names:
            continue
        special = row["outcome"] if row["event"] in ("approved", "rejected") else ""
        name = f"{row['event']} ({special})" if special else row["event"]
        counted[name] = counted.get(name, 0) + row["count"]
    return counted
