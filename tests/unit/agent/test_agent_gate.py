"""The gate: what runs, and what is asked."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import InjectedToolCallId, StructuredTool, tool
from langgraph.types import Command

from agent import gate
from agent.gate import FilledTool, Gate, PlainTool, filled, note_on
from agent.grant_protocol import Call, MemoryGrants, Permission
from agent.phrases import tool_calls
from agent.phrases.tool_calls import STOP
from agent.tool_arguments import schema_of
from tests.support.agent_stand_ins import Ledger, PathArgs
from tests.support.gated_call import ASK, CONFIG, Asked, call, decided, edit_to


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


async def test_a_denied_call_does_not_run_and_says_why():
    ledger = Ledger()
    grants = MemoryGrants(denied={"wipe": "Never here."})
    answer = await Gate(grants).run(ledger.tool("wipe"), call(), CONFIG)
    assert answer.text == tool_calls.denied("Never here.")
    assert ledger.runs == []


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


@pytest.mark.parametrize("given", ["a.txt", {"path": "a.txt"}])
async def test_a_plain_tools_function_takes_the_arguments_of_a_call(given: Any):
    async def act(path: str) -> str:
        """Say what was asked for."""
        return f"did {path}"

    assert await PlainTool.from_function(coroutine=act).ainvoke(given) == "did a.txt"
