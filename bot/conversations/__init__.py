"""Conversations: messages in, runs of the graph, what came of them."""

from __future__ import annotations

from bot.database import load_statements

SQL = load_statements(
    "bot.conversations",
    "agents_outside.sql",
    "conversations.sql",
    "run_saver.sql",
    "stop_and_retry.sql",
    "tool_servers.sql",
)
