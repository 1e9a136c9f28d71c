"""The statements of this package: deliveries and a card's history."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements("bot.slack", "deliveries.sql", "history.sql")
