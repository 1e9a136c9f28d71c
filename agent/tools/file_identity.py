"""Which file it is: what people approved is looked at again on the open file."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from agent.seen import Seen, approved_for
from agent.tools.confined import REGULAR, FileError, not_regular, opened, split

HASHED = 64_000_000  # bytes; of a longer file the size tells the rest
_PART = 1_000_000
NOTHING: Seen = {"file": None}


def identity(root: Path, path: str) -> Seen:
    """Device, inode, size and SHA-256 of the file that a path names now, if it does."""
    try:
        *parents, name = split(path)
        with opened(root, parents) as directory, open_if_there(name, directory) as fd:
            return _identity(fd)
    except (FileError, OSError):  # the tool itself will say what is wrong
        return NOTHING


@contextmanager
def open_if_there(name: str, directory: int) -> Generator[int | None, None, None]:
    """The open file of a name, None where nothing stands.

    Raises:
        OSError: something stands there that is no file, such as a symbolic link.
    """
    try:
        fd = os.open(name, REGULAR, dir_fd=directory)
    except FileNotFoundError:
        yield None
        return
    try:
        yield fd
    finally:
        os.close(fd)


def require_approved(path: str, fd: int | None) -> None:
    """Refuse a file that is not the one that people were asked about.

    Raises:
        FileError: it has been changed or exchanged since.
    """
    expected = approved_for.get()
    if expected is not None and _identity(fd) != expected:
        raise FileError(
            f"{path} is no longer the file that was approved: it has been changed or "
            "exchanged since. Nothing was done."
        )


def require_regular(path: str, found: os.stat_result) -> None:
    """Refuse what is no file of its own below the root.

    Raises:
        FileError: a directory, a link, a device; or a file with a second name, which
            may stand anywhere.
    """
    if stat.S_ISDIR(found.st_mode):
        raise FileError(f"{path} is a directory.")
    if not stat.S_ISREG(found.st_mode):
        raise FileError(not_regular(path))
    if found.st_nlink > 1:
        raise FileError(
            f"{path} is a hard link: the same file has another name, perhaps outside "
            "the files directory, so it is left alone."
        )


def _identity(fd: int | None) -> Seen:
    if fd is None:
        return NOTHING
    found = os.fstat(fd)
    return {
        "file": {
            "device": str(found.st_dev),
            "inode": str(found.st_ino),
            "size": str(found.st_size),
            "sha256": _sha256(fd),
        }
    }


def _sha256(fd: int) -> str:
    """Of its first bytes; the file's own position stays where it is."""
    digest, at = hashlib.sha256(), 0
    while at < HASHED and (part := os.pread(fd, _PART, at)):
        digest.update(part)
        at += len(part)
    return digest.hexdigest()
