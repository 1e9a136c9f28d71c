"""The parts of Slack that the bot's code uses, read from the code itself."""

from __future__ import annotations

import ast
from functools import cache

from slack_sdk.web.async_client import AsyncWebClient

from tests.support.root import ROOT, nodes_of

BOT = ROOT / "bot"
_CLIENT = {name for name in vars(AsyncWebClient) if "_" in name.strip("_")}


@cache
def _nodes() -> list[ast.AST]:
    """Return all that the code outside the simulator consists of."""
    return [
        node
        for path in sorted(BOT.rglob("*.py"))
        if "simulator" not in path.relative_to(BOT).parts
        for node in nodes_of(path)
    ]


@cache
def _calls() -> list[tuple[str, ast.Call]]:
    """Return name and call of each call of a method."""
    return [
        (node.func.attr, node)
        for node in _nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]


def _text(node: ast.expr | None) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def client_methods() -> set[str]:
    """Return the methods of Slack's client that are used, by its names for them."""
    called = {name for name, _ in _calls()}
    named = {str(n.value) for n in _nodes() if isinstance(n, ast.Constant)}
    return {n for n in (called | named) & _CLIENT if not n.startswith("_")}


def listeners(kind: str) -> set[str]:
    """Return the names listened to with `app.KIND("name")`; patterns are no names."""
    return {
        _text(call.args[0])
        for name, call in _calls()
        if name == kind and call.args and _text(call.args[0])
    }


def handles_clicks() -> bool:
    """Tell whether any listener waits for clicks or forms."""
    return any(name in ("action", "view") for name, _ in _calls())
