"""The statements of this package: lost jobs and retention."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements("bot.jobs", "lost_jobs.sql", "retention.sql")
