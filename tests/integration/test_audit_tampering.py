"""Tampering with the trail is always found, in the database and in an export."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.approvals.audit import Fact, append
from bot.audit.chain import ROW, Checkpoint, canonical, hash_of, sign
from bot.audit.verify import verify, verify_lines
from bot.database.pool import Connection, transaction
from tests.support.house import House, open_house
from tests.support.hypothesis_profiles import scaled
from tests.support.people import TEAM
from tests.support.trail_parts import SEED, as_superuser, exported, some_life, verified

COLUMNS = {
    "seq": "seq + 1000",
    "at": "at + interval '1 microsecond'",
    "team_id": "'T9'",
    "event": "event || '!'",
    "request_id": "COALESCE(request_id, '') || 'x'",
    "conversation_id": "gen_random_uuid()",
    "actor": "'U0OLAF'",
    "via": "'link'",
    "detail": 'detail || \'{"outcome": "waived"}\'',
    "texts": 'texts || \'{"more": "text"}\'',
}
CHAIN = {
    "team_id": "'T9'",
    "number": "number + 1000",
    "seq": "seq + 1000",
    "hash": "sha256(hash)",
}
INSERT = (
    "INSERT INTO audit (seq, at, team_id, event, actor, via, detail, texts)"
    " VALUES (5000, bot_now(), 'T1', 'approved', 'U0OLAF', 'slack', '{}', '{}')"
)


async def findings(connection: Connection, *checkpoints: Checkpoint) -> list[str]:
    _, found = await verify(connection, checkpoints)
    return [str(finding) for finding in found]


async def test_each_column_of_the_table_is_covered(house: House):
    await some_life(house)
    columns = await house.rows(
        "SELECT column_name AS name FROM information_schema.columns"
        " WHERE table_name = 'audit'"
    )
    assert {column["name"] for column in columns} == COLUMNS.keys()
    for name, value in COLUMNS.items():
        async with as_superuser(house.url) as connection:
            await connection.execute(f"UPDATE audit SET {name} = {value} WHERE seq = 3")
            [first, *_] = await findings(connection)
            assert first.startswith(f"row 3 of workspace {TEAM} (seq 3): "), name
    assert await verified(house) == []


async def test_a_time_moved_before_our_era_is_found(house: House):
    await some_life(house)
    async with as_superuser(house.url) as connection:
        await connection.execute(
            "UPDATE audit SET at = (to_char(at AT TIME ZONE 'UTC',"
            " 'YYYY-MM-DD HH24:MI:SS.US') || ' BC')::timestamp AT TIME ZONE 'UTC'"
            " WHERE seq = 3"
        )
        assert len(await findings(connection)) == 1


TAMPERING = st.one_of(
    st.tuples(st.just("column"), st.sampled_from(sorted(COLUMNS))),
    st.tuples(st.just("chain"), st.sampled_from(sorted(CHAIN))),
    st.tuples(st.just("drop"), st.sampled_from(["audit", "audit_chain"])),
    st.tuples(st.just("cut"), st.sampled_from(["audit", "audit_chain"])),
    st.tuples(st.just("swap"), st.sampled_from(["detail", "event", "at"])),
    st.tuples(st.just("text"), st.sampled_from(["text", "salt", "name"])),
    st.tuples(st.just("insert"), st.just("")),
)


async def tamper(connection: Connection, kind: str, what: str, seq: int) -> int:
    """Do it at a row; how many rows it touched."""
    statements = {
        "column": lambda: (
            f"UPDATE audit SET {what} = {COLUMNS[what]} WHERE seq = {seq}"
        ),
        "chain": lambda: (
            f"UPDATE audit_chain SET {what} = {CHAIN[what]} WHERE seq = {seq}"
        ),
        "drop": lambda: f"DELETE FROM {what} WHERE seq = {seq}",
        "cut": lambda: f"DELETE FROM {what} WHERE seq >= {seq}",
        "swap": lambda: (
            f"UPDATE audit a SET {what} = b.{what} FROM audit b"
            f" WHERE a.seq IN ({seq}, {seq + 1}) AND b.seq = {2 * seq + 1} - a.seq"
            f" AND a.{what} <> b.{what}"
        ),
        "text": lambda: (
            f"UPDATE audit_texts SET {what} = {what} || 'x' WHERE seq = {seq}"
        ),
        "insert": lambda: INSERT,
    }
    return (await connection.execute(statements[kind]())).rowcount


def test_any_single_tampering_of_the_tables_is_found(database: str):
    async def fill() -> int:
        async with open_house(database) as house:
            await some_life(house)
            async with transaction(house.pool) as connection:
                await append(connection, [Fact("T2", "other"), Fact("T2", "another")])
            return await house.one("SELECT max(seq) FROM audit")

    last = asyncio.run(fill())

    async def check(kind: str, what: str, seq: int) -> None:
        async with as_superuser(database) as connection:
            if await tamper(connection, kind, what, seq):
                assert await findings(connection), (kind, what, seq)
            else:
                assert await findings(connection) == []

    @settings(max_examples=scaled(1.5))
    @given(how=TAMPERING, seq=st.integers(1, last))
    def any_of_them(how: tuple[str, str], seq: int) -> None:
        asyncio.run(check(*how, seq))

    any_of_them()


async def rewrite(connection: Connection, team: str) -> None:
    """Make a chain anew over whatever the table holds, as its owner can."""
    await connection.execute("DELETE FROM audit_chain WHERE team_id = %s", [team])
    await connection.execute(
        "SELECT audit_append_to_chain(a) FROM"
        " (SELECT * FROM audit WHERE team_id = %s ORDER BY seq) a",
        [team],
    )


async def test_a_checkpoint_exposes_a_wholly_rewritten_chain(house: House):
    await some_life(house)
    [head] = await house.rows(
        "SELECT number, encode(hash, 'hex') AS hash FROM audit_chain"
        " ORDER BY number DESC LIMIT 1"
    )
    signed = sign(SEED, team=TEAM, at="2026-01-01T00:00:00Z", **head)
    assert await verified(house, signed) == []
    async with as_superuser(house.url) as connection:
        await connection.execute("UPDATE audit SET actor = 'U0X' WHERE seq = 2")
        await rewrite(connection, TEAM)
        assert await findings(connection) == []
        [first] = await findings(connection, signed)
        assert first.startswith(f"row {head['number']} of workspace {TEAM} (seq ")
        assert "rewritten" in first
    async with as_superuser(house.url) as connection:
        await connection.execute("DELETE FROM audit WHERE seq > 2")
        await connection.execute("DELETE FROM audit_texts WHERE seq > 2")
        await rewrite(connection, TEAM)
        [cut] = await findings(connection, signed)
        assert "the chain ends at row 2" in cut
        assert cut.startswith(f"row {head['number']} of workspace {TEAM}: ")


async def test_a_checkpoint_that_the_database_has_kept_counts_too(house: House):
    await some_life(house)
    signed = sign(SEED, team=TEAM, number=4, hash="00" * 32, at="2026-01-01T00:00:00Z")
    await house.rows(
        "INSERT INTO audit_checkpoints VALUES (%s, %s, %s, %s, %s, %s)",
        *(signed.team, signed.number, signed.hash, signed.at, signed.key),
        signed.signature,
    )
    first = (await verified(house))[0]
    assert first.startswith("row 4 of workspace T1 (seq 4): it isn't the row")


def change(value: Any, how: int) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1 + how
    if isinstance(value, str):
        flipped = "0" if value[:1] != "0" else "1"
        return flipped + value[1:] if value else "x"
    if isinstance(value, list):
        return [*value, how]
    if isinstance(value, dict):
        return {**value, "new": how}
    return "something"


EDITS = ["change", "drop", "double", "insert", "swap", "cut", "cut in a line", "byte"]


def edited(lines: list[bytes], kind: str, at: int, field: int, how: int) -> list[bytes]:
    """The lines with one thing done to them."""
    lines = [*lines]
    at %= len(lines)
    row = json.loads(lines[at])
    name = sorted(row)[field % len(row)]
    match kind:
        case "change":
            row[name] = change(row[name], how)
            lines[at] = (canonical(row) + "\n").encode()
        case "drop":
            del lines[at]
        case "double":
            lines.insert(at, lines[at])
        case "insert":
            row |= {"actor": "U0OLAF", "seq": row["seq"] + 1000}
            lines.insert(at, (canonical(row) + "\n").encode())
        case "swap":
            other = (at + 1 + how) % len(lines)
            lines[at], lines[other] = lines[other], lines[at]
        case "cut":
            del lines[at:]
        case "cut in a line":
            lines[at:] = [lines[at][: how % (len(lines[at]) - 1)]]
        case _:
            place = field % (len(lines[at]) - 1)
            byte = lines[at][place]
            changed = bytes([(byte + 1 + how % 254) % 256])
            lines[at] = lines[at][:place] + changed + lines[at][place + 1 :]
    return lines


def test_any_single_tampering_of_an_export_is_found(database: str):
    async def fill() -> list[bytes]:
        async with open_house(database) as house:
            await some_life(house)
            async with transaction(house.pool) as connection:
                await append(connection, [Fact("T2", "other"), Fact("T2", "another")])
            return await exported(house)

    lines = asyncio.run(fill())
    verifier, problem = verify_lines(lines)
    assert (verifier.rows, problem) == (len(lines), "")

    @settings(max_examples=scaled(6))
    @given(
        kind=st.sampled_from(EDITS),
        at=st.integers(0, 1000),
        field=st.integers(0, 2000),
        how=st.integers(0, 1000),
    )
    def any_of_them(kind: str, at: int, field: int, how: int) -> None:
        broken = edited(lines, kind, at, field, how)
        if broken != lines:
            assert verify_lines(broken)[1], (kind, at, field, how)

    any_of_them()


NAMED = {
    "change": "line 3: row 3 of workspace T1 (seq 3): it was changed",
    "drop": "line 3: row 3 of workspace T1: it is missing; row 4 follows row 2",
    "double": "line 4: row 3 of workspace T1 (seq 3): it comes after row 3",
    "swap": "line 3: row 3 of workspace T1: it is missing; row 4 follows row 2",
    "cut": "line 3: the file was cut off here: row 3 of workspace T1 is missing",
}


async def test_the_first_bad_row_of_an_export_is_named(house: House):
    await some_life(house)
    lines = await exported(house)
    assert json.loads(lines[2])["actor"] != ""  # what is changed, and hashed
    for kind, named in NAMED.items():
        _, problem = verify_lines(edited(lines, kind, 2, 0, 0))
        assert problem.startswith(named), kind


async def test_an_export_without_its_first_rows_is_no_export(house: House):
    await some_life(house)
    lines = await exported(house)
    _, problem = verify_lines(lines[1:])
    assert problem.startswith("line 1: row 1 of workspace T1: it is missing")
    assert verify_lines([])[1] == "the file holds no row of a trail"


async def test_a_checkpoint_exposes_a_forged_export(house: House):
    await some_life(house)
    lines = await exported(house)
    rows = [json.loads(line) for line in lines]
    good = json.loads(lines[-1])
    rows[1]["actor"] = "U0OLAF"
    previous = ""
    for row in rows:
        body = {k: v for k, v in row.items() if k not in ("hash", "beside", "part")}
        row["previous"] = body["previous"] = previous
        row["hash"] = previous = hash_of(ROW, canonical(body))
    forged = [(canonical(row) + "\n").encode() for row in rows]
    assert verify_lines(forged)[1] == ""
    head = {"team": TEAM, "number": good["number"], "hash": good["hash"]}
    signed = sign(SEED, at="2026-01-01T00:00:00Z", **head)
    assert verify_lines(lines, [signed])[1] == ""
    assert "rewritten" in verify_lines(forged, [signed])[1]
    later = sign(SEED, at="2026-01-01T00:00:00Z", **{**head, "number": 999})
    assert "it's gone" in verify_lines(lines, [later])[1]


async def test_a_part_of_the_trail_can_be_verified_alone(house: House):
    await some_life(house)
    times = await house.rows("SELECT at FROM audit ORDER BY seq")
    part = await exported(house, times[3]["at"], times[6]["at"])
    numbers = [json.loads(line)["number"] for line in part]
    assert numbers == [4, 5, 6]
    verifier, problem = verify_lines(part)
    assert (verifier.rows, problem) == (3, "")


async def test_a_part_is_checked_against_the_checkpoints_it_covers(house: House):
    await some_life(house)
    rows = [json.loads(line) for line in await exported(house)]
    times = await house.rows("SELECT at FROM audit ORDER BY seq")
    part = await exported(house, times[3]["at"])

    def at(number: int, digest: str = "") -> Checkpoint:
        found = digest or rows[number - 1]["hash"]
        return sign(SEED, team=TEAM, number=number, hash=found, at=rows[0]["at"])

    verifier, problem = verify_lines(part, [at(2), at(3), at(4), at(len(rows))])
    assert problem == ""
    assert (verifier.older, verifier.begun[TEAM].number) == (1, 3)
    _, other = verify_lines(part, [at(3, "00" * 32)])
    assert other.startswith(f"line 1: row 3 of workspace {TEAM}: it isn't the row")
    cut = await exported(house, times[3]["at"], times[5]["at"])
    assert "the chain ends at row 5" in verify_lines(cut, [at(len(rows))])[1]


async def test_moving_lines_from_a_text_into_its_salt_is_found(house: House):
    await some_life(house)
    async with transaction(house.pool) as connection:
        fact = Fact(TEAM, "commented", texts={"note": "No.\nYes, approve."})
        await append(connection, [fact])
    rows = [json.loads(line) for line in await exported(house)]
    beside = rows[-1]["beside"]["note"]
    beside |= {"salt": f"{beside['salt']}\nNo.", "text": "Yes, approve."}
    lines = [(canonical(row) + "\n").encode() for row in rows]
    assert "its text 'note' was changed" in verify_lines(lines)[1]
    async with as_superuser(house.url) as connection:
        await connection.execute(
            "UPDATE audit_texts SET salt = %(salt)s, text = %(text)s"
            " WHERE text LIKE 'No.%%'",
            beside,
        )
        [found] = await findings(connection)
    assert found.endswith("its text 'note' was changed")


async def test_texts_that_were_erased_leave_an_export_good(house: House):
    await some_life(house)
    await house.rows("DELETE FROM audit_texts")
    verifier, problem = verify_lines(await exported(house))
    assert problem == ""
    assert verifier.erased > 0
