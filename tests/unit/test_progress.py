"""Streams get safe words only, and steps in plain words."""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessageChunk, ToolMessage
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.tools import ToolException
from langgraph.errors import GraphInterrupt

from agent.live_words import ANSWER
from bot.slack.cards.answer import harmless
from bot.slack.progress import (
    MOST_STREAMED,
    Progress,
    Shown,
    State,
    Step,
    Watch,
    is_worth_it,
    next_chunks,
    settled,
)
from bot.slack.render import Drawn
from bot.slack.stream_ends import Streamed, _more
from bot.slack.streaming import _doing, thread_title

HOSTILE = (
    *("<!channel>", "<@U0MINA0000>", "<!here|all>", "<http://evil.example|a bank>"),
    *("[bank.com](http://evil.example)", "@channel", "&lt;!channel&gt;"),
    *("sk-abcdefgh12345678", "password='two words'", "<think>no</think>"),
    *("![x](http://e.example/?q=1)", "[a]: http://evil.example", "word", " ", "\n"),
)


def grown(pieces: list[str]) -> tuple[str, Shown]:
    """All that stands after each piece was looked at as it came."""
    progress, shown, stands = Progress(), Shown(), ""
    for piece in pieces:
        progress = progress.said("m", piece)
        chunks, shown = next_chunks(progress, shown)
        stands += "".join(chunk["text"] for chunk in chunks)
        assert harmless(stands) == stands
    return stands, shown


@given(st.lists(st.sampled_from(HOSTILE), max_size=12), st.integers(1, 9))
def test_cut_anywhere_no_text_pings_or_hides_a_link(pieces: list[str], size: int):
    text = "".join(pieces)
    cut = [text[at : at + size] for at in range(0, len(text), size)]
    stands, shown = grown(cut)
    whole = settled(Progress().said("m", text).parts[0].text, is_over=True)  # type: ignore[union-attr]
    assert shown.is_broken or whole.startswith(stands)


def test_thoughts_and_unfinished_words_are_not_shown():
    stands, _ = grown(["<thi", "nk>secret ", "plan</think>", "Hello ", "wor"])
    assert stands == "Hello"


def test_a_secret_is_masked_before_any_of_it_stands():
    stands, _ = grown(["The key is sk-", "abcdefgh", "12345678", " so ", "go "])
    assert "abcdefgh" not in stands
    key, _ = grown(["It is -----BEGIN ", "RSA PRIVATE KEY-----\n", "MIIE abc\n"])
    assert key == "It is"


def test_a_step_is_told_as_work_then_as_done():
    step = Step("t", "read_file", {"path": "notes/todo.txt"})
    progress = Progress().said("m", "I look. ").began(step)
    first, shown = next_chunks(progress, Shown())
    assert [c.get("text", c.get("title")) for c in first] == [
        "I look.",
        "Reading notes/todo.txt",
    ]
    progress = progress.ended("t", "done", "a\nb\nc").said("n", "It says abc. ")
    [done, words], shown = next_chunks(progress, shown)
    assert (done["title"], done["status"]) == ("Read notes/todo.txt", "complete")
    assert (done["output"], words["text"]) == ("3 lines", "It says abc.")
    assert next_chunks(progress, shown)[0] == []
    assert shown.answer(progress) == ("It says abc.", "")


def test_a_status_says_what_is_done_unless_a_stream_does():
    reading = Progress().began(Step("t", "read_file", {"path": "notes/todo.txt"}))
    assert _doing(Progress(), streams=False)[0] == "is thinking…"
    assert _doing(reading, streams=False)[0] == "is reading notes/todo.txt…"
    assert _doing(reading, streams=True)[0] == ""


@pytest.mark.parametrize(
    ("tool", "arguments", "title"),
    [
        ("list_files", {}, "Listing files in the folder"),
        ("list_files", {"path": "."}, "Listing files in the folder"),
        (
            "send_email",
            {"to": ["a@x.io", "b@x.io"]},
            "Sending an e-mail to a@x.io, b@x.io",
        ),
        ("delete_file", {"path": "<!channel>"}, "Deleting ＜!channel>"),
        ("search_the_web", {"query": "x"}, "Running search the web"),
        ("write_file", {"path": "x" * 900}, "Writing xxx"),
    ],
)
def test_titles_are_short_and_harmless(tool: str, arguments: dict, title: str):
    progress = Progress().began(Step("t", tool, arguments))
    [chunk], _ = next_chunks(progress, Shown())
    assert chunk["title"].startswith(title)
    assert len(chunk["title"]) <= 256


