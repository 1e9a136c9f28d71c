"""An export in a file, checked with nothing else at hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from bot.audit.chain import canonical, quick, read_json
from bot.audit.checkpoint import Checkpoint
from bot.audit.verify import Head, Link, Text, Verifier

Row = dict[str, Any]
_TEXTS = ("actor", "at", "event", "hash", "previous", "team_id", "via")
_COLUMNS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS, (str,)),
    **dict.fromkeys(("conversation_id", "request_id"), (str, type(None))),
    **dict.fromkeys(("beside", "detail", "part", "texts"), (dict,)),
    **dict.fromkeys(("number", "seq"), (int,)),
}
ERASED = {"erased": True}  # in place of a text that is gone
_PART = {"first", "last", "rows"}
_NOT_HASHED_AS_THEY_ARE = {"hash", "number", "previous", "beside", "part"}


@dataclass
class Reading:
    """What is known of a file so far; `line` is the number of the last one taken."""

    verifier: Verifier
    line: int = 0
    parts: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    total: int = 0

    def take(self, text: bytes) -> str:
        """Take a line; a sentence if it is bad."""
        self.line += 1
        try:
            row = _parse(text)
            part = _part(row)
        except ValueError as error:
            return self._at(str(error))
        return self._at(self._place(row, part) or self._row(row))

    def _place(self, row: Row, part: dict[str, int]) -> str:
        """Each row says what it is a part of, and all say the same."""
        team = row["team_id"]
        if team not in self.parts:
            if unfinished := self._unfinished():
                return unfinished
            self.parts[team] = part
            if part["first"] > 1:  # what stands before is not in the file
                before = Head(part["first"] - 1, row["previous"])
                if problem := self.verifier.begin(team, before):
                    return f"row {before.number} of workspace {team}: {problem}"
        self.total = self.total or part["rows"]
        if part != self.parts[team] or part["rows"] != self.total:
            return "it says that it is a part of another export"
        if row["number"] > part["last"]:
            return f"it stands behind row {part['last']}, with which the export ends"
        return ""

    def _unfinished(self) -> str:
        """A chain that ends before its part does."""
        for team, part in self.parts.items():
            last = self.verifier.heads.get(team, Head(0, "")).number
            if last < part["last"]:
                return f"row {last + 1} of workspace {team} is missing before it"
        return ""

    def _row(self, row: Row) -> str:
        finding = self.verifier.take(_link(row))
        return str(finding) if finding else ""

    def end(self) -> str:
        """What is missing at the end; a sentence, or ""."""
        self.line += 1
        if not self.parts:
            return "the file holds no row of a trail"
        if missing := self._unfinished():
            return self._at(f"the file was cut off here: {missing}")
        if self.verifier.rows < self.total:
            more = self.total - self.verifier.rows
            return self._at(f"the file was cut off here: {more} rows are missing")
        finding = self.verifier.end()
        return str(finding) if finding else ""

    def _at(self, what: str) -> str:
        return f"line {self.line}: {what}" if what else ""


def verify_lines(
    lines: Iterable[bytes], checkpoints: Iterable[Checkpoint] = ()
) -> tuple[Verifier, str]:
    """Check an export line by line; a sentence about the first bad one, or ""."""
    reading = Reading(Verifier(checkpoints))
    for text in lines:
        if problem := reading.take(text):
            return reading.verifier, problem
    return reading.verifier, reading.end()


def _parse(text: bytes) -> Row:
    """One row, written as an export writes it: nothing hides in another form."""
    line = text.removesuffix(b"\n").removesuffix(b"\r")
    try:
        given: object = read_json(line)
    except ValueError as error:
        raise ValueError(f"it is no JSON as an export has it ({error})") from error
    if not isinstance(given, dict):
        raise ValueError("it is no JSON object")
    row = cast("Row", given)
    if not _is_row(row):
        raise ValueError("it is no row of a trail")
    try:
        same = quick(row).encode() == line or canonical(row).encode() == line
    except (UnicodeEncodeError, RecursionError):
        same = False
    if not same:
        raise ValueError("it is not in canonical form (RFC 8785)")
    return row


def _is_row(row: Row) -> bool:
    if row.keys() != _COLUMNS.keys():
        return False
    if any(type(row[name]) not in types for name, types in _COLUMNS.items()):
        return False
    known = row["beside"].keys() <= row["texts"].keys()
    return known and all(map(_is_text, row["beside"].values()))


def _is_text(beside: object) -> bool:
    if not isinstance(beside, dict):
        return False
    given = cast("Row", beside)
    if given == ERASED:
        return given["erased"] is True
    strings = all(isinstance(value, str) for value in given.values())
    return strings and given.keys() == {"salt", "text"}


def _part(row: Row) -> dict[str, int]:
    part = cast("dict[str, int]", row["part"])
    if part.keys() != _PART or any(type(value) is not int for value in part.values()):
        raise ValueError("it does not say what it is a part of")
    if not 0 < part["first"] <= part["last"]:
        raise ValueError("it says that it is a part of nothing")
    return part


def _link(row: Row) -> Link:
    texts: list[Text] = [
        (name, each["salt"], each["text"])
        for name, each in row["beside"].items()
        if each != ERASED
    ]
    return Link(
        team=row["team_id"],
        number=row["number"],
        seq=row["seq"],
        hash=row["hash"],
        row={k: v for k, v in row.items() if k not in _NOT_HASHED_AS_THEY_ARE},
        texts=texts,
        previous=row["previous"],
    )
