"""The tables and the JSON of a bench."""

from __future__ import annotations

import re
import statistics
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.bench.blocks import Block, quantile

HEAD = (
    "| at once | | click → ack p50 | p99 | click → answer p50 | p99 "
    "| cycles per second | memory |\n|--:|---|--:|--:|--:|--:|--:|--:|"
)
METHOD = """\
A cycle is mention → card → click on Approve → answer. *Bot* is `python -m bot` over
HTTP. *Bare* is the same agent on `AsyncPostgresSaver` alone, driven by lines on stdin:
ask, interrupt, resume. *Plain* is `tests/bench/plain_bolt.py`, a Bolt bot that
guarantees nothing. Each runs in one process, in turn, on the same PostgreSQL and
against the same model server, with `durability="sync"`. Each person does one cycle
after the other, each in a new thread. Who is alone clicks 0.1 s after the card is there
(with `--pause 0` in the same moment, while the bot still notes the card and says in the
thread where it is); of many each clicks at once.

- *click → ack*: until the 200 has come. Bare has no ack; the ratio is to its resume.
- *click → answer*: until the request with the answer has reached Slack's stand-in; for
  bare from the sending of the resume until `ainvoke` has returned.
- *cycles per second*: until the last answer has come and the last card is closed.
- *memory*: of the process, after the first round at that level.
- Times and rates are over all rounds; a ratio is the median of the rounds' ratios.
"""
SIDES = ("bot", "plain", "bare")
Measure = Callable[[Block], float | None]
WIDTH = 88  # of a line on the page of measurements


@dataclass(frozen=True)
class Section:
    """A part of the bench as it is reported.

    Attributes:
        name: of the table, on the command line and on the page of measurements.
        goals: a line for each, with "met" or "missed" at its end.
        words: sentences for people, by their place on that page.
        data: for machines.
        when: it was measured, and how busy the machine was.
    """

    name: str
    title: str
    method: str
    tables: str
    goals: Sequence[str] = ()
    words: Mapping[str, str] = field(default_factory=dict[str, str])
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    when: str = ""

    @property
    def text(self) -> str:
        return f"# {self.title}\n\n{self.method}\n\n{self._measured}\n"

    @property
    def shown(self) -> dict[str, str]:
        """Return what the page of measurements shows, by its place."""
        words = {k: textwrap.fill(v, WIDTH) for k, v in self.words.items()}
        return {self.name: self._measured, **words}

    @property
    def _measured(self) -> str:
        goals = "\n".join(["", *self.goals]) if self.goals else ""
        return f"{self.when}\n\n{self.tables}\n{goals}".strip()


def ratio(
    pairs: Sequence[tuple[Block, Block]], of: Measure, against: Measure | None = None
) -> float | None:
    """The median over the rounds of bot ÷ other; None where one was not measured."""
    found: list[float] = []
    for bot, beside in pairs:
        mine, other = of(bot), (against or of)(beside)
        if mine is not None and other:
            found.append(mine / other)
    return statistics.median(found) if found else None


def pairs(blocks: Sequence[Block], side: str) -> list[tuple[Block, Block]]:
    """The bot's block of each round, and that of another side."""
    found = {(block.round, block.side): block for block in blocks}
    rounds = sorted({block.round for block in blocks})
    return [(found[n, "bot"], found[n, side]) for n in rounds]


def ack(share: float) -> Measure:
    return lambda block: quantile(block.acks, share) if block.acks else None


def answer(share: float) -> Measure:
    return lambda block: quantile(block.answers, share)


def rate(block: Block) -> float:
    return block.rate


def cpu(block: Block) -> float:
    """Seconds of the process for each cycle."""
    return block.cpu["process"] / len(block.answers)


def memory(block: Block) -> float | None:
    return block.memory


