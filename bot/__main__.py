"""`python -m bot`, and `approval-bot` where the package is installed."""

from __future__ import annotations

import sys

from agent.entry import until_read
from bot.commands.cli import main


def run() -> int:
    """Run the command line, and return the process's exit status."""
    return until_read(main)


if __name__ == "__main__":
    sys.exit(run())
