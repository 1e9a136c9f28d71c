"""A long trail is verified by several processes, and what they find is the same."""

from __future__ import annotations

import subprocess
import sys

from bot.audit.parallel_verify import verify_stored
from bot.audit.verify import Verifier
from bot.database.pool import connect
from tests.support.house import House
from tests.support.root import ROOT
from tests.support.trail_parts import SIGNED, some_life, verified

WHOLE = 10_000  # rows: more than any trail here has, so one process reads it


async def both_ways(house: House) -> list[tuple[Verifier, list[str]]]:
    """Verify in one process, then in parts of two rows."""
    async with await connect(house.url) as connection:
        found = [await verify_stored(connection, [SIGNED], n) for n in (WHOLE, 2)]
    return [(verifier, list(map(str, findings))) for verifier, findings in found]


async def test_parts_find_what_the_whole_finds(house: House):
    await some_life(house)
    (whole, found), (parts, found_in_parts) = await both_ways(house)
    assert (parts.rows, parts.heads) == (whole.rows, whole.heads)
    assert parts.erased == whole.erased
    assert parts.rows == 6  # so that there were parts
    assert found == found_in_parts  # row 7 has another hash than was signed
    assert "row 7" in found[0]


async def test_a_hash_forged_where_parts_meet_is_found(house: House):
    """The row behind it is good by the forged hash; the row itself is not."""
    await some_life(house)
    assert await verified(house) == []
    async with await connect(house.url) as connection:
        for statement in (
            "ALTER TABLE audit_chain DISABLE TRIGGER audit_chain_no_change",
            "UPDATE audit_chain SET hash = sha256(hash) WHERE number = 4",
            "ALTER TABLE audit_chain ENABLE ALWAYS TRIGGER audit_chain_no_change",
        ):
            await connection.execute(statement)
    (whole, found), (parts, found_in_parts) = await both_ways(house)
    assert found == found_in_parts
    assert "row 4" in found[0]
    assert whole.rows == parts.rows == 3


KILLED = """
from bot.audit.parallel_verify import forks
with forks() as processes:
    print(processes.submit(int).result(), flush=True)
    input()
"""


def test_no_process_outlives_the_command_that_is_killed():
    """It would keep open what the command held, such as the embedded server."""
    command = subprocess.Popen(
        [sys.executable, "-c", KILLED],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with command:
        assert command.stdout
        assert command.stdout.readline() == b"0\n"
        command.kill()
        assert command.communicate(timeout=20) == (b"", None)  # all of them let go
