"""The trail for those who check it: verify, export, report, signed checkpoints."""

from __future__ import annotations

from bot.database import load_statements

SQL = load_statements("bot.audit", "trail.sql")
REPORT = load_statements("bot.audit", "report.sql")
