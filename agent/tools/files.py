"""The file tools: read, list, write and delete, below FILES_DIR and nowhere else.

`read_shared_file` reads a text file that somebody shared in the conversation.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import secrets
import stat
import unicodedata
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, ConfigDict, Field

from agent.gate import PlainTool, SeeingTool, Seen, approved_for
from agent.phrases import results
from agent.tool_arguments import titled

MAX_READ = 100_000  # bytes
MAX_WRITE = 1_000_000  # bytes
MAX_ENTRIES = 1_000
MAX_DEPTH = 32
Act = Callable[..., Awaitable[str]]


class _Args(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ReadFile(_Args):
    path: str = Field(description="The file, such as reports/q3.csv.")


class ListFiles(_Args):
    path: str = Field("", description="A directory; empty for everything.")


class WriteFile(_Args):
    path: str = Field(description="The file, such as notes/today.txt.")
    text: str = Field(description="The whole new content of the file.")


class DeleteFile(_Args):
    path: str = Field(description="The file, such as reports/q3.csv.")


def make_file_tools(root: Path) -> list[BaseTool]:
    """Make the four tools over `root`, which is made if it is missing."""
    root.mkdir(parents=True, exist_ok=True)

    async def read_file(path: str) -> str:
        """Read a text file."""
        return await asyncio.to_thread(read, root, path)

    async def list_files(path: str = "") -> str:
        """List the files below a directory, with their sizes."""
        return await asyncio.to_thread(listing, root, path)

    async def write_file(path: str, text: str) -> str:
        """Write a text file; an existing one is replaced."""
        return await asyncio.to_thread(write, root, path, text)

    async def delete_file(path: str) -> str:
        """Delete a file. It cannot be restored."""
        return await asyncio.to_thread(delete, root, path)

    async def look(args: dict[str, Any]) -> Seen:
        return await asyncio.to_thread(identity, root, str(args.get("path")))

    def seeing(act: Act, schema: type[BaseModel]) -> BaseTool:
        return SeeingTool.from_function(
            coroutine=act,
            args_schema=schema,
            look=look,
            metadata=titled(act.__name__),
        )

    return [
        seeing(read_file, ReadFile),
        PlainTool.from_function(
            coroutine=list_files, args_schema=ListFiles, metadata=titled("list_files")
        ),
        seeing(write_file, WriteFile),
        seeing(delete_file, DeleteFile),
    ]


def read(root: Path, path: str) -> str:
    """The text of a file, cut after `MAX_READ` bytes with a sentence that says so."""
    *parents, name = split(path)
    with sentences(path), opened(root, parents) as directory:
        data, size = _content(path, name, directory)
    if b"\0" in data:
        raise FileError(results.no_text_file(path, size))
    if not data:
        return results.is_empty(path)
    text = data[:MAX_READ].decode("utf-8", "replace")
    if len(data) > MAX_READ:
        text += f"\n{results.bytes_cut(MAX_READ, size)}"
    return text


def _content(path: str, name: str, directory: int) -> tuple[bytes, int]:
    fd = os.open(name, REGULAR, dir_fd=directory)
    try:
        found = os.fstat(fd)
        require_regular(path, found)
        require_approved(path, fd)
        with open(fd, "rb", closefd=False) as file:
            return file.read(MAX_READ + 1), found.st_size
    finally:
        os.close(fd)


def listing(root: Path, path: str = "") -> str:
    """A line per entry below a directory, at most `MAX_ENTRIES` of them."""
    parts = [] if path in {"", "."} else split(path.removesuffix("/"))
    with sentences(path or results.ROOT), opened(root, parts) as directory:
        lines = list(islice(_lines(directory, _prefix(parts)), MAX_ENTRIES + 1))
    if not lines:
        return results.is_empty(path) if parts else results.NO_FILES
    if len(lines) > MAX_ENTRIES:
        lines[MAX_ENTRIES:] = [results.entries_cut(MAX_ENTRIES)]
    return "\n".join(lines)


def _prefix(parts: list[str]) -> str:
    """The beginning of the paths of a directory's entries."""
    return "".join(f"{part}/" for part in parts)


def _lines(directory: int, prefix: str, depth: int = 0) -> Iterator[str]:
    with os.scandir(directory) as found:
        # One directory of millions must not fill the memory.
        entries = sorted(islice(found, 10 * MAX_ENTRIES), key=lambda e: e.name)
        for entry in entries:
            if not prefix and is_sandbox(entry.name):
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            shown = prefix + _visible(entry.name)
            yield _line(shown, status)
            if stat.S_ISDIR(status.st_mode) and depth < MAX_DEPTH:
                yield from _below(directory, entry.name, f"{shown}/", depth + 1)


def _below(directory: int, name: str, prefix: str, depth: int) -> Iterator[str]:
    try:
        inner = os.open(name, DIRECTORY, dir_fd=directory)
    except OSError:  # gone, exchanged for a link, or not ours to read
        return
    try:
        yield from _lines(inner, prefix, depth)
    finally:
        os.close(inner)


