"""The simulator: its parts put together, its state kept, its demo workspace."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from bot.simulator.acting import Acting, Parts
from bot.simulator.app_config import AppConfig
from bot.simulator.app_delivery import Delivery, ResponseUrls, Times
from bot.simulator.changes import Change
from bot.simulator.control import Faults
from bot.simulator.events import Events
from bot.simulator.http_delivery import HttpDelivery
from bot.simulator.http_server import Server
from bot.simulator.interactions import ClickResult, Interactions, Submissions
from bot.simulator.mailbox import Mailbox, MailPage
from bot.simulator.message import Message
from bot.simulator.page import Page
from bot.simulator.page_acts import History
from bot.simulator.people import Channel, ProfileField, User, UserGroup
from bot.simulator.shapes import Json, copied
from bot.simulator.slash_commands import Commands
from bot.simulator.socket_mode import DisconnectReason, SocketMode
from bot.simulator.views import Views
from bot.simulator.web_api import RecordedCall, Tokens, WebApi
from bot.simulator.workspace import Workspace

T = TypeVar("T")


class Simulator(Acting):
    """Slack for one workspace with one app.

    With `event_url` events and clicks are posted there, signed; without, they go
    through Socket Mode. `app` is what the manifest says of the app, and
    `subscriptions` and `scopes` replace what it says of these. `times` are the bot's
    time to answer and the waits before retries. `history` tells the page what happened
    to a card; without it the page has no button for that. `phrase` is what the page's
    guide offers to write, "" for nothing; None for what the shipped agent takes, and
    `has_time_server` whether its tools are an MCP server's too.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        bot_token: str,
        app_token: str = "",
        signing_secret: str = "",
        event_url: str | None = None,
        state_file: Path | None = None,
        app: AppConfig | None = None,
        subscriptions: Iterable[str] | None = None,
        scopes: frozenset[str] | None = None,
        times: Times | None = None,
        history: History | None = None,
        phrase: str | None = None,
        has_time_server: bool = False,
    ) -> None:
        """Put the parts together and read the state file; open nothing yet."""
        app, times = _configured(app, subscriptions, scopes), times or Times()
        self.faults = Faults()
        self._state = StateFile(state_file, workspace) if state_file else None
        self._sockets = SocketMode(workspace.app_id, times)
        self._delivery: Delivery = self._sockets
        if event_url:
            self._delivery = HttpDelivery(event_url, signing_secret, times)
        self._events = Events(workspace, self._delivery, app)
        views = Views(workspace)
        response_urls = ResponseUrls(self._base, lambda: workspace.clock())
        places = (workspace, views, self._delivery, response_urls)
        self._interactions = Interactions(*places, self._base)
        submissions = Submissions(workspace, views, self._interactions, response_urls)
        commands = Commands(*places, app)
        doing = (self._events, self._interactions, submissions, commands)
        super().__init__(workspace, Parts(app, views, *doing, self._base))
        tokens = Tokens(bot_token, app_token)
        self._web_api = WebApi(workspace, views, tokens, app)
        parts = (self._web_api, self._sockets, response_urls, self.faults)
        self._server = Server(workspace, *parts, tokens, app)
        self._page = Page(self, history, phrase, has_time_server=has_time_server)
        self.mailbox = Mailbox()
        self._runner: web.AppRunner | None = None
        self.base_url = ""

    def _base(self) -> str:
        return f"{self.base_url}{self._server.prefix}"

    # -- serving ---------------------------------------------------------------

    def routes(self, prefix: str = "/simulator") -> list[web.RouteDef]:
        """Return the routes that the bot calls: Web API, sockets, response_urls.

        Who serves them sets `base_url` (`http://host:port`) and awaits `close()`
        at the application's shutdown, before open sockets are waited for.
        """
        return self._server.routes(prefix)

    def page_routes(self) -> list[web.RouteDef]:
        """Return the routes of the pages for people: `/`, and its mailbox."""
        mail = MailPage(self.workspace, self.mailbox)
        return [*self._page.routes(), *mail.routes()]

    @property
    def api_url(self) -> str:
        """The base_url for a Slack client, with a slash at the end."""
        return f"{self.base_url}{self._server.prefix}/api/"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Serve everything from an own server; port 0 takes a free one."""
        application = web.Application(client_max_size=4 * 1024**2)
        application.add_routes(self.routes())
        application.add_routes(self.page_routes())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.base_url = f"http://{host}:{bound}"

    async def stop(self) -> None:
        """Close everything, the own server too."""
        await self.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def close(self) -> None:
        """Close sockets and deliveries, and write the state."""
        self._server.close()
        await self._page.close()
        await self._events.close()
        await self._sockets.close()
        await self._delivery.close()
        if self._state is not None:
            self._state.write()

    # -- what tests send by hand -----------------------------------------------

    async def send_event(
        self, event: Json, event_id: str | None = None, **overrides: object
    ) -> bool:
        """Send an event; `overrides` replace fields of its wrapping."""
        return await self._events.send(event, event_id, **overrides)

    async def redeliver(self, event_id: str) -> bool:
        """Send an event once more, marked as a retry."""
        return await self._events.redeliver(event_id)

    async def send_payload(self, payload: Json) -> ClickResult:
        """Send an interaction payload as it is."""
        return await self._interactions.send(payload)

    def sign(self, secret: str, ahead: float = 0.0) -> None:
        """Sign with another secret, or by a clock that is some seconds ahead."""
        if not isinstance(self._delivery, HttpDelivery):
            raise TypeError("nothing is signed in Socket Mode")
        self._delivery.signing_secret, self._delivery.ahead = secret, ahead

    async def disconnect(self, reason: DisconnectReason = "refresh_requested") -> None:
        """Tell the open sockets to go, as Slack does now and then."""
        await self._sockets.disconnect(reason)

    # -- what tests look at ----------------------------------------------------

    @property
    def calls(self) -> list[RecordedCall]:
        """The Web API calls so far, oldest first."""
        return self._web_api.calls

    @property
    def sent_events(self) -> dict[str, Json]:
        """The event payloads sent so far, by event_id."""
        return self._events.sent

    @property
    def sockets(self) -> int:
        """The number of open sockets."""
        return self._sockets.count

    @property
    def latency(self) -> float:
        """Seconds that every Web API answer is held back."""
        return self._server.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._server.latency = seconds

    def dm(self, user_id: str) -> str:
        """Return the id of a person's direct message with the bot."""
        return self.workspace.open_dm(user_id).id

    def channel(self, channel_id: str) -> Channel:
        """Return a channel; raises KeyError if there is none."""
        return self.workspace.channels[channel_id]

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """Return copies of a channel's messages, replies included, oldest first.

        With `thread_ts` only that thread, the message that starts it first.
        """
        if thread_ts is None:
            found = self.workspace.messages(channel)
        else:
            found = self.workspace.thread(channel, thread_ts)
        return [copied(each.data) | {"channel": channel} for each in found]

    def ephemerals(self, user_id: str, channel: str | None = None) -> list[Json]:
        """Return copies of a person's private messages, oldest first."""
        return [
            copied(each.data) | {"channel": each.channel}
            for each in self.workspace.ephemerals
            if each.data["to"] == user_id and channel in (None, each.channel)
        ]

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 30.0) -> T:
        """Return what the predicate gives once it is true.

        It is looked at after each change, and ten times a second. Raises
        AssertionError with the last messages and calls after `timeout` seconds.
        """
        found = await wait_for(self.workspace, predicate, timeout)
        if not found:
            state = describe(self.workspace, self.calls)
            raise AssertionError(f"Not true within {timeout:g} s.\n{state}")
        return found

    async def settled(self) -> None:
        """Wait until every event was taken, or given up."""
        await self._events.settled()


