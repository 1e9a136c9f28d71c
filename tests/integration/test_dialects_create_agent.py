"""`create_agent` with LangChain's approval, read and answered in its dialects."""

from __future__ import annotations

import pytest

from bot.approvals.model import Verdict
from bot.conversations import dialects
from bot.conversations.dialects.interface import Stop, Unfit
from tests.support.agents import MODES, Office, pay, turn, wipe
from tests.support.payloads import ALL, APPROVED, REJECTED, TIMED_OUT, answered, edited

YES_NO = {"allowed_decisions": ["approve", "reject"]}


async def asked(office):
    """The questions and the calls in them, whichever mode asks."""
    questions = [dialects.read(i, {}) for i in await office.say()]
    return questions, [call for q in questions for call in q.calls]


async def decide(office, questions, decisions):
    """Hand the decisions over in the order of the calls, all in one map."""
    rest = iter(decisions)
    await office.resume(
        {
            q.interrupt: dialects.answer(q, [next(rest) for _ in q.calls])
            for q in questions
        }
    )
    return await office.results()


@pytest.mark.parametrize("mode", MODES)
async def test_each_call_is_read_with_its_name_and_arguments(mode):
    questions, calls = await asked(Office([turn(pay(), wipe())], mode))
    assert len(questions) == (1 if mode == "batched" else 2)
    assert {q.dialect for q in questions} == {mode}
    assert [(c.name, c.arguments) for c in calls] == [
        ("pay", {"to": "Ada", "amount": 7}),
        ("wipe", {"name": "prod"}),
    ]
    assert {*calls[0].allowed} == {*Verdict} - {Verdict.WITHDRAW}
    assert [c.tool_call for c in calls] == (
        ["", ""] if mode == "batched" else ["P", "W"]
    )
    assert bool(calls[0].schema) is (mode == "per_call")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("decided", "ran", "status", "told"),
    [
        (APPROVED, ["pay Ada 7"], "success", "paid"),
        (REJECTED, [], "error", REJECTED.message),
        (TIMED_OUT, [], "error", "timed out"),
        (edited(to="Bo", amount=3), ["pay Bo 3"], "success", '"amount": 3'),
        (answered("Paid by hand."), [], "success", "Paid by hand."),
    ],
    ids=["approve", "reject", "timed out", "edit", "answer"],
)
async def test_each_decision_has_its_effect(mode, decided, ran, status, told):
    office = Office([turn(pay()), "Done."], mode)
    questions, _ = await asked(office)
    results = await decide(office, questions, [decided])
    assert office.ran == ran
    assert results["P"][0] == status
    assert told in results["P"][1]
    assert (await office.messages())[-1].text == "Done."


@pytest.mark.parametrize("mode", MODES)
async def test_several_calls_are_each_decided_for_itself(mode):
    office = Office(
        [turn(pay(1, "A"), wipe("x", "B"), pay(2, "C"), pay(3, "D")), "Done."], mode
    )
    questions, calls = await asked(office)
    assert len(calls) == 4
    decisions = [REJECTED, APPROVED, edited(to="Bo", amount=9), TIMED_OUT]
    results = await decide(office, questions, decisions)
    assert sorted(office.ran) == ["pay Bo 9", "wipe x"]
    assert {c: r[0] for c, r in results.items()} == {
        "A": "error",
        "B": "success",
        "C": "success",
        "D": "error",
    }


@pytest.mark.parametrize("mode", MODES)
async def test_allowed_decisions_are_those_of_each_tool(mode):
    office = Office(
        [turn(pay(), wipe()), "Done."],
        mode,
        {"pay": YES_NO, "wipe": {"allowed_decisions": ["reject", "edit"]}},
    )
    questions, calls = await asked(office)
    assert [{*c.allowed} for c in calls] == [
        {Verdict.APPROVE, Verdict.REJECT},
        {Verdict.EDIT, Verdict.REJECT},
    ]
    for decisions in (
        [APPROVED, APPROVED],
        [edited(to="Bo", amount=1), REJECTED],
        [answered("x"), REJECTED],
    ):
        with pytest.raises(Unfit):
            await decide(office, questions, decisions)
    await decide(office, questions, [APPROVED, edited(name="test")])
    assert sorted(office.ran) == ["pay Ada 7", "wipe test"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("decided", [REJECTED, TIMED_OUT], ids=["no", "late"])
async def test_a_respond_only_tool_gets_a_no_as_its_result(mode, decided):
    office = Office(
        [turn(("ask", {"what": "When?"}, "Q")), "Done."],
        mode,
        {"ask": {"allowed_decisions": ["respond"]}},
    )
    questions, [call] = await asked(office)
    assert {*call.allowed} == {Verdict.ANSWER, Verdict.REJECT}
    results = await decide(office, questions, [decided])
    assert (office.ran, results["Q"]) == ([], ("success", decided.message))


@pytest.mark.parametrize("mode", MODES)
async def test_a_reject_that_is_not_allowed_stops_the_turn(mode):
    office = Office(
        [turn(pay())], mode, {"pay": {"allowed_decisions": ["approve", "edit"]}}
    )
    [question], _ = await asked(office)
    assert isinstance(dialects.answer(question, [REJECTED]), Stop)
    assert office.ran == []


@pytest.mark.parametrize("mode", MODES)
async def test_an_edit_keeps_the_tool_and_the_types(mode):
    office = Office([turn(pay()), "Done."], mode)
    questions, _ = await asked(office)
    await decide(office, questions, [edited(to="7", amount=7)])
    assert office.ran == ["pay 7 7"]


async def test_an_unfit_edit_leaves_the_question_open():
    office = Office([turn(pay()), "Done."])
    questions, _ = await asked(office)
    for bad in (edited(to="Bo", amount="3"), edited(to="Bo"), edited(amount=3)):
        with pytest.raises(Unfit, match="do not fit the tool"):
            await decide(office, questions, [bad])
    assert len(await office.pending()) == 1
    await decide(office, questions, [APPROVED])
    assert office.ran == ["pay Ada 7"]


@pytest.mark.parametrize("allowed", [ALL[:n] for n in range(1, 5)], ids=str)
async def test_allowed_decisions_are_read_from_the_middlewares_schema(allowed):
    gated = {"pay": {"allowed_decisions": allowed}}
    [question], [call] = await asked(Office([turn(pay())], "per_call", gated))
    assert question.dialect == "per_call"
    words = {"respond" if v is Verdict.ANSWER else str(v) for v in call.allowed}
    assert words == {*allowed, "reject"}
    assert bool(call.schema) is ("edit" in allowed)