def summary(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """For each level what both sides took, and the ratios."""
    levels = sorted({block.level for block in blocks})
    return [_level(n, [b for b in blocks if b.level == n]) for n in levels]


def _level(level: int, blocks: Sequence[Block]) -> dict[str, Any]:
    found: dict[str, Any] = {"level": level, "ratio": {}}
    for side in SIDES:
        own = [block for block in blocks if block.side == side]
        found |= {"rounds": len(own), side: _side(own)}
        if side != "bot":
            found["ratio"][side] = _ratio(pairs(blocks, side), side)
    return found


def _ratio(beside: Sequence[tuple[Block, Block]], side: str) -> dict[str, Any]:
    # bare has no ack: the bot's is held against its resume
    own = side != "bare"
    return {
        "ack_p50": ratio(beside, ack(0.5), ack(0.5) if own else answer(0.5)),
        "ack_p99": ratio(beside, ack(0.99), ack(0.99) if own else answer(0.99)),
        "answer_p50": ratio(beside, answer(0.5)),
        "answer_p99": ratio(beside, answer(0.99)),
        "rate": ratio(beside, rate),
        "memory": ratio(beside[:1], memory),
        "cpu": ratio(beside, cpu),
    }


def _side(blocks: Sequence[Block]) -> dict[str, Any]:
    acks = [value for block in blocks for value in block.acks]
    answers = [value for block in blocks for value in block.answers]
    return {
        "cycles": len(answers),
        "ack_p50": quantile(acks, 0.5) if acks else None,
        "ack_p99": quantile(acks, 0.99) if acks else None,
        "answer_p50": quantile(answers, 0.5),
        "answer_p99": quantile(answers, 0.99),
        "rate": len(answers) / sum(block.seconds for block in blocks),
        "memory": blocks[0].memory,
        "cpu_per_cycle": {
            name: sum(block.cpu[name] for block in blocks) / len(answers)
            for name in blocks[0].cpu
        },
    }


def table(levels: Sequence[dict[str, Any]]) -> str:
    """One table in Markdown: all sides of each level, and the bot beside the others."""
    rows = [HEAD]
    for level in levels:
        at_once = [str(level["level"]), *[""] * (len(SIDES) - 1)]
        rows += [_row(n, s, level[s]) for n, s in zip(at_once, SIDES, strict=True)]
        rows += [_ratios(side, found) for side, found in level["ratio"].items()]
    return "\n".join(rows)


def _row(at_once: str, side: str, values: dict[str, Any]) -> str:
    times = [
        _shown(values[name], 1000, " ms")
        for name in ("ack_p50", "ack_p99", "answer_p50", "answer_p99")
    ]
    ends = [_shown(values["rate"], 1, ""), _shown(values["memory"], 1, " MB", 0)]
    return _line([at_once, side, *times, *ends])


def _ratios(side: str, values: dict[str, Any]) -> str:
    names = ("ack_p50", "ack_p99", "answer_p50", "answer_p99")
    shown = [_shown(values[name], 1, " ×", 2) for name in names]
    shown += [f"÷ {1 / values['rate']:.2f}", _shown(values["memory"], 1, " ×", 2)]
    return _line(["", f"*to {side}*", *shown])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(value: float | None, factor: float, unit: str, digits: int = 1) -> str:
    return "–" if value is None else f"{value * factor:.{digits}f}{unit}"


def _goals(name: str, levels: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """State the goals of a table of cycles, and how this run met them."""
    found = {level["level"]: level for level in levels}
    lines: list[str] = []
    if 1 in found:
        beside = found[1]["ratio"]["plain"]
        most = 1.3 if name == "instant" else 1.0
        lines.append(
            goal(f"{name}: click → answer alone, × plain", beside["answer_p50"], most)
        )
        if name == "instant":
            lines.append(goal("CPU of a cycle alone, × plain", beside["cpu"], 1.3))
    if 16 in found and name == "instant":
        slower = 1 / found[16]["ratio"]["plain"]["rate"]
        lines.append(goal("cycles per second with 16, plain ÷", slower, 1.2))
        late = found[16]["bot"]["ack_p99"] * 1000
        lines.append(goal("ack p99 with 16, ms", late, 100, ".0f"))
    return tuple(lines)


def goal(
    name: str, value: float, limit: float, form: str = ".2f", *, least: bool = False
) -> str:
    """Return a line on one goal; `least`: the limit is the least it may be."""
    is_met = value >= limit if least else value <= limit
    bound = f"goal: at {'least' if least else 'most'} {limit:g}"
    return f"- {name}: {value:{form}} ({bound}), {'met' if is_met else 'missed'}"


def in_words(levels: Sequence[dict[str, Any]], name: str) -> dict[str, str]:
    """Return what a table of cycles means for people, by its place on the page."""
    found = {level["level"]: level["bot"] for level in levels}
    if not {1, 16} <= found.keys():
        return {}
    one, many = found[1], found[16]
    if name == "slow":
        after = one["answer_p50"] * 1000
        said = "With a model that takes 300 ms and a Slack that takes 100, the agent's"
        said += f" answer is there {after:.0f} ms after the click."
        return {"waiting": said}
    ack, late, rate = one["ack_p50"], many["ack_p99"], many["rate"]
    click = f"Slack has its answer to a click after {ack * 1000:.0f} ms with one person"
    click += f" at it, and after {many['ack_p50'] * 1000:.0f} ms"
    click += f" ({late * 1000:.0f} ms at the slowest of a hundred) with 16 at once;"
    carries = f"{rate:.0f} whole cycles (message, card, click, answer) a second with 16"
    carries += f" people at once, some {round(rate * 3600, -3):,.0f} an hour, on two"
    carries += " cores that it shares with PostgreSQL and with what measures it."
    return {"click": f"{click} Slack gives up after 3,000.", "carries": carries}


def of_cycles(
    name: str, title: str, machine: Mapping[str, str], blocks: Sequence[Block]
) -> Section:
    """Make a table of cycles from its blocks."""
    levels = summary(blocks)
    return Section(
        name,
        title,
        "\n".join([METHOD, *(f"- {key}: {value}" for key, value in machine.items())]),
        f"{table(levels)}\n\n{_rounds(levels)}",
        _goals(name, levels),
        in_words(levels, name),
        {"levels": levels, "blocks": [asdict(block) for block in blocks]},
    )


def _rounds(levels: Sequence[dict[str, Any]]) -> str:
    cycles = ", ".join(f"{x['bot']['cycles']} with {x['level']}" for x in levels)
    return f"Rounds: {levels[0]['rounds']}. Cycles of each side: {cycles}."


def filled(page: str, shown: Mapping[str, str]) -> str:
    """Put what was measured into its places on a page; the rest stays as it is."""

    def put(place: re.Match[str]) -> str:
        begin, name, old, end = place.groups()
        return f"{begin}{shown.get(name, old)}{end}"

    return PLACE.sub(put, page)


#: A place on a page for what is measured: its begin, name, content, and end.
PLACE = re.compile(r"(<!-- bench: (\w+) -->\n)(.*?)(\n<!-- end -->)", re.DOTALL)


def scale_table(found: Sequence[tuple[int, Block]]) -> str:
    """Markdown: a line for each number of replicas, beside one alone."""
    lines = [
        "| replicas | at once | click → ack p50 | p99 | click → answer p50 | cycles per"
        " second | beside one |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for count, block in found:
        acks = [quantile(block.acks, share) for share in (0.5, 0.99)]
        times = [*acks, quantile(block.answers, 0.5)]
        cells = [str(count), str(block.level), *(f"{t * 1000:.1f} ms" for t in times)]
        cells += [f"{block.rate:.1f}", f"{block.rate / found[0][1].rate:.2f} ×"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
