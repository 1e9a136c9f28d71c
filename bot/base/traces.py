"""LangSmith's traces, which LangChain sends where its own variables ask for that."""

# LangSmith ships types that pyright cannot follow to their end.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from langsmith import Client
from langsmith.run_trees import configure
from langsmith.utils import tracing_is_enabled

from bot.base.masks import mask_strings


def mask_traces() -> None:
    """Mask secrets in inputs, outputs, errors and metadata of every trace.

    Called before the first run; without `LANGSMITH_TRACING` nothing is sent and
    nothing is done. https://docs.langchain.com/langsmith/mask-inputs-outputs
    """
    if tracing_is_enabled():
        configure(client=Client(anonymizer=mask_strings))
