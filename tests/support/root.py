"""The top of the repository, and its Python files as they are parsed, once each."""

from __future__ import annotations

import ast
import gc
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]


def name_of(path: Path) -> str:
    """Return a file's path as seen from the top."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    """Return a file's syntax tree; it is shared, so it is only read."""
    gc.disable()  # all that is made stays: to look through it costs twice the parsing
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.freeze()
        gc.enable()


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """Return all that a file consists of."""
    return list(ast.walk(tree_of(path)))
