"""A run that was replaced writes no checkpoint any more."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import interrupt
from psycopg import OperationalError
from psycopg.errors import RaiseException

from bot.approvals import grants
from bot.approvals.grants import CallFacts
from bot.approvals.run import LostRun, Run
from bot.base.errors import RetryLater, SlackUnavailable
from bot.conversations import outcome
from bot.conversations.conversation import start
from bot.conversations.outcome import RunEnd, end_run
from bot.conversations.run_saver import RunSaver
from bot.database.pool import transaction
from bot.slack import SQL
from tests.support.agent_parts import Crash, crash_once, make_agent
from tests.support.foreign_parts import make_foreign
from tests.support.house import House, break_audit, mend_audit
from tests.support.people import TEAM
from tests.support.post import Post

ROWS = """SELECT (SELECT count(*) FROM checkpoints)
  + (SELECT count(*) FROM checkpoint_writes) AS number"""


async def begun(house: House, conversation: str) -> Run:
    """A run of a conversation, which replaces the one before."""
    raised = await house.one(
        "UPDATE conversations SET generation = generation + 1 WHERE id = %s"
        " RETURNING generation",
        conversation,
    )
    return Run(TEAM, conversation, raised, {})


async def test_a_replaced_run_writes_nothing_from_its_first_word_on(house: House):
    agent = make_agent(house, "Too late.", "Hello.")
    conversation = await house.conversation()
    old = await begun(house, conversation)
    new = await begun(house, conversation)
    await agent.runner.engine.start(old, HumanMessage("hi"))
    with pytest.raises(LostRun):
        await old.save()
    assert await house.one(ROWS) == 0
    ran = await agent.runner.engine.start(new, HumanMessage("hi"))
    assert [message.text for message in ran.messages] == ["hi", "Hello."]


async def test_a_run_replaced_midway_does_not_write_its_step(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    agent = make_agent(house, "Too late.")
    conversation = await house.conversation()
    run = await begun(house, conversation)
    answer = type(agent.model)._agenerate

    async def overtaken(self, *given, **more):
        await begun(house, conversation)
        return await answer(self, *given, **more)

    monkeypatch.setattr(type(agent.model), "_agenerate", overtaken)
    await agent.runner.engine.start(run, HumanMessage("hi"))
    with pytest.raises(LostRun):
        await run.save()
    with pytest.raises(LostRun):
        async with house.pool.connection() as connection:
            await end_run(connection, run, RunEnd("answer", "Too late."))
    stands = await agent.runner.engine.look(replace(run, unsaved=[], saving=None))
    assert not any(isinstance(m, AIMessage) for m in stands.messages)


@pytest.mark.parametrize(
    ("is_own", "claimed", "commits"),
    [(True, set(), "off"), (True, {"call-1"}, "on"), (False, set(), "on")],
)
async def test_only_results_and_checkpoints_of_others_wait_for_the_disk(
    house: House, is_own: bool, claimed: set[str], commits: str
):
    """What else our own agent saves comes before a claim or an end, which do."""
    run = await begun(house, await house.conversation())
    run.claimed |= claimed
    place: Any = {"configurable": {"thread_id": run.conversation, "checkpoint_ns": ""}}
    async with house.owner.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = on")
        inside: Any = connection  # in place of a pool, so that its setting can be read
        saver = RunSaver(inside, run, holds=is_own)
        await saver.aput(place, empty_checkpoint(), {"source": "loop"}, {})
        await saver.save()
        [row] = await (await connection.execute("SHOW synchronous_commit")).fetchall()
    assert row["synchronous_commit"] == commits


async def test_nothing_is_asked_where_its_checkpoint_got_lost(house: House):
    """A crash of the server alone takes back what did not wait for the disk."""
    agent = make_agent(house, ("wipe", {"path": "a"}))
    run = await begun(house, await house.conversation())
    ran = await agent.runner.engine.start(run, HumanMessage("wipe a"))
    assert ran.interrupts
    await run.save()
    await house.rows("DELETE FROM checkpoints")
    with pytest.raises(LostRun):
        async with house.pool.connection() as connection:
            await end_run(connection, run, RunEnd())
    assert await house.one(ROWS) == 0


async def test_nothing_is_claimed_where_its_checkpoint_got_lost(house: House):
    """A waived call would run, and again when the model has asked for it anew."""
    run = await begun(house, await house.conversation())
    place: Any = {"configurable": {"thread_id": run.conversation, "checkpoint_ns": ""}}
    saver = RunSaver(house.pool, run, holds=True)
    await saver.aput(place, empty_checkpoint(), {"source": "loop"}, {})
    await saver.save()
    first, second = (CallFacts(f"call-{n}", "list_files", {}, {}) for n in (1, 2))
    rule = ("reading", "1")
    assert (await grants.claim(house.pool, house.queue, run, first, rule)).won
    await house.rows("DELETE FROM checkpoints")
    with pytest.raises(LostRun):
        await grants.claim(house.pool, house.queue, run, second, rule)
    assert await house.one("SELECT count(*) FROM grants") == 1


async def test_a_denied_id_is_used_for_no_other_call(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    """A server may number calls anew: then the model must not be asked anew."""
    denied, allowed = ("drop", {"path": "a"}), ("peek", {"path": "a"})
    agent = make_agent(house, denied, allowed, "Done.")
    crash_once(monkeypatch, grants, "deny", after=True)
    conversation = await house.write()
    with pytest.raises(Crash):
        await agent.runner.turn(conversation)
    await agent.runner.turn(conversation)
    assert agent.ledger.runs == ["peek a"]


async def test_a_checkpoint_holds_what_a_lost_one_has_held(house: House):
    """A crash of the server alone, with the summary of what was cut just written."""
    run = await begun(house, await house.conversation())
    place: Any = {"configurable": {"thread_id": run.conversation, "checkpoint_ns": ""}}
    saver = RunSaver(house.pool, run, holds=True)
    for number in ("1", "2"):
        await house.rows("DELETE FROM checkpoints")
        await house.rows("DELETE FROM checkpoint_blobs")
        new = {"messages": number, **({"before": number} if number == "1" else {})}
        checkpoint = empty_checkpoint() | {
            "channel_values": {"messages": [number], "before": {"summary": "So far."}},
            "channel_versions": {"messages": number, "before": "1"},
        }
        await saver.aput(place, cast("Any", checkpoint), {"source": "loop"}, new)
    found = await saver.aget_tuple(place)
    assert found is not None
    values = {"messages": ["2"], "before": {"summary": "So far."}}
    assert found.checkpoint["channel_values"] == values


async def test_the_next_run_begins_after_what_is_just_being_written(house: House):
    """The check and the write are one statement, which the next run waits for."""
    conversation = await house.conversation()
    run = await begun(house, conversation)
    async with house.owner.connection() as holder, holder.transaction():
        await holder.execute(
            "SELECT id FROM conversations WHERE id = %s AND generation = %s FOR SHARE",
            (conversation, run.generation),
        )
        next_run = asyncio.create_task(begun(house, conversation))
        waits = """SELECT count(*) FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'"""
        async with asyncio.timeout(10):
            while not await house.one(waits):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert not next_run.done()
    assert (await next_run).generation > run.generation


