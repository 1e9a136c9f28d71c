"""A report on a period, from the rows of the trail, and as a page for an auditor."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from bot.audit import REPORT
from bot.audit.verify import snapshot, verify
from bot.database.pool import Connection
from bot.texts import audit as say
from bot.texts.cards import why_refused
from bot.texts.formatting import is_user_id

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
        verifier, flaws = await verify(connection)
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
            "good": not flaws,
            "rows": verifier.rows,
            "findings": [str(flaw) for flaw in flaws],
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


# --- The page: names, local times, three charts --------------------------------------
_ATTEMPT = ("at", "actor", "verdict", "why", "tool", "request", "via")
_QUICK = ("at", "actor", "decision", "milliseconds", "tool", "request")
_PEOPLE, _TIMES = frozenset({"actor"}), frozenset({"at", "loaded"})
_CODES = frozenset({"verdict", "decision", "result"})
_STYLE = """
body { font: 11pt/1.45 Lato, Helvetica, Arial, sans-serif; margin: 2em auto;
  max-width: 60em; padding: 0 1em; color: #1d1c1d; background: #fff }
h1 { font-size: 1.6em; margin-bottom: 0 } h2 { font-size: 1.15em; margin: 2em 0 .5em }
h3 { font-size: 1em; margin: 0 } .charts { display: flex; flex-wrap: wrap; gap: 1.5em }
figure { flex: 1 1 17em; margin: 0; break-inside: avoid } svg { width: 100% }
text { font-size: 12px; fill: #1d1c1d } rect { fill: #00674d }
table { border-collapse: collapse; min-width: 20em }
th, td { border-bottom: 1px solid #c9c7cc; padding: .3em 1.5em .3em 0; text-align: left;
  vertical-align: top; overflow-wrap: break-word }
tr { break-inside: avoid } .bad { font-weight: bold; color: #a00 }
code { font-size: .85em; overflow-wrap: anywhere }
@media (max-width: 600px) {
  thead { display: none } table, tbody { display: block }
  tr { display: block; border-bottom: 1px solid #c9c7cc; padding: .4em 0 }
  td { display: grid; grid-template-columns: 7.5em 1fr; border: 0; padding: .1em 0;
    overflow-wrap: anywhere }
  td::before { content: attr(data-label); color: #616061 }
}
"""


class _Page:
    """Builds the parts; `names` are display names by user id."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self.has_ids = False  # of people whose names nobody could tell

    def person(self, user: str) -> str:
        name = self._names.get(user, "")
        if name and name != user:
            return say.person(name, user)
        self.has_ids |= is_user_id(user)
        return user

    def section(
        self, title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
    ) -> str:
        """A table under its title; nothing where there are no rows."""
        if not rows:
            return ""
        labels = {name: _text(say.COLUMNS.get(name, name)) for name in columns}
        head = "".join(f"<th>{label}</th>" for label in labels.values())
        body = "".join(self._row(row, labels) for row in rows)
        table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        return f"<section><h2>{_text(title)}</h2>{table}</section>"

    def _row(self, row: Mapping[str, Any], labels: Mapping[str, str]) -> str:
        """A row, whose cells know their column's label: on a phone they stack."""
        cells = "".join(
            f'<td data-label="{label}">{_text(self._cell(name, row[name]))}</td>'
            for name, label in labels.items()
        )
        return f"<tr>{cells}</tr>"

    def _cell(self, name: str, value: Any) -> object:
        if value is None or value == "":
            return say.NOTHING
        if name in _PEOPLE:
            return self.person(value)
        if name in _TIMES:
            return _local(value)
        if name == "milliseconds":
            return say.seconds(value)
        return say.in_words(value) if name in _CODES else value


def page_of(report: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """The page; every value on it is escaped."""
    page = _Page(names)
    section = page.section
    parts = [
        _paragraph(say.from_until(_local(report["from"]), _local(report["until"]))),
        _summary(report, page),
        section(say.REQUESTS, _pairs(report["requests"]["by_tool"], "tool"), _TOOL),
        section(say.RUNS, _pairs(report["runs"], "result"), ("result", "count")),
        section(say.STAGES, report["stages"], ("group", "decision", "count", "people")),
        section(say.SELF_APPROVALS, _why(report["self_approval_attempts"]), _ATTEMPT),
        section(say.QUICK_DECISIONS, report["decisions_within_3_seconds"], _QUICK),
        section(say.POLICIES, report["policies"], ("policy", "loaded", "requests")),
        section(
            say.FEEDBACK, _pairs(report["feedback"], "rating"), ("rating", "count")
        ),
        section(say.ALL_REFUSED, _why(report["refused_attempts"]), _ATTEMPT),
        _verify(report["verify"]),
        _paragraph(say.exports_taken(report["exports_taken"])),
    ]
    if page.has_ids:
        parts.insert(1, _paragraph(say.ONLY_IDS))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{say.TITLE}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{say.TITLE}</h1>{''.join(parts)}</body></html>\n"
    )


_TOOL = ("tool", "count")


def _why(attempts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "why": why_refused(each["word"])} for each in attempts]


def _summary(report: Mapping[str, Any], page: _Page) -> str:
    """The charts, of what there is to draw."""
    outcomes = {say.in_words(name): count for name, count in report["outcomes"].items()}
    people = {
        page.person(row["actor"]): row["count"] for row in report["by_approver"][:8]
    }
    charts = [
        _chart(say.OUTCOMES, outcomes),
        _chart(say.TIME_TO_DECIDE, report["time_to_decide"]),
        _chart(say.BY_APPROVER, people),
    ]
    said = say.summary(report["requests"]["count"], len(report["refused_attempts"]))
    drawn = f'<div class="charts">{"".join(charts)}</div>' if any(charts) else ""
    return f"<section><h2>{say.SUMMARY}</h2>{_paragraph(said)}{drawn}</section>"


_BAR, _LABEL, _WIDE = 24, 130, 320  # pixels of the drawing, which scales


def _chart(title: str, counts: Mapping[str, int]) -> str:
    """Bars with their numbers; "" where all are nothing."""
    some = {name: count for name, count in counts.items() if count}
    if not some:
        return ""
    most, room = max(some.values()), _WIDE - _LABEL - 40
    bars = "".join(
        _bar(name, count, index * _BAR, round(room * count / most))
        for index, (name, count) in enumerate(some.items())
    )
    return (
        f"<figure><h3>{_text(title)}</h3>"
        f'<svg viewBox="0 0 {_WIDE} {len(some) * _BAR}" role="img" '
        f'aria-label="{_text(title)}">{bars}</svg></figure>'
    )


def _bar(name: str, count: int, top: int, width: int) -> str:
    shown = name if len(name) <= 20 else f"{name[:19]}…"
    return (
        f'<text x="0" y="{top + 16}">{_text(shown)}</text>'
        f'<rect x="{_LABEL}" y="{top + 4}" width="{max(width, 1)}" height="16"/>'
        f'<text x="{_LABEL + width + 6}" y="{top + 16}">{count}</text>'
    )


def _local(moment: str) -> str:
    """An ISO time as the reader's clock says it, with the name of the zone."""
    at = dt.datetime.fromisoformat(moment).astimezone()
    return f"{at.day} {at:%b %Y %H:%M:%S %Z}"


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
    return f"<section><h2>{_text(say.THE_TRAIL)}</h2>{said}{heads}</section>"


def _paragraph(text: str) -> str:
    return f"<p>{_text(text)}</p>"


def _pairs(counts: Mapping[str, int], name: str) -> list[dict[str, Any]]:
    return [{name: key, "count": count} for key, count in counts.items() if count]


def _text(value: object) -> str:
    return "" if value is None else escape(str(value))


# --- The period that it is about ------------------------------------------------------


@dataclass(frozen=True)
class Period:
    """From a moment on, up to another; in UTC."""

    since: dt.datetime
    until: dt.datetime


def period(text: str, now: dt.datetime) -> Period:
    """Read a period. Raises ValueError: it has none of PERIODS in `bot.texts.audit`."""
    if found := re.fullmatch(r"([1-9]\d{0,3})d", text):
        return Period(now - dt.timedelta(days=int(found[1])), now)
    first, dots, last = text.partition("..")
    begin, _ = _named(first)
    _, end = _named(last if dots else first)
    if end <= begin:
        raise ValueError("it ends before it begins")
    return Period(begin, end)


def _named(text: str) -> tuple[dt.datetime, dt.datetime]:
    """A year, a quarter, a month or a day: its beginning and its end."""
    if found := re.fullmatch(r"(\d{4})-Q([1-4])", text):
        return _months(int(found[1]), 3 * int(found[2]) - 2, 3)
    if found := re.fullmatch(r"(\d{4})-(\d{2})", text):
        return _months(int(found[1]), int(found[2]), 1)
    if re.fullmatch(r"\d{4}", text):
        return _months(int(text), 1, 12)
    begin = dt.datetime.combine(dt.date.fromisoformat(text), dt.time(), dt.UTC)
    return begin, begin + dt.timedelta(days=1)


def _months(year: int, month: int, count: int) -> tuple[dt.datetime, dt.datetime]:
    after = month - 1 + count
    begin = dt.datetime(year, month, 1, tzinfo=dt.UTC)
    end = dt.datetime(year + after // 12, after % 12 + 1, 1, tzinfo=dt.UTC)
    return begin, end
