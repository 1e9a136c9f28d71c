"""`python -m bot check`: a line for each part, `ok` or what to do."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from bot.approvals.pause import pauses
from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.load import load_policy
from bot.approvals.policy.model import Rule
from bot.base.errors import ConfigurationError
from bot.base.masks import mask_traces
from bot.base.settings import Settings, Transport, blaming
from bot.base.settings_types import CHANNEL
from bot.base.time_limits import limits
from bot.database.migrate import missing
from bot.database.pool import connect
from bot.texts import graphs, operation
from bot.texts.policy import server_away

if TYPE_CHECKING:
    from bot.commands.ask_slack import AskSlack
    from bot.conversations.inspect_graph import LoadedGraph

MODEL_TIMEOUT = 20.0  # seconds
Check = Callable[[], Awaitable[list[str]]]


async def check(settings: Settings, _parsed: argparse.Namespace, url: str) -> int:
    """Print a line for each part; 1 if any of them fails."""
    async with _slack(settings) as slack:
        parts: dict[str, Check] = {
            "settings": lambda: _settings(settings),
            "policy": lambda: _policy(settings, slack),
            "database": lambda: _database(url),
            "Slack": lambda: _access(slack),
            "model": lambda: _model(settings),
            "graph": lambda: _graph(settings),
        }
        if settings.servers_file and not settings.has_demo_servers:
            parts[operation.MCP_SERVERS] = lambda: _servers(settings)
        if not slack:
            parts["e-mail"] = _nothing
        results = {name: await part() for name, part in parts.items()}
        without = slack.without if slack else []
    good = _stand_ins(settings)
    for name, troubles in results.items():
        for said in troubles or [good.get(name, operation.OK)]:
            print(operation.part(name, said))
    for said in await _paused(url):
        print(operation.part("paused", said))
    for said in without:
        print(operation.part("feature", said))
    return 1 if any(results.values()) else 0


async def _nothing() -> list[str]:
    return []


def _stand_ins(settings: Settings) -> dict[str, str]:
    """Name the parts that are simulated, with the words to say so."""
    said: dict[str, str] = {}
    if settings.transport is Transport.SIMULATOR:
        said["Slack"] = operation.OK_SIMULATED
        if settings.smtp_url is None:
            said["e-mail"] = operation.OK_KEPT
    if settings.openai_api_key is None:
        said["model"] = operation.OK_OFFLINE
    if settings.database_url is None:
        said["database"] = operation.OK_EMBEDDED
    return said


@asynccontextmanager
async def _slack(settings: Settings) -> AsyncGenerator[AskSlack | None]:
    """Give Slack to ask; None where the simulator takes its place."""
    if settings.transport is Transport.SIMULATOR:
        yield None
        return
    # Slack's client and LangChain (below) are most of the time that a check takes:
    # they are imported where there is something to ask.
    from bot.commands.ask_slack import ask_slack

    async with ask_slack(settings) as slack:
        yield slack


async def _access(slack: AskSlack | None) -> list[str]:
    return await slack.access() if slack else []


async def _model(settings: Settings) -> list[str]:
    """Ask the model server one short question; the offline model needs none."""
    if settings.openai_api_key is None:
        return []
    from langchain_core.messages import HumanMessage

    from agent.models import explain_model_error, make_model

    mask_traces()
    model = make_model(
        api_key=settings.openai_api_key.get_secret_value(),
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        timeout=MODEL_TIMEOUT,
        max_retries=0,
    )
    try:
        async with asyncio.timeout(MODEL_TIMEOUT):
            await model.ainvoke([HumanMessage(operation.TO_THE_MODEL)])
    except TimeoutError:
        return [operation.model_silent(MODEL_TIMEOUT)]
    except Exception as error:
        return [explain_model_error(error) or type(error).__name__]
    return []


async def _graph(settings: Settings) -> list[str]:
    """Print what can be seen of the graph that AGENT names, or say what is wrong.

    The shipped one can always be served.
    """
    if settings.agent is None:
        return []
    from bot.conversations.graphs import load_served

    mask_traces()
    try:
        async with load_served(settings) as loaded:
            for line in _seen(loaded) if loaded else ():
                print(operation.part("graph", line))
    except ConfigurationError as error:
        return [str(error)]
    return []


def _seen(loaded: LoadedGraph) -> list[str]:
    """A graph as an operator should know it, a sentence for each thing."""
    guards, context = sorted(loaded.guards), loaded.context
    return [
        graphs.takes_messages(loaded.name, loaded.input_channel),
        graphs.may_ask(loaded.foresees),
        graphs.can_stream(is_seen=loaded.streams),
        *([graphs.guarded(guards)] if guards else []),
        *(
            [graphs.context_seen(context.values, sorted(context.asks))]
            if context
            else []
        ),
        *loaded.notes,
    ]


async def _servers(settings: Settings) -> list[str]:
    """All servers of MCP_CONFIG answer."""
    from bot.commands.policy import listed_servers

    try:
        found = await listed_servers(settings)
    except ConfigurationError as error:
        return [str(error)]
    return [server_away(name) for name, tools in found.items() if tools is None]


async def _settings(settings: Settings) -> list[str]:
    """They were read before this could run, and a bad one ends the start.

    What is left is what the policy needs of them: a key for critical rules, a folder
    that takes files, ways to those outside of Slack.
    """
    files = await asyncio.to_thread(_files, settings)
    return [*files, *await _trail(settings), *lacking(settings)]


def _files(settings: Settings) -> list[str]:
    folder = settings.files_dir
    if settings.agent is not None:  # which has no use for it
        return []
    try:
        with blaming("FILES_DIR", folder):
            folder.mkdir(parents=True, exist_ok=True)
    except ConfigurationError as error:
        return [str(error)]
    return []


async def _trail(settings: Settings) -> list[str]:
    if settings.audit_key is None:
        return _unsigned(settings)
    if "://" in settings.audit_sink or CHANNEL.fullmatch(settings.audit_sink):
        return []  # nothing can be asked of it without sending it something
    return await asyncio.to_thread(_folder, Path(settings.audit_sink))


async def _policy(settings: Settings, slack: AskSlack | None) -> list[str]:
    try:
        policy = load_policy(settings.policy_file)
    except PolicyError as error:
        return [str(complaint) for complaint in error.complaints]
    return await slack.unknown_ids(policy) if slack else []


async def _database(url: str) -> list[str]:
    try:
        async with await connect(url, patience=limits().statement) as connection:
            lacking = await missing(connection)
    except psycopg.Error as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return [operation.database_unreachable(reason)]
    if lacking:
        return [operation.schema_lacks(lacking)]
    return []


async def _paused(url: str) -> list[str]:
    """Tell of each pause: no trouble, but nothing runs in it."""
    try:
        async with await connect(url, patience=limits().statement) as connection:
            found = await pauses(connection)
    except psycopg.Error:  # the database's own line says it
        return []
    return [
        operation.pause_in_force(team, each.by, each.reason, each.since)
        for team, each in found
        if each
    ]


def _folder(folder: Path) -> list[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return []
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return [operation.sink_not_writable(folder, reason)]


def _unsigned(settings: Settings) -> list[str]:
    try:
        rules = load_policy(settings.policy_file).rules
    except PolicyError:  # the policy's own line says it
        return []
    if critical := [rule.name for rule in rules if rule.critical]:
        return [operation.unsigned(critical)]
    return []


def lacking(settings: Settings) -> list[str]:
    """Sentences; none where every way of the policy is open."""
    try:
        rules = load_policy(settings.policy_file).rules
    except PolicyError:  # the policy's own line says it
        return []
    simulated = settings.transport is Transport.SIMULATOR
    has_mail = simulated or settings.smtp_url is not None
    return [
        *_links(settings, rules),
        *([] if simulated else _sign_in(settings, rules)),
        *([] if has_mail else _untold(rules, "email", "SMTP_URL")),
        *([] if settings.webhook_url else _untold(rules, "webhook", "WEBHOOK_URL")),
    ]


def _links(settings: Settings, rules: Iterable[Rule]) -> Iterator[str]:
    linked = [rule.name for rule in rules if rule.links]
    if linked and not (settings.link_secret and settings.public_url):
        yield operation.no_links(linked)


def _sign_in(settings: Settings, rules: Iterable[Rule]) -> Iterator[str]:
    critical = [rule.name for rule in rules if rule.links and rule.critical]
    if critical and settings.slack_client_id is None:
        yield operation.no_sign_in(critical)


def _untold(rules: Iterable[Rule], way: str, name: str) -> Iterator[str]:
    telling = [
        rule.name for rule in rules if any(way in stage.notify for stage in rule.stages)
    ]
    if telling:
        yield operation.untold(name, way, telling)
