"""The command line: run, check, migrate, policy, approvals, audit."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import structlog
from psycopg_pool import PoolTimeout

from bot import audit_commands, doctor, faults, policy_commands, time_limits
from bot.app import make_app
from bot.approvals import store
from bot.approvals.model import Request, Status
from bot.approvals.policy import Complaint, PolicyError
from bot.approvals.verdicts import reject_by_operator
from bot.conversations.graph_facts import LoadedGraph
from bot.conversations.serving import load_served
from bot.database import embedded
from bot.database.migrate import migrate
from bot.database.pool import Pool, make_pool
from bot.errors import BotError
from bot.jobs.queue import Queue
from bot.logs import configure_logging
from bot.service import Service
from bot.settings import Settings, Transport
from bot.simulated import make_simulation, page_address
from bot.slack.text import visible
from bot.traces import mask_traces
from bot.us import SlackAccess

MISUSE = 2
log = structlog.get_logger(__name__)
Command = Callable[[Settings, argparse.Namespace, str], Awaitable[int]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status.

    0: done. 1: it was done and the answer is no. 2: it cannot be done like this, with
    one line on stderr that says why.
    """
    parsed = _parser().parse_args(arguments)
    try:
        settings = Settings.load(os.environ, Path(".env"))
        configure_logging(settings.log_format, settings.log_level)
        mask_traces()
        with _database(settings, audit_commands.needs_database(parsed)) as url:
            return asyncio.run(parsed.command(settings, parsed, url))
    except BotError as error:
        return _complain(str(error))
    except PolicyError as error:
        return _complain("\n".join(map(_about_policy, error.complaints)))
    except (psycopg.Error, PoolTimeout) as error:
        return _complain(f"The database cannot be used: {_first_line(error)}")
    except OSError as error:
        return _complain(f"The bot cannot start: {error.strerror or error}.")
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        log.error("unexpected", action="crashed", exc_info=error)
        return _complain(f"The bot stopped unexpectedly: {type(error).__name__}.", 1)


@contextmanager
def _database(settings: Settings, is_needed: bool) -> Generator[str]:
    """The server that the settings name, or the embedded one while we live."""
    if not is_needed:
        yield ""
        return
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    with embedded.start() as server:
        yield server.url


def _complain(sentence: str, status: int = MISUSE) -> int:
    print(sentence, file=sys.stderr)
    return status


def _about_policy(complaint: Complaint) -> str:
    return f"The policy, {complaint}" if complaint.path else str(complaint)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bot", description="Run the bot, or look after it."
    )
    parser.set_defaults(command=run, needs_database=True)
    commands = parser.add_subparsers(metavar="COMMAND")
    commands.add_parser("run", help="run (the default)").set_defaults(command=run)
    check = commands.add_parser("check", help="check settings, policy, Slack, model")
    check.set_defaults(command=doctor.check)
    commands.add_parser("migrate", help="bring the schema up to date").set_defaults(
        command=migrate_command
    )
    _add_policy(commands.add_parser("policy", help="what the policy says"))
    _add_approvals(commands.add_parser("approvals", help="the queue"))
    audit_commands.add_audit(commands.add_parser("audit", help="the audit trail"))
    return parser


def _add_policy(policy: argparse.ArgumentParser) -> None:
    policy.set_defaults(needs_database=False)
    actions = policy.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser(
        "show", help="the whole policy; what can loosen is marked"
    )
    show.set_defaults(command=policy_commands.show_command)
    explain = actions.add_parser("explain", help="what one call needs, and why")
    explain.add_argument("--tool", type=_words, required=True)
    explain.add_argument("--args", metavar="JSON", required=True)
    explain.add_argument("--requester", metavar="U…", help="the user id of who asks")
    explain.set_defaults(command=policy_commands.explain_command)


def _add_approvals(approvals: argparse.ArgumentParser) -> None:
    actions = approvals.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="requests, newest first")
    listing.add_argument("--status", choices=[str(status) for status in Status])
    listing.set_defaults(command=list_command)
    reject = actions.add_parser("reject", help="the operator's brake")
    reject.add_argument("id", type=_words, help="a request's id or its code")
    reject.add_argument("--reason", type=_words, required=True)
    reject.set_defaults(command=reject_command)


def _words(text: str) -> str:
    """An argument that is not empty and can be stored."""
    words = text.encode("utf-8", "replace").decode("utf-8").strip()
    if not words:
        raise argparse.ArgumentTypeError("it is empty")
    return words


async def run(settings: Settings, _parsed: argparse.Namespace, url: str) -> int:
    """Serve until told to stop."""
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


async def migrate_command(
    _settings: Settings, _parsed: argparse.Namespace, url: str
) -> int:
    """Bring the schema up to date and say what was done."""
    applied = await migrate(url)
    print("\n".join(applied) if applied else "The schema is up to date.")
    return 0


async def list_command(
    _settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Print the queue, a line each."""
    async with _small_pool(url) as pool, pool.connection() as connection:
        requests = await store.find(connection, status=parsed.status, limit=1000)
    for request in reversed(requests):
        print(_line(request))
    if not requests:
        print("No requests.")
    return 0


def _line(request: Request) -> str:
    raised = request.raised_at.strftime("%Y-%m-%d %H:%M:%S")
    return "  ".join(
        [
            request.id,
            request.code,
            f"{request.status:<9}",
            raised,
            request.requester.user,
            visible(request.tool),
        ]
    )


async def reject_command(
    _settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Reject an open request, whoever could decide it."""
    async with _small_pool(url) as pool:
        found = await _named(pool, parsed.id)
        if len(found) != 1:
            return _cannot_tell(parsed.id, found)
        request = await reject_by_operator(
            pool, Queue(url), found[0].id, parsed.reason, audit_commands.operator()
        )
    if request is None or not request.is_open:
        status = (request or found[0]).status
        print(f"Nothing to do: request {found[0].code} is {status} already.")
        return 1
    print(f"Rejected: {request.code}, {visible(request.tool)}.")
    return 0


async def _named(pool: Pool, name: str) -> list[Request]:
    """The request with this id, or those with this code: the open ones before all."""
    async with pool.connection() as connection:
        if request := await store.load(connection, name):
            return [request]
        code = name.upper()
        still_open = await store.find(connection, code=code, status=Status.PENDING)
        return still_open or (await store.find(connection, code=code))[-1:]


def _cannot_tell(name: str, found: Sequence[Request]) -> int:
    if found:
        print(f"Several open requests have the code {name}; give the id of one:")
    else:
        print(f"There is no request {name}; see: python -m bot approvals list")
    for request in found:
        print(_line(request))
    return 1


def _small_pool(url: str) -> Pool:
    return make_pool(url, name="command", size=2, timeout=5)
