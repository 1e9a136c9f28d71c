"""The gate: an approved call with changed arguments."""

from __future__ import annotations

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import ToolException, tool

from agent.gate import edited_args, note_on, noted
from agent.grant_protocol import MemoryGrants
from agent.phrases import tool_calls
from agent.phrases.tool_calls import RUNNING
from tests.support.agent_stand_ins import Ledger
from tests.support.gated_call import ASK, CONFIG, Asked, Broken, call, decided, edit_to


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


async def test_an_edit_runs_its_arguments_and_tells_the_model():
    edit = {"type": "edit", "edited_action": {"name": "wipe", "args": {"path": "b"}}}

    message, runs = await decided(edit, args={"path": "b"})

    assert runs == ["wipe b"]
    assert '{"path": "b"}' in message.text
    assert message.text.endswith("wipe did b")
    assert edited_args(message) == {"path": "b"}


async def test_an_edit_is_told_in_its_own_letters():
    message, _ = await decided(edit_to("bär"), args={"path": "bär"})

    assert '{"path": "bär"}' in message.text


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


def test_a_note_has_the_arguments_that_a_person_gave():
    def about(artifact):
        return ToolMessage("done", tool_call_id="c1", artifact=artifact)

    plain, given = about(noted("rejected")), about(noted("edited", {"path": "b"}))
    assert (note_on(plain), edited_args(plain)) == ("rejected", None)
    assert (note_on(given), edited_args(given)) == ("edited", {"path": "b"})
    assert plain.artifact == {"approval": {"word": "rejected"}}
