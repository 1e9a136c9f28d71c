"""The state of the graph."""

from __future__ import annotations

# LangGraph ships its types without the marker that pyright looks for.
# pyright: reportMissingTypeStubs=false
from typing import Annotated

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages
from typing_extensions import TypedDict


class State(TypedDict):
    """What a checkpoint holds of a conversation."""

    messages: Annotated[list[AnyMessage], add_messages]
