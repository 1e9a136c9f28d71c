"""Rules of the house that a test can keep: who writes what, and how long things are."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH, MAX_CACHED_STATEMENT_PARAMS

import agent
import bot
from agent import checkpointers
from bot.database import load_statements
from tests.support.root import ROOT, name_of, nodes_of, tree_of

SOURCES = sorted(
    path for room in ("agent", "bot") for path in (ROOT / room).rglob("*.py")
)
SQL_FILES = [p for room in ("agent", "bot") for p in (ROOT / room).rglob("*.sql")]
DECIDE, RAISE = "bot/approvals/transitions.py", "bot/approvals/raise_request.py"
END = "bot/conversations/outcome.py"  # of a run, which may ask
ENGINE, SESSION = "bot/conversations/engine.py", "agent/terminal.py"


@cache
def statements() -> dict[str, str]:
    """Every named statement of the house: name to text without comments."""
    found: dict[str, str] = {}
    for path in sorted(SQL_FILES):
        if path.parent.name == "migrations":
            continue
        package = ".".join(path.parent.relative_to(ROOT).parts)
        for name, text in load_statements(package, path.name).items():
            assert name not in found, f"two statements are called {name}"
            found[name] = text
    return found


@cache
def database_functions() -> dict[str, str]:
    """Every function of the database: name to text, as the last migration has it."""
    head = r"CREATE (?:OR REPLACE )?FUNCTION (\w+)\(.*?\$\$(.*?)\$\$"
    texts = (path.read_text("utf-8") for path in sorted(SQL_FILES))
    return {name: text for sql in texts for name, text in re.findall(head, sql, re.S)}


@cache
def used_statements(path: Path) -> set[str]:
    """Names in `SQL["name"]`, whatever the mapping is called."""
    return {
        str(node.slice.value)
        for node in nodes_of(path)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    }


def users_of(names: set[str]) -> set[str]:
    return {name_of(path) for path in SOURCES if names & used_statements(path)}


def columns_set(statement: str, table: str) -> set[str]:
    """The columns that a statement's updates of a table set."""
    updates = re.findall(
        rf"UPDATE\s+{table}\b.*?\bSET\b(.*?)(?:\bWHERE\b|\bFROM\b|\bRETURNING\b|\Z)",
        statement,
        re.DOTALL | re.IGNORECASE,
    )
    return {name for text in updates for name in re.findall(r"(\w+)\s*=", text)}


def test_a_migration_takes_nothing_that_older_replicas_use():
    """They serve people until all replicas have been replaced."""
    taking = re.compile(r"\b(?:DROP (?:COLUMN|FUNCTION|TABLE|TYPE|VIEW)|RENAME)\b")
    texts = {
        path.name: re.sub(r"--.*", "", path.read_text(encoding="utf-8"))
        for path in SQL_FILES
        if path.parent.name == "migrations"
    }
    assert len(texts) > 25
    assert {name for name, text in texts.items() if taking.search(text)} == set()


def test_only_decide_writes_a_verdict():
    writes = {
        name
        for name, text in statements().items()
        if "status" in columns_set(text, "requests")
    }
    assert len(writes) >= 3  # the verdict, the reopening, the orphaning
    assert users_of(writes) == {DECIDE}


def test_only_raising_makes_a_request():
    texts = statements() | database_functions()
    makes = {name for name, text in texts.items() if "INTO requests" in text}
    assert makes == {"raise_requests"}
    raising = {name for name, text in texts.items() if "raise_requests(" in text}
    assert raising == {"raise", "end_run"}
    assert users_of(raising) == {RAISE, END}


def test_only_a_verdict_and_a_raising_give_a_grant():
    texts = statements() | database_functions()
    gives = {n for n, t in texts.items() if "INTO grants" in t and "'approved'" in t}
    assert gives & database_functions().keys() == {"raise_requests"}
    assert users_of(gives) == {DECIDE}


def test_only_the_grants_let_a_call_begin():
    begins = re.compile(r"(INTO grants|UPDATE grants\b.*?\bSET)[^;]*?'executing'", re.S)
    claims = {
        name
        for name, text in statements().items()
        if name.startswith("claim") and begins.search(text)
    }
    assert len(claims) == 3
    claimers = {"bot/approvals/grants.py"}
    assert users_of(claims) == claimers
    house = statements()
    others = "".join(
        t for n, t in house.items() if n not in claims | set(checkpointers.SQL)
    )
    assert "SET state = 'executing'" not in others


