"""Check a chain row by row: pure, in constant memory, the first bad row named."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.audit.chain import ROW, is_hash, text_digest
from bot.audit.checkpoint import Checkpoint

Text = tuple[str, str, str]  # name, salt, text


@dataclass(frozen=True)
class Link:
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
class Finding:
    """What is wrong with which row; `number` and `seq` are 0 where there is none."""

    team: str
    number: int
    seq: int
    what: str

    def __str__(self) -> str:
        if not self.number:
            where = f" of workspace {self.team}" if self.team else ""
            return f"row with seq {self.seq}{where}: {self.what}"
        seq = f" (seq {self.seq})" if self.seq else ""
        return f"row {self.number} of workspace {self.team}{seq}: {self.what}"


@dataclass(frozen=True)
class Head:
    """Where a chain has got to."""

    number: int
    hash: str


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

    def take(self, link: Link) -> Finding | None:
        """Check the next row; None if it is good."""
        head = self.heads.get(link.team, Head(0, ""))
        what = self._problem(link, head)
        if what:
            number = link.number
            if number > head.number + 1:
                return Finding(link.team, head.number + 1, 0, what)
            return Finding(link.team, number, link.seq, what)
        self.heads[link.team] = Head(link.number, link.hash)
        self.rows += 1
        return None

    def _problem(self, link: Link, head: Head) -> str:
        if link.number > head.number + 1:
            return f"it is missing; row {link.number} follows row {head.number}"
        if link.number <= head.number:
            return f"it stands after row {head.number}"
        if link.row is None:
            return "it is gone from the table"
        if link.previous is not None and link.previous != head.hash:
            return "it does not follow the row before it"
        body = {**link.row, "number": link.number, "previous": head.hash}
        if not is_hash(ROW, body, link.hash):
            return "it was changed: its hash is another one"
        return self._about_texts(link, link.row) or self._about_checkpoint(link)

    def _about_texts(self, link: Link, row: Mapping[str, Any]) -> str:
        digests: Mapping[str, str] = row["texts"]
        for name, salt, text in link.texts:
            # a salt with a line break has taken the text's first lines, and the digest
            # is the same
            if "\n" in salt or digests.get(name) != text_digest(salt, text):
                return f"its text {name!r} was changed"
        self.erased += len(digests) - len(link.texts)
        return ""

    def _about_checkpoint(self, link: Link) -> str:
        signed = self._signed.pop((link.team, link.number), [])
        return _not_signed([each for each in signed if each.hash != link.hash])

    def end(self) -> Finding | None:
        """Whether every checkpoint's row was there."""
        for team, number in sorted(self._signed):
            signed = self._signed[team, number][0]
            last = self.heads.get(team, Head(0, "")).number
            what = (
                f"the checkpoint of {signed.at} has signed it and it is not there; "
                f"the chain ends at row {last}"
            )
            return Finding(team, number, 0, what)
        return None


def _not_signed(others: Sequence[Checkpoint]) -> str:
    if not others:
        return ""
    return (
        f"it is not the one that the checkpoint of {others[0].at} has signed: the "
        "chain was rewritten up to here"
    )
