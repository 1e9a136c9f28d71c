"""Show in a thread what its run does: a status, and the answer as it is written.

What the database holds is the answer; this is a view of it. So nothing here raises into
the run, or holds it up for longer than `LAST`: trouble is a line in the log, and the
answer is posted whole.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, LiteralString

import structlog
from slack_sdk.errors import SlackApiError

from bot.approvals.assess import Turn
from bot.approvals.run import Run
from bot.base.errors import RetryLater
from bot.base.faults import reach
from bot.conversations.conversation import ASIDE, Conversation
from bot.conversations.runner import Following, Unseen
from bot.database.pool import TRANSIENT, Pool
from bot.slack import SQL, stream_ends
from bot.slack.cards.answer import harmless
from bot.slack.client import FAILURES, TROUBLED, Caller, Kept, word_of
from bot.slack.identity import CurrentIdentity
from bot.slack.progress import (
    Progress,
    Shown,
    Watch,
    is_worth_it,
    next_chunks,
)
from bot.slack.stream_ends import Streamed
from bot.texts import conversation as texts
from bot.texts.formatting import one_line

log = structlog.get_logger(__name__)
# Seconds. What is answered sooner has no status; people are to see one within a second.
FIRST = 0.3
BATCH = 0.7  # between two appends of a stream: Slack takes about 100 a minute of all
RENEWED = 90.0  # Slack takes a status away after two minutes
LAST = 2.0  # that the end of a run waits for a call that is under way
REFUSED = 3600.0  # until what Slack does not grant is tried again
TRIES = 6  # of closing what was left unfinished
EYES = "eyes"
STATUS, SESSION = "assistant_threads_setStatus", "agents_sessions_setStatus"
TITLE = "assistant_threads_setTitle"  # of a thread where there are no sessions
LONGEST_TITLE = 80  # characters; Slack's limit is 200
_MENTION = re.compile(r"<[@#!][^<>]*>")
#: Words that say nothing of what is granted: a run before was here, or a person.
NO_REFUSAL = frozenset({"already_reacted", "no_reaction", "message_not_found"})
TROUBLE = (*FAILURES, *TRANSIENT, RetryLater)
MOST_STREAMED = 1_000  # streams whose ends another replica may have taken


@dataclass
class Live:
    """Follows the runs of this process.

    Attributes:
        streamed: what is known to stand in streams that are to be finished, by ts.
        refused: the methods that Slack does not grant.
    """

    pool: Pool
    call: Caller
    identity: CurrentIdentity
    streamed: dict[str, Streamed]
    refused: Kept = field(default_factory=Kept)
    open: set[str] = field(default_factory=set[str])  # streams, by ts
    tidying: dict[str, asyncio.Task[None]] = field(
        default_factory=dict[str, asyncio.Task[None]]
    )
    _under_way: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @asynccontextmanager
    async def follow(
        self, run: Run, conversation: Conversation, turn: Turn, *, again: bool
    ) -> AsyncGenerator[Following]:
        """See `bot.conversations.runner.Live`."""
        if conversation.channel == ASIDE:
            yield Unseen()
            return
        follower = Follower(self, run, conversation, turn, again=again)
        try:
            yield follower
        finally:
            await follower.end()

    def tidy(self, conversation: Conversation) -> None:
        """See `bot.conversations.runner.Live`."""
        if conversation.channel != ASIDE:
            work = self.begin(self._tidy(conversation))
            self.tidying[conversation.id] = work
            work.add_done_callback(lambda _: self.tidying.pop(conversation.id, None))

    def idle(self, conversation: Conversation) -> None:
        """See `bot.conversations.runner.Live`."""
        if conversation.channel != ASIDE:
            self.begin(_Status(self, conversation).take_away())

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do something beside the run."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def stop(self) -> None:
        """Wait a moment for what is under way, and give up the rest."""
        if self._under_way:
            _, late = await asyncio.wait({*self._under_way}, timeout=LAST)
            for task in late:
                task.cancel()

    async def ask(self, method: str, **given: Any) -> bool:
        """Call Slack for what may not be granted; whether it has taken that."""
        if self.refused.left(method):
            return False
        try:
            await getattr(self.call.client, method)(**given)
        except FAILURES as error:
            word = word_of(error)
            if word in NO_REFUSAL:
                return True
            if isinstance(error, SlackApiError) and word not in {
                "ratelimited",
                *TROUBLED,
            }:
                self.refused.keep(method, REFUSED)
            log.info("not shown", action="progress_not_shown", what=method, error=word)
            return False
        return True

    async def place(
        self, statement: LiteralString, run: Run, ts: str | None = None
    ) -> bool:
        """Note where the run's stream is; False if that is not the run's any more."""
        key = {"conversation": run.conversation, "generation": run.generation, "ts": ts}
        async with self.pool.connection() as connection:
            found = await connection.execute(statement, key)
            return await found.fetchone() is not None

    async def insist(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Do something until Slack takes it; False where it does not in some time."""
        for number in range(TRIES):
            try:
                await work()
                return True
            except TROUBLE as error:
                word = word_of(error)
                log.info("tried again later", action="stream_left", error=word)
                named = error.seconds if isinstance(error, RetryLater) else 0
                await asyncio.sleep(max(named, 2**number))
        return False

    async def _tidy(self, conversation: Conversation) -> None:
        left = conversation.unfinished
        closed = await self.insist(partial(self._close_unfinished, conversation))
        if closed and left is not None:
            run = Run(conversation.team, conversation.id, left.run, {}, [])
            with suppress(*TRANSIENT):
                await self.place(SQL["forget_stream"], run)

    async def _close_unfinished(self, conversation: Conversation) -> None:
        left, channel = conversation.unfinished, conversation.channel
        if left is None:
            return
        if left.ts:
            await stream_ends.cut_off(self.call, (channel, left.ts))
            return
        since, bot = left.at.timestamp() - 60, self.identity().bot
        thread = conversation.thread_ts
        if found := await stream_ends.lost(self.call, channel, thread, bot, since):
            await stream_ends.drop(self.call, found)


