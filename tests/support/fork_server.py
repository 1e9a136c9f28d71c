"""A process that has imported the program and forks each one that a test starts.

A fresh interpreter spends two to three seconds of CPU on its imports, a fork some
milliseconds. `tests.support.spawn` starts this one with a socket that listens. The end
of a connection is the end of what was asked for over it, and the end of the last one is
the end of this process.

It reads the environment once, as any interpreter does: `spawn` forks only where what
was read then is the same.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import io
import json
import os
import pkgutil
import re
import runpy
import select
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TextIO

from agent.entry import spare_langsmith_types

OURS = ("bot", "agent")
#: Imports inside functions: ours are read from the sources, these are of libraries.
INSIDE = re.compile(r"^ +(?:from ([\w.]+) import|import ([\w.]+))", re.MULTILINE)
LATER = (
    *("anyio._backends._asyncio", "apscheduler.executors.asyncio", "httpcore2"),
    *("apscheduler.triggers.interval", "encodings.utf_16_be", "encodings.utf_8_sig"),
    *("langchain_core.messages.block_translators.langchain_v0", "langchain_openai"),
    *("langchain_core.tracers.run_collector", "langchain_core.tracers.stdout"),
    *("openai.resources.chat.completions", "procrastinate.builtin_tasks"),
    *("slack_bolt.listener_matcher.async_builtins", "truststore"),
)
COLLECTION = "tests.support.shared_collection"
PR_SET_PDEATHSIG = 1  # prctl(2)
LONGEST = 1 << 20  # bytes of one request


@dataclass(frozen=True)
class Request:
    """A program to run, and its streams."""

    module: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    streams: list[int]


@dataclass(frozen=True)
class Child:
    """A running child; `report` takes its exit status."""

    owner: socket.socket
    pid: int
    pidfd: int
    report: socket.socket


def main() -> None:
    """Serve; in a child, run what was asked for."""
    number, *asked = sys.argv[1:]
    end = asked.index("--")
    programs, arguments = asked[:end], asked[end + 1 :]
    listener = socket.socket(fileno=int(number))
    on_ctrl_c = signal.getsignal(signal.SIGINT)  # ignored where a shell started us so
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the children
    gc.disable()
    spare_langsmith_types()
    preload(programs)
    if arguments:
        importlib.import_module(COLLECTION).collect(arguments)
    set_since = dict(os.environ.items() - given().items())
    gc.collect()
    gc.freeze()
    gc.enable()
    request = serve(listener)
    if request is not None:
        signal.signal(signal.SIGINT, on_ctrl_c)
        become(request, set_since)


def preload(programs: Sequence[str]) -> None:
    """Import all that the programs import, now or later, or a library as it is."""
    for program in programs:
        package = importlib.import_module(program)
        if program not in OURS:
            continue
        for found in pkgutil.walk_packages(package.__path__, f"{program}."):
            import_inside(importlib.import_module(found.name))
        # runpy warns of a module that it runs and finds imported.
        sys.modules.pop(f"{program}.__main__")
    for name in LATER if programs else ():
        with contextlib.suppress(ImportError):  # a library may have moved it
            importlib.import_module(name)


def import_inside(module: ModuleType) -> None:
    """Import what a module imports inside its functions."""
    source = Path(str(module.__file__)).read_text(encoding="utf-8")
    for names in INSIDE.findall(source):
        with contextlib.suppress(ImportError):  # an extra that is not installed
            importlib.import_module("".join(names))


def given() -> dict[str, str]:
    """The environment that this process got, before Python and imports added to it."""
    lines = Path("/proc/self/environ").read_bytes().rstrip(b"\0").split(b"\0")
    return dict(os.fsdecode(line).split("=", 1) for line in lines)


def serve(listener: socket.socket) -> Request | None:
    """Fork until the last owner is gone; return in a child with its request."""
    owners: set[socket.socket] = set()
    children: dict[int, Child] = {}
    while True:
        ready = set(select.select([listener, *owners, *children], [], [])[0])
        if listener in ready:
            owners.add(listener.accept()[0])
        for ended in ready & children.keys():
            reap(children.pop(ended))
        for owner in ready & owners:
            request = attend(owner, children)
            if request is not None:
                forget([listener, *owners], children.values())
                return request
        owners = {owner for owner in owners if owner.fileno() >= 0}
        if not owners:
            return None


def attend(owner: socket.socket, children: dict[int, Child]) -> Request | None:
    """Fork what an owner asks for, or end what it had; return in a child."""
    message, passed = receive(owner)
    if not message:
        end(owner, children)
        return None
    *streams, number = passed
    report = socket.socket(fileno=number)
    try:
        child = fork(owner, report)
    except OSError:  # no memory or no number is left: only this one fails
        traceback.print_exc()
        report.close()
        close_all(streams)
        return None
    if child is None:
        report.close()
        return Request(**json.loads(message), streams=streams)
    close_all(streams)
    children[child.pidfd] = child
    return None


def receive(owner: socket.socket) -> tuple[bytes, list[int]]:
    """Read a request and its descriptors; nothing once the owner is gone."""
    try:
        message, passed, _, _ = socket.recv_fds(owner, LONGEST, 4)
    except ConnectionResetError:
        return b"", []
    return message, passed


def fork(owner: socket.socket, report: socket.socket) -> Child | None:
    """Fork, and report the child's number and a descriptor of it; None in the child."""
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, "a lock that another thread holds would stay locked in a child"
    here = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with(here)
        return None
    child = Child(owner, pid, os.pidfd_open(pid), report)
    try:
        socket.send_fds(report, [json.dumps(pid).encode()], [child.pidfd])
    except OSError:  # the test no longer waits for it
        signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
    return child


