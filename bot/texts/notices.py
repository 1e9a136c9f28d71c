"""Every sentence that people, or the agent, read: one place, plain words.

Functions that say "mrkdwn" give text for Slack, already escaped; the `…_for_agent`
functions give plain text for the model. (A card's labels stand in its builders, the
private answers to a click in `click_sentences`.)
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.approvals.model import Execution, Status
from bot.slack.text import (
    cut,
    date,
    escape,
    is_identifier,
    joined,
    mention,
    mentions,
    one_line,
)

STATUS_WORDS = {
    Status.PENDING: "Approval needed",
    Status.APPROVED: "Approved",
    Status.REJECTED: "Rejected",
    Status.TIMED_OUT: "Timed out",
    Status.WITHDRAWN: "Withdrawn",
    Status.ORPHANED: "Orphaned",
    Status.ANSWERED: "Answered",
}
UNKNOWN = "Unknown"
# No word for a call that runs: its end alone does not redraw the card, which would go
# on saying so.
EXECUTION_WORDS = {
    Execution.DONE: "ran",
    Execution.FAILED: "failed",
    Execution.UNKNOWN: "unknown",
}
AN_OPERATOR = "an operator"
UNKNOWN_IF_RUN = (
    "It was cut off in the middle, so it is unknown whether it happened. It is not run "
    "again by itself; please check by hand."
)


def status_word(status: Status, execution: Execution | None = None) -> str:
    """The word that a card shows; `Unknown` when nobody knows whether the call ran."""
    return UNKNOWN if execution is Execution.UNKNOWN else STATUS_WORDS[status]


def tool_or_something(tool: str) -> str:
    """A tool's name where untrusted text has no place: only if it is an identifier."""
    return tool if is_identifier(tool) else "a tool"


def can_decide(who_can: Sequence[str]) -> str:
    """mrkdwn. `who_can` are user ids."""
    if not who_can:
        return "At the moment nobody can decide it; please tell whoever runs the bot."
    return f"{mentions(who_can)} can decide it."


# --- Asking the agent --------------------------------------------------------------
_WHAT_YOU_ARE = {
    "deactivated": "your account is deactivated",
    "guest": "your account is a guest account",
    "stranger": "your account belongs to another company",
    "bot": "you are a bot",
    "other team": "your account belongs to another workspace",
}
EMPTY_MESSAGE = (
    "Your message has no text that I can read. Please write what I should do, for "
    "example: delete reports/q3.csv"
)
MODEL_TROUBLE = (
    "The language model did not answer, so I could not go on. Please send your "
    "message again in a few minutes; if it stays like this, tell whoever runs the bot."
)
AGENT_STEP_LIMIT = (
    "I stopped here, because this took more steps than one request may take. What was "
    "done so far stays done. Please ask again in smaller parts."
)
AGENT_SAID_NOTHING = "The agent finished and had nothing to say."


def because(word: str) -> str:
    """What somebody is who may not take part; a refusal of `bot.slack.directory`."""
    return _WHAT_YOU_ARE.get(word, "your account is not a full member")


def may_not_ask(word: str) -> str:
    """mrkdwn. `word` is a refusal of `bot.slack.directory`."""
    return (
        f"Only full members of this workspace can ask the agent, and {because(word)}. "
        "Nothing was run; please ask a full member to do it for you."
    )


def too_long_message(length: int, limit: int) -> str:
    """mrkdwn. Both in characters."""
    return (
        f"Your message has {length:,} characters; I can read up to {limit:,}. Nothing "
        "was run. Please shorten it, or put the text into a file that I can read."
    )


AGENT_FAILED = (
    "Something went wrong inside the bot and this request stopped. Please try again; "
    "if it happens again, tell whoever runs the bot."
)


def with_code(sentence: str, code: str) -> str:
    """mrkdwn. `code` finds the trouble in the log."""
    return f"{sentence} (Code: {code})"


def answer_cut(missing: int) -> str:
    """mrkdwn. `missing` in characters."""
    return (
        f"\n\n[The answer is too long for one message: {missing:,} more characters are "
        "missing here. Ask for it in parts.]"
    )


# --- The waiting notice in the conversation's thread -------------------------------
def waiting(
    tool: str, code: str, who_can: Sequence[str], until: dt.datetime, link: str = ""
) -> str:
    """mrkdwn. `link` is the card's permalink, "" for a card in this same thread."""
    return (
        f"Waiting for an approval of {tool_or_something(tool)} ({code}). "
        f"{can_decide(who_can)} If nobody decides until {date(until)}, it is rejected "
        f"by itself.{_link(link)}"
    )


def waiting_over(
    tool: str,
    code: str,
    status: Status,
    at: dt.datetime,
    by: str = "",
    execution: Execution | None = None,
) -> str:
    """mrkdwn. The notice once it is over; `by` is a user id, "" when nobody did it."""
    who = f" by {mention(by)}" if by else ""
    word = status_word(status, execution)
    text = f"{word}: {tool_or_something(tool)} ({code}){who}, {date(at)}."
    return f"{text} {UNKNOWN_IF_RUN}" if word == UNKNOWN else text