def test_nothing_changes_the_trail():
    changes = re.compile(r"(UPDATE|DELETE FROM|TRUNCATE)\s+audit\b")
    assert not [n for n, text in statements().items() if changes.search(text)]


def test_no_sql_that_writes_stands_outside_the_sql_files():
    allowed = {
        "bot/database/migrate.py",  # its own table, and the workspaces served
    }
    writes = re.compile(r"\b(INSERT INTO|UPDATE \w+ SET|DELETE FROM|TRUNCATE)\b")
    found = {
        name_of(path)
        for path in SOURCES
        for node in nodes_of(path)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and writes.search(node.value)
    }
    assert found <= allowed


def test_the_messages_of_requests_are_locked_in_one_order():
    """Else two transactions, such as a click and a call's end, wait for each other."""
    files = [path.read_text() for path in (ROOT / "bot/approvals").glob("*.sql")]
    changes = [each for text in files for each in text.split("touched AS (")[1:]]
    assert len(changes) >= 6
    for change in changes:
        picked, _, _ = change.partition("RETURNING")
        assert "ORDER BY d.id FOR NO KEY UPDATE OF d)" in picked, picked


def test_every_statement_is_used():
    used = {n for path in SOURCES for n in used_statements(path)}
    assert (set(statements()) | set(checkpointers.SQL)) - used == set()


def test_psycopg_caches_each_statement():
    """One that is longer, or has more parameters, it would read anew at each use."""
    for name, text in statements().items():
        assert len(text.encode()) <= MAX_CACHED_STATEMENT_LENGTH, name
        parameters = set(re.findall(r"%\((\w+)\)", text))
        assert len(parameters) <= MAX_CACHED_STATEMENT_PARAMS, name


@cache
def resumes(path: Path) -> list[ast.expr]:
    return [
        keyword.value
        for node in nodes_of(path)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "resume" and "Command" in ast.dump(node.func)
    ]


def test_bot_and_terminal_each_resume_a_graph_in_one_place():
    places = {name_of(path) for path in SOURCES if resumes(path)}
    assert places == {ENGINE, SESSION}


def test_a_graph_is_resumed_by_interrupt_id_only():
    for path in SOURCES:
        maps = {
            target.id
            for node in nodes_of(path)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.DictComp)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for value in resumes(path):
            is_map = isinstance(value, ast.Dict | ast.DictComp) or (
                isinstance(value, ast.Call) and ast.unparse(value.func) == "dict"
            )
            named = isinstance(value, ast.Name) and value.id in maps
            assert is_map or named, f"{name_of(path)}: resume={ast.unparse(value)}"


def test_every_resume_asks_langgraph_to_be_strict():
    from langgraph._internal._constants import CONFIG_KEY_STRICT_RESUME

    for place in (ENGINE, SESSION):
        assert f'"{CONFIG_KEY_STRICT_RESUME}": True' in (ROOT / place).read_text()


def test_each_module_can_be_imported():
    for package in (agent, bot):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From `def` to the end, without the docstring."""
    assert node.end_lineno is not None
    lines = node.end_lineno - node.lineno + 1
    if ast.get_docstring(node):
        said = node.body[0]
        assert said.end_lineno is not None
        lines -= said.end_lineno - said.lineno + 1
    return lines


def functions() -> Iterator[tuple[str, int]]:
    """Every function of the house with its length."""
    for path in SOURCES:
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{name_of(path)}:{node.name}", lines_of(node)


def test_no_listener_waits():
    listeners = [path for path in SOURCES if path.parent.name == "listeners"]
    assert len(listeners) > 3
    assert not [name_of(p) for p in listeners if "asyncio" in p.read_text("utf-8")]


def test_functions_are_short():
    lengths = dict(functions())
    assert {n: lines for n, lines in lengths.items() if lines > 40} == {}
    ordered = sorted(lengths.values())
    assert ordered[int(len(ordered) * 0.9)] < 25
    assert statistics.median(ordered) <= 8


def test_a_file_has_at_most_five_hundred_lines():
    files = [*SOURCES, *SQL_FILES, *(ROOT / "tests").rglob("*.py")]
    lengths = {name_of(f): len(f.read_text("utf-8").splitlines()) for f in files}
    assert {name: lines for name, lines in lengths.items() if lines > 500} == {}


def test_a_file_says_its_duty_first():
    assert [name_of(p) for p in SOURCES if not ast.get_docstring(tree_of(p))] == []
