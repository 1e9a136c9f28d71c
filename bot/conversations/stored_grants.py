"""The agent's `Grants`, kept in our tables for the run that is going on."""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop
from collections.abc import Callable
from contextvars import ContextVar
from weakref import WeakValueDictionary

from agent.grant_protocol import Call, Claim, Outcome, Permission
from agent.phrases.tool_calls import RUNNING
from bot.approvals import grants
from bot.approvals.grants import CallFacts, Taken
from bot.approvals.model import Execution
from bot.approvals.policy.model import Denied
from bot.approvals.ports import Jobs, Policies
from bot.approvals.run import LostRun, Run
from bot.base.faults import reach
from bot.conversations.graph_loop import at_home
from bot.conversations.stop_and_retry import UnderWay
from bot.database.pool import TRANSIENT, Pool
from bot.texts import agent

CLAIM_WAITS = (0.2, 0.5, 1)  # seconds between the tries to take a claim
FINISH_WAITS = (0.2, 0.5, 1, 2, 4, 8, 15)  # seconds between the tries to store an end
current_run: ContextVar[Run] = ContextVar("current_run")
#: The loop that the pool belongs to; a graph may run in another.
home_loop: ContextVar[AbstractEventLoop] = ContextVar("home_loop")


class StoredGrants:
    """Implements `agent.grant_protocol.Grants` over PostgreSQL."""

    def __init__(
        self,
        pool: Pool,
        policies: Policies,
        jobs: Jobs,
        is_unsettled: Callable[[str], bool] = lambda tool: False,
        under_way: UnderWay | None = None,
    ) -> None:
        self._under_way = under_way or UnderWay()
        self._pool = pool
        self._policies = policies
        self._jobs = jobs
        self._is_unsettled = is_unsettled
        # of calls that are being claimed, by run and call
        self._tries = WeakValueDictionary[tuple[str, int, str], asyncio.Lock]()

    async def open(self, call: Call) -> Permission:
        """Rule on a call from what the run has loaded; a denial goes on the trail."""
        return await at_home(home_loop.get(None), self._open(call))

    async def _open(self, call: Call) -> Permission:
        policy = self._policies.current
        run, facts = self._run(call), _facts(call)
        found = grants.rule_on(policy, run, facts)
        if found is None:
            return Permission("ask", is_asked=call.tool_call_id in run.requests)
        if isinstance(found, Denied):
            await run.save()  # an id belongs for good to the call that was denied
            await grants.deny(self._pool, run, facts, found, policy.version)
            return Permission("denied", found.why, found.rule, policy.version)
        if self._is_unsettled(call.name):
            return Permission("ask")
        return Permission("waived", "", found.rule, policy.version)

    async def claim(self, call: Call, ruling: Permission) -> Claim:
        """Take the right to run a call, in the database."""
        return await at_home(home_loop.get(None), self._claim(call, ruling))

    async def _claim(self, call: Call, ruling: Permission) -> Claim:
        waived = None
        if ruling.kind == "waived":
            waived = (ruling.rule, ruling.policy_version)
        reach("claiming")
        run = self._run(call)
        with self._under_way.claiming(run.conversation):
            taken = await self._take(run, _facts(call), waived)
        if taken.won:
            reach("claimed")
        else:
            self._under_way.claim(run.conversation, -1)
        if taken.is_paused and waived is None:
            # Approved: it waits, and the lift has the conversation go on. A call that
            # nobody approved is told to the agent instead, which goes on without it.
            # The end of this run would cut off what others of the turn have begun.
            await self._under_way.until_quiet(run.conversation)
            raise LostRun(call.thread_id)
        return _claim(taken)

    async def _take(
        self, run: Run, call: CallFacts, waived: tuple[str, str] | None
    ) -> Taken:
        """Claim, and once more where the answer got lost with its connection.

        The claim may have been made then: what is found claimed by this run is taken
        as won, unless another try of this call has won it. They go one after the other,
        so that this is known.
        """
        key = run.conversation, run.generation, call.tool_call
        waits, lost = [*CLAIM_WAITS], False
        await run.save()  # a call that no checkpoint has would be made anew, and run
        async with self._tries.setdefault(key, asyncio.Lock()):
            while True:
                try:
                    taken = await grants.claim(
                        self._pool, self._jobs, run, call, waived, lost=lost
                    )
                    break
                except TRANSIENT:
                    if not waits:
                        raise
                lost = call.tool_call not in run.claimed
                await asyncio.sleep(waits.pop(0))
            if taken.won:
                run.claimed.add(call.tool_call)
            return taken

    async def finish(self, call: Call, outcome: Outcome) -> None:
        """Have what came of it stored; what is known now should not become unknown.

        A database that is away is waited for: half a minute, then the grant stays
        claimed. A commit whose answer got lost may have been made.
        """
        reach("ran")
        run = self._run(call)
        store = run.keep(self._finish(run, call, outcome))
        await at_home(home_loop.get(None), store)

    async def _finish(self, run: Run, call: Call, outcome: Outcome) -> None:
        try:
            await self._store(run, _facts(call), outcome)
        finally:
            self._under_way.claim(call.thread_id, -1)

    async def _store(self, run: Run, facts: CallFacts, outcome: Outcome) -> None:
        state, waits = Execution(outcome.status), [*FINISH_WAITS]
        tried = False
        while True:
            try:
                return await grants.finish(
                    self._pool, self._jobs, run, facts, state, outcome.content
                )
            except LostRun:
                if tried and await grants.is_finished(self._pool, run, facts):
                    return None
                raise
            except TRANSIENT:
                if not waits:
                    raise
            tried = True
            await asyncio.sleep(waits.pop(0))

    def _run(self, call: Call) -> Run:
        run = current_run.get()
        if run.conversation != call.thread_id:
            raise RuntimeError("a call of one conversation in a run of another")
        return run


def _facts(call: Call) -> CallFacts:
    return CallFacts(call.tool_call_id, call.name, call.args, call.schema)


def _claim(taken: Taken) -> Claim:
    if taken.won:
        return Claim(won=True, seen=taken.seen)
    if taken.state is Execution.UNKNOWN:
        return Claim(won=False, refusal=RUNNING)
    if taken.state is Execution.DONE:
        return Claim(won=False, result=taken.result, status="done")
    if taken.state is Execution.FAILED:
        return Claim(won=False, result=taken.result, status="failed")
    return Claim(won=False, refusal=agent.not_run_for_agent(taken.refusal))
