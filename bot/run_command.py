"""`python -m bot run`: serve until told to stop."""

from __future__ import annotations

import argparse
import sys

from bot import faults, time_limits
from bot.app import make_app
from bot.conversations.graph_facts import LoadedGraph
from bot.conversations.serving import load_served
from bot.service import Service
from bot.settings import Settings, Transport
from bot.simulated import make_simulation, page_address
from bot.traces import mask_traces
from bot.us import SlackAccess


async def run(settings: Settings, _parsed: argparse.Namespace, url: str) -> int:
    """Serve until told to stop."""
    mask_traces()
    faults.arm(settings.fault_point)
    time_limits.lower(settings.time_limits)
    for note in settings.notes:
        print(note, file=sys.stderr)
    async with load_served(settings) as loaded:
        await _serve(settings, loaded, url)
    return 0


async def _serve(settings: Settings, loaded: LoadedGraph | None, url: str) -> None:
    for note in loaded.notes if loaded else ():
        print(note, file=sys.stderr)
    if settings.transport is not Transport.SIMULATOR:
        app = make_app(settings, _slack_access(settings), url, loaded)
        await Service(app, []).run(lambda: None)
        return
    simulation = make_simulation(settings, lambda: app.pool)
    app = make_app(settings, simulation.access, url, loaded, simulation.mailbox)
    try:
        await Service(app, simulation.routes).run(
            lambda: print(page_address(settings), flush=True)
        )
    finally:
        await simulation.simulator.close()


def _slack_access(settings: Settings) -> SlackAccess:
    def known(name: str) -> str | None:
        secret = getattr(settings, name)
        return secret.get_secret_value() if secret else None

    return SlackAccess(
        api_url=settings.slack_api_url,
        bot_token=known("slack_bot_token") or "",
        app_token=known("slack_app_token"),
        signing_secret=known("slack_signing_secret"),
        client_id=settings.slack_client_id,
        client_secret=known("slack_client_secret"),
    )
