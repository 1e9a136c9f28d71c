"""Stop a turn wherever it runs, or try a failed one again, when a person says so."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from langchain_core.messages import AnyMessage

from bot.approvals import store
from bot.approvals.audit import Fact, append, of_person
from bot.approvals.grants import close_unrun
from bot.approvals.judge import is_in_place, is_on_message
from bot.approvals.model import Action, Execution, Person, Request
from bot.approvals.pause import is_operator
from bot.approvals.ports import Jobs, People, Policies, refusal_of, turn_job
from bot.approvals.run import LostRun
from bot.approvals.transitions import Overtaken, withdraw_by_stop
from bot.base.errors import SlackUnavailable
from bot.base.time_limits import slack_in_time
from bot.conversations import SQL
from bot.conversations.graph_state import ends_in
from bot.database.pool import Connection, Pool, transaction
from bot.texts import clicks
from bot.texts import conversation as say

TRIES = 3  # of a stop that meets a deadline
# Where the workers of each replica hear of jobs; see `bot.jobs.queue`.
HEARS = "procrastinate_queue_v1#runs"

T = TypeVar("T")


def asks_to_stop(text: str) -> bool:
    """Return whether a message is the word stop and nothing else."""
    return text.strip().rstrip("!.").lower() == "stop"


@dataclass(frozen=True)
class Stopper:
    """Ends turns for the people who asked in them, and for operators.

    The replica that hears of a stop need not be the one that runs the turn: all of it
    is in the database, and whichever runs it is told there.
    """

    pool: Pool
    people: People
    policies: Policies
    jobs: Jobs
    own_app: Callable[[], str]

    async def stop_thread(
        self,
        person: Person,
        place: tuple[str, str],
        *,
        said: str = "",
        quietly: bool = False,
    ) -> str:
        """Stop the turn of a thread; the word for why not, or "".

        Args:
            place: channel, and ts of the thread's first message.
            said: ts of the message that says so, which is answered with that.
            quietly: whether it may have meant something else where nothing goes on.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; do not ack.
        """
        key = {"team": person.team, "channel": place[0], "thread_ts": place[1]}
        async with self.pool.connection() as connection:
            found = await connection.execute(SQL["find_turn_at"], key)
            row = await found.fetchone()
        conversation = row["id"] if row else ""
        return await self._stop(person, conversation, place, said, quietly=quietly)

    async def stop_request(self, action: Action) -> str:
        """Stop the turn that a request comes from; a click on one of its messages.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: as `stop_thread`.
        """
        async with self.pool.connection() as connection:
            request = await store.load(connection, action.request)
        place = (
            (action.place.channel, action.place.thread) if action.place else ("", "")
        )
        if (
            request is None
            or request.people.agent
            or action.person.team != request.team
            or not is_in_place(request, action, self.own_app())
        ):
            await self._refuse(action.person, place, "misplaced", "")
            return "misplaced"
        return await self._stop(action.person, request.conversation, place, "")

    async def _stop(
        self,
        person: Person,
        conversation: str,
        place: tuple[str, str],
        said: str,
        *,
        quietly: bool = False,
    ) -> str:
        refusal, operates = await self._who_is(person)
        word = "nothing_to_stop"
        for _ in range(TRIES if conversation else 0):
            try:
                async with transaction(self.pool) as connection:
                    held = await _lock_turn(connection, conversation, said)
                    word = refusal or _why_not_stop(held, person, operates=operates)
                    if not word:
                        await self._end(connection, held, person, said, place)
                break
            except Overtaken:
                continue
        if word and not (quietly and word == "nothing_to_stop"):
            await self._refuse(person, place, word, conversation)
        return word

    async def _who_is(self, person: Person) -> tuple[str, bool]:
        """Return why a person may do nothing, or "", and if they are an operator."""
        try:
            async with slack_in_time():
                profile = await self.people.look_up(person)
                policy = self.policies.current
                return profile.refusal, await is_operator(person, policy, self.people)
        except SlackUnavailable:
            return "could_not_check", False

    async def _end(
        self,
        connection: Connection,
        held: _Turn,
        person: Person,
        said: str,
        place: tuple[str, str],
    ) -> None:
        """Withdraw what is pending, close what was decided, and say what still runs."""
        for request in held.waiting:
            await withdraw_by_stop(connection, self.jobs, request, person)
        idle = [request for request in held.waiting if request not in held.claimed]
        decided = await store.named(connection, idle)
        await close_unrun(connection, self.jobs, decided, say.STOPPED_BEFORE)
        key = {"conversation": held.id, "said": said, "hears": HEARS}
        if held.is_bound:
            later = {**key, "user": person.user, "idle": idle}
            await connection.execute(SQL["stop_later"], later)
        else:
            await self._end_now(connection, held, person, key)
        fact = of_person(person, "stopped", conversation=held.id)
        await append(connection, [fact])
        if held.is_bound:
            text = say.STOPPED_LATER
            await store.tell(connection, self.jobs, person, text, *place)

    async def _end_now(
        self,
        connection: Connection,
        held: _Turn,
        person: Person,
        key: Mapping[str, Any],
    ) -> None:
        going_on = await store.named(connection, held.claimed)
        delivery = str(uuid.uuid4())
        text = say.stopped(person.user, going_on, held.tools)
        end = {**key, "delivery": delivery, "text": text}
        await (await connection.execute(SQL["end_stopped"], end)).fetchone()
        self.jobs.post(connection, [delivery])

    async def _refuse(
        self, person: Person, place: tuple[str, str], word: str, conversation: str
    ) -> None:
        about = conversation or None
        fact = of_person(
            person, "refused", conversation=about, word=word, verdict="stop"
        )
        async with transaction(self.pool) as connection:
            await append(connection, [fact])
            channel, thread = place
            text = say.not_stopped(word)
            await store.tell(connection, self.jobs, person, text, channel, thread)


@dataclass(frozen=True)
class _Turn:
    """A turn that is held.

    Attributes:
        askers: user ids of those whose message it works off.
        waiting: ids of the requests that its graph waits for.
        claimed: ids of those whose action has begun; `tools`: what else has.
        is_bound: whether an action of a graph of somebody else's has begun, which ends
            with its run.
    """

    id: str
    askers: Sequence[str]
    waiting: Sequence[str]
    claimed: Sequence[str]
    tools: Sequence[str]
    is_bound: bool


async def _lock_turn(connection: Connection, conversation: str, said: str) -> _Turn:
    key = {"conversation": conversation, "said": said}
    await connection.execute(SQL["lock_turn"], key)
    waiting = await (await connection.execute(SQL["lock_waiting"], key)).fetchall()
    grants = await (await connection.execute(SQL["lock_grants"], key)).fetchall()
    askers = await (await connection.execute(SQL["select_askers"], key)).fetchall()
    begun = [grant for grant in grants if grant["state"] == "executing"]
    return _Turn(
        conversation,
        [row["user_id"] for row in askers],
        [row["id"] for row in waiting],
        [grant["request_id"] for grant in begun if grant["request_id"]],
        [grant["tool"] for grant in begun if not grant["request_id"]],
        not all(grant["guarded"] for grant in begun),
    )


def _why_not_stop(held: _Turn, person: Person, *, operates: bool) -> str:
    """Return why a person may not stop a turn; "" if they may."""
    if not (held.askers or held.waiting):
        return "nothing_to_stop"
    return "" if operates or person.user in held.askers else "may_not_stop"


# --- The runs of this process, which a stop reaches wherever it was said --------------


class Stopped(LostRun):
    """A person has stopped the turn; what this run would write holds no more.

    Attributes:
        ends: how the requests have ended that the run has carried out itself.
    """

    def __init__(
        self, conversation: str, ends: Mapping[str, Execution] | None = None
    ) -> None:
        super().__init__(conversation)
        self.ends = ends or {}


@dataclass
class _Run:
    """A run that goes on.

    Attributes:
        bound: approved requests that its graph carries out, and their ends if known.
        tells: whether results among its messages are those ends; None before any step.
        claims: calls that it is about to run, or runs; `quiet`: none is.
        is_ended: it was stopped, and nothing was under way in it.
    """

    task: asyncio.Future[Any]
    bound: Sequence[Request] = ()
    ends: Mapping[str, Execution] = field(default_factory=dict[str, Execution])
    tells: bool | None = None
    claims: int = 0
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    is_stopped: bool = False
    is_ended: bool = False

    def saved(self, messages: Sequence[AnyMessage]) -> None:
        """Look for the ends of what the graph carries out, after a step of it.

        A node that asks about a call and then writes its result itself, in its own
        step, may leave the action to a node behind it. A tool that asks does not.
        """
        if self.tells is None:
            asked = [request for request in self.bound if not request.call.id]
            self.tells = not any(ends_in([each], messages) for each in asked)
        if self.tells:
            self.ends = ends_in(self.bound, messages)
            self.look()

    def look(self) -> None:
        """End the run if it was stopped and nothing is under way in it."""
        is_bound = bool(self.bound) and not self.ends
        if self.is_stopped and not (self.is_ended or self.claims or is_bound):
            self.is_ended = True
            self.task.cancel()


class UnderWay:
    """Cancels a run that was stopped, unless a tool of it has begun.

    Such a run goes on to the tool's end, which is stored. Where a graph of somebody
    else's carries out what was approved, that is when its result is among its messages;
    a graph that keeps no result there goes on to its own end, or its next question.
    """

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    async def run(
        self, conversation: str, go: Awaitable[T], bound: Sequence[Request] = ()
    ) -> T:
        """Do a run's work; a stop reaches the last one that began.

        A conversation has one run at a time, but for one that was taken for dead.

        Args:
            bound: requests whose approved actions its graph carries out itself.

        Raises:
            Stopped: a person has stopped its turn.
        """
        task = asyncio.ensure_future(go)
        held = self._runs[conversation] = _Run(task, bound)
        try:
            return await task
        except asyncio.CancelledError:
            if held.is_ended:  # and not by a shutdown, while something was under way
                raise Stopped(conversation, held.ends) from None
            raise
        finally:
            if self._runs.get(conversation) is held:  # else another has begun
                del self._runs[conversation]

    def stop(self, conversation: str) -> None:
        """End the run of a conversation, if this process has one."""
        held = self._runs.get(conversation)
        if held is not None:
            held.is_stopped = True
            held.look()

    def saved(self, conversation: str, messages: Sequence[AnyMessage]) -> None:
        """Let a run know what its graph has saved after a step."""
        held = self._runs.get(conversation)
        if held is not None and held.bound and not held.ends:
            held.saved(messages)

    @contextmanager
    def claiming(self, conversation: str) -> Generator[None]:
        """Keep a run from being cancelled while a call of it is claimed."""
        self.claim(conversation, 1)
        try:
            yield
        except BaseException:
            self.claim(conversation, -1)
            raise

    def claim(self, conversation: str, change: int) -> None:
        """Count the calls of a run that have begun."""
        held = self._runs.get(conversation)
        if held is not None:
            held.claims = max(0, held.claims + change)  # it may end an older run's
            (held.quiet.clear if held.claims else held.quiet.set)()
            held.look()

    async def until_quiet(self, conversation: str) -> None:
        """Wait for the ends of the calls that a run has begun."""
        if held := self._runs.get(conversation):
            await held.quiet.wait()


# --- Try again: one more run of a turn that has failed, by a click --------------------

Offer = Mapping[str, Any]  # a row of `lock_offer`


@dataclass(frozen=True)
class Retrier:
    """Lets people who may ask the agent have a failed turn run once more.

    What has happened in the turn is not done again: it goes on from its checkpoints,
    and each call by its own grant.
    """

    pool: Pool
    people: People
    jobs: Jobs
    own_app: Callable[[], str]

    async def try_again(self, action: Action) -> str:
        """Run the turn once more, or tell the person why not; return the refusal or "".

        Args:
            action: who clicked which button where; its verdict says nothing here.

        Raises:
            psycopg.Error, psycopg_pool.PoolTimeout: nothing was written; the caller
                must not acknowledge.
        """
        refusal = await refusal_of(self.people, action.person)
        async with transaction(self.pool) as connection:
            offer = await store.of_message(
                connection, SQL["lock_offer"], action.request
            )
            word = _why_not_retry(offer, action, self.own_app()) or refusal
            if offer is None or word:
                await self._refuse(connection, action, offer, word)
            else:
                await self._take(connection, action, offer)
        return word

    async def _take(self, connection: Connection, action: Action, offer: Offer) -> None:
        key = {"id": offer["delivery_id"], "user": action.person.user}
        await connection.execute(SQL["take_offer"], key)
        await append(connection, [_retry_fact(action, offer, "tried_again", {})])
        self.jobs.edit(connection, [str(offer["delivery_id"])])
        turn = turn_job(str(offer["conversation_id"]))
        await self.jobs.defer(connection, [turn])

    async def _refuse(
        self, connection: Connection, action: Action, offer: Offer | None, word: str
    ) -> None:
        fact = _retry_fact(
            action, offer, "refused", {"word": word, "verdict": "try_again"}
        )
        await append(connection, [fact])
        if offer is not None:
            await connection.execute(SQL["show_offer"], {"id": offer["delivery_id"]})
            self.jobs.edit(connection, [str(offer["delivery_id"])])
        await store.reply(connection, self.jobs, action, clicks.not_tried(word))


def _why_not_retry(offer: Offer | None, action: Action, own_app: str) -> str:
    """Return why this click runs nothing, no matter who made it; "" if it may run."""
    if offer is None:
        return "unknown_offer"
    if not is_on_message(offer, action.place, own_app):
        return "misplaced"
    if offer["taken_at"] is not None:
        return "tried_already"
    return "" if offer["stands"] else "moved_on"


def _retry_fact(
    action: Action, offer: Offer | None, event: str, detail: dict[str, str]
) -> Fact:
    """Build the fact for the thread's workspace, or the person's if there is none."""
    actor, via = action.person.user, action.via
    fact = Fact(action.person.team, event, actor=actor, via=via, detail=detail)
    if offer is None:
        return fact
    about = {"delivery": str(offer["delivery_id"]), "on_behalf_of": offer["author"]}
    return replace(
        fact,
        team=offer["team_id"],
        conversation=str(offer["conversation_id"]),
        detail=about | detail,
    )
