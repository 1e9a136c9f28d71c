"""Processes of the program for the tests: `python -m bot`, `python -m agent`."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from asyncio.base_subprocess import BaseSubprocessTransport
from asyncio.subprocess import PIPE, Process, SubprocessStreamProtocol
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from tests.support.fork_server import OURS
from tests.support.root import ROOT

LINE = 2**16  # bytes that asyncio's streams take for one line
#: Variables that are read when Python or a library starts, not when a program runs.
READ_AT_START = (
    *("PYTHON", "LC_", "LANG", "LD_", "MALLOC_", "COVERAGE_", "SSL_CERT_"),
    *("LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_", "AIOHTTP_", "PSYCOPG_"),
    *("OPENAI_API_TYPE", "OPENAI_API_VERSION", "AZURE_OPENAI_"),
)
SHARED = "FORK_SERVER"  # its address, where the workers of pytest share one
SEEN_TO = {"PYTHONUNBUFFERED"}  # the fork server opens the streams by it
Stream = int | IO[bytes] | None


def clean_environment() -> dict[str, str]:
    """Ours, without any variable that the bot reads."""
    prefixes = (
        *("SLACK_", "OPENAI_", "DATABASE_URL", "POLICY_FILE", "FILES_DIR", "SMTP_"),
        *("WEBHOOK_", "LINK_SECRET", "API_TOKENS"),
    )
    kept = {k: v for k, v in os.environ.items() if not k.startswith(prefixes)}
    for name in (
        *("HOST", "PORT", "PUBLIC_URL", "TOOLS", "LOG_LEVEL", "LOG_FORMAT", SHARED),
    ):
        kept.pop(name, None)
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


async def spawn(
    module: str,
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str],
    fresh: bool = False,
    **streams: Stream,
) -> Process:
    """Start `python -m MODULE ARGUMENTS` with exactly this environment.

    It is forked from a process that has imported it, where nothing tells the two
    apart; `fresh` is for tests about the start itself, its memory or its time.
    """
    if fresh or not can_fork(environment):
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module, *arguments),
            cwd=folder,
            env=environment,
            **streams,
        )
    request = {
        "module": module,
        "arguments": arguments,
        "folder": str(folder),
        "environment": dict(environment),
    }
    return await _fork(json.dumps(request).encode(), **streams)


def can_fork(environment: Mapping[str, str]) -> bool:
    """Return whether a forked process is the same as one from scratch."""
    if sys.platform != "linux":
        return False
    return _read_at_start(environment) == _read_at_start(fork_server().environment)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    names = {name for name in environment if name.startswith(READ_AT_START)} - SEEN_TO
    return {name: environment[name] for name in names}


class ForkServer:
    """The process that forks (`tests.support.fork_server`), as one of its owners."""

    def __init__(self, address: str) -> None:
        self.environment = clean_environment()
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.connect(address)

    def has_ended(self) -> bool:
        return False  # nor is it missed: with it end all that share it

    def log(self) -> str:
        """Return what it has written; it writes only when it fails."""
        return "its log is with the process that started it"

    def stop(self) -> None:
        """Leave it: its children end, and with its last owner it does."""
        self.control.close()


class OwnForkServer(ForkServer):
    """One that this process starts."""

    def __init__(
        self, programs: Sequence[str] = OURS, *, collecting: Sequence[str] = ()
    ) -> None:
        """Start it; before the first request it imports the programs.

        With pytest's arguments it collects the tests for workers, too.
        """
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - for as long as it lives
        self._folder = tempfile.TemporaryDirectory(prefix="fork-server-")
        self.address = f"{self._folder.name}/socket"
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(self.address)
            listener.listen()
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.support.fork_server"),
                    *(str(listener.fileno()), *programs, "--", *collecting),
                ],
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=[listener.fileno()],
            )
            super().__init__(self.address)

    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self) -> None:
        super().stop()
        self.process.wait()
        self._log.close()
        self._folder.cleanup()


SERVERS: list[ForkServer] = []


def fork_server() -> ForkServer:
    """The one of this process: started at its first use, and again if it has died."""
    if not SERVERS or SERVERS[-1].has_ended():
        shared = os.environ.get(SHARED)
        SERVERS.append(ForkServer(shared) if shared else OwnForkServer())
        atexit.register(SERVERS[-1].stop)
    return SERVERS[-1]


class _Child:
    """A forked child, as asyncio's transport sees a `subprocess.Popen`."""

    def __init__(self, pid: int, pidfd: int, pipes: list[IO[bytes] | None]) -> None:
        self.pid = pid
        self.pidfd = pidfd  # a number would be another process's once this one is over
        self.stdin, self.stdout, self.stderr = pipes
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            signal.pidfd_send_signal(self.pidfd, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Transport(BaseSubprocessTransport):
    """asyncio's own transport around a child that is there already."""

    def _start(self, args: Any, *, child: _Child, **_popen: Any) -> None:
        self._proc = child

    def watch(self, server: ForkServer, report: socket.socket) -> None:
        """Learn of the child's end from the fork server."""

        def told() -> None:
            loop.remove_reader(report)
            with report:
                status = report.recv(64)
            os.close(child.pidfd)
            if not status:
                print("The fork server has ended:", server.log(), file=sys.stderr)
            # The children of a fork server that ended were killed with it.
            self._process_exited(json.loads(status or b"-9"))

        child, loop = self._proc, self._loop
        loop.add_reader(report, told)


async def _fork(
    request: bytes,
    stdin: Stream = None,
    stdout: Stream = None,
    stderr: Stream = None,
) -> Process:
    server, loop = fork_server(), asyncio.get_running_loop()
    report, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with ExitStack() as undo, ExitStack() as passed:
        undo.callback(report.close)
        passed.callback(theirs.close)
        pipes, numbers = [], []
        for number, stream in enumerate((stdin, stdout, stderr)):
            kept, given = _ends(number, stream, undo, passed)
            pipes.append(kept)
            numbers.append(given)
        socket.send_fds(server.control, [request], [*numbers, theirs.fileno()])
        passed.close()
        await _readable(report)
        message, [pidfd] = _first_report(server, report)
        child = _Child(json.loads(message), pidfd, pipes)
        protocol, waiter = SubprocessStreamProtocol(LINE, loop), loop.create_future()
        transport = _Transport(
            *(loop, protocol, [request], False, stdin, stdout, stderr, 0),
            waiter=waiter,
            child=child,
        )
        transport.watch(server, report)
        undo.pop_all()
    await waiter
    return Process(transport, protocol, loop)


def _ends(
    number: int, stream: Stream, undo: ExitStack, passed: ExitStack
) -> tuple[IO[bytes] | None, int]:
    """Return our end of a stream, if it is a pipe, and what the child gets."""
    if stream is None:
        return None, number
    if stream == PIPE:
        read, write = os.pipe()
        ours, theirs = (write, read) if number == 0 else (read, write)
        passed.callback(os.close, theirs)
        kept = open(ours, "wb" if number == 0 else "rb", buffering=0)  # noqa: SIM115
        return undo.enter_context(kept), theirs
    if stream == asyncio.subprocess.DEVNULL:
        null = os.open(os.devnull, os.O_RDWR)
        passed.callback(os.close, null)
        return None, null
    return None, stream if isinstance(stream, int) else stream.fileno()


def _first_report(server: ForkServer, report: socket.socket) -> tuple[bytes, list[int]]:
    message, descriptors, _, _ = socket.recv_fds(report, 64, 1)
    if not message:
        raise RuntimeError(f"the fork server did not fork: {server.log()}")
    return message, descriptors


async def _readable(report: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(report, ready.set_result, None)
    try:
        await ready
    finally:
        loop.remove_reader(report)
