"""A tool's own word for an end that it cannot know."""

from __future__ import annotations

from langchain_core.tools import ToolException


class OutcomeUnknown(ToolException):
    """It may have happened. The grant says so, and nobody runs it again by itself."""
