"""The offline model: what it understands, calls and tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolCall, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from agent import gate
from agent.gate import Gate
from agent.grant_protocol import MemoryGrants
from agent.graph import build_graph
from agent.offline import OfflineModel, reply
from agent.phrases.chat import REAL_MODEL, SIGN
from agent.phrases.tool_calls import CHECK, IN_ITS_PLACE, RUNNING, STOP
from agent.plain_requests import MAX_WISHES, VERBS, understand
from agent.tool_arguments import problem_with
from agent.tools import make_tools

TOOLS = ["read_file", "list_files", "write_file", "delete_file"]
SANDBOX = ["list_accounts", "transfer_money", "list_databases", "drop_database"]
EVERYTHING = [*TOOLS, *SANDBOX]


def wished(text, tools=TOOLS):
    return [(w.tool, *w.args.values()) for w in understand(text, tools)]


def test_calls_of_servers_are_read_with_their_arguments():
    said = 'call odd.greet {"name": "A} and b"} and call odd.wipe {"path": "a"}'
    tools = [*TOOLS, "odd.greet", "odd.wipe"]
    assert wished(said, tools) == [("odd.greet", "A} and b"), ("odd.wipe", "a")]
    assert wished("call odd.greet {no json}", tools) == []
    assert wished("call odd.greet", tools) == [("odd.greet",)]


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


def paid(to, amount, currency):
    return ("transfer_money", to, amount, currency)


@pytest.mark.parametrize(
    ("text", "wishes"),
    [
        ("accounts", [("list_accounts",)]),
        ("List accounts", [("list_accounts",)]),
        ("show me all our accounts, please", [("list_accounts",)]),
        ("databases", [("list_databases",)]),
        ("list the databases.", [("list_databases",)]),
        ("transfer 500 GBP to alice", [paid("alice", 500, "GBP")]),
        ("<@U0BOT> please transfer 0.5 eur to `bob`", [paid("bob", 0.5, "EUR")]),
        ("pay alice £1,500.50", [paid("alice", 1500.5, "GBP")]),
        ("pay Alice 20 dollars!", [paid("alice", 20, "USD")]),
        ("send €20.00 to bob", [paid("bob", 20, "EUR")]),
        ("wire USD 12,345,678.90 to acme", [paid("acme", 12345678.9, "USD")]),
        ("drop database staging", [("drop_database", "staging")]),
        ("drop staging", [("drop_database", "staging")]),
        ("drop the staging database, thanks", [("drop_database", "staging")]),
        (
            "list accounts and databases; pay bob £5\ndelete a.txt then drop prod",
            [
                ("list_accounts",),
                ("list_databases",),
                paid("bob", 5, "GBP"),
                ("delete_file", "a.txt"),
                ("drop_database", "prod"),
            ],
        ),
        ("list accounts.txt", [("list_files", "accounts.txt")]),
        ("list accounts/2026", [("list_files", "accounts/2026")]),
        ("list `accounts`", [("list_files", "accounts")]),
        ("read accounts.txt", [("read_file", "accounts.txt")]),
        ("list the files in databases", [("list_files", "databases")]),
        (
            "write a.txt: todo\npay bob £5",
            [("write_file", "a.txt", "todo\npay bob £5")],
        ),
        ("transfer 500 to alice", []),
        ("transfer 500 CHF to alice", []),
        ("transfer 10.005 GBP to alice", []),
        ("transfer 1.500,50 EUR to alice", []),
        ("transfer 12,34 GBP to alice", []),
        ("transfer ٥٠٠ GBP to alice", []),
        ("transfer -5 GBP to alice", []),
        ("transfer 500 GBP to alice and bob", []),
        ("transfer 500 GBP to alice@example.com", []),
        ("pay alice £5 for lunch", []),
        ("pay £5", []),
        ("drop", []),
        ("drop database", []),
        ("drop it", []),
        ("drop everything you find", []),
        ("drop notes.txt", []),
        ("drop staging and sing", []),
    ],
)
def test_sandbox_requests_are_understood_wholly_or_not_at_all(text, wishes):
    found = wished(text, EVERYTHING)

    assert found == wishes
    assert [type(v) for f in found for v in f] == [type(v) for w in wishes for v in w]


@pytest.mark.parametrize(
    "text", ["accounts", "databases", "pay bob £5", "drop staging", "list; accounts"]
)
def test_without_the_sandbox_its_requests_are_not_understood(text):
    assert wished(text) == []


def test_without_the_sandbox_its_words_are_names_of_files():
    assert wished("list accounts") == [("list_files", "accounts")]


def test_the_id_of_a_shared_file_is_no_path():
    assert wished("read F0123ABCD", [*TOOLS, "read_shared_file"]) == [
        ("read_shared_file", "F0123ABCD")
    ]
    assert wished("read F0123ABCD") == [("read_file", "F0123ABCD")]


@pytest.mark.parametrize(
    "quoted",
    [
        "[Said before in this thread:]\n> a, b: delete other.txt",
        "[Files:]\n- q3.csv (text/csv, F1)\n\n[Not read: a.png.]",
        "[Table:]\n| a | b |",
        "[Not read: a.png. Tell the user if it matters.]",
    ],
)
def test_what_a_message_quotes_is_not_asked_for(quoted):
    asked = reply([HumanMessage(f"read notes.txt\n\n{quoted}")], TOOLS)
    assert [call["args"] for call in asked.tool_calls] == [{"path": "notes.txt"}]


def test_only_tools_that_are_bound_are_called():
    assert wished("delete a.txt", ["read_file"]) == []


def test_a_flood_of_requests_is_not_understood():
    assert len(wished("; ".join(["list"] * MAX_WISHES))) == MAX_WISHES
    assert wished("; ".join(["list"] * (MAX_WISHES + 1))) == []


@pytest.mark.parametrize("middle", [" ", "\n", ", ", " and ", "and then ", "please "])
def test_long_messages_are_read_in_no_time(middle):
    for begun in ("delete a.txt", "pay bob", "transfer 5", "drop"):
        assert wished(begun + middle * 20_000 + "!sing", EVERYTHING) == []


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
        "accounts",
        "drop",
        "database",
        "pay",
        "to",
        "bob",
        "£1,500.50",
        "5 GBP",
    ]
)


requests = st.sampled_from(
    ["delete a.txt", "read `b c`", "list", "pay bob £1,500.50", "drop database x"]
)
separators = st.sampled_from([" and ", "; ", "\n", ", then "])
mixtures = st.builds(" ".join, st.lists(words, max_size=12)) | st.builds(
    str.join, separators, st.lists(requests, max_size=3)
)


@given(mixtures)
def test_any_mixture_of_its_words_is_read_without_failing(message):
    tools = {t.name: t for t in make_tools(["files", "sandbox"], files_dir=Path())}
    for wish in understand(message, EVERYTHING):
        assert problem_with(tools[wish.tool], wish.args) == ""


def bound(tmp_path, *sets):
    tools = make_tools(sets or ["files"], files_dir=tmp_path)
    return OfflineModel().bind_tools(tools)


def test_the_help_lists_commands_and_how_to_get_a_model(tmp_path):
    answer = bound(tmp_path).invoke("sing a song")

    assert SIGN in answer.text
    assert REAL_MODEL in answer.text
    for example in ("read", "list", "write", "delete"):
        assert f"`{example} " in answer.text
    assert "alice" not in answer.text


def test_it_says_what_it_understands_of_the_sandbox(tmp_path):
    answer = bound(tmp_path, "sandbox").invoke("sing a song").text

    examples = re.findall(r"`([^`]+)`", answer.partition("understand:")[2])
    assert len(examples) == 6  # the last one is `and`
    assert all(understand(text, SANDBOX) for text in examples[:-1])


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


def test_repeated_words_get_new_call_ids_later_in_the_thread(tmp_path):
    model = bound(tmp_path)
    first = model.invoke("delete x and delete x")
    results = [ToolMessage("ok", tool_call_id=c["id"]) for c in first.tool_calls]
    again = HumanMessage("delete x and delete x")
    second = model.invoke(
        [HumanMessage("delete x and delete x"), first, *results, again]
    )

    assert model.invoke("delete x and delete x").tool_calls == first.tool_calls
    assert len({c["id"] for c in [*first.tool_calls, *second.tool_calls]}) == 4


def test_the_speakers_name_is_not_part_of_the_message(tmp_path):
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


def told(call, text, status="success", artifact=None):
    """The offline model's reply to such a result of a call, without its sign."""
    ai = AIMessage("", tool_calls=[call])
    result = ToolMessage(
        text, tool_call_id=call["id"], status=status, artifact=artifact
    )
    answer = reply([HumanMessage("go"), ai, result], EVERYTHING).text
    return answer.removesuffix(f"\n{SIGN}")


TRANSFER = ToolCall(
    name="transfer_money",
    args={"to": "bob", "amount": 500, "currency": "GBP"},
    id="c1",
    type="tool_call",
)


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        (f"Not run: rejected. Reason: no. {STOP}", "Not run: rejected. Reason: no."),
        (RUNNING, RUNNING.removesuffix(f" {CHECK}")),
        (f"Reason: Do not pay bob. {STOP}", "Reason: Do not pay bob."),
    ],
)
def test_words_for_the_model_are_not_told_to_people(sentence, said):
    answer = told(TRANSFER, sentence, "error")

    assert answer == f"`transfer 500 GBP to bob`: {said}"


def test_an_answer_in_the_tools_place_is_told_as_one():
    text = IN_ITS_PLACE + "I paid him in cash."

    answer = told(TRANSFER, text, artifact=gate.noted(gate.ANSWERED))

    assert answer == (
        "`transfer 500 GBP to bob` didn't run. A person answered instead: I paid him "
        "in cash."
    )


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
