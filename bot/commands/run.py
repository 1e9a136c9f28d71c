"""The bot without Slack: the simulator in the same process, on the same port."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bot.database.pool import TRANSIENT, Pool
from bot.settings import Settings
from bot.simulator import Simulator, demo_workspace, sample_files
from bot.simulator.app_config import AppConfig
from bot.simulator.mailbox import Mailbox
from bot.simulator.page_hands import History, HistoryLine
from bot.slack.history import card_history
from bot.us import SlackAccess

STATE = Path(".data/simulator.json")
# its scopes and events hold in the simulator as they do in Slack
MANIFEST = Path(__file__).parent.parent / "manifest.yml"


@dataclass(frozen=True)
class Simulation:
    """The simulator, and how the bot gets into it: exactly as into Slack."""

    simulator: Simulator
    access: SlackAccess
    routes: list[web.AbstractRouteDef]  # what the bot calls, and the page for people
    mailbox: Mailbox


def make_simulation(settings: Settings, pool: Callable[[], Pool]) -> Simulation:
    """Build the simulator with its people, channels and sample files.

    `pool` reaches the bot's database, which is there only after this.
    """
    sample_files(settings.files_dir)
    bot_token = f"xoxb-{secrets.token_urlsafe(16)}"
    app_token = f"xapp-{secrets.token_urlsafe(16)}"
    simulator = Simulator(
        demo_workspace(),
        bot_token=bot_token,
        app_token=app_token,
        state_file=STATE,
        app=AppConfig.read(MANIFEST),
        history=_history(pool),
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


def _history(pool: Callable[[], Pool]) -> History:
    """What the page tells under *What happened*: the audit trail in sentences."""

    async def history(channel: str, ts: str) -> list[HistoryLine]:
        try:
            found = await card_history(pool(), channel, ts)
        except TRANSIENT as error:
            raise LookupError("the bot's database cannot be reached") from error
        return [HistoryLine(each.at, each.text) for each in found]

    return history


def _reachable(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def page_address(settings: Settings) -> str:
    """Where people open the page."""
    host = "localhost" if settings.host == "127.0.0.1" else _reachable(settings.host)
    return f"http://{host}:{settings.port}"
