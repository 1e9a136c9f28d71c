"""`python -m bot audit`, from outside the process."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
import json
import subprocess
from argparse import Namespace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bot.audit.chain import sign
from bot.audit.report import period
from bot.base.settings import Settings
from bot.commands.audit import export_command
from bot.commands.cli import moment
from bot.database.pool import connect
from tests.support.house import REJECT, House
from tests.support.people import MINA, OLAF, RAVI, TEAM
from tests.support.post import Post
from tests.support.spawn import READ_AT_START, clean_environment, spawn
from tests.support.trail_parts import SEED, some_life

NOW = dt.datetime(2026, 8, 20, 12, tzinfo=dt.UTC)


async def bot(
    folder: Path, *words: str, **variables: str
) -> subprocess.CompletedProcess:
    """Run the command where there is nothing but what it is given."""
    needed = ("PATH", *READ_AT_START)
    ours = clean_environment().items()
    process = await spawn(
        *("bot", "audit", *words),
        folder=folder,
        environment={k: v for k, v in ours if k.startswith(needed)} | variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return subprocess.CompletedProcess(words, process.returncode or 0, out, err)


async def exported(house: House, folder: Path, *words: str) -> Path:
    done = await bot(folder, "export", *words, DATABASE_URL=house.url)
    assert (done.returncode, done.stderr) == (0, b"")
    file = folder / "trail.jsonl"
    file.write_bytes(done.stdout)
    return file


async def test_an_export_verifies_with_no_database_at_hand(house: House, tmp_path):
    await some_life(house)
    file = await exported(house, tmp_path)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) == await house.one("SELECT count(*) FROM audit")
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    assert rows[-1]["event"] == "exported"
    assert rows[-1]["actor"].startswith("operator")
    good = await bot(tmp_path, "verify", "--file", "trail.jsonl")
    assert good.returncode == 0
    assert f"Good: {len(rows)} rows" in good.stdout.decode()
    assert list(tmp_path.iterdir()) == [file]  # and no database was made

    file.write_bytes(file.read_bytes().replace(b'"event":"approved"', b'"event":"ran"'))
    bad = await bot(tmp_path, "verify", "--file", "trail.jsonl")
    assert bad.returncode == 1
    first = next(row for row in rows if row["event"] == "approved")["number"]
    said = bad.stdout.decode()
    assert said.startswith(f"The first bad row: line {first}: row {first} of workspace")


async def test_the_database_is_verified_and_the_first_bad_row_named(
    house: House, tmp_path
):
    await some_life(house)
    good = await bot(tmp_path, "verify", DATABASE_URL=house.url)
    assert good.returncode == 0
    async with await connect(house.url) as connection:
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER ALL")
        await connection.execute("UPDATE audit SET via = 'api' WHERE seq IN (4, 6)")
    bad = await bot(tmp_path, "verify", DATABASE_URL=house.url)
    assert bad.returncode == 1
    assert f"first bad row: row 4 of workspace {TEAM} (seq 4)" in bad.stdout.decode()


async def test_a_checkpoint_decides_over_what_the_database_says(house: House, tmp_path):
    await some_life(house)
    [head] = await house.rows(
        "SELECT number, encode(hash, 'hex') AS hash FROM audit_chain"
        " ORDER BY number DESC LIMIT 1"
    )
    place = {"team": TEAM, "at": "2026-01-01T00:00:00Z"}
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "1.json").write_text(sign(SEED, **place, **head).line)
    given = ["verify", "--checkpoint", "kept"]
    url = {"DATABASE_URL": house.url}
    assert (await bot(tmp_path, *given, **url)).returncode == 0
    key = {"AUDIT_KEY": SEED.hex()}
    assert (await bot(tmp_path, *given, **url, **key)).returncode == 0

    other = await bot(tmp_path, *given, **url, AUDIT_KEY="00" * 32)
    assert other.returncode == 2
    assert b"signed by another key" in other.stderr
    nothing = await bot(tmp_path, "verify", "--public-key", "ab", **url)
    assert nothing.returncode == 2
    assert b"needs --checkpoint" in nothing.stderr

    forged = sign(SEED, **place, **head | {"hash": "00" * 32})
    (folder / "2.json").write_text(forged.line)
    bad = await bot(tmp_path, *given, **url)
    assert bad.returncode == 1
    assert f"row {head['number']} of workspace {TEAM}" in bad.stdout.decode()


async def test_a_csv_has_the_same_rows(house: House, tmp_path):
    await some_life(house)
    done = await bot(tmp_path, "export", "--format", "csv", DATABASE_URL=house.url)
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    assert len(rows) == await house.one("SELECT count(*) FROM audit")
    assert json.loads(rows[0]["detail"])["channel"]


async def test_an_export_can_begin_and_end_at_a_time(house: House, tmp_path):
    await some_life(house)
    times = await house.rows("SELECT at FROM audit ORDER BY seq")
    span = (
        "--since",
        times[2]["at"].isoformat(),
        "--until",
        times[5]["at"].isoformat(),
    )
    file = await exported(house, tmp_path, *span)
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert [row["number"] for row in rows] == [3, 4, 5]
    assert (await bot(tmp_path, "verify", "--file", "trail.jsonl")).returncode == 0


@pytest.mark.parametrize(("form", "header"), [("jsonl", b""), ("csv", b"team_id,")])
async def test_an_export_of_nothing_says_so(house: House, capsysbinary, form, header):
    asked = Namespace(format=form, since=None, until=None)
    assert await export_command(Settings.load({}), asked, house.url) == 0
    found = capsysbinary.readouterr()
    assert found.out.startswith(header)
    assert found.out.count(b"\n") == (form == "csv")
    assert found.err.startswith(b"There was nothing to export")
    await house.ask()
    assert await export_command(Settings.load({}), asked, house.url) == 0
    assert capsysbinary.readouterr().err == b""


async def test_verify_refuses_a_file_that_is_no_export(tmp_path):
    (tmp_path / "trail.csv").write_text("team_id,number\nT1,1\n")
    done = await bot(tmp_path, "verify", "--file", "trail.csv")
    assert done.returncode == 1
    assert b"line 1: it isn't JSON as an export has it" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["export", "--since", "yesterday"], b"2026-07-01T12:00:00Z"),
        (["verify", "--file", "none.jsonl"], b"cannot be read"),
        (["verify", "--file", "none", "--checkpoint", "none"], b"cannot be used"),
        (["report", "--period", "soon"], b"allowed is 2026"),
    ],
)
async def test_what_cannot_be_done_is_said_in_a_line(
    house: House, tmp_path, words, said
):
    done = await bot(tmp_path, *words, DATABASE_URL=house.url)
    assert done.returncode == 2
    assert said in done.stderr
    assert b"Traceback" not in done.stderr


async def test_a_report_tells_a_reviewer_what_happened(
    post: Post, house: House, tmp_path
):
    request = await house.ask()
    await post.work()
    await house.click(RAVI, request)
    await house.click(OLAF, request)
    await house.click(MINA, request)
    other = await house.ask("sign")
    await house.click(MINA, other)
    await house.click(MINA, await house.ask("pay"), REJECT, reason="<b>no</b>")
    rated = "INSERT INTO feedback VALUES (gen_random_uuid(), 'T1', %s, 'good')"
    await house.rows(rated, RAVI)
    done = await bot(tmp_path, "report", "--period", "1d", DATABASE_URL=house.url)
    assert done.returncode == 0
    report = json.loads(done.stdout)
    assert report["requests"] == {
        "count": 3,
        "by_tool": {"pay": 1, "sign": 1, "wipe": 1},
    }
    assert report["outcomes"]["approved"] == 1
    assert report["outcomes"]["rejected"] == 1
    assert report["refused"] == {"not_in_group": 1, "requester": 1}
    [own] = report["self_approval_attempts"]
    assert (own["actor"], own["request"], own["word"]) == (
        RAVI,
        request.id,
        "requester",
    )
    [quick] = report["decisions_within_3_seconds"]
    assert (quick["actor"], quick["request"]) == (MINA, request.id)
    assert 0 <= quick["milliseconds"] < 3000
    stages = {(s["group"], s["decision"]): s["count"] for s in report["stages"]}
    assert stages == {
        ("managers", "approved"): 1,
        ("managers", "rejected"): 1,
        ("managers", "stage_passed"): 1,
    }
    assert report["by_approver"] == [{"actor": MINA, "count": 3, "rejected": 1}]
    assert report["time_to_decide"] == {"under 1 minute": 2}
    assert report["policies"][0]["requests"] == 3
    assert report["feedback"] == {"good": 1}
    assert report["verify"]["good"] is True

    page = await bot(tmp_path, "report", "--format", "html", DATABASE_URL=house.url)
    text = page.stdout.decode()
    HTMLParser().feed(text)
    assert text.startswith("<!doctype html>")
    assert "The trail is intact" in text
    assert "<script" not in text
    assert text.count("<svg") == 3
    assert "<h2>Runs</h2>" not in text, "nothing has run, so the part is left out"
    assert "></td>" not in text
    assert ">is not among those who can decide it</td>" in text
    assert '<td data-label="decision">stage passed</td>' in text
    for code in ("not_in_group", "stage_passed"):
        assert code not in text
    assert f'<td data-label="who">{RAVI}</td>' in text, (
        "nobody knows the name, so the id is there"
    )
    assert "some people are shown by their id alone" in text


async def test_a_report_on_a_bad_trail_says_so(house: House, tmp_path):
    await some_life(house)
    async with await connect(house.url) as connection:
        await connection.execute("ALTER TABLE audit DISABLE TRIGGER ALL")
        await connection.execute("UPDATE audit SET via = 'api' WHERE seq = 4")
    done = await bot(tmp_path, "report", DATABASE_URL=house.url)
    assert done.returncode == 1
    found = json.loads(done.stdout)["verify"]
    assert found["good"] is False
    assert found["findings"][0].startswith("row 4 of")


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026", "2026-01-01", "2027-01-01"),
        ("2026-Q1", "2026-01-01", "2026-04-01"),
        ("2026-Q4", "2026-10-01", "2027-01-01"),
        ("2026-07", "2026-07-01", "2026-08-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-07-15", "2026-07-15", "2026-07-16"),
        ("2026-07-01..2026-07-31", "2026-07-01", "2026-08-01"),
        ("2026-Q1..2026-Q2", "2026-01-01", "2026-07-01"),
        ("10d", "2026-08-10T12:00:00", "2026-08-20T12:00:00"),
    ],
)
def test_a_period_is_read(text, since, until):
    found = period(text, NOW)
    assert (found.since, found.until) == (moment(since), moment(until))


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-13", "2026-Q5", "0d", "2026-08..2026-07", "2026..", "..1"],
)
def test_what_is_no_period_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011 the sentence is the command's
        period(text, NOW)
