"""Sentences about the agent's own work: what it is told, and what went wrong in a turn.

Functions that say "mrkdwn" give text for Slack, already escaped; the
`…_for_agent` functions give plain text for the model.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agent.phrases import chat
from agent.phrases.tool_calls import STOP
from bot.approvals.model import Verdict
from bot.texts.formatting import cut, escape, joined, one_line

# --- Asking the agent --------------------------------------------------------------
_WHAT_YOU_ARE = {
    "deactivated": "your account is deactivated",
    "guest": "your account is a guest account",
    "stranger": "your account belongs to another company",
    "bot": "you are a bot",
    "other team": "your account belongs to another workspace",
    "account not said": "Slack didn't say whether your account is active",
    "bot not said": "Slack didn't say whether you are a bot",
    "guest not said": "Slack didn't say whether you are a guest",
}
EMPTY_MESSAGE = (
    "I found no text in your message. Write what I should do, for "
    "example: delete reports/q3.csv"
)
WAITING_FOR_SLACK = (
    "Slack doesn't tell me who may do this. I'll keep asking, and nothing "
    "is lost. If this lasts, tell the bot's admin."
)


def paused(reason: str) -> str:
    """mrkdwn. `reason` is an operator's."""
    return (
        f"An operator has paused all actions: {escape(one_line(reason, 300))}\n"
        "What was approved here waits, and runs once the pause is lifted."
    )


AGENT_STEP_LIMIT = (
    "I stopped here: this took more steps than one turn may take. What's "
    "done stays done. Ask again in smaller parts."
)
AGENT_SAID_NOTHING = "The agent finished and had nothing to say."


def because(word: str) -> str:
    """Say why a person may not take part, by a refusal of `bot.slack.directory`."""
    return _WHAT_YOU_ARE.get(word, "your account is not a full member")


def may_not_ask(word: str) -> str:
    """mrkdwn. `word` is a refusal of `bot.slack.directory`."""
    return (
        "Only full members of this workspace can ask the agent, and "
        f"{because(word)}. Nothing was run. Ask a full member to do it for "
        "you."
    )


def too_long_message(length: int, limit: int) -> str:
    """mrkdwn. Both in characters."""
    return (
        f"Your message has {length:,} characters, and I can read up to {limit:,}. "
        "Nothing was run. Shorten it, or put the text into a file that I can "
        "read."
    )


AGENT_FAILED = (
    "Something went wrong inside the bot, so this stopped. Try again. If "
    "it happens again, tell the bot's admin."
)


def graph_failed(
    node: str, error: str, done: Sequence[str], unsure: Sequence[str]
) -> str:
    """mrkdwn. `error` is the class of what the node raised.

    Args:
        done: tools that have run in this turn.
        unsure: what was approved and may have run.
    """
    text = (
        f"The agent's graph failed in {_code(node)} ({error}), so I stopped here. The "
        "error is in the graph's own code; the log has the details."
    )
    if done:
        text += f" Already done: {joined([_code(name) for name in done])}."
    if unsure:
        names = joined([_code(name) for name in unsure])
        text += f" Unknown whether it ran: {names}. Please check by hand."
    return text


def unstorable(kind: str, nodes: Sequence[str]) -> str:
    """mrkdwn. `kind` is the name of a type; `nodes` are those that may have made it."""
    where = f" in {joined([_code(node) for node in nodes])}" if nodes else ""
    return (
        f"The agent's graph made a value of the type {_code(kind)}{where}, which can't "
        "be stored, so I stopped here. Its author has to keep such values out of the "
        "state and out of questions."
    )


def _code(name: str) -> str:
    return "`" + escape(one_line(name, 80)).replace("`", "'") + "`"


def with_code(sentence: str, code: str) -> str:
    """mrkdwn. `code` finds the trouble in the log."""
    return f"{sentence} (Code: {code})"


ANSWER_CUT_OFF = "The model's answer is cut off here: it reached its length limit."
ANSWER_FILTERED = "The model server's content filter held back the rest of this answer."
AGENT_RETURNED_NOTHING = (
    "The agent's graph ended without a message, so I have nothing to tell "
    "you. Its author can have it add its answer to its messages."
)
GRAPH_CHANGED = (
    "The agent's graph has changed and no longer asks this, so it did not "
    "run. Ask again if it's still needed."
)


