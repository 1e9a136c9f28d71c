"""The e-mails about requests: the same facts as text and as HTML. Data in, text out."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from bot.approvals.model import Outcome, Request, Status
from bot.slack.cards.asked import asked_text
from bot.slack.drawing import closed_by
from bot.slack.sentences import UNKNOWN, UNKNOWN_IF_RUN, status_word, tool_or_something
from bot.slack.sentences import unfillable as unfillable_sentence
from bot.slack.text import long_arguments, one_line, utc

_STYLE = "font:16px/1.5 sans-serif;max-width:40rem"
_PRE = "white-space:pre-wrap;background:#f4f4f5;padding:12px;border-radius:6px"
_BUTTON = (
    "display:inline-block;padding:12px 20px;border-radius:6px;background:#00674d;"
    "color:#ffffff;text-decoration:none;font-weight:bold"
)


@dataclass(frozen=True)
class Letter:
    """What an e-mail is about.

    Attributes:
        kind: "notice", "reminder" or "outcome".
        names: of the requester, and of whoever decided.
        link: the signed link that decides, "" without one.
        card: where the card is in Slack, "" if it is nowhere there.
    """

    request: Request
    kind: str
    requester: str
    decider: str = ""
    link: str = ""
    card: str = ""


def subject(letter: Letter) -> str:
    """One line without a word of the model's or a person's."""
    request = letter.request
    about = f"{tool_or_something(request.tool)} ({one_line(request.code, 20)})"
    if letter.kind == "outcome":
        return f"{status_word(request.status, request.execution)}: {about}"
    word = (
        "Reminder, approval needed" if letter.kind == "reminder" else "Approval needed"
    )
    return f"{word}: {about}"


def written(
    letter: Letter, *, sender: str, recipient: str, message_id: str
) -> EmailMessage:
    """The message, in both forms.

    `message_id` stays the same when it is sent again, so that mailboxes show it once.
    """
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject(letter)
    message["Date"] = format_datetime(letter.request.raised_at)
    message["Message-ID"] = message_id
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation answers
    message.set_content(_text(letter))
    message.add_alternative(_html(letter), subtype="html")
    return message


def _opening(letter: Letter) -> list[str]:
    request = letter.request
    tool = tool_or_something(request.tool)
    if letter.kind == "outcome":
        return [_ending(letter, tool)]
    return [
        f"{letter.requester} asks to run {tool}, and you can decide it.",
        *request.why,
        f"Decide until {utc(request.expires_at)}; after that it is rejected by itself.",
    ]


def _ending(letter: Letter, tool: str) -> str:
    request = letter.request
    word = status_word(request.status, request.execution)
    if word == UNKNOWN:
        return f"Your request to run {tool} was approved. {UNKNOWN_IF_RUN}"
    by = f" by {letter.decider}" if letter.decider and closed_by(request) else ""
    at = utc(request.decided_at or request.expires_at)
    return f"Your request to run {tool}: {word.lower()}{by}, {at}.{_why(request)}"


def _why(request: Request) -> str:
    if request.outcome is Outcome.UNFILLABLE:
        return f" {unfillable_sentence(request.outcome_note)}"
    if request.outcome is Outcome.DENIED:
        return f" {one_line(request.outcome_note, 300)}"
    words = [d.reason for d in request.decisions if d.reason]
    said = {Status.REJECTED: "Reason", Status.ANSWERED: "Answer"}.get(
        request.status, ""
    )
    return f" {said}: {one_line(words[-1], 1_000)}" if said and words else ""


def _call(request: Request) -> str:
    text = f"{one_line(request.tool, 200)}\n{asked_text(request)}"
    long = long_arguments(text)
    if long is None:
        return text
    gap = f"… {long.length:,} characters in all, SHA-256 {long.sha256} …"
    return f"{long.head}\n{gap}\n{long.tail}"


def _ways(letter: Letter) -> list[tuple[str, str]]:
    """What to do, and where."""
    if letter.kind == "outcome":
        return []
    ways = [("Look at all of it and decide", letter.link)] if letter.link else []
    if letter.card:
        ways.append(("Open the card in Slack", letter.card))
    return ways


_CARE = "The link is for you alone and good for one decision: do not pass it on."


def _text(letter: Letter) -> str:
    ways = [f"{label}:\n{address}" for label, address in _ways(letter)]
    care = [_CARE] if letter.link else []
    call = "\n".join(f"    {line}" for line in _call(letter.request).split("\n"))
    return "\n\n".join([*_opening(letter), call, *ways, *care]) + "\n"


def _html(letter: Letter) -> str:
    opening = "".join(f"<p>{escape(line)}</p>" for line in _opening(letter))
    ways = "".join(
        f'<p><a href="{escape(address)}" style="{_BUTTON}">{escape(label)}</a></p>'
        for label, address in _ways(letter)
    )
    care = f"<p><small>{_CARE}</small></p>" if letter.link else ""
    call = f'<pre style="{_PRE}">{escape(_call(letter.request))}</pre>'
    return (
        f'<!DOCTYPE html><html lang="en"><body style="{_STYLE}">'
        f"{opening}{call}{ways}{care}</body></html>"
    )
