"""A script that does something once people have approved it.

    APPROVALS_URL=https://bot.example APPROVALS_TOKEN=… python plain_script.py web

Run again after a crash, it finds its request by the key and goes on.
"""

from __future__ import annotations

import os
import sys

from bot.client import Approvals, NotApproved

approvals = Approvals(os.environ["APPROVALS_URL"], os.environ["APPROVALS_TOKEN"])


@approvals.required(title="Restart {service}", key="deploy-42")
def restart(service: str) -> str:
    return f"{service} is up"


if __name__ == "__main__":
    try:
        print(restart(sys.argv[1]))  # noqa: T201
    except NotApproved as no:
        sys.exit(f"{type(no).__name__}: {no}")
