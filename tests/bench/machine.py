"""The machine: what it is, and what its processes use."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import tempfile
import time
from pathlib import Path

import psycopg

PROC = Path("/proc")
PACKAGES = (
    "langgraph",
    "langgraph-checkpoint-postgres",
    "langchain-core",
    "langchain-openai",
    "psycopg",
    "procrastinate",
    "slack-bolt",
    "slack-sdk",
    "aiohttp",
)


def resident(pid: int) -> float | None:
    """MB of memory that a process holds; None where there is no /proc."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return None
    kilobytes = next(x for x in status.splitlines() if x.startswith("VmRSS")).split()
    return int(kilobytes[1]) / 1024


def cpu_seconds(pid: int, *, family: bool = False) -> float:
    """CPU time of a process, with its children if asked; 0 where there is no /proc.

    PostgreSQL's connections are children of its first process.
    """
    paths = PROC.glob("[0-9]*/stat") if family else [PROC / str(pid) / "stat"]
    stats = [_stat(path) for path in paths]
    alive = sum(own for child, parent, own, _ in stats if pid in (child, parent))
    ended = sum(ended for child, _, _, ended in stats if family and child == pid)
    return (alive + ended) / os.sysconf("SC_CLK_TCK")


def _stat(path: Path) -> tuple[int, int, int, int]:
    """Number, parent, ticks of its own, ticks of its ended children (proc(5))."""
    try:
        fields = path.read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile, or there is no /proc
        return 0, 0, 0, 0
    own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
    return int(path.parent.name), int(fields[1]), own, ended


def moment() -> str:
    """Return the time, and how busy the machine is."""
    now = dt.datetime.now(dt.UTC)
    return f"Measured {now:%Y-%m-%d %H:%M} UTC, load before {os.getloadavg()[0]:.1f}."


def describe(database_url: str, folder: Path) -> dict[str, str]:
    """Describe in words what the numbers depend on."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), current_setting('fsync'),"
            " current_setting('synchronous_commit')"
        ).fetchone()
    version, fsync, commit = row or ("?", "?", "?")
    versions = [f"{name} {importlib.metadata.version(name)}" for name in PACKAGES]
    return {
        "date": f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC",
        "processor": f"{_processor()}, {_cores()} cores",
        "memory": f"{_memory():.1f} GB",
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "packages": ", ".join(versions),
        "postgresql": f"{version}, fsync {fsync}, synchronous_commit {commit}; "
        f"one fsync takes {_fsync(folder) * 1000:.2f} ms",
        "load before": f"{os.getloadavg()[0]:.2f} (1 minute)",
    }


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = (PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [x.partition(":")[2].strip() for x in lines if x.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> float:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return pages / 1024**3


def _fsync(folder: Path) -> float:
    """Seconds that writing 8 kB through to the disk takes, the median of 21."""
    took: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(21):
            began = time.perf_counter()
            file.write(bytes(8192))
            file.flush()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return sorted(took)[10]
