"""Every sentence that people, or the agent, read: one place, plain words.

Functions that say "mrkdwn" give text for Slack, already escaped; the `…_for_agent`
functions give plain text for the model. (A card's labels stand in its builders.)
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
}
UNKNOWN = "Unknown"
EXECUTION_WORDS = {
    Execution.EXECUTING: "running",
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


def _who_can(who_can: Sequence[str]) -> str:
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


def _because(word: str) -> str:
    return _WHAT_YOU_ARE.get(word, "your account is not a full member")


def may_not_ask(word: str) -> str:
    """mrkdwn. `word` is a refusal of `bot.slack.directory`."""
    return (
        f"Only full members of this workspace can ask the agent, and {_because(word)}. "
        "Nothing was run; please ask a full member to do it for you."
    )


def too_long_message(length: int, limit: int) -> str:
    """mrkdwn. Both in characters."""
    return (
        f"Your message has {length:,} characters; I can read up to {limit:,}. Nothing "
        "was run. Please shorten it, or put the text into a file that I can read."
    )


def agent_failed(code: str) -> str:
    """mrkdwn. `code` finds the trouble in the log."""
    return (
        "Something went wrong inside the bot and this request stopped. Please try "
        f"again; if it happens again, give whoever runs the bot this code: {code}"
    )


def message_held(tool: str, code: str) -> str:
    """mrkdwn. For a message on a conversation that waits for an approval."""
    return (
        f"This conversation is waiting for an approval of {tool_or_something(tool)} "
        f"({code}). I have kept your message and hand it to the agent afterwards."
    )


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
    card = f" <{escape(link).replace('|', '%7C')}|Open the card>" if link else ""
    return (
        f"Waiting for an approval of {tool_or_something(tool)} ({code}). "
        f"{_who_can(who_can)} If nobody decides until {date(until)}, it is rejected by "
        f"itself.{card}"
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


# --- Private answers to a click ----------------------------------------------------
COULD_NOT_CHECK_PERSON = (
    "Slack did not answer when I checked who you are, so nothing was decided. Please "
    "click again in a moment."
)
WRONG_MESSAGE = (
    "That button does not belong to this message, so nothing was decided. Please use "
    "the card that the bot itself posted."
)
UNKNOWN_REQUEST = (
    "I do not know this request, so nothing was decided. It may be very old; please "
    "ask the agent again."
)
CLICK_FAILED = (
    "Something went wrong inside the bot, so nothing was decided. Please click again; "
    "if it happens again, tell whoever runs the bot."
)


def may_not_decide(word: str, who_can: Sequence[str] = ()) -> str:
    """mrkdwn. `word` is a refusal of `bot.slack.directory`."""
    return (
        f"Only full members of this workspace can decide, and {_because(word)}. "
        f"Nothing was decided. {_who_can(who_can)}"
    )


def not_an_approver(who_can: Sequence[str]) -> str:
    """mrkdwn. `who_can` are user ids."""
    return (
        "You are not among those who can decide this request, so nothing was decided. "
        f"{_who_can(who_can)}"
    )


def requester_cannot_approve(who_can: Sequence[str]) -> str:
    """mrkdwn."""
    return (
        "You asked for this yourself, so somebody else has to approve it. "
        f"{_who_can(who_can)} With Reject you can withdraw it."
    )


def participant_cannot_approve(who_can: Sequence[str]) -> str:
    """mrkdwn. For somebody who wrote in the turn that raised the request."""
    return (
        "You wrote in the conversation that led to this request, so somebody else has "
        f"to decide it. {_who_can(who_can)}"
    )


def already_decided(status: Status, by: str, at: dt.datetime) -> str:
    """mrkdwn. `by` is a user id, "" when nobody in Slack did it."""
    who = f" by {mention(by)}" if by else ""
    return (
        f"This request is already {STATUS_WORDS[status].lower()}{who}, {date(at)}. "
        "Your click changed nothing."
    )


def late(at: dt.datetime) -> str:
    """mrkdwn. For a click after the deadline `at`."""
    return (
        f"This request timed out, {date(at)}, so your click changed nothing. If it is "
        "still needed, ask the agent again."
    )


def withdrawn(by: str, at: dt.datetime) -> str:
    """mrkdwn. For a click on a request that its requester took back."""
    return f"{mention(by)} withdrew this request, {date(at)}. Your click did nothing."


def orphaned() -> str:
    """mrkdwn. For a click on a request that fits no conversation any more."""
    return (
        "This request no longer belongs to a running conversation, so your click "
        "changed nothing. If it is still needed, ask the agent again."
    )


def you_already_decided(at: dt.datetime) -> str:
    """mrkdwn. One person decides at most one stage of a request."""
    return (
        f"You have already decided on this request, {date(at)}; one person decides "
        "only once. Your click changed nothing."
    )


def stage_passed(waiting_for: str, who_can: Sequence[str]) -> str:
    """mrkdwn. `waiting_for` is the group of the stage that is open now."""
    return (
        f"That stage has passed already; now the request waits for "
        f"{escape(one_line(waiting_for, 80))}. {_who_can(who_can)}"
    )


def card_could_not_be_posted(code: str) -> str:
    """mrkdwn. For the conversation's thread."""
    return (
        f"I could not post the card for this approval ({code}) in Slack, so nobody can "
        "decide it yet. I keep trying; if nobody decides in time, it is rejected. "
        "Please check that the bot is a member of the channel that the policy names."
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
