"""A conversation in a terminal goes on where a crash has cut it off."""

from __future__ import annotations

import pytest
from langchain_core.messages import ToolMessage
from langgraph.types import Interrupt

from agent.phrases.tool_calls import NOT_APPROVED, RUNNING, STOP
from agent.terminal import Decision, SessionState
from tests.support.agent_stand_ins import Ledger, calls
from tests.support.terminal_parts import Alone, open_session

A, B = {"path": "a"}, {"path": "b"}
APPROVE = Decision({"type": "approve"}, A)
REJECT = Decision({"type": "reject", "message": "No."})


class Crash(BaseException):
    """The process is gone at this point."""


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def edit(args: dict[str, object], tool: str = "wipe") -> Decision:
    action = {"name": tool, "args": args}
    return Decision({"type": "edit", "edited_action": action}, args)


def results(alone: Alone) -> dict[str, str]:
    """The results that the model read last, by tool call."""
    shown = alone.model.seen[-1]
    return {m.tool_call_id: m.text for m in shown if isinstance(m, ToolMessage)}


async def go_on(alone: Alone) -> SessionState:
    state = await alone.session.go_on()
    assert state is not None
    return state


def one(state: SessionState) -> Interrupt:
    [question] = state.questions
    return question


async def test_new_and_finished_threads_have_nothing_to_continue(
    lasting: str, ledger: Ledger
):
    async with open_session(lasting, ["Hello."], ledger) as first:
        assert await first.session.go_on() is None
        assert await first.session.look() == SessionState((), "")
        assert (await first.session.say("hi")).answer == "Hello."

    async with open_session(lasting, [], ledger) as second:
        assert await second.session.go_on() is None


async def test_a_question_waits_for_the_next_process(lasting: str, ledger: Ledger):
    script = [calls(("peek", B, "B"), ("wipe", A, "A"))]
    async with open_session(lasting, script, ledger) as first:
        before = one(await first.session.say("go"))

    async with open_session(lasting, ["Done."], ledger) as second:
        question = one(await go_on(second))
        done = await second.session.decide([(question, APPROVE)])

        assert question == before
        assert question.value["args"] == A
        assert done == SessionState((), "Done.")
        assert results(second) == {"A": "wipe did a", "B": "peek did b"}
    assert ledger.runs == ["peek b", "wipe a"]


async def test_several_questions_are_answered_in_one_map(lasting: str, ledger: Ledger):
    script = [calls(("wipe", A, "A"), ("drop", B, "B"), ("wipe", B, "C")), "Done."]
    async with open_session(lasting, script, ledger) as alone:
        asked = {
            q.value["tool_call_id"]: q
            for q in (await alone.session.say("go")).questions
        }
        decided = [
            (asked["A"], REJECT),
            (asked["B"], edit({"path": "c"}, "drop")),
            (asked["C"], Decision({"type": "respond", "message": "It is gone."})),
        ]
        done = await alone.session.decide(decided)

        assert done == SessionState((), "Done.")
        assert ledger.runs == ["drop c"]
        assert results(alone)["A"] == f"No. {STOP}"
        assert results(alone)["B"].endswith("drop did c")
        assert results(alone)["C"].endswith("It is gone.")


@pytest.mark.parametrize("args", [A, B])
async def test_a_call_cut_off_is_unknown_and_never_repeated(
    lasting: str, ledger: Ledger, args: dict[str, object]
):
    ledger.fail["wipe"] = Crash()
    decision = APPROVE if args == A else edit(args)
    async with open_session(lasting, [calls(("wipe", A, "A"))], ledger) as first:
        question = one(await first.session.say("go"))
        with pytest.raises(Crash):
            await first.session.decide([(question, decision)])

    ledger.fail.clear()
    async with open_session(lasting, ["Oh."], ledger) as second:
        state = await go_on(second)

        assert state.unknown == (question.value,)
        assert (state.questions, state.answer) == ((), "Oh.")
        assert results(second)["A"].endswith(RUNNING)
        assert await second.session.go_on() is None
    assert ledger.runs == [f"wipe {args['path']}"]


async def test_a_call_finished_before_a_crash_returns_its_result(
    lasting: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    async with open_session(lasting, [calls(("wipe", A, "A"))], ledger) as first:
        question = one(await first.session.say("go"))
        finish = first.kept.grants.finish

        async def finish_and_crash(*given: object) -> None:
            await finish(*given)
            raise Crash

        monkeypatch.setattr(first.kept.grants, "finish", finish_and_crash)
        with pytest.raises(Crash):
            await first.session.decide([(question, edit(B))])

    async with open_session(lasting, ["Done."], ledger) as second:
        assert await go_on(second) == SessionState((), "Done.")
        assert '{"path": "b"}' in results(second)["A"]
        assert results(second)["A"].endswith("wipe did b")
    assert ledger.runs == ["wipe b"]


async def test_a_reject_after_a_failed_claim_runs_nothing(
    lasting: str, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    """LangGraph keeps the first answer of a task that raised; the grants do not."""
    script = [calls(("wipe", A, "A")), "Done."]
    async with open_session(lasting, script, ledger) as alone:
        question = one(await alone.session.say("go"))

        async def fail(*given: object) -> None:
            raise RuntimeError("no database")

        with monkeypatch.context() as patch:
            patch.setattr(alone.kept.grants, "claim", fail)
            with pytest.raises(RuntimeError):
                await alone.session.decide([(question, APPROVE)])
        again = one(await alone.session.look())
        await alone.session.decide([(again, REJECT)])

        assert ledger.runs == []
        assert results(alone) == {"A": NOT_APPROVED}


async def test_a_turn_cut_off_in_the_model_continues(lasting: str, ledger: Ledger):
    script = [calls(("peek", A, "A")), RuntimeError("gone")]
    async with open_session(lasting, script, ledger) as first:
        with pytest.raises(RuntimeError):
            await first.session.say("go")

    async with open_session(lasting, ["Done."], ledger) as second:
        assert await go_on(second) == SessionState((), "Done.")
        assert results(second) == {"A": "peek did a"}
    assert ledger.runs == ["peek a"]


async def test_two_terminals_on_one_question_run_it_once(lasting: str, ledger: Ledger):
    script = [calls(("wipe", A, "A"))]
    async with (
        open_session(lasting, script, ledger) as one_terminal,
        open_session(lasting, [], ledger) as other,
    ):
        one_terminal.model.script.append("Done.")
        question = one(await one_terminal.session.say("go"))
        same = one(await other.session.look())
        await one_terminal.session.decide([(question, APPROVE)])

        assert await other.session.decide([(same, REJECT)]) == SessionState((), "Done.")
    assert ledger.runs == ["wipe a"]


async def test_threads_are_apart(lasting: str, ledger: Ledger):
    script = [calls(("wipe", A, "A"))]
    async with open_session(lasting, script, ledger) as first:
        await first.session.say("go")

    async with open_session(lasting, [], ledger, thread="t2") as second:
        assert await second.session.go_on() is None