def _configured(
    app: AppConfig | None,
    subscriptions: Iterable[str] | None,
    scopes: frozenset[str] | None,
) -> AppConfig:
    app = app or AppConfig()
    if subscriptions is not None:
        app = replace(app, subscriptions=frozenset(subscriptions))
    return app if scopes is None else replace(app, scopes=scopes)


_LOG = logging.getLogger(__name__)
_DELAY = 0.5  # seconds; a burst of changes is written once
_NOT_SAVED = ("call", "status", "view", "home", "ephemeral", "usergroup")


class StateFile:
    """Keeps one file equal to the workspace; private messages are not in it."""

    def __init__(self, path: Path, workspace: Workspace) -> None:
        """Read the file if there is one, and follow the changes."""
        self._path, self._workspace = path, workspace
        self._timer: asyncio.TimerHandle | None = None
        self._read()
        workspace.changes.listen(self._changed)

    def _read(self) -> None:
        try:
            saved = json.loads(self._path.read_text(encoding="utf-8"))
            self._workspace.restore(saved)
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._put_aside(error)

    def _put_aside(self, error: Exception) -> None:
        aside = self._path.with_name(f"{self._path.name}.broken-{int(time.time())}")
        os.replace(self._path, aside)
        _LOG.warning(
            "The simulator's state in %s cannot be read (%r). It was put aside as %s "
            "and the conversations start empty.",
            self._path,
            error,
            aside.name,
        )

    def _changed(self, change: Change) -> None:
        if change.kind not in _NOT_SAVED and self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_DELAY, self.write)

    def write(self) -> None:
        """Write the file now, atomically."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(f"{self._path.name}.new")
        text = json.dumps(self._workspace.as_saved())
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, self._path)


_LOOK_ANYWAY = 0.1  # seconds; a predicate may look at a file or a database too
_SHOWN = 12


async def wait_for(
    workspace: Workspace, predicate: Callable[[], T], timeout: float
) -> T | None:
    """Return what the predicate gives once it is true, or None after the timeout."""
    with workspace.changes.waking() as changed:
        deadline = asyncio.get_running_loop().time() + timeout
        while not (found := predicate()):
            remaining = deadline - asyncio.get_running_loop().time()
            if remaining <= 0:
                return None
            await _woken(changed, min(_LOOK_ANYWAY, remaining))
            changed.clear()
        return found


async def _woken(changed: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await changed.wait()
    except TimeoutError:
        return


def describe(workspace: Workspace, calls: Iterable[RecordedCall]) -> str:
    """Return the last messages and calls as lines for a failed test."""
    messages = [m for each in workspace.channels for m in workspace.messages(each)]
    latest = sorted([*messages, *workspace.ephemerals], key=lambda m: m.ts)[-_SHOWN:]
    lines = ["The last messages:", *map(_message_line, latest), "The last calls:"]
    lines += [f"  {call.method}: {_outcome(call)}" for call in list(calls)[-_SHOWN:]]
    return "\n".join(lines)


def _message_line(message: Message) -> str:
    data = message.data
    private = f" (only for {data['to']})" if "to" in data else ""
    reply = f" in thread {message.thread_ts}" if message.is_reply else ""
    blocks = f" [{len(data['blocks'])} blocks]" if "blocks" in data else ""
    text = str(data.get("text", ""))[:200]
    where = f"{message.channel} {message.ts}{reply}{private}"
    return f"  {where} {data.get('user')}: {text!r}{blocks}"


def _outcome(call: RecordedCall) -> str:
    if call.answer is None:
        return "not yet answered"
    return "ok" if call.ok else str(call.answer.get("error"))


_MANAGER = ProfileField("Xf0MANAGER", "Manager", "user")
_FILES = Path(__file__).parent / "files"
_SHOP = Path(__file__).with_name("shop.sql")


def demo_workspace() -> Workspace:
    """Return a fresh workspace where everybody has a direct message with the bot."""
    people = [
        User("U0RAVI0000", "ravi", "Ravi", "requester", email="ravi@simulator.example"),
        User("U0MINA0000", "mina", "Mina", "manager", email="mina@simulator.example"),
        User(
            "U0MAREK000", "marek", "Marek", "manager", email="marek@simulator.example"
        ),
        User("U0DORA0000", "dora", "Dora", "director", email="dora@simulator.example"),
        User("U0FAY00000", "fay", "Fay", "finance", email="fay@simulator.example"),
        User(
            "U0OLAF0000",
            "olaf",
            "Olaf",
            "outsider, in no group",
            email="olaf@simulator.example",
        ),
    ]
    workspace = Workspace(people)
    workspace.profile_fields = [_MANAGER]
    workspace.users["U0RAVI0000"].fields = {_MANAGER.id: "U0MINA0000"}
    finance = UserGroup("S0FINANCE0", "finance", "Finance", ["U0FAY00000"])
    workspace.add_usergroup(finance)
    members = [person.id for person in people]
    for channel_id, name in (("C0GENERAL0", "general"), ("C0APPROVAL", "approvals")):
        everybody = [*members, workspace.bot_user_id]
        workspace.add_channel(Channel(channel_id, name, everybody))
    for member in members:
        workspace.open_dm(member)
    return workspace


def sample_shop(target: Path) -> bool:
    """Make the SQLite database of a small shop; one that is there stays as it is."""
    if target.exists():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(target)) as connection:
        connection.executescript(_SHOP.read_text(encoding="utf-8"))
    return True


def sample_files(target: Path) -> bool:
    """Fill the directory with sample files if it is missing or empty.

    Returns whether it did. A directory that holds anything is left as it is, so a
    file that was deleted stays deleted.
    """
    if target.exists() and any(target.iterdir()):
        return False
    shutil.copytree(_FILES, target, dirs_exist_ok=True)
    return True
