"""Bolt listeners: they translate what Slack says, and decide nothing."""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.deps import Deps
from bot.slack.listeners import (
    ahead,
    approvals_command,
    clicks,
    home,
    messages,
    submissions,
    throttle,
)


def register_listeners(app: AsyncApp, deps: Deps) -> None:
    """Register every listener; what nobody listens to is acknowledged last."""
    throttle.register(app, deps)
    messages.register(app, deps)
    clicks.register(app, deps)
    submissions.register(app, deps)
    ahead.register(app, deps)
    home.register(app, deps)
    approvals_command.register(app, deps)
    register(app)


EVERYTHING = re.compile(".*", re.DOTALL)


def register(app: AsyncApp) -> None:
    """Register last: Bolt takes the first listener that matches."""

    async def acknowledge(ack: AsyncAck) -> None:
        await ack()

    app.event(EVERYTHING)(acknowledge)
    app.action(EVERYTHING)(acknowledge)
    app.view(EVERYTHING)(acknowledge)
    app.view_closed(EVERYTHING)(acknowledge)
    app.shortcut(EVERYTHING)(acknowledge)
    app.command(EVERYTHING)(acknowledge)
