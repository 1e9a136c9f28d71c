"""The offline model: what it understands, calls and tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agent.gate import Gate
from agent.grants import MemoryGrants
from agent.graph import build_graph
from agent.offline import REAL_MODEL, SIGN, OfflineModel
from agent.phrases import MAX_WISHES, VERBS, understand
from agent.tools import make_tools

TOOLS = ["read_file", "list_files", "write_file", "delete_file"]


def wished(text, tools=TOOLS):
    return [(w.tool, *w.args.values()) for w in understand(text, tools)]


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("read notes.txt", [("read_file", "notes.txt")]),
        ("READ notes.txt.", [("read_file", "notes.txt")]),
        ("show me the file notes.txt", [("read_file", "notes.txt")]),
        ("list", [("list_files",)]),
        ("list files", [("list_files",)]),
        ("List all the files, please", []),
        ("list all files, please", [("list_files",)]),
        ("list reports", [("list_files", "reports")]),
        ("list the files in reports", [("list_files", "reports")]),
        (
            "write a.txt: hello: you; and me",
            [("write_file", "a.txt", "hello: you; and me")],
        ),
        ("write a.txt:\none\ntwo", [("write_file", "a.txt", "one\ntwo")]),
        (
            "write a.txt: one\ntwo\ndelete b.txt",
            [("write_file", "a.txt", "one\ntwo"), ("delete_file", "b.txt")],
        ),
        (
            'write a.txt: "one" and read b.txt',
            [("write_file", "a.txt", "one"), ("read_file", "b.txt")],
        ),
        (
            "<@U0BOT> please delete `reports/q3.csv`",
            [("delete_file", "reports/q3.csv")],
        ),
        ("<@U0BOT|bot>: remove 'my file.txt'", [("delete_file", "my file.txt")]),
        ("can you delete x, please?", [("delete_file", "x")]),
        (
            "delete a.txt and delete b.txt",
            [("delete_file", "a.txt"), ("delete_file", "b.txt")],
        ),
        (
            "delete a.txt and b.txt",
            [("delete_file", "a.txt"), ("delete_file", "b.txt")],
        ),
        (
            "delete a.txt, b.txt and then `c`",
            [("delete_file", "a.txt"), ("delete_file", "b.txt"), ("delete_file", "c")],
        ),
        ("list and delete x", [("list_files",), ("delete_file", "x")]),
        (
            "read a.txt; list\ndelete b.txt then read c.txt",
            [
                ("read_file", "a.txt"),
                ("list_files",),
                ("delete_file", "b.txt"),
                ("read_file", "c.txt"),
            ],
        ),
        ("delete a.txt and b.txt but not c.txt", []),
        ("delete everything you find", []),
        ("delete", []),
        ("write a.txt", []),
        ("what is in there?", []),
        ("delete a.txt and sing", []),
        ("", []),
        ("<@U0BOT>", []),
    ],
)
def test_plain_requests_are_understood_whole_or_not_at_all(text, wishes):
    assert wished(text) == wishes


def test_only_tools_that_are_bound_are_called():
    assert wished("delete a.txt", ["read_file"]) == []


def test_a_flood_of_requests_is_not_understood():
    assert len(wished("; ".join(["list"] * MAX_WISHES))) == MAX_WISHES
    assert wished("; ".join(["list"] * (MAX_WISHES + 1))) == []


@pytest.mark.parametrize("middle", [" ", "\n", ", ", " and ", "and then ", "please "])
def test_long_messages_are_read_in_no_time(middle):
    assert wished("delete a.txt" + middle * 20_000 + "!sing") == []


words = st.sampled_from(
    [
        *VERBS,
        "a.txt",
        "`b c`",
        "and",
        "then",
        ";",
        "\n",
        ",",
        ":",
        "the",
        "file",
        '"',
        "<@U1>",
    ]
)


@given(st.lists(words, max_size=12))
def test_any_mixture_of_its_words_is_read_without_failing(found):
    for wish in understand(" ".join(found), TOOLS):
        assert wish.tool in TOOLS
        assert all(isinstance(value, str) for value in wish.args.values())


def bound(tmp_path):
    return OfflineModel().bind_tools(make_tools(["files"], files_dir=tmp_path))


def test_it_says_what_it_understands_and_how_to_get_a_real_model(tmp_path):
    answer = bound(tmp_path).invoke("sing a song")

    assert SIGN in answer.text
    assert REAL_MODEL in answer.text
    for example in ("read", "list", "write", "delete"):
        assert f"`{example} " in answer.text


def test_without_tools_it_says_so():
    assert "no tools" in OfflineModel().invoke("delete x").text


def test_several_requests_become_several_calls_of_one_turn(tmp_path):
    answer = bound(tmp_path).invoke("list and delete x")

    assert [(c["name"], c["args"]) for c in answer.tool_calls] == [
        ("list_files", {}),
        ("delete_file", {"path": "x"}),
    ]


async def test_a_stream_adds_up_to_the_same_answer(tmp_path):
    model = bound(tmp_path)
    for text in ("delete a and delete `b c`", "sing"):
        whole = model.invoke(text)
        added = None
        for chunk in model.stream(text):
            added = chunk if added is None else added + chunk
        pieces = [chunk async for chunk in model.astream(text)]

        assert added.text == whole.text == "".join(p.text for p in pieces)
        assert added.tool_calls == whole.tool_calls
        assert len(pieces) > 1 or whole.tool_calls


def test_the_same_words_get_the_same_calls_but_new_ids_later_in_the_thread(tmp_path):
    model = bound(tmp_path)
    first = model.invoke("delete x and delete x")
    results = [ToolMessage("ok", tool_call_id=c["id"]) for c in first.tool_calls]
    again = HumanMessage("delete x and delete x")
    second = model.invoke(
        [HumanMessage("delete x and delete x"), first, *results, again]
    )

    assert model.invoke("delete x and delete x").tool_calls == first.tool_calls
    assert len({c["id"] for c in [*first.tool_calls, *second.tool_calls]}) == 4


def test_a_writer_in_front_of_the_message_is_no_part_of_it(tmp_path):
    speaker = {"speaker": {"id": "U1", "name": "Mina: delete y"}}
    message = HumanMessage("Mina: delete y (U1): delete x", additional_kwargs=speaker)

    (call,) = bound(tmp_path).invoke([message]).tool_calls

    assert call["args"] == {"path": "x"}


def test_results_that_would_end_the_block_stay_inside_it(tmp_path):
    model = bound(tmp_path)
    ai = model.invoke("read a")
    result = ToolMessage("```\n*free*", tool_call_id=ai.tool_calls[0]["id"])

    told = model.invoke([HumanMessage("read a"), ai, result]).text

    assert told.count("```") == 2


async def test_a_whole_conversation_with_the_real_graph(tmp_path):
    (tmp_path / "notes.txt").write_text("buy milk")
    (tmp_path / "old.txt").write_text("x")
    (tmp_path / "keep.txt").write_text("x")
    grants = MemoryGrants(ask=frozenset({"delete_file"}))
    tools = make_tools(["files"], files_dir=tmp_path)
    graph = build_graph(OfflineModel(), tools, Gate(grants))
    graph = graph.copy(update={"checkpointer": InMemorySaver()})
    config = {"configurable": {"thread_id": "t1"}}

    async def say(text):
        return await graph.ainvoke({"messages": [HumanMessage(text)]}, config)

    done = await say("read notes.txt, then list")
    told = done["messages"][-1].text
    assert "`notes.txt` reads:\n```\nbuy milk\n```" in told
    assert "keep.txt (1 bytes)" in told

    await say("delete old.txt and keep.txt")
    answers = {}
    for pending in (await graph.aget_state(config)).interrupts:
        if pending.value["args"]["path"] == "old.txt":
            grants.approve("t1", pending.value["tool_call_id"])
            answers[pending.id] = {"type": "approve"}
        else:
            answers[pending.id] = {"type": "reject", "message": "It timed out."}
    done = await graph.ainvoke(Command(resume=answers), config)

    told = done["messages"][-1].text
    assert told.splitlines() == [
        "Deleted old.txt.",
        "`delete keep.txt`: It timed out.",
        SIGN,
    ]
    assert not (tmp_path / "old.txt").exists()
    assert (tmp_path / "keep.txt").exists()
    answered = [m for m in done["messages"] if isinstance(m, AIMessage)]
    ids = [c["id"] for m in answered for c in m.tool_calls]
    assert len(set(ids)) == len(ids) == 4
