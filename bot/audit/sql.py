"""The statements of this package: the trail, and a report on it."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements("bot.audit", "trail.sql")
REPORT = load_statements("bot.audit", "report.sql")
