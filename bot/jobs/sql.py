"""The statements of this package: the clock and retention."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements("bot.jobs", "clock.sql", "retention.sql")
