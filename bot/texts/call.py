"""The words around a call's arguments, or a graph's question, and its fields.

Plain text, where a function does not say that it is mrkdwn or HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape as escape_html

from bot.approvals.model import Request
from bot.approvals.policy.titles import RUN, Part, headline
from bot.texts.formatting import cut, escape, joined, one_line

_VALUE = 60  # characters of a value in a headline
_HEADLINE = 250  # characters of a whole headline

TOOL, QUESTION, ARGUMENTS = "Tool", "Question", "Arguments"
REASON, ANSWER, FAILURE, SUMMARY = "Reason", "Answer", "Failed:", "Reported:"
THEY_BEGIN, THEY_END = "They begin:", "They end:"
BY_THE_GRAPH = "The agent's graph asks, in its own words:"
ANSWER_TO_BE_APPROVED = "Answer to be approved:"
AGENT_SAYS = "The agent says (unverified):"
DECEIVES = "⚠ Look-alike addresses:"
FOREIGN = "Addresses beyond ASCII:"
NAMES = "Slack's names for these ids:"
LATIN_LOOK = "its letters only look like Latin ones"
ABSENT = "(absent)"
TOO_MUCH = "(too deep or too much to show)"
# What stands before a person and after them.
COMMENT_BY = ("Comment by ", ":")
CHANGED_BY = ("Changed by ", ", old → new:")
IN_VIEW = "Open the whole text with “View in full”; Approve is there."
IN_FILE = (
    "“View in full” sends the whole text as a file into this card's thread; Approve is "
    "there."
)


@dataclass(frozen=True)
class Field:
    """A visible value with its label: an argument's name, or words of ours.

    Attributes:
        is_known: the label is ours or the tool's; any other is as untrusted as a value.
        is_below: the value has lines of its own, below its label.
    """

    label: str
    value: str
    is_known: bool = True
    is_below: bool = False


def text_fields(fields: Sequence[Field]) -> str:
    """Plain text: a field a line, what is long indented below its label."""
    return "\n".join(map(_text_field, fields))


def _text_field(field: Field) -> str:
    label = field.label.removesuffix(":")
    if not (field.is_known or label.startswith('"')):
        label = f'"{label}"'  # or `Tool` of the model's would read like ours
    if not field.is_below:
        return f"{label}: {field.value}"
    lines = [f"    {line}" for line in field.value.split("\n")]
    return "\n".join([f"{label}:", *lines])


def html_fields(fields: Sequence[Field], style: str = "") -> str:
    """HTML: a row a field, values as code; `style` is that of a long one."""
    look = f' style="{style}"' if style else ""
    rows = "".join(_html_field(each, look) for each in fields)
    return f'<table cellpadding="4">{rows}</table>'


def _html_field(field: Field, look: str) -> str:
    label, value = escape_html(field.label), escape_html(field.value)
    label = label if field.is_known else f"<code>{label}</code>"
    if field.is_below:
        head = f'<tr><th colspan="2" align="left">{label}</th></tr>'
        return f'{head}<tr><td colspan="2"><pre{look}>{value}</pre></td></tr>'
    head = f'<th align="left" valign="top">{label}</th>'
    return f"<tr>{head}<td><code>{value}</code></td></tr>"


def headline_parts(request: Request) -> list[Part]:
    """The headline for a place that can mark what is a value; values are short."""
    parts: list[Part] = []
    room = _HEADLINE
    for part in headline(request):
        text = one_line(part.text, _VALUE) if part.is_value else part.text
        if room <= 0 or not text:
            break
        parts.append(Part(cut(text, room), part.is_value))
        room -= len(text)
    return parts


def is_told_whole(request: Request, text: str) -> bool:
    """Return whether the headline shows a value as it is, not shortened."""
    return text == one_line(text, _VALUE) and Part(text, True) in headline(request)


def leads_with_tool(request: Request) -> bool:
    """Return whether the headline is "Run" and the tool's name, as it is."""
    named = [Part(RUN), Part(request.call.tool, is_value=True)]
    return headline_parts(request)[:2] == named


def plain_headline(request: Request) -> str:
    """Plain text: values stand between backticks, and nothing else does."""
    return "".join(
        f"`{_quoted(part.text)}`" if part.is_value else part.text.replace("`", "'")
        for part in headline_parts(request)
    )


def mrkdwn_headline(request: Request) -> str:
    """mrkdwn: words are bold, values are code."""
    return "".join(
        f"`{escape(_quoted(part.text))}`" if part.is_value else _bold(part.text)
        for part in headline_parts(request)
    )


def html_headline(request: Request) -> str:
    """HTML: values are code."""
    return "".join(
        f"<code>{escape_html(part.text)}</code>"
        if part.is_value
        else escape_html(part.text)
        for part in headline_parts(request)
    )


def _quoted(value: str) -> str:
    return value.replace("`", "'")


def _bold(words: str) -> str:
    """Words in bold, but for the spaces around them, which Slack wants outside."""
    inside = escape(words.strip()).replace("*", "∗").replace("`", "'")
    if not inside:
        return words
    before, _, after = words.partition(words.strip())
    return f"{before}*{inside}*{after}"


def too_many_characters(length: int) -> str:
    return f"Arguments: {length:,} characters, too many for here"


def of_type(name: str) -> str:
    """In place of a value of a graph's own class."""
    return f"(a value of the type {name})"


def bytes_of(length: int, sha256: str) -> str:
    return f"({length:,} bytes, SHA-256 {sha256})"


def left_out(length: int, sha256: str) -> str:
    """Between the two ends of a text; `length` is that of the whole."""
    return f"… {length:,} characters in all, SHA-256 {sha256} …"


def fingerprint(sha256: str) -> str:
    return f"SHA-256 of the whole text: {sha256}"


def and_more(number: int) -> str:
    return f"… and {number} more."


def more_arguments(number: int) -> str:
    return f"… {number} more arguments"


def more_changed(number: int) -> str:
    return f"… and {number} more arguments are changed."


def in_ascii(host: str) -> str:
    return f"in ASCII {host}"


def mixed_letters(scripts: Sequence[str]) -> str:
    return f"mixes {joined(scripts)} letters"
