"""The plain requests that the offline model understands."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

MAX_WISHES = 20  # calls in one message
VERBS = {
    "read": "read_file",
    "show": "read_file",
    "open": "read_file",
    "cat": "read_file",
    "list": "list_files",
    "ls": "list_files",
    "write": "write_file",
    "delete": "delete_file",
    "remove": "delete_file",
    "rm": "delete_file",
}
_MENTIONS = re.compile(r"\s*(?:<@[A-Z0-9]+(?:\|[^>]*)?>[\s,:]*)+")
_POLITE = re.compile(
    r"(?:(?:please|hi|hello|hey|now|also|and|then|(?:can|could|would|will) you)\b"
    r"[\s,]*)+",
    re.IGNORECASE,
)
# Possessive quantifiers: a long run of blanks must not cost its square in time.
_BETWEEN = re.compile(
    r"[ \t]*+(?:[;\n]|,(?=\s)|(?:and(?:\s++then)?|then)(?=\s))[\s;]*+", re.IGNORECASE
)
_END = re.compile(
    r"[\s.!?;,]*+(?:\b(?:please|thanks|thank you)\b)?+[\s.!?;,]*+", re.IGNORECASE
)
_VERB = re.compile(rf"({'|'.join(VERBS)})\b[ \t]*", re.IGNORECASE)
_ABOUT = re.compile(
    r"(?:me\s+)?(?:(?:the|my|all)\s+)?(?:(?:files?|folder)\b(?![./])\s*)?", re.I
)
_WHERE = re.compile(r"(?:in|under|below|of)\s+", re.IGNORECASE)
_QUOTED = re.compile(r"`([^`\n]+)`|\"([^\"\n]+)\"|'([^'\n]+)'|“([^”\n]+)”|‘([^’\n]+)’")
_BARE = re.compile(r"[^\s`\"'“”‘’;,:]+")
_SHARED, _FILE_ID = "read_shared_file", re.compile(r"F[A-Z0-9]{7,}")
_TEXT = re.compile(r"\s*+:[ \t]?\n?")


@dataclass(frozen=True)
class Wish:
    """One call that a message asks for."""

    tool: str
    args: dict[str, Any]


def understand(message: str, tools: Collection[str]) -> list[Wish]:
    """Read a message as one or more plain requests.

    Returns the calls in their order; none at all if any part is not understood, since
    doing half of a message is worse than asking again.
    """
    wishes: list[Wish] = []
    rest = _skip(_MENTIONS, message).strip()
    while rest and len(wishes) <= MAX_WISHES and not _END.fullmatch(rest):
        rest = _skip(_POLITE, rest)
        before = wishes[-1].tool if wishes else ""
        found = _other(rest, tools) or _one(rest, before)
        if found is None or found[0].tool not in tools:
            return []
        wish, rest = found
        wishes.append(_shared(wish, tools))
        if rest and not _END.fullmatch(rest):
            between = _BETWEEN.match(rest)
            if between is None:
                return []
            rest = rest[between.end() :]
    return wishes if len(wishes) <= MAX_WISHES else []


def _shared(wish: Wish, tools: Collection[str]) -> Wish:
    """The id of a file that was shared reads like a path."""
    path = str(wish.args.get("path") or "")
    if wish.tool == "read_file" and _FILE_ID.fullmatch(path) and _SHARED in tools:
        return Wish(_SHARED, {"file": path})
    return wish


def _other(text: str, tools: Collection[str]) -> tuple[Wish, str] | None:
    found = read_mail_request(text, tools)
    found = found or read_sql_request(text, tools)
    found = found or read_server_request(text, tools)
    found = found or read_sandbox_request(text, tools)
    if found is None:
        return None
    tool, args, rest = found
    return Wish(tool, args), rest


def _one(text: str, before: str) -> tuple[Wish, str] | None:
    verb = _VERB.match(text)
    if verb is None:
        return _again(text, before)
    tool, rest = VERBS[verb[1].lower()], text[verb.end() :]
    if tool == "list_files":
        return _list(rest)
    path, rest = _path(_skip(_ABOUT, rest))
    if not path:
        return None
    if tool == "write_file":
        return _write(path, rest)
    return Wish(tool, {"path": path}), rest


def _again(text: str, before: str) -> tuple[Wish, str] | None:
    """A path alone repeats the request before it: "delete a.txt and b.txt"."""
    path, rest = _path(text)
    looks_like_one = "." in path or "/" in path or text[:1] in "`\"'“‘"
    if before not in {"read_file", "delete_file"} or not path or not looks_like_one:
        return None
    return Wish(before, {"path": path}), rest


def _list(text: str) -> tuple[Wish, str] | None:
    about = _ABOUT.match(text)
    rest = text[about.end() :] if about else text
    if not rest or _END.fullmatch(rest) or _BETWEEN.match(f" {rest}"):
        return Wish("list_files", {}), f" {rest}" if rest else ""
    path, rest = _path(_skip(_WHERE, rest))
    return (Wish("list_files", {"path": path}), rest) if path else None


def _write(path: str, text: str) -> tuple[Wish, str] | None:
    colon = _TEXT.match(text)
    if colon is None:
        return None
    content, rest = _content(text[colon.end() :])
    return Wish("write_file", {"path": path, "text": content}), rest


def _content(text: str) -> tuple[str, str]:
    """Text in quotes ends with them; other text at the next line with a request."""
    quoted = _QUOTED.match(text)
    if quoted and (
        _END.fullmatch(text, quoted.end()) or _BETWEEN.match(text, quoted.end())
    ):
        return _inside(quoted), text[quoted.end() :]
    lines = text.split("\n")
    for index, line in enumerate(lines[1:], start=1):
        if _VERB.match(_skip(_POLITE, line)):
            return "\n".join(lines[:index]), "\n" + "\n".join(lines[index:])
    return text, ""


def _path(text: str) -> tuple[str, str]:
    if quoted := _QUOTED.match(text):
        return _inside(quoted), text[quoted.end() :]
    bare = _BARE.match(text)
    if bare is None:
        return "", text
    path = bare[0].rstrip(".!?")  # the end of a sentence, not of the name
    return path, text[len(path) :]


def _inside(quoted: re.Match[str]) -> str:
    return next(group for group in quoted.groups() if group)


def _skip(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.match(text)
    return text[match.end() :] if match else text


_CURRENCIES = {
    **dict.fromkeys(("gbp", "£", "pound", "pounds"), "GBP"),
    **dict.fromkeys(("eur", "€", "euro", "euros"), "EUR"),
    **dict.fromkeys(("usd", "$", "dollar", "dollars"), "USD"),
}
# A whole number or one with at most two decimals; no part of a longer one.
_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,20})(?:\.[0-9]{1,2})?(?![.,]?[0-9])"
_CODE = "GBP|EUR|USD"
_SIGN = "[£€$]"
_WORD = "pounds?|euros?|dollars?"
_AMOUNT = (
    rf"(?:(?P<before>{_SIGN}|(?:{_CODE})\b)[ ]?(?P<number>{_NUMBER})"
    rf"|(?P<Number>{_NUMBER})[ ]?(?P<after>{_SIGN}|(?:{_CODE}|{_WORD})\b))"
)
# Not the beginning of something longer, such as a path.
_ALONE = r"(?![\w./\\-]*[\w/\\])"
_NAME = rf"(?P<quote>[`\"']?)(?P<name>[A-Za-z0-9_-]{{1,64}})(?P=quote){_ALONE}"
_LIST = re.compile(
    r"(?:(?:list|ls|show)\s+)?(?:me\s+)?(?:(?:the|my|our|all)\s+){0,2}"
    rf"(?P<what>accounts|databases)\b{_ALONE}",
    re.IGNORECASE,
)
_TRANSFER = re.compile(
    rf"(?:transfer|send|pay|wire)\s+{_AMOUNT}\s+to\s+{_NAME}", re.IGNORECASE
)
_PAY = re.compile(rf"(?:pay|send)\s+{_NAME}\s+{_AMOUNT}", re.IGNORECASE)
# "drop it" says nothing by itself, and a guess is no request.
_NO_NAME = r"(?!(?:it|that|this|them|all|everything|the|a|databases?)\b)"
_DROP = re.compile(
    rf"drop\s+(?:the\s+)?(?:database\s+)?{_NO_NAME}{_NAME}(?:\s+database\b)?",
    re.IGNORECASE,
)
Found = tuple[str, dict[str, Any], str]


def read_sandbox_request(text: str, tools: Collection[str]) -> Found | None:
    """Read one request at the beginning of a text.

    Returns the tool, its arguments and the rest of the text; None where it is none of
    these requests, or one for a tool that is not there.
    """
    found = _listed(text) or _transfer(text) or _dropped(text)
    return found if found and found[0] in tools else None


def _listed(text: str) -> Found | None:
    match = _LIST.match(text)
    if match is None:
        return None
    return f"list_{match['what'].lower()}", {}, text[match.end() :]


def _transfer(text: str) -> Found | None:
    match = _TRANSFER.match(text) or _PAY.match(text)
    if match is None:
        return None
    currency = _CURRENCIES[(match["before"] or match["after"]).lower()]
    args = {
        "to": match["name"].lower(),
        "amount": _amount(match["number"] or match["Number"]),
        "currency": currency,
    }
    return "transfer_money", args, text[match.end() :]


def _amount(digits: str) -> int | float:
    # As a model server writes it: a whole number has no decimals.
    whole, _, decimals = digits.replace(",", "").partition(".")
    return float(f"{whole}.{decimals}") if decimals.strip("0") else int(whole)


def _dropped(text: str) -> Found | None:
    match = _DROP.match(text)
    if match is None:
        return None
    return "drop_database", {"name": match["name"]}, text[match.end() :]


_ADDRESS = r"[^\s@,;:<>\"'`]+@[^\s@,;:<>\"'`]*[^\s@,;:<>\"'`.]"
_EMAIL = re.compile(
    rf"(?:e-?mail|send (?:an |the )?e-?mail to)\s+(?P<to>{_ADDRESS})\s+about\s+"
    r"(?P<subject>[^\n:]{1,200}?)\s*:\s*(?P<body>.+)",
    re.IGNORECASE | re.DOTALL,
)


def read_mail_request(
    text: str, tools: Collection[str]
) -> tuple[str, dict[str, Any], str] | None:
    """Read an e-mail, which goes on to the end of the text; None if it is none.

    Returns the tool, its arguments and the rest of the text.
    """
    match = _EMAIL.match(text)
    if match is None or "send_email" not in tools:
        return None
    args = {name: match[name].strip() for name in ("to", "subject", "body")}
    return "send_email", args, ""


_SQL = re.compile(
    r"(?:(?:run|query|execute)\b[ \t]*:?[ \t]*)?(?P<statement>(?:"
    r"(?P<query>(?:select|with|values)\b)"
    r"|(?P<execute>(?:insert\s+into|update\s+\S+\s+set|delete\s+from|merge\s+into)\b)"
    r"|(?P<change_schema>(?:create|alter|drop|truncate)\s+(?:table|index|view)\b)"
    r").*)",
    re.IGNORECASE | re.DOTALL,
)


def read_sql_request(text: str, tools: Collection[str]) -> Found | None:
    """Read a statement of SQL, which goes on to the end of the text."""
    match = _SQL.match(text)
    if match is None:
        return None
    tool = next(each for each in _SQL_TOOLS if match[each])
    statement = match["statement"].strip().removesuffix(";")
    return (tool, {"statement": statement}, "") if tool in tools else None


_SQL_TOOLS = ("query", "execute", "change_schema")


_CALL = re.compile(
    r"(?:call|use|run)\s+(?P<tool>[A-Za-z0-9_-]+\.[A-Za-z0-9_./:-]*[A-Za-z0-9_-])"
    r"(?:\s+(?:with\s+)?(?=\{))?",
    re.IGNORECASE,
)
_TIME = re.compile(r"what(?:'s| is) the time in\s+(?P<zone>[\w+-]+(?:/[\w+-]+)*)", re.I)
_NOW = "time.get_current_time"


def read_server_request(text: str, tools: Collection[str]) -> Found | None:
    """Read a call of a tool of an MCP server, whose arguments stand there as JSON."""
    if (clock := _TIME.match(text)) and _NOW in tools:
        return _NOW, {"timezone": clock["zone"]}, text[clock.end() :]
    match = _CALL.match(text)
    if match is None or match["tool"] not in tools:
        return None
    rest = text[match.end() :]
    if not rest.startswith("{"):
        return match["tool"], {}, rest
    try:
        args, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        return None
    return match["tool"], args, rest[end:]
