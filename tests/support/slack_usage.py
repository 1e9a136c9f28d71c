"""The parts of Slack that the bot's code uses, read from the code itself."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from slack_sdk.web.async_client import AsyncWebClient

BOT = Path(__file__).parents[2] / "bot"
_CLIENT = {name for name in vars(AsyncWebClient) if "_" in name.strip("_")}


@cache
def _calls() -> list[tuple[str, ast.Call]]:
    """Return name and call of each call of a method, outside the simulator."""
    found: list[tuple[str, ast.Call]] = []
    for path in sorted(BOT.rglob("*.py")):
        if "simulator" in path.relative_to(BOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                found.append((node.func.attr, node))
    return found


def _text(node: ast.expr | None) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def client_methods() -> set[str]:
    """Return the methods of Slack's client that are called, by its names for them."""
    found: set[str] = set()
    for name, call in _calls():
        if name == "api_call":
            found.add(_text(call.args[0]).replace(".", "_"))
        elif name in _CLIENT and not name.startswith("_"):
            found.add(name)
    return found


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
