"""The statements of this package: deliveries, a card's history, threads."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements(
    "bot.slack", "deliveries.sql", "history.sql", "streams.sql", "threads.sql"
)
