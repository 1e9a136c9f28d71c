"""The composition root: every part is built here, and can be passed in."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from langchain_core.language_models import BaseChatModel
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from agent.gate import Gate
from bot.approvals.decide import Decider
from bot.approvals.marks import Marker
from bot.audit.notary import Notary
from bot.audit.policy_record import PolicyRecord
from bot.conversations.engine import Engine, ServedGraph
from bot.conversations.gate import StoredGrants
from bot.conversations.graph_facts import LoadedGraph
from bot.conversations.recheck import Recheck
from bot.conversations.runner import Runner
from bot.conversations.settle import Settler
from bot.conversations.talk import Talk
from bot.database.pool import Pool, make_pool
from bot.errors import BotError
from bot.jobs.clock import Clock, Duty
from bot.jobs.courier import Courier
from bot.jobs.queue import Queue
from bot.jobs.workers import Workers
from bot.policy_file import PolicyFile
from bot.serving import make_chat_model, serve
from bot.settings import Settings
from bot.slack.app import make_bolt_app
from bot.slack.checkpoints import make_sink
from bot.slack.client import make_client, make_session
from bot.slack.delivery import Deliverer
from bot.slack.directory import Afresh, Directory
from bot.slack.full_text import FullTexts
from bot.slack.identity import Identity
from bot.slack.listeners import register_listeners
from bot.slack.listeners.parts import Parts
from bot.slack.phrases import SlackPhrases
from bot.variables import seed_of

RUN_CONNECTIONS = 20
LISTENER_CONNECTIONS = 8


@dataclass(frozen=True)
class SlackAccess:
    """Where Slack is and how we are let in."""

    api_url: str
    bot_token: str
    app_token: str | None = None
    signing_secret: str | None = None


class Us:
    """Who we are in Slack, once it is known."""

    def __init__(self) -> None:
        self._identity: Identity | None = None

    def learn(self, identity: Identity) -> None:
        """Keep what Slack said at the start."""
        self._identity = identity

    def __call__(self) -> Identity:
        if self._identity is None:
            raise NotReady
        return self._identity

    def app(self) -> str:
        """The app's id."""
        return self().app

    def team(self) -> str:
        """The id of the workspace that the app is installed in."""
        return self().team


class NotReady(BotError):
    """The bot has not finished its start."""


@dataclass(frozen=True)
class Trail:
    """What looks after the audit trail beside those who write to it."""

    policies: PolicyFile
    record: PolicyRecord
    notary: Notary

    @property
    def duties(self) -> tuple[Duty, ...]:
        """Of the clock: another policy is noted right after it was read."""
        return self.policies.watch, self.record.look, self.notary.look


@dataclass(frozen=True)
class App:
    """All parts, built but not started."""

    settings: Settings
    slack: SlackAccess
    database_url: str
    policies: PolicyFile
    us: Us
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


def make_app(
    settings: Settings,
    slack: SlackAccess,
    database_url: str,
    loaded: LoadedGraph | None = None,
) -> App:
    """Build everything; nothing is connected yet.

    Args:
        loaded: the graph to serve in place of the shipped agent.

    Raises:
        PolicyError: the policy file cannot be used.
        ConfigurationError: a checkpoint could make this process run code.
    """
    policies, us, session = PolicyFile(settings.policy_file), Us(), make_session()
    client = make_client(slack.bot_token, slack.api_url, session)
    pool, listener_pool = _pools(database_url)
    queue = Queue(database_url)
    people, model = Directory(client, us), make_chat_model(settings)
    gate = Gate(StoredGrants(pool, policies, queue))
    served = serve(settings, model, gate, loaded)
    engine = Engine(served, pool)
    runner = _runner(queue, people, policies, engine)
    deliverer = Deliverer(pool, queue, policies, client, us)
    courier = _registered(pool, queue, runner, deliverer)
    trail = _trail(settings, pool, queue, client, policies, us)
    takers = _takers(listener_pool, queue, people, policies, us, served)
    parts = _parts(settings, takers, client, session, us, served)
    return App(
        settings=settings,
        slack=slack,
        database_url=database_url,
        policies=policies,
        us=us,
        session=session,
        client=client,
        pool=pool,
        listener_pool=listener_pool,
        queue=queue,
        bolt=_bolt(slack, session, us, parts),
        full_texts=parts.full_texts,
        workers=Workers(queue),
        courier=courier,
        clock=Clock(settings.sweep_interval, pool, queue, trail.duties),
        model=model,
        engine=engine,
        trail=trail,
    )


