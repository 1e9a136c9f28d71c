"""A real graph on real checkpoints, whose jobs the tests do by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from agent.gate import Gate
from agent.graph import build_graph
from agent.tool_arguments import schema_of
from bot.approvals import store
from bot.approvals.model import Request
from bot.conversations.conversation import Conversation, Message, Talk
from bot.conversations.engine import Engine, ServedGraph
from bot.conversations.outcome import Settler
from bot.conversations.resume import Handover, Recheck
from bot.conversations.runner import Runner
from bot.conversations.stop_and_retry import UnderWay
from bot.conversations.stored_grants import StoredGrants
from tests.support.agent_stand_ins import Ledger, ScriptedModel, calls
from tests.support.house import House

TOOLS = ("peek", "wipe", "drop", "sign", "pay")


class Crash(BaseException):
    """The process is gone at this point."""


@dataclass
class Agent:
    """The runner over one house, with a model that follows a script."""

    house: House
    runner: Runner
    model: ScriptedModel
    ledger: Ledger

    def will_say(self, *script: Any) -> None:
        """Texts, tuples (tool, arguments) for one call, lists of them for several."""
        self.model.script.extend(_message(step) for step in script)

    async def work(self) -> None:
        """Do turns and resumes in their order until none waits.

        A job that raises stays in the queue, as that of a killed worker would.
        """
        while waiting := await self.waiting_jobs():
            job = waiting[0]
            await getattr(self.runner, job.name)(**job.arguments)
            await self.house.rows(
                "DELETE FROM procrastinate_jobs WHERE id = %s", job.id
            )

    async def work_through_a_crash(self) -> None:
        """Work until the process dies, and then as another one does."""
        with pytest.raises(Crash):
            await self.work()
        await self.work()

    async def waiting_jobs(self):
        return await self.house.jobs()

    async def say(self, text: str = "please", **how: Any) -> str:
        """Somebody writes, and the agent works as far as it can."""
        conversation = await self.house.write(text, **how)
        await self.work()
        return conversation

    async def requests(self, conversation: str) -> list[Request]:
        """All requests of a conversation in the order of their raising."""
        found = await self.house.rows(
            "SELECT id FROM requests WHERE conversation_id = %s"
            " ORDER BY raised_at, tool_call_id",
            conversation,
        )
        return [await self.house.request(row["id"]) for row in found]

    async def request(self, conversation: str) -> Request:
        [request] = await self.requests(conversation)
        return request

    async def open_requests(self, conversation: str) -> list[Request]:
        async with self.house.pool.connection() as connection:
            found = await store.unresumed(connection, conversation)
        return [request for request in found if request.is_open]

    async def said(self, kind: str = "answer") -> list[str]:
        """The texts of one kind that go out to the thread, oldest first."""
        found = await self.house.rows(
            "SELECT text FROM deliveries WHERE kind = %s ORDER BY created_at", kind
        )
        return [row["text"] for row in found]

    async def states(self) -> list[str]:
        """Of the messages, oldest first."""
        found = await self.house.rows("SELECT state FROM messages ORDER BY id")
        return [row["state"] for row in found]

    def results(self) -> dict[str, str]:
        """The results that the model read last, by tool call."""
        shown = self.model.seen[-1]
        return {m.tool_call_id: m.text for m in shown if isinstance(m, ToolMessage)}


def _message(step: Any) -> Any:
    if isinstance(step, tuple):
        return calls(step)
    return calls(*step) if isinstance(step, list) else step


class PlainWords:
    """Reads each message as it is stored."""

    async def read(
        self, conversation: Conversation, message: Message
    ) -> tuple[str, str]:
        return message.text, ""


def make_agent(house: House, *script: Any) -> Agent:
    """Build the runner as the app does, over scripted parts."""
    model, ledger = ScriptedModel(script=[]), Ledger()
    tools = [ledger.tool(name) for name in TOOLS]
    under_way = UnderWay()
    gate = Gate(
        StoredGrants(house.pool, house.policies, house.queue, under_way=under_way)
    )
    served = ServedGraph(
        graph=build_graph(model, tools, gate),
        schemas={tool.name: schema_of(tool) for tool in tools},
        explain=lambda error: None,
        guards=frozenset(TOOLS),
        is_own=True,
    )
    runner = Runner(
        pool=house.pool,
        people=house.people,
        engine=(engine := Engine(served, house.pool)),
        settler=Settler(house.pool, house.queue, house.policies, house.people, served),
        recheck=Recheck(house.pool, house.queue, house.people, house.policies),
        handover=Handover(house.pool, house.queue, house.policies, engine),
        talk=Talk(house.pool, house.queue),
        words=PlainWords(),
        under_way=under_way,
    )
    agent = Agent(house, runner, model, ledger)
    agent.will_say(*script)
    return agent


def crash_once(
    monkeypatch,
    owner: type,
    name: str,
    *,
    after: bool = False,
    error: BaseException | None = None,
) -> None:
    """Let a method be the point at which the process dies, or fails, once."""
    real = getattr(owner, name)

    async def dying(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(owner, name, real)
        if after:
            await real(*given, **named)
        raise error or Crash

    monkeypatch.setattr(owner, name, dying)
