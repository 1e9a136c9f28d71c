"""Status and stream of a run, against the simulator: order, limits, refusals, ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.graph import START, MessagesState, StateGraph
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals import grants
from bot.conversations.conversation import Conversation
from bot.conversations.engine import Engine
from bot.conversations.graph_loop import GraphLoop
from bot.conversations.inbox import Incoming, receive
from bot.conversations.runner import Unseen
from bot.conversations.stop_and_retry import Stopper
from bot.jobs.courier import Courier
from bot.simulator import Channel, User, Workspace
from bot.simulator.app_config import AppConfig
from bot.slack import streaming
from bot.slack.client import Caller
from bot.slack.delivery import Deliverer
from bot.slack.progress import Watch
from bot.slack.streaming import Live
from bot.texts.graphs import GRAPH_CHANGED
from tests.support.agent_parts import Agent, make_agent
from tests.support.agent_stand_ins import Busy, Slow, calls
from tests.support.crashes import until
from tests.support.foreign_parts import Theirs, make_foreign
from tests.support.house import House
from tests.support.people import APP, APPROVALS, CHANNEL, MINA, RAVI, TEAM, US, person
from tests.support.post import no_names
from tests.support.simulated import World, world

LONG = " ".join(f"word{number}" for number in range(40))
AGENT = AppConfig(is_agent=True)


def workspace() -> Workspace:
    people = [User(RAVI, "ravi", "Ravi"), User(MINA, "mina", "Mina")]
    members = [RAVI, MINA, US.user]
    channels = [
        Channel(each, each.lower(), list(members)) for each in (CHANNEL, APPROVALS)
    ]
    known = {"team_id": TEAM, "app_id": APP, "bot_user_id": US.user, "bot_id": US.bot}
    return Workspace(people, channels, **known)


@dataclass
class Play:
    """An agent whose runs are shown in a simulator, and its outbox."""

    made: World
    agent: Agent
    live: Live
    courier: Courier

    async def says(self, *script: Any, asked: str = "please", to: str = CHANNEL) -> str:
        """Let a person write, and the agent answer by its script; the thread."""
        self.agent.will_say(*script)
        ts = await self.made.simulator.post_message(RAVI, to, asked)
        incoming = Incoming("", TEAM, to, ts, ts, f"Ev{ts}", RAVI, asked)
        house = self.agent.house
        assert await receive(house.pool, house.queue, incoming)
        await self.agent.work()
        await self.deliver()
        return ts

    async def deliver(self) -> None:
        while due := await self.courier.pick():
            for key in due:
                await self.courier.bring(key)
        await self.live.stop()

    def said(self, thread: str) -> list[str]:
        thread_of = self.made.simulator.messages(CHANNEL, thread)
        return [m["text"] for m in thread_of if m.get("bot_id")]

    def called(self, method: str) -> list[dict[str, Any]]:
        recorded = self.made.simulator.calls
        return [call.args for call in recorded if call.method == method and call.ok]

    @property
    def space(self) -> Workspace:
        return self.made.simulator.workspace


@pytest.fixture
async def play(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Play]:
    for name, seconds in (("FIRST", 0.01), ("BATCH", 0.03)):
        monkeypatch.setattr(streaming, name, seconds)
    async with world(connected=False, workspace=workspace(), app=AGENT) as made:
        agent, client = make_agent(house), made.slack
        agent.model.pace = 0.01
        live = Live(house.pool, Caller(client), lambda: US, {})
        agent.runner = replace(agent.runner, live=live)
        parts = house.pool, house.queue, house.policies, live.call, lambda: US
        deliverer = Deliverer(*parts, no_names, live.streamed)
        yield Play(
            made, agent, live, Courier(house.pool, deliverer, skipped=deliverer.skipped)
        )


def waits(play: Play, method: str, kind: str = "ratelimited", **how: Any) -> None:
    play.made.simulator.faults.add(method, kind, **how)  # type: ignore[arg-type]


async def test_words_wait_for_the_end_that_they_tell_of(
    play: Play, monkeypatch: pytest.MonkeyPatch
):
    storing, real = Slow(), grants.finish

    async def finish(*given: Any) -> None:
        await storing.work()
        await real(*given)

    monkeypatch.setattr(grants, "finish", finish)
    says = asyncio.create_task(play.says(calls(("peek", {"path": "a"})), LONG))
    await storing.began.wait()
    await asyncio.sleep(0.3)  # ten looks, and half of the words
    assert len(play.agent.model.seen) == 2
    assert play.called("chat.startStream") == []
    storing.may_end.set()
    assert play.said(await says) == [LONG]
    assert len(play.called("chat.appendStream")) > 1


async def test_the_stream_is_the_answer_and_the_status_goes(play: Play):
    thread = await play.says(LONG)
    assert play.said(thread) == [LONG]
    assert len(play.called("chat.appendStream")) > 1
    assert play.called("chat.postMessage") == []
    assert play.space.statuses.get((CHANNEL, thread), "") == ""
    assert play.space.sessions[CHANNEL, thread] == "active"


async def test_a_quick_answer_is_posted_as_it_is(play: Play):
    play.agent.model.pace = 0
    thread = await play.says("Hello.")
    assert play.said(thread) == ["Hello."]
    assert play.called("chat.startStream") == []
    assert play.space.titles == {(CHANNEL, thread): "please"}


async def test_without_sessions_a_direct_message_is_named_once(play: Play):
    waits(play, "agents.sessions.setStatus", "error", error="not_allowed", times=9)
    dm = play.space.open_dm(RAVI).id
    thread = await play.says("Hello.", asked="Tell <@U1> about\nx", to=dm)
    await play.says("Hello.")
    [named] = play.called("assistant.threads.setTitle")
    assert (named["thread_ts"], named["title"]) == (thread, "Tell … about")


async def test_the_stream_is_closed_before_people_are_asked(play: Play):
    wish = calls(("wipe", {"path": "a"}), text=LONG)
    thread = await play.says(wish)
    assert play.space.streams == {}
    assert play.said(thread)[0] == LONG
    assert play.space.sessions[CHANNEL, thread] == "suspended"
    house = play.agent.house
    [row] = await house.rows("SELECT id FROM requests")
    await house.click(MINA, await house.request(row["id"]))
    play.agent.will_say("Done, " + LONG)
    await play.agent.work()
    await play.deliver()
    assert [text for text in play.said(thread) if "Done" in text] == ["Done, " + LONG]
    assert play.space.sessions[CHANNEL, thread] == "active"


async def test_a_limit_on_appends_costs_no_word(play: Play):
    waits(play, "chat.appendStream", times=2, retry_after=1)
    thread = await play.says(LONG)
    assert play.said(thread) == [LONG]


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream"])
async def test_where_no_stream_is_granted_the_answer_is_whole(play: Play, method: str):
    waits(play, method, "error", error="not_allowed", times=9)
    for _ in range(2):
        thread = await play.says(LONG)
        assert play.said(thread) == [LONG]
    refused = [c for c in play.made.simulator.calls if c.method == "chat.startStream"]
    assert len(refused) == (1 if method == "chat.startStream" else 2)


@pytest.mark.parametrize("error", ["message_not_found", "internal_error"])
async def test_an_end_that_slack_refuses_is_posted_anew(play: Play, error: str):
    waits(play, "chat.stopStream", "error", error=error, times=2)
    waits(play, "chat.update", "error", error=error)
    thread = await play.says(LONG)
    if error == "internal_error":  # which passes
        for _ in range(2):
            await play.agent.house.rows("UPDATE deliveries SET due_at = now()")
            await play.deliver()
        assert play.said(thread) == [LONG]
    else:
        assert play.said(thread)[-1] == LONG


async def test_where_the_thread_closes_meanwhile_its_author_is_told(play: Play):
    tries = {"chat.stopStream": 2, "chat.postMessage": 1}
    for method, times in tries.items():
        waits(play, method, "error", error="is_archived", times=times)
    await play.says(LONG)
    [direct] = play.made.simulator.messages(play.space.open_dm(RAVI).id)
    assert direct["text"].endswith(LONG)


async def test_a_failure_takes_the_place_of_what_was_streamed(play: Play):
    thread = await play.says(
        calls(("peek", {"path": "a"}), text=LONG), RuntimeError("no")
    )
    [said] = play.said(thread)
    assert "word0" not in said
    assert "went wrong" in said
    assert play.space.statuses.get((CHANNEL, thread), "") == ""


async def test_steps_are_told_between_the_words(play: Play):
    begun = partial(until, lambda: play.called("chat.startStream"))
    play.agent.ledger.before = begun  # however slow the machine is
    thread = await play.says(calls(("peek", {"path": "a"}), text=LONG), "It says a.")
    [message] = [
        m for m in play.made.simulator.messages(CHANNEL, thread) if m.get("bot_id")
    ]
    kinds = [block["type"] for block in message["blocks"]]
    assert kinds == ["markdown", "task_card", "markdown", "context_actions"]
    assert message["blocks"][1]["title"] == "Ran peek"
    assert message["text"].endswith("It says a.")


async def test_a_wait_for_the_model_is_a_status_and_renewed(
    play: Play, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(streaming, "RENEWED", 0)
    thread = await play.says(Busy(8), LONG)
    said = [args["status"] for args in play.called("assistant.threads.setStatus")]
    busy = "is waiting: the model is busy, trying again in 8 s…"
    assert said.count(busy) > 1
    assert (said[-1], play.said(thread)) == ("", [LONG])


async def test_without_a_status_a_reaction_comes_and_goes(play: Play):
    waits(play, "assistant.threads.setStatus", "error", error="not_allowed", times=9)
    thread = await play.says(LONG)
    assert [args["name"] for args in play.called("reactions.add")] == ["eyes"]
    message = play.space.message(CHANNEL, thread)
    assert message is not None
    assert message.data["reactions"] == []


async def test_a_stop_takes_the_session_out_of_its_wait(play: Play):
    thread = await play.says(calls(("wipe", {"path": "a"})))
    assert play.space.sessions[CHANNEL, thread] == "suspended"
    house = play.agent.house
    stopper = Stopper(
        house.pool, house.people, house.policies, house.queue, lambda: APP
    )
    assert await stopper.stop_thread(person(RAVI), (CHANNEL, thread)) == ""
    await play.agent.work()
    await play.deliver()
    assert play.space.sessions[CHANNEL, thread] == "active"


@pytest.mark.parametrize("is_granted", [True, False])
async def test_what_a_dead_run_has_left_goes_with_its_turn(
    play: Play, is_granted: bool
):
    """It died at work, and its job has failed for good."""
    if not is_granted:
        refused = {"error": "not_allowed", "times": 9}
        waits(play, "assistant.threads.setStatus", "error", **refused)
    thread, slack, house = await play.says("Hello."), play.made.slack, play.agent.house
    place = {"channel_id": CHANNEL, "thread_ts": thread}
    await slack.agents_sessions_setStatus(**place, status="processing")
    await slack.reactions_add(channel=CHANNEL, timestamp=thread, name="eyes")
    if is_granted:
        await slack.assistant_threads_setStatus(**place, status="is thinking…")
    [row] = await house.rows("UPDATE messages SET state = 'running' RETURNING *")
    await play.agent.runner.give_up(str(row["conversation_id"]))
    await play.live.stop()
    assert play.space.sessions[CHANNEL, thread] == "active"
    assert play.space.statuses.get((CHANNEL, thread), "") == ""
    message = play.space.message(CHANNEL, thread)
    assert message is not None
    assert bool(message.data["reactions"]) is is_granted  # where it is not one of ours


async def test_a_graph_that_asks_no_more_leaves_no_session_waiting(house: House):
    """It was changed while an approval was on its way to it."""
    agent, idle = make_foreign(house, Theirs().parallel("act")), list[str]()
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))

    class Seen(Unseen):
        def idle(self, conversation: Conversation) -> None:
            idle.append(conversation.id)

    changed = make_foreign(house, Theirs().parallel("other"))
    changed.runner = replace(changed.runner, live=Seen())
    await changed.work()

    assert await changed.said("say") == [GRAPH_CHANGED]
    assert idle == [conversation]


@tool
def peek(path: str) -> str:
    """Look at a file."""
    return "fine"


def look_inside(state: MessagesState) -> dict[str, Any]:
    return {"messages": [AIMessage(peek.invoke({"path": "a"}))]}


def look_elsewhere(state: MessagesState, config: RunnableConfig) -> dict[str, Any]:
    with ThreadPoolExecutor() as threads:
        said = threads.submit(peek.invoke, {"path": "a"}, config)
    return {"messages": [AIMessage(said.result())]}


@pytest.mark.parametrize("node", [look_inside, look_elsewhere])
@pytest.mark.parametrize("is_apart", [False, True])
async def test_a_tool_within_a_sync_node_is_heard(
    house: House, is_apart: bool, node: Any
):
    watch = Watch()

    class Heard(Unseen):
        @property
        def watch(self) -> Any:
            return watch

    built = StateGraph(MessagesState).add_node("node", node)
    agent = make_foreign(house, built.add_edge(START, "node").compile())
    async with GraphLoop.started() as apart:
        served = replace(agent.runner.engine.served, apart=apart if is_apart else None)
        engine = Engine(served, house.pool)
        agent.runner = replace(agent.runner, engine=engine, live=Heard())
        await agent.say()
    [step] = watch.progress.steps
    assert (step.tool, step.state, step.result) == ("peek", "done", "fine")


async def test_a_reaction_that_stands_already_is_no_refusal(play: Play):
    waits(play, "assistant.threads.setStatus", "error", error="not_allowed", times=9)
    waits(play, "reactions.add", "error", error="already_reacted")
    for _ in range(2):
        await play.says(LONG)
    assert len(play.called("reactions.add")) == 1


async def test_a_stream_whose_place_was_lost_is_found_and_dropped(play: Play):
    thread = await play.says(LONG)
    recipient = {"recipient_user_id": RAVI, "recipient_team_id": TEAM}
    slack: AsyncWebClient = play.made.slack
    await slack.chat_startStream(channel=CHANNEL, thread_ts=thread, **recipient)
    await play.agent.house.rows(
        "UPDATE conversations SET stream_run = 1, stream_at = now()"
    )
    ts = await play.made.simulator.post_message(RAVI, CHANNEL, "more", thread)
    incoming = Incoming("", TEAM, CHANNEL, ts, thread, f"Ev{ts}", RAVI, "more")
    house = play.agent.house
    await receive(house.pool, house.queue, incoming)
    play.agent.will_say("Fine.")
    await play.agent.work()
    await play.deliver()
    assert play.said(thread) == [LONG, "Fine."]
    assert await house.one("SELECT stream_run FROM conversations") is None
