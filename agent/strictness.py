"""Whether a checkpoint can make this process build what it names."""

from __future__ import annotations

# pyright: reportMissingTypeStubs=false
import logging
from dataclasses import dataclass

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

LAX = (
    "Checkpoints would be read without LANGGRAPH_STRICT_MSGPACK, so that whoever can "
    "write to their database could run code here: import this package before LangGraph."
)
_SERDE_LOG = logging.getLogger("langgraph.checkpoint.serde.jsonplus")


@dataclass
class _Witness:
    """A class that no list of allowed ones names."""

    word: str = "made"


def is_strict() -> bool:
    """Try it: the variable counts only if it was set before LangGraph's import."""
    serde = JsonPlusSerializer()
    was, _SERDE_LOG.disabled = _SERDE_LOG.disabled, True  # it tells each refusal
    try:
        return not isinstance(
            serde.loads_typed(serde.dumps_typed(_Witness())), _Witness
        )
    finally:
        _SERDE_LOG.disabled = was