def _pools(url: str) -> tuple[Pool, Pool]:
    """One for the runs, one for the listeners, which are never starved by those."""
    return (
        make_pool(url, name="runs", size=RUN_CONNECTIONS, timeout=5),
        make_pool(
            url, name="listeners", size=LISTENER_CONNECTIONS, timeout=1, smallest=2
        ),
    )


def _takers(
    pool: Pool,
    queue: Queue,
    people: Directory,
    policies: PolicyFile,
    us: Us,
    served: ServedGraph,
) -> tuple[Decider, Marker]:
    """Who takes people's words: what they decide, and what they have found out."""
    phrases = SlackPhrases()
    return (
        Decider(pool, people, policies, phrases, queue, us.app, served.problem),
        Marker(pool, people, policies, phrases, queue, us.app),
    )


def _parts(
    settings: Settings,
    takers: tuple[Decider, Marker],
    client: AsyncWebClient,
    session: aiohttp.ClientSession,
    us: Us,
    served: ServedGraph,
) -> Parts:
    decider, marker = takers
    return Parts(
        pool=decider.pool,
        jobs=decider.jobs,
        decider=decider,
        marker=marker,
        client=client,
        identity=us,
        full_texts=FullTexts(client, session),
        look=served.look,
        rates={rate.kind: rate for rate in settings.rate_limit},
    )


def _bolt(
    slack: SlackAccess, session: aiohttp.ClientSession, us: Us, parts: Parts
) -> AsyncApp:
    # Bolt's own client is never used; with a token it would warn about `authorize`
    client = make_client(None, slack.api_url, session)
    bolt = make_bolt_app(client, slack.bot_token, us)
    register_listeners(bolt, parts)
    return bolt


def _registered(
    pool: Pool, queue: Queue, runner: Runner, deliverer: Deliverer
) -> Courier:
    """Tell the queue who does which job; what is to be delivered goes out at once."""
    queue.register("turn", runner.turn, runner.give_up)
    queue.register("resume", runner.resume, runner.give_up)
    queue.register("reconcile", runner.reconcile)
    queue.register("prune", runner.prune)
    queue.register("deliver", deliverer.deliver)
    courier = Courier(pool, queue, deliverer.deliver)
    queue.send_at_once(courier.send)
    return courier


def _trail(
    settings: Settings,
    pool: Pool,
    queue: Queue,
    client: AsyncWebClient,
    policies: PolicyFile,
    us: Us,
) -> Trail:
    key = settings.audit_key
    notary = Notary(
        pool,
        queue,
        seed_of(key) if key else None,
        make_sink(settings.audit_sink, settings.webhook_allow_private, client),
        settings.audit_interval,
    )
    queue.register("checkpoint", notary.sign)
    return Trail(policies, PolicyRecord(pool, policies, us.team), notary)


def _runner(
    queue: Queue, people: Directory, policies: PolicyFile, engine: Engine
) -> Runner:
    pool = engine.pool
    return Runner(
        pool=pool,
        jobs=queue,
        people=people,
        policies=policies,
        engine=engine,
        settler=Settler(pool, queue, policies, people, engine.served),
        recheck=Recheck(pool, queue, Afresh(people), policies),
        talk=Talk(pool, queue),
    )
