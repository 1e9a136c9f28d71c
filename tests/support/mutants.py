"""Compare the last `make mutants` with what is allowed to survive.

`python -m tests.support.mutants` ends with 1 where more changes of the guard went
unnoticed than docs/security.md accounts for, or no test reaches a changed function.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

STATS = Path("mutants/mutmut-cicd-stats.json")
MOST_SURVIVORS = 55  # each is accounted for in docs/security.md, "Mutants"
UNDECIDED = ("suspicious", "timeout", "no_tests")


def verdict(stats: dict[str, int]) -> tuple[bool, str]:
    """Return whether the tests notice enough, and the figures in a sentence."""
    survived, untested = stats["survived"], stats["no_tests"]
    others = ", ".join(f"{stats[name]} {name}" for name in UNDECIDED if stats[name])
    said = f"{stats['killed']} of {stats['total']} changes noticed, {survived} survived"
    good = survived <= MOST_SURVIVORS and not untested
    return good, said + (f" ({others})." if others else ".")


def main() -> int:
    """Print the figures; 1 if too many survived."""
    good, said = verdict(json.loads(STATS.read_text()))
    print(said)
    if not good:
        print(f"At most {MOST_SURVIVORS} may survive, and none may be without tests;")
        print("see: mutmut results")
    return not good


if __name__ == "__main__":
    sys.exit(main())
