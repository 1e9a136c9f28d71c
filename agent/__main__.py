"""`python -m agent`: the agent alone, in a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from agent.options import parser
from agent.pipes import until_read
from agent.sparing import spare_langsmith_types


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, run the program, and return the process's exit status."""
    parsed = parser().parse_args(arguments)
    spare_langsmith_types()
    # Only now: --help and a misspelt option need neither LangChain nor a database.
    from agent.program import run

    return run(parsed)


if __name__ == "__main__":
    sys.exit(until_read(main))
