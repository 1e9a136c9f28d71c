"""Everything that knows Slack: people, cards, deliveries, listeners."""

from __future__ import annotations

from bot.database import load_statements

SQL = load_statements(
    "bot.slack", "deliveries.sql", "history.sql", "streams.sql", "threads.sql"
)