def _line(shown: str, status: os.stat_result) -> str:
    if stat.S_ISDIR(status.st_mode):
        return f"{shown}/"
    if stat.S_ISREG(status.st_mode):
        return results.file_entry(shown, status.st_size)
    if stat.S_ISLNK(status.st_mode):
        return results.link_entry(shown)
    return results.odd_entry(shown)


def _visible(name: str) -> str:
    return name if name.isprintable() else name.encode("unicode_escape").decode()


def write(root: Path, path: str, text: str) -> str:
    """Write a file whole or not at all; directories above it are made."""
    *parents, name = split(path)
    data = text.encode("utf-8", "replace")
    if len(data) > MAX_WRITE:
        raise FileError(results.text_too_long(MAX_WRITE))
    with sentences(path), opened(root, parents, create=True) as directory:
        mode = _mode(path, name, directory)
        with open_if_there(name, directory) as fd:
            require_approved(path, fd)
        _replace(directory, name, data, mode if mode is not None else 0o644)
    return results.wrote(path, len(data), is_new=mode is None)


def _mode(path: str, name: str, directory: int) -> int | None:
    """The permissions of the regular file that stands there; None if nothing does."""
    try:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return None
    require_regular(path, found)
    return found.st_mode & 0o777


def _replace(directory: int, name: str, data: bytes, mode: int) -> None:
    # A rename replaces the name itself, so a link put there meanwhile is not followed.
    draft = f".{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(draft, flags, 0o600, dir_fd=directory)
    try:
        with open(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.rename(draft, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(draft, dir_fd=directory)
        raise


def delete(root: Path, path: str) -> str:
    """Delete a regular file; directories, links and devices stay."""
    *parents, name = split(path)
    with sentences(path), opened(root, parents) as directory:
        found = os.stat(name, dir_fd=directory, follow_symlinks=False)
        require_regular(path, found)
        with open_if_there(name, directory) as fd:
            require_approved(path, fd)
        # Should a link take its place right here, the link goes and not its target.
        os.unlink(name, dir_fd=directory)
    return results.deleted(path)


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
        raise FileError(results.UNPRINTABLE_PATH)
    if len(path) > MAX_PATH:
        raise FileError(results.path_too_long(MAX_PATH))
    if path.startswith("/"):
        raise FileError(results.absolute(path))
    parts = path.split("/")
    for part in parts:
        if part in {"", ".", ".."}:
            raise FileError(results.not_allowed(path))
        if len(part.encode()) > MAX_PART:
            raise FileError(results.part_too_long(MAX_PART))
    if is_sandbox(parts[0]):
        raise FileError(results.of_the_sandbox(path))
    return parts


def is_sandbox(name: str) -> bool:
    """Return whether a name below the root is the sandbox's, on any file system.

    Some treat names that differ in case or in their form of Unicode as the same.
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
            return results.does_not_exist(path)
        case errno.ENOTDIR | errno.ELOOP:
            return results.unreachable(path)
        case errno.EISDIR:
            return results.is_directory(path)
        case errno.ENXIO:
            return results.not_regular(path)
        case _:
            reason = exc.strerror or type(exc).__name__
            return results.cannot_be_used(path, reason)


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
        raise FileError(results.not_the_approved(path))


def require_regular(path: str, found: os.stat_result) -> None:
    """Refuse what is no file of its own below the root.

    Raises:
        FileError: a directory, a link, a device; or a file with a second name, which
            may stand anywhere.
    """
    if stat.S_ISDIR(found.st_mode):
        raise FileError(results.is_directory(path))
    if not stat.S_ISREG(found.st_mode):
        raise FileError(results.not_regular(path))
    if found.st_nlink > 1:
        raise FileError(results.hard_link(path))


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
    """Hash a file's first bytes; its own position stays where it is."""
    digest, at = hashlib.sha256(), 0
    while at < HASHED and (part := os.pread(fd, _PART, at)):
        digest.update(part)
        at += len(part)
    return digest.hexdigest()


SHARED = "read_shared_file"  # the tool's name
LONGEST_ID = 40  # characters


class SharedFiles(Protocol):
    """Knows the files that were shared where a conversation takes place."""

    async def read(self, conversation: str, file: str, most: int) -> tuple[bytes, int]:
        """Return the first `most` bytes of a text file, and its whole size.

        Args:
            conversation: the thread's id in the graph.
            file: its id; one of another conversation does not exist.

        Raises:
            FileError: a sentence for the model.
        """
        ...


class ReadSharedFile(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    file: str = Field(
        max_length=LONGEST_ID,
        description="The id in a message's list of files, such as F0123ABC.",
    )


def make_shared_tool(shared: SharedFiles) -> BaseTool:
    """Make the tool over the files of the conversation that it is called in."""

    async def read_shared_file(file: str, config: RunnableConfig) -> str:
        """Read a text file that somebody has shared in this conversation."""
        conversation = str(config.get("configurable", {}).get("thread_id"))
        data, size = await shared.read(conversation, file, MAX_READ)
        if b"\0" in data:
            raise FileError(results.no_text_file(file, size))
        if not data:
            return results.is_empty(file)
        text = data.decode("utf-8", "replace")
        if size > len(data):
            text += f"\n{results.bytes_cut(len(data), size)}"
        return text

    return StructuredTool.from_function(
        coroutine=read_shared_file, args_schema=ReadSharedFile
    )
