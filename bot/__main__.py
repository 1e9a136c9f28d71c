"""`python -m bot`."""

from __future__ import annotations

import sys

from agent.pipes import until_read
from bot.commands.cli import main

if __name__ == "__main__":
    sys.exit(until_read(main))