def die_with(parent: int) -> None:
    """Have the kernel kill this process at the end of its parent."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def reap(child: Child) -> None:
    """Report how a child ended, as `subprocess` does: minus the signal's number."""
    _, status = os.waitpid(child.pid, 0)
    os.close(child.pidfd)
    with child.report, contextlib.suppress(OSError):
        child.report.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())


def end(owner: socket.socket, children: dict[int, Child]) -> None:
    """Kill the children of an owner that is gone."""
    owner.close()
    for child in [each for each in children.values() if each.owner is owner]:
        signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
        reap(children.pop(child.pidfd))


def forget(sockets: Iterable[socket.socket], children: Iterable[Child]) -> None:
    """Close, in a child, what its parent holds of the others."""
    for each in sockets:
        each.close()
    for child in children:
        os.close(child.pidfd)
        child.report.close()


def close_all(numbers: list[int]) -> None:
    for number in numbers:
        os.close(number)


def become(request: Request, set_since: dict[str, str]) -> None:
    """Make this process what `python -m MODULE ARGUMENTS` is, and run it."""
    for number, stream in enumerate(request.streams):
        os.dup2(stream, number)
    close_all(request.streams)
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment | set_since)
    time.tzset()
    sys.path[0] = os.getcwd()
    sys.argv = ["-m", *request.arguments]
    sys.orig_argv = [sys.executable, "-m", request.module, *request.arguments]
    sys.stdin = sys.__stdin__ = open_stream(0, "r", sys.stdin)
    sys.stdout = sys.__stdout__ = open_stream(1, "w", sys.stdout)
    sys.stderr = sys.__stderr__ = open_stream(2, "w", sys.stderr)
    leave(run(request.module))


def run(module: str) -> int:
    """Run a module as Python does with `-m`; its exit status."""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except Exception:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def leave(status: int) -> None:
    """End as Python does, but leave everything as it is.

    To take apart what was imported writes to it, and each page is copied: 0.17 s.
    """
    threading._shutdown()  # waits for the threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def open_stream(number: int, mode: str, like: TextIO) -> TextIO:
    """Open a standard stream as Python does at its start (`create_stdio`)."""
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    raw = io.FileIO(number, mode, closefd=False)
    raw.name = like.name
    buffer = raw
    if mode == "r" or not unbuffered:
        buffer = (io.BufferedReader if mode == "r" else io.BufferedWriter)(raw)
    stream = io.TextIOWrapper(
        buffer,
        encoding=like.encoding,
        errors=like.errors,
        newline="\n",
        line_buffering=not unbuffered and (number == 2 or os.isatty(number)),
        write_through=unbuffered,
    )
    stream.mode = mode
    return stream


if __name__ == "__main__":
    main()
