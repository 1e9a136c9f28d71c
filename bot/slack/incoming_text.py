"""Read a message of Slack's as text: its words, and all that is attached to it.

Ids of people, channels and groups stay as Slack writes them (`<@U…>`), without the
label, which the sender of a message can choose: `bot.slack.directory` puts names there.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from bot.texts import agent
from bot.texts.formatting import one_line, utc

LIMIT = 10_000  # characters of what is attached to one message
DEPTH = 3  # messages forwarded within forwarded ones
MOST_FILES = 20
Json = Mapping[str, Any]
# Slack writes `<` in people's own words as `&lt;`, so that each of these is a token.
_TOKEN = re.compile(r"<([^<>\n]+)>")
_KEPT = re.compile(r"@[UW][A-Z0-9]+|#[CGD][A-Z0-9]+|!subteam\^S[A-Z0-9]+")
_SCHEME = re.compile(r"^(?:https?://|mailto:|tel:)", re.I)
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/x-yaml")


@dataclass
class Reading:
    """The words of a message, and the names of what in it was not read."""

    text: str = ""
    unread: list[str] = field(default_factory=list[str])


def read(message: Json, us: str = "", *, reads_files: bool = False) -> Reading:
    """Read the words of a message, then what is attached to it, quoted.

    Args:
        message: of an event or of `conversations.replies`; nothing in it is trusted.
        us: the bot's own user id, whose mentions are no words.
        reads_files: whether somebody can look into text files later.
    """
    found = Reading()
    blocks = _objects(message.get("blocks"))
    text = _string(message.get("text"))
    said = words(mention_of(us).sub(" ", text) if us else text)
    if not text.strip():
        rich = [block for block in blocks if block.get("type") == "rich_text"]
        said = "\n".join(_block(block, found) for block in rich)
        said = (mention_of(us).sub(" ", said) if us else said).strip()
    others = [block for block in blocks if block.get("type") != "rich_text"]
    attached = [_block(block, found) for block in others]
    for each in _objects(message.get("attachments")):
        attached.append(_attachment(each, found, DEPTH))
    files = _files(message, found, reads_files=reads_files)
    parts = [said, _within(attached, found), files]
    found.text = "\n\n".join(part for part in parts if part)
    return found


def mention_of(user: str) -> re.Pattern[str]:
    """`<@U…>` or `<@U…|name>`, of this user and of none whose id only starts alike."""
    return re.compile(rf"<@{re.escape(user)}(?:\|[^>]*)?>")


def words(text: str) -> str:
    """Slack's mrkdwn as people read it; a link keeps its address beside another label.

    https://docs.slack.dev/messaging/formatting-message-text
    """
    words = _TOKEN.sub(_token, text)
    for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        words = words.replace(escaped, plain)
    return words.strip()


def _token(match: re.Match[str]) -> str:
    inside, _, label = match[1].partition("|")
    if _KEPT.fullmatch(inside):
        return f"<{inside}>"
    if inside.startswith("!date^"):
        return _date(inside.split("^")[1]) or label
    if inside.startswith("!"):
        return f"@{inside[1:]}" if inside[1:].isalpha() else label or inside
    return _link(inside, label)


def _date(seconds: object) -> str:
    try:
        return utc(dt.datetime.fromtimestamp(int(str(seconds)), dt.UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def _link(address: str, label: str) -> str:
    """Slack links what looks like an address; people mean the words they wrote."""
    bare, read = _bare(address), _bare(label)
    if not label or (label.endswith("…") and bare.startswith(read.rstrip("…"))):
        return address if "//" in address else bare
    return label if bare == read else f"{label} ({address})"


def _bare(address: str) -> str:
    return _SCHEME.sub("", address).removesuffix("/")


def _within(attached: Sequence[str], found: Reading) -> str:
    whole = "\n\n".join(part for part in attached if part)
    if len(whole) <= LIMIT:
        return whole
    missing = len(whole) - LIMIT
    found.unread.append(agent.the_rest(missing))
    return f"{whole[:LIMIT]}\n{agent.cut_here(missing)}"


def _attachment(each: Json, found: Reading, depth: int) -> str:
    """A message that was forwarded, or what a link or an app has added."""
    if depth == 0:
        found.unread.append(agent.FORWARDED_DEEPER)
        return ""
    blocks = [*_objects(each.get("blocks"))]
    for wrapped in _objects(each.get("message_blocks")):
        blocks += _objects(_object(wrapped.get("message")).get("blocks"))
    text = _mrkdwn(each, "text") or "\n".join(
        part for block in blocks if (part := _block(block, found))
    )
    tables = [_block(b, found) for b in blocks if b.get("type") == "table"]
    said = [_mrkdwn(each, "pretext"), _title(each), text, *_fields(each)]
    said += [table for table in tables if table not in text]
    if not any(said):
        said = [_mrkdwn(each, "fallback")]
    said.append(_files(each, found, reads_files=False))
    inner = _objects(each.get("attachments"))
    said += [_attachment(one, found, depth - 1) for one in inner]
    if each.get("image_url"):
        found.unread.append(agent.AN_IMAGE)
    return _quoted(_label(each), "\n".join(part for part in said if part))


def _label(each: Json) -> str:
    if not (each.get("is_share") or each.get("is_msg_unfurl")):
        return agent.ATTACHED
    author, channel = _string(each.get("author_id")), _string(each.get("channel_id"))
    return agent.forwarded(
        f"<@{author}>" if _KEPT.fullmatch(f"@{author}") else "",
        f"<#{channel}>" if _KEPT.fullmatch(f"#{channel}") else "",
    )


def _quoted(label: str, text: str) -> str:
    return f"{label}\n{quoted(text)}" if text else ""


def quoted(text: str) -> str:
    """Mark each line, by any character that breaks one, as somebody else's words."""
    return "\n".join(f"> {line}" for line in text.splitlines())


