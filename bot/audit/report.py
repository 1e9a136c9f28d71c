"""A report on a period, from the rows of the trail alone, as a page to print."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from bot.audit.period import Period
from bot.audit.sql import REPORT
from bot.audit.verify import snapshot, verify
from bot.database.pool import Connection
from bot.texts import audit as say

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
        "refused": dict(Counter(row["word"] for row in refused).most_common()),
        "refused_attempts": refused,
        "self_approval_attempts": [
            row
            for row in refused
            if row["word"] in SELF and row["verdict"] not in ("reject", "withdraw")
        ],
        "decisions_within_3_seconds": found["quick"],
        "policies": found["policies"],
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


_STYLE = """
body { font: 11pt/1.4 sans-serif; margin: 2em auto; max-width: 60em; color: #111 }
h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin: 1.6em 0 .4em }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #999; padding: .25em .5em; text-align: left;
  vertical-align: top; overflow-wrap: anywhere }
tr { break-inside: avoid } .bad { font-weight: bold; color: #a00 }
code { font-size: .85em }
"""
_ATTEMPT = ("at", "actor", "via", "verdict", "word", "tool", "request")
_QUICK = ("at", "actor", "decision", "milliseconds", "tool", "request")


def page_of(report: Mapping[str, Any]) -> str:
    """The page; every value on it is escaped."""
    parts = [
        _paragraph(say.from_until(report["from"], report["until"])),
        _verify(report["verify"]),
        _section(say.REQUESTS, _pairs(report["requests"]["by_tool"], "tool")),
        _section(say.OUTCOMES, _pairs(report["outcomes"], "outcome")),
        _section(say.RUNS, _pairs(report["runs"], say.WHAT_BECAME)),
        _section(
            say.STAGES,
            _table(report["stages"], ("group", "decision", "count", "people")),
        ),
        _section(say.REFUSED_BY_REASON, _pairs(report["refused"], "reason")),
        _section(
            say.SELF_APPROVALS,
            _table(report["self_approval_attempts"], _ATTEMPT),
        ),
        _section(
            say.QUICK_DECISIONS,
            _table(report["decisions_within_3_seconds"], _QUICK),
        ),
        _section(
            say.POLICIES, _table(report["policies"], ("policy", "loaded", "requests"))
        ),
        _section(say.ALL_REFUSED, _table(report["refused_attempts"], _ATTEMPT)),
        _paragraph(say.exports_taken(report["exports_taken"])),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{say.TITLE}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{say.TITLE}</h1>{''.join(parts)}</body></html>\n"
    )


def _verify(found: Mapping[str, Any]) -> str:
    heads = "".join(
        f"<p>{_text(say.ends_at(team, head['number'], ''))}"
        f"<code>{_text(head['hash'])}</code>.</p>"
        for team, head in found["heads"].items()
    )
    if found["good"]:
        said = _paragraph(say.verified(found["rows"]))
    else:
        bad = "".join(f"<li>{_text(each)}</li>" for each in found["findings"])
        said = f'<p class="bad">{say.NOT_GOOD}</p><ul class="bad">{bad}</ul>'
    return _section(say.THE_TRAIL, said + heads)


def _paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{content}</section>"


def _pairs(counts: Mapping[str, int], name: str) -> str:
    return _table([{name: k, "count": v} for k, v in counts.items()], (name, "count"))


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    if not rows:
        return _paragraph(say.NONE)
    head = _row(columns, "th")
    body = "".join(_row([row[name] for name in columns], "td") for row in rows)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _row(cells: Iterable[object], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_text(cell)}</{tag}>' for cell in cells)}</tr>"


def _text(value: object) -> str:
    return "" if value is None else escape(str(value))
