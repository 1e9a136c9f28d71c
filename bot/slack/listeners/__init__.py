"""Bolt listeners: they translate what Slack says, and decide nothing."""

from __future__ import annotations

from slack_bolt.async_app import AsyncApp

from bot.slack.listeners import clicks, messages, pacing, rest, submissions
from bot.slack.listeners.parts import Parts


def register_listeners(app: AsyncApp, parts: Parts) -> None:
    """Register every listener; what nobody listens to is acknowledged last."""
    pacing.register(app, parts)
    messages.register(app, parts)
    clicks.register(app, parts)
    submissions.register(app, parts)
    rest.register(app)
