"""A process that has imported the program and forks each one that a test starts.

A fresh interpreter spends two to three seconds of CPU on its imports, a fork some
milliseconds. `tests.support.spawn` starts this one with a socket and sends requests
over it; the socket's end is the end of this process and of its children.

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
import selectors
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

    pid: int
    pidfd: int
    report: socket.socket


def main() -> None:
    """Serve; in a child, run what was asked for."""
    number, *programs = sys.argv[1:]
    control = socket.socket(fileno=int(number))
    on_ctrl_c = signal.getsignal(signal.SIGINT)  # ignored where a shell started us so
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the children
    gc.disable()
    spare_langsmith_types()
    preload(programs)
    set_since = dict(os.environ.items() - given().items())
    gc.collect()
    gc.freeze()
    gc.enable()
    request = serve(control)
    if request is not None:
        signal.signal(signal.SIGINT, on_ctrl_c)
        become(request, set_since)


def preload(programs: Sequence[str]) -> None:
    """Import all that the programs import, now or later."""
    for program in programs:
        package = importlib.import_module(program)
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


def serve(control: socket.socket) -> Request | None:
    """Fork until the owner is gone; return in a child with its request."""
    children: dict[int, Child] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select()}
            for ended in ready & children.keys():
                selector.unregister(ended)
                reap(children.pop(ended))
            if control.fileno() not in ready:
                continue
            message, passed, _, _ = socket.recv_fds(control, LONGEST, 4)
            if not message:
                end(children.values())
                return None
            *streams, number = passed
            report = socket.socket(fileno=number)
            try:
                child = fork(report)
            except OSError:  # no memory or no number is left: only this one fails
                traceback.print_exc()
                report.close()
                close_all(streams)
                continue
            if child is None:
                break
            close_all(streams)
            children[child.pidfd] = child
            selector.register(child.pidfd, selectors.EVENT_READ)
    control.close()
    report.close()
    forget(children.values())
    return Request(**json.loads(message), streams=streams)


def fork(report: socket.socket) -> Child | None:
    """Fork, and report the child's number and a descriptor of it; None in the child."""
    threads = len(os.listdir("/proc/self/task"))
    assert threads == 1, "a lock that another thread holds would stay locked in a child"
    here = os.getpid()
    pid = os.fork()
    if pid == 0:
        die_with(here)
        return None
    child = Child(pid, os.pidfd_open(pid), report)
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


def end(children: Iterable[Child]) -> None:
    """Kill the children of an owner that is gone."""
    for child in children:
        signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)
        reap(child)


def forget(children: Iterable[Child]) -> None:
    """Close, in a child, what its parent holds of the others."""
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
