"""The two ends of a program: imports that a start can spare, a reader who is gone."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path


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


_NAME = "langsmith.types.run_select_field"


def spare_langsmith_types() -> None:
    """Spare the types of LangSmith's whole API; called before LangChain is imported.

    LangChain imports LangSmith, traced or not, and that takes one `Literal` out of a
    package whose 200 modules are a seventh of the bot's start. With the module already
    there, its package is imported by those who need more of it, and then as usual.
    Where another version has no such file, nothing is spared.
    """
    if _NAME in sys.modules:
        return
    package = importlib.util.find_spec("langsmith")
    if package is None or not package.submodule_search_locations:
        return
    file = Path(package.submodule_search_locations[0], "types", "run_select_field.py")
    spec = importlib.util.spec_from_file_location(_NAME, file)
    if file.exists() and spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[_NAME] = module
