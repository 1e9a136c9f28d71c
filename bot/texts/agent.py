"""The sentences of this room, for people and for the agent."""

from __future__ import annotations

from collections.abc import Iterable

from bot.approvals.model import Verdict
from bot.slack.text import joined, one_line

NO_ANSWERS = (
    "The agent's graph asked a question of its own, and nothing says what it takes for "
    "yes and for no, so I did not ask anybody. Whoever runs the bot can say it in the "
    "policy: `interrupts: {answers: words}`, or `booleans`."
)
BAD_ANSWERS = (
    "The agent's graph says itself what it takes for yes and for no, but not clearly, "
    "so I did not ask anybody. Its `answers` need a value each for `approve`, `reject` "
    "and `timed_out`, and that of `approve` must be another than the other two."
)
STOPPED = (
    "This was rejected, so I stopped here; what waited for it did not run. Write again "
    "to ask for something else."
)
STOPPED_BY_TIME = (
    "This timed out: nobody decided in time, so I stopped here; what waited for it did "
    "not run. Ask again if it is still needed."
)
NO_TEXT = "An answer needs some text; please write one."
NO_ARGUMENTS = "An edit needs the arguments of the call; please give them all."
_VERDICTS = {
    Verdict.APPROVE: "approved as it is",
    Verdict.EDIT: "edited",
    Verdict.ANSWER: "answered in the tool's place",
}


def unknown_level(level: str, known: Iterable[str]) -> str:
    """Plain text. For the thread: nobody can be asked."""
    names = joined(sorted(known)) or "none"
    return (
        f"The agent's graph asked for the level “{one_line(level, 80)}”, which the "
        f"policy does not know, so I did not ask anybody. Its `interrupts.levels` are: "
        f"{names}."
    )


def wrong_number(decided: int, asked: int) -> str:
    """Plain text. A question of several calls is answered whole."""
    return (
        f"The agent's graph asks about {asked} calls and {decided} are decided; please "
        "decide each of them once."
    )


def not_allowed(verdict: Verdict) -> str:
    """Plain text. The graph offers no such decision."""
    return (
        f"The agent's graph does not let this be {_VERDICTS[verdict]}; please decide "
        "in another way."
    )


def unfit_arguments(complaint: str) -> str:
    """Plain text. `complaint` names the argument and what is wrong with it."""
    return f"These arguments do not fit the tool: {complaint}. Please correct them."


def unfit_answer(complaint: str) -> str:
    """Plain text. `complaint` names the field and what is wrong with it."""
    return (
        "This answer does not fit what the agent's graph asks for: "
        f"{complaint}. Please correct it."
    )
