"""The statements of this package: messages, runs, checkpoints, the API."""

from __future__ import annotations

from bot.database.statements import load_statements

SQL = load_statements(
    "bot.conversations",
    "agents_outside.sql",
    "api_conversation.sql",
    "conversations.sql",
    "run_saver.sql",
    "server_questions.sql",
    "stop.sql",
    "tool_pins.sql",
)
