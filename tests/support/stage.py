"""The whole play: a simulator in the test's process, the bot as a process."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.simulator import ClickResult, Simulator, Times, Workspace, demo_workspace
from bot.simulator.app_config import AppConfig
from bot.slack.cards.view import ADD_REASON
from tests.support.bot_process import BotProcess, free_port
from tests.support.demo import APPROVALS, BOT, GENERAL, RAVI
from tests.support.policies import files_policy
from tests.support.records import Records
from tests.support.root import ROOT
from tests.support.shown import Message, buttons, everything, is_card, row_about

BOT_TOKEN, APP_TOKEN = "xoxb-test-1", "xapp-test-1"
IN_FORCE = "another policy is in force"  # as the log says it
SIGNED = "(offline model)"  # the end of each answer of the offline agent
SIGNING_SECRET = "0123456789abcdef0123456789abcdef"
# Seconds after which the dead are missed and what failed is tried again: people's own
# are up to a minute. A busy machine may hold a living process up for some of them.
SHORTER = (
    "heartbeat=1,stalled=6,message_lease=6,job_missing=3,longest_retry=1,word=0.0001"
)
POLICY = files_policy()
APP = AppConfig.read(ROOT / "manifest.yml")

#: Sets a stage that outlives one test: the fixture `new_stage`, by its options.
NewStage = Callable[..., AbstractAsyncContextManager["Stage"]]
#: The stages that a test has made, for the report of its failure.
STAGES: list[Stage] = []


@dataclass
class Stage:
    """Simulator, bot processes, files; and what a test says and looks at."""

    simulator: Simulator
    folder: Path
    database: str  # as the test reaches it
    environment: dict[str, str]
    transport: str
    port: int
    bots: list[BotProcess] = field(default_factory=list)
    fresh: bool = False  # whether its bots start from scratch, as `spawn` has it

    @property
    def bot(self) -> BotProcess:
        return self.bots[0]

    @property
    def files(self) -> Path:
        return self.folder / "files"

    async def start_bot(self, *, wait: bool = True) -> BotProcess:
        """Start one more process; over HTTP the first one gets the events."""
        port = self.port if self.port and not self._port_taken() else free_port()
        bot = BotProcess(self.folder, self.environment, port, self.fresh)
        self.bots.append(bot)
        await bot.start(wait=wait)
        return bot

    def _port_taken(self) -> bool:
        return any(
            bot.port == self.port
            and (bot.process is None or bot.process.returncode is None)
            for bot in self.bots
        )

    async def restart(self) -> None:
        """Stop every process and start one again."""
        await self.stop()
        await self.start_bot()

    async def stop(self) -> None:
        for bot in self.bots:
            await bot.stop()
        self.bots.clear()

    def write_policy(self, text: str) -> None:
        """Put another policy file there in one step, as an operator does."""
        file = self.folder / "policy.yml"
        new = file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(file)

    async def change_policy(self, text: str) -> None:
        """Put another policy there, and wait until the bot goes by it."""
        before = self.bot.log.count(IN_FORCE)
        self.write_policy(text)
        await self.simulator.wait_for(lambda: self.bot.log.count(IN_FORCE) > before)

    def put(self, name: str, text: str = "content") -> Path:
        """Put a file where the agent's tools find it."""
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def ask(
        self,
        text: str,
        user: str = RAVI,
        channel: str = GENERAL,
        thread_ts: str | None = None,
    ) -> str:
        """Mention the bot in a channel (in a DM just write); returns the ts."""
        if not channel.startswith("D"):
            text = f"<@{BOT}> {text}"
        return await self.simulator.post_message(user, channel, text, thread_ts)

    def said(self, channel: str, thread_ts: str) -> list[Message]:
        """The bot's messages in a thread."""
        thread = self.simulator.messages(channel, thread_ts)
        return [m for m in thread if m.get("bot_id") or m.get("user") == BOT]

    def texts(
        self, thread_ts: str, containing: str = "", channel: str = GENERAL
    ) -> list[str]:
        """The bot's messages in a thread so far, as they read, oldest first.

        One that is still written is left out: its words are not all there.
        """
        written = self.simulator.workspace.streams
        said = self.said(channel, thread_ts)
        found = [everything(m) for m in said if (channel, m["ts"]) not in written]
        return [text for text in found if containing in text]

    def answers(self, thread_ts: str) -> list[str]:
        """The offline agent's answers in a thread so far."""
        return self.texts(thread_ts, SIGNED)

    @property
    def ledger(self) -> list[str]:
        """The lines that a test's own graph has written down."""
        file = self.folder / "ledger.txt"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def records(self) -> Records:
        """The records in the bot's database."""
        return Records(self.database)

    def cards(self, channel: str = APPROVALS) -> list[Message]:
        """The bot's messages with a request on them, oldest first."""
        found = self.simulator.messages(channel)
        return [m for m in found if m.get("user") == BOT and is_card(m)]

    async def card(self, number: int = 1, channel: str = APPROVALS) -> Message:
        """Wait for the card of that number, the first being 1."""
        await self.simulator.wait_for(lambda: len(self.cards(channel)) >= number)
        return self.cards(channel)[number - 1]

    def cards_about(self, words: str, channel: str = APPROVALS) -> list[Message]:
        return [card for card in self.cards(channel) if words in everything(card)]

    async def card_about(self, words: str, channel: str = APPROVALS) -> Message:
        """Wait for the newest card that shows these words."""

        found = await self.simulator.wait_for(lambda: self.cards_about(words, channel))
        return found[-1]

    def message(self, channel: str, ts: str) -> Message:
        return next(m for m in self.simulator.messages(channel) if m["ts"] == ts)

    async def click(
        self,
        user: str,
        action: str,
        card: Message,
        *,
        about: str = "",
        action_ts: str | None = None,
    ) -> ClickResult:
        """Click a button of a card as it was shown.

        Args:
            about: words of the headline of the request whose button to click.
        """
        shown = row_about(card, about) if about else card
        value = next(v for a, v in buttons(shown) if a == action)
        return await self.simulator.click(
            user, card["channel"], card["ts"], action, value, action_ts=action_ts
        )

    def is_closed(self, card: Message, word: str) -> bool:
        """Return whether a card shows this outcome by now."""
        now = self.message(card["channel"], card["ts"])
        deciding = {action for action, _ in buttons(now)} - {ADD_REASON}
        return word in everything(now) and not deciding

    def click_payload(self, user: str, card: Message) -> dict[str, Any]:
        """A click on the card's first button, not sent yet."""
        [(action, value), *_] = buttons(card)
        place = (card["channel"], card["ts"])
        return self.simulator.click_payload(user, *place, action, value)

    async def send_again(self, ts: str) -> None:
        """Send a message's events until each is taken, as Slack does for a while."""
        await self.simulator.settled()
        for event in self.events_about(ts):
            async with asyncio.timeout(60):
                while not await self.simulator.redeliver(event):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)  # a new socket has not come yet

    def events_about(self, ts: str) -> dict[str, Any]:
        """The events that were sent about a message, by their ids."""
        sent = self.simulator.sent_events.items()
        return {event: each for event, each in sent if each["event"].get("ts") == ts}

    async def logged(self, words: str) -> None:
        """Wait for these words in the log of the bot."""
        await self.simulator.wait_for(lambda: words in self.bot.log)

    async def outcome(self, card: Message, word: str, timeout: float = 30.0) -> Message:
        """Wait until a card shows this outcome."""
        await self.simulator.wait_for(lambda: self.is_closed(card, word), timeout)
        return self.message(card["channel"], card["ts"])

    async def answer(self, channel: str, thread_ts: str, containing: str = "") -> str:
        """Wait for the offline agent's answer in a thread, and return its text."""
        return await self.reply(channel, thread_ts, containing, SIGNED)

    async def reply(self, channel: str, thread_ts: str, *containing: str) -> str:
        """Wait for a message of the bot in a thread with all of these words."""

        def replies() -> list[str]:
            texts = self.texts(thread_ts, channel=channel)
            return [t for t in texts if all(words in t for words in containing)]

        return (await self.simulator.wait_for(replies))[-1]

    def whispers(self, user: str) -> list[str]:
        """The private sentences to a person so far."""
        return [m["text"] for m in self.simulator.ephemerals(user)]

    async def whisper(self, user: str, containing: str = "", *, since: int = 0) -> str:
        """Wait for a private sentence to a person, after the first `since` ones."""

        def found() -> list[str]:
            return [text for text in self.whispers(user)[since:] if containing in text]

        return (await self.simulator.wait_for(found))[-1]

    async def until(self, predicate: Callable[[], Any]) -> Any:
        """Wait longer than some retries with their waits take."""
        return await self.simulator.wait_for(predicate, timeout=90)

    async def rest(self) -> None:
        """Give whatever might still come a moment: for tests that nothing comes."""
        await self.simulator.settled()
        await asyncio.sleep(0.7)


