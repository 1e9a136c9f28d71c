"""App Home and `/approvals`: all that one person has to decide, has asked, has said."""

from __future__ import annotations

from bot.database import load_statements

SQL = load_statements("bot.slack.home", "desk.sql", "viewers.sql")
