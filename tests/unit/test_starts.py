"""A command imports what it needs: counted in fresh interpreters, never timed."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.commands import cli
from bot.commands.launch import load
from tests.support.root import ROOT

AGENT = ("langchain_core", "langchain_openai", "langgraph", "langsmith", "openai")
SLACK = ("aiohttp", "slack_bolt", "slack_sdk")
SERVICE = ("apscheduler", "procrastinate", "prometheus_client")
DATABASE = ("psycopg", "psycopg_pool")
RULES = ("jsonschema", "nacl", "pydantic", "re2", "yaml")
#: Runs the module of argv as `-m` would, and then says what has been imported.
PROBE = (
    "import runpy, sys\n"
    "del sys.argv[0]\n"
    "try:\n"
    "    runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
    "except SystemExit as end:\n"
    "    print(*sys.modules, file=sys.stderr)\n"
    "    sys.exit(end.code)\n"
)


def imported(folder: Path, *words: str, status: int = 0) -> set[str]:
    """Run `python -m WORDS` in a fresh interpreter; the modules that it took."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *words],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("words", "status", "spared"),
    [
        ("bot --help", 0, (*AGENT, *SLACK, *SERVICE, *DATABASE, *RULES, "structlog")),
        ("bot policy show", 0, (*AGENT, *SLACK, *SERVICE, *DATABASE, "jsonschema")),
        (
            "bot policy explain --tool delete_file --args {}",
            0,
            (*AGENT, *SLACK, *SERVICE, *DATABASE, "jsonschema"),
        ),
        ("agent --help", 0, (*AGENT, *DATABASE, "aiosqlite", "pydantic")),
        ("agent --mermaid", 0, ("langchain_openai", "langsmith.types", "openai")),
    ],
)
def test_what_needs_no_database_imports_what_it_needs(
    tmp_path: Path, words: str, status: int, spared: tuple[str, ...]
):
    taken = imported(tmp_path, *words.split(), status=status)
    assert "argparse" in taken
    assert taken & set(spared) == set()


@pytest.mark.parametrize(
    ("words", "status", "spared"),
    [
        ("check", 1, (*AGENT, *SLACK, *SERVICE, "jsonschema")),
        ("approvals list", 2, (*AGENT, *SLACK, *SERVICE, "jsonschema", "nacl")),
        ("audit verify", 2, (*AGENT, *SLACK, *SERVICE, "jsonschema")),
        ("migrate", 2, (*SLACK, "apscheduler", "langgraph.graph", "langsmith.types")),
    ],
)
def test_what_looks_at_the_database_imports_no_more_than_that(
    tmp_path: Path,
    words: str,
    status: int,
    spared: tuple[str, ...],
):
    # What imports it does before it finds out that nothing listens there.
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://x@127.0.0.1:1/x\n")
    taken = imported(tmp_path, "bot", *words.split(), status=status)
    assert "psycopg" in taken
    assert taken & set(spared) == set()


def commands() -> Iterator[str]:
    """Every `module:function` that the command line names."""
    for words in (
        *("run", "check", "migrate", "policy show", "approvals list"),
        *("policy explain --tool t --args {}", "approvals reject AB12 --reason r"),
        *("audit export", "audit verify", "audit report"),
    ):
        yield cli.parse(words.split()).command


@pytest.mark.parametrize("command", list(commands()))
def test_each_command_names_a_function_that_is_there(command: str):
    assert inspect.iscoroutinefunction(load(command))


def test_without_a_command_the_bot_runs():
    assert cli.parse([]).command == cli.parse(["run"]).command


def test_no_word_at_all_asks_for_the_bot():
    assert cli.parse([]) == cli.parse(["run"])
