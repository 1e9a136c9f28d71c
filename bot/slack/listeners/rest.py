"""What nobody listens to is acknowledged, so that Slack does not send it again."""

from __future__ import annotations

import re

from slack_bolt.async_app import AsyncAck, AsyncApp

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
