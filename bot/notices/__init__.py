"""Notices outside of Slack: e-mails about requests, events to a webhook."""

from __future__ import annotations

from bot.database import load_statements

SQL = load_statements("bot.notices", "notices.sql")
