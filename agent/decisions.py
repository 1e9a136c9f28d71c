"""Read the answer to a tool approval: one LangChain decision dict.

The shapes are those of `langchain.agents.middleware.human_in_the_loop` in its per-call
mode: `approve`, `reject` with an optional `message`, `edit` with `edited_action`, and
`respond` with a `message`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast

from agent.arguments import clean_text
from agent.marks import ANSWERED, REJECTED, Word
from agent.prompts import STOP, firmly

NO_REASON = "Rejected by a person. Nothing was done."
MALFORMED = (
    "Not approved: the answer to the question could not be read. Nothing was done. "
    f"{STOP}"
)
OTHER_TOOL = (
    "Not approved: the answer named another tool, and an edit may only change the "
    f"arguments. Nothing was done. {STOP}"
)
#: Stands before a person's own words, so that nobody takes them for the tool's result.
IN_ITS_PLACE = (
    "A person answered in place of the tool, which did not run. Do not call it again "
    "for this, and do not say that it ran. The answer:\n\n"
)


@dataclass(frozen=True)
class Approved:
    """Run the call, with other arguments if somebody edited them."""

    edited: dict[str, Any] | None = None
    seen: dict[str, Any] | None = None  # what it was about when people were asked


@dataclass(frozen=True)
class Answered:
    """Do not run the call; the model reads this instead."""

    content: str
    status: Literal["success", "error"] = "error"
    word: Word | None = None


def read_decision(answer: object, tool: str) -> Approved | Answered:
    """Turn a resume value into what to do; what cannot be read approves nothing."""
    if not isinstance(answer, dict):
        return Answered(MALFORMED)
    decision = cast("dict[object, object]", answer)
    message = decision.get("message")
    match decision.get("type"):
        case "approve":
            seen = decision.get("seen")
            known = cast("dict[str, Any]", seen) if isinstance(seen, dict) else None
            return Approved(seen=known)
        case "edit":
            return _edit(decision.get("edited_action"), tool)
        case "reject":
            return _reject(message if isinstance(message, str) else "")
        case "respond" if isinstance(message, str):
            return Answered(IN_ITS_PLACE + clean_text(message), "success", ANSWERED)
        case _:
            return Answered(MALFORMED)


def _reject(message: str) -> Answered:
    # Whoever wrote the message may not know that a model reads it.
    said = clean_text(message.strip()) or NO_REASON
    return Answered(firmly(said), word=REJECTED)


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
