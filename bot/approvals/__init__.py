"""The heart: requests, stages, decisions, grants. It knows no Slack, no LangGraph."""

from __future__ import annotations

from bot.database import load_statements

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
