"""The composition root: every part is built here, and can be passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

import aiohttp
from langchain_core.language_models import BaseChatModel
from langchain_core.tools import BaseTool
from slack_bolt.async_app import AsyncApp

from agent.checkpointers import is_strict
from agent.gate import Gate, filled, look_at
from agent.graph import build_graph
from agent.models import explain_model_error, make_model
from agent.phrases.chat import LAX
from agent.tool_arguments import Schemas, Toolbox, problem_with, titles_of
from agent.tools import make_tools
from agent.tools.database import Database, open_database
from agent.tools.email import Mail
from agent.tools.files import SHARED, SharedFiles
from agent.tools.mcp import McpServers
from agent.tools.mcp_config import read_known
from agent.tools.mcp_transport import AskPerson
from bot.approvals.audit import PolicyRecord
from bot.approvals.decide import Decider
from bot.approvals.delegations import Delegations
from bot.approvals.pause import Operators
from bot.approvals.policy.load import PolicyFile
from bot.approvals.ports import Jobs
from bot.approvals.unknown_outcome import Marker
from bot.audit.checkpoints import Notary
from bot.base.errors import ConfigurationError
from bot.base.settings import Settings, blaming
from bot.base.time_limits import limits
from bot.conversations.conversation import Talk
from bot.conversations.engine import Engine, ServedGraph
from bot.conversations.inspect_graph import Graph, LoadedGraph, describe
from bot.conversations.outcome import Settler
from bot.conversations.resume import Handover, Recheck
from bot.conversations.runner import Runner
from bot.conversations.stop_and_retry import UnderWay
from bot.conversations.stored_grants import StoredGrants
from bot.conversations.tool_servers import ServerQuestions, StoredPins, connections_in
from bot.database.pool import ONE_PLAN, Pool, leads_here, make_pool
from bot.jobs.clock import Clock, Duty, make_clock
from bot.jobs.courier import PACE, Courier
from bot.jobs.queue import Queue, Workers
from bot.process.outside import Outside, make_outside, make_sink, smtp_mail
from bot.slack.afresh import Afresh
from bot.slack.app import make_bolt_app
from bot.slack.cards.edit_form import can_show
from bot.slack.client import Caller, Troubles, make_client, make_session
from bot.slack.delivery import Deliverer
from bot.slack.deps import Deps
from bot.slack.directory import Directory, Names
from bot.slack.full_text import FullTexts
from bot.slack.home.desk import Desks
from bot.slack.home.viewers import HomePages, Viewers
from bot.slack.identity import CurrentIdentity, SlackAccess
from bot.slack.listeners import register_listeners
from bot.slack.openid import OpenId
from bot.slack.streaming import Live
from bot.slack.thread import Reader, SlackFiles
from bot.slack.welcome import Welcome, hint_of
from bot.texts.clicks import private_answer
from bot.texts.conversation import help_text

# With the queue's three ten in all. A statement holds one for a millisecond or two, so
# that the process is busy long before they are; each plans all statements for itself.
RUN_CONNECTIONS = 4
LISTENER_CONNECTIONS = 3


@dataclass(frozen=True)
class Trail:
    """The parts that look after the audit trail, beside those that write to it."""

    policies: PolicyFile
    record: PolicyRecord
    notary: Notary

    @property
    def duties(self) -> tuple[Duty, ...]:
        """The clock's duties; another policy is noted right after it was read."""
        return self.policies.watch, self.record.look, self.notary.look


@dataclass(frozen=True)
class Works:
    """The things that the tools of the shipped agent work on.

    Attributes:
        is_unsettled: see `StoredPins.is_unsettled`.
        answered: hears that what a server asks in a conversation may be answered.
    """

    mail: Mail | None = None
    files: SharedFiles | None = None
    database: Database | None = None
    servers: McpServers | None = None
    is_unsettled: Callable[[str], bool] = lambda tool: False
    answered: Callable[[str], None] = lambda conversation: None


