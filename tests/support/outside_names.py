"""The names that others have stored or rely on; a rename must not reach them.

`python -m tests.support.outside_names` writes the file anew, when one is meant to be
added. Columns come from a database with the schema.
"""

from __future__ import annotations

import ast
import asyncio
import enum
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import psycopg
from langchain_core.language_models import FakeListChatModel

import agent
import bot
from agent.gate import Gate
from agent.graph import build_graph
from bot.approvals.eligibility import Refusal
from bot.database.migrate import migrate
from bot.jobs.queue import QUEUES
from bot.slack.listeners import register_listeners
from bot.texts import cards, clicks
from bot.web.api.schema import document
from tests.support import postgres
from tests.support.root import ROOT, nodes_of

FILE = Path(__file__).with_suffix(".txt")
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")
COLUMNS = """
SELECT table_name || '.' || column_name FROM information_schema.columns
WHERE table_schema = 'public'"""


def names(database: str) -> list[str]:
    """Return a sorted line for each name, with its kind in front."""
    kinds = {
        "enum": _enums(),
        "listener": _listeners(),
        "job": QUEUES,
        "log action": _log_actions(),
        "audit event": cards._EVENTS,
        "refusal": {*clicks._REFUSALS, *cards._WHY_REFUSED, *Refusal},
        "node": _nodes(),
        "api": _api(),
        "column": _columns(database),
    }
    return sorted(
        {f"{kind}: {name}" for kind, found in kinds.items() for name in found}
    )


def _modules() -> Iterator[ModuleType]:
    for package in (agent, bot):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if "simulator" not in found.name and not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def _enums() -> Iterator[str]:
    for module in _modules():
        for value in vars(module).values():
            is_enum = isinstance(value, type) and issubclass(value, enum.StrEnum)
            if is_enum and value.__module__ == module.__name__:
                yield " ".join(sorted(value))


class _Recorder:
    """Stands in for Bolt's app, and notes what is listened to."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def listen(name: object = "", *_: object) -> Callable[[object], None]:
            if isinstance(name, str):
                self.found.append(f"{kind} {name}".strip())
            return lambda listener: None

        return listen


def _listeners() -> list[str]:
    recorder = _Recorder()
    register_listeners(cast(Any, recorder), cast(Any, SimpleNamespace(rates={})))
    return recorder.found


def _log_actions() -> Iterator[str]:
    for path in [*ROOT.glob("agent/**/*.py"), *ROOT.glob("bot/**/*.py")]:
        for node in nodes_of(path):
            match node:
                case ast.Call(func=ast.Attribute(attr=level)) if level in LEVELS:
                    yield from _said(node)


def _said(call: ast.Call) -> Iterator[str]:
    for keyword in call.keywords:
        match keyword:
            case ast.keyword(arg="action", value=ast.Constant(value=str(word))):
                yield word


def _nodes() -> list[str]:
    model = FakeListChatModel(responses=[""])
    graph = build_graph(model, [], Gate(cast(Any, None)))
    return [*graph.nodes]


def _api() -> Iterator[str]:
    for path, item in document()["paths"].items():
        yield from (f"{verb.upper()} {path}" for verb in item)
    for name, schema in document()["components"]["schemas"].items():
        yield from (f"{name}.{field}" for field in schema.get("properties", {}))


def _columns(database: str) -> list[str]:
    with psycopg.connect(database) as connection:
        return [name for (name,) in connection.execute(COLUMNS)]


def main() -> None:
    with postgres.folder() as folder, postgres.server(folder / "data") as url:
        asyncio.run(migrate(url))
        FILE.write_text("\n".join(names(url)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
