"""`python -m agent`: the agent alone, in a terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from agent.entry import spare_langsmith_types, until_read
from agent.phrases.chat import CHECKPOINTERS


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, run the program, and return the process's exit status."""
    parsed = _parser().parse_args(arguments)
    spare_langsmith_types()
    # Only now: --help and a misspelt option need neither LangChain nor a database.
    from agent.program import run

    return run(parsed)


def _parser() -> argparse.ArgumentParser:
    """Describe the command line."""
    made = argparse.ArgumentParser(
        prog="python -m agent", description="The agent alone, in a terminal."
    )
    made.add_argument(
        "--checkpointer",
        default="memory",
        metavar="WHERE",
        help=f"where the conversation is kept: {CHECKPOINTERS} (default: memory)",
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


if __name__ == "__main__":
    sys.exit(until_read(main))