async def test_looking_needs_no_right_to_write(house: House):
    agent = make_agent(house, "Hello.")
    conversation = await house.conversation()
    run = await begun(house, conversation)
    await agent.runner.engine.start(run, HumanMessage("hi"))
    await run.save()
    gone = replace(run, generation=run.generation - 1)
    stands = await agent.runner.engine.look(gone)
    assert stands.messages[-1].text == "Hello."


async def test_a_task_that_asks_twice_keeps_both_answers(house: House):
    def form(state: MessagesState) -> dict[str, Any]:
        said = [interrupt("Your name?"), interrupt("Your age?")]
        return {"messages": [AIMessage(" ".join(said))]}

    builder = StateGraph(MessagesState).add_node(form).add_edge(START, "form")
    engine = make_foreign(house, builder.compile()).runner.engine
    run = await begun(house, await house.conversation())
    ran = await engine.start(run, HumanMessage("hi"))
    for answer in ("Ada", "36"):
        [asked] = ran.interrupts
        ran = await engine.resume(run, {asked.id: answer})
    assert ran.messages[-1].text == "Ada 36"


async def test_a_run_begins_with_the_checkpoint_that_its_start_read(house: House):
    agent = make_agent(house, "Hello.")
    conversation = await house.conversation()
    run = await begun(house, conversation)
    await agent.runner.engine.start(run, HumanMessage("hi"))
    await run.save()
    started = await start(house.pool, conversation, "end")
    assert started is not None
    assert started.run is not None
    await house.rows("DELETE FROM checkpoints RETURNING 1")
    first = await agent.runner.engine.look(started.run)
    assert [message.text for message in first.messages] == ["hi", "Hello."]
    assert (await agent.runner.engine.look(started.run)).messages == ()


async def test_a_number_taken_back_by_a_crash_is_not_reused(house: House):
    """A start does not wait for the disk, so a crash of the server may forget it."""
    conversation = await house.conversation()
    gone = await start(house.pool, conversation, "end")
    await house.rows("UPDATE conversations SET generation = 0 RETURNING 1")
    later = await start(house.pool, conversation, "end")
    numbers = {each.run.generation for each in (gone, later) if each and each.run}
    assert len(numbers) == 2


