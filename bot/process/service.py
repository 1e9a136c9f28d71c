"""The process: come up, serve, go down."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence

import aiohttp
import psycopg
import structlog
from aiohttp import web
from slack_sdk.errors import SlackApiError

from agent.models import close_model
from agent.tools.database import DatabaseError, OwnDatabase
from bot.approvals.grants import find_other_versions
from bot.approvals.pause import pauses
from bot.base.errors import ConfigurationError
from bot.base.settings import Transport
from bot.database.migrate import (
    migrate,
    missing,
    refuse_real_workspace,
    remember_workspace,
)
from bot.database.pool import TRANSIENT, Connection, Pool
from bot.process.app import App
from bot.slack.app import SocketHandler
from bot.slack.client import BAD_TOKEN, error_code, make_client, named_wait
from bot.slack.identity import learn_identity
from bot.texts import operation
from bot.texts.operation import not_listening, token_refused
from bot.web.api.routes import in_a_sentence
from bot.web.server import PING, Ping, health_routes, metrics_routes, slack_routes

log = structlog.get_logger(__name__)
LONGEST_WAIT = 10.0  # seconds between two tries at the start
LAST_WORDS = 2.0  # seconds that requests under way get at the end
LONGEST_END = 23.0  # seconds from the signal until the process is gone in any case


class Service:
    """One process of the bot."""

    def __init__(self, app: App, extra_routes: Sequence[web.AbstractRouteDef]) -> None:
        self._app = app
        self._extra_routes = extra_routes
        self._runner: web.AppRunner | None = None
        self._socket: SocketHandler | None = None
        self._starting = operation.THE_START  # what is waited for; "" when all is up
        self._paused: Sequence[str] = ()  # teams, as of the last look at the database
        self._stop = asyncio.Event()

    async def run(self, on_ready: Callable[[], None]) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            ConfigurationError: something that no waiting mends.
            OSError: the address is taken.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._be_told_to_stop)
        try:
            await self._listen()
            if await self._until_stopped(self._come_up()):
                on_ready()
                await self._stop.wait()
        finally:
            await self._go_down()

    def _be_told_to_stop(self) -> None:
        self._stop.set()
        leave_after(LONGEST_END)

    async def _until_stopped(self, work: Awaitable[None]) -> bool:
        """Wait for work; False if the process was told to stop before its end."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        done, _ = await asyncio.wait(
            {task, stopped}, return_when=asyncio.FIRST_COMPLETED
        )
        if task in done:
            stopped.cancel()
            task.result()
            return True
        while not task.done():  # a cancellation that meets a query can get lost
            task.cancel()
            await asyncio.wait({task}, timeout=0.5)
        return False

    async def _listen(self) -> None:
        server = web.Application(client_max_size=1_000_000, middlewares=[in_a_sentence])
        server.add_routes(self._routes())
        self._runner = web.AppRunner(
            server, access_log=None, shutdown_timeout=LAST_WORDS
        )
        await self._runner.setup()
        settings = self._app.deps.settings
        try:
            await web.TCPSite(self._runner, settings.host, settings.port).start()
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            sentence = not_listening(settings.host, settings.port, reason)
            raise ConfigurationError(sentence) from error

    def _routes(self) -> list[web.AbstractRouteDef]:
        app = self._app
        routes: list[web.AbstractRouteDef] = [
            *health_routes(self._pings(), self._details),
            *metrics_routes(
                app.deps.pool,
                self._is_up,
                app.deps.troubles.counts,
                app.engine.blocked,
            ),
            *app.outside.routes,
            *self._extra_routes,
        ]
        if app.deps.settings.transport is Transport.HTTP:
            secret = app.deps.slack.signing_secret or ""
            troubles = app.deps.troubles
            routes += slack_routes(app.bolt, secret, self._takes_in, troubles)
        return routes

    def _takes_in(self) -> bool:
        return not (self._starting or self._stop.is_set())

    async def _come_up(self) -> None:
        await self._try_until_up(operation.DATABASE, self._open_database)
        await self._try_until_up(operation.SLACK, self._meet_slack)
        await self._try_until_up(operation.DATABASE, self._meet_graph)
        await self._try_until_up(operation.DATABASE, self._app.trail.record.look)
        delegations = self._app.deps.delegations
        await self._try_until_up(operation.DATABASE, delegations.look)
        await self._check_sql()
        if servers := self._app.works.servers:
            await self._try_until_up(operation.DATABASE, servers.start)
        self._app.workers.start()
        self._app.clock.start()
        if self._app.deps.settings.transport is not Transport.HTTP:
            await self._try_until_up(operation.SOCKET, self._open_socket)
        self._starting = ""

    async def _try_until_up(
        self, name: str, step: Callable[[], Awaitable[None]]
    ) -> None:
        """Repeat a step of the start while what it needs is away."""
        self._starting = name
        wait = 0.5
        while True:
            try:
                return await step()
            except SlackApiError as error:
                _raise_if_final(error)
                trouble = operation.slack_answered(error_code(error))
                wait = max(wait, named_wait(error))
            except (*TRANSIENT, aiohttp.ClientError, TimeoutError, OSError) as error:
                trouble = _one_line(error)
            log.warning(
                f"{name} cannot be reached, trying again",
                action="start_waits",
                trouble=trouble,
                seconds=wait,
            )
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _open_database(self) -> None:
        app = self._app
        await migrate(app.database_url)
        await app.deps.pool.open()
        await app.deps.listener_pool.open()
        await app.queue.open()
        if app.deps.settings.transport is Transport.SIMULATOR:
            await refuse_real_workspace(app.deps.pool)

    async def _meet_slack(self) -> None:
        app = self._app
        identity = await learn_identity(app.deps.client)
        app.deps.identity.learn(identity)
        simulated = app.deps.settings.transport is Transport.SIMULATOR
        await remember_workspace(
            app.deps.pool,
            team=identity.team,
            enterprise=identity.enterprise,
            name=identity.team_name,
            simulated=simulated,
        )
        where = "the simulator" if simulated else "Slack"
        log.info(f"connected to {where}", action="slack", team=identity.team)

    async def _meet_graph(self) -> None:
        """Have it seen to what an earlier version of the graph has asked."""
        app = self._app
        found = await find_other_versions(
            app.deps.pool, app.queue, app.engine.served.version
        )
        if found:
            log.info("the graph has changed", action="graph_changed", waiting=found)

    async def _check_sql(self) -> None:
        """Refuse the bot's own database to the tools; one that is away may come."""
        database = self._app.works.database
        if database is None:
            return
        try:
            await database.check()
        except OwnDatabase:
            raise ConfigurationError(operation.OWN_DATABASE) from None
        except DatabaseError as error:
            log.warning("SQL_URL cannot be used", action="sql", trouble=str(error))

    async def _open_socket(self) -> None:
        app = self._app
        token = app.deps.slack.app_token or ""
        deps = app.deps
        client = make_client(None, deps.slack.api_url, deps.session, deps.troubles)
        self._socket = SocketHandler(app.bolt, token, client)
        try:
            await self._socket.open()
        except BaseException:
            await self._socket.close_async()
            raise

    def _pings(self) -> Mapping[str, Ping]:
        pings: dict[str, Ping] = {
            "database": self._ping_database,
            "clicks": self._ping_clicks,
            "start": self._ping_start,
            "jobs": self._ping_jobs,
            "clock": self._ping_clock,
        }
        if self._app.deps.settings.transport is not Transport.HTTP:
            pings["socket"] = self._ping_socket
        return pings

    async def _ping_database(self) -> str:
        lacking: list[str] = []

        async def look(connection: Connection) -> None:
            lacking.extend(await missing(connection))
            if not lacking:
                self._paused = [team for team, each in await pauses(connection) if each]

        trouble = await _reach(self._app.deps.pool, look)
        return trouble or (operation.old_schema(lacking) if lacking else "")

    async def _ping_clicks(self) -> str:
        return await _reach(self._app.deps.listener_pool, Connection.check)

    async def _ping_start(self) -> str:
        if self._stop.is_set():
            return operation.STOPPING
        return operation.waiting_for(self._starting) if self._starting else ""

    async def _ping_jobs(self) -> str:
        trouble = self._app.workers.trouble
        return trouble or await _reach(self._app.queue.pool, Connection.check)

    async def _ping_clock(self) -> str:
        return self._app.clock.trouble

    async def _ping_socket(self) -> str:
        socket = self._socket
        connected = socket is not None and await socket.client.is_connected()
        return "" if connected else operation.NO_SOCKET

    def _details(self) -> Mapping[str, str]:
        app = self._app
        found = {"policy": app.deps.policies.trouble, "audit": app.trail.notary.trouble}
        known = {name: trouble for name, trouble in found.items() if trouble}
        servers = app.works.servers
        away = servers.troubles() if servers else {}
        paused = {"paused": operation.paused_in(self._paused)} if self._paused else {}
        return {**known, **paused, **app.deps.troubles.lines(), **away}

    async def _is_up(self) -> bool:
        return not await self._ping_database()

    async def _go_down(self) -> None:
        """Intake first, then what runs, then what it stands on."""
        app = self._app
        self._stop.set()
        if self._socket is not None:
            await _quietly(self._socket.close_async())
        app.engine.drain()
        await asyncio.gather(
            app.deps.full_texts.stop(), app.clock.stop(), app.workers.stop()
        )
        if app.works.servers:
            await _quietly(app.works.servers.stop())
        await asyncio.gather(
            app.live.stop(), *(courier.stop() for courier in app.couriers)
        )
        if self._runner is not None:
            await _quietly(self._runner.cleanup())
        await _quietly(app.queue.close())
        await _quietly(app.deps.listener_pool.close())
        await _quietly(app.deps.pool.close())
        await _quietly(app.deps.session.close())
        await _quietly(close_model(app.model))


async def _reach(pool: Pool, look: Callable[[Connection], Awaitable[None]]) -> str:
    """Look at the database as the users of a pool do; return what is in the way."""
    try:
        async with pool.connection(timeout=PING) as connection:
            await look(connection)
    except (psycopg.Error, *TRANSIENT) as error:
        return operation.unreachable(type(error).__name__)
    return ""


def leave_after(seconds: float) -> None:
    """End the process then, if it still lives: a tool that hangs would keep it.

    Its jobs are given back by that time. A thread cannot be ended, and Python waits for
    each of its pool; a task that takes no cancellation is waited for as well.
    """

    def leave() -> None:
        log.warning("something hangs, leaving without it", action="left_hanging")
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()


async def _quietly(closing: Awaitable[object]) -> None:
    with contextlib.suppress(Exception):
        await closing


def _raise_if_final(error: SlackApiError) -> None:
    code = error_code(error)
    if code in BAD_TOKEN:
        raise ConfigurationError(token_refused(code)) from error


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__