@asynccontextmanager
async def make_stage(
    folder: Path,
    database: str,
    transport: str,
    *,
    policy: str = POLICY,
    workspace: Workspace | None = None,
    scopes: frozenset[str] | None = None,
    subscriptions: Iterable[str] | None = None,
    graph: str = "",
    start: bool = True,
    fresh: bool = False,
    retries: tuple[float, ...] = (0.2, 0.5, 1.0),
    ack: float = 3.0,
    **environment: str,
) -> AsyncIterator[Stage]:
    """Set a stage, with one bot started, and strike it afterwards.

    Args:
        graph: the text of a graph file that the bot serves; its own agent without.
        ack: seconds for an acknowledgement; more than Slack's 3 only where a test
            overloads the machine on purpose.
        environment: settings of the bot, as DATABASE_URL where it reaches the database
            in another way than the test.
    """
    _write_policy(folder, policy)
    port = free_port()
    events = f"http://127.0.0.1:{port}/slack/events" if transport == "http" else None
    simulator = Simulator(
        workspace or demo_workspace(),
        bot_token=BOT_TOKEN,
        app_token=APP_TOKEN,
        signing_secret=SIGNING_SECRET,
        event_url=events,
        app=APP,
        subscriptions=subscriptions,
        scopes=scopes,
        times=Times(ack, retries),
    )
    await simulator.start()
    settings = _settings(simulator.api_url, database, transport) | environment
    if graph:
        settings["AGENT"] = write_graph(folder / "theirs", graph)
    stage = Stage(simulator, folder, database, settings, transport, port, fresh=fresh)
    STAGES.append(stage)
    try:
        if start:
            await stage.start_bot()
        yield stage
    finally:
        for bot in stage.bots:
            await bot.kill()
        await simulator.stop()


def write_graph(folder: Path, text: str, name: str = "theirs.py") -> str:
    """Write a graph file that the project has never seen; what AGENT is to be."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(textwrap.dedent(text), encoding="utf-8")
    return f"{file}:graph"


def _write_policy(folder: Path, policy: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.yml").write_text(policy)


def _settings(api_url: str, database: str, transport: str) -> dict[str, str]:
    settings = {
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_API_URL": api_url,
        "DATABASE_URL": database,
        "POLICY_FILE": "policy.yml",
        "FILES_DIR": "files",
        "SWEEP_INTERVAL": "1s",
        "TIME_LIMITS": SHORTER,
        "RATE_LIMIT": "off",  # one person writes for a whole module of tests
    }
    if transport == "http":
        return settings | {"SLACK_SIGNING_SECRET": SIGNING_SECRET}
    return settings | {"SLACK_APP_TOKEN": APP_TOKEN}
