"""`python -m tests.bench`: the bot beside a plain one and bare LangGraph, in one run.

`python -m tests.bench soak --seed 1 --minutes 2` is the soak alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench import counts, flat, profiling, report, silence, soak, talk, trail
from tests.bench.arena import Arena, set_up
from tests.bench.blocks import Block, Side, cycles_for, run_block
from tests.bench.child import BenchError
from tests.bench.machine import describe

TABLES = {
    "instant": ("Model and Slack answer at once", 0.0, 0.0),
    "slow": ("The model takes 300 ms, Slack takes 100 ms", 0.3, 0.1),
}
SILENCE, SCALE = "silence", "scale"  # tables of their own kinds
SOAK, TALK = "soak", "talk"
REPLICAS, SCALED = (1, 2, 4), 16  # with so many people at once
LEVELS, QUICK_LEVELS = (1, 4, 16, 64), (1, 16)


@dataclass(frozen=True)
class Plan:
    """The amount of work in a run."""

    levels: tuple[int, ...]
    tables: tuple[str, ...]
    rounds: int
    seconds: float  # of the bot's part of one block, about
    budget: float  # seconds; no new round begins that would not fit
    pause: float = 0.0  # seconds between card and click
    warm_up: int = 20  # cycles before all, one after the other
    rows: int = 0  # of the audit trail that is verified; 0: the trail is left out


def main() -> int:
    """Run the bench; 1 if a cycle went wrong."""
    options = _options()
    try:
        asyncio.run(_run(options))
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("only", nargs="?", choices=[SOAK], help="the soak alone")
    parser.add_argument("--seed", type=int, default=1, help="of the soak's schedule")
    parser.add_argument("--minutes", type=float, help="of the soak")
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--levels", type=_numbers, help="at once, such as 1,4,16,64")
    parser.add_argument("--tables", help="some of instant,slow,silence,scale,talk")
    parser.add_argument("--rounds", type=int, help="at most so many")
    parser.add_argument("--seconds", type=float, help="of the bot in each block")
    parser.add_argument("--budget", type=float, help="seconds for all, about")
    parser.add_argument(
        "--pause", type=float, default=0.0, help="seconds between card and click"
    )
    parser.add_argument(
        "--profile", action="store_true", help="where the time goes, with 1 and 16"
    )
    parser.add_argument("--counts", action="store_true", help="the work of a cycle")
    parser.add_argument("--rows", type=int, help="of the audit trail; 0 leaves it out")
    parser.add_argument(
        "--cycles", type=int, help="what is left after so many cycles, and no more"
    )
    parser.add_argument("--output", type=Path, default=Path("artefacts"))
    options = parser.parse_args()
    options.tables = options.only or options.tables
    return options


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted(int(part) for part in text.split(",")))


def _plan(options: argparse.Namespace) -> Plan:
    rounds, seconds, budget = (1, 1.0, 60) if options.quick else (5, 5.0, 450)
    known = (*TABLES, SILENCE, SCALE, SOAK, TALK)
    names = tuple((options.tables or ",".join(known)).split(","))
    if unknown := set(names) - set(known):
        raise BenchError(f"There is no table {unknown.pop()}: {', '.join(known)}.")
    return Plan(
        levels=options.levels or (QUICK_LEVELS if options.quick else LEVELS),
        tables=names,
        rounds=options.rounds or rounds,
        seconds=options.seconds or seconds,
        budget=options.budget or budget,
        pause=options.pause,
        warm_up=5 if options.quick else 20,
        rows=_rows(options),
    )


def _rows(options: argparse.Namespace) -> int:
    usual = 20_000 if options.quick else 1_000_000
    return usual if options.rows is None else options.rows


async def _run(options: argparse.Namespace) -> None:
    plan, output = _plan(options), options.output.absolute()
    output.mkdir(parents=True, exist_ok=True)
    # Not below the repository: as root PostgreSQL runs under an account of its own.
    with tempfile.TemporaryDirectory(prefix="bot-bench-") as folder:
        if options.profile:
            text = await profiling.run(Path(folder), options.levels or (1, 16))
            name = "bench-profile.md"
        elif options.counts:
            found = await counts.measure_counts(
                Path(folder), 16, options.levels or (1, 16)
            )
            text = counts.table(found)
            for each in found:
                text += "\n".join(["\n\n```", *each.lines, "```"])
            name = "bench-counts.md"
        elif options.cycles:
            text = await measure_what_stays(options.cycles, Path(folder))
            name = "bench-cycles.md"
        else:
            text = await _tables(plan, Path(folder), output, quick=options.quick)
            if SOAK in plan.tables:
                usual = 0.3 if options.quick else 1.0
                minutes = options.minutes or usual
                text = await soak.main(options.seed, minutes) + text
            name = "bench-soak.md" if options.only else "bench.md"
    (output / name).write_text(text, encoding="utf-8")
    print(f"\n{text}\nWritten to {output / name}")


async def _tables(plan: Plan, folder: Path, output: Path, *, quick: bool) -> str:
    """The cycles, and what silence costs, as the plan names them."""
    cycles = tuple(name for name in plan.tables if name in TABLES)
    parts: list[str] = []
    if cycles:
        with tempfile.TemporaryDirectory(prefix="bot-bench-") as own:
            counted = await counts.measure_counts(Path(own), 16, QUICK_LEVELS)
        own_plan = replace(plan, tables=cycles)
        parts.append(await measure(own_plan, folder, output, counted))
    if SILENCE in plan.tables:
        sizes = silence.QUICK if quick else silence.FULL
        with tempfile.TemporaryDirectory(prefix="bot-bench-") as own:
            parts.insert(0, await measure_silence(sizes, Path(own)))
    if SCALE in plan.tables:
        with tempfile.TemporaryDirectory(prefix="bot-bench-") as own:
            parts.append(await measure_scale(plan, Path(own)))
    if TALK in plan.tables:
        with tempfile.TemporaryDirectory(prefix="bot-bench-") as own:
            parts.insert(0, await talk.measure(Path(own), quick=quick))
    return "\n".join(parts)


async def measure_what_stays(
    count: int, folder: Path, at_once: int = flat.AT_ONCE
) -> str:
    """Rows, bytes and memory over many cycles."""
    async with set_up(folder, **flat.SETTINGS) as arena:
        marks = await flat.measure_flat(arena, count, at_once)
    return (
        f"# What stays after many cycles\n\n{flat.METHOD}\n{flat.flat_table(marks)}\n"
    )


async def measure_silence(sizes: silence.Sizes, folder: Path) -> str:
    """Sweeps over many requests that wait, then clicks while many expire."""
    swept = await silence.measure_sweeps(folder, sizes)
    async with set_up(folder) as arena:
        await _warm_up(arena, 3)
        flood = await silence.measure_flood(arena, sizes)
    return "\n".join(
        [
            "# What silence costs\n",
            silence.METHOD,
            silence.sweeps_table(swept),
            "",
            silence.flood_table(flood),
            "",
        ]
    )


async def measure_scale(plan: Plan, folder: Path) -> str:
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
    return f"# More replicas on the same cores\n\n{report.scale_table(found)}\n"


async def measure(
    plan: Plan, folder: Path, output: Path, counted: Sequence[counts.Counted] = ()
) -> str:
    """Fill the tables, write `bench.json`, and return the Markdown."""
    began, tables = time.monotonic(), dict[str, list[Block]]()
    async with set_up(folder) as arena:
        machine = describe(arena.server_url, folder)
        await _warm_up(arena, plan.warm_up)
        arena.pause(plan.pause)
        for left, name in zip(range(len(plan.tables), 0, -1), plan.tables, strict=True):
            now = time.monotonic()
            if now > began + plan.budget:
                print(f"No time is left for the table {name}.", flush=True)
                break
            until = now + (began + plan.budget - now) / left
            tables[name] = await _fill(arena, plan, name, until)
        found, text = report.as_json(machine, tables), _markdown(machine, tables)
        if plan.rows:
            measured = await _measure_trail(arena, plan)
            found["trail"], text = measured.as_json(), text + trail.table(measured)
    if counted:
        text += f"\n## The work of a cycle\n\n{counts.table(counted)}\n"
    levels = report.summary(tables.get("instant", ()))
    text += f"\nGoals:\n\n{report.goals(levels, counted)}\n"
    (output / "bench.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return text


async def _measure_trail(arena: Arena, plan: Plan) -> trail.Trail:
    print(f"The audit trail, {plan.rows:,} rows", flush=True)
    arena.delay(model=0.0, slack=0.0)
    levels = [level for level in plan.levels if level in QUICK_LEVELS] or plan.levels
    return await trail.measure_trail(
        arena, plan.rows, plan.seconds, 2 * plan.rounds, levels
    )


async def _warm_up(arena: Arena, cycles: int) -> None:
    for side in (arena.bot, arena.plain, arena.bare):
        for _ in range(cycles):
            await side.cycle(0)
        await side.settle()


async def _fill(arena: Arena, plan: Plan, name: str, until: float) -> list[Block]:
    """Round after round, as long as there is time: each level, each side in turn."""
    _, model, slack = TABLES[name]
    arena.delay(model=model, slack=slack)
    blocks: list[Block] = []
    each: dict[int, int] = {}
    for number in range(plan.rounds):
        began = time.monotonic()
        for level in plan.levels:
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


def _say(name: str, block: Block) -> None:
    print(
        f"{name}, round {block.round + 1}: {block.level:2} at once, {block.side}:"
        f" {len(block.answers)} cycles in {block.seconds:.1f} s",
        flush=True,
    )


def _markdown(machine: dict[str, str], tables: dict[str, list[Block]]) -> str:
    parts = ["# The bot beside a plain one, and beside bare LangGraph\n", report.METHOD]
    parts += [f"- {name}: {value}" for name, value in machine.items()]
    for name, blocks in tables.items():
        levels = report.summary(blocks)
        parts += [f"\n## {TABLES[name][0]}\n", report.table(levels), _rounds(levels)]
    return "\n".join(parts) + "\n"


def _rounds(levels: Sequence[dict]) -> str:
    cycles = ", ".join(f"{x['bot']['cycles']} with {x['level']}" for x in levels)
    return f"\nRounds: {levels[0]['rounds']}. Cycles of each side: {cycles}."


if __name__ == "__main__":
    sys.exit(main())
