"""The simulator as one object: what tests and the application hold in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from bot.simulator.acting import Acting, Parts
from bot.simulator.app_config import AppConfig
from bot.simulator.channels import Channel
from bot.simulator.commands import Commands
from bot.simulator.delivery import Delivery, Times
from bot.simulator.events import Events
from bot.simulator.faults import Faults
from bot.simulator.http_delivery import HttpDelivery
from bot.simulator.interactions import ClickResult, Interactions
from bot.simulator.mail_page import MailPage
from bot.simulator.mailbox import Mailbox
from bot.simulator.page import Page
from bot.simulator.page_hands import History
from bot.simulator.response_urls import ResponseUrls
from bot.simulator.server import Server
from bot.simulator.shapes import Json, copied
from bot.simulator.socket_mode import DisconnectReason, SocketMode
from bot.simulator.state_file import StateFile
from bot.simulator.submissions import Submissions
from bot.simulator.views import Views
from bot.simulator.watching import describe, wait_for
from bot.simulator.web_api import RecordedCall, Tokens, WebApi
from bot.simulator.workspace import Workspace

T = TypeVar("T")


class Simulator(Acting):
    """Slack for one workspace with one app.

    With `event_url` events and clicks are posted there, signed; without, they go
    through Socket Mode. `app` is what the manifest says of the app, and
    `subscriptions` and `scopes` replace what it says of these. `times` are the bot's
    time to answer and the waits before retries. `history` tells the page what happened
    to a card; without it the page has no button for that.
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
        super().__init__(workspace, Parts(app, views, *doing))
        tokens = Tokens(bot_token, app_token)
        self._web_api = WebApi(workspace, views, tokens, app)
        parts = (self._web_api, self._sockets, response_urls, self.faults)
        self._server = Server(workspace, *parts, tokens, app)
        self._page = Page(self, history)
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
        """How many sockets are open."""
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

    async def wait_for(self, predicate: Callable[[], T], timeout: float = 10.0) -> T:
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