@dataclass(frozen=True)
class App:
    """All parts, built but not started."""

    deps: Deps
    database_url: str
    queue: Queue
    bolt: AsyncApp
    workers: Workers
    couriers: Sequence[Courier]
    live: Live
    clock: Clock
    model: BaseChatModel
    engine: Engine
    trail: Trail
    outside: Outside
    works: Works


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
    queue, policies = Queue(database_url), PolicyFile(settings.policy_file)
    model, mail = make_chat_model(settings), smtp_mail(settings) or mail
    pool, listener_pool = _pools(database_url)
    files = SlackFiles(pool, slack.bot_token, slack.api_url)
    works = _works(settings, StoredPins(pool, policies, queue), loaded, mail, files)
    gate, under_way = _gate(pool, policies, queue, works)
    served = serve(settings, model, gate, loaded, works)
    deps = _deps(settings, slack, policies, (pool, listener_pool), queue, served)
    files.client, files.session = deps.client, deps.session
    trail, outside = _trail(deps, queue), make_outside(deps, mail)
    homes, home_duties = _homes(deps)
    engine, workers = Engine(served, pool, under_way.saved), Workers(queue)
    names = Names(deps.client, deps.people, deps.identity)
    live = Live(deps.pool, Caller(deps.client), deps.identity, {})
    _register(deps, queue, _runner(deps, engine, names, live, under_way))
    courier = _courier(deps, queue, names, live)
    duties = [*trail.duties, *outside.duties]
    when = {**outside.when, "messages": courier.look, **home_duties}
    return App(
        deps=deps,
        database_url=database_url,
        queue=queue,
        bolt=_bolt(deps),
        workers=workers,
        couriers=[courier, homes, *outside.couriers],
        live=live,
        clock=make_clock(settings, pool, queue, duties, when, workers.held),
        model=model,
        engine=engine,
        trail=trail,
        outside=outside,
        works=works,
    )


def _gate(
    pool: Pool, policies: PolicyFile, queue: Queue, works: Works
) -> tuple[Gate, UnderWay]:
    """The gate on the tools, and the runs that a stop may end."""
    under_way = UnderWay()
    queue.announced.stopped = under_way.stop
    queue.announced.answered = works.answered
    kept = StoredGrants(pool, policies, queue, works.is_unsettled, under_way)
    return Gate(kept), under_way


def _works(
    settings: Settings,
    pins: StoredPins,
    loaded: LoadedGraph | None,
    mail: Mail | None,
    files: SharedFiles,
) -> Works:
    """Make what the tools work on; a graph of somebody else's brings its own."""
    if loaded:
        return Works(mail, files)
    asking = ServerQuestions(pins.pool, pins.jobs, can_show)
    database = _database(settings, pins.pool)
    servers = _servers(settings, pins, asking.ask)
    return Works(mail, files, database, servers, pins.is_unsettled, asking.wake)


def _servers(settings: Settings, pins: StoredPins, ask: AskPerson) -> McpServers | None:
    """The MCP servers of the tools.

    Raises:
        ConfigurationError: MCP_CONFIG cannot be used.
    """
    if settings.servers_file is None:
        return None
    connections = connections_in(settings.servers_file)
    known = read_known(settings.servers_file) if settings.has_demo_servers else {}
    return McpServers(connections, pins, known=known, ask=ask)


def _database(settings: Settings, pool: Pool) -> Database | None:
    """The database of the tools; the bot's own is told by what the server knows."""
    if settings.sql_url is None or "database" not in settings.tools:
        return None
    url = settings.sql_url.get_secret_value()
    return open_database(url, partial(leads_here, pool))


