"""The statements of this package: requests, transitions, grants, people."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements(
    "bot.approvals",
    "delegations.sql",
    "grants.sql",
    "pause.sql",
    "rate_limit.sql",
    "requests.sql",
    "resumes.sql",
    "seen.sql",
    "standing.sql",
    "time.sql",
    "transitions.sql",
)
