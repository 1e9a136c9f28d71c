"""Conversations survive a restart; a broken file does not stop one."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from bot.simulator import Simulator, demo_workspace, sample_files
from tests.support.demo import GENERAL, RAVI


def simulator(file: Path) -> Simulator:
    return Simulator(demo_workspace(), bot_token="xoxb-1", state_file=file)


def contents(folder: Path) -> list[str]:
    return [each.read_text() for each in folder.iterdir()]


async def test_a_restart_shows_the_same_conversations(tmp_path: Path):
    file = tmp_path / "deep" / "state.json"
    first = simulator(file)
    first.workspace.clock = lambda: 4_000_000_000.0
    root = await first.post_message(RAVI, GENERAL, "hello")
    await first.post_message(RAVI, GENERAL, "again", root)
    await first.close()
    second = simulator(file)
    assert second.messages(GENERAL) == first.messages(GENERAL)
    later = await second.post_message(RAVI, GENERAL, "later", root)
    assert float(later) > 4_000_000_000
    assert len(second.messages(GENERAL, root)) == 3
    await second.close()


async def test_a_change_is_written_without_waiting_for_the_end(tmp_path: Path):
    file = tmp_path / "state.json"
    running = simulator(file)
    await running.post_message(RAVI, GENERAL, "hello")
    await running.wait_for(file.exists, timeout=5)
    saved = json.loads(file.read_text())
    assert saved["messages"][GENERAL][0]["text"] == "hello"
    await running.close()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"team_id": "T0OTHER"}', '{"team_id": "T0SIMULATE"}']
)
async def test_a_broken_file_is_put_aside(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
):
    file = tmp_path / "state.json"
    file.write_text(content)
    with caplog.at_level(logging.WARNING):
        fresh = simulator(file)
    assert fresh.messages(GENERAL) == []
    assert "put aside" in caplog.text
    assert contents(tmp_path) == [content]
    await fresh.close()


def test_sample_files_fill_an_empty_directory_only(tmp_path: Path):
    target = tmp_path / "files"
    assert sample_files(target)
    names = {str(f.relative_to(target)) for f in target.rglob("*") if f.is_file()}
    assert names == {"README.txt", "notes/todo.txt", "reports/q2.csv", "reports/q3.csv"}
    (target / "reports" / "q3.csv").unlink()
    assert not sample_files(target)
    assert not (target / "reports" / "q3.csv").exists()
