"""Durable jobs and the clock."""

from __future__ import annotations

from bot.database import load_statements

SQL = load_statements("bot.jobs", "clock.sql", "retention.sql")
