"""The Slack workspace of the bench: who is in it, its channels, its policy."""

from __future__ import annotations

import re

TEAM, APP, BOT, BOT_USER = "T0BENCH000", "A0BENCH000", "B0BENCH000", "U0BENCHBOT"
BOT_TOKEN = "xoxb-bench-1"
SIGNING_SECRET = "0123456789abcdef0123456789abcdef"
MANAGERS = ("U0MANAGER0", "U0MANAGER1", "U0MANAGER2", "U0MANAGER3")
FILE = re.compile(r"cycle-[0-9]{7}\.txt")


def file_of(number: int) -> str:
    """The file that a cycle deletes; its name says which cycle a text belongs to."""
    return f"cycle-{number:07}.txt"


DELETE = "Please delete"


def words_of(number: int) -> str:
    """The person's words in a cycle."""
    return f"{DELETE} {file_of(number)}."


def answer_of(number: int) -> str:
    """The model's answer when the file is gone."""
    return f"Done: {file_of(number)} is deleted."


def requester_of(seat: int) -> str:
    return f"U0ASKER{seat:03}"


def manager_of(seat: int) -> str:
    return MANAGERS[seat % len(MANAGERS)]
