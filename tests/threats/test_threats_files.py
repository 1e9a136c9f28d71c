"""Threat 41: a path means the very file that people were asked about, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.gate import Gate, approved_for, look_at
from agent.grant_protocol import Claim, Permission
from agent.tools.files import (
    NOTHING,
    FileError,
    delete,
    identity,
    make_file_tools,
    read,
    write,
)
from bot.approvals.assess import ProposedCall
from bot.approvals.model import Verdict
from tests.support.house import House, facts_of
from tests.support.people import MINA

ACTS: dict[str, Callable[[Path], object]] = {
    "read": lambda root: read(root, "a.txt"),
    "delete": lambda root: delete(root, "a.txt"),
    "write": lambda root: write(root, "a.txt", "new"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    house = tmp_path / "files"
    (house / "sub").mkdir(parents=True)
    (house / "a.txt").write_text("first")
    (tmp_path / "files-secret").write_text("outside")
    return house


def rewritten(root: Path) -> None:
    (root / "a.txt").write_text("other")


def exchanged(root: Path) -> None:
    (root / "b.txt").write_text("first")  # the same words in another file
    (root / "b.txt").replace(root / "a.txt")


def linked(root: Path) -> None:
    (root / "a.txt").unlink()
    (root / "a.txt").symlink_to("../files-secret")


def hard_linked(root: Path) -> None:
    (root / "a.txt").unlink()
    os.link(root.parent / "files-secret", root / "a.txt")


def gone(root: Path) -> None:
    (root / "a.txt").unlink()


SWAPS = [rewritten, exchanged, linked, hard_linked, gone]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: swap.__name__)
def test_threat_41_a_swap_between_approval_and_run_runs_nothing(
    root: Path, act: str, swap: Callable[[Path], None]
):
    seen = identity(root, "a.txt")
    swap(root)
    stands = sorted(p.name for p in root.iterdir())
    token = approved_for.set(seen)
    try:
        with pytest.raises(FileError):
            ACTS[act](root)
    finally:
        approved_for.reset(token)
    assert sorted(p.name for p in root.iterdir()) == stands
    assert (root.parent / "files-secret").read_text() == "outside"


@pytest.mark.parametrize(
    ("act", "then"), [("read", "first"), ("delete", None), ("write", "new")]
)
def test_threat_41_the_same_file_runs(root: Path, act: str, then: str | None):
    token = approved_for.set(identity(root, "a.txt"))
    try:
        ACTS[act](root)
    finally:
        approved_for.reset(token)
    file = root / "a.txt"
    assert (file.read_text() if file.exists() else None) == then


def test_threat_41_a_file_that_was_not_there_is_not_replaced(root: Path):
    token = approved_for.set(identity(root, "new.txt"))
    (root / "new.txt").write_text("somebody else's")
    try:
        with pytest.raises(FileError, match="no longer the file that was approved"):
            write(root, "new.txt", "mine")
    finally:
        approved_for.reset(token)


@pytest.mark.parametrize("act", ACTS)
def test_threat_41_a_hard_link_is_left_alone(root: Path, act: str):
    hard_linked(root)
    with pytest.raises(FileError, match="hard link"):
        ACTS[act](root)
    assert (root.parent / "files-secret").read_text() == "outside"


@pytest.mark.parametrize(
    "path", ["../files-secret", "/etc/passwd", "sub", "x\0y", "no"]
)
def test_threat_41_what_names_no_file_here_is_seen_as_nothing(root: Path, path: str):
    assert identity(root, path) == NOTHING


def test_threat_41_what_is_seen_changes_with_each_part_of_a_file(root: Path):
    (root / "b.txt").write_text("first")
    one, other = identity(root, "a.txt")["file"], identity(root, "b.txt")["file"]
    assert {name for name in one if one[name] != other[name]} == {"inode"}
    assert set(one) == {"device", "inode", "size", "sha256"}


class Asking:
    """Grants that ask, and let the call run for what was seen at first."""

    def __init__(self, seen: dict[str, Any] | None) -> None:
        self.seen = seen

    async def open(self, call: Any) -> Permission:
        return Permission("waived")

    async def claim(self, call: Any, ruling: Permission) -> Claim:
        return Claim(won=True, seen=self.seen)

    async def finish(self, call: Any, outcome: Any) -> None:
        self.outcome = outcome


async def test_threat_41_the_gate_hands_the_tool_what_was_approved(root: Path):
    tool = next(t for t in make_file_tools(root) if t.name == "delete_file")
    seen = await look_at(tool, {"path": "a.txt"})
    call = {
        "name": tool.name,
        "args": {"path": "a.txt"},
        "id": "1",
        "type": "tool_call",
    }
    config = {"configurable": {"thread_id": "t"}}
    rewritten(root)
    refused = await Gate(Asking(seen)).run(tool, call, config)  # type: ignore[arg-type]
    assert "no longer the file" in refused.text
    assert (root / "a.txt").exists()
    assert approved_for.get() is None


async def raised(house: House, seen: dict[str, Any] | None) -> Any:
    asked = ProposedCall("i-seen", "call-seen", "wipe", {"path": "a.txt"}, seen=seen)
    [one] = await house.raised([asked])
    return one


async def test_threat_41_what_was_seen_is_kept_with_the_request(house: House):
    seen = {"file": {"inode": "7"}}
    request = await raised(house, seen)
    await house.click(MINA, request)
    run = await house.start_run(request.conversation)
    taken = await house.claim(run, facts_of(request))
    assert (taken.won, taken.seen) == (True, seen)


async def test_threat_41_an_edit_is_about_what_its_editor_saw(house: House):
    request = await raised(house, {"file": {"inode": "7"}})
    new, seen = {"path": "b.txt"}, {"file": {"inode": "8"}}
    await house.click(MINA, request, Verdict.EDIT, arguments=new, seen=seen)
    run = await house.start_run(request.conversation)
    call = facts_of(request, arguments=new)
    taken = await house.claim(run, call)
    assert (taken.won, taken.seen) == (True, seen)
