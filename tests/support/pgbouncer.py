"""PgBouncer with transaction pooling before a database of the tests' server."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from tests.support.bot_process import free_port

SERVERS = 4  # connections to the server: fewer than the bot asks for
PROGRAM = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")
CONFIG = """\
[databases]
* = host={sockets} port=5432

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {servers}
max_client_conn = 200
logfile = {log}
"""


@contextmanager
def pooled(database: str) -> Iterator[str]:
    """The database's URL through a PgBouncer of its own."""
    parts = conninfo_to_dict(database)
    sockets, port = Path(str(parts["host"])), free_port()
    account = pwd.getpwuid(sockets.stat().st_uid)  # nobody else reaches the socket
    with tempfile.TemporaryDirectory(prefix="bot-pooler-") as name:
        folder = Path(name)
        config = _write(folder, sockets, port, str(parts["user"]))
        for path in (folder, *folder.iterdir()):
            if os.geteuid() == 0:
                os.chown(path, account.pw_uid, account.pw_gid)
        assert PROGRAM is not None
        run_as = ["-u", account.pw_name] if os.geteuid() == 0 else []
        process = subprocess.Popen(
            [PROGRAM, *run_as, str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _until_open(port, process, folder / "log")
            yield f"postgresql://{parts['user']}@127.0.0.1:{port}/{parts['dbname']}"
        finally:
            process.terminate()
            process.wait(30)


def _write(folder: Path, sockets: Path, port: int, user: str) -> Path:
    users, log, config = folder / "users", folder / "log", folder / "pgbouncer.ini"
    users.write_text(f'"{user}" ""\n')
    log.touch()
    config.write_text(
        CONFIG.format(sockets=sockets, port=port, users=users, servers=SERVERS, log=log)
    )
    return config


def _until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, log.read_text()
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"PgBouncer does not listen: {log.read_text()}")
