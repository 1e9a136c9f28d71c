"""`python -m bot run`: serve until told to stop, with Slack or with the simulator."""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bot.base import faults, time_limits
from bot.base.masks import mask_traces
from bot.base.settings import (
    SHOP,
    Settings,
    Transport,
    blaming,
    manifest,
)
from bot.conversations.graphs import load_served
from bot.conversations.inspect_graph import LoadedGraph
from bot.database.pool import TRANSIENT, Pool
from bot.process.app import make_app
from bot.process.service import Service
from bot.simulator import Simulator, demo_workspace, sample_files, sample_shop
from bot.simulator.app_config import AppConfig
from bot.simulator.mailbox import Mailbox
from bot.simulator.page_acts import History, HistoryLine
from bot.slack.history import card_history
from bot.slack.identity import SlackAccess
from bot.texts.operation import DATABASE_AWAY, open_page


async def run(settings: Settings, _parsed: argparse.Namespace, url: str) -> int:
    """Serve until told to stop."""
    mask_traces()
    faults.arm(settings.fault_point)
    time_limits.lower(settings.time_limits)
    for note in settings.notes():
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
    phrase = loaded.phrase if loaded else None
    simulation = make_simulation(settings, lambda: app.deps.pool, phrase)
    app = make_app(settings, simulation.access, url, loaded, simulation.mailbox)
    try:
        await Service(app, simulation.routes).run(
            lambda: print(open_page(page_address(settings)), flush=True)
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


STATE = Path(".data/simulator.json")


@dataclass(frozen=True)
class Simulation:
    """The simulator, and how the bot gets into it: exactly as into Slack."""

    simulator: Simulator
    access: SlackAccess
    routes: list[web.AbstractRouteDef]  # what the bot calls, and the page for people
    mailbox: Mailbox


def make_simulation(
    settings: Settings, pool: Callable[[], Pool], phrase: str | None = None
) -> Simulation:
    """Build the simulator with its people, channels and sample files.

    `pool` reaches the bot's database, which is there only after this; `phrase` is
    what to write to a graph of somebody else's.
    """
    with blaming("FILES_DIR", settings.files_dir):
        sample_files(settings.files_dir)
    _sample_shop(settings)
    bot_token = f"xoxb-{secrets.token_urlsafe(16)}"
    app_token = f"xapp-{secrets.token_urlsafe(16)}"
    simulator = Simulator(
        demo_workspace(),
        bot_token=bot_token,
        app_token=app_token,
        state_file=STATE,
        app=AppConfig.read(manifest()),  # its scopes and events hold as in Slack
        history=_history(pool),
        phrase=phrase,
        has_time_server=settings.has_demo_servers,
    )
    simulator.base_url = f"http://{_reachable(settings.host)}:{settings.port}"
    routes = [*simulator.routes(), *simulator.page_routes()]
    sign_ins = simulator.workspace.sign_ins
    access = SlackAccess(
        api_url=simulator.api_url,
        bot_token=bot_token,
        app_token=app_token,
        client_id=sign_ins.client_id,
        client_secret=sign_ins.client_secret,
    )
    return Simulation(simulator, access, [*routes], simulator.mailbox)


def _sample_shop(settings: Settings) -> None:
    """Make the database that the agent reads and changes, unless another is named."""
    url = settings.sql_url.get_secret_value() if settings.sql_url else ""
    if url == SHOP and "database" in settings.tools and settings.agent is None:
        shop = Path(SHOP.removeprefix("sqlite:"))
        with blaming("SQL_URL", shop):
            sample_shop(shop)


def _history(pool: Callable[[], Pool]) -> History:
    """Make the page's *What happened*: the audit trail in sentences."""

    async def history(channel: str, ts: str) -> list[HistoryLine]:
        try:
            found = await card_history(pool(), channel, ts)
        except TRANSIENT as error:
            raise LookupError(DATABASE_AWAY) from error
        return [HistoryLine(each.at, each.text) for each in found]

    return history


def _reachable(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def page_address(settings: Settings) -> str:
    """Return the address where people open the page."""
    host = "localhost" if settings.host == "127.0.0.1" else _reachable(settings.host)
    return f"http://{host}:{settings.port}"
