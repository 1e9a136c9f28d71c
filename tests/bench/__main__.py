"""`python -m tests.bench`: the bot beside a plain one and bare LangGraph, in one run.

Each table is printed as soon as it is there; the last lines are the goals. `soak` is
the soak alone; `docs` writes the tables of the last run into docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.bench import (
    counts,
    flat,
    profiling,
    report,
    silence,
    soak,
    starts,
    talk,
    trail,
)
from tests.bench.arena import Arena, set_up
from tests.bench.blocks import Block, Side, cycles_for, run_block
from tests.bench.child import BenchError
from tests.bench.machine import describe, moment
from tests.bench.report import Section
from tests.support.root import ROOT

CYCLES = {
    "instant": ("Model and Slack answer at once", 0.0, 0.0),
    "slow": ("The model takes 300 ms, Slack takes 100 ms", 0.3, 0.1),
}
SOAK, DOCS = "soak", "docs"
PAGE = ROOT / "docs" / "performance.md"
REPLICAS, SCALED = (1, 2, 4), 16  # with so many people at once
LEVELS, QUICK_LEVELS = (1, 4, 16, 64), (1, 16)
ALONE = 0.1  # seconds in which a person who is alone has seen the card, at the least
#: Seconds after which a table is given up; on a quiet machine none takes half as long.
LONGEST = 300.0


@dataclass(frozen=True)
class Plan:
    """The amount of work in a run."""

    levels: tuple[int, ...] = LEVELS
    rounds: int = 5
    seconds: float = 5.0  # of the bot's part of one block, about
    budget: float = 200.0  # seconds; no new round begins that would not fit
    pause: float | None = None  # seconds between card and click; None: by `_pause`
    warm_up: int = 20  # cycles before all, one after the other
    rows: int = 200_000  # of the audit trail that is verified
    seed: int = 1  # of the soak
    minutes: float = 0.5  # of the soak
    is_quick: bool = False


QUICK = Plan(QUICK_LEVELS, 1, 1.0, 30.0, None, 5, 20_000, 1, 0.2, is_quick=True)


def main() -> int:
    """Run the bench; 1 if a cycle went wrong."""
    options = _options()
    options.output.mkdir(parents=True, exist_ok=True)
    try:
        if options.only == DOCS:
            return _write_page(options.output)
        return asyncio.run(_run(options))
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="?", choices=[SOAK, DOCS], help="this alone")
    parser.add_argument("--seed", type=int, help="of the soak's schedule")
    parser.add_argument("--minutes", type=float, help="of the soak")
    parser.add_argument("--quick", action="store_true", help="small: some minutes")
    parser.add_argument("--levels", type=_numbers, help="at once, such as 1,4,16,64")
    parser.add_argument("--tables", help=f"some of {','.join(TABLES)}")
    parser.add_argument("--rounds", type=int, help="at most so many")
    parser.add_argument("--seconds", type=float, help="of the bot in each block")
    parser.add_argument("--budget", type=float, help="seconds for rounds of cycles")
    parser.add_argument("--pause", type=float, help="seconds between card and click")
    parser.add_argument(
        "--profile", action="store_true", help="where the time goes, with 1 and 16"
    )
    parser.add_argument("--counts", action="store_true", help="each statement, counted")
    parser.add_argument("--rows", type=int, help="of the audit trail")
    parser.add_argument(
        "--cycles", type=int, help="what is left after so many cycles, and no more"
    )
    parser.add_argument("--output", type=Path, default=Path("artefacts"))
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def _plan(options: argparse.Namespace) -> Plan:
    usual = QUICK if options.quick else Plan()
    names = ("levels", "rounds", "seconds", "budget", "pause", "rows", "seed")
    given = {name: getattr(options, name) for name in (*names, "minutes")}
    return replace(usual, **{k: v for k, v in given.items() if v is not None})


async def _run(options: argparse.Namespace) -> int:
    output: Path = options.output.absolute()
    # Not below the repository: as root PostgreSQL runs under an account of its own.
    with tempfile.TemporaryDirectory(prefix="bot-bench-") as name:
        folder = Path(name)
        if options.profile:
            text = await profiling.run(folder, options.levels or (1, 16))
            name = "bench-profile.md"
        elif options.counts:
            text = await _each_statement(folder, options.levels or QUICK_LEVELS)
            name = "bench-counts.md"
        elif options.cycles:
            text = await measure_what_stays(options.cycles, folder)
            name = "bench-cycles.md"
        else:
            names = (options.only or options.tables or ",".join(TABLES)).split(",")
            return await run_tables(names, _plan(options), folder, output)
    (output / name).write_text(text, encoding="utf-8")
    print(f"\n{text}\nWritten to {output / name}")
    return 0


async def run_tables(
    names: Sequence[str], plan: Plan, folder: Path, output: Path
) -> int:
    """One table after the other; what goes wrong with one costs no other."""
    if unknown := set(names) - TABLES.keys():
        raise BenchError(f"There is no table {unknown.pop()}: {', '.join(TABLES)}.")
    began, found, failed = time.monotonic(), list[Section](), list[str]()
    for name in names:
        own, when = folder / name, moment()
        own.mkdir()
        try:
            async with asyncio.timeout(LONGEST):
                section = await TABLES[name](plan, own)
        except Exception as error:
            if not isinstance(error, BenchError):
                traceback.print_exc()
            why = str(error) or type(error).__name__
            failed.append(f"- the table {name}: {why}, failed")
            print(failed[-1], file=sys.stderr, flush=True)
            continue
        found.append(replace(section, when=when))
        print(f"\n{found[-1].text}", flush=True)
        _write(found, output)
    goals = [line for section in found for line in section.goals]
    took = (time.monotonic() - began) / 60
    print(f"Written to {output} in {took:.1f} minutes. Goals:\n")
    print("\n".join([*goals, *failed]))
    return 1 if failed else 0


def _write(found: Sequence[Section], output: Path) -> None:
    text = "\n".join(section.text for section in found)
    (output / "bench.md").write_text(text, encoding="utf-8")
    kept = {
        "shown": {k: v for section in found for k, v in section.shown.items()},
        "data": {section.name: section.data for section in found},
    }
    (output / "bench.json").write_text(json.dumps(kept, indent=1), encoding="utf-8")


def _write_page(output: Path) -> int:
    """Put what the last run has measured into the page of measurements."""
    shown = json.loads((output / "bench.json").read_text("utf-8"))["shown"]
    PAGE.write_text(report.filled(PAGE.read_text("utf-8"), shown), encoding="utf-8")
    print(f"Written into {PAGE}: {', '.join(shown)}")
    return 0


async def _each_statement(folder: Path, levels: tuple[int, ...]) -> str:
    found = await counts.measure_counts(folder, 16, levels)
    lines = ["\n".join(["\n```", *each.lines, "```"]) for each in found]
    return "\n".join([counts.table(found), *lines])


async def measure_what_stays(
    count: int, folder: Path, at_once: int = flat.AT_ONCE
) -> str:
    """Rows, bytes and memory over many cycles."""
    async with set_up(folder, **flat.SETTINGS) as arena:
        marks = await flat.measure_flat(arena, count, at_once)
    return (
        f"# What stays after many cycles\n\n{flat.METHOD}\n{flat.flat_table(marks)}\n"
    )


async def measure_cycles(name: str, plan: Plan, folder: Path) -> Section:
    """The same cycles through the bot, a plain one, and bare LangGraph."""
    title, model, slack = CYCLES[name]
    async with set_up(folder) as arena:
        machine = describe(arena.server_url, folder)
        await _warm_up(arena, plan.warm_up)
        arena.delay(model=model, slack=slack)
        blocks = await _fill(arena, plan, name)
    return report.of_cycles(name, title, machine, blocks)


async def measure_counts(_: Plan, folder: Path) -> Section:
    """The work of a cycle, counted: it hardly depends on the machine."""
    found = await counts.measure_counts(folder, 16, QUICK_LEVELS)
    goals = counts.goals(found)
    return Section("counts", "The work of a cycle", "", counts.table(found), goals)


async def measure_silence(plan: Plan, folder: Path) -> Section:
    """Sweeps over many requests that wait, then clicks while many expire."""
    sizes = silence.QUICK if plan.is_quick else silence.FULL
    swept = await silence.measure_sweeps(folder, sizes)
    async with set_up(folder) as arena:
        await _warm_up(arena, 3)
        flood = await silence.measure_flood(arena, sizes)
    tables = f"{silence.sweeps_table(swept)}\n\n{silence.flood_table(flood)}"
    goals = silence.goals(flood)
    return Section("silence", "What silence costs", silence.METHOD, tables, goals)


async def measure_scale(plan: Plan, folder: Path) -> Section:
    """The same cycles with more and more replicas, on the same cores."""
    found: list[tuple[int, Block]] = []
    level = min(max(plan.levels), SCALED)
    async with set_up(folder) as arena, AsyncExitStack() as replicas:
        await _warm_up(arena, plan.warm_up)
        for number, count in enumerate(REPLICAS):
            for _ in range(count - (REPLICAS[number - 1] if number else 1)):
                await replicas.enter_async_context(arena.bot.replica())
            each = await cycles_for(arena.bot, level, plan.seconds)
            block = await run_block(arena.bot, level, each, 0, arena.processes)
            found.append((count, block))
            print(f"{count} replicas: {block.rate:.1f} cycles a second", flush=True)
    title = "More replicas on the same cores"
    return Section("scale", title, "", report.scale_table(found))


async def measure_talk(plan: Plan, folder: Path) -> Section:
    """A streamed answer, and a thread of many turns."""
    return await talk.measure(folder, quick=plan.is_quick)


async def measure_trail(plan: Plan, folder: Path) -> Section:
    """The audit trail: appended, verified, and between click and answer."""
    print(f"The audit trail, {plan.rows:,} rows", flush=True)
    levels = [level for level in plan.levels if level in QUICK_LEVELS] or plan.levels
    async with set_up(folder) as arena:
        await _warm_up(arena, plan.warm_up)
        return await trail.measure(arena, plan.rows, plan.seconds, plan.rounds, levels)


async def measure_starts(_: Plan, folder: Path) -> Section:
    """Commands, and the bot until it is ready."""
    found = await starts.measure(folder)
    return Section("starts", "Starts", "", starts.table(found), starts.goals(found))


async def measure_soak(plan: Plan, _: Path) -> Section:
    """People, deaths and trouble at random."""
    return await soak.measure(plan.seed, plan.minutes)


#: In this order: what needs a quiet machine most comes first.
TABLES: dict[str, Callable[[Plan, Path], Awaitable[Section]]] = {
    **{name: partial(measure_cycles, name) for name in CYCLES},
    "counts": measure_counts,
    "scale": measure_scale,
    "talk": measure_talk,
    "silence": measure_silence,
    "trail": measure_trail,
    "starts": measure_starts,
    SOAK: measure_soak,
}


async def _warm_up(arena: Arena, cycles: int) -> None:
    for side in (arena.bot, arena.plain, arena.bare):
        for _ in range(cycles):
            await side.cycle(0)
        await side.settle()


async def _fill(arena: Arena, plan: Plan, name: str) -> list[Block]:
    """Round after round, as long as there is time: each level, each side in turn."""
    until = time.monotonic() + plan.budget
    blocks: list[Block] = []
    each: dict[int, int] = {}
    for number in range(plan.rounds):
        began = time.monotonic()
        for level in plan.levels:
            arena.pause(_pause(plan, level))
            if level not in each:
                await cycles_for(arena.bare, level, plan.seconds)
                await cycles_for(arena.plain, level, plan.seconds)
                each[level] = await cycles_for(arena.bot, level, plan.seconds)
            sides: list[Side] = [arena.bot, arena.plain, arena.bare]
            for side in sides if number % 2 == 0 else sides[::-1]:
                block = await run_block(
                    side, level, each[level], number, arena.processes
                )
                blocks.append(block)
                _say(name, block)
        now = time.monotonic()
        if now + (now - began) > until:
            break
    return blocks


def _pause(plan: Plan, level: int) -> float:
    """Return the seconds until a click: who is alone clicks when the card is there.

    What goes on beside it has ended by then. Many at once wait for nobody.
    """
    return (ALONE if level == 1 else 0.0) if plan.pause is None else plan.pause


def _say(name: str, block: Block) -> None:
    print(
        f"{name}, round {block.round + 1}: {block.level:2} at once, {block.side}:"
        f" {len(block.answers)} cycles in {block.seconds:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
