"""A reader that has enough of a command's output, as `| head`, ends it quietly."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.support.spawn import clean_environment, spawn
from tests.support.stage import POLICY

PRINTING = [
    ("agent", "--mermaid"),
    ("agent", "--help"),
    ("bot", "--help"),
    ("bot", "policy", "show"),
    ("bot", "policy", "explain", "--tool", "delete_file", "--args", "{}"),
]


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
async def test_no_command_complains_of_a_closed_pipe(
    tmp_path: Path, words: tuple[str, ...]
):
    (tmp_path / "policy.yml").write_text(POLICY)
    unread, written = os.pipe()
    os.close(unread)
    try:
        process = await spawn(
            *words,
            folder=tmp_path,
            environment=clean_environment() | {"POLICY_FILE": "policy.yml"},
            stdout=written,
            stderr=asyncio.subprocess.PIPE,
        )
    finally:
        os.close(written)
    _, complaint = await process.communicate()

    assert complaint.decode() == ""
    assert process.returncode == 0
