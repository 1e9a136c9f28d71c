"""Make any text safe and readable in Slack: escapes, names, dates, arguments."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from agent.safe_text import is_hidden
from bot.base.masks import mask

ARGUMENTS_IN_FULL = 4_000  # characters that stand on a card in full
TEXT_LIMIT = 3_000  # characters of one text object, see `chunks`
LINE_BREAKS_IN_A_ROW = 10
NAME_LIMIT = 80  # characters of a display name, as in Slack's own profile form
MENTIONS = 5
SOMEONE = "someone"  # without a name
# A run of backslashes (from its start, so that the search stays linear) before what
# may need an escape: a long run of line breaks, anything outside printable ASCII,
# or a literal "u{" that would look like an escape of ours.
_CANDIDATE = re.compile(
    rf"(?<!\\)(\\*+)(\n{{{LINE_BREAKS_IN_A_ROW + 1},}}|[^ -~\n\t]|(?=u\{{))"
)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
_CHANNEL_ID = re.compile(r"[CG][A-Z0-9]{1,30}")
_USER_ID = re.compile(r"[UW][A-Z0-9]{1,30}")


def visible(text: str) -> str:
    r"""Show what cannot be seen: hidden characters become escapes such as `\u{202E}`.

    Space, tab and line break stay. More than 10 line breaks in a row become their
    number and one line break: `\u{A*57}`. No two texts give the same result: where
    backslashes stand right before an escape, or before a literal `u{`, they are
    doubled. So before `u{` an odd number of backslashes means an escape and an even
    number means the text itself: a literal `\u{202E}` is shown as `\\u{202E}`.
    """
    return _CANDIDATE.sub(_shown, text)


def _shown(match: re.Match[str]) -> str:
    backslashes, what = match.groups()
    if not what:
        return backslashes * 2
    if what[0] == "\n":
        return f"{backslashes * 2}\\u{{A*{len(what)}}}\n"
    if is_hidden(what):
        return f"{backslashes * 2}\\u{{{ord(what):X}}}"
    return match.group()


def shown(text: str) -> str:
    """`visible` text of any origin, in which secrets of known shapes are masked."""
    return visible(mask(text))


def escape(text: str) -> str:
    """Escape the three characters that mrkdwn gives a meaning to.

    https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters (1 or more); what is left out shows as `…`."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def cut_escaped(text: str, limit: int) -> str:
    """`escape`, then `cut` to `limit`, without leaving half an entity behind."""
    escaped = escape(text)
    if len(escaped) <= limit:
        return escaped
    return re.sub(r"&[a-z]*$", "", escaped[: limit - 1]) + "…"


def one_line(text: str, limit: int) -> str:
    """Text as `shown`, on one line, single-spaced, at most `limit` characters."""
    return cut(" ".join(shown(text).split()), limit)


def safe_name(name: str) -> str:
    """A display name for mrkdwn: decoration, never an identity; escaped, one line."""
    return escape(one_line(name, NAME_LIMIT)) or SOMEONE


def is_identifier(name: str) -> bool:
    """Return whether a tool's name is plain enough for titles and fallback text."""
    return _IDENTIFIER.fullmatch(name) is not None


def is_user_id(user: str) -> bool:
    """Return whether this can be the id of a person in Slack."""
    return _USER_ID.fullmatch(user) is not None


def mention(user: str) -> str:
    """`<@U…>` for a user id; anything else is shown as a name and pings no one."""
    return f"<@{user}>" if is_user_id(user) else safe_name(user)


def standing_in(who: str, principal: str) -> str:
    """mrkdwn. `principal` is the user id for which `who` decides."""
    return f"{who} for {mention(principal)}"


def agent_for(agent: str, person: str) -> str:
    """mrkdwn. An agent outside, by its name in API_AGENTS, asks for a person."""
    return f"{agent} (for {person})"


def channel_link(channel: str) -> str:
    """`<#C…>` for a channel's id, "" for anything else, a direct message among it."""
    return f"<#{channel}>" if _CHANNEL_ID.fullmatch(channel) else ""


def mentions(users: Sequence[str], most: int = MENTIONS) -> str:
    """Mentions of up to `most` users: `<@U1>, <@U2> and 3 more`; "" for none."""
    named = [mention(user) for user in users[:most]]
    more = len(users) - len(named)
    return f"{', '.join(named)} and {more} more" if more else joined(named)


