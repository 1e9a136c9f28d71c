"""The graph with the real LangGraph, its real saver and a scripted model."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.errors import UnknownInterruptError
from langgraph.types import Command

from agent.gate import Gate, edited_args
from agent.grant_protocol import MemoryGrants
from agent.graph import MAX_CALL, MAX_REJECTS, MAX_STEPS, build_graph, in_call_order
from agent.phrases.chat import too_many_steps
from agent.phrases.tool_calls import NO_REASON, STOP, denied, no_tool
from tests.support.agent_stand_ins import Ledger, ScriptedModel, calls

APPROVE = {"type": "approve"}
REJECT = {"type": "reject"}


class SlowFirst(MemoryGrants):
    """Whose look at one call takes longer than at the others."""

    async def open(self, call):
        await asyncio.sleep(0.05 * (call.tool_call_id == "1"))
        return await super().open(call)


class Thread:
    """One conversation with one compiled graph."""

    def __init__(self, script, grants=None):
        self.ledger = Ledger()
        self.grants = grants or MemoryGrants(ask=frozenset({"wipe"}))
        self.model = ScriptedModel(script=list(script), seen=[])
        # As strict as the bot's saver: no type but those on LangGraph's own list.
        saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=[]))
        graph = build_graph(
            self.model,
            self.ledger.tools,
            Gate(self.grants),
            today=lambda: dt.date(2026, 11, 23),
        )
        self.graph = graph.copy(update={"checkpointer": saver})
        self.config = {
            "configurable": {"thread_id": "t1", "__pregel_strict_resume": True}
        }

    async def run(self, given):
        return await self.graph.ainvoke(given, self.config, durability="sync")

    async def say(self, text="go", **kwargs):
        message = HumanMessage(text, additional_kwargs=kwargs)
        return await self.run({"messages": [message]})

    async def answer(self, decisions):
        """Resume by tool call id, as a map of interrupt ids."""
        waiting = {i.value["tool_call_id"]: i.id for i in await self.waiting()}
        for call_id, decision in decisions.items():
            if decision["type"] in {"approve", "edit"}:
                edited = decision.get("edited_action", {}).get("args")
                self.grants.approve("t1", call_id, edited)
        resume = {waiting[call_id]: d for call_id, d in decisions.items()}
        return await self.run(Command(resume=resume))

    async def waiting(self):
        return (await self.graph.aget_state(self.config)).interrupts

    async def messages(self):
        return (await self.graph.aget_state(self.config)).values["messages"]

    async def results(self):
        found = [m for m in await self.messages() if isinstance(m, ToolMessage)]
        return {m.tool_call_id: (m.status, m.text) for m in found}


async def test_questions_stand_in_the_order_of_the_calls():
    wipes = (("wipe", {"path": "a"}, "1"), ("wipe", {"path": "b"}, "2"))
    thread = Thread([calls(*wipes)], SlowFirst(ask=frozenset({"wipe"})))
    values = await thread.say()

    asked = values["__interrupt__"]
    came = [question.value["tool_call_id"] for question in asked]
    ordered = in_call_order(asked, values["messages"])
    assert came == ["2", "1"]
    assert [question.value["tool_call_id"] for question in ordered] == ["1", "2"]


def test_its_edges_say_where_the_model_may_send_it():
    edges = Thread([]).graph.get_graph().edges
    ways = {edge.target for edge in edges if edge.source == "model"}
    assert ways == {"call", "model", "__end__"}


async def test_an_answer_without_calls_ends_the_turn():
    thread = Thread(["Hello."])

    done = await thread.say("hi")

    assert done["messages"][-1].text == "Hello."
    assert (await thread.graph.aget_state(thread.config)).next == ()


async def test_a_safe_call_runs_unasked_and_returns_its_result():
    thread = Thread([calls(("peek", {"path": "a"})), "Done."])

    await thread.say()

    assert thread.ledger.runs == ["peek a"]
    assert thread.model.seen[1][-1].text == "peek did a"
    assert await thread.waiting() == ()


async def test_a_call_that_needs_approval_raises_langchains_per_call_interrupt():
    thread = Thread([calls(("wipe", {"path": "a"}, "call_x"))])

    await thread.say()

    (pending,) = await thread.waiting()
    assert pending.value == {
        "type": "tool_approval",
        "tool_call_id": "call_x",
        "name": "wipe",
        "args": {"path": "a"},
        "description": "wipe needs a person's approval.",
    }
    assert thread.ledger.runs == []


async def test_safe_siblings_run_once_and_others_run_when_approved():
    thread = Thread(
        [
            calls(
                ("wipe", {"path": "a"}, "A"),
                ("peek", {"path": "s"}, "S"),
                ("wipe", {"path": "b"}, "B"),
                ("wipe", {"path": "c"}, "C"),
            ),
            "All answered.",
        ]
    )

    await thread.say()
    assert thread.ledger.runs == ["peek s"]

    await thread.answer({"B": APPROVE})
    assert thread.ledger.runs == ["peek s", "wipe b"]
    assert {i.value["tool_call_id"] for i in await thread.waiting()} == {"A", "C"}

    await thread.answer({"C": REJECT})
    assert {i.value["tool_call_id"] for i in await thread.waiting()} == {"A"}
    done = await thread.answer({"A": APPROVE})

    assert thread.ledger.runs == ["peek s", "wipe b", "wipe a"]
    assert done["messages"][-1].text == "All answered."
    results = await thread.results()
    assert results["A"] == ("success", "wipe did a")
    assert results["B"] == ("success", "wipe did b")
    assert results["S"] == ("success", "peek did s")
    assert results["C"][0] == "error"


async def test_two_answers_in_one_map_are_both_given():
    thread = Thread(
        [calls(("wipe", {"path": "a"}, "A"), ("wipe", {"path": "b"}, "B")), "Ok."]
    )
    await thread.say()

    await thread.answer({"A": REJECT, "B": APPROVE})

    assert thread.ledger.runs == ["wipe b"]
    assert (await thread.results())["A"][0] == "error"


async def test_an_approved_tool_that_raises_ends_as_an_error_result():
    thread = Thread([calls(("wipe", {"path": "a"}, "A")), "It failed."])
    thread.ledger.fail["wipe"] = RuntimeError("password=hunter2")
    await thread.say()

    done = await thread.answer({"A": APPROVE})

    assert done["messages"][-1].text == "It failed."
    assert (await thread.results())["A"] == ("error", "wipe failed: RuntimeError.")
    assert await thread.waiting() == ()


async def test_a_reject_after_a_failed_approved_call_runs_nothing():
    thread = Thread([calls(("wipe", {"path": "a"}, "A")), "It failed."])
    thread.ledger.fail["wipe"] = RuntimeError("boom")
    await thread.say()
    (pending,) = await thread.waiting()
    await thread.answer({"A": APPROVE})

    with pytest.raises(UnknownInterruptError):
        await thread.run(Command(resume={pending.id: REJECT}))

    assert thread.ledger.runs == ["wipe a"]


async def test_strict_resume_refuses_an_id_that_does_not_wait():
    thread = Thread([calls(("wipe", {"path": "a"}, "A"))])
    await thread.say()

    with pytest.raises(UnknownInterruptError):
        await thread.run(Command(resume={"0" * 32: APPROVE}))

    assert thread.ledger.runs == []
    assert len(await thread.waiting()) == 1


async def test_a_malformed_decision_runs_nothing_and_the_thread_goes_on():
    thread = Thread([calls(("wipe", {"path": "a"}, "A")), "Not done."])
    await thread.say()

    done = await thread.answer({"A": {"type": "yes please"}})

    assert thread.ledger.runs == []
    assert done["messages"][-1].text == "Not done."


async def test_two_resumes_at_once_run_the_tool_once():
    thread = Thread([calls(("wipe", {"path": "a"}, "A")), "Done.", "Done."])
    await thread.say()
    (pending,) = await thread.waiting()
    thread.grants.approve("t1", "A")

    await asyncio.gather(
        thread.run(Command(resume={pending.id: APPROVE})),
        thread.run(Command(resume={pending.id: APPROVE})),
        return_exceptions=True,
    )

    assert thread.ledger.runs == ["wipe a"]


async def test_an_approval_of_which_no_grant_knows_runs_nothing():
    thread = Thread([calls(("wipe", {"path": "a"}, "A")), "Not done."])
    await thread.say()
    (pending,) = await thread.waiting()

    await thread.run(Command(resume={pending.id: APPROVE}))

    assert thread.ledger.runs == []
    assert (await thread.results())["A"][0] == "error"


async def test_the_model_is_told_which_tools_there_are():
    thread = Thread([calls(("rm -rf", {"path": "a"}, "A")), "Oh."])

    await thread.say()

    status, text = (await thread.results())["A"]
    assert status == "error"
    assert text == no_tool("rm_-rf", ["peek", "wipe"])


async def test_arguments_that_do_not_fit_the_schema_ask_nobody():
    thread = Thread([calls(("wipe", {"path": 7}, "A"), ("wipe", {}, "B")), "Oh."])

    await thread.say()

    assert await thread.waiting() == ()
    results = await thread.results()
    assert "path: input should be a valid string" in results["A"][1]
    assert "path: field required" in results["B"][1]


async def test_unreadable_calls_are_answered_while_their_siblings_run():
    unreadable = calls(
        ("peek", {"path": "s"}, "S"),
        invalid_tool_calls=[
            {"name": "wipe", "args": '{"path": ', "id": "I", "error": "x\ny"}
        ],
    )
    thread = Thread([unreadable, "Ok."])

    await thread.say()

    assert thread.ledger.runs == ["peek s"]
    status, text = (await thread.results())["I"]
    assert status == "error"
    assert text.startswith("The arguments are not valid JSON.")


async def test_unreadable_calls_alone_go_back_to_the_model():
    broken = AIMessage(
        "", invalid_tool_calls=[{"name": None, "args": None, "id": None, "error": None}]
    )
    thread = Thread([broken, "Sorry."])

    done = await thread.say()

    assert done["messages"][-1].text == "Sorry."
    ai, answer = thread.model.seen[1][-2:]
    assert answer.tool_call_id == ai.invalid_tool_calls[0]["id"]


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", "a\0b", 2**53, [{"x": -(2**53)}]]
)
async def test_values_that_cannot_be_stored_never_reach_the_gate(value):
    thread = Thread([calls(("wipe", {"path": value}, "A")), "Oh."])

    await thread.say()

    assert await thread.waiting() == ()
    status, text = (await thread.results())["A"]
    assert status == "error"
    assert text.startswith("The arguments have")


async def test_ids_that_a_server_repeats_are_replaced():
    first = calls(("peek", {"path": "a"}, "X"), ("peek", {"path": "b"}, "X"), id="m")
    second = calls(("peek", {"path": "c"}, "X"), ("peek", {"path": "d"}, None), id="m")
    thread = Thread([first, second, AIMessage("Done.", id="m")])

    await thread.say()

    assert thread.ledger.runs == ["peek a", "peek b", "peek c", "peek d"]
    messages = await thread.messages()
    ids = [c["id"] for m in messages if isinstance(m, AIMessage) for c in m.tool_calls]
    assert len(set(ids)) == 4
    assert ids == [m.tool_call_id for m in messages if isinstance(m, ToolMessage)]
    assert len({m.id for m in messages}) == len(messages) == 8


async def test_a_model_that_never_stops_is_stopped():
    thread = Thread([calls(("nothing", {}, f"c{n}")) for n in range(MAX_STEPS + 5)])

    done = await thread.say()

    assert done["messages"][-1].text == too_many_steps(MAX_STEPS)
    assert len(thread.model.seen) == MAX_STEPS


def wipes(*paths, name="wipe"):
    return calls(*((name, {"path": path}, f"id_{path}") for path in paths))


async def test_after_three_rejects_the_turn_ends_and_says_so():
    thread = Thread([wipes("a"), wipes("b"), wipes("c"), "Never said."])
    await thread.say()
    await thread.answer({"id_a": REJECT})
    await thread.answer({"id_b": {"type": "reject", "message": "It timed out."}})

    done = await thread.answer({"id_c": REJECT})

    assert len(thread.model.seen) == 3
    assert await thread.waiting() == ()
    last = done["messages"][-1]
    assert isinstance(last, AIMessage)
    assert not last.tool_calls
    assert f"because {MAX_REJECTS} of my calls were rejected" in last.text
    for path in "abc":
        assert f'- `wipe(path="{path}")`\n' in last.text
    assert "other calls" not in last.text


async def test_three_rejects_end_the_turn_and_list_the_other_calls():
    both = calls(
        *(("wipe", {"path": path}, path) for path in "abcd"),
        ("peek", {"path": "s"}, "S"),
    )
    thread = Thread([both, "Never said."])
    await thread.say()

    await thread.answer({"a": REJECT, "b": REJECT, "c": REJECT})
    assert {i.value["tool_call_id"] for i in await thread.waiting()} == {"d"}
    done = await thread.answer({"d": APPROVE})

    assert len(thread.model.seen) == 1
    assert thread.ledger.runs == ["peek s", "wipe d"]
    told = done["messages"][-1].text
    assert '- `wipe(path="d")`: wipe did d' in told
    assert '- `peek(path="s")`: peek did s' in told


async def test_a_new_message_starts_to_count_anew():
    thread = Thread([wipes("a", "b"), "Hm.", wipes("c"), "Still here."])
    await thread.say()
    await thread.answer({"id_a": REJECT, "id_b": REJECT})
    await thread.say("try c")

    done = await thread.answer({"id_c": REJECT})

    assert done["messages"][-1].text == "Still here."


async def test_only_a_rejects_own_mark_counts_and_never_a_text():
    grants = MemoryGrants(
        ask=frozenset({"wipe"}), denied={"peek": f"{NO_REASON} {STOP}"}
    )
    thread = Thread(
        [wipes("a", "b", "c", name="peek"), wipes("d", "e", "f"), "Still here."],
        grants,
    )
    await thread.say()
    odd = {"type": "respond", "message": NO_REASON}

    done = await thread.answer({"id_d": odd, "id_e": {"type": "?"}, "id_f": APPROVE})

    assert done["messages"][-1].text == "Still here."


async def test_a_long_call_is_shortened_without_breaking_its_code_span():
    path = "`\n" + "x" * 2 * MAX_CALL
    thread = Thread([calls(*(("wipe", {"path": path}, c) for c in "abc"))])
    await thread.say()

    done = await thread.answer(dict.fromkeys("abc", REJECT))

    lines = [x for x in done["messages"][-1].text.split("\n") if x.startswith("- ")]
    assert len(lines) == 3
    assert all(line.count("`") == 2 for line in lines)
    assert all(len(line) < MAX_CALL + 10 for line in lines)


async def test_the_model_sees_an_edited_call_as_it_ran():
    thread = Thread([wipes("a"), "I see."])
    await thread.say()

    edit = {"type": "edit", "edited_action": {"name": "wipe", "args": {"path": "z"}}}
    await thread.answer({"id_a": edit})

    assert thread.ledger.runs == ["wipe z"]
    shown = thread.model.seen[1][-1]
    assert shown.text.startswith("A person changed the arguments of this call")
    assert '{"path": "z"}' in shown.text
    assert edited_args(shown) == {"path": "z"}


async def test_a_denied_call_reaches_the_model_with_the_reason():
    grants = MemoryGrants(denied={"wipe": "Nothing is wiped here."})
    thread = Thread([calls(("wipe", {"path": "a"}, "A")), "No."], grants)

    await thread.say()

    assert (await thread.results())["A"] == (
        "error",
        denied("Nothing is wiped here."),
    )
    assert thread.ledger.runs == []


async def test_a_failing_model_leaves_the_thread_as_it_was():
    thread = Thread([ConnectionError("down"), "Back."])
    with pytest.raises(ConnectionError):
        await thread.say("hello")

    done = await thread.run(None)

    assert [m.text for m in done["messages"]] == ["hello", "Back."]


async def test_the_model_is_told_the_date_and_the_speaker():
    thread = Thread(["Hi."])

    await thread.say("hi", speaker={"id": "U1", "name": "Mina"})

    system = thread.model.seen[0][0].text
    assert "Today is Monday, 2026-11-23." in system
    assert "Mina (U1) wrote the last message." in system


async def test_a_message_on_a_waiting_thread_leaves_no_open_call():
    thread = Thread([calls(("wipe", {"path": "a"}, "A")), "Ok."])
    await thread.say()

    await thread.say("never mind")

    shown = thread.model.seen[1]
    assert [m.type for m in shown] == ["system", "human", "ai", "tool", "human"]
    assert shown[3].tool_call_id == "A"
    assert thread.ledger.runs == []


def test_two_tools_of_one_name_are_refused():
    tool = Ledger().tool("peek")

    with pytest.raises(ValueError, match="same name"):
        build_graph(ScriptedModel(script=[]), [tool, tool], Gate(MemoryGrants()))


def test_the_nodes_have_the_names_that_are_stored():
    graph = build_graph(ScriptedModel(script=[]), [], Gate(MemoryGrants()))

    assert set(graph.nodes) == {"__start__", "model", "call"}
    assert graph.checkpointer is None
    assert set(graph.get_output_jsonschema()["properties"]) == {"messages", "before"}
    assert not {"name", "args", "id"} & set(graph.channels)
