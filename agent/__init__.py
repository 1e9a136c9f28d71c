"""The LangGraph agent: it knows nothing of Slack, of people or of the bot."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import LiteralString, cast

# LangGraph reads this when it is first imported: without it a crafted checkpoint row
# could name any class to be imported (`GHSA-g48c-2wqr-h844`).
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"


def named_statements(file: Path) -> dict[str, LiteralString]:
    """Read a file in which each statement starts with a line `-- name: the_name`."""
    text = file.read_text(encoding="utf-8")
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)[1:]
    # The cast is safe: the text is part of the code.
    return cast(
        "dict[str, LiteralString]", dict(zip(parts[::2], parts[1::2], strict=True))
    )
