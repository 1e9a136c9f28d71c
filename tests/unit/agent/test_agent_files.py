"""The file tools: they do their work below their root and touch nothing else."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.tools import ToolException
from pydantic import ValidationError

from agent.tools import files, make_tools
from agent.tools.files import (
    MAX_ENTRIES,
    MAX_READ,
    MAX_WRITE,
    FileError,
    delete,
    listing,
    read,
    split,
    write,
)
from tests.support.hypothesis_profiles import scaled


@pytest.fixture
def house(tmp_path):
    """A root with files in it, and a secret beside it."""
    root = tmp_path / "files"
    (root / "reports").mkdir(parents=True)
    (root / "reports" / "q3.csv").write_text("a,b\n")
    (tmp_path / "files-secret").mkdir()
    (tmp_path / "files-secret" / "key").write_text("secret")
    return root


def outside(root: Path) -> dict[str, bytes | None]:
    """Everything beside the root, with its content."""
    return {
        str(p): p.read_bytes() if p.is_file() else None
        for p in root.parent.rglob("*")
        if root != p and root not in p.parents
    }


OPERATIONS = [
    read,
    listing,
    delete,
    lambda root, path: write(root, path, "overwritten"),
]

PATHS = [
    "../files-secret/key",
    "..",
    "reports/../../files-secret/key",
    "/etc/passwd",
    "/",
    "//etc",
    "reports//q3.csv",
    "reports/./q3.csv",
    "reports/..",
    "a\0b",
    "a\nb",
    "a\u202eb",
    "\udc80",
    "x" * 256,
    "é" * 128,
    "a/" * 600,
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("operate", OPERATIONS)
def test_a_path_that_could_lead_outside_is_refused(house, operate, path):
    before = outside(house)

    with pytest.raises(FileError) as refusal:
        operate(house, path)

    assert str(refusal.value).endswith(".")
    assert outside(house) == before


parts = st.sampled_from(
    ["..", ".", "", "a", "reports", "q3.csv", "out", "up", "key", "files-secret", "\0"]
) | st.text(max_size=4)


@given(st.lists(parts, max_size=6).map("/".join))
@settings(
    max_examples=scaled(1.5),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_path_at_all_reaches_anything_outside_the_root(house, path):
    for name, target in (("out", "../files-secret"), ("up", "..")):
        if not (house / name).is_symlink():
            (house / name).symlink_to(target)
    before = outside(house)

    for operate in OPERATIONS:
        try:
            told = operate(house, path)
        except FileError:
            continue
        assert "secret\n" not in f"{told}\n".replace("files-secret", "")

    assert outside(house) == before


@given(st.text())
def test_a_path_that_is_let_through_has_only_plain_names(path):
    try:
        found = split(path)
    except FileError:
        return

    assert "/".join(found) == path
    assert not {"", ".", ".."} & set(found)


def test_a_link_is_never_followed_wherever_it_stands(house):
    (house / "link").symlink_to("../files-secret/key")
    (house / "dir").symlink_to("../files-secret")
    (house / "self").symlink_to("reports")
    before = outside(house)

    for path in ("link", "dir/key", "self/q3.csv"):
        for operate in (read, delete, OPERATIONS[3]):
            with pytest.raises(FileError):
                operate(house, path)
    with pytest.raises(FileError):
        listing(house, "dir")

    assert outside(house) == before
    assert (house / "link").is_symlink()
    assert (house / "reports" / "q3.csv").exists()


def test_a_listing_shows_links_and_does_not_follow_them(house):
    (house / "dir").symlink_to("../files-secret")

    assert listing(house).splitlines() == [
        "dir (symbolic link, not followed)",
        "reports/",
        "reports/q3.csv (4 bytes)",
    ]
    assert listing(house, "reports/") == "reports/q3.csv (4 bytes)"


def test_a_directory_swapped_for_a_link_meanwhile_leads_nowhere(house):
    """A thread swaps the directory for a link all the time while the tools work."""
    inner, aside = house / "reports", house / "aside"
    before, stop = outside(house), threading.Event()

    def swap():
        while not stop.is_set():
            inner.rename(aside)
            with suppress(FileExistsError):  # a write made the directory anew
                inner.symlink_to("../files-secret")
                inner.unlink()
            while aside.exists():
                shutil.rmtree(inner, ignore_errors=True)
                with suppress(OSError):
                    aside.rename(inner)

    swapper = threading.Thread(target=swap)
    swapper.start()
    told = []
    try:
        for _ in range(300):
            for operate in (read, delete, OPERATIONS[3]):
                try:
                    told.append(operate(house, "reports/key"))
                except FileError:
                    continue
    finally:
        stop.set()
        swapper.join()

    assert "secret" not in told
    assert outside(house) == before


def test_a_file_swapped_for_a_link_costs_only_the_link(house, monkeypatch):
    before = outside(house)

    def swap(path, fd):
        (house / path).unlink()
        (house / path).symlink_to("../../files-secret/key")

    monkeypatch.setattr(files, "require_approved", swap)

    delete(house, "reports/q3.csv")
    assert outside(house) == before
    assert not os.path.lexists(house / "reports/q3.csv")

    (house / "reports/q3.csv").write_text("again")
    write(house, "reports/q3.csv", "new")
    assert outside(house) == before
    assert (house / "reports/q3.csv").read_text() == "new"
    assert not (house / "reports/q3.csv").is_symlink()


def test_a_fifo_a_socket_and_a_directory_are_no_files(house, monkeypatch):
    os.mkfifo(house / "pipe")
    monkeypatch.chdir(house)  # a socket's address may not be long
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("sock")

    for path in ("pipe", "sock", "reports"):
        for operate in (read, delete, OPERATIONS[3]):
            with pytest.raises(FileError, match=r"a regular file|a directory"):
                operate(house, path)
    assert "pipe (not a regular file)" in listing(house)


def test_no_descriptor_stays_open_after_a_refusal(house):
    os.mkfifo(house / "pipe")
    before = len(os.listdir("/proc/self/fd"))

    for path in ("pipe", "reports", "reports/none", "none/x", "reports/q3.csv/x"):
        for operate in (read, delete, OPERATIONS[3]):
            with suppress(FileError):
                operate(house, path)
        for _ in range(2):
            with suppress(FileError):
                listing(house, path)
    for _ in range(5):
        listing(house)

    assert len(os.listdir("/proc/self/fd")) == before


def test_reading_is_bounded_and_says_so(house):
    (house / "big").write_text("x" * (MAX_READ + 5))
    (house / "fits").write_text("x" * MAX_READ)

    text = read(house, "big")

    assert text.endswith(
        f"[Only the first {MAX_READ} of {MAX_READ + 5} bytes are shown.]"
    )
    assert read(house, "fits") == "x" * MAX_READ


def test_odd_contents_are_told_in_a_sentence(house):
    (house / "binary").write_bytes(b"\x7fELF\0\0")
    (house / "empty").write_bytes(b"")
    (house / "latin").write_bytes(b"caf\xe9")

    with pytest.raises(FileError, match="a text file"):
        read(house, "binary")
    assert read(house, "empty") == "empty is empty."
    assert read(house, "latin") == "caf\ufffd"


def test_writing_makes_directories_and_replaces_whole_files(house):
    assert write(house, "a/b/c.txt", "one") == "Wrote a/b/c.txt (3 bytes)."
    (house / "a/b/c.txt").chmod(0o600)

    assert write(house, "a/b/c.txt", "zwölf") == "Replaced a/b/c.txt (6 bytes)."

    assert (house / "a/b/c.txt").read_text() == "zwölf"
    assert stat.S_IMODE((house / "a/b/c.txt").stat().st_mode) == 0o600
    assert os.listdir(house / "a/b") == ["c.txt"]


def test_a_failed_write_leaves_the_old_file_and_no_draft(house, monkeypatch):
    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(FileError, match="No space left on device"):
        write(house, "reports/q3.csv", "new")

    assert (house / "reports/q3.csv").read_text() == "a,b\n"
    assert os.listdir(house / "reports") == ["q3.csv"]


def test_a_text_that_is_too_long_is_not_written(house):
    with pytest.raises(FileError, match=str(MAX_WRITE)):
        write(house, "new/big", "x" * (MAX_WRITE + 1))

    assert not (house / "new").exists()


def test_deleting_removes_the_file_alone(house):
    assert delete(house, "reports/q3.csv") == "Deleted reports/q3.csv."

    assert (house / "reports").is_dir()
    with pytest.raises(FileError, match=r"reports/q3\.csv does not exist"):
        delete(house, "reports/q3.csv")


def test_a_listing_is_bounded_and_says_so(house):
    for number in range(MAX_ENTRIES + 5):
        (house / f"f{number:05}").touch()

    lines = listing(house).splitlines()

    assert len(lines) == MAX_ENTRIES + 1
    assert lines[-1] == f"[Only the first {MAX_ENTRIES} entries are shown.]"


def test_a_listing_escapes_odd_names_and_names_empty_folders(house):
    (house / "a\nb\u202e").touch()
    (house / "void").mkdir()
    os.close(os.open(bytes(house) + b"/\xff", os.O_CREAT))

    told = listing(house)

    assert "a\\nb\\u202e (0 bytes)" in told
    assert "\\udcff (0 bytes)" in told
    assert listing(house, "void") == "void is empty."
    assert listing(house, ".") == told


@pytest.mark.parametrize(
    "path", [".sandbox", ".sandbox/accounts.sqlite", ".SandBox/x", ".ſandbox/x"]
)
def test_no_file_tool_reaches_the_sandbox(house, path):
    hidden = house / ".sandbox"
    hidden.mkdir()
    (hidden / "accounts.sqlite").write_text("money")
    before = listing(house)

    for act in (read, delete, listing, lambda root, p: write(root, p, "x")):
        with pytest.raises(FileError, match="belongs to the sandbox"):
            act(house, path)

    assert ".sandbox" not in before
    assert (hidden / "accounts.sqlite").read_text() == "money"
    assert write(house, "notes/.sandbox", "x") == "Wrote notes/.sandbox (1 bytes)."
    assert "notes/.sandbox (1 bytes)" in listing(house)


def test_a_deep_tree_is_listed_without_running_out_of_anything(house):
    deep = house
    for _ in range(60):
        deep = deep / "d"
    deep.mkdir(parents=True)

    assert 30 < len(listing(house).splitlines()) < 60


async def test_the_tools_have_strict_arguments_and_speak_in_sentences(tmp_path):
    root = tmp_path / "made" / "files"
    tools = {t.name: t for t in make_tools(["files", "files"], files_dir=root)}
    assert list(tools) == ["read_file", "list_files", "write_file", "delete_file"]

    assert await tools["list_files"].ainvoke({}) == "There are no files."
    await tools["write_file"].ainvoke({"path": "a", "text": "hi"})
    assert await tools["read_file"].ainvoke({"path": "a"}) == "hi"
    assert await tools["delete_file"].ainvoke({"path": "a"}) == "Deleted a."
    with pytest.raises(ToolException, match="a does not exist"):
        await tools["read_file"].ainvoke({"path": "a"})
    for args in ({"path": 1}, {"path": "a", "x": 1}, {}):
        with pytest.raises(ValidationError):
            await tools["delete_file"].ainvoke(args)


@pytest.mark.parametrize(
    ("name", "words"), [("database", "need a database"), ("mcp", "need servers")]
)
def test_tools_of_others_need_what_they_work_on(tmp_path, name, words):
    with pytest.raises(ValueError, match=words):
        make_tools([name], files_dir=tmp_path)


def test_the_mail_tool_needs_a_mail_server(tmp_path):
    with pytest.raises(ValueError, match="need a mail server"):
        make_tools(["email"], files_dir=tmp_path)


def test_unknown_tools_are_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="There are no tools 'fiels'"):
        make_tools(["fiels"], files_dir=tmp_path)
