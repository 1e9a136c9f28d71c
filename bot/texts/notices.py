"""The notices about requests, in a conversation's thread and by e-mail.

Functions that say "mrkdwn" give text for Slack, already escaped; e-mails are
plain text.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from bot.approvals.eligibility import closed_by
from bot.approvals.model import Outcome, Request, Stage, Status
from bot.texts.call import mrkdwn_headline, plain_headline
from bot.texts.cards import (
    HIGH_RISK,
    UNKNOWN_IF_RUN,
    can_decide,
    icon,
    status_word,
)
from bot.texts.cards import unfillable as unfillable_sentence
from bot.texts.formatting import (
    date,
    escape,
    for_reader,
    joined,
    mention,
    mentions,
    mentions_or,
    one_line,
)


# --- The waiting notice in the conversation's thread -------------------------------
def waiting(request: Request, who_can: Sequence[str], link: str = "") -> str:
    """mrkdwn. `link` is the card's permalink, "" for a card in this same thread."""
    who = mentions_or(who_can)
    title, due = mrkdwn_headline(request), f"by {date(request.deadline)}"
    if not who:
        return f"{title} waits · {can_decide(who_can)}{_link(link)}"
    return f"Waiting for {who} to approve {title} · {due}{_link(link)}"


def waiting_over(request: Request) -> str:
    """mrkdwn. The notice once it is over."""
    end, by = request.end, closed_by(request)
    word = status_word(request, by=mention(by) if by else "")
    at = date(end.decided_at or request.deadline)
    text = f"{icon(request.status, end.execution)} {word}"
    text = f"{text}: {mrkdwn_headline(request)} · {at}"
    return f"{text} · {UNKNOWN_IF_RUN}" if end.is_unknown else text


def _link(link: str) -> str:
    return f" · <{escape(link).replace('|', '%7C')}|Open>" if link else ""


HELD = "I'll get to your message once this is decided."
HELD_OVER = "That's decided. On to your message."


def and_more_waiting(count: int) -> str:
    """mrkdwn. For requests that the answer has no room for."""
    return f"And {count} more; this thread has a notice for each."


def your_turn(request: Request, who_can: Sequence[str], link: str) -> str:
    """mrkdwn. For the people of a stage that has just opened."""
    called = mentions(who_can)
    who = f"{called}: your turn" if called else can_decide(who_can).rstrip(".")
    return f"{who} · {_about(request)}{_link(link)}"


def _about(request: Request) -> str:
    return f"{mrkdwn_headline(request)} · by {date(request.deadline)}"


def stage_passed(stage: str, number: int, by: str) -> str:
    """mrkdwn. `by` is mrkdwn too: who decided it."""
    name = escape(one_line(stage, 80))
    return f"Stage {number}, {name}: approved by {by}."


def nudge(request: Request, called: Sequence[str], link: str, *, still: bool) -> str:
    """mrkdwn. For people who have not decided yet; `still` for a reminder."""
    said = "this still needs you" if still else "you can decide this too now"
    who = mentions(called)
    asked = f"{who}: {said}" if who else can_decide(called).rstrip(".")
    return f"{asked} · {_about(request)}{_link(link)}"


def joined_since(stage: Stage) -> str:
    """mrkdwn. For a stage that other groups have joined; "" where none has."""
    if stage.escalated_at is None:
        return ""
    names = joined([escape(one_line(each.group, 80)) for each in stage.joined])
    beside, at = escape(one_line(stage.approvers, 80)), date(stage.escalated_at)
    return f"{names} can decide it too, along with {beside}, since {at}."


def reminded_at(stage: Stage) -> str:
    """mrkdwn. A quiet line for the requester; "" while no one was reminded."""
    return f"Reminded {date(stage.reminded_at)}." if stage.reminded_at else ""


def asked_again(code: str) -> str:
    """mrkdwn. In place of a reminder whose stage was opened anew."""
    return f"{escape(code)} has changed since. The card shows what is asked now."


def changed_by(by: str) -> str:
    """mrkdwn. For a chain that an edit has begun anew; `by` is a user id."""
    return f"{mention(by)} changed the arguments, so it needs approval again."


