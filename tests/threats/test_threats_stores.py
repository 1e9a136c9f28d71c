"""Threats of what is stored: a row that was put there does not run code."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from agent.checkpointers import is_strict
from agent.tools.files import FileError, delete, read, write
from tests.support.agent_parts import make_agent
from tests.support.house import House
from tests.support.root import ROOT

CODES = range(8)  # LangGraph's extension types, whatever each of them is


def crafted(marker: Path) -> list[tuple[str, bytes]]:
    """Values that would make a file, in each form that a saver may read."""
    command = f"touch {marker}"
    packed = [
        ormsgpack.packb(
            ormsgpack.Ext(code, ormsgpack.packb(("os", "system", given, *more)))
        )
        for code in CODES
        for given in (command, [command], {"command": command})
        for more in ((), ("__call__",))
    ]
    lc = {"lc": 2, "type": "constructor", "id": ["os", "system"], "args": [command]}
    evil = pickle.dumps(Evil(command))
    return [
        *(("msgpack", each) for each in packed),
        ("json", json.dumps(lc).encode()),
        ("pickle", evil),
    ]


class Evil:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> Any:
        return os.system, (self.command,)


def test_threat_39_checkpoints_are_read_strictly_in_this_process():
    assert is_strict()


def test_threat_39_a_crafted_value_runs_nothing(tmp_path: Path):
    marker = tmp_path / "ran"
    serde = JsonPlusSerializer()
    for kind, data in crafted(marker):
        with suppress(Exception):  # refused, or read as plain values
            serde.loads_typed((kind, data))
    assert not marker.exists()


async def test_threat_39_a_crafted_checkpoint_row_fails_closed(
    house: House, tmp_path: Path
):
    marker = tmp_path / "ran"
    agent = make_agent(house, ("wipe", {"path": "a"}), "Over.")
    conversation = await agent.say()
    for kind, data in crafted(marker)[:12]:
        await house.rows("UPDATE checkpoint_blobs SET type = %s, blob = %s", kind, data)
        saver = AsyncPostgresSaver(house.pool)  # type: ignore[arg-type]
        with suppress(Exception):
            await saver.aget_tuple({"configurable": {"thread_id": conversation}})
    assert not marker.exists()
    assert agent.ledger.runs == []


def test_threat_39_a_process_that_is_not_strict_does_not_start(tmp_path: Path):
    code = (
        "import langgraph.checkpoint.serde.jsonplus\n"
        "from bot.commands.cli import main\n"
        "raise SystemExit(main(['run']))"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://x@127.0.0.1:1/x",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 2
    assert "LANGGRAPH_STRICT_MSGPACK" in done.stderr


@pytest.mark.parametrize(
    "thread", ["x') OR '1'='1", "../other", "", "\x00", "%s", "00000000-0000-0000"]
)
async def test_threat_40_no_id_from_outside_names_a_conversation(
    house: House, thread: str
):
    """A thread's id is ours, made from where a message stands."""
    rows = await house.rows("SELECT id FROM conversations WHERE thread_ts = %s", "0.1")
    assert rows == []
    if "\x00" in thread:
        return
    conversation = await house.write(thread_ts=thread)
    assert len(conversation) == 36
    assert conversation != thread


@pytest.mark.parametrize(
    "path",
    [
        "../policy.yml",
        "/etc/passwd",
        "a/../../policy.yml",
        "./../policy.yml",
        ".sandbox",
        "..",
        "a\u202e/b",
        "x" * 2_000,
    ],
)
def test_threat_30_no_tool_reaches_the_policy_or_the_bots_own_files(
    tmp_path: Path, path: str
):
    root = tmp_path / "files"
    root.mkdir()
    policy = tmp_path / "policy.yml"
    policy.write_text("version: 1")
    for act in (read, delete, lambda r, p: write(r, p, "approval: none")):
        with pytest.raises(FileError):
            act(root, path)
    assert policy.read_text() == "version: 1"
