"""The time that a report is about."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

FORMS = "2026, 2026-Q3, 2026-07, 2026-07-15, 2026-07-01..2026-07-31, or 30d"


@dataclass(frozen=True)
class Period:
    """From a moment on, up to another; in UTC."""

    since: dt.datetime
    until: dt.datetime


def moment(text: str) -> dt.datetime:
    """ISO 8601: a day or a time; UTC unless it says otherwise. Raises ValueError."""
    found = dt.datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def period(text: str, now: dt.datetime) -> Period:
    """Read a period. Raises ValueError: it has none of FORMS."""
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
