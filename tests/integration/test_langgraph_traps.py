"""LangGraph's handling of interrupts, as installed: our rules rest on each of these.

A test that fails here means that a behaviour has changed, not that the bot is broken:
look up the rule that it names before raising the versions in `requirements.lock`.
The letters are those of the resuming traps, the F numbers those of the failure modes
in the design notes.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import re
import sys
import threading
import typing

import pytest
from langgraph.errors import GraphDrained, UnknownInterruptError, is_invalid_resume
from langgraph.graph import START, StateGraph
from langgraph.runtime import RunControl
from langgraph.types import Command, Interrupt, RetryPolicy, interrupt
from pydantic import BaseModel, PydanticUserError, ValidationError

from tests.support.installed import LOCK
from tests.support.threads import Log, Thread, asking, graph_of

STACK = re.compile(r"^((?:langgraph|langchain)[\w-]*)==(\S+)", re.MULTILINE)
STRAY = "0" * 32


def question() -> object:
    return interrupt("Go on?")


def test_f0_the_installed_versions_are_those_that_were_measured():
    locked = dict(STACK.findall(LOCK.read_text()))
    assert {"langgraph", "langchain", "langgraph-checkpoint-postgres"} <= locked.keys()
    installed = {name: importlib.metadata.version(name) for name in locked}
    assert installed == locked
    assert locked["langgraph"] == "1.2.22"
    assert locked["langchain"] == "1.4.7"


async def test_an_interrupt_keeps_its_id_and_the_next_has_another():
    def both(state):
        return {"log": [interrupt("1"), interrupt("2")]}

    thread = Thread(graph_of(both), strict=True)
    [first] = await thread.begin()
    assert await thread.pending() == [first]
    assert re.fullmatch("[0-9a-f]{32}", first.id)
    await thread.resume({first.id: "a"})
    [second] = await thread.pending()
    assert second.id != first.id
    done = await thread.resume({second.id: "b"})
    assert done["log"] == ["a", "b"]


@pytest.mark.parametrize("strict", [False, True])
async def test_a_g_f7_simultaneous_resumes_both_run_the_node(strict):
    """So a claim in our own rows comes before each resume; strict is no lock."""
    ran, both = [], asyncio.Barrier(2)

    async def act(state):
        answer = interrupt("Go on?")
        await asyncio.wait_for(both.wait(), 30)
        ran.append(answer)
        return {"log": [answer]}

    thread = Thread(graph_of(act), strict)
    [asked] = await thread.begin()
    await asyncio.gather(
        thread.resume({asked.id: "approve"}), thread.resume({asked.id: "reject"})
    )
    assert sorted(ran) == ["approve", "reject"]


async def test_b_f2_a_bad_answer_stays_until_a_fork():
    """So everything is validated before a resume."""

    def act(state):
        answer = interrupt("Go on?")
        return {"log": [answer["decisions"]]}

    thread = Thread(graph_of(act), strict=True)
    [asked] = await thread.begin()
    for value in ("approve", {"decisions": "yes"}, {"decisions": "yes"}):
        with pytest.raises(TypeError):
            await thread.resume({asked.id: value})
    await thread.compiled.aupdate_state(thread.config, {"log": []}, as_node=START)
    await thread.run(None)
    [anew] = await thread.pending()
    assert anew.id != asked.id
    done = await thread.resume({anew.id: {"decisions": "yes"}})
    assert done["log"] == ["yes"]


class Shape(BaseModel):
    ok: bool


async def test_f2_an_answer_failing_a_python_schema_is_not_saved():
    """So the form can be filled in again."""
    thread = Thread(
        graph_of(asking(lambda: interrupt("?", response_schema=Shape), [])), strict=True
    )
    [asked] = await thread.begin()
    with pytest.raises(ValidationError) as refused:
        await thread.resume({asked.id: {"ok": "perhaps"}})
    assert is_invalid_resume(refused.value)
    assert await thread.pending() == [asked]
    done = await thread.resume({asked.id: {"ok": True}})
    assert done["log"] == [Shape(ok=True)]


async def test_f2_a_plain_json_schema_is_not_checked():
    """So the check of ours is the only one."""
    schema = {"type": "boolean"}
    thread = Thread(
        graph_of(asking(lambda: interrupt("?", response_schema=schema), []))
    )
    [asked] = await thread.begin()
    assert asked.response_schema == schema
    assert (await thread.resume({asked.id: "perhaps"}))["log"] == ["perhaps"]


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="typing's own works there")
async def test_f2_typings_typeddict_is_no_schema_on_python_3_11():
    class Old(typing.TypedDict):
        ok: bool

    thread = Thread(graph_of(asking(lambda: interrupt("?", response_schema=Old), [])))
    with pytest.raises(PydanticUserError):
        await thread.begin()


@pytest.mark.parametrize("strict", [False, True])
async def test_c_f1_a_reject_reruns_a_failed_approved_node(strict):
    """So a gated tool never raises, and nothing is read from `state.interrupts`."""
    ran = []

    def act(state):
        answer = interrupt("Go on?")
        ran.append(answer)
        raise ConnectionError

    thread = Thread(graph_of(act), strict)
    [asked] = await thread.begin()
    with pytest.raises(ConnectionError):
        await thread.resume({asked.id: "approve"})
    assert await thread.pending() == [asked]
    with pytest.raises(ConnectionError):
        await thread.resume({asked.id: "reject"})
    assert ran == ["approve", "approve"]


async def test_d_f6_without_strict_late_and_unknown_answers_are_ignored():
    """So all resumes are strict."""
    ran = []
    thread = Thread(graph_of(asking(question, ran)))
    [asked] = await thread.begin()
    await thread.resume({STRAY: "x"})
    assert await thread.pending() == [asked]
    await thread.resume({asked.id: "yes"})
    for answers in ({asked.id: "no"}, "no", {STRAY: "no"}):
        await thread.resume(answers)
    assert ran == ["yes"]


@pytest.mark.parametrize("answers", [{STRAY: "x"}, {}])
async def test_g_strict_refuses_before_anything_is_written(answers):
    thread = Thread(graph_of(asking(question, [])), strict=True)
    [asked] = await thread.begin()
    before = (await thread.state()).config
    with pytest.raises(UnknownInterruptError) as refused:
        await thread.resume(answers)
    assert list(refused.value.pending_ids) == [asked.id]
    assert refused.value.reason == ("not_pending" if answers else "empty_map")
    assert (await thread.state()).config == before


async def test_f6_without_strict_an_answer_starts_an_empty_thread():
    """So a click after its conversation is gone must not get here."""
    ran = []

    def begin(state):
        ran.append(state)
        return {"log": []}

    await Thread(graph_of(begin)).resume({STRAY: "x"})
    assert ran == [{"log": []}]
    with pytest.raises(UnknownInterruptError):
        await Thread(graph_of(begin), strict=True).resume({STRAY: "x"})
    assert len(ran) == 1


async def test_e_f3_a_new_question_takes_the_old_ones_answer():
    """So a message on a waiting conversation does not touch the graph."""
    ran = []
    thread = Thread(graph_of(asking(question, ran)))
    [old] = await thread.begin()
    [new] = await thread.begin()
    assert new.id != old.id
    await thread.resume({old.id: "to the old"})
    assert (ran, await thread.pending()) == ([], [new])
    await thread.resume("to the old")
    assert ran == ["to the old"]


async def test_f_none_resumes_only_in_a_map():
    thread = Thread(graph_of(asking(question, ran := [])), strict=True)
    [asked] = await thread.begin()
    with pytest.raises(UnboundLocalError):
        await thread.resume(None)
    await thread.resume({asked.id: None})
    assert ran == [None]


@pytest.mark.parametrize("value", [False, "", 0, [], {}, {STRAY: 1}], ids=repr)
async def test_f_any_value_gets_through_in_a_map(value):
    thread = Thread(graph_of(asking(question, ran := [])), strict=True)
    [asked] = await thread.begin()
    await thread.resume({asked.id: value})
    assert ran == [value]
    assert type(ran[0]) is type(value)


async def test_f_an_empty_map_asks_again():
    thread = Thread(graph_of(asking(question, ran := [])))
    [asked] = await thread.begin()
    await thread.resume({})
    assert (ran, await thread.pending()) == ([], [asked])


async def test_f4_without_strict_a_second_click_answers_the_next_question():
    """So one `interrupt()` per task, and a chain of stages is counted in our rows."""

    def stages(state):
        return {"log": [interrupt("lead"), interrupt("security")]}

    loose = Thread(graph_of(stages))
    [lead] = await loose.begin()
    await loose.resume({lead.id: "lead says yes"})
    done = await loose.resume({lead.id: "lead says yes"})
    assert done["log"] == ["lead says yes"] * 2
    strict = Thread(graph_of(stages), strict=True)
    [lead] = await strict.begin()
    await strict.resume({lead.id: "lead says yes"})
    with pytest.raises(UnknownInterruptError):
        await strict.resume({lead.id: "lead says yes"})
    [security] = await strict.pending()
    assert security.value == "security"


async def test_f9_a_partial_answer_reruns_nodes_up_to_their_question():
    """So nothing but pure code stands before `interrupt()`."""
    before, after = [], []

    def one(state):
        before.append("one")
        after.append(interrupt("1"))
        return {"log": ["one"]}

    def two(state):
        before.append("two")
        after.append(interrupt("2"))
        return {"log": ["two"]}

    thread = Thread(graph_of(one, two, parallel=True), strict=True)
    asked = {i.value: i.id for i in await thread.begin()}
    with pytest.raises(UnknownInterruptError) as refused:
        await thread.resume("yes")
    assert refused.value.reason == "ambiguous"
    with pytest.raises(RuntimeError, match="multiple pending interrupts"):
        await Thread(thread.builder, compiled=thread.compiled).resume("yes")
    before.clear()
    await thread.resume({asked["1"]: "a"})
    assert (sorted(before), after) == (["one", "two"], ["a"])
    assert [i.id for i in await thread.pending()] == [asked["2"]]
    await thread.resume({asked["2"]: "b"})
    assert after == ["a", "b"]


@pytest.mark.parametrize(("durability", "kept"), [("sync", True), ("exit", False)])
async def test_f11_only_sync_saves_a_node_before_the_next_begins(durability, kept):
    """So runs are `sync`: a crash repeats the node that it cut off, and no other."""
    seen = []

    def first(state):
        return {"log": ["first"]}

    async def second(state):
        found = await thread.state()
        seen.append((found.next, found.values.get("log")))
        return {"log": ["second"]}

    thread = Thread(graph_of(first, second))
    await thread.run({"log": []}, durability=durability)
    assert (seen == [(("second",), ["first"])]) is kept


async def test_f12_a_cancelled_runs_sync_node_finishes_and_runs_again():
    """So tools are async, and a tool that was cut off ends as unknown."""
    ran = []
    begun, cancelled, done = (threading.Event() for _ in range(3))

    def act(state):
        begun.set()
        cancelled.wait()
        ran.append("ran")
        done.set()
        return {"log": ["ran"]}

    thread = Thread(graph_of(act))
    running = asyncio.create_task(thread.run({"log": []}))
    await asyncio.to_thread(begun.wait)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    cancelled.set()
    await asyncio.to_thread(done.wait)
    assert ran == ["ran"]
    await thread.run(None)
    assert ran == ["ran", "ran"]


async def test_f12_a_retry_policy_runs_the_side_effect_again():
    ran = []

    def act(state):
        ran.append("ran")
        raise ConnectionError

    builder = StateGraph(Log)
    policy = RetryPolicy(max_attempts=2, initial_interval=0.01, jitter=False)
    builder.add_node("act", act, retry_policy=policy).add_edge(START, "act")
    with pytest.raises(ConnectionError):
        await Thread(builder).run({"log": []})
    assert ran == ["ran", "ran"]


async def test_f13_a_broad_except_swallows_the_question():
    """So a question stands outside each `except Exception`."""

    def act(state):
        try:
            answer = interrupt("Go on?")
        except Exception:
            answer = "took the other branch"
        return {"log": [answer]}

    thread = Thread(graph_of(act))
    assert await thread.begin() == []
    assert (await thread.state()).values["log"] == ["took the other branch"]


async def test_f14_a_renamed_node_loses_its_question_without_a_word():
    """So a request whose interrupt is gone is closed as orphaned, and said."""

    def old(state):
        return {"log": [interrupt("Go on?")]}

    def new(state):
        return {"log": [interrupt("Go on?")]}

    thread = Thread(graph_of(old))
    [asked] = await thread.begin()
    deployed = Thread(graph_of(new), saver=thread.saver)
    state = await deployed.state()
    assert (state.next, state.interrupts) == ((), ())
    assert (await deployed.resume({asked.id: "yes"}))["log"] == []


async def test_f14_a_question_inserted_earlier_takes_the_answer():
    """So the order of questions in a node is part of what is stored."""

    def act(state):
        return {"log": [interrupt("Delete?")]}

    thread = Thread(graph_of(act), strict=True)
    [asked] = await thread.begin()

    def act(state):
        return {"log": [interrupt("Back up first?"), interrupt("Delete?")]}

    deployed = Thread(graph_of(act), strict=True, saver=thread.saver)
    await deployed.resume({asked.id: "yes, delete"})
    [left] = await deployed.pending()
    assert left.value == "Delete?"


async def test_f16_a_drained_run_stops_between_nodes_and_can_continue():
    """So SIGTERM drains."""
    control = RunControl()

    def first(state):
        control.request_drain("SIGTERM")
        return {"log": ["first"]}

    def second(state):
        return {"log": ["second"]}

    thread = Thread(graph_of(first, second))
    with pytest.raises(GraphDrained):
        await thread.run({"log": []}, control=control)
    assert (await thread.state()).next == ("second",)
    assert (await thread.run(None))["log"] == ["first", "second"]


async def test_a_static_breakpoint_has_a_next_and_no_interrupts():
    """So it is found by `next`, and gone on from without a value."""
    builder = graph_of(asking(lambda: "acted", ran := []))
    compiled = builder.compile(checkpointer=Thread(builder).saver)
    thread = Thread(builder, compiled=compiled)
    compiled.interrupt_before_nodes = ["node"]
    done = await thread.run({"log": []})
    assert "__interrupt__" not in done
    state = await thread.state()
    assert (state.next, state.interrupts, ran) == (("node",), (), [])
    await thread.run(None)
    assert ran == ["acted"]


def test_an_interrupt_has_these_three_fields():
    assert list(Interrupt.__annotations__) == ["value", "id", "response_schema"]
    assert isinstance(Command(resume={STRAY: 1}).resume, dict)
