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
#: Runs modules as `-m` would, one after the other, and says what is imported by then.
PROBE = """
import runpy, sys
from contextlib import redirect_stdout
for words in sys.argv[1:]:
    sys.argv = words.split()
    try:
        with redirect_stdout(sys.stderr):
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        print(end.code or 0, *sys.modules)
"""
# Each with the status that it ends with and what it does without. What one imports is
# there for the next: the order is that of what they need.
READS_THE_POLICY = [
    ("bot --help", 0, (*AGENT, *SLACK, *SERVICE, *DATABASE, *RULES, "structlog")),
    ("bot policy show", 0, (*AGENT, *SLACK, *SERVICE, *DATABASE, "jsonschema")),
    (
        "bot policy explain --tool delete_file --args {}",
        0,
        (*AGENT, *SLACK, *SERVICE, *DATABASE, "jsonschema"),
    ),
]
#: What imports it does before it finds out that nothing listens there.
LOOKS_AT_THE_DATABASE = [
    ("bot approvals list", 2, (*AGENT, *SLACK, *SERVICE, "jsonschema", "nacl")),
    ("bot check", 1, (*AGENT, *SLACK, *SERVICE, "jsonschema")),
    ("bot audit verify", 2, (*AGENT, *SLACK, *SERVICE, "jsonschema")),
    ("bot migrate", 2, (*SLACK, "apscheduler", "langgraph.graph", "langsmith.types")),
]
TERMINAL = [
    ("agent --help", 0, (*AGENT, *DATABASE, "aiosqlite", "pydantic")),
    ("agent --mermaid", 0, ("langchain_openai", "langsmith.types", "openai")),
]


@pytest.mark.parametrize(
    "commands",
    [READS_THE_POLICY, LOOKS_AT_THE_DATABASE, TERMINAL],
    ids=["policy", "database", "agent"],
)
def test_a_command_imports_what_it_needs_and_no_more(tmp_path: Path, commands):
    if commands is LOOKS_AT_THE_DATABASE:
        (tmp_path / ".env").write_text("DATABASE_URL=postgresql://x@127.0.0.1:1/x\n")
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *(words for words, _, _ in commands)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = [line.split() for line in done.stdout.splitlines()]
    for (words, status, spared), (ended, *taken) in zip(commands, told, strict=True):
        assert int(ended) == status, f"{words}: {done.stderr}"
        assert "argparse" in taken
        assert {*taken} & {*spared} == set(), words
    assert "psycopg" in told[-1] or commands is not LOOKS_AT_THE_DATABASE


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


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("polcy show", ". Did you mean policy?"),
        ("policy shwo", ". Did you mean show?"),
        ("approvals list --status aproved", ". Did you mean approved?"),
        ("deploy", "(choose from "),
    ],
)
def test_a_misspelt_word_is_followed_by_the_nearest(
    words: str, said: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(SystemExit):
        cli.parse(words.split())
    line = capsys.readouterr().err.splitlines()[-1]
    assert said in line
    assert ("Did you mean" in line) is ("Did you mean" in said)
