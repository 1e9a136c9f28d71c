"""Launch one command: read its settings, find its database, import its module."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import os
import sys
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from agent.entry import spare_langsmith_types
from bot.base.logs import configure_logging
from bot.base.settings import Settings, near_misses
from bot.database import embedded

Command = Callable[[Settings, argparse.Namespace, str], Coroutine[Any, Any, int]]


def launch(parsed: argparse.Namespace) -> int:
    """Run the command that the command line names, and return its exit status."""
    for said in near_misses(os.environ, Path(".env")):
        print(said, file=sys.stderr)
    settings = Settings.load(os.environ, Path(".env"))
    configure_logging(settings.log_format, settings.log_level)
    with _database(settings, _needs_database(parsed)) as url:
        command = load(parsed.command)
        with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
            return runner.run(command(settings, parsed, url()))


#: New objects before Python looks for garbage, and looks before one goes further back.
#: Hardly any garbage here refers to itself. Looking for it as often as Python does by
#: default took 2 % of a cycle's CPU, and up to 35 ms at a time.
SELDOM = 5_000, 20, 50


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes uvloop's loop, if that is installed; None for Python's own."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return None
    return new_event_loop


def load(command: str) -> Command:
    """Import the function that `module:function` names."""
    module, _, name = command.partition(":")
    spare_langsmith_types()
    # Modules stay. To look for garbage among them takes a tenth of the imports' time.
    gc.disable()
    try:
        found = getattr(importlib.import_module(module), name)
        gc.freeze()
    finally:
        gc.enable()
        gc.set_threshold(*SELDOM)
    return cast(Command, found)


def _needs_database(parsed: argparse.Namespace) -> bool:
    """Return whether a command uses the database; `verify --file` does not."""
    return parsed.needs_database and getattr(parsed, "file", None) is None


@contextmanager
def _database(settings: Settings, is_needed: bool) -> Generator[Callable[[], str]]:
    """The URL of the server that the settings name, or of the embedded one."""
    if not is_needed:
        yield lambda: ""
    elif settings.database_url is not None:
        yield settings.database_url.get_secret_value
    else:
        with _embedded() as url:
            yield url


@contextmanager
def _embedded() -> Generator[Callable[[], str]]:
    """Keep the embedded server while we live; it starts while modules are imported."""
    thread = ThreadPoolExecutor(1)
    starting = thread.submit(embedded.start)
    thread.shutdown(wait=False)
    try:
        yield lambda: starting.result().url
    finally:
        if starting.exception() is None:
            starting.result().stop()
