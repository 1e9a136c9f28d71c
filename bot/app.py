"""The composition root: every part is built here, and can be passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from langchain_core.language_models import BaseChatModel
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from agent.checkpointers import LAX, is_strict
from agent.gate import Gate, look_at
from agent.graph import build_graph
from agent.mail import Mail
from agent.models import explain_model_error, make_model
from agent.tool_arguments import problem_with, schema_of
from agent.tools import make_tools
from bot.approvals.audit import PolicyRecord
from bot.approvals.decide import Decider
from bot.approvals.policy.load import PolicyFile
from bot.approvals.unknown_outcome import Marker
from bot.audit.checkpoints import Notary
from bot.conversations.engine import Engine, ServedGraph
from bot.conversations.inspect_graph import Graph, LoadedGraph, describe
from bot.conversations.outcome import Settler
from bot.conversations.replies import Talk
from bot.conversations.resume import Handover, Recheck
from bot.conversations.retry import Retrier
from bot.conversations.runner import Runner
from bot.conversations.stored_grants import StoredGrants
from bot.database.pool import Pool, make_pool
from bot.errors import ConfigurationError
from bot.jobs.clock import Clock, Duty, make_clock
from bot.jobs.courier import Courier
from bot.jobs.queue import Queue, Workers
from bot.outside import Inside, Outside, make_outside, make_sink, smtp_mail
from bot.settings import Settings
from bot.settings_types import seed_of
from bot.slack.app import make_bolt_app
from bot.slack.client import make_client, make_session
from bot.slack.delivery import Deliverer
from bot.slack.directory import Afresh, Directory
from bot.slack.full_text import FullTexts
from bot.slack.identity import CurrentIdentity, SlackAccess
from bot.slack.listeners import register_listeners
from bot.slack.listeners.translating import Parts
from bot.slack.openid import OpenId
from bot.texts.clicks import SlackPhrases

RUN_CONNECTIONS = 20
LISTENER_CONNECTIONS = 8


@dataclass(frozen=True)
class Trail:
    """The parts that look after the audit trail, beside those that write to it."""

    policies: PolicyFile
    record: PolicyRecord
    notary: Notary

    @property
    def duties(self) -> tuple[Duty, ...]:
        """Of the clock: another policy is noted right after it was read."""
        return self.policies.watch, self.record.look, self.notary.look


@dataclass(frozen=True)
class Ground:
    """The parts that every other part is built on."""

    settings: Settings
    slack: SlackAccess
    database_url: str
    policies: PolicyFile
    us: CurrentIdentity
    session: aiohttp.ClientSession
    client: AsyncWebClient
    pool: Pool
    listener_pool: Pool
    queue: Queue
    people: Directory


@dataclass(frozen=True)
class App:
    """All parts, built but not started."""

    settings: Settings
    slack: SlackAccess
    database_url: str
    policies: PolicyFile
    us: CurrentIdentity
    session: aiohttp.ClientSession
    client: AsyncWebClient
    pool: Pool
    listener_pool: Pool
    queue: Queue
    bolt: AsyncApp
    full_texts: FullTexts
    workers: Workers
    courier: Courier
    clock: Clock
    model: BaseChatModel
    engine: Engine
    trail: Trail
    outside: Outside


def make_app(
    settings: Settings,
    slack: SlackAccess,
    database_url: str,
    loaded: LoadedGraph | None = None,
    mail: Mail | None = None,
) -> App:
    """Build everything; nothing is connected yet.

    Args:
        loaded: the graph to serve in place of the shipped agent.
        mail: what takes e-mails, where no SMTP_URL names a server.

    Raises:
        PolicyError: the policy file cannot be used.
        ConfigurationError: a checkpoint could make this process run code.
    """
    ground = _ground(settings, slack, database_url)
    model, mail = make_chat_model(settings), smtp_mail(settings) or mail
    gate = Gate(StoredGrants(ground.pool, ground.policies, ground.queue))
    served = serve(settings, model, gate, loaded, mail)
    return _assembled(ground, model, served, mail)


def _ground(settings: Settings, slack: SlackAccess, database_url: str) -> Ground:
    policies, us, session = (
        PolicyFile(settings.policy_file),
        CurrentIdentity(),
        make_session(),
    )
    client = make_client(slack.bot_token, slack.api_url, session)
    pool, listener_pool = _pools(database_url)
    return Ground(
        settings=settings,
        slack=slack,
        database_url=database_url,
        policies=policies,
        us=us,
        session=session,
        client=client,
        pool=pool,
        listener_pool=listener_pool,
        queue=Queue(database_url),
        people=Directory(client, us),
    )


def _assembled(
    ground: Ground, model: BaseChatModel, served: ServedGraph, mail: Mail | None
) -> App:
    trail, takers = _trail(ground), _takers(ground, served)
    parts = _parts(ground, takers, served)
    outside = _outside(ground, takers[0], served, mail)
    duties, engine = [*trail.duties, *outside.duties], Engine(served, ground.pool)
    return App(
        settings=ground.settings,
        slack=ground.slack,
        database_url=ground.database_url,
        policies=ground.policies,
        us=ground.us,
        session=ground.session,
        client=ground.client,
        pool=ground.pool,
        listener_pool=ground.listener_pool,
        queue=ground.queue,
        bolt=_bolt(ground, parts),
        full_texts=parts.full_texts,
        workers=(workers := Workers(ground.queue)),
        courier=_registered(ground, engine),
        clock=make_clock(ground.settings, ground.pool, ground.queue, workers, duties),
        model=model,
        engine=engine,
        trail=trail,
        outside=outside,
    )


def _pools(url: str) -> tuple[Pool, Pool]:
    """One for the runs, one for the listeners, which are never starved by those."""
    return (
        make_pool(url, name="runs", size=RUN_CONNECTIONS, timeout=5),
        make_pool(
            url, name="listeners", size=LISTENER_CONNECTIONS, timeout=1, smallest=2
        ),
    )


def _takers(ground: Ground, served: ServedGraph) -> tuple[Decider, Marker, Retrier]:
    """Make the parts that take decisions, marks on unknown outcomes, and retries."""
    common = (ground.listener_pool, ground.people, ground.policies, SlackPhrases())
    queue, app = ground.queue, ground.us.app
    return (
        Decider(*common, queue, app, served.problem),
        Marker(*common, queue, app),
        Retrier(ground.listener_pool, ground.people, queue, app),
    )


def _parts(
    ground: Ground, takers: tuple[Decider, Marker, Retrier], served: ServedGraph
) -> Parts:
    decider, marker, retrier = takers
    return Parts(
        pool=decider.pool,
        jobs=decider.jobs,
        decider=decider,
        marker=marker,
        retrier=retrier,
        client=ground.client,
        identity=ground.us,
        full_texts=FullTexts(ground.client, ground.session),
        look=served.look,
        rates={rate.kind: rate for rate in ground.settings.rate_limit},
    )


def _outside(
    ground: Ground, decider: Decider, served: ServedGraph, mail: Mail | None
) -> Outside:
    inside = Inside(
        pool=ground.pool,
        queue=ground.queue,
        people=ground.people,
        policies=ground.policies,
        decider=decider,
        client=ground.client,
        identity=ground.us,
        openid=_openid(ground),
        look=served.look,
    )
    return make_outside(ground.settings, inside, mail)


def _openid(ground: Ground) -> OpenId | None:
    slack = ground.slack
    if not (slack.client_id and slack.client_secret):
        return None
    client = make_client(None, slack.api_url, ground.session)
    return OpenId(client, slack.api_url, slack.client_id, slack.client_secret)


def _bolt(ground: Ground, parts: Parts) -> AsyncApp:
    # Bolt's own client is never used; with a token it would warn about `authorize`
    client = make_client(None, ground.slack.api_url, ground.session)
    bolt = make_bolt_app(client, ground.slack.bot_token, ground.us)
    register_listeners(bolt, parts)
    return bolt


def _registered(ground: Ground, engine: Engine) -> Courier:
    """Tell the queue who does which job; what is to be delivered goes out at once."""
    queue, runner = ground.queue, _runner(ground, engine)
    deliverer = Deliverer(ground.pool, queue, ground.policies, ground.client, ground.us)
    queue.register("turn", runner.turn, runner.give_up)
    queue.register("resume", runner.resume, runner.give_up)
    queue.register("reconcile", runner.reconcile)
    queue.register("prune", runner.prune)
    queue.register("deliver", deliverer.deliver)
    courier = Courier(ground.pool, queue, deliverer.deliver)
    queue.send_at_once(courier.send)
    return courier


def _trail(ground: Ground) -> Trail:
    settings, policies = ground.settings, ground.policies
    key = settings.audit_key
    notary = Notary(
        ground.pool,
        ground.queue,
        seed_of(key) if key else None,
        make_sink(settings.audit_sink, settings.webhook_allow_private, ground.client),
        settings.audit_interval,
    )
    ground.queue.register("checkpoint", notary.sign)
    return Trail(policies, PolicyRecord(ground.pool, policies, ground.us.team), notary)


def _runner(ground: Ground, engine: Engine) -> Runner:
    pool, queue, people = ground.pool, ground.queue, ground.people
    policies = ground.policies
    return Runner(
        pool=pool,
        people=people,
        engine=engine,
        settler=Settler(pool, queue, policies, people, engine.served),
        recheck=Recheck(pool, queue, Afresh(people), policies),
        handover=Handover(pool, queue, policies, engine),
        talk=Talk(pool, queue),
    )


def make_chat_model(settings: Settings) -> BaseChatModel:
    """The model of the shipped agent."""
    key = settings.openai_api_key
    return make_model(
        api_key=key.get_secret_value() if key else None,
        base_url=settings.openai_base_url,
        model=settings.openai_model,
    )


def serve(
    settings: Settings,
    model: BaseChatModel,
    gate: Gate,
    loaded: LoadedGraph | None,
    mail: Mail | None = None,
) -> ServedGraph:
    """The graph that AGENT names, or the shipped agent; `mail` is for its tools.

    Raises:
        ConfigurationError: a checkpoint could make this process run code.
    """
    if not is_strict():
        raise ConfigurationError(LAX)
    return _foreign(loaded, gate) if loaded else _own(settings, model, gate, mail)


def _own(
    settings: Settings, model: BaseChatModel, gate: Gate, mail: Mail | None
) -> ServedGraph:
    """The shipped agent."""
    tools = make_tools(settings.tools, files_dir=settings.files_dir, mail=mail)
    by_name = {tool.name: tool for tool in tools}

    def problem(tool: str, arguments: Mapping[str, Any]) -> str:
        known = by_name.get(tool)
        return problem_with(known, dict(arguments)) if known else ""

    async def look(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        known = by_name.get(tool)
        return await look_at(known, dict(arguments)) if known else None

    graph = cast("Graph", build_graph(model, tools, gate))
    return ServedGraph(
        graph=graph,
        schemas={tool.name: schema_of(tool) for tool in tools},
        explain=explain_model_error,
        problem=problem,
        look=look,
        guards=frozenset(by_name),
        is_own=True,
        version=describe(graph, "agent").version,
    )


def _foreign(loaded: LoadedGraph, gate: Gate) -> ServedGraph:
    """The graph that AGENT names."""
    return ServedGraph(
        graph=loaded.graph,
        schemas=loaded.tools,
        explain=explain_model_error,
        guards=loaded.guards,
        stops=loaded.stops,
        input_channel=loaded.input_channel,
        version=loaded.version,
        gate=gate,
    )
