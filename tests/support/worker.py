"""A worker of pytest, forked from a process that has imported what tests import.

Run as a script it stands in for the interpreter that xdist starts: it has the worker
forked, with its own streams, and waits for its end. Run by the fork server it is the
worker. Six workers import for 25 s of CPU, a fork takes some milliseconds.
"""

from __future__ import annotations

import json
import os
import socket
import sys

ADDRESS = "WORKER_SERVER"  # the variable with the fork server's address
#: Beside the bot and the agent; slow to import, and used by many tests.
LIBRARIES = ("hypothesis", "playwright.async_api", "pytest", "xdist.remote")


def stand_in() -> int:
    """Have the worker forked; its exit status."""
    request = {
        "module": "tests.support.worker",
        "arguments": [],
        "folder": os.getcwd(),
        "environment": dict(os.environ),
    }
    control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    control.connect(os.environ[ADDRESS])
    report, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    message = json.dumps(request).encode()
    socket.send_fds(control, [message], [0, 1, 2, theirs.fileno()])
    theirs.close()
    report.recv(64)  # its number
    return json.loads(report.recv(64) or b"1")


if __name__ == "__main__":
    if os.environ.get(ADDRESS) and __spec__ is None:
        sys.exit(stand_in())
    del os.environ[ADDRESS]
    exec(eval(sys.stdin.readline()))  # as execnet starts any worker
