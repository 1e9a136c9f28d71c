"""The tables and the JSON of a bench."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from tests.bench.blocks import Block, quantile

HEAD = (
    "| at once | | click → ack p50 | p99 | click → answer p50 | p99 "
    "| cycles per second | memory |\n|--:|---|--:|--:|--:|--:|--:|--:|"
)
METHOD = """\
A cycle is mention → card → click on Approve → answer. *Bot* is `python -m bot` over
HTTP. *Bare* is the same agent on `AsyncPostgresSaver` alone, driven by lines on stdin:
ask, interrupt, resume. Both run in one process each, in turn, on the same PostgreSQL
and against the same model server, with `durability="sync"`. Each person does one cycle
after the other, each in a new thread.

- *click → ack*: until the 200 has come. Bare has no ack; the ratio is to its resume.
- *click → answer*: until the request with the answer has reached Slack's stand-in; for
  bare from the sending of the resume until `ainvoke` has returned.
- *cycles per second*: until the last answer has come and the last card is closed.
- *memory*: of the process, after the first round at that level.
- Times and rates are over all rounds; a ratio is the median of the rounds' ratios.
"""
Measure = Callable[[Block], float | None]


def ratio(
    pairs: Sequence[tuple[Block, Block]], of: Measure, against: Measure | None = None
) -> float | None:
    """The median over the rounds of bot ÷ bare; None where one was not measured."""
    found: list[float] = []
    for bot, bare in pairs:
        mine, other = of(bot), (against or of)(bare)
        if mine is not None and other:
            found.append(mine / other)
    return statistics.median(found) if found else None


def pairs_at(blocks: Sequence[Block], level: int) -> list[tuple[Block, Block]]:
    """The two blocks of each round at a level, bot first."""
    here = sorted(
        (block for block in blocks if block.level == level),
        key=lambda block: (block.round, block.side != "bot"),
    )
    return list(zip(here[::2], here[1::2], strict=True))


def ack(share: float) -> Measure:
    return lambda block: quantile(block.acks, share) if block.acks else None


def answer(share: float) -> Measure:
    return lambda block: quantile(block.answers, share)


def rate(block: Block) -> float:
    return block.rate


def memory(block: Block) -> float | None:
    return block.memory


def summary(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    """For each level what both sides took, and the ratios."""
    levels = sorted({block.level for block in blocks})
    return [_level(level, pairs_at(blocks, level)) for level in levels]


def _level(level: int, pairs: Sequence[tuple[Block, Block]]) -> dict[str, Any]:
    ratios = {
        "ack_p50": ratio(pairs, ack(0.5), answer(0.5)),
        "ack_p99": ratio(pairs, ack(0.99), answer(0.99)),
        "answer_p50": ratio(pairs, answer(0.5)),
        "answer_p99": ratio(pairs, answer(0.99)),
        "rate": ratio(pairs, rate),
        "memory": ratio(pairs[:1], memory),
    }
    return {
        "level": level,
        "rounds": len(pairs),
        "bot": _side([bot for bot, _ in pairs]),
        "bare": _side([bare for _, bare in pairs]),
        "ratio": ratios,
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
    """One table in Markdown, three lines for each level."""
    rows = [HEAD]
    for level in levels:
        rows.append(_row(f"{level['level']}", "bot", level["bot"]))
        rows.append(_row("", "bare", level["bare"]))
        rows.append(_ratios(level["ratio"]))
    return "\n".join(rows)


def _row(at_once: str, side: str, values: dict[str, Any]) -> str:
    times = [
        _shown(values[name], 1000, " ms")
        for name in ("ack_p50", "ack_p99", "answer_p50", "answer_p99")
    ]
    ends = [_shown(values["rate"], 1, ""), _shown(values["memory"], 1, " MB", 0)]
    return _line([at_once, side, *times, *ends])


def _ratios(values: dict[str, Any]) -> str:
    names = ("ack_p50", "ack_p99", "answer_p50", "answer_p99")
    shown = [_shown(values[name], 1, " ×", 2) for name in names]
    slower = f"÷ {1 / values['rate']:.2f}"
    return _line(["", "*ratio*", *shown, slower, _shown(values["memory"], 1, " ×", 2)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(value: float | None, factor: float, unit: str, digits: int = 1) -> str:
    return "–" if value is None else f"{value * factor:.{digits}f}{unit}"


def goals(levels: Sequence[dict[str, Any]]) -> str:
    """The goals, and whether this run reached them."""
    found = {level["level"]: level for level in levels}
    lines: list[str] = []
    if 1 in found:
        value = found[1]["ratio"]["answer_p50"]
        lines.append(_goal("click → answer alone, × bare", value, 2.0, ".2f"))
    if 16 in found:
        slower = 1 / found[16]["ratio"]["rate"]
        lines.append(_goal("cycles per second with 16, bare ÷", slower, 1.8, ".2f"))
        late = found[16]["bot"]["ack_p99"] * 1000
        lines.append(_goal("ack p99 with 16, ms", late, 100, ".0f"))
    return "\n".join(lines)


def _goal(name: str, value: float, most: float, form: str) -> str:
    word = "reached" if value <= most else "missed"
    return f"- {name}: {value:{form}} (goal: at most {most:g}), {word}"


def as_json(
    machine: dict[str, str], tables: dict[str, Sequence[Block]]
) -> dict[str, Any]:
    """Everything, with each block's own values."""
    return {
        "machine": machine,
        "tables": {name: summary(blocks) for name, blocks in tables.items()},
        "blocks": {
            name: [asdict(block) for block in blocks] for name, blocks in tables.items()
        },
    }
