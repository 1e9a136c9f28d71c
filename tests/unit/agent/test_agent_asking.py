"""A person's words become a decision, or they are asked again."""

from __future__ import annotations

import pytest
from langchain_core.tools import StructuredTool
from pydantic import BaseModel, ConfigDict

from agent.phrases.chat import CHOICES, NEW_ARGUMENTS, NOT_DECIDED, NOTHING_CHANGED
from agent.phrases.tool_calls import NO_OBJECT, STOP, no_number
from agent.terminal import Decision, ask_about, show_call
from tests.support.agent_stand_ins import FakePerson


class Transfer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    to: str
    amount: float
    urgent: bool = False


ARGS = {"to": "ACME", "amount": 2.5}
QUESTION = {"name": "transfer", "args": ARGS, "tool_call_id": "A"}
TOOL = StructuredTool.from_function(
    func=lambda **_: "done", name="transfer", description="pay", args_schema=Transfer
)


def decided(*lines: str) -> tuple[Decision, list[str]]:
    person = FakePerson(*lines)
    decision = ask_about(QUESTION, TOOL, person)
    assert not person.lines
    return decision, person.told


@pytest.mark.parametrize("line", ["approve", " Approve ", "yes", "y"])
def test_an_approval_is_for_the_arguments_that_were_shown(line: str):
    decision, told = decided(line)

    assert decision == Decision({"type": "approve"}, ARGS)
    assert told == []


def test_a_reject_takes_its_reason_along_and_approves_nothing():
    decision, _ = decided("reject  not on a Friday ")

    assert decision.approved is None
    assert decision.answer["type"] == "reject"
    assert "Reason: not on a Friday" in decision.answer["message"]
    assert decision.answer["message"].endswith(STOP)


@pytest.mark.parametrize("line", ["reject", "no", "n"])
def test_a_reject_needs_no_reason(line: str):
    decision, _ = decided(line)

    assert "reason" not in decision.answer["message"]
    assert decision.approved is None


def test_an_edit_keeps_the_types_that_were_typed_in():
    decision, _ = decided('edit {"to": "2", "amount": 3, "urgent": true}')

    edited = {"to": "2", "amount": 3, "urgent": True}
    assert decision.answer == {
        "type": "edit",
        "edited_action": {"name": "transfer", "args": edited},
    }
    assert decision.approved == edited
    assert decision.approved["urgent"] is True


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not valid JSON"),
        ("[1]", NO_OBJECT),
        ('{"to": "a", "to": "b", "amount": 1}', "the same key twice"),
        ('{"to": "a", "amount": NaN}', no_number("NaN")),
        ('{"to": "a", "amount": "2"}', "amount: input should be a valid number"),
        ('{"to": "a"}', "amount: field required"),
        ('{"to": "a", "amount": 1, "from": "b"}', "there is no argument 'from'"),
        ('{"amount": 2.5, "to": "ACME"}', NOTHING_CHANGED),
    ],
)
def test_an_edit_that_does_not_fit_is_asked_for_again(line: str, why: str):
    good = '{"to": "a", "amount": 1}'

    at_once, told_at_once = decided(f"edit {line}", good)
    asked, told = decided("edit", line, good)

    assert at_once == asked
    assert asked.approved == {"to": "a", "amount": 1}
    assert why in told_at_once[-1]
    assert why in told[-1]


def test_who_edits_sees_what_is_there_and_may_leave_it():
    person = FakePerson("edit", "", "approve")

    decision = ask_about(QUESTION, TOOL, person)

    assert decision.answer == {"type": "approve"}
    assert person.told == ['{"to": "ACME", "amount": 2.5}']
    assert person.prompts == [CHOICES, NEW_ARGUMENTS, CHOICES]


def test_an_answer_stands_in_for_the_tool():
    said = Decision({"type": "respond", "message": "it is paid already"})

    assert decided("answer it is paid already")[0] == said
    assert decided("answer", "it is paid already")[0] == said
    assert decided("answer", "", "answer it is paid already")[0] == said


@pytest.mark.parametrize(
    "line", ["", "approved", "a", "approve if it is small", "yes but 3", "ok", "{}"]
)
def test_other_words_decide_nothing(line: str):
    decision, told = decided(line, "reject")

    assert decision.approved is None
    assert told == [NOT_DECIDED]


@pytest.mark.parametrize("lines", [[], ["edit"], ["answer"], ["perhaps"]])
def test_nothing_is_decided_when_the_input_ends(lines: list[str]):
    with pytest.raises(EOFError):
        ask_about(QUESTION, TOOL, FakePerson(*lines))


def test_a_call_is_shown_whole_with_what_cannot_be_seen():
    person = FakePerson()

    show_call({"name": "wi\u202epe", "args": {"path": "a\u200b.txt", "n": 1}}, person)

    assert person.told == [
        "wi\\u202epe needs your approval:",
        '{\n  "path": "a\\u200b.txt",\n  "n": 1\n}',
    ]
