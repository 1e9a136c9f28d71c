"""The notices about requests, in a conversation's thread and by e-mail.

Functions that say "mrkdwn" give text for Slack, already escaped; e-mails are
plain text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.eligibility import closed_by
from bot.approvals.model import Execution, Outcome, Request, Status
from bot.texts.cards import (
    UNKNOWN,
    UNKNOWN_IF_RUN,
    can_decide,
    status_word,
    tool_or_something,
)
from bot.texts.cards import unfillable as unfillable_sentence
from bot.texts.formatting import date, escape, joined, mention, mentions, one_line, utc


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


def find_out(tool: str, code: str, people: Sequence[str]) -> str:
    """mrkdwn. Under the card, for who asked and who could decide: user ids."""
    return (
        f"{mentions(people)}: it is unknown whether {tool_or_something(tool)} ({code}) "
        "happened, since I was cut off in the middle. Please check by hand, and say on "
        "the card what you found; “Ask again” hands the request to the agent once more."
    )


def unknown_in_thread(calls: Sequence[tuple[str, str]]) -> str:
    """mrkdwn. For the conversation's thread; tools and codes of their requests."""
    named = joined([f"{tool_or_something(tool)} ({code})" for tool, code in calls])
    return (
        f"I was cut off in the middle, so it is unknown whether this happened: {named}."
        " I do not run it again by myself; on the card people can say what they find."
    )


@dataclass(frozen=True)
class Letter:
    """The facts that an e-mail is about.

    Attributes:
        kind: "notice", "reminder" or "outcome".
        requester, decider: names of the person who asked and the one who decided.
        at: when the event happened: an outcome that is dated as the request was raised
            appears in a mailbox below what has long been read.
        link: the signed link that decides, "" without one.
        card: where the card is in Slack, "" if it is nowhere there.
    """

    request: Request
    kind: str
    requester: str
    at: dt.datetime
    decider: str = ""
    link: str = ""
    card: str = ""


def subject(letter: Letter) -> str:
    """One line without a word of the model's or a person's."""
    request = letter.request
    about = f"{tool_or_something(request.call.tool)} ({one_line(request.code, 20)})"
    if letter.kind == "outcome":
        return f"{status_word(request.status, request.end.execution)}: {about}"
    word = (
        "Reminder, approval needed" if letter.kind == "reminder" else "Approval needed"
    )
    return f"{word}: {about}"


def opening_lines(letter: Letter) -> list[str]:
    request = letter.request
    tool = tool_or_something(request.call.tool)
    if letter.kind == "outcome":
        return [_ending(letter, tool)]
    return [
        f"{letter.requester} asks to run {tool}, and you can decide it.",
        *request.terms.why,
        f"Decide until {utc(request.deadline)}; after that it is rejected by itself.",
    ]


def _ending(letter: Letter, tool: str) -> str:
    request = letter.request
    word = status_word(request.status, request.end.execution)
    if word == UNKNOWN:
        return f"Your request to run {tool} was approved. {UNKNOWN_IF_RUN}"
    by = f" by {letter.decider}" if letter.decider and closed_by(request) else ""
    at = utc(request.end.decided_at or request.deadline)
    return f"Your request to run {tool}: {word.lower()}{by}, {at}.{_why(request)}"


def _why(request: Request) -> str:
    end = request.end
    if end.outcome is Outcome.UNFILLABLE:
        return f" {unfillable_sentence(end.note)}"
    if end.outcome is Outcome.DENIED:
        return f" {one_line(end.note, 300)}"
    words = [d.reason for d in request.chain.decisions if d.reason]
    said = {Status.REJECTED: "Reason", Status.ANSWERED: "Answer"}.get(
        request.status, ""
    )
    return f" {said}: {one_line(words[-1], 1_000)}" if said and words else ""


def ways_to_decide(letter: Letter) -> list[tuple[str, str]]:
    """Return what to do, and where."""
    if letter.kind == "outcome":
        return []
    ways = [("Look at all of it and decide", letter.link)] if letter.link else []
    if letter.card:
        ways.append(("Open the card in Slack", letter.card))
    return ways


CARE = "The link is for you alone and good for one decision: do not pass it on."
