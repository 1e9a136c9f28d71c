"""Statements that are written to deceive, and what the database tools make of them."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import psycopg
import pytest

from agent.gate import filled
from agent.phrases import results
from agent.tool_arguments import problem_with
from agent.tools import make_tools
from agent.tools.database import DatabaseError, open_database
from agent.tools.statements import Kind, StatementError, read_statement
from bot.approvals.policy.match import plan
from bot.approvals.policy.model import Waived
from tests.support.house import parsed
from tests.support.policies import policy_text

SEVERAL, STRANGE, NEITHER = results.ONE_STATEMENT, "not known", results.NO_KIND
READ, WRITE, SCHEMA = Kind.READ, Kind.WRITE, Kind.SCHEMA
#: What a statement is seen for, in both databases or in PostgreSQL and SQLite.
SEEN = [
    ("SELECT 1; DROP TABLE t", SEVERAL),
    ("SELECT 1;;DELETE FROM t", SEVERAL),
    ("SELECT 'a\\'; DROP TABLE t; --'", SEVERAL),
    ("/* SELECT */ DELETE FROM t", WRITE),
    ("-- SELECT 1\nDELETE FROM t", WRITE),
    ("SELECT 1 -- ; DELETE FROM t", READ),
    ("/* /* */ DROP TABLE t; --*/ SELECT 1", (READ, SCHEMA)),
    ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d", WRITE),
    ("WITH d AS (INSERT INTO t VALUES (1) RETURNING id) SELECT id FROM d", WRITE),
    ("SELECT * FROM (WITH u AS (DELETE FROM t RETURNING a) SELECT * FROM u) x", WRITE),
    ("SELECT * INTO copy FROM t", NEITHER),
    ("SELECT * FROM t FOR UPDATE", NEITHER),
    ("CREATE TABLE x AS SELECT * FROM t", SCHEMA),
    ("TRUNCATE t", SCHEMA),
    ("DROP DATABASE shop", SCHEMA),
    ("SELECT pg_sleep(9)", STRANGE),
    ("SELECT PG_SLEEP(9)", STRANGE),
    ('SELECT "pg_sleep"(9)', STRANGE),
    ("SELECT pg_catalog.pg_sleep(9)", STRANGE),
    ("SELECT other.lower(a) FROM t", STRANGE),
    ("SELECT nextval('s')", STRANGE),
    ("SELECT set_config('statement_timeout', '0', false)", STRANGE),
    ("SELECT pg_read_file('/etc/passwd')", STRANGE),
    ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity", STRANGE),
    ("SELECT * FROM dblink('host=x', 'DELETE FROM t') AS d(a int)", STRANGE),
    ("SELECT * FROM t WHERE a = (SELECT lo_import('/etc/passwd'))", STRANGE),
    ("SELECT a FROM t ORDER BY query_to_xml('DELETE FROM t', true, true, '')", STRANGE),
    ("SELECT load_extension('x.so')", STRANGE),
    ("SELECT writefile('x', 'y')", STRANGE),
    ("EXPLAIN ANALYZE DELETE FROM t", NEITHER),
    ("DO $$ BEGIN DELETE FROM t; END $$", (NEITHER, results.NO_STATEMENT)),
    ("CALL wipe()", NEITHER),
    ("COPY t TO PROGRAM 'sh'", NEITHER),
    ("SET ROLE postgres", NEITHER),
    ("GRANT ALL ON t TO PUBLIC", NEITHER),
    ("BEGIN", NEITHER),
    ("COMMIT", NEITHER),
    ("VACUUM", NEITHER),
    ("PRAGMA writable_schema = 1", NEITHER),
    ("ATTACH 'other.sqlite' AS o", (results.NO_STATEMENT, NEITHER)),
    ("", results.NO_STATEMENT),
    ("please delete everything", results.NO_STATEMENT),
]


def seen_for(statement, dialect):
    try:
        return read_statement(statement, dialect).kind
    except StatementError as error:
        return str(error)


@pytest.mark.parametrize(("statement", "expected"), SEEN)
def test_threat_42_statements_are_seen_for_what_they_do(statement, expected):
    both = expected if isinstance(expected, tuple) else (expected, expected)
    for dialect, one in zip(("postgres", "sqlite"), both, strict=True):
        seen = seen_for(statement, dialect)
        if isinstance(one, str):
            assert isinstance(seen, str), (dialect, seen)
            assert seen.startswith(one), (dialect, seen)
        else:
            assert seen is one, (dialect, seen)


@pytest.fixture(params=["postgres", "sqlite"])
def shop(request, tmp_path):
    """A table `t` of five rows: its URL, and a way past the tools."""
    if request.param == "sqlite":
        path = tmp_path / "shop.sqlite"
        url = f"sqlite:{path}"

        def run(statement):
            with closing(sqlite3.connect(path)) as connection, connection:
                return connection.execute(statement).fetchall()

    else:
        url = request.getfixturevalue("empty_database")

        def run(statement):
            with psycopg.connect(url) as connection:
                cursor = connection.execute(statement)
                return cursor.fetchall() if cursor.description else []

    run("CREATE TABLE t (a integer PRIMARY KEY, b text)")
    run("INSERT INTO t VALUES (1, 'x'), (2, 'x'), (3, 'x'), (4, 'y'), (5, 'y')")
    return url, run


def tools_of(url, tmp_path):
    made = make_tools(["database"], files_dir=tmp_path, database=open_database(url))
    return {tool.name: tool for tool in made}


async def test_threat_42_other_rows_than_approved_are_rolled_back(shop, tmp_path):
    url, run = shop
    execute = tools_of(url, tmp_path)["execute"]
    asked = {"statement": "DELETE FROM t WHERE b = 'x' -- all", "rows": 1}

    call = await filled(execute, asked)
    shown = {"statement": "DELETE FROM t WHERE b = 'x'", "rows": 3}
    assert call == shown  # whatever the model said the number was
    assert run("SELECT count(*) FROM t") == [(5,)]

    run("INSERT INTO t VALUES (6, 'x')")  # between approval and run
    with pytest.raises(DatabaseError, match="3 rows were approved, and it would have"):
        await execute.ainvoke(call)
    assert run("SELECT count(*) FROM t") == [(6,)]

    assert await execute.ainvoke({**call, "rows": 4}) == "Done: 4 rows changed."
    assert run("SELECT count(*) FROM t") == [(2,)]


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("DELETE FROM t WHERE b = 'x' RETURNING a", 3),
        ("WITH y AS (SELECT 'y' AS b) DELETE FROM t WHERE b IN (SELECT b FROM y)", 2),
        ("DELETE FROM t", 5),
        ("DELETE FROM t WHERE a = 9", 0),
    ],
)
async def test_threat_42_what_was_changed_is_told(shop, statement, rows):
    url, run = shop
    assert await open_database(url).change(statement, None) == rows
    assert run("SELECT count(*) FROM t") == [(5 - rows,)]


async def test_threat_42_a_comment_fits_no_rule_for_what_is_read(shop, tmp_path):
    policy = parsed(
        policy_text(
            "{name: open, tools: [query], approval: none, "
            "when: {statement: {matches: 'SELECT .* FROM t'}}}"
        )
    )
    query = tools_of(shop[0], tmp_path)["query"]
    for said, runs, is_open in (
        ("SELECT b FROM secrets -- FROM t", "SELECT b FROM secrets", False),
        ("SELECT b /* all */ FROM t", "SELECT b FROM t", True),
    ):
        call = await filled(query, {"statement": said})
        assert call == {"statement": runs}
        assert isinstance(plan(policy, "query", call), Waived) is is_open


@pytest.mark.parametrize(
    ("statement", "rows"),
    [
        ("UPDATE t SET b = 'z'", 5),
        ("UPDATE t AS o SET b = 'z' WHERE o.a > 3 AND lower(o.b) = 'y'", 2),
        ("INSERT INTO t VALUES (7, 'q'), (8, 'q')", 2),
        ("INSERT INTO t SELECT a + 10, b FROM t WHERE b = 'y'", 2),
        ("DELETE FROM t WHERE a IN (SELECT a FROM t WHERE b = 'x')", 3),
        ("INSERT INTO t VALUES (1, 'q') ON CONFLICT DO NOTHING", results.NOT_COUNTED),
        ("DELETE FROM t WHERE random() < 0.5", results.NOT_COUNTED),
        ("DELETE FROM t WHERE a = (SELECT wipe())", results.NOT_COUNTED),
        ("WITH d AS (DELETE FROM t RETURNING *) SELECT 1", results.NOT_COUNTED),
        ("DELETE FROM missing", results.NOT_COUNTED_NOW),
    ],
)
async def test_threat_42_rows_are_counted_without_a_change(
    shop, tmp_path, statement, rows
):
    url, run = shop
    found = await filled(tools_of(url, tmp_path)["execute"], {"statement": statement})
    assert found["rows"] == rows
    assert run("SELECT count(*), min(b), max(b) FROM t") == [(5, "x", "y")]


async def test_threat_42_the_database_itself_keeps_a_read_read_only(shop):
    url, run = shop
    database = open_database(url)
    for statement in ("DELETE FROM t", "UPDATE t SET b = 'z'", "DROP TABLE t"):
        with pytest.raises(DatabaseError):
            await database.read(statement)
    with pytest.raises(DatabaseError):
        await database.change("DELETE FROM t; DELETE FROM t", None)
    assert run("SELECT count(*), min(b), max(b) FROM t") == [(5, "x", "y")]


async def test_threat_42_a_tool_refuses_what_belongs_to_another(shop, tmp_path):
    tools = tools_of(shop[0], tmp_path)
    refused = {
        "query": ("DELETE FROM t", "for the tool execute"),
        "execute": ("DROP TABLE t", "for the tool change_schema"),
        "change_schema": ("DELETE FROM t", "for the tool execute"),
    }
    for name, (statement, words) in refused.items():
        assert words in problem_with(tools[name], {"statement": statement})


async def test_threat_42_nothing_leaves_the_file_that_is_named(tmp_path):
    path = tmp_path / "shop.sqlite"
    other = tmp_path / "other.sqlite"
    for each in (path, other):
        with closing(sqlite3.connect(each)) as connection:
            connection.execute("CREATE TABLE t (a integer)")
    database = open_database(f"sqlite:{path}")
    for statement in (f"ATTACH '{other}' AS o", "PRAGMA writable_schema = 1"):
        for run in (database.read, database.change_schema):
            with pytest.raises(DatabaseError):
                await run(statement)
    with pytest.raises(DatabaseError, match=r"cannot be reached|unable to open"):
        await open_database(f"sqlite:{tmp_path / 'none.sqlite'}").read("SELECT 1")
    assert not (tmp_path / "none.sqlite").exists()
