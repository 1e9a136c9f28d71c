"""HTTP: Slack's requests, the API, pages of links, health, metrics."""

from __future__ import annotations

from bot.database import load_statements

SQL = load_statements("bot.web", "api.sql", "links.sql", "metrics.sql")
