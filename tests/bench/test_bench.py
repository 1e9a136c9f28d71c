"""The bench itself: its sums, and that it runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.bench import counts, report, silence, stacks, talk, trail
from tests.bench.__main__ import (
    PAGE,
    TABLES,
    Plan,
    measure_cycles,
    measure_trail,
    measure_what_stays,
    run_tables,
)
from tests.bench.blocks import Block, quantile
from tests.bench.child import BenchError
from tests.bench.stand_ins import ANSWERS
from tests.support import postgres
from tests.support.root import ROOT


def test_the_stand_in_knows_every_method_that_the_product_calls():
    known = {name for name in dir(AsyncWebClient) if re.match(r"[a-z]+_\w", name)}
    known -= {"api_call"}
    called: set[str] = set()
    for file in (ROOT / "bot").rglob("*.py"):
        if "simulator" not in file.parts:
            words = re.findall(r"\b[a-z]+_\w+", file.read_text("utf-8"))
            called |= known.intersection(words)

    assert len(called) > 25
    assert {name.replace("_", ".") for name in called} <= ANSWERS.keys()


def block(side: str, number: int, *answers: float, level: int = 1) -> Block:
    return Block(
        side=side,
        level=level,
        round=number,
        seconds=sum(answers),
        acks=() if side == "bare" else (0.001,) * len(answers),
        answers=answers,
        memory=100.0 if side == "bare" else 150.0,
        cpu={"process": 0.5},
    )


def test_a_quantile_is_a_value_that_was_measured():
    values = [float(number) for number in range(1, 101)]

    assert quantile(values, 0.5) == 50
    assert quantile(values, 0.99) == 99
    assert quantile([7.0], 0.99) == 7


def test_a_ratio_is_the_median_of_rounds_in_any_order():
    bare = [block("bare", n, 0.01) for n in range(3)]
    plain = [block("plain", n, 0.02) for n in range(3)]
    bots = [block("bot", n, 0.01 * times) for n, times in enumerate((9, 2, 3))]

    [level] = report.summary([bots[2], *bare, bots[0], *plain, bots[1]])

    to_bare, to_plain = level["ratio"]["bare"], level["ratio"]["plain"]
    assert to_bare["answer_p50"] == pytest.approx(3)
    assert to_bare["rate"] == pytest.approx(1 / 3)
    assert to_bare["memory"] == pytest.approx(1.5)
    assert to_plain["answer_p50"] == pytest.approx(1.5)
    assert level["bare"]["ack_p50"] is None


def test_the_report_shows_both_sides_their_ratio_and_the_goals():
    took = {"bot": 0.05, "plain": 0.03, "bare": 0.02}
    alone = [block(side, 0, seconds) for side, seconds in took.items()]
    took["bot"] = 0.03
    crowd = [block(side, 0, seconds, level=16) for side, seconds in took.items()]
    levels = report.summary([*alone, *crowd])

    rows = report.table(levels).splitlines()[2:]

    assert (
        rows[0] == "| 1 | bot | 1.0 ms | 1.0 ms | 50.0 ms | 50.0 ms | 20.0 | 150 MB |"
    )
    assert rows[2] == "|  | bare | – | – | 20.0 ms | 20.0 ms | 50.0 | 100 MB |"
    assert rows[3].endswith("| 1.67 × | 1.67 × | ÷ 1.67 | 1.00 × |")
    assert rows[4].endswith("| 2.50 × | 2.50 × | ÷ 2.50 | 1.50 × |")
    section = report.of_cycles("instant", "At once", {}, [*alone, *crowd])
    words = [line.rpartition(", ")[2] for line in section.goals]
    assert words == ["missed", "met", "met", "met"]
    assert "33 whole cycles" in section.shown["carries"]
    assert section.shown["instant"].endswith(section.goals[-1])
    slow = report.of_cycles("slow", "Later", {}, [*alone, *crowd])
    assert "50 ms after the click" in slow.shown["waiting"]


def test_the_page_of_measurements_has_a_place_for_each_table():
    page = PAGE.read_text("utf-8")
    places = [place[1] for place in report.PLACE.findall(page)]

    assert sorted(places) == sorted([*TABLES, "click", "waiting", "carries"])
    new = report.filled(page, {"click": "Soon.", "talk": "| a |\n"})
    assert "<!-- bench: click -->\nSoon.\n<!-- end -->" in new
    assert report.filled(new, {}) == new
    assert new.count("\n<!-- end -->") == page.count("\n<!-- end -->")


def test_the_scale_table_sets_more_replicas_beside_one():
    found = [(1, block("bot", 0, 0.04, 0.04)), (2, block("bot", 0, 0.02, 0.02))]

    rows = report.scale_table(found).splitlines()[2:]

    assert rows == [
        "| 1 | 1 | 1.0 ms | 1.0 ms | 40.0 ms | 25.0 | 1.00 × |",
        "| 2 | 1 | 1.0 ms | 1.0 ms | 20.0 ms | 50.0 | 2.00 × |",
    ]


def test_cpu_time_counts_for_the_innermost_part_and_its_callers():
    site = "/venv/lib/python3.11/site-packages"
    found = [
        (
            3,
            (
                "/repo/bot/commands/cli.py:main",
                f"{site}/langgraph/a.py:f",
                f"{site}/psycopg/b.py:g",
            ),
        ),
        (
            1,
            (
                "/repo/bot/commands/cli.py:main",
                "/usr/lib/python3.11/asyncio/base_events.py:run",
            ),
        ),
    ]

    text = stacks.report(found, 1)

    assert " 75.0 %    0.0 %  langgraph" in text
    assert " 75.0 %   75.0 %  psycopg" in text
    assert f" 25.0 %   25.0 %  {stacks.LOOP}" in text
    assert "psycopg and its pool, by who asks:\n\n```\n 75.0 %  langgraph" in text


async def test_a_table_that_fails_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    async def right(_: Plan, folder: Path) -> report.Section:
        return report.Section("right", "Right", "", str(folder), ["- a goal, met"])

    async def wrong(_: Plan, folder: Path) -> report.Section:
        raise BenchError("A cycle hangs.")

    for name, made in {"wrong": wrong, "right": right}.items():
        monkeypatch.setitem(TABLES, name, made)

    assert await run_tables(["wrong", "right"], Plan(), tmp_path, tmp_path) == 1

    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == ["- a goal, met", "- the table wrong: A cycle hangs., failed"]
    assert str(tmp_path / "right") in (tmp_path / "bench.md").read_text()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_all_sides_do_whole_cycles_and_everything_is_measured():
    plan = Plan((2,), rounds=1, seconds=0.1, budget=60, warm_up=1, rows=500)
    with postgres.folder() as folder:
        section = await measure_cycles("instant", plan, folder)
    with postgres.folder() as folder:
        checked = await measure_trail(plan, folder)

    assert "| 2 | bot |" in section.text
    [level] = section.data["levels"]
    for side in report.SIDES:
        assert level[side]["cycles"] == 4
        assert level[side]["answer_p50"] > 0
    assert level["bot"]["ack_p50"] < level["bot"]["answer_p50"]
    assert "fsync on" in section.text
    assert "verify, in the database, 500 rows" in checked.text
    assert checked.data["appends"][trail.ONE] > 0


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_the_sweeps_table_compares_few_and_many_waiting_requests():
    sizes = silence.Sizes((20, 60), due=5, rounds=2, flood=0, clicks=0)
    with postgres.folder() as folder:
        found = await silence.measure_sweeps(folder, sizes)

    assert [swept.waiting for swept in found] == [20, 60]
    rows = silence.sweeps_table(found).splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| 20", "| 60"]
    assert " 1.00 × " in rows[0]


#: What a cycle takes now. Fewer is better: then write the smaller number down.
STATEMENTS, TRANSACTIONS, WRITES, JOBS = 27, 19, 9, 2
BUSY = 4  # statements more, each a transaction: a busy machine sends a message twice
CYCLES = 24  # enough that a poll of the idle bot, counted or just missed, hardly shows


@pytest.mark.timeout(400)
async def test_a_cycle_takes_no_more_of_the_database_than_before():
    found = await _counted()
    work = "\n".join(found.lines)
    more = max(0, found.own - STATEMENTS)
    assert more <= BUSY, work
    assert found.transactions <= TRANSACTIONS + more, work
    assert found.fsyncs <= WRITES, work
    assert found.jobs == JOBS


async def _counted() -> counts.Counted:
    with postgres.folder() as folder:
        [found] = await counts.measure_counts(folder, CYCLES, (1,))
    return found


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_nothing_but_the_trail_is_left_after_some_cycles():
    with postgres.folder() as folder:
        text = await measure_what_stays(20, folder, at_once=4)

    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert [row.split(" | ")[0] for row in rows] == [
        *("| 0", "| 4", "| 8", "| 12", "| 16", "| 20"),
    ]


def test_the_acks_of_a_flood_stand_beside_those_in_peace():
    flood = silence.Flood(100, 4.0, quiet=(0.01, 0.02), busy=(0.03,))

    rows = silence.flood_table(flood).splitlines()[2:]

    assert rows == [
        "| in peace | 2 | 10.0 ms | 20.0 ms |",
        "| while 100 expire (25 each second) | 1 | 30.0 ms | 30.0 ms |",
    ]


def test_what_a_stream_costs_stands_beside_the_whole():
    times = (0.3,), (0.9,), (1.2,)
    found = [talk.Shown(16, False, 10.0, *times), talk.Shown(16, True, 9.0, *times)]

    rows = talk.streams_table(found).splitlines()[2:]

    assert rows[0].startswith("| 16 | whole | 10.0 | 300 ms | 300 ms | 900 ms |")
    assert rows[1].startswith("| 16 | streamed | 9.0 (-10%) | 300 ms |")
    pages = talk.thread_table([talk.Page(200, 0.05, 18.0, 162_000)])
    assert pages.splitlines()[-1] == "| 200 | 50 ms | 18 | 162 kB |"
