"""The name under which a command of the operator gets into the audit trail."""

from __future__ import annotations

import getpass
import os


def operator() -> str:
    """Who runs this command, as far as the machine knows."""
    try:
        return f"operator {getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in containers
        return f"operator {os.getuid()}"
