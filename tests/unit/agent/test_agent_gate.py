"""The gate: what runs, what is asked, and what happens when a part of it fails."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

import pytest
from langchain.agents import create_agent
from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import (
    BaseTool,
    InjectedToolCallId,
    StructuredTool,
    ToolException,
    tool,
)
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphInterrupt
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode
from langgraph.types import Command
from pydantic import BaseModel

from agent import gate
from agent.gate import (
    Approved,
    FilledTool,
    Gate,
    OutcomeUnknown,
    SeeingTool,
    approved_for,
    edited_args,
    filled,
    guard,
    note_on,
    noted,
    read_decision,
)
from agent.grant_protocol import Call, Claim, MemoryGrants, Permission
from agent.graph import State
from agent.phrases import tool_calls
from agent.phrases.tool_calls import RUNNING, STOP
from agent.tool_arguments import schema_of
from tests.support.agent_stand_ins import Ledger, PathArgs, ScriptedModel, calls

CONFIG = {"configurable": {"thread_id": "t1"}}
ASK = frozenset({"wipe"})


def call(name="wipe", args=None, call_id="A") -> ToolCall:
    return ToolCall(name=name, args=args or {"path": "a"}, id=call_id, type="tool_call")


class Asked:
    """One gated call in a graph of its own."""

    def __init__(self, grants, tool, wanted=None):
        self.messages: list[ToolMessage] = []

        async def node(state, config):
            own = {**config, "configurable": config["configurable"] | {"mark": "own"}}
            self.messages.append(
                await Gate(grants).run(tool, wanted or call(tool.name), own)
            )

        builder = StateGraph(State)
        builder.add_node("node", node)
        builder.add_edge(START, "node")
        builder.add_edge("node", END)
        self.graph = builder.compile(checkpointer=InMemorySaver())

    async def ask(self):
        found = await self.graph.ainvoke({"messages": []}, CONFIG)
        (self.pending,) = found["__interrupt__"]
        return self.pending

    async def answer(self, decision):
        command = Command(resume={self.pending.id: decision})
        await self.graph.ainvoke(command, CONFIG)
        return self.messages[-1]


class Broken(MemoryGrants):
    """Grants whose database goes away at one step."""

    def __init__(self, step, **kwargs):
        super().__init__(**kwargs)
        self.step = step

    async def open(self, call):
        self._break("open")
        return await super().open(call)

    async def claim(self, call, ruling):
        self._break("claim")
        return await super().claim(call, ruling)

    async def finish(self, call, outcome):
        self._break("finish")
        await super().finish(call, outcome)
        self._break("after finish")

    def _break(self, step):
        if step == self.step:
            raise ConnectionError("the database is gone")


async def decided(decision, approve=True, args=None):
    ledger, grants = Ledger(), MemoryGrants(ask=ASK)
    asked = Asked(grants, ledger.tool("wipe"))
    await asked.ask()
    if approve:
        grants.approve("t1", "A", args)
    return await asked.answer(decision), ledger.runs


async def edited_and_broken(step: str) -> tuple[Asked, Ledger, Broken]:
    """An edited call at whose end the database goes away."""
    ledger, grants = Ledger(), Broken("", ask=ASK)
    asked = Asked(grants, ledger.tool("wipe"))
    await asked.ask()
    grants.approve("t1", "A", {"path": "b"})
    grants.step = step
    with pytest.raises(ConnectionError):
        await asked.answer(edit_to("b"))
    return asked, ledger, grants


async def test_an_approved_call_runs_with_exactly_the_arguments_shown():
    message, runs = await decided({"type": "approve"})

    assert runs == ["wipe a"]
    assert (message.status, message.text) == ("success", "wipe did a")
    assert (message.tool_call_id, message.name) == ("A", "wipe")


async def test_a_reject_without_words_tells_the_model_to_stop():
    message, runs = await decided({"type": "reject"}, approve=False)

    assert runs == []
    assert (message.status, message.text) == ("error", f"{tool_calls.NO_REASON} {STOP}")
    assert note_on(message) == gate.REJECTED


@pytest.mark.parametrize("end", ["", f" {STOP}"])
async def test_a_rejects_message_reaches_the_model_with_one_stop(end):
    reject = {"type": "reject", "message": f"Timed out after 24 hours.{end}"}

    message, _ = await decided(reject, approve=False)

    assert message.text == f"Timed out after 24 hours. {STOP}"
    assert note_on(message) == gate.REJECTED


async def test_a_reject_wins_over_a_grant_that_exists():
    _, runs = await decided({"type": "reject"}, approve=True)

    assert runs == []


async def test_an_answer_in_the_tools_place_runs_nothing():
    respond = {"type": "respond", "message": "It is gone already."}

    message, runs = await decided(respond, approve=False)

    assert runs == []
    assert message.status == "success"
    assert message.text == tool_calls.IN_ITS_PLACE + "It is gone already."
    assert "did not run" in message.text
    assert note_on(message) == gate.ANSWERED


async def test_an_edit_runs_its_arguments_and_tells_the_model():
    edit = {"type": "edit", "edited_action": {"name": "wipe", "args": {"path": "b"}}}

    message, runs = await decided(edit, args={"path": "b"})

    assert runs == ["wipe b"]
    assert '{"path": "b"}' in message.text
    assert message.text.endswith("wipe did b")
    assert edited_args(message) == {"path": "b"}


def edit_to(path):
    return {"type": "edit", "edited_action": {"name": "wipe", "args": {"path": path}}}


async def test_an_edit_is_told_in_its_own_letters():
    message, _ = await decided(edit_to("bär"), args={"path": "bär"})

    assert '{"path": "bär"}' in message.text


@pytest.mark.parametrize(
    ("ask", "decision"),
    [
        (frozenset(), None),
        (ASK, {"type": "approve"}),
        (ASK, edit_to("a")),
        (ASK, edit_to("b")),
    ],
)
async def test_the_tool_runs_with_the_config_of_its_gate(ask, decision):
    marks = []

    async def wipe(path: str, config: RunnableConfig) -> str:
        """Wipe a path."""
        marks.append(config["configurable"].get("mark"))
        return path

    grants = MemoryGrants(ask=ask)
    wiping = StructuredTool.from_function(coroutine=wipe, args_schema=PathArgs)
    asked = Asked(grants, wiping)
    if decision:
        await asked.ask()
        edited = decision.get("edited_action", {"args": None})
        grants.approve("t1", "A", edited["args"])
        await asked.answer(decision)
    else:
        await asked.graph.ainvoke({"messages": []}, CONFIG)

    assert marks == ["own"]


@pytest.mark.parametrize("turn", [1, -1])
async def test_the_order_of_arguments_is_no_edit(turn):
    async def move(source: str, target: str) -> str:
        """Move a file."""
        return f"{source} to {target}"

    grants = MemoryGrants(ask=frozenset({"move"}))
    args = dict([("source", "a"), ("target", "b")][::turn])
    asked = Asked(grants, tool(move), call("move", args))
    await asked.ask()
    grants.approve("t1", "A")
    same = {"name": "move", "args": dict(reversed(args.items()))}
    message = await asked.answer({"type": "edit", "edited_action": same})

    assert (message.text, note_on(message)) == ("a to b", "")


async def test_an_edit_to_the_same_arguments_is_no_edit():
    message, runs = await decided(edit_to("a"))

    assert runs == ["wipe a"]
    assert message.text == "wipe did a"
    assert note_on(message) == ""


async def test_a_failed_edited_call_is_told_with_its_arguments():
    ledger, grants = Ledger(), MemoryGrants(ask=ASK)
    ledger.fail["wipe"] = ToolException("There is no b.")
    asked = Asked(grants, ledger.tool("wipe"))
    await asked.ask()
    grants.approve("t1", "A", {"path": "b"})

    message = await asked.answer(edit_to("b"))

    assert ledger.runs == ["wipe b"]
    assert message.status == "error"
    assert message.text.startswith("A person changed the arguments of this call")
    assert 'it ran with {"path": "b"} and failed.' in message.text
    assert message.text.endswith("There is no b.")


async def test_a_tool_may_say_itself_that_its_end_is_unknown():
    ledger, grants = Ledger(), MemoryGrants(ask=ASK)
    ledger.fail["wipe"] = OutcomeUnknown("The server did not say.")
    asked = Asked(grants, ledger.tool("wipe"))
    await asked.ask()
    grants.approve("t1", "A")

    message = await asked.answer({"type": "approve"})

    assert message.status == "error"
    assert message.text.startswith(
        tool_calls.outcome_unknown("The server did not say.")
    )


async def test_an_edited_call_cut_off_is_unknown_with_its_arguments():
    asked, ledger, _ = await edited_and_broken("finish")

    await asked.graph.ainvoke(None, CONFIG)

    assert ledger.runs == ["wipe b"]
    message = asked.messages[-1]
    assert message.status == "error"
    assert 'changed the arguments of this call to {"path": "b"}.' in message.text
    assert message.text.endswith(RUNNING)


async def test_an_edited_call_returns_its_stored_result_after_a_crash():
    asked, ledger, grants = await edited_and_broken("after finish")
    grants.step = ""

    await asked.graph.ainvoke(None, CONFIG)

    assert ledger.runs == ["wipe b"]
    message = asked.messages[-1]
    assert message.status == "success"
    assert message.text.startswith("A person changed the arguments of this call")
    assert message.text.endswith("wipe did b")
    assert edited_args(message) == {"path": "b"}


async def test_an_edit_that_nobody_approved_runs_nothing():
    edit = {"type": "edit", "edited_action": {"name": "wipe", "args": {"path": "b"}}}

    message, runs = await decided(edit)

    assert runs == []
    assert message.status == "error"


async def test_an_edit_cannot_switch_to_another_tool():
    edit = {"type": "edit", "edited_action": {"name": "peek", "args": {"path": "a"}}}

    message, runs = await decided(edit)

    assert runs == []
    assert message.text == tool_calls.OTHER_TOOL


async def test_an_edit_that_does_not_fit_the_schema_runs_nothing():
    edit = {"type": "edit", "edited_action": {"name": "wipe", "args": {"path": 1}}}

    message, runs = await decided(edit)

    assert runs == []
    assert message.text.startswith(tool_calls.edit_not_approved("").split(". ")[0])


@pytest.mark.parametrize(
    "answer",
    [
        True,
        "approve",
        ["approve"],
        0,
        {"type": "Approve"},
        {"decisions": [{"type": "approve"}]},
        {"type": "respond"},
        {"type": "edit"},
        {"type": "edit", "edited_action": {"name": "wipe", "args": None}},
        {"type": ["approve"]},
    ],
)
async def test_an_answer_that_cannot_be_read_approves_nothing(answer):
    message, runs = await decided(answer)

    assert runs == []
    assert (message.status, message.text) == ("error", tool_calls.MALFORMED)


async def test_the_question_says_why_when_the_policy_does():
    class Why(MemoryGrants):
        def _rule(self, name):
            return super()._rule(name).__class__("ask", why="Gone is gone.")

    pending = await Asked(Why(), Ledger().tool("wipe")).ask()

    assert pending.value["description"] == "Gone is gone."


async def test_a_tools_own_error_is_told_and_stored():
    ledger, grants = Ledger(), MemoryGrants()
    ledger.fail["peek"] = ToolException("There is no a.")

    first = await Gate(grants).run(ledger.tool("peek"), call("peek"), CONFIG)
    again = await Gate(grants).run(ledger.tool("peek"), call("peek"), CONFIG)

    assert ledger.runs == ["peek a"]
    assert (first.status, first.text) == ("error", "There is no a.")
    assert (again.status, again.text) == (first.status, first.text)


async def test_an_error_without_words_names_the_tool():
    ledger = Ledger()
    ledger.fail["peek"] = ToolException()

    message = await Gate(MemoryGrants()).run(ledger.tool("peek"), call("peek"), CONFIG)

    assert (message.status, message.text) == ("error", tool_calls.failed("peek"))


async def test_an_error_that_a_tool_handles_itself_has_failed():
    ledger = Ledger()
    ledger.fail["peek"] = ToolException("There is no a.")
    handling = ledger.tool("peek").model_copy(update={"handle_tool_error": True})

    message = await Gate(MemoryGrants()).run(handling, call("peek"), CONFIG)

    assert (message.status, message.text) == ("error", "There is no a.")


async def test_another_exception_is_named_without_its_text():
    ledger = Ledger()
    ledger.fail["peek"] = OSError("smtp://me:secret@host")

    message = await Gate(MemoryGrants()).run(ledger.tool("peek"), call("peek"), CONFIG)

    assert message.text == "peek failed: OSError."


async def test_a_finished_call_returns_its_stored_result():
    ledger, grants = Ledger(), MemoryGrants()
    gate = Gate(grants)

    for _ in range(3):
        message = await gate.run(ledger.tool("peek"), call("peek"), CONFIG)

    assert ledger.runs == ["peek a"]
    assert (message.status, message.text) == ("success", "peek did a")


async def test_a_cancelled_tool_stays_unknown_and_never_runs_again():
    ledger, grants = Ledger(), MemoryGrants()
    ledger.fail["peek"] = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await Gate(grants).run(ledger.tool("peek"), call("peek"), CONFIG)

    message = await Gate(grants).run(ledger.tool("peek"), call("peek"), CONFIG)

    assert ledger.runs == ["peek a"]
    assert (message.status, message.text) == ("error", RUNNING)


@pytest.mark.parametrize("step", ["open", "claim"])
async def test_losing_the_database_before_the_run_allows_a_repeat(step):
    ledger, grants = Ledger(), Broken(step)
    with pytest.raises(ConnectionError):
        await Gate(grants).run(ledger.tool("peek"), call("peek"), CONFIG)
    assert ledger.runs == []

    grants.step = ""
    await Gate(grants).run(ledger.tool("peek"), call("peek"), CONFIG)

    assert ledger.runs == ["peek a"]


async def test_a_database_lost_after_the_run_repeats_nothing():
    ledger, grants = Ledger(), Broken("finish")
    with pytest.raises(ConnectionError):
        await Gate(grants).run(ledger.tool("peek"), call("peek"), CONFIG)

    message = await Gate(grants).run(ledger.tool("peek"), call("peek"), CONFIG)

    assert ledger.runs == ["peek a"]
    assert message.text == RUNNING


async def test_a_refused_claim_reaches_the_model_in_its_own_words():
    class Refusing(MemoryGrants):
        async def claim(self, call, ruling):
            return Claim(won=False, refusal="The approval was withdrawn.")

    ledger = Ledger()

    message = await Gate(Refusing()).run(ledger.tool("peek"), call("peek"), CONFIG)

    assert ledger.runs == []
    assert (message.status, message.text) == ("error", "The approval was withdrawn.")


async def test_a_result_kept_without_its_status_is_a_success():
    class Kept(MemoryGrants):
        async def claim(self, call, ruling):
            return Claim(won=False, result="kept")

    message = await Gate(Kept()).run(Ledger().tool("peek"), call("peek"), CONFIG)

    assert (message.status, message.text) == ("success", "kept")


async def test_a_claim_is_made_with_the_call_and_its_ruling():
    class Noting(MemoryGrants):
        async def claim(self, call, ruling):
            self.claimed = (call, ruling)
            return await super().claim(call, ruling)

    grants, peek = Noting(), Ledger().tool("peek")

    await Gate(grants).run(peek, call("peek"), CONFIG)

    opened = Call("t1", "A", "peek", {"path": "a"}, schema_of(peek))
    assert grants.claimed == (opened, Permission("waived"))


async def test_what_a_tool_returns_is_fit_for_the_database():
    odd = StructuredTool.from_function(
        coroutine=lambda path: _return("a\0b\ud800"), name="odd", description="odd"
    )

    message = await Gate(MemoryGrants()).run(odd, call("odd"), CONFIG)

    assert message.text == "a\ufffdb?"


async def _return(value):
    return value


async def test_a_tool_that_returns_a_command_counts_as_run():
    jump = StructuredTool.from_function(
        coroutine=lambda path: _return(Command(goto="x")), name="jump", description="j"
    )

    message = await Gate(MemoryGrants()).run(jump, call("jump"), CONFIG)

    assert message.text == tool_calls.not_text("jump")


async def test_a_tool_cannot_change_the_arguments_that_the_checkpoint_keeps():
    async def eat(paths):
        paths.clear()
        return "eaten"

    # as JSON: a model of pydantic's would hand the tool a list of its own
    schema = {"type": "object", "properties": {"paths": {"type": "array"}}}
    greedy = StructuredTool(
        name="greedy", description="Eat.", args_schema=schema, coroutine=eat
    )
    wanted = call("greedy", {"paths": ["a"]})

    await Gate(MemoryGrants()).run(greedy, wanted, CONFIG)

    assert wanted["args"] == {"paths": ["a"]}


async def test_the_model_cannot_fill_what_only_the_program_may_inject():
    @tool
    async def tagged(path: str, call_id: Annotated[str, InjectedToolCallId]) -> str:
        """Tag."""
        return call_id

    gate = Gate(MemoryGrants())

    forged = await gate.run(
        tagged, call("tagged", {"path": "a", "call_id": "x"}), CONFIG
    )
    honest = await gate.run(tagged, call("tagged", call_id="B"), CONFIG)

    assert "there is no argument 'call_id'" in forged.text
    assert honest.text == "B"


async def test_a_schema_given_as_json_is_checked_for_names():
    remote = StructuredTool(
        name="remote",
        description="r",
        args_schema={
            "type": "object",
            "properties": {"path": {"type": "string"}},
            "required": ["path"],
        },
        coroutine=lambda **kwargs: _return("ok"),
    )
    gate = Gate(MemoryGrants())

    missing = await gate.run(remote, call("remote", {"other": 1}), CONFIG)
    fine = await gate.run(remote, call("remote", call_id="B"), CONFIG)

    assert "there is no argument 'other'" in missing.text
    assert fine.text == "ok"


async def test_a_call_without_a_thread_is_a_program_error():
    with pytest.raises(RuntimeError, match="thread_id"):
        await Gate(MemoryGrants()).run(Ledger().tool("peek"), call("peek"), {})


async def test_a_guarded_tool_asks_in_a_graph_of_langchain():
    ledger, grants = Ledger(), MemoryGrants(ask=ASK)
    guarded = [guard(t, Gate(grants)) for t in ledger.tools]
    model = ScriptedModel(
        script=[
            calls(("peek", {"path": "s"}, "S"), ("wipe", {"path": "a"}, "A")),
            "Done.",
        ]
    )
    agent = create_agent(model, guarded, checkpointer=InMemorySaver())
    await agent.ainvoke({"messages": [("human", "go")]}, CONFIG)
    (pending,) = (await agent.aget_state(CONFIG)).interrupts
    assert ledger.runs == ["peek s"]
    assert pending.value["type"] == "tool_approval"

    grants.approve("t1", "A")
    resume = Command(resume={pending.id: {"type": "approve"}})
    done = await agent.ainvoke(resume, CONFIG)

    assert ledger.runs == ["peek s", "wipe a"]
    assert done["messages"][-1].text == "Done."


async def test_mixed_up_answers_run_nothing_unapproved():
    ledger, grants = Ledger(), MemoryGrants(ask=frozenset({"wipe", "peek"}))
    node = ToolNode([guard(t, Gate(grants)) for t in ledger.tools])
    builder = StateGraph(State)
    builder.add_node("tools", node)
    builder.add_edge(START, "tools")
    graph = builder.compile(checkpointer=InMemorySaver())
    both = calls(("peek", {"path": "s"}, "S"), ("wipe", {"path": "a"}, "A"))
    await graph.ainvoke({"messages": [both]}, CONFIG)

    for _ in range(2):
        for pending in (await graph.aget_state(CONFIG)).interrupts:
            if (call_id := pending.value["tool_call_id"]) == "S":
                grants.approve("t1", call_id)
            kind = "approve" if call_id == "S" else "reject"
            resume = Command(resume={pending.id: {"type": kind}})
            await graph.ainvoke(resume, CONFIG)

    assert "wipe a" not in ledger.runs


async def test_a_guarded_tool_looks_the_same_and_runs_only_guarded():
    ledger = Ledger()
    inner = ledger.tool("wipe")
    guarded = guard(inner, Gate(MemoryGrants()))

    assert guarded.name == inner.name
    assert guarded.description == inner.description
    assert guarded.args == inner.args
    with pytest.raises(ValueError, match="whole ToolCall"):
        await guarded.ainvoke({"path": "a"})
    with pytest.raises(ValueError, match="whole ToolCall"):
        await guarded.ainvoke("a")
    with pytest.raises(NotImplementedError):
        guarded.invoke({"path": "a"})
    with pytest.raises(NotImplementedError):
        await guarded.arun({"path": "a"})
    assert ledger.runs == []


async def test_a_guarded_tool_runs_in_the_config_of_its_caller():
    ledger = Ledger()
    guarded = guard(ledger.tool("peek"), Gate(MemoryGrants()))

    message = await guarded.ainvoke(call("peek"), CONFIG)

    assert message.text == "peek did a"


def test_a_tool_without_its_own_schema_keeps_its_arguments():
    class Bare(BaseTool):
        name: str = "bare"
        description: str = "b"

        def _run(self, path: str) -> str:
            return path

    bare = Bare()
    assert bare.args_schema is None
    assert guard(bare).args == bare.args


async def test_a_guarded_tool_without_a_gate_runs_nothing():
    ledger = Ledger()
    alone = guard(ledger.tool("wipe"))
    call = {"type": "tool_call", "name": "wipe", "args": {"path": "a"}, "id": "1"}
    with pytest.raises(RuntimeError, match="nobody serves its graph"):
        await alone.ainvoke(call)
    assert ledger.runs == []


def test_a_tool_that_takes_state_cannot_be_guarded():
    class Args(BaseModel):
        path: str
        state: Annotated[dict, InjectedState]

    stateful = StructuredTool.from_function(
        func=lambda path, state: path,
        name="stateful",
        description="s",
        args_schema=Args,
    )

    with pytest.raises(ValueError, match="state would be injected"):
        guard(stateful, Gate(MemoryGrants()))


async def test_a_denied_call_does_not_run_and_says_why():
    ledger = Ledger()
    grants = MemoryGrants(denied={"wipe": "Never here."})
    answer = await Gate(grants).run(ledger.tool("wipe"), call(), CONFIG)
    assert answer.text == tool_calls.denied("Never here.")
    assert ledger.runs == []


async def test_a_tools_own_question_is_not_a_failure():
    ledger = Ledger()
    ledger.fail["peek"] = GraphInterrupt(())
    with pytest.raises(GraphInterrupt):
        await Gate(MemoryGrants()).run(ledger.tool("peek"), call("peek"), CONFIG)


@pytest.mark.parametrize("seen", ["x", ["x"], 1, None])
def test_what_was_seen_is_a_mapping_or_nothing(seen):
    assert read_decision({"type": "approve", "seen": seen}, "wipe") == Approved()


class Watched:
    """A tool that says what its path names, and notes what it was approved for."""

    def __init__(self) -> None:
        self.names = "first"
        self.looks = 0
        self.ran_for: list[object] = []

    @property
    def tool(self) -> SeeingTool:
        async def look(args):
            self.looks += 1
            return {args["path"]: self.names}

        async def wipe(path: str) -> str:
            """Wipe a path."""
            self.ran_for.append(approved_for.get())
            return f"wiped {path}"

        return SeeingTool.from_function(coroutine=wipe, name="wipe", look=look)


async def test_what_was_seen_with_the_question_reaches_the_tool():
    watched, grants = Watched(), MemoryGrants(ask=ASK)
    asked = Asked(grants, watched.tool)
    pending = await asked.ask()
    assert pending.value["seen"] == {"a": "first"}
    watched.names = "second"
    grants.approve("t1", "A")
    answer = {"type": "approve", "seen": pending.value["seen"]}
    await asked.graph.ainvoke(Command(resume={pending.id: answer}), CONFIG)
    assert watched.ran_for == [{"a": "first"}]
    assert approved_for.get() is None


async def test_what_the_claim_says_goes_before_what_the_answer_says():
    class Kept(MemoryGrants):
        async def claim(self, call, ruling):
            return replace(await super().claim(call, ruling), seen={"a": "kept"})

    watched, grants = Watched(), Kept(ask=ASK)
    asked = Asked(grants, watched.tool)
    pending = await asked.ask()
    grants.approve("t1", "A")
    answer = {"type": "approve", "seen": {"a": "told"}}
    await asked.graph.ainvoke(Command(resume={pending.id: answer}), CONFIG)
    assert watched.ran_for == [{"a": "kept"}]


async def test_a_call_asked_about_is_not_looked_at_again():
    class Kept(MemoryGrants):
        async def open(self, call):
            return replace(await super().open(call), is_asked=watched.looks > 0)

    watched, grants = Watched(), Kept(ask=ASK)
    asked = Asked(grants, watched.tool)
    pending = await asked.ask()
    grants.approve("t1", "A")
    answer = {"type": "approve", "seen": pending.value["seen"]}
    await asked.graph.ainvoke(Command(resume={pending.id: answer}), CONFIG)
    assert (watched.looks, watched.ran_for) == (1, [{"a": "first"}])


async def test_a_tool_that_cannot_say_asks_without():
    pending = await Asked(MemoryGrants(ask=ASK), Ledger().tool("wipe")).ask()
    assert "seen" not in pending.value
    assert pending.value["name"] == "wipe"
    assert pending.value["args"] == {"path": "a"}


def test_a_note_has_the_arguments_that_a_person_gave():
    def about(artifact):
        return ToolMessage("done", tool_call_id="c1", artifact=artifact)

    plain, given = about(noted("rejected")), about(noted("edited", {"path": "b"}))
    assert (note_on(plain), edited_args(plain)) == ("rejected", None)
    assert (note_on(given), edited_args(given)) == ("edited", {"path": "b"})
    assert plain.artifact == {"approval": {"word": "rejected"}}


async def test_arguments_are_filled_in_only_where_the_tool_takes_them():
    async def fill(args):
        return args | {"size": 3}

    def act(path: str):
        """Act on a path."""

    plain = StructuredTool.from_function(act)
    tool = FilledTool.from_function(act, fill=fill)
    assert await filled(tool, {"path": "a"}) == {"path": "a", "size": 3}
    assert await filled(tool, {"path": 1}) == {"path": 1}
    assert await filled(plain, {"path": "a"}) == {"path": "a"}
    assert await filled(None, {"path": "a"}) == {"path": "a"}