@pytest.mark.parametrize(
    ("state", "result", "output"),
    [
        ("done", "Deleted.", "Deleted."),
        ("done", "word " * 40, "1 line"),
        ("done", '{"a": 1}', None),
        ("failed", "There is no such file.\nLook again.", "There is no such file."),
        ("failed", "", "It broke off with an error."),
        ("asks", "", "Waiting for an answer"),
    ],
)
def test_an_output_is_one_short_line(state: State, result: str, output: str | None):
    progress = Progress().began(Step("t", "peek", {})).ended("t", state, result)
    [chunk], _ = next_chunks(progress, Shown())
    assert chunk.get("output") == output


def test_an_output_does_not_say_the_title_again():
    step = Step("t", "delete_file", {"path": "a.txt"})
    progress = Progress().began(step).ended("t", "done", "Deleted a.txt.")
    [chunk], _ = next_chunks(progress, Shown())
    assert (chunk["title"], chunk.get("output")) == ("Deleted a.txt", None)


def test_one_quick_step_begins_no_message():
    progress = Progress().began(Step("a", "read_file", {}))
    assert not is_worth_it(progress, next_chunks(progress, Shown())[0])
    progress = progress.began(Step("b", "read_file", {}))
    assert is_worth_it(progress, next_chunks(progress, Shown())[0])


def test_a_long_answer_leaves_room_for_its_end():
    stands, shown = grown(["word " * 1_000, "word " * 1_000, "word "])
    assert (len(stands) <= MOST_STREAMED, shown.is_broken) == (True, True)


def test_only_the_rest_is_added_to_what_stands():
    drawn = Drawn("", [{"type": "markdown", "text": "Hello Ravi"}], said="Hello Ravi")
    assert _more(Streamed("Hello"), drawn) == {"markdown_text": " Ravi", "blocks": None}
    assert _more(Streamed("", "\n\n"), drawn)["markdown_text"] == "\n\nHello Ravi"
    assert _more(Streamed("Goodbye"), drawn) is None
    assert _more(None, drawn) is None
    assert _more(Streamed(""), Drawn("A sentence.", [])) is None


def test_only_calls_that_are_marked_are_heard():
    watch, run = Watch(), uuid4()
    thought = AIMessageChunk([{"type": "thinking", "thinking": "hm"}])
    for message, tags in (
        (AIMessageChunk("inner "), ["seq:step:1"]),
        (AIMessageChunk("Hello "), [ANSWER]),
        (thought, [ANSWER]),
    ):
        chunk = ChatGenerationChunk(message=message)
        watch.on_llm_new_token("", chunk=chunk, run_id=run, tags=tags)
    [words] = watch.progress.parts
    assert words.raw == "Hello "  # type: ignore[union-attr]


def test_tools_are_followed_to_their_ends():
    watch, runs = Watch(), [uuid4() for _ in range(4)]
    for run in runs:
        watch.on_tool_start({"name": "peek"}, "", run_id=run, inputs={"path": "a"})
    failed = ToolMessage("no", tool_call_id="1", status="error")
    watch.on_tool_end("fine", run_id=runs[0])
    watch.on_tool_end(failed, run_id=runs[1])
    watch.on_tool_error(ToolException("No such file."), run_id=runs[2])
    watch.on_tool_error(GraphInterrupt(()), run_id=runs[3])
    states = [step.state for step in watch.progress.steps]
    assert states == ["done", "failed", "failed", "asks"]
    results = [step.result for step in watch.progress.steps]
    assert results == ["fine", "no", "No such file.", ""]
    watch.on_tool_error(ValueError("at 0x7f"), run_id=runs[2])
    assert watch.progress.steps[2].result == ""
    assert watch.progress.at is None


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("delete README.txt", "delete README.txt"),
        ("\n  read <@U1>'s <#C1|general>  file\n\n> quoted", "read …'s … file"),
        ("tell @channel <!here> & <b>", "tell ＠channel … & <b>"),
        ("a\u202eb\tc", "a\\u{202E}b c"),
        ("x" * 300, "x" * 79 + "…"),
        ("<@U1>", ""),
        (" \n", ""),
    ],
)
def test_a_title_is_the_first_line_made_harmless(said: str, title: str):
    assert thread_title(said) == title
