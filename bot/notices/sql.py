"""The statements of this package: e-mails and events."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements("bot.notices", "notices.sql")