class _Status:
    """The line in a thread that says what its agent does, and its session's state."""

    def __init__(self, live: Live, conversation: Conversation) -> None:
        self._live, self._conversation = live, conversation
        asked = conversation.running
        self._title = thread_title(asked.text) if asked else ""
        self._place = {
            "channel_id": conversation.channel,
            "thread_ts": conversation.thread_ts,
        }
        self._said = ""  # that stands
        self._said_at = 0.0  # by `time.monotonic`
        self._eyes = False  # whether a reaction stands in its place
        self._works = False  # whether the session is said to be at work

    async def say(self, progress: Progress, *, streams: bool) -> None:
        """Say what is done now, if that is not what stands."""
        status, doing = _doing(progress, streams=streams)
        now = time.monotonic()
        is_old = bool(status) and now - self._said_at > RENEWED
        if status == self._said and not is_old:
            return
        self._said, self._said_at = status, now
        if status and not self._works:
            self._works = await self._session("processing")
        if self._eyes or await self._set(status, doing):
            return
        if self._live.refused.left(STATUS):
            self._eyes = await self._react("reactions_add")

    async def clear(self, *, asks: bool) -> None:
        """Take it away: the run is over."""
        if self._eyes:
            await self._react("reactions_remove")
        elif self._said:
            await self._set("")
        if asks:
            await self._session("suspended")
        elif self._works or self._conversation.waits or self._conversation.is_first:
            await self._session("active")
        if self._conversation.is_first:
            await self._name()

    async def take_away(self) -> None:
        """Take away what a run that is gone may have left."""
        if not await self._set(""):
            await self._react("reactions_remove")
        await self._session("active")

    async def _set(self, status: str, doing: str = "") -> bool:
        loading = {"loading_messages": [doing]} if doing else {}
        return await self._live.ask(STATUS, **self._place, status=status, **loading)

    async def _session(self, status: str) -> bool:
        """Say how the session is; Slack heeds a title only as it makes one."""
        named = {"title": self._title} if self._title else {}
        return await self._live.ask(SESSION, **self._place, status=status, **named)

    async def _name(self) -> None:
        """Give the thread of a direct message its title, where it is no session."""
        is_direct = self._conversation.channel.startswith("D")
        if self._title and is_direct and self._live.refused.left(SESSION):
            await self._live.ask(TITLE, **self._place, title=self._title)

    async def _react(self, method: str) -> bool:
        """Add the reaction or remove it; one that a run before has added is ours."""
        asked = self._conversation.running
        place = {
            "channel": self._conversation.channel,
            "timestamp": asked.ts if asked else self._conversation.thread_ts,
        }
        done = await self._live.ask(method, **place, name=EYES)
        return done or method == "reactions_add"


