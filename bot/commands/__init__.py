"""The command line: `cli` reads it, `launch` runs one command, a module for each."""

from __future__ import annotations

import getpass
import os


def operator() -> str:
    """Return the name of the account that runs this command."""
    try:
        return f"operator {getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in containers
        return f"operator {os.getuid()}"