def _pools(url: str) -> tuple[Pool, Pool]:
    """One for the runs, one for the listeners, which are never starved by those."""
    return (
        make_pool(url, name="runs", size=RUN_CONNECTIONS, timeout=5, also=ONE_PLAN),
        make_pool(
            url,
            name="listeners",
            size=LISTENER_CONNECTIONS,
            timeout=1,
            smallest=2,
            patience=limits().click_statement,
            also=ONE_PLAN,
        ),
    )


def _deps(
    settings: Settings,
    slack: SlackAccess,
    policies: PolicyFile,
    pools: tuple[Pool, Pool],
    jobs: Jobs,
    served: ServedGraph,
) -> Deps:
    session, identity, troubles = make_session(), CurrentIdentity(), Troubles()
    client = make_client(slack.bot_token, slack.api_url, session, troubles)
    people = Directory(client, identity)
    people_now = Afresh(people)
    common = (pools[1], people, policies, private_answer, jobs, identity.app)
    return Deps(
        settings=settings,
        slack=slack,
        session=session,
        policies=policies,
        identity=identity,
        pool=pools[0],
        listener_pool=pools[1],
        jobs=jobs,
        people=people,
        people_now=people_now,
        client=client,
        decider=Decider(*common, served.problem, people_now.begin),
        marker=Marker(*common),
        full_texts=FullTexts(client, session),
        look=served.look,
        fill=served.fill,
        troubles=troubles,
        desks=Desks(pools[1], people, policies),
        viewers=Viewers(pools[1]),
        operators=Operators(pools[1], jobs, people, policies),
        delegations=Delegations(pools[1], people, policies, identity.team),
        welcome=Welcome(pools[1], jobs, client, identity, served.schemas),
        openid=_openid(slack, session),
        rates={rate.kind: rate for rate in settings.rate_limit},
        reads_files=served.is_own and SHARED in served.schemas,
    )


def _openid(slack: SlackAccess, session: aiohttp.ClientSession) -> OpenId | None:
    if not (slack.client_id and slack.client_secret):
        return None
    client = make_client(None, slack.api_url, session)
    return OpenId(client, slack.api_url, slack.client_id, slack.client_secret)


def _bolt(deps: Deps) -> AsyncApp:
    # Bolt's own client is never used; with a token it would warn about `authorize`
    client = make_client(None, deps.slack.api_url, deps.session)
    bolt = make_bolt_app(client, deps.slack.bot_token, deps.identity)
    register_listeners(bolt, deps)
    return bolt


def _register(deps: Deps, queue: Queue, runner: Runner) -> None:
    """Tell the queue who does which job."""
    held_up = runner.talk.tell_waiting
    queue.register("turn", runner.turn, runner.give_up, held_up)
    queue.register("resume", runner.resume, runner.give_up, held_up)
    queue.register("reconcile", runner.reconcile)
    queue.register("prune", runner.prune)
    # not the listeners' pool: many uses of one grant wait for each other
    decider = replace(deps.decider, pool=deps.pool)
    queue.register("standing", decider.use_standing)


def _courier(deps: Deps, queue: Queue, names: Names, live: Live) -> Courier:
    """The courier that brings messages to Slack, right after what wrote them down."""
    pool, policies = deps.pool, deps.policies
    deliverer = Deliverer(
        pool, queue, policies, live.call, deps.identity, names.of, live.streamed
    )
    courier = Courier(pool, deliverer, pace=PACE, skipped=deliverer.skipped)
    queue.send, queue.hand = courier.send, courier.hand
    queue.line_up = courier.line_up
    queue.lease = timedelta(seconds=deliverer.lease)
    return courier


def _homes(deps: Deps) -> tuple[Courier, Mapping[str, Duty]]:
    """The courier of App Home, and duties by what is due.

    It's published right after a click, and brought up to date by the clock.
    """
    pages = HomePages(deps.pool, deps.desks, deps.client, deps.identity)
    courier = Courier(deps.pool, pages)
    deps.viewers.send = courier.send

    async def look() -> None:
        await pages.mark()
        await courier.look()

    return courier, {"homes": look, "delegations": deps.delegations.look}


