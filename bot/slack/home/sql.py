"""The statements of this package: a person's desk, and who looks at it."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements("bot.slack.home", "desk.sql", "viewers.sql")