def thread_title(text: str) -> str:
    """Return a thread's title, from the first line of its first message; or ""."""
    lines = [line for line in _MENTION.sub("…", text).splitlines() if line.strip(" …")]
    return harmless(one_line(lines[0], LONGEST_TITLE)) if lines else ""


def _doing(progress: Progress, *, streams: bool) -> tuple[str, str]:
    """Return the status, and the same as a line; "" where a stream shows it all."""
    if pause := progress.waits(time.monotonic()):
        why = texts.pause(pause.seconds, is_reached=pause.is_reached)
        return texts.waiting(why), why
    if streams:
        return "", ""
    at = progress.at
    doing = texts.working(at.tool, at.arguments) if at else texts.THINKING
    return texts.status(doing), doing


class Follower:
    """Shows one run; its loop looks at the run's progress from time to time.

    A run that is over soon has no loop.
    """

    def __init__(
        self,
        live: Live,
        run: Run,
        conversation: Conversation,
        turn: Turn,
        *,
        again: bool,
    ) -> None:
        self.watch = Watch()
        self._live, self._run, self._turn = live, run, turn
        self._conversation = conversation
        self._status = _Status(live, conversation)
        self._over = asyncio.Event()
        self._is_left = False  # the run has gone on without waiting for the loop
        self._asks = False
        self._ts: str | None = None
        self._shown = Shown()
        self._is_sure = True  # Slack shows exactly what was sent
        self._streams = True
        self._loop: asyncio.Task[None] | None = None
        wait = 0 if again else FIRST
        self._timer = asyncio.get_running_loop().call_later(wait, self._begin_to_show)

    async def stop(self, *, asks: bool) -> None:
        """Show no more; a stream is closed where people are asked, else left to end."""
        self._asks = asks
        await self._settle()
        if self._ts is None:
            return
        if asks:
            closing = self._live.begin(self._close(self._ts))
            await asyncio.wait({closing}, timeout=LAST)
        elif self._is_sure and not self._is_left:
            streamed = self._live.streamed
            words, lead = self._shown.answer(self.watch.progress)
            streamed[self._ts] = Streamed(words, lead)
            if len(streamed) > MOST_STREAMED:
                streamed.pop(next(iter(streamed)))

    async def end(self) -> None:
        """Take the status away, beside all else; the run is over in any way."""
        await self._settle()
        self._live.open.discard(self._ts or "")
        self._live.begin(self._clear())

    async def _clear(self) -> None:
        if self._loop:
            await asyncio.wait({self._loop})
        await self._status.clear(asks=self._asks)

    async def _settle(self) -> None:
        self._timer.cancel()
        self._over.set()
        if self._loop:
            await asyncio.wait({self._loop}, timeout=LAST)
            self._is_left = not self._loop.done()

    def _begin_to_show(self) -> None:
        self._loop = self._live.begin(self._show())

    async def _show(self) -> None:
        try:
            while not self._over.is_set():
                streams = self._ts is not None
                await self._status.say(self.watch.progress, streams=streams)
                await self._stream()
                await self._wait(BATCH * max(1, len(self._live.open)))
        except Exception as error:
            log.warning("not shown", action="progress_failed", error=word_of(error))

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def _stream(self) -> None:
        if not (self._streams and self._run.may_be_shown):
            return
        progress = self.watch.progress
        chunks, shown = next_chunks(progress, self._shown)
        if not chunks or not (self._ts or is_worth_it(progress, chunks)):
            return
        try:
            if not (self._ts or await self._begin()):
                return
            await self._append(chunks, shown)
        except RetryLater:
            return  # nothing was done; the next look adds what has come by then
        except TROUBLE as error:
            self._streams = False
            log.info("answered whole", action="stream_failed", error=word_of(error))

    async def _append(self, chunks: list[dict[str, Any]], shown: Shown) -> None:
        self._is_sure = False
        try:
            channel = self._conversation.channel
            await self._live.call(
                "chat_appendStream", channel, ts=self._ts, chunks=chunks
            )
            self._shown = shown
        except (RetryLater, SlackApiError):
            self._is_sure = True  # nothing of it stands
            raise
        self._is_sure = True
        reach("streamed")

    async def _begin(self) -> bool:
        """Begin a stream: noted before, and where it stands before anything is in it.

        Slack takes no metadata here by which it could be found again.
        """
        live, conversation = self._live, self._conversation
        if conversation.id in live.tidying:
            return False
        if live.refused.left("chat_startStream"):
            self._streams = False
            return False
        if not await live.place(SQL["begin_stream"], self._run):
            self._streams = False  # another run has taken over
            return False
        reach("beginning")
        started = await self._start()
        if started is None:
            return False
        reach("streaming")
        if self._is_left:
            await stream_ends.drop(live.call, started)
            await live.place(SQL["forget_stream"], self._run)
            return False
        is_ours = await live.place(SQL["place_stream"], self._run, started[1])
        if not is_ours or self._is_left:
            return await self._give_back(started, is_ours=is_ours)
        reach("placed")
        self._ts = started[1]
        live.open.add(self._ts)
        return True

    async def _start(self) -> stream_ends.Place | None:
        people, conversation = self._turn.people, self._conversation
        asker = people.requester
        channel = conversation.channel
        for_whom = {"recipient_user_id": asker.user, "recipient_team_id": asker.team}
        try:
            answer = await self._live.call(
                "chat_startStream",
                channel,
                thread_ts=conversation.thread_ts,
                task_display_mode="timeline",
                **for_whom,
            )
        except SlackApiError as error:
            await self._live.place(SQL["forget_stream"], self._run)
            self._streams = False
            word = word_of(error)
            if word not in TROUBLED:
                self._live.refused.keep("chat_startStream", REFUSED)
            log.info("answered whole", action="stream_refused", error=word)
            return None
        return answer.get("channel") or channel, answer["ts"]

    async def _give_back(self, started: stream_ends.Place, *, is_ours: bool) -> bool:
        """Drop a stream that the run did not wait for, unless its end has taken it."""
        self._streams = False
        if not is_ours or await self._live.place(SQL["forget_stream"], self._run):
            await stream_ends.drop(self._live.call, started)
        return False

    async def _close(self, ts: str) -> None:
        """Close the stream before people are asked; a new message goes on afterwards.

        What is left of words and steps is said with that.
        """
        chunks: list[dict[str, Any]] = []
        if self._is_sure:
            progress = self.watch.progress
            chunks, _ = next_chunks(progress, self._shown, ends=True)
            busy = {s.key for s in progress.steps if s.state == "works"}
            chunks = [c for c in chunks if c.get("id") not in busy]
        place = (self._conversation.channel, ts)
        call = self._live.call
        await self._live.insist(
            partial(stream_ends.close, call, place, chunks, "suspended")
        )
