"""The gate: what happens when a tool or the database fails."""

from __future__ import annotations

import asyncio

import pytest
from langchain_core.tools import ToolException
from langgraph.errors import GraphInterrupt

from agent.gate import Gate, OutcomeUnknown
from agent.grant_protocol import Claim, MemoryGrants
from agent.phrases import tool_calls
from agent.phrases.tool_calls import RUNNING
from tests.support.agent_stand_ins import Ledger
from tests.support.gated_call import ASK, CONFIG, Asked, Broken, call


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


async def test_a_tools_own_question_is_not_a_failure():
    ledger = Ledger()
    ledger.fail["peek"] = GraphInterrupt(())
    with pytest.raises(GraphInterrupt):
        await Gate(MemoryGrants()).run(ledger.tool("peek"), call("peek"), CONFIG)
