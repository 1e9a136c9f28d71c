"""Every sentence that people read, one a line: `python -m tests.support.sentences`.

For reading aloud: each with its file, line and name. `{…}` is what is put in.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.root import ROOT, tree_of

#: Where sentences stand; elsewhere texts of three words and more are left to read.
ROOMS = ("bot/texts", "agent/phrases", "bot/approvals/policy/complaints.py")
_FEW = 3  # words
_OTHERS = re.compile(r"[<>\\^]|^(?:SELECT|INSERT|CREATE|DROP|UPDATE) ")  # HTML, SQL …


@dataclass(frozen=True)
class Sentence:
    """A text of the code, and the constant or function that it stands in."""

    file: str
    line: int
    name: str
    text: str

    def __str__(self) -> str:
        shown = " ".join(self.text.split())
        return f"{self.file}:{self.line}: {self.name}: {shown}"


def sentences() -> Iterator[Sentence]:
    """All of them, those of the rooms first, each file from top to bottom."""
    files = sorted(
        path for room in ("agent", "bot") for path in ROOT.glob(f"{room}/**/*.py")
    )
    for file in sorted(files, key=lambda path: not _is_room(_name(path))):
        name = _name(file)
        least = 1 if _is_room(name) else _FEW
        for found in _texts(tree_of(file), name, ""):
            words = [each for each in found.text.split() if any(map(str.isalpha, each))]
            is_other = least > 1 and _OTHERS.search(found.text)
            if len(words) >= least and not is_other:
                yield found


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _is_room(file: str) -> bool:
    return file.startswith(ROOMS)


def _texts(node: ast.AST, file: str, name: str) -> Iterator[Sentence]:
    for child in ast.iter_child_nodes(node):
        if _is_docstring(child, node) or isinstance(child, ast.expr_context):
            continue
        text = _text(child)
        if text is not None:
            yield Sentence(file, getattr(child, "lineno", 0), name or "-", text)
        else:
            yield from _texts(child, file, _named(child) or name)


def _text(node: ast.AST) -> str | None:
    """A literal, an f-string with names in place of values; None for all else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = [
        each.value if isinstance(each, ast.Constant) else f"{{{_value(each)}}}"
        for each in node.values
    ]
    return "".join(map(str, parts))


def _value(node: ast.expr) -> str:
    """The text between the braces, with its format."""
    return ast.unparse(ast.JoinedStr([node]))[3:-2]


def _named(node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign):
        return ", ".join(ast.unparse(target) for target in node.targets)
    return ast.unparse(node.target) if isinstance(node, ast.AnnAssign) else ""


def _is_docstring(node: ast.AST, parent: ast.AST) -> bool:
    holds = isinstance(
        parent, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    )
    return holds and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


if __name__ == "__main__":
    for sentence in sentences():
        print(sentence)
