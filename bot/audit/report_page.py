"""A report as a page to print: one file of HTML, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

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
        f"<p>From {_text(report['from'])} until {_text(report['until'])}.</p>",
        _verify(report["verify"]),
        _section("Requests", _pairs(report["requests"]["by_tool"], "tool")),
        _section("Outcomes", _pairs(report["outcomes"], "outcome")),
        _section("Runs", _pairs(report["runs"], "what became of it")),
        _section(
            "Stages",
            _table(report["stages"], ("group", "decision", "count", "people")),
        ),
        _section("Refused attempts, by reason", _pairs(report["refused"], "reason")),
        _section(
            "Attempts to approve what one had asked for",
            _table(report["self_approval_attempts"], _ATTEMPT),
        ),
        _section(
            "Decisions within 3 seconds of the card",
            _table(report["decisions_within_3_seconds"], _QUICK),
        ),
        _section(
            "Policies", _table(report["policies"], ("policy", "loaded", "requests"))
        ),
        _section("All refused attempts", _table(report["refused_attempts"], _ATTEMPT)),
        f"<p>Exports taken: {_text(report['exports_taken'])}.</p>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>Approvals: audit report</title><style>{_STYLE}</style></head>"
        f"<body><h1>Approvals: audit report</h1>{''.join(parts)}</body></html>\n"
    )


def _verify(found: Mapping[str, Any]) -> str:
    heads = "".join(
        f"<p>Workspace {_text(team)} ends at row {_text(head['number'])}, hash "
        f"<code>{_text(head['hash'])}</code>.</p>"
        for team, head in found["heads"].items()
    )
    if found["good"]:
        said = f"<p>The trail is good: {_text(found['rows'])} rows verified.</p>"
    else:
        bad = "".join(f"<li>{_text(each)}</li>" for each in found["findings"])
        said = f'<p class="bad">The trail is not good:</p><ul class="bad">{bad}</ul>'
    return _section("The trail itself", said + heads)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{content}</section>"


def _pairs(counts: Mapping[str, int], name: str) -> str:
    return _table([{name: k, "count": v} for k, v in counts.items()], (name, "count"))


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = _row(columns, "th")
    body = "".join(_row([row[name] for name in columns], "td") for row in rows)
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _row(cells: Iterable[object], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{_text(cell)}</{tag}>' for cell in cells)}</tr>"


def _text(value: object) -> str:
    return "" if value is None else escape(str(value))
