"""Check the trail row by row, in the database or in an exported file."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from psycopg import AsyncServerCursor, IsolationLevel
from psycopg.rows import tuple_row

from bot.audit import SQL
from bot.audit.chain import (
    ROW,
    Checkpoint,
    canonical,
    is_hash,
    quick,
    read_json,
    text_digest,
)
from bot.database.pool import Connection
from bot.texts import audit as say

Row = dict[str, Any]
Text = tuple[str, str, str]  # name, salt, text


class ChainLink(NamedTuple):
    """One row of a chain as it was found.

    Attributes:
        row: what is hashed, without `number` and `previous`; None where it is gone.
        texts: what stands beside it still.
        previous: the hash before it as the row itself names it, where it does.
    """

    team: str
    number: int
    seq: int
    hash: str
    row: Mapping[str, Any] | None
    texts: Sequence[Text] = ()
    previous: str | None = None


@dataclass(frozen=True)
class TrailFlaw:
    """A flaw in the trail, and its row; `number` and `seq` are 0 without a row."""

    team: str
    number: int
    seq: int
    what: str

    def __str__(self) -> str:
        if not self.number:
            return say.row_without_number(self.seq, self.team, self.what)
        return say.row(self.number, self.team, self.what, self.seq)


class Head(NamedTuple):
    """The end of a chain so far."""

    number: int
    hash: str


NO_ROW = Head(0, "")


@dataclass
class Verifier:
    """Takes the rows of all chains, each chain's in order.

    Attributes:
        heads: where each chain has got to, by workspace.
        rows: how many were taken.
        erased: how many texts are gone, which is allowed.
        begun: the row before the first of a chain that begins in the middle.
        older: how many checkpoints are of rows before that, and say nothing about it.
    """

    checkpoints: Iterable[Checkpoint] = ()
    heads: dict[str, Head] = field(default_factory=dict[str, Head])
    rows: int = 0
    erased: int = 0
    begun: dict[str, Head] = field(default_factory=dict[str, Head])
    older: int = 0

    def __post_init__(self) -> None:
        self._signed: dict[tuple[str, int], list[Checkpoint]] = {}
        for each in self.checkpoints:
            self._signed.setdefault((each.team, each.number), []).append(each)

    def begin(self, team: str, before: Head) -> str:
        """Begin a chain behind a row that nobody sees; a sentence if that is none.

        Whether older rows were rewritten cannot be told without them.
        """
        self.heads[team] = self.begun[team] = before
        for key in [(t, n) for t, n in self._signed if t == team and n < before.number]:
            self.older += len(self._signed.pop(key))
        signed = self._signed.pop((team, before.number), [])
        return _not_signed([each for each in signed if each.hash != before.hash])

    def take(self, link: ChainLink) -> TrailFlaw | None:
        """Check the next row; None if it is good."""
        head = self.heads.get(link.team, NO_ROW)
        what = self._problem(link, head)
        if what:
            number = link.number
            if number > head.number + 1:
                return TrailFlaw(link.team, head.number + 1, 0, what)
            return TrailFlaw(link.team, number, link.seq, what)
        self.heads[link.team] = Head(link.number, link.hash)
        self.rows += 1
        return None

    def _problem(self, link: ChainLink, head: Head) -> str:
        if link.number > head.number + 1:
            return say.missing(link.number, head.number)
        if link.number <= head.number:
            return say.out_of_order(head.number)
        if link.row is None:
            return say.GONE
        if link.previous is not None and link.previous != head.hash:
            return say.DOES_NOT_FOLLOW
        body = {**link.row, "number": link.number, "previous": head.hash}
        if not is_hash(ROW, body, link.hash):
            return say.CHANGED
        texts = link.texts or link.row["texts"]
        what = self._about_texts(link, link.row) if texts else ""
        return what or (self._about_checkpoint(link) if self._signed else "")

    def _about_texts(self, link: ChainLink, row: Mapping[str, Any]) -> str:
        digests: Mapping[str, str] = row["texts"]
        for name, salt, text in link.texts:
            # a salt with a line break has taken the text's first lines, and the digest
            # is the same
            if "\n" in salt or digests.get(name) != text_digest(salt, text):
                return say.text_changed(name)
        self.erased += len(digests) - len(link.texts)
        return ""

    def _about_checkpoint(self, link: ChainLink) -> str:
        signed = self._signed.pop((link.team, link.number), [])
        return _not_signed([each for each in signed if each.hash != link.hash])

    def add(self, later: Verifier) -> None:
        """Add what another one, with the same checkpoints, took behind this one."""
        self.heads |= later.heads
        self.rows += later.rows
        self.erased += later.erased
        self._signed = {k: v for k, v in self._signed.items() if k in later._signed}

    def end(self) -> TrailFlaw | None:
        """Return a flaw if the row of a checkpoint was not there."""
        for team, number in sorted(self._signed):
            signed = self._signed[team, number][0]
            last = self.heads.get(team, NO_ROW).number
            return TrailFlaw(team, number, 0, say.signed_and_gone(signed.at, last))
        return None


def _not_signed(others: Sequence[Checkpoint]) -> str:
    return say.signed_otherwise(others[0].at) if others else ""


CHUNK = 1_000  # rows
Stored = tuple[Any, ...]  # a row as `links` in trail.sql gives it


@asynccontextmanager
async def snapshot(connection: Connection) -> AsyncGenerator[Connection]:
    """One state of the database, however long it is read."""
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    await connection.set_read_only(True)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.set_read_only(None)
        await connection.set_isolation_level(None)


@asynccontextmanager
async def links(
    connection: Connection, team: str = "", after: int = 0
) -> AsyncGenerator[AsyncIterator[ChainLink]]:
    """All chains behind a row, workspace by workspace, each from its beginning.

    Args:
        connection: in a transaction. The server keeps a cursor there, and so plans and
            searches once; each value comes in its binary form.
    """
    async with connection.cursor("links", row_factory=tuple_row, binary=True) as cursor:
        await cursor.execute(
            SQL["links"], {"team": team, "number": after, "rows": None}
        )
        yield _in_chunks(cursor)


async def _in_chunks(cursor: AsyncServerCursor[Stored]) -> AsyncGenerator[ChainLink]:
    while rows := await cursor.fetchmany(CHUNK):
        for row in rows:
            yield as_link(row)


def as_link(stored: Stored) -> ChainLink:
    """Take a row of `links` apart; what it is about is None where that is gone."""
    team, number, seq, digest, beside, at_seq, at, at_team, event, *more = stored
    request, conversation, actor, via, detail, texts = more
    if at_seq is None:
        return ChainLink(team, number, seq, digest, None, beside or ())
    row: Row = {
        "actor": actor,
        "at": at,
        "conversation_id": conversation,
        "detail": _read(detail),
        "event": event,
        "request_id": request,
        "seq": at_seq,
        "team_id": at_team,
        "texts": {} if texts == "{}" else _read(texts),
        "via": via,
    }
    return ChainLink(team, number, seq, digest, row, beside or ())


def _read(text: str) -> Any:
    try:
        return read_json(text)
    except ValueError:  # what has no place in the trail has no hash either
        return None


async def walk(connection: Connection, verifier: Verifier) -> list[TrailFlaw]:
    """Take all rows of all chains, up to the first that is bad."""
    async with links(connection) as found:
        async for link in found:
            if flaw := verifier.take(link):
                return [flaw]
    end = verifier.end()
    return [end] if end else []


Walk = Callable[[Connection, Verifier], Awaitable[list[TrailFlaw]]]


async def verify(
    connection: Connection,
    checkpoints: Iterable[Checkpoint] = (),
    walk: Walk = walk,
) -> tuple[Verifier, list[TrailFlaw]]:
    """Check every row, and that each stands in a chain: the first that is bad.

    Beside the given checkpoints those count that the database itself has kept.

    Args:
        connection: in a `snapshot`, so that all is read as it is at one time.
    """
    kept = await kept_checkpoints(connection)
    forged = [
        TrailFlaw(c.team, c.number, 0, say.FORGED_CHECKPOINT)
        for c in kept
        if not c.is_genuine
    ]
    verifier = Verifier([*checkpoints, *kept])
    found = await walk(connection, verifier)
    return verifier, [*found, *forged, *await _unchained(connection)]


async def kept_checkpoints(connection: Connection) -> list[Checkpoint]:
    """The heads that were signed, as the database has them."""
    rows = await (await connection.execute(SQL["checkpoints"])).fetchall()
    return [Checkpoint(**row) for row in rows]


async def _unchained(connection: Connection) -> list[TrailFlaw]:
    rows = await (await connection.execute(SQL["unchained"])).fetchall()
    return [
        TrailFlaw(row["team"], 0, row["seq"], say.UNCHAINED[row["kind"]])
        for row in rows
    ]


_TEXTS = ("actor", "at", "event", "hash", "previous", "team_id", "via")
_EXPORTED_COLUMNS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(_TEXTS, (str,)),
    **dict.fromkeys(("conversation_id", "request_id"), (str, type(None))),
    **dict.fromkeys(("beside", "detail", "part", "texts"), (dict,)),
    **dict.fromkeys(("number", "seq"), (int,)),
}
ERASED = {"erased": True}  # in place of a text that is gone
_PART = {"first", "last", "rows"}
_NOT_HASHED_AS_THEY_ARE = {"hash", "number", "previous", "beside", "part"}


@dataclass
class FileProgress:
    """The progress through a file; `line` is the number of the last one taken."""

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
                    return say.row(before.number, team, problem)
        self.total = self.total or part["rows"]
        if part != self.parts[team] or part["rows"] != self.total:
            return say.OTHER_EXPORT
        if row["number"] > part["last"]:
            return say.behind_the_end(part["last"])
        return ""

    def _unfinished(self) -> str:
        """A chain that ends before its part does."""
        for team, part in self.parts.items():
            last = self.verifier.heads.get(team, NO_ROW).number
            if last < part["last"]:
                return say.missing_before(last + 1, team)
        return ""

    def _row(self, row: Row) -> str:
        flaw = self.verifier.take(_exported_link(row))
        return str(flaw) if flaw else ""

    def end(self) -> str:
        """Return what is missing at the end, as a sentence, or ""."""
        self.line += 1
        if not self.parts:
            return say.EMPTY_FILE
        if missing := self._unfinished():
            return self._at(say.cut_off(missing))
        if self.verifier.rows < self.total:
            more = self.total - self.verifier.rows
            return self._at(say.cut_off(say.rows_missing(more)))
        flaw = self.verifier.end()
        return str(flaw) if flaw else ""

    def _at(self, what: str) -> str:
        return say.line(self.line, what) if what else ""


def verify_lines(
    lines: Iterable[bytes], checkpoints: Iterable[Checkpoint] = ()
) -> tuple[Verifier, str]:
    """Check an export line by line; a sentence about the first bad one, or ""."""
    reading = FileProgress(Verifier(checkpoints))
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
        raise ValueError(say.no_json(error)) from error
    if not isinstance(given, dict):
        raise ValueError(say.NO_OBJECT)
    row = cast("Row", given)
    if not _is_row(row):
        raise ValueError(say.NO_ROW)
    try:
        same = quick(row) == line or canonical(row).encode() == line
    except (UnicodeEncodeError, RecursionError):
        same = False
    if not same:
        raise ValueError(say.NOT_CANONICAL)
    return row


def _is_row(row: Row) -> bool:
    if row.keys() != _EXPORTED_COLUMNS.keys():
        return False
    if any(type(row[name]) not in types for name, types in _EXPORTED_COLUMNS.items()):
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
        raise ValueError(say.NO_PART)
    if not 0 < part["first"] <= part["last"]:
        raise ValueError(say.PART_OF_NOTHING)
    return part


def _exported_link(row: Row) -> ChainLink:
    texts: list[Text] = [
        (name, each["salt"], each["text"])
        for name, each in row["beside"].items()
        if each != ERASED
    ]
    return ChainLink(
        team=row["team_id"],
        number=row["number"],
        seq=row["seq"],
        hash=row["hash"],
        row={k: v for k, v in row.items() if k not in _NOT_HASHED_AS_THEY_ARE},
        texts=texts,
        previous=row["previous"],
    )
