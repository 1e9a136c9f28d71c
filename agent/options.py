"""The options of `python -m agent`."""

from __future__ import annotations

import argparse

#: What --checkpointer takes.
ALLOWED = "memory, sqlite:PATH or postgresql://…"


def parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        prog="python -m agent", description="The agent alone, in a terminal."
    )
    made.add_argument(
        "--checkpointer",
        default="memory",
        metavar="WHERE",
        help=f"where the conversation is kept: {ALLOWED} (default: memory)",
    )
    made.add_argument(
        "--thread",
        default="main",
        metavar="ID",
        help="which conversation; the same ID later goes on with it (default: main)",
    )
    made.add_argument(
        "--mermaid", action="store_true", help="print the graph's drawing and end"
    )
    return made
