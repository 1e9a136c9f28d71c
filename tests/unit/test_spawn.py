"""A forked process of the tests is like one from scratch."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import spawn
from tests.support.root import ROOT
from tests.support.spawn import clean_environment

PATIENCE = 20  # seconds, most of which are for the imports of the fork server
FACTS = """
import json, os, signal, sys, threading
streams = [sys.stdin, sys.stdout, sys.stderr]
print(json.dumps({
    "argv": sys.argv,
    "original": sys.orig_argv,
    "folder": os.getcwd(),
    "path": sys.path,
    "environment": dict(os.environ),
    "name": __name__,
    "main": sys.modules["__main__"].__dict__ is globals(),
    "handlers": [str(signal.getsignal(n)) for n in signal.valid_signals()],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "streams": [(s.encoding, s.errors, s.newlines, s.name, s.mode) for s in streams],
    "buffering": [(s.line_buffering, s.write_through) for s in streams],
    "buffer": [type(s.buffer).__name__ for s in streams],
    "descriptors": sorted(int(n) for n in os.listdir("/proc/self/fd"))[:4],
    "threads": threading.active_count(),
    "group": [os.getpgid(0), os.getsid(0)],
}))
"""
OWNER = """
import asyncio, os, sys, time
from pathlib import Path
from tests.support.spawn import SERVERS, OwnForkServer, clean_environment, spawn

async def main():
    SERVERS.append(OwnForkServer(()))
    child = await spawn("program", folder=Path(sys.argv[1]), environment=environment)
    print(child.pid, SERVERS[0].process.pid, flush=True)
    time.sleep(600)

environment = clean_environment()
asyncio.run(main())
"""


@pytest.fixture(autouse=True, scope="module")
def bare() -> Iterator[None]:
    """Forks from a process that has imported neither the bot nor the agent."""
    before, shared = spawn.SERVERS[:], os.environ.pop(spawn.SHARED, None)
    spawn.SERVERS.append(spawn.OwnForkServer(()))
    yield
    for server in spawn.SERVERS[len(before) :]:
        server.stop()
    spawn.SERVERS[:] = before
    os.environ.update({spawn.SHARED: shared} if shared else {})


async def run(
    folder: Path, program: str, *arguments: str, typed: bytes = b"", **options: Any
) -> tuple[int | None, bytes, bytes]:
    """Run a program to its end; exit status and what it wrote."""
    child = await begin(folder, program, *arguments, **options)
    async with asyncio.timeout(PATIENCE):
        out, err = await child.communicate(typed)
    return child.returncode, out, err


async def begin(
    folder: Path, program: str, *arguments: str, fresh: bool = False, **more: str
) -> Process:
    (folder / "program.py").write_text(program)
    return await spawn.spawn(
        "program",
        *arguments,
        folder=folder,
        environment=clean_environment() | more,
        fresh=fresh,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
    )


async def ended(child: Process) -> int:
    async with asyncio.timeout(PATIENCE):
        return await child.wait()


async def test_what_it_is_and_has_is_the_same(tmp_path: Path):
    forked, fresh = [
        json.loads((await run(tmp_path, FACTS, "-x", "y z", fresh=each, A="b=c"))[1])
        for each in (False, True)
    ]
    assert forked == fresh
    assert forked["environment"]["A"] == "b=c"


@pytest.mark.parametrize(
    "program",
    [
        *("import sys; sys.exit(3)", "import sys; sys.exit('words')", "pass"),
        *("import os; os._exit(4)", "import os; os.kill(os.getpid(), 9)"),
        *("import atexit; atexit.register(print, 'end')", "raise KeyboardInterrupt"),
        *("print(input())", "import sys; print('x', end=''); sys.stderr.write('y')"),
        "import threading, time; threading.Timer(0.1, print, ['late']).start()",
    ],
)
async def test_its_end_and_its_words_are_the_same(tmp_path: Path, program: str):
    forked, fresh = [
        await run(tmp_path, program, typed=b"typed\n", fresh=each)
        for each in (False, True)
    ]
    assert forked[:2] == fresh[:2]
    assert forked[2].splitlines()[-1:] == fresh[2].splitlines()[-1:]


async def test_each_has_a_number_and_random_numbers_of_its_own(tmp_path: Path):
    program = (
        "import os, random, secrets, uuid, uuid_utils\n"
        "print(os.getpid(), random.random(), secrets.token_hex(), uuid.uuid4(),"
        " uuid_utils.uuid4(), os.getppid())"
    )
    children = [await begin(tmp_path, program) for _ in range(3)]
    said = [(await child.communicate())[0].decode().split() for child in children]
    assert [int(words[0]) for words in said] == [child.pid for child in children]
    parents = {words.pop() for words in said}
    assert parents == {str(spawn.fork_server().process.pid)}
    assert len({word for words in said for word in words}) == 15


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it(tmp_path: Path, number: signal.Signals):
    child = await begin(tmp_path, "import time; print('up'); time.sleep(60)")
    assert await child.stdout.readline() == b"up\n"
    assert child.returncode is None
    child.send_signal(number)
    assert await ended(child) == -number
    assert child.returncode == -number
    with pytest.raises(ProcessLookupError):
        child.kill()


async def test_its_end_is_noticed_while_others_run(tmp_path: Path):
    long = await begin(tmp_path, "import time; print('up'); time.sleep(60)")
    assert await long.stdout.readline() == b"up\n"
    assert (await run(tmp_path, "print('short')"))[:2] == (0, b"short\n")
    assert long.returncode is None
    long.kill()
    assert await ended(long) == -9


async def test_what_is_written_to_a_file_goes_there(tmp_path: Path):
    (tmp_path / "program.py").write_text("print('out')\nraise SystemExit('err')")
    with (tmp_path / "log").open("wb") as log:
        child = await spawn.spawn(
            "program",
            folder=tmp_path,
            environment=clean_environment(),
            stdin=DEVNULL,
            stdout=log,
            stderr=log,
        )
    assert await ended(child) == 1
    assert (tmp_path / "log").read_text() == "out\nerr\n"


@pytest.mark.parametrize("name", ["PYTHONPATH", "LC_ALL", "LANGSMITH_TRACING"])
def test_what_python_and_libraries_read_at_their_start_needs_one(name: str):
    assert spawn.can_fork(clean_environment() | {"TZ": "Asia/Tokyo", "PORT": "1"})
    assert not spawn.can_fork(clean_environment() | {name: "other"})


async def test_the_time_zone_is_its_own(tmp_path: Path):
    program = "import time; print(time.tzname, time.localtime(0).tm_hour)"
    _, out, _ = await run(tmp_path, program, TZ="Asia/Tokyo")
    assert out == b"('JST', 'JST') 9\n"


async def test_one_that_has_died_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(spawn.OwnForkServer.__init__, "__defaults__", ((),))
    child = await begin(tmp_path, "import time; print('up'); time.sleep(60)")
    assert await child.stdout.readline() == b"up\n"
    spawn.fork_server().process.kill()
    assert await ended(child) == -9
    assert "The fork server has ended" in capsys.readouterr().err
    assert (await run(tmp_path, "print('again')"))[:2] == (0, b"again\n")


def test_none_is_left_when_its_owner_is_killed(tmp_path: Path):
    (tmp_path / "program.py").write_text("import time; time.sleep(600)")
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout is not None
        left = [os.pidfd_open(int(pid)) for pid in owner.stdout.readline().split()]
        owner.kill()
    for descriptor in left:
        gone, _, _ = select.select([descriptor], [], [], PATIENCE)
        os.close(descriptor)
        assert gone
