"""The statements of this package: the API's repeats, links, metrics."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements("bot.web", "api.sql", "links.sql", "metrics.sql")
