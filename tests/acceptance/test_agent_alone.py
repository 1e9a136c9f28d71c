"""`python -m agent` from outside: chat, approve at the prompt, go on after the end."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.phrases.tool_calls import NO_REASON
from tests.support.agent_process import PROMPT, QUESTION, AgentProcess, run_agent
from tests.support.bot_process import free_port

SECRET = "Zx9-never-shown"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / ".data" / "files"
    folder.mkdir(parents=True)
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(f"this is {name}")
    return folder


@pytest.fixture(params=["sqlite", "postgres"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return request.getfixturevalue("empty_database")
    return f"sqlite:{tmp_path / 'kept.db'}"


async def test_reading_is_free_and_an_approval_is_one_word(tmp_path: Path, files: Path):
    agent = await AgentProcess.start(tmp_path, fresh=True)
    greeting = await agent.until(PROMPT)
    read = await agent.type("read a.txt", PROMPT)
    asked = await agent.type("delete a.txt", QUESTION)
    assert (files / "a.txt").exists()
    done = await agent.type("approve", PROMPT)
    outcome = await agent.end()

    assert "offline model" in greeting
    assert "kept in memory only" in greeting
    assert "this is a.txt" in read
    assert json.loads(asked[asked.index("{") : asked.index("}") + 1]) == {
        "path": "a.txt"
    }
    assert "Deleted a.txt." in done
    assert not (files / "a.txt").exists()
    assert (outcome.status, outcome.err) == (0, "")


async def test_a_reject_reaches_the_agent_with_its_reason(tmp_path: Path, files: Path):
    outcome = await run_agent(
        tmp_path, lines=("delete a.txt", "reject it is still needed")
    )

    assert NO_REASON in outcome.out
    assert "it is still needed" in outcome.out
    assert (files / "a.txt").exists()
    assert outcome.status == 0


async def test_an_edit_is_checked_and_runs_with_its_own_arguments(
    tmp_path: Path, files: Path
):
    outcome = await run_agent(
        tmp_path,
        lines=(
            "write a.txt: new",
            'edit {"path": "c.txt", "text": 7}',
            '{"path": "c.txt"}',
            '{"path": "c.txt", "text": "7"}',
        ),
    )

    assert "text: input should be a valid string" in outcome.out
    assert "text: field required" in outcome.out
    assert (files / "c.txt").read_text() == "7"
    assert (files / "a.txt").read_text() == "this is a.txt"
    assert outcome.status == 0


async def test_an_answer_stands_in_for_the_tool(tmp_path: Path, files: Path):
    outcome = await run_agent(
        tmp_path, lines=("delete a.txt", "answer I have moved it to the archive")
    )

    assert "I have moved it to the archive\n(offline model)" in outcome.out
    assert (files / "a.txt").exists()


async def test_several_calls_are_asked_one_by_one(tmp_path: Path, files: Path):
    lines = ("delete a.txt and delete b.txt", "reject", "approve")
    outcome = await run_agent(tmp_path, lines=lines)

    assert outcome.out.count(QUESTION) == 2
    assert (files / "a.txt").exists()
    assert not (files / "b.txt").exists()


async def test_what_cannot_be_seen_is_shown(tmp_path: Path, files: Path):
    outcome = await run_agent(tmp_path, lines=("write x.txt: a\u202eb\x1b[2J",))

    assert r'"text": "a\u202eb\u001b[2J"' in outcome.out
    assert not {"\u202e", "\x1b"} & set(outcome.out)


async def test_killed_before_the_answer_it_goes_on_and_acts_once(
    tmp_path: Path, files: Path, lasting: str
):
    where = ("--checkpointer", lasting, "--thread", "one")
    first = await AgentProcess.start(tmp_path, *where)
    await first.until(PROMPT.strip() + " ")
    await first.type("delete a.txt and read b.txt", QUESTION)
    await first.kill()

    second = await AgentProcess.start(tmp_path, *where)
    asked = await second.until(QUESTION)
    assert "cut off" in asked
    assert '"path": "a.txt"' in asked
    assert (files / "a.txt").exists()
    done = await second.type("approve", PROMPT)
    assert "Deleted a.txt." in done
    assert "this is b.txt" in done
    assert not (files / "a.txt").exists()
    (files / "a.txt").write_text("another file of this name")
    await second.kill()

    third = await run_agent(tmp_path, *where)
    assert "approval" not in third.out
    assert (files / "a.txt").exists()
    assert (third.status, third.err) == (0, "")


async def test_a_question_stays_open_when_the_input_ends(
    tmp_path: Path, files: Path, lasting: str
):
    left = await run_agent(tmp_path, "--checkpointer", lasting, lines=("delete a.txt",))
    other = await run_agent(tmp_path, "--checkpointer", lasting, "--thread", "other")
    back = await run_agent(tmp_path, "--checkpointer", lasting, lines=("approve",))

    assert (left.status, back.status) == (0, 0)
    assert "The question stays open" in left.out
    assert "approval" not in other.out
    assert "Deleted a.txt." in back.out
    assert not (files / "a.txt").exists()


async def test_an_interrupt_of_the_person_leaves_the_question_open(
    tmp_path: Path, files: Path
):
    where = ("--checkpointer", f"sqlite:{tmp_path / 'kept.db'}")
    agent = await AgentProcess.start(tmp_path, *where)
    await agent.until("> ")
    await agent.type("delete a.txt", QUESTION)
    agent.process.send_signal(signal.SIGINT)
    outcome = await agent.end()
    back = await run_agent(tmp_path, *where, lines=("reject",))

    assert outcome.status == 130
    assert "The question stays open" in outcome.out
    assert outcome.err == ""
    assert "needs your approval" in back.out
    assert (files / "a.txt").exists()


async def test_a_memory_forgets_and_says_so(tmp_path: Path, files: Path):
    left = await run_agent(tmp_path, lines=("delete a.txt",))
    back = await run_agent(tmp_path, lines=("approve",))

    assert "is forgotten" in left.out
    assert "needs your approval" not in back.out
    assert (files / "a.txt").exists()
    assert (left.status, back.status) == (0, 0)


async def test_the_drawing_needs_nothing(tmp_path: Path):
    outcome = await run_agent(tmp_path, "--mermaid", TOOLS="nonsense")

    assert "graph TD;" in outcome.out
    assert "call --> model;" in outcome.out
    assert (outcome.status, outcome.err) == (0, "")
    assert os.listdir(tmp_path) == []


REFUSED = {
    "other words": ("redis", "memory, sqlite:PATH or postgresql://"),
    "another URL": (f"mysql://u:{SECRET}@db/x", "memory, sqlite:PATH or postgresql://"),
    "no path": ("sqlite:", "memory, sqlite:PATH or postgresql://"),
    "a folder": ("sqlite:.", "unable to open database file"),
    "no folder": ("sqlite:nowhere/kept.db", "in a folder that exists"),
    "no database": ("sqlite:plain.txt", "file is not a database"),
    "nobody there": (
        f"postgresql://u:{SECRET}@127.0.0.1:{free_port()}/x",
        "Connection refused",
    ),
    "a bad URL": (f"postgresql://u:%{SECRET}@h/x", "libpq cannot read"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_checkpointer_that_cannot_be_used_ends_with_one_line(
    tmp_path: Path, name: str
):
    where, words = REFUSED[name]
    (tmp_path / "plain.txt").write_text("this is no database" * 100)

    outcome = await run_agent(tmp_path, "--checkpointer", where)

    [line] = outcome.err.splitlines()
    assert words in line
    assert SECRET not in line
    assert outcome.status == 2
    assert outcome.out == ""


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"TOOLS": "files,nonsense"}, "TOOLS: There are no tools 'nonsense'"),
        ({"FILES_DIR": "plain.txt/files"}, "FILES_DIR=plain.txt/files can't be used"),
    ],
)
async def test_a_setting_that_cannot_be_used_ends_with_one_line(
    tmp_path: Path, environment: dict[str, str], words: str
):
    (tmp_path / "plain.txt").touch()

    outcome = await run_agent(tmp_path, **environment)

    [line] = outcome.err.splitlines()
    assert words in line
    assert outcome.status == 2


async def test_the_file_of_settings_is_read_below_the_environment(tmp_path: Path):
    (tmp_path / ".env").write_text("FILES_DIR=elsewhere\nTOOLS=nonsense\n")

    outcome = await run_agent(tmp_path, lines=("list",), TOOLS="files")

    assert (tmp_path / "elsewhere").is_dir()
    assert (outcome.status, outcome.err) == (0, "")


async def test_a_lost_database_ends_the_chat_with_a_sentence(
    tmp_path: Path, files: Path
):
    database = tmp_path / "kept.db"
    agent = await AgentProcess.start(tmp_path, "--checkpointer", f"sqlite:{database}")
    await agent.until("> ")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE checkpoints")
    outcome = await agent.end("list")

    assert outcome.status == 1
    [line] = outcome.err.splitlines()
    assert "cannot be stored any more (no such table: checkpoints)" in line


async def test_an_unreachable_model_server_is_reported_in_a_sentence(tmp_path: Path):
    server = {
        "OPENAI_API_KEY": SECRET,
        "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1",
        "OPENAI_MODEL": "some-model",
    }
    outcome = await run_agent(tmp_path, lines=("hello",), **server)

    assert "with some-model" in outcome.out
    assert "The model server cannot be reached" in outcome.out
    assert SECRET not in outcome.out
    assert (outcome.status, outcome.err) == (0, "")


async def test_tools_of_servers_wait_for_the_prompt_too(tmp_path: Path):
    config = tmp_path / "mcp.json"
    config.write_text('{"mcpServers": {"time": {"command": "mcp-server-time"}}}')
    agent = await AgentProcess.start(tmp_path, MCP_CONFIG=str(config))
    await agent.until(PROMPT)
    asked = await agent.type("what is the time in Europe/Paris?", QUESTION)
    done = await agent.type("approve", PROMPT)
    outcome = await agent.end()

    assert "time.get_current_time" in asked
    assert '"timezone": "Europe/Paris"' in done
    assert (outcome.status, outcome.err) == (0, "")
    refused = await run_agent(tmp_path, MCP_CONFIG="no-such-file")
    assert refused.status == 2
    assert "MCP_CONFIG=no-such-file cannot be read" in refused.err