def _trail(deps: Deps, queue: Queue) -> Trail:
    settings, policies = deps.settings, deps.policies
    key = settings.audit_key
    notary = Notary(
        deps.pool,
        queue,
        key.get_secret_value() if key else None,
        make_sink(settings.audit_sink, settings.webhook_allow_private, deps.client),
        settings.audit_interval,
    )
    queue.register("checkpoint", notary.sign)
    record = PolicyRecord(deps.pool, policies, deps.identity.team)
    return Trail(policies, record, notary)


def _runner(
    deps: Deps, engine: Engine, names: Names, live: Live, under_way: UnderWay
) -> Runner:
    pool, jobs, people, policies = deps.pool, deps.jobs, deps.people, deps.policies
    return Runner(
        pool=pool,
        people=people,
        engine=engine,
        settler=Settler(pool, jobs, policies, people, engine.served),
        recheck=Recheck(pool, jobs, deps.people_now, policies),
        handover=Handover(pool, jobs, policies, engine),
        talk=Talk(
            pool,
            jobs,
            hint_of(deps.identity),
            lambda: help_text(engine.served.schemas),  # servers' tools come later
        ),
        words=Reader(pool, deps.client, names, deps.identity),
        live=live,
        under_way=under_way,
    )


def make_chat_model(settings: Settings) -> BaseChatModel:
    """The model of the shipped agent."""
    key = settings.openai_api_key
    return make_model(
        api_key=key.get_secret_value() if key else None,
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        pace=limits().word,
        use_aiohttp=True,
    )


def serve(
    settings: Settings,
    model: BaseChatModel,
    gate: Gate,
    loaded: LoadedGraph | None,
    works: Works,
) -> ServedGraph:
    """The graph that AGENT names, or the shipped agent.

    Raises:
        ConfigurationError: a checkpoint could make this process run code, or FILES_DIR
            cannot be used.
    """
    if not is_strict():
        raise ConfigurationError(LAX)
    if loaded:
        return _foreign(loaded, gate)
    folder = settings.files_dir
    with blaming("FILES_DIR", folder):
        tools = make_tools(
            [each for each in settings.tools if each != "mcp"],  # they come and go
            files_dir=folder,
            mail=works.mail,
            database=works.database,
            shared=works.files,
        )
    return _own(model, gate, tools, works)


def _own(
    model: BaseChatModel, gate: Gate, tools: Sequence[BaseTool], works: Works
) -> ServedGraph:
    """The shipped agent."""
    more = works.servers.tools if works.servers else tuple[BaseTool, ...]
    toolbox = Toolbox(tools, more)

    def problem(tool: str, arguments: Mapping[str, Any]) -> str:
        known = toolbox.named.get(tool)
        return problem_with(known, dict(arguments)) if known else ""

    async def look(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        known = toolbox.named.get(tool)
        return await look_at(known, dict(arguments)) if known else None

    async def fill(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return await filled(toolbox.named.get(tool), dict(arguments))

    graph = cast("Graph", build_graph(model, tools, gate, more=more))
    return ServedGraph(
        graph=graph,
        schemas=Schemas(toolbox),
        explain=explain_model_error,
        problem=problem,
        titles=titles_of(tools),
        look=look,
        fill=fill,
        is_unsettled=works.is_unsettled,
        guards=Schemas(toolbox),
        is_own=True,
        version=describe(graph, "agent").version,
    )


def _foreign(loaded: LoadedGraph, gate: Gate) -> ServedGraph:
    """The graph that AGENT names."""
    return ServedGraph(
        graph=loaded.graph,
        schemas=loaded.tools,
        titles=loaded.titles,
        explain=explain_model_error,
        guards=loaded.guards,
        stops=loaded.stops,
        input_channel=loaded.input_channel,
        version=loaded.version,
        gate=gate,
        apart=loaded.apart,
        context=loaded.context,
    )
