"""Whatever is done to the trail, in the database or in an export: it is found."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.audit.chain import ROW, canonical, hash_of
from bot.audit.checkpoint import sign
from bot.audit.exported import verify_lines
from tests.integration.core_parts import TEAM, House
from tests.integration.trail_parts import (
    as_superuser,
    exported,
    some_life,
    verified,
)

SEED = bytes(range(32))
COLUMNS = {
    "seq": "seq + 1000",
    "at": "at + interval '1 microsecond'",
    "team_id": "'T9'",
    "event": "event || '!'",
    "request_id": "COALESCE(request_id, '') || 'x'",
    "conversation_id": "gen_random_uuid()",
    "actor": "'U0OLAF'",
    "via": "'link'",
    "detail": "detail || '{\"outcome\": \"waived\"}'",
    "texts": "texts || '{\"more\": \"text\"}'",
}


async def test_each_column_of_the_table_is_covered(house: House):
    await some_life(house)
    columns = await house.rows(
        "SELECT column_name AS name FROM information_schema.columns"
        " WHERE table_name = 'audit' ORDER BY ordinal_position"
    )
    assert {column["name"] for column in columns} == COLUMNS.keys()
    for name, value in COLUMNS.items():
        with as_superuser(house.url) as connection:
            if name == "seq":
                connection.execute("ALTER TABLE audit ALTER seq DROP IDENTITY")
            connection.execute(f"UPDATE audit SET {name} = {value} WHERE seq = 3")
            connection.commit()
            found = await verified(house)
            assert found, name
            assert found[0].startswith(f"row 3 of workspace {TEAM} (seq 3): "), name
            back = 1003 if name == "seq" else 3
            restore = RESTORE.get(name, "seq = 3")
            connection.execute(
                f"UPDATE audit SET {restore} WHERE seq = {back}"
                if name == "seq"
                else f"DELETE FROM audit WHERE seq = {back}"
            )
            if name != "seq":
                connection.execute(
                    "INSERT INTO audit SELECT * FROM kept WHERE seq = 3"
                )
            connection.commit()
        assert await verified(house) == [], name
