"""`python -m bot check`: a line for each part, `ok` or what to do."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import cast

import aiohttp
import psycopg
import yaml
from langchain_core.messages import HumanMessage
from multidict import CIMultiDict
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from agent.models import explain_model_error, make_model
from bot.approvals.policy import PolicyError, load_policy
from bot.conversations.graph_facts import LoadedGraph
from bot.conversations.serving import load_served
from bot.database.migrate import missing
from bot.database.pool import connect
from bot.doctor_ids import unknown_ids
from bot.doctor_outside import lacking
from bot.errors import ConfigurationError
from bot.settings import Settings, Transport
from bot.slack.client import BAD_TOKEN, error_code, make_client, make_session
from bot.slack.identity import learn_identity
from bot.variables import CHANNEL

MANIFEST = Path(__file__).parent.parent / "manifest.yml"
MODEL_TIMEOUT = 20.0  # seconds
Check = Callable[[], Awaitable[list[str]]]


async def check(settings: Settings, _parsed: argparse.Namespace, url: str) -> int:
    """Print a line for each part; 1 if any of them fails."""
    async with make_session() as session:
        token = settings.slack_bot_token
        client = make_client(
            token.get_secret_value() if token else None, settings.slack_api_url, session
        )
        parts: dict[str, Check] = {
            "settings": lambda: _settings(settings),
            "policy": lambda: _policy(settings, client),
            "database": lambda: _database(url),
            "Slack": lambda: _slack(settings, client),
            "model": lambda: _model(settings),
            "graph": lambda: _graph(settings),
        }
        results = {name: await part() for name, part in parts.items()}
    for name, troubles in results.items():
        for trouble in troubles or ["ok"]:
            print(f"{name}: {trouble}")
    return 1 if any(results.values()) else 0


async def _settings(settings: Settings) -> list[str]:
    """They were read before this could run, and a bad one ends the start.

    What is left is what the policy needs of them: a key for critical rules, a folder
    that takes files, ways to those outside of Slack.
    """
    return [*await _trail(settings), *lacking(settings)]


async def _trail(settings: Settings) -> list[str]:
    if settings.audit_key is None:
        return _unsigned(settings)
    if "://" in settings.audit_sink or CHANNEL.fullmatch(settings.audit_sink):
        return []  # nothing can be asked of it without sending it something
    return await asyncio.to_thread(_folder, Path(settings.audit_sink))


async def _policy(settings: Settings, client: AsyncWebClient) -> list[str]:
    try:
        policy = load_policy(settings.policy_file)
    except PolicyError as error:
        return [str(complaint) for complaint in error.complaints]
    if settings.transport is Transport.SIMULATOR:
        return []
    return await unknown_ids(policy, client)


async def _database(url: str) -> list[str]:
    try:
        async with await connect(url) as connection:
            lacking = await missing(connection)
    except psycopg.Error as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return [f"cannot be reached: {reason}; check DATABASE_URL"]
    if lacking:
        return [f"lacks {', '.join(lacking)}; run: python -m bot migrate"]
    return []


async def _slack(settings: Settings, client: AsyncWebClient) -> list[str]:
    """The token works and has the scopes of the manifest."""
    if settings.transport is Transport.SIMULATOR:
        return []
    name = "SLACK_BOT_TOKEN"
    try:
        await learn_identity(client)
        answer = await client.auth_test()
        name = "SLACK_APP_TOKEN"
        if token := settings.slack_app_token:
            await client.apps_connections_open(app_token=token.get_secret_value())
    except SlackApiError as error:
        code = error_code(error)
        if code in BAD_TOKEN:
            return [f"refuses the token ({code}); check {name}"]
        return [f"answers {code} to {name}; see that it has its scopes, or try later"]
    except (aiohttp.ClientError, TimeoutError, OSError, KeyError) as error:
        return [f"cannot be reached ({type(error).__name__}); check SLACK_API_URL"]
    headers = CIMultiDict(cast("Mapping[str, str]", answer.headers))
    given = headers.get("x-oauth-scopes")
    if given is None:
        return []
    lacking = _scopes() - {scope.strip() for scope in given.split(",")}
    again = "add them to the app as manifest.yml has them, and install it again"
    return (
        [f"lacks the scopes {', '.join(sorted(lacking))}; {again}"] if lacking else []
    )


def _scopes() -> set[str]:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    return set(manifest["oauth_config"]["scopes"]["bot"])


async def _graph(settings: Settings) -> list[str]:
    """The graph that AGENT names can be served; what can be seen of it is said."""
    try:
        async with load_served(settings) as loaded:
            for line in what_is_seen(loaded) if loaded else ():
                print(f"graph: {line}")
    except ConfigurationError as error:
        return [str(error)]
    return []


def what_is_seen(loaded: LoadedGraph) -> list[str]:
    """A graph as an operator should know it, a sentence for each thing."""
    streams = "A chat model in it" if loaded.streams else "No chat model in sight"
    return [
        f"{loaded.name} takes messages under {loaded.input_channel}.",
        f"It may ask: {'; '.join(loaded.foresees)}.",
        f"{streams} can stream.",
        *([_guarded(loaded)] if loaded.guards else []),
        *loaded.notes,
    ]


def _guarded(loaded: LoadedGraph) -> str:
    return f"Guarded tools: {', '.join(sorted(loaded.guards))}."


def _folder(folder: Path) -> list[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return []
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return [f"AUDIT_SINK={folder} cannot be written: {reason}"]


def _unsigned(settings: Settings) -> list[str]:
    try:
        rules = load_policy(settings.policy_file).rules
    except PolicyError:  # the policy's own line says it
        return []
    if critical := [rule.name for rule in rules if rule.critical]:
        return [f"AUDIT_KEY is not set, and {', '.join(critical)} should be signed"]
    return []


async def _model(settings: Settings) -> list[str]:
    """One short question to the model server; the offline model needs none."""
    key = settings.openai_api_key
    if key is None:
        return []
    model = make_model(
        api_key=key.get_secret_value(),
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        timeout=MODEL_TIMEOUT,
        max_retries=0,
    )
    try:
        async with asyncio.timeout(MODEL_TIMEOUT):
            await model.ainvoke([HumanMessage("Answer with: ok")])
    except TimeoutError:
        return [f"did not answer within {MODEL_TIMEOUT:.0f} s; check OPENAI_BASE_URL"]
    except Exception as error:
        return [explain_model_error(error) or type(error).__name__]
    return []
