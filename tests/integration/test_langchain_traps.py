"""The behaviour of LangChain's HumanInTheLoopMiddleware and tool nodes, as installed.

As in `test_langgraph_traps.py`: a failure means that a behaviour has changed.
"""

from __future__ import annotations

import asyncio

import pytest
from langchain.agents.middleware import (
    AgentMiddleware,
    ToolRetryMiddleware,
    hook_config,
)
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import is_invalid_resume
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode
from langgraph.types import Command, interrupt
from pydantic import ValidationError

from bot.conversations import graphs
from tests.support.agents import MODES, Office, pay, turn, wipe
from tests.support.payloads import ALL

APPROVE, REJECT = {"type": "approve"}, {"type": "reject"}
CONFIG = {"configurable": {"thread_id": "t1"}}


def batch(*decisions):
    return {"decisions": [*decisions]}


async def test_what_each_mode_raises():
    batched = Office([turn(pay(), wipe())], "batched")
    [whole] = await batched.say()
    assert whole.response_schema is None
    assert whole.value["review_configs"] == [
        {"action_name": name, "allowed_decisions": ALL} for name in ("pay", "wipe")
    ]
    first, _ = whole.value["action_requests"]
    assert first.keys() == {"name", "args", "description"}
    each = await Office([turn(pay(), wipe())], "per_call").say()
    assert {i.value["type"] for i in each} == {"tool_approval"}
    for asked in each:
        assert asked.value.keys() == {
            "type",
            "tool_call_id",
            "name",
            "args",
            "description",
        }
        assert isinstance(asked.response_schema, dict)
        assert len(asked.response_schema["oneOf"]) == len(ALL)


async def test_b_f2_a_missing_decision_blocks_a_batch_for_good():
    """So decisions are counted before the resume."""
    office = Office([turn(pay(), wipe())], "batched")
    [asked] = await office.say()
    for decisions in ([APPROVE], [APPROVE, REJECT], [REJECT, REJECT]):
        with pytest.raises(ValueError, match="does not match"):
            await office.resume({asked.id: batch(*decisions)})
    assert office.ran == []


async def test_f2_a_forbidden_decision_blocks_a_batch_for_good():
    """So `allowed_decisions` is looked at before the resume."""
    office = Office(
        [turn(pay())], "batched", {"pay": {"allowed_decisions": ["approve"]}}
    )
    [asked] = await office.say()
    for decision in (REJECT, APPROVE):
        with pytest.raises(ValueError, match="Unexpected human decision"):
            await office.resume({asked.id: batch(decision)})
    assert office.ran == []


async def test_f2_per_call_checks_before_it_saves():
    office = Office([turn(pay()), "Done."])
    [asked] = await office.say()
    with pytest.raises(ValidationError) as refused:
        await office.resume({asked.id: {"type": "yes"}})
    assert is_invalid_resume(refused.value)
    await office.resume({asked.id: APPROVE})
    assert office.ran == ["pay Ada 7"]


async def test_c_f1_a_reject_repeats_a_failed_approved_payment():
    """So decisions are rows of ours, and a claim stands before the effect."""
    for mode in MODES:
        office = Office([turn(pay())], mode, fails=2)
        [asked] = await office.say()
        yes, no = APPROVE, {asked.id: REJECT}
        if mode == "batched":
            yes, no = batch(APPROVE), batch(REJECT)
        with pytest.raises(ConnectionError):
            await office.resume({asked.id: yes})
        office.config = CONFIG  # not strict
        with pytest.raises(ConnectionError):
            await office.resume(no)
        assert office.ran == ["pay Ada 7", "pay Ada 7"]


async def test_f1_a_failed_call_can_be_closed_without_running_it():
    """So there is a way out that needs no answer."""
    office = Office([turn(pay()), "Done."], fails=1)
    [asked] = await office.say()
    with pytest.raises(ConnectionError):
        await office.resume({asked.id: APPROVE})
    closed = ToolMessage("It failed.", tool_call_id="P", status="error")
    await office.graph.aupdate_state(
        office.config, {"messages": [closed]}, as_node="tools"
    )
    done = await office.run(None)
    assert (office.ran, done["messages"][-1].text) == (["pay Ada 7"], "Done.")