def graph_refuses(complaint: str) -> str:
    """Plain text. For the card: `complaint` is the graph's own word on an answer."""
    return f"The agent's graph doesn't accept this answer: {complaint}"


NO_ANSWERS = (
    "The agent's graph asked its own question, and the policy doesn't say which values "
    "mean yes and no, so I asked nobody. The bot's admin can set them: `interrupts: "
    "{answers: words}`, or `booleans`."
)


def bad_inbox(wrong: str) -> str:
    """mrkdwn. `wrong` is what makes it unanswerable."""
    return (
        "The agent's graph asked in the shape of Agent Inbox, but its "
        f"{wrong}, so I asked nobody."
    )


TAKES_NO_ANSWER = (
    "The agent's graph stopped with a question that takes no answer, such as a "
    "NodeInterrupt, so I asked nobody. Its author can use `interrupt()` instead."
)
ASKS_THE_SAME = (
    "The agent's graph asked the same question again after the answer, so I stopped "
    "here. Its author can ask with `interrupt()`, which takes answers."
)
BAD_ANSWERS = (
    "The agent's graph says which values mean yes and no, but not clearly, so I asked "
    "nobody. Its `answers` need a value each for `approve`, `reject` and `timed_out`, "
    "and `approve` must differ from the other two; an `answer` needs {text} where a "
    "person's words go."
)
STOPPED = (
    "This was rejected, so I stopped here. What waited for it did not "
    "run. Write again to ask for something else."
)
STOPPED_BY_TIME = (
    "This timed out, so I stopped here. What waited for it did not run. "
    "Ask again if it's still needed."
)
# A note that stays with a request whose verdict the graph was not told.
NO_LONGER_ASKED = "no longer asked"
NO_TEXT = "An answer needs some text. Write one."
NO_ARGUMENTS = "An edit needs all arguments of the call."
_VERDICTS = {
    Verdict.APPROVE: "approved as it is",
    Verdict.EDIT: "edited",
    Verdict.ANSWER: "answered in the tool's place",
}


def unknown_level(level: str, known: Iterable[str]) -> str:
    """Plain text. For the thread: nobody can be asked."""
    names = joined(sorted(known)) or "none"
    return (
        f"The agent's graph asked for the level “{one_line(level, 80)}”, which isn't "
        "in the policy, so I asked nobody. Its `interrupts.levels` are: "
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


# --- Words to the agent ------------------------------------------------------------
# How these begin, for those who look for them.
REJECTED = "This call did not run: it was rejected"
TIMED_OUT = "This call did not run: nobody decided in time"
NOT_RUN = "This call did not run"
TIMED_OUT_FOR_AGENT = f"{TIMED_OUT}, so the request timed out. {STOP}"
WITHDRAWN_FOR_AGENT = f"{NOT_RUN}: it was withdrawn by the person who asked. {STOP}"
STOPPED_FOR_AGENT = f"{NOT_RUN}: its turn was stopped. {STOP}"
#: By someone else's word within the hour; people were not asked again.
REPEATED_FOR_AGENT = (
    f"{REJECTED} in this conversation within the last hour, so nobody was asked again. "
    f"{STOP}"
)


def rejected_for_agent(reason: str = "") -> str:
    """Plain text. `reason` is a person's own."""
    why = f" Reason: {cut(reason.strip(), 1_000)}" if reason else ""
    return f"{REJECTED}.{why} {STOP}"


def failed_for_agent(error: str) -> str:
    """Plain text for the model. `error` is the class of what was raised."""
    return f"This call failed ({error}); part of it may be done. {STOP}"


def after_a_stop(text: str) -> str:
    """Plain text for the model: what a person says after they stopped a turn."""
    return (
        f"{text}\n\n{chat.STOPPED}a person stopped the turn before this message. Do "
        "not go on with what it was about unless they ask for it.]"
    )


def not_run_for_agent(why: str) -> str:
    """Plain text for the model. `why` comes from the grants."""
    return f"{NOT_RUN}: {why}. {STOP}"


def tool_was_changed(tool: str) -> str:
    """Say why a request is asked again."""
    return f"{tool} has been changed by its server since this was asked."


def no_longer_fits(tool: str) -> str:
    """Say why a request is over; the agent reads it too."""
    said = tool_was_changed(tool)
    return (
        f"{said} It does not take these arguments any more, or hides some. Ask again."
    )
