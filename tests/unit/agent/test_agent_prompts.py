"""The parts of the prompt about the date, the people and the history."""

from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from agent.phrases.tool_calls import UNRECORDED
from agent.prompts import MAX_NAME, SYSTEM, render

TODAY = dt.date(2026, 11, 23)


def said(text, user="U1", name="Mina"):
    speaker = {"id": user, "name": name}
    return HumanMessage(text, additional_kwargs={"speaker": speaker})


def test_the_system_prompt_names_the_day_and_the_last_speaker():
    system, _ = render([said("hi")], TODAY)

    assert "Monday, 2026-11-23" in system.text
    assert system.text.endswith("Mina (U1) wrote the last message.")


def test_with_one_speaker_messages_stand_as_they_are():
    shown = render([said("hi"), AIMessage("Hello."), said("bye")], TODAY)

    assert [m.text for m in shown[1:]] == ["hi", "Hello.", "bye"]


def test_with_several_speakers_each_message_starts_with_its_writer():
    stored = [said("hi"), AIMessage("Hello."), said("and me", "U2", "Otto")]

    shown = render(stored, TODAY)

    texts = [m.text for m in shown[1:]]
    assert texts == ["Mina (U1): hi", "Hello.", "Otto (U2): and me"]
    assert "Otto (U2) wrote the last message" in shown[0].text
    assert [m.text for m in stored] == ["hi", "Hello.", "and me"]


def test_a_message_without_speaker_is_no_reason_to_fail():
    odd = HumanMessage("x", additional_kwargs={"speaker": "U1"})

    shown = render([HumanMessage("hi"), odd, said("me")], TODAY)

    assert [m.text for m in shown[1:]] == [
        "somebody: hi",
        "somebody: x",
        "Mina (U1): me",
    ]


@given(st.text(st.characters()), st.text(st.characters()))
def test_a_name_stays_on_its_line_and_is_short(user, name):
    system, _ = render([said("hi", user, name)], TODAY)

    added = system.text.removeprefix(SYSTEM.format(today="Monday, 2026-11-23"))
    assert len(added.splitlines()) <= 2
    assert len(added) <= 2 * MAX_NAME + 60
    assert added.replace("\n", "").isprintable()


def test_a_missing_result_is_filled_in_only_for_the_model():
    ai = AIMessage(
        "",
        tool_calls=[
            {"name": "wipe", "args": {}, "id": "A", "type": "tool_call"},
            {"name": "peek", "args": {}, "id": "S", "type": "tool_call"},
        ],
    )
    stored = [said("go"), ai, ToolMessage("did", tool_call_id="S"), said("well?")]

    shown = render(stored, TODAY)

    assert [m.type for m in shown] == ["system", "human", "ai", "tool", "tool", "human"]
    assert (shown[3].tool_call_id, shown[3].text) == ("A", UNRECORDED)
    assert len(stored) == 4
