"""Read the answer to a tool approval: one LangChain decision dict.

The shapes are those of `langchain.agents.middleware.human_in_the_loop` in its per-call
mode: `approve`, `reject` with an optional `message`, `edit` with `edited_action`, and
`respond` with a `message`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from agent.arguments import clean_text
from agent.prompts import STOP

REJECTED = f"Rejected by a person. Nothing was done. {STOP}"
MALFORMED = (
    "Not approved: the answer to the question could not be read. Nothing was done. "
    f"{STOP}"
)
OTHER_TOOL = (
    "Not approved: the answer named another tool, and an edit may only change the "
    f"arguments. Nothing was done. {STOP}"
)


@dataclass(frozen=True)
class Approved:
    """Run the call, with other arguments if somebody edited them."""

    edited: dict[str, Any] | None = None


@dataclass(frozen=True)
class Answered:
    """Do not run the call; the model reads this instead."""

    content: str
    status: Literal["success", "error"] = "error"


def read_decision(answer: object, tool: str) -> Approved | Answered:
    """Turn a resume value into what to do; what cannot be read approves nothing."""
    if not isinstance(answer, dict):
        return Answered(MALFORMED)
    decision = cast("dict[object, object]", answer)
    message = decision.get("message")
    match decision.get("type"):
        case "approve":
            return Approved()
        case "edit":
            return _edit(decision.get("edited_action"), tool)
        case "reject":
            given = isinstance(message, str) and message.strip()
            return Answered(clean_text(str(message)) if given else REJECTED)
        case "respond" if isinstance(message, str):
            return Answered(clean_text(message), "success")
        case _:
            return Answered(MALFORMED)


def _edit(action: object, tool: str) -> Approved | Answered:
    if not isinstance(action, dict):
        return Answered(MALFORMED)
    edited = cast("dict[object, object]", action)
    args = edited.get("args")
    if edited.get("name") != tool:
        return Answered(OTHER_TOOL)
    if not isinstance(args, dict):
        return Answered(MALFORMED)
    return Approved(cast("dict[str, Any]", args))