def mentions_or(
    users: Sequence[str], deputies: Mapping[str, str] = MappingProxyType({})
) -> str:
    """Mentions of up to five of whom one acts: `<@U1> or <@U2>`; "" for none.

    `deputies` say for whom some of them act: `<@U2> for <@U3>`.
    """
    named = [
        f"{mention(user)} for {mention(deputies[user])}"
        if user in deputies
        else mention(user)
        for user in users[:MENTIONS]
    ]
    if more := len(users) - len(named):
        named.append(f"{more} more")
    return joined(named, "or")


def joined(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def counted(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def lasting(seconds: int) -> str:
    """`1 hour`, `90 seconds`: in the largest unit of which it is a whole number."""
    units = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    unit, size = next(each for each in units if seconds % each[1] == 0)
    return counted(seconds // size, unit)


def utc(at: dt.datetime) -> str:
    """An aware time as people read it without Slack: `23 Nov 2026 14:05 UTC`."""
    return _written(at.astimezone(dt.UTC))


#: The zone of the person who reads what is written now, outside Slack.
reader_zone: ContextVar[dt.tzinfo] = ContextVar("reader_zone", default=dt.UTC)


def read_in(zone: str) -> None:
    """Write times from now on, in this task, in a zone as Slack names it.

    UTC where it is none that this machine knows.
    """
    try:
        reader_zone.set(ZoneInfo(zone))
    except (KeyError, ValueError, OSError):
        reader_zone.set(dt.UTC)


def for_reader(at: dt.datetime) -> str:
    """An aware time as its reader's clock says it: `23 Nov 2026 14:05 GMT`."""
    return _written(at.astimezone(reader_zone.get()))


def local(at: dt.datetime) -> str:
    """An aware time as this machine's clock says it, for its operators."""
    return _written(at.astimezone())


def _written(here: dt.datetime) -> str:
    return f"{here.day} {here:%b %Y %H:%M %Z}"


def day(of: dt.date) -> str:
    """A day as people read it: `23 Nov 2026`."""
    return f"{of.day} {of:%b %Y}"


def date(at: dt.datetime, fallback: str = "") -> str:
    """An aware time for mrkdwn, shown in each reader's own zone.

    `fallback` is what old clients show, UTC by default.
    https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    plain = escape(fallback or utc(at)).replace("|", "/")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{plain}>"


def time_of_day(at: dt.datetime) -> str:
    """An aware time for mrkdwn, without its day: `11:17` in each reader's own zone."""
    plain = f"{at.astimezone(dt.UTC):%H:%M} UTC"
    return f"<!date^{int(at.timestamp())}^{{time}}|{plain}>"


def indented(value: Mapping[str, Any]) -> str:
    """A mapping as JSON on several lines, sorted, made visible.

    JSON itself writes line breaks inside values as `\\n`.
    Raises TypeError or ValueError for what is no JSON.
    """
    return visible(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True))


def visible_json(value: Any) -> str:
    """A value as JSON on one line, made visible."""
    return visible(json.dumps(value, ensure_ascii=False, sort_keys=True))


@dataclass(frozen=True)
class LongText:
    """A text too long for its place: its two ends, its size, its fingerprint."""

    head: str
    tail: str
    length: int  # characters of the whole text
    sha256: str  # hexadecimal, of the whole text in UTF-8


def long_arguments(
    text: str, *, limit: int = ARGUMENTS_IN_FULL, ends: int = TEXT_LIMIT
) -> LongText | None:
    """Return a stand-in for a text of more than `limit` characters, else None.

    `ends` is the number of characters of head and tail together. `text` is already
    visible, as `indented` gives it.
    """
    if len(text) <= limit:
        return None
    half = max(1, min(ends, len(text) - 1) // 2)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return LongText(text[:half], text[-half:], len(text), digest)


def chunks(text: str, size: int = TEXT_LIMIT) -> Iterable[str]:
    """Cut a text into parts of at most `size`, after a line break where one is near."""
    start = 0
    while start < len(text):
        end = start + size
        if end < len(text):
            break_at = text.rfind("\n", end - size // 4, end)
            end = break_at + 1 if break_at >= 0 else end
        yield text[start:end]
        start = end