async def test_f5_one_tool_node_can_mix_up_two_calls_answers(monkeypatch):
    """So each call has a task of its own, as in `create_agent`, or no question."""
    # as it comes: another test in this process may have loaded somebody's graph
    monkeypatch.setattr(ToolNode, "_afunc", graphs._atogether)
    ran, first = {}, "refund"

    async def gate(name):
        await asyncio.sleep(0 if name == first else 0.05)
        ran[name] = interrupt(name)
        return "done"

    @tool
    async def refund() -> str:
        """Refund."""
        return await gate("refund")

    @tool
    async def wipe_db() -> str:
        """Wipe."""
        return await gate("wipe_db")

    builder = StateGraph(MessagesState)
    builder.add_node("tools", ToolNode([refund, wipe_db])).add_edge(START, "tools")
    graph = builder.compile(checkpointer=InMemorySaver())
    both = turn(("refund", {}, "R"), ("wipe_db", {}, "W"))
    await graph.ainvoke({"messages": [both]}, CONFIG)
    [asked, *_] = (await graph.aget_state(CONFIG)).interrupts
    assert asked.value == "refund"
    first = "wipe_db"  # this time the other one is quicker
    await graph.ainvoke(Command(resume={asked.id: "refund it"}), CONFIG)
    assert ran == {"wipe_db": "refund it"}


async def test_f5_create_agent_gives_each_call_its_own_task():
    office = Office([turn(pay(1, "A"), wipe("x", "B"), pay(2, "C")), "Done."])
    asked = {i.value["tool_call_id"]: i.id for i in await office.say()}
    await office.resume({asked["B"]: APPROVE})
    await office.resume({asked["A"]: REJECT, asked["C"]: APPROVE})
    assert office.ran == ["wipe x", "pay Ada 2"]


async def test_f8_two_answers_at_once_leave_the_step_unfinished():
    """So one run at a time, and a turn ends with the model's word, not with `next`."""
    office = Office([turn(pay(), wipe()), "Done."])
    one, two = await office.say()
    await asyncio.gather(
        office.resume({one.id: APPROVE}), office.resume({two.id: APPROVE})
    )
    state = await office.graph.aget_state(office.config)
    assert (sorted(office.ran), state.next) == (["pay Ada 7", "wipe prod"], ())
    assert state.interrupts == ()
    assert isinstance((await office.messages())[-1], ToolMessage)
    await office.run(None)
    assert (await office.messages())[-1].text == "Done."
    assert len(office.ran) == 2


async def test_e_f10_a_message_while_waiting_leaves_a_call_open():
    """So it is kept until the question is over."""
    office = Office([turn(pay()), "Hello."])
    [asked] = await office.say()
    await office.say("hello?")
    kinds = [type(m) for m in await office.messages()]
    assert kinds == [HumanMessage, AIMessage, HumanMessage, AIMessage]
    assert asked not in await office.pending()
    assert office.ran == []


@pytest.mark.parametrize("mode", MODES)
async def test_f15_a_changed_condition_runs_a_rejected_call(mode):
    """So what the policy said is stored with the request."""
    asks = [True]
    when = {"allowed_decisions": ALL, "when": lambda request: asks[0]}
    office = Office([turn(pay()), "Done."], mode, {"pay": when})
    [asked] = await office.say()
    asks[0] = False
    await office.resume({asked.id: batch(REJECT) if mode == "batched" else REJECT})
    assert office.ran == ["pay Ada 7"]


class Jump(AgentMiddleware):
    """Somebody's middleware that goes straight to the tools."""

    @hook_config(can_jump_to=["tools"])
    def after_model(self, state, runtime):
        said = [m for m in state["messages"] if isinstance(m, AIMessage)]
        return {"jump_to": "tools"} if said[-1].tool_calls else None


