"""Reach files below one directory and nothing outside it.

Paths are walked part by part from an open directory with O_NOFOLLOW, never joined and
never resolved, so neither `..` nor a link that appears in between leads out.
"""

from __future__ import annotations

import errno
import os
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from langchain_core.tools import ToolException

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK the open of a FIFO waits for somebody to write.
REGULAR = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

MAX_PART = 255  # bytes, Linux' NAME_MAX
MAX_PATH = 1_024  # characters

#: The sandbox's directory, and how its drafts begin: no path of the file tools.
SANDBOX = ".sandbox"


class FileError(ToolException):
    """A file operation that is not possible; the text is a sentence for the model."""


def split(path: str) -> list[str]:
    """Cut a path into its parts.

    Raises:
        FileError: the path is absolute, leads upward or into the sandbox, or holds
            what no name may hold.
    """
    if not path.isprintable():
        raise FileError("The path holds invisible or control characters.")
    if len(path) > MAX_PATH:
        raise FileError(f"The path is longer than {MAX_PATH} characters.")
    if path.startswith("/"):
        raise FileError(f"{path} is absolute; give a path below the files directory.")
    parts = path.split("/")
    for part in parts:
        if part in {"", ".", ".."}:
            raise FileError(
                f"{path or 'The empty path'} is not allowed: no part of a path may be "
                "empty, '.' or '..'."
            )
        if len(part.encode()) > MAX_PART:
            raise FileError(f"A part of the path is longer than {MAX_PART} bytes.")
    if is_sandbox(parts[0]):
        raise FileError(f"{path} belongs to the sandbox; only its own tools reach it.")
    return parts


def is_sandbox(name: str) -> bool:
    """Whether a name below the root is the sandbox's, on any file system.

    Some take names for the same that differ in case or in their form of Unicode.
    """
    return unicodedata.normalize("NFKC", name).casefold().startswith(SANDBOX)


@contextmanager
def opened(
    root: Path, parts: list[str], *, create: bool = False
) -> Generator[int, None, None]:
    """Open the directory that `parts` lead to below `root`, for use as `dir_fd`.

    Args:
        root: the directory that bounds everything; its own path is the operator's.
        parts: names as `split` gives them.
        create: make directories that are missing.
    """
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts:
            if create:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=fd)
            following = os.open(part, DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = following
        yield fd
    finally:
        os.close(fd)


@contextmanager
def sentences(path: str) -> Generator[None, None, None]:
    """Turn the system's errors into a sentence that names the path as it was given."""
    try:
        yield
    except OSError as exc:
        raise FileError(_sentence(path, exc)) from exc


def _sentence(path: str, exc: OSError) -> str:
    match exc.errno:
        case errno.ENOENT:
            return f"{path} does not exist."
        case errno.ENOTDIR | errno.ELOOP:
            return (
                f"{path} cannot be reached: a part of it is no directory, or is a "
                "symbolic link, which is never followed."
            )
        case errno.EISDIR:
            return f"{path} is a directory."
        case errno.ENXIO:
            return not_regular(path)
        case _:
            return f"{path} cannot be used: {exc.strerror or type(exc).__name__}."


def not_regular(path: str) -> str:
    """The sentence for a FIFO, a device, a socket or a symbolic link."""
    return f"{path} is no regular file."
