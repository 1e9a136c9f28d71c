"""What a call's arguments name at the moment: looked at when people are asked, and
looked at again where the call runs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool

Seen = dict[str, Any]  # JSON

#: What the call that runs now was approved for; None where nothing was recorded.
approved_for: ContextVar[Seen | None] = ContextVar("approved_for", default=None)


class SeeingTool(StructuredTool):
    """A tool that can say what its arguments name right now.

    `look` takes the arguments and never raises for what a person or a model wrote. The
    tool itself compares with `approved_for`, on what it has open.
    """

    look: Callable[[dict[str, Any]], Awaitable[Seen]]


async def look_at(tool: BaseTool, args: dict[str, Any]) -> Seen | None:
    """What a call names now; None for tools that cannot say."""
    return await tool.look(args) if isinstance(tool, SeeingTool) else None