def _title(each: Json) -> str:
    title, link = _mrkdwn(each, "title"), _string(each.get("title_link"))
    return _link(link, title) if link else title


def _fields(each: Json) -> list[str]:
    fields = _objects(each.get("fields"))
    return [f"{_mrkdwn(one, 'title')}: {_mrkdwn(one, 'value')}" for one in fields]


def is_text(mimetype: str) -> bool:
    """Return whether a file of this type can be read as text."""
    return mimetype.startswith(_TEXT_TYPES)


def _files(message: Json, found: Reading, *, reads_files: bool) -> str:
    """A line for each file; the content of none is read here."""
    files = _objects(message.get("files"))
    lines: list[str] = []
    for file in files[:MOST_FILES]:
        name = one_line(_string(file.get("name") or file.get("title")), 120)
        kind = one_line(_string(file.get("mimetype")), 80)
        size = file.get("size")
        bytes_ = size if isinstance(size, int) else None
        key = one_line(_string(file.get("id")), 40)
        lines.append(agent.file_line(name or key, kind, bytes_, key))
        if not (reads_files and is_text(kind)):
            found.unread.append(agent.content_of(name or key))
    if more := len(files) - len(lines):
        lines.append(agent.more_files(more))
        found.unread.append(agent.more_files(more))
    return "\n".join([agent.FILES, *lines]) if lines else ""


def _block(block: Json, found: Reading) -> str:
    """A block as text: a table row by row, rich text as written, others by their text.

    https://docs.slack.dev/reference/block-kit/blocks
    """
    kind = _string(block.get("type"))
    if kind in ("table", "data_table"):
        return _table(block, found)
    if kind == "rich_text":
        elements = _objects(block.get("elements"))
        return "\n".join(_rich(each) for each in elements).strip("\n")
    said = "\n".join(_texts(block))
    if not said and kind not in ("divider", "actions", "context_actions"):
        found.unread.append(agent.a_block(one_line(kind, 40)))
    return said


def _table(block: Json, found: Reading) -> str:
    listed = cast("list[object]", block.get("rows") or [])
    rows = [_objects(cast("object", row)) for row in listed if isinstance(row, list)]
    lines = [" | ".join(_cell(cell, found) for cell in row) for row in rows]
    return "\n".join([agent.TABLE, *(f"| {line} |" for line in lines)])


def _cell(cell: Json, found: Reading) -> str:
    is_rich = cell.get("type") == "rich_text"
    text = _block(cell, found) if is_rich else " ".join(_texts(cell))
    value = cell.get("value")
    return " ".join((text or _string(value)).split()).replace("|", "\\|")


def _texts(value: object) -> list[str]:
    """Each text in a block, in its order; mrkdwn as it reads."""
    if isinstance(value, list):
        items = cast("list[object]", value)
        return [text for item in items for text in _texts(item)]
    if not isinstance(value, dict):
        return []
    item = cast("dict[str, object]", value)
    text = item.get("text")
    if isinstance(text, str):
        is_plain = item.get("type") in ("plain_text", "raw_text", "text")
        own = text if is_plain else words(text)
        return [own] if own else []
    return [text for inner in item.values() for text in _texts(inner)]


def _rich(element: Json) -> str:
    """An element of rich text.

    https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
    """
    kind = _string(element.get("type")).removeprefix("rich_text_")
    inner = [_rich(each) for each in _objects(element.get("elements"))]
    if kind == "list":
        return "\n".join(f"- {each}" for each in inner)
    if kind == "quote":
        return quoted("".join(inner))
    if kind == "preformatted":
        return "\n".join(["```", "".join(inner), "```"])
    if kind == "section":
        return "".join(inner)
    return _leaf(kind, element)


def _leaf(kind: str, element: Json) -> str:
    def value(name: str) -> str:
        return _string(element.get(name))

    made = {
        "link": lambda: _link(value("url"), value("text")),
        "user": lambda: f"<@{value('user_id')}>",
        "channel": lambda: f"<#{value('channel_id')}>",
        "usergroup": lambda: f"<!subteam^{value('usergroup_id')}>",
        "emoji": lambda: f":{value('name')}:",
        "broadcast": lambda: f"@{value('range')}",
        "date": lambda: _date(element.get("timestamp")) or value("fallback"),
        "color": lambda: value("value"),
    }
    return made[kind]() if kind in made else value("text")


def _mrkdwn(each: Json, name: str) -> str:
    return words(_string(each.get(name)))


def _string(value: object) -> str:
    is_one = isinstance(value, str | int | float) and not isinstance(value, bool)
    return str(value) if is_one else ""


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _objects(value: object) -> list[Json]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [_object(each) for each in items if _object(each)]