# --- Trouble with a card ---------------------------------------------------------
def card_could_not_be_posted(code: str) -> str:
    """mrkdwn. For the conversation's thread."""
    return (
        f"I could not post the card for this approval ({code}), so no one can "
        "decide it yet. I'll keep trying until it times out. Check that I'm a "
        "member of the channel that the policy names."
    )


CARD_BELOW = "What's still waiting is on a new card."


def cannot_be_changed(lines: Sequence[str]) -> str:
    """mrkdwn. Below a message that Slack does not let the bot change any more."""
    said = "Slack doesn't let me change the message above any more. Since then:"
    return "\n".join([said, *lines])


def answer_from(link: str) -> str:
    """Markdown. Before an answer in a direct message; `link` leads to its thread."""
    return (
        f"Slack doesn't let me post in [the thread where you asked]({link}), so here "
        "is the answer:"
    )


ANSWER_COULD_NOT_BE_POSTED = (
    "I have an answer for you, but Slack doesn't let me post it in the "
    "thread where you asked. Ask again, there or elsewhere."
)


def find_out(request: Request, people: Sequence[str]) -> str:
    """mrkdwn. Under the card, for the requester and the approvers: user ids."""
    if agent := request.people.agent:
        return (
            f"{mentions(people)}: outcome unknown: {mrkdwn_headline(request)}. {agent} "
            "didn't report a result in time. Please check by hand and say on the "
            "card what you found."
        )
    return (
        f"{mentions(people)}: outcome unknown: {mrkdwn_headline(request)}. I was cut "
        "off in the middle. Please check by hand and say on the card what you found. "
        "“Ask again” hands the request to the agent once more."
    )


def unknown_in_thread(requests: Sequence[Request]) -> str:
    """mrkdwn. For the conversation's thread."""
    named = joined([mrkdwn_headline(request) for request in requests])
    return (
        f"I was cut off in the middle, so it's unknown whether this happened: {named}. "
        "I won't run it again. Check by hand, and say on the card what you found."
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
    """One line; what the model or a person wrote stands between backticks."""
    request = letter.request
    about = f"{plain_headline(request)} ({one_line(request.code, 20)})"
    if letter.kind == "outcome":
        return f"{status_word(request)}: {about}"
    word = (
        "Reminder, approval needed" if letter.kind == "reminder" else "Approval needed"
    )
    return f"{word}: {about}"


def opening_lines(letter: Letter) -> list[str]:
    request = letter.request
    title, until = plain_headline(request), for_reader(request.deadline)
    if letter.kind == "outcome":
        return [_ending(letter, title)]
    risk = [HIGH_RISK] if request.terms.is_risky else []
    return [
        title,
        f"{letter.requester} asked. You can decide.",
        *risk,
        *request.terms.why,
        f"Decide by {until}. After that it's rejected automatically.",
    ]


def _ending(letter: Letter, title: str) -> str:
    request = letter.request
    if request.end.is_unknown:
        return f"You asked: {title}. It was approved. {UNKNOWN_IF_RUN}"
    word = status_word(request, by=letter.decider if closed_by(request) else "")
    at = for_reader(request.end.decided_at or request.deadline)
    return f"You asked: {title}. {word}, {at}.{_why(request)}"


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
    ways = [("Review and decide", letter.link)] if letter.link else []
    if letter.card:
        ways.append(("Open the card in Slack", letter.card))
    return ways


CARE = "The link is for you alone and works once. Don't forward it."


_MOST_TOOLS = 10  # that one message names


def tools_changed(tools: Sequence[str], waited: int) -> str:
    """mrkdwn, for operators. `waited` requests waited for the tools."""
    named = ", ".join(f"`{tool}`" for tool in tools[:_MOST_TOOLS])
    if (more := len(tools) - _MOST_TOOLS) > 0:
        named = f"{named}, and {more} more"
    it, has = ("it", "it has") if len(tools) == 1 else ("them", "they have")
    many = f"{waited} requests waited for {it}, and their approvers are asked again"
    one = f"A request waited for {it}, and its approvers are asked again"
    said = {0: f"Nothing waited for {it}", 1: one}.get(waited, many)
    return (
        f"An MCP server changed {named}. {said}. No rule waives {it} now: read what "
        f"{has} become, then change the rule that did."
    )
