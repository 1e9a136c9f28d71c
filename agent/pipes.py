"""The end of a program whose output nobody reads any more."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable


def until_read(main: Callable[[], int]) -> int:
    """Run a program and return its exit status; it ends quietly before `| head`.

    A reader that has enough closes the pipe, which is no failure. What is still in the
    buffer then goes nowhere: Python would complain of it at its exit.
    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    status = 0
    try:
        try:
            status = main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status
