"""The LangGraph agent: it knows nothing of Slack, of people or of the bot."""

from __future__ import annotations
