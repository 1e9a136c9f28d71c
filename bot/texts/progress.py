"""Words for people while the agent works: a status, steps, and what became of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from bot.base.masks import mask, mask_arguments
from bot.texts.formatting import one_line

LONGEST = 250  # characters of a step's title or result; Slack's limit is 256
_SUBJECT = 80  # characters of one argument in a title
THINKING = "Thinking…"
CUT_OFF = "_This was cut off. The answer follows below._"
WAITS = "Waiting for an answer"
FAILED = "It broke off with an error."
#: A step of a tool of ours while it works, and when it is done.
_STEPS = {
    "read_file": ("Reading {path}", "Read {path}"),
    "read_shared_file": ("Reading {file}", "Read {file}"),
    "list_files": ("Listing files in {path}", "Listed the files in {path}"),
    "write_file": ("Writing {path}", "Wrote {path}"),
    "delete_file": ("Deleting {path}", "Deleted {path}"),
    "send_email": ("Sending an e-mail to {to}", "Sent an e-mail to {to}"),
    "list_accounts": ("Listing accounts", "Listed the accounts"),
    "list_databases": ("Listing databases", "Listed the databases"),
    "transfer_money": (
        "Transferring {amount} {currency} to {to}",
        "Transferred {amount} {currency} to {to}",
    ),
    "drop_database": ("Dropping the database {name}", "Dropped the database {name}"),
}


def working(tool: str, arguments: Mapping[str, Any]) -> str:
    """Say what a tool does, while it does it."""
    return _title(tool, arguments, 0)


def done(tool: str, arguments: Mapping[str, Any]) -> str:
    """Say what a tool has done."""
    return _title(tool, arguments, 1)


def _title(tool: str, arguments: Mapping[str, Any], tense: int) -> str:
    name = tool.replace("_", " ").strip() or "a tool"
    template = _STEPS.get(tool, (f"Running {name}", f"Ran {name}"))[tense]
    if tool not in _STEPS:
        return one_line(template, LONGEST)
    hidden = mask_arguments(arguments, {})
    shown = _Arguments({k: one_line(str(v), _SUBJECT) for k, v in hidden.items()})
    return one_line(template.format_map(shown), LONGEST)


class _Arguments(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "the folder" if name == "path" else "…"


def result(text: str, title: str = "") -> str:
    """Say in a short line what a step has come to; "" where there is no such line.

    Nor is there one where its title says the same.
    """
    lines = _lines(text)
    if not lines or lines[0][:1] in "{[" or lines == [f"{title}."]:
        return ""
    if len(lines) > 1:
        return f"{len(lines)} lines"
    return lines[0] if len(lines[0]) <= _SUBJECT else "1 line"


def failure(text: str) -> str:
    """Say in a line why a step has failed, where it says so."""
    lines = _lines(text)
    return one_line(lines[0], LONGEST) if lines else FAILED


def _lines(text: str) -> list[str]:
    return [line.strip() for line in mask(text).splitlines() if line.strip()]


def pause(seconds: float, *, is_reached: bool) -> str:
    """Say that the model is asked again in a while, and why."""
    why = "is busy" if is_reached else "can't be reached"
    return f"The model {why}, trying again in {math.ceil(seconds)} s…"


def waiting(why: str) -> str:
    """Say what is waited for, behind the bot's name: "is waiting: the model …"."""
    return f"is waiting: {why[:1].lower()}{why[1:]}"


def status(doing: str) -> str:
    """Say what is done, behind the bot's name: "is reading notes/todo.txt…"."""
    return f"is {doing[:1].lower()}{doing[1:]}".removesuffix("…") + "…"
