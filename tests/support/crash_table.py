"""The crash matrix: where the process dies, what is decided, and what must come of it.

`python -m tests.support.crash_table` writes the table in `docs/reliability.md` anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tests.support.root import ROOT
from tests.support.threats import page_with

PAGE = ROOT / "docs/reliability.md"
MARKS = ("<!-- crashes -->\n", "<!-- end of crashes -->\n")
Verdict = Literal["approve", "reject", "expire"]
Graph = Literal["shipped", "foreign"]
VERDICTS: tuple[Verdict, ...] = ("approve", "reject", "expire")
GRAPHS: tuple[Graph, ...] = ("shipped", "foreign")

#: Where the plug is pulled, by its name in `bot.base.faults`; `in_tool`: in the tool.
WHERE = {
    "received": "after the event row, before the ack",
    "asking": "between interrupt and request",
    "asked": "between request and card",
    "posted": "between card and its stored ts",
    "decided": "after the commit of the click or the clock, before the ack",
    "claiming": "before the claim",
    "claimed": "after the claim, before the tool",
    "in_tool": "in the tool",
    "ran": "after the tool, before its end is stored",
    "answering": "before the answer is stored",
    "answered": "in the answer: posted, not noted",
}
#: The same in an answer that is streamed; what comes of the message that was begun.
OTHER = "says that the answer follows below"
STREAM = {
    "beginning": ("before the message begins", "there is none"),
    "streaming": ("after that, before its ts is stored", "is taken out"),
    "placed": ("after that, before its first words", OTHER),
    "streamed": ("in the middle of its words", OTHER),
    "ending": ("after the answer is stored, before the message ends", "is the answer"),
    "answered": ("after it has ended, before that is noted", "is the answer"),
}
USUAL_STREAM = ("streaming", "streamed", "ending")
EARLY = ("received", "asking", "asked", "posted")  # before anybody decides
OF_THE_TOOL = ("claiming", "claimed", "in_tool", "ran")
UNKNOWN = ("claimed", "in_tool", "ran")
NO_TOOL = "no tool"


@dataclass(frozen=True)
class Cell:
    """One life of a request, with one death in it."""

    number: int
    point: str
    verdict: Verdict
    graph: Graph

    @property
    def name(self) -> str:
        return f"{self.graph}-{self.verdict}-{self.point}"

    @property
    def is_unknown(self) -> bool:
        """Return whether the outcome of the action is unknown."""
        return self.verdict == "approve" and self.point in UNKNOWN

    @property
    def effects(self) -> int:
        """The number of times that the tool has run when all is over."""
        if self.verdict != "approve":
            return 0
        return int(self.point not in ("claimed", "in_tool"))

    @property
    def status(self) -> str:
        """The status of the request when all is over."""
        words = {"approve": "approved", "reject": "rejected", "expire": "timed_out"}
        return words[self.verdict]


def can_be(point: str, verdict: Verdict) -> bool:
    """A call that nobody approved is never claimed, and its tool never begun."""
    return verdict == "approve" or point not in OF_THE_TOOL


def cells(graph: Graph) -> list[Cell]:
    """All that can be, in the order of a request's life."""
    pairs = [(point, verdict) for point in WHERE for verdict in VERDICTS]
    known = [(point, verdict) for point, verdict in pairs if can_be(point, verdict)]
    return [Cell(n, *pair, graph) for n, pair in enumerate(known, start=1)]


def usual(graph: Graph) -> list[Cell]:
    """The same, where a death before anybody decides is died for one verdict only.

    Which one changes from place to place: what people say comes after the recovery.
    """
    shift = GRAPHS.index(graph)
    one = {p: VERDICTS[(n + shift) % 3] for n, p in enumerate(EARLY)}
    return [c for c in cells(graph) if one.get(c.point, c.verdict) == c.verdict]


def table() -> str:
    """A row for each place, a column for each end of each graph; then the streams."""
    heads = [f"{graph}: {verdict}" for graph in GRAPHS for verdict in VERDICTS]
    rows = [f"| the process dies | {' | '.join(heads)} |", "|---" * 7 + "|"]
    for point, where in WHERE.items():
        rows.append(f"| {where} | {' | '.join(_came_of_it(point))} |")
    rows += ["", "| in a stream the process dies | the message |", "|---|---|"]
    rows += [f"| {where} | {what} |" for where, what in STREAM.values()]
    return "\n".join(rows) + "\n"


def _came_of_it(point: str) -> Iterator[str]:
    for graph in GRAPHS:
        for verdict in VERDICTS:
            cell = Cell(0, point, verdict, graph)
            yield _words(cell) if can_be(point, verdict) else NO_TOOL


def _words(cell: Cell) -> str:
    ran = "ran once" if cell.effects else "did not run"
    return f"**Unknown** ({ran})" if cell.is_unknown else ran


def page() -> str:
    """The page with the table as it is now."""
    return page_with(PAGE.read_text(encoding="utf-8"), table(), *MARKS)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