@pytest.mark.parametrize(
    ("mode", "ran"), [("batched", ["pay Ada 7"]), ("per_call", [])]
)
async def test_f17_a_jump_runs_a_rejected_call_of_a_batch(mode, ran):
    """So a foreign graph's call is claimed by us, or its tool is guarded."""
    office = Office([turn(pay()), "Done."], mode, before=[Jump()])
    [asked] = await office.say()
    await office.resume({asked.id: batch(REJECT) if mode == "batched" else REJECT})
    assert office.ran == ran


async def test_f18_a_tool_that_is_not_listed_runs_unasked():
    """So the house's own gate stands on the tool and not on a list of names."""
    office = Office([turn(wipe()), "Done."], gated={"Wipe": True, "pay": True})
    assert await office.say() == []
    assert office.ran == ["wipe prod"]


async def test_f19_an_edit_of_a_batch_can_name_another_tool():
    """So an edit's name is pinned by the dialect."""
    action = {"name": "wipe", "args": {"name": "prod"}}
    edit = {"type": "edit", "edited_action": action}
    batched = Office([turn(pay()), "Done."], "batched", {"pay": True})
    [asked] = await batched.say()
    await batched.resume({asked.id: batch(edit)})
    assert batched.ran == ["wipe prod"]
    per_call = Office([turn(pay()), "Done."], "per_call", {"pay": True})
    [asked] = await per_call.say()
    with pytest.raises(ValidationError):
        await per_call.resume({asked.id: edit})
    assert per_call.ran == []


async def test_f20_a_batch_goes_by_position_and_names_no_call():
    """So a batch is one card and is resumed once, in the order of its calls."""
    office = Office([turn(pay(1, "A"), pay(2, "B")), "Done."], "batched")
    [asked] = await office.say()
    assert not any("id" in r for r in asked.value["action_requests"])
    await office.resume({asked.id: batch(REJECT, APPROVE)})
    assert office.ran == ["pay Ada 2"]


@pytest.mark.parametrize(("mode", "runs"), [("batched", ["wipe x"]), ("per_call", [])])
async def test_f20_an_ungated_sibling_waits_only_in_a_batch(mode, runs):
    office = Office([turn(pay(), wipe("x")), "Done."], mode, {"pay": True})
    [asked] = await office.say()
    assert office.ran == ([] if mode == "batched" else ["wipe x"])
    await office.resume({asked.id: batch(REJECT) if mode == "batched" else REJECT})
    assert office.ran == ["wipe x"]


@pytest.mark.parametrize(("mode", "asks"), [("batched", 1), ("per_call", 2)])
async def test_f20_two_calls_of_one_id_cannot_be_told_apart(mode, asks):
    """So a tool call's id alone is no key of ours."""
    office = Office([turn(pay(1, "A"), pay(2, "A")), "Done.", "Done."], mode)
    asked = await office.say()
    assert len(asked) == asks
    if mode == "batched":
        await office.resume({asked[0].id: batch(APPROVE, REJECT)})
        assert office.ran == []


@pytest.mark.parametrize(("outside", "asked_again"), [(False, False), (True, True)])
async def test_f21_approval_inside_a_retry_asks_again(outside, asked_again):
    """So no retry stands around a gated tool."""
    retry = [ToolRetryMiddleware(max_retries=1, initial_delay=0, jitter=False)]
    where = {"before": retry} if outside else {"after": retry}
    office = Office([turn(pay()), "Done."], fails=1, **where)
    [asked] = await office.say()
    await office.resume({asked.id: APPROVE})
    assert bool(await office.pending()) is asked_again
    assert len(office.ran) == (1 if asked_again else 2)


def test_f22_the_openai_client_has_no_timeout_and_three_tries():
    """So time and tries are set."""
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="m", api_key="k", base_url="http://127.0.0.1:9")
    assert model.root_async_client.timeout is None
    assert model.root_async_client.max_retries == 2
