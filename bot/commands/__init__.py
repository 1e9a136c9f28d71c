"""The commands of `python -m bot`, one module each; and who gives them."""

from __future__ import annotations

import getpass
import os


def operator() -> str:
    """Return the name of the account that runs this command."""
    try:
        return f"operator {getpass.getuser()}"
    except (KeyError, OSError):  # an account without a name, as in containers
        return f"operator {os.getuid()}"