async def test_a_question_is_saved_with_its_request_or_never(house: House):
    call = ("wipe", {"path": "a"})
    agent = make_agent(house, call, call)  # the model is asked again
    conversation = await house.write()
    break_audit(house.url)
    with pytest.raises(RaiseException):
        await agent.runner.turn(conversation)
    mend_audit(house.url)
    asked = "SELECT count(*) FROM checkpoint_writes"
    assert (await house.one(asked), house.handed) == (0, [])
    await agent.runner.turn(conversation)
    assert await house.one(asked) > 0
    assert len(await agent.requests(conversation)) == 1


async def test_a_run_that_asks_twice_stores_each_question(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), ("wipe", {"path": "b"}))
    engine, run = agent.runner.engine, await begun(house, await house.conversation())
    ran = await engine.start(run, HumanMessage("wipe both"))
    async with transaction(house.pool) as connection:
        await end_run(connection, run, RunEnd())
    [first] = ran.interrupts
    ran = await engine.resume(run, {first.id: {"type": "reject"}})
    async with transaction(house.pool) as connection:
        await end_run(connection, run, RunEnd())
    stored = await engine.look(await begun(house, run.conversation))
    assert stored.interrupts == ran.interrupts != (first,)


async def test_an_answer_taken_at_once_is_like_one_taken_later(house: House):
    handed = list[Mapping[str, Any]]()
    house.queue.hand, house.queue.lease = handed.append, timedelta(seconds=25)
    await make_agent(house, "Hello.").say()
    [row] = handed
    key = {"ids": [row["id"]], "alone": None, "lease": house.queue.lease}
    async with house.pool.connection() as connection:
        found = await connection.execute(SQL["take_messages"], key)
        [taken] = await found.fetchall()
        assert taken["kind"] is None
        await connection.execute(
            "UPDATE deliveries SET taken_until = NULL, state = 'queued'"
        )
        found = await connection.execute(SQL["take_messages"], key)
        [taken] = await found.fetchall()
    of_requests = {"now": taken["now"], "pause": taken["pause"], "requests": []}
    assert {name: {**row, **of_requests}[name] for name in taken} == taken


async def test_an_answer_taken_at_once_is_sent_at_first(house: House, post: Post):
    house.queue.hand, house.queue.lease = post.courier.hand, timedelta(seconds=25)
    await make_agent(house, "Hello.").say()
    [answer] = house.handed
    assert await post.send(answer) is None
    assert [each["text"] for each in post.slack.messages] == ["Hello."]


async def test_a_wait_for_slack_keeps_the_models_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    async def away(*given: object) -> None:
        raise SlackUnavailable

    agent = make_agent(house, ("wipe", {"path": "a"}))
    conversation = await house.write()
    with monkeypatch.context() as patched:
        patched.setattr(outcome, "look_up_groups", away)
        with pytest.raises(SlackUnavailable):
            await agent.runner.turn(conversation)
    await agent.runner.turn(conversation)
    assert len(await agent.requests(conversation)) == 1
    assert len(agent.model.seen) == 1


@pytest.mark.parametrize(
    ("then", "runs"),
    [([], ["peek a"]), ([("peek", {"path": "b"}, "call_b")], ["peek a", "peek b"])],
    ids=["answer", "call"],
)
async def test_a_checkpoint_that_failed_lets_nothing_come_after_it(
    house: House, monkeypatch: pytest.MonkeyPatch, then: list[Any], runs: list[str]
):
    """It holds a result, whose own end a crash of the server may have forgotten."""
    again = [*then, "Peeked."]
    agent = make_agent(house, ("peek", {"path": "a"}), *(then or again), *again)
    write, failed = RunSaver._write, list[bool]()

    async def fails(self: RunSaver, *given: Any, quick: bool = False) -> None:
        if not (quick or failed):
            failed.append(True)
            raise OperationalError
        await write(self, *given, quick=quick)

    monkeypatch.setattr(RunSaver, "_write", fails)
    conversation = await house.write()
    with pytest.raises(OperationalError):
        await agent.runner.turn(conversation)
    assert (agent.ledger.runs, await agent.said()) == (["peek a"], [])
    await agent.runner.turn(conversation)
    assert agent.ledger.runs == runs
    assert await agent.said() == ["Peeked."]


async def test_a_run_that_is_drained_keeps_the_models_words(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    agent = make_agent(house, ("peek", {"path": "a"}), "Peeked.")
    engine, answer = agent.runner.engine, type(agent.model)._agenerate

    async def drained(*given: Any, **more: Any) -> Any:
        engine.drain()
        return await answer(*given, **more)

    conversation = await house.write()
    with monkeypatch.context() as patched:
        patched.setattr(type(agent.model), "_agenerate", drained)
        with pytest.raises(RetryLater):
            await agent.runner.turn(conversation)
    engine._drains = False  # as in another process
    await agent.runner.turn(conversation)
    assert (agent.ledger.runs, await agent.said()) == (["peek a"], ["Peeked."])
    assert len(agent.model.seen) == 2
