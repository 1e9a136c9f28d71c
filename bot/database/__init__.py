"""PostgreSQL: pools, named statements, migrations, the embedded server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_COMMENT = re.compile(r"\s*--.*")


def load_statements(package: str, *files: str) -> Mapping[str, LiteralString]:
    """Read some files of `package`: name of each statement to its text.

    A statement starts with a line `-- name: the_name`, then a comment that says what
    it is for. Comments are left out, since psycopg reads a long statement anew at each
    use. The cast is safe: the text is part of the code.
    """
    parts: list[str] = []
    for file in files:
        text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
        parts += _NAME.split(text)[1:]
    names, bodies = parts[::2], parts[1::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{package} names a statement twice")
    return MappingProxyType(
        {
            name: cast(LiteralString, _COMMENT.sub("", body).strip().rstrip(";"))
            for name, body in zip(names, bodies, strict=True)
        }
    )