def _link(link: str) -> str:
    return f" <{escape(link).replace('|', '%7C')}|Open the card>" if link else ""


HELD = "I have kept your message and hand it to the agent as soon as this is over."
HELD_OVER = "What this conversation waited for is over: your message is next."


def and_more_waiting(count: int) -> str:
    """mrkdwn. For requests that the answer has no room for."""
    return f"It waits for {count} more: their cards stand in this thread's notices."


def your_turn(
    tool: str, code: str, who_can: Sequence[str], until: dt.datetime, link: str
) -> str:
    """mrkdwn. For the people of a stage that has just opened."""
    called = mentions(who_can)
    who = f"{called}: your decision is needed" if called else can_decide(who_can)
    about = f"{tool_or_something(tool)} ({code})"
    return f"{who.rstrip('.')}, on {about}, until {date(until)}.{_link(link)}"


def stage_passed(stage: str, number: int, by: str) -> str:
    """mrkdwn. `by` is mrkdwn too: who decided it."""
    name = escape(one_line(stage, 80))
    return f"Stage {number}, {name}, has passed: {by}."


def nudge(
    tool: str,
    code: str,
    called: Sequence[str],
    until: dt.datetime,
    link: str,
    *,
    still: bool,
) -> str:
    """mrkdwn. For people who have not decided yet; `still` for a reminder."""
    said = "your decision is still needed" if still else "your decision is needed too"
    who = mentions(called)
    asked = f"{who}: {said}" if who else can_decide(called).rstrip(".")
    about = f"{tool_or_something(tool)} ({code})"
    return f"{asked}, on {about}, until {date(until)}.{_link(link)}"


def joined_since(groups: Sequence[str], stage: str, at: dt.datetime) -> str:
    """mrkdwn. For a stage that other groups have joined."""
    names = joined([escape(one_line(group, 80)) for group in groups])
    beside = escape(one_line(stage, 80))
    return f"It has waited long, so {names} can decide it beside {beside} ({date(at)})."


def reminded_at(at: dt.datetime) -> str:
    """mrkdwn. A quiet line for whoever asked."""
    return f"The people who can decide were reminded {date(at)}."


def asked_again(code: str) -> str:
    """mrkdwn. In place of a reminder whose stage was opened anew."""
    return f"Request {escape(code)} has changed since; its card says what is asked now."


def changed_by(by: str) -> str:
    """mrkdwn. For a chain that an edit has begun anew; `by` is a user id."""
    return f"{mention(by)} changed the arguments, so the policy was asked again."


# --- Trouble with a card ---------------------------------------------------------
def card_could_not_be_posted(code: str) -> str:
    """mrkdwn. For the conversation's thread."""
    return (
        f"I could not post the card for this approval ({code}) in Slack, so nobody can "
        "decide it yet. I keep trying; if nobody decides in time, it is rejected. "
        "Please check that the bot is a member of the channel that the policy names."
    )


ANSWER_COULD_NOT_BE_POSTED = (
    "I have an answer for you, but Slack does not let me post it in the thread where "
    "you asked. Please ask again, there or elsewhere."
)


# --- Words to the agent ------------------------------------------------------------
TIMED_OUT_FOR_AGENT = (
    "This call was not run: the approval request timed out, nobody decided in time. "
    "Do not try it again by yourself; say so and let the person ask again."
)
WITHDRAWN_FOR_AGENT = (
    "This call was not run: the person who asked for it has withdrawn it. Do not try "
    "it again."
)
UNKNOWN_FOR_AGENT = (
    "It is unknown whether this call ran: it was cut off in the middle. Do not try it "
    "again; say that the outcome is unknown and has to be checked by hand."
)
ASKED_BEFORE = (
    "The same call was rejected in this conversation within the last hour, so nobody "
    "was asked again."
)


def rejected_for_agent(name: str = "", reason: str = "") -> str:
    """Plain text. `name` is who rejected; `reason` is that person's own text."""
    who = f" by {one_line(name, 80)}" if name else ""
    why = f" Reason: {cut(reason.strip(), 1_000)}" if reason else ""
    return (
        f"This call was not run: it was rejected{who}.{why} Do not try it again unless "
        "the person asks for it."
    )


def denied_for_agent(why: str = "") -> str:
    """Plain text. `why` comes from the policy."""
    text = "This call was not run: the policy does not allow it."
    return f"{text} {why.strip()}" if why.strip() else text


def unfillable(stage: str) -> str:
    """Plain text. `stage` is the group of the stage that cannot be filled."""
    return (
        f"Rejected at once: too few people are left who can decide the stage "
        f"“{one_line(stage, 80)}”. Please have the policy's groups checked."
    )


def repeated_for_agent(by: str = "", at: str = "") -> str:
    """Plain text. `by` is who rejected the same call, `at` when, in ISO 8601."""
    who = f" by {one_line(by, 80)}" if by else ""
    when = f" ({one_line(at, 40)})" if at else ""
    return (
        f"This call was not run: the same call was already rejected{who} in this "
        f"conversation within the last hour{when}. Nobody was asked again. Do not try "
        "it again."
    )
