"""Say what is wrong with a policy file: where, and what to do, one sentence each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

Loc = tuple[str | int, ...]
_PLAIN_KEY = re.compile(r"[\w-]+")
_SHOWN = 60  # characters of a value that a sentence repeats


@dataclass(frozen=True)
class Complaint:
    """One thing to mend. `path` is the key's path, a line, or "" for the whole file."""

    path: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


class PolicyError(Exception):
    """The policy cannot be used. `complaints` says why, all of it."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(str(complaint) for complaint in self.complaints))


def key_path(loc: Loc) -> str:
    """Write a place in the file as people do: `rules[3].stages[0].approvers`."""
    path = ""
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += f"[{shown(step)}]"
    return path


def shown(value: object) -> str:
    """Repeat a value from the file inside a sentence, cut to a readable length."""
    text = " ".join(str(value).split())
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    visible = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in cut)
    return f"`{visible}`"


def kind(value: object) -> str:
    """Say what YAML made of a value, for somebody who meant something else."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {shown(value)[1:-1]}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    return "a list" if isinstance(value, list) else "a mapping"
