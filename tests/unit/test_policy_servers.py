"""`policy scaffold` and `policy show`, with the tools of MCP servers."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import pytest

from agent.tools.mcp import Definition
from agent.tools.mcp_config import McpConfigError, read_config
from bot.approvals.policy.load import parse_policy
from bot.base.errors import ConfigurationError
from bot.base.settings import Settings
from bot.commands import policy as commands
from bot.commands.policy import show_command
from bot.conversations.tool_servers import connections_in
from tests.support.policies import policy_text

TOOLS = {
    "odd": [
        Definition("odd", "look", "Looks.", {}, reads=True),
        Definition("odd", "peek", "Peeks.", {}, reads=True),
        Definition("odd", "wipe", "Wipes.", {}, destructive=True),
    ],
    "gone": None,
}

OURS = [
    *("list_files", "read_file", "read_shared_file"),
    *("list_accounts", "list_databases", "query"),
]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    async def listed(_settings: Settings) -> object:
        return TOOLS

    monkeypatch.setattr(commands, "listed_servers", listed)
    policy = tmp_path / "policy.yml"
    rules = '\n  - {name: looking, tools: ["odd.look"], approval: none}\n'
    policy.write_text(policy_text(rules, approvers={"managers": ("U01", "U02")}))
    return Settings.load({"POLICY_FILE": str(policy), "MCP_CONFIG": "mcp.json"})


async def test_a_scaffold_waives_only_what_is_typed_by_name(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    typed = "".join(
        f"{'odd.look' if tool == 'odd.look' else 'y'}\n"
        for tool in (*OURS, "odd.look", "odd.peek")
    )
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert await commands.scaffold_command(settings, argparse.Namespace(), "") == 0
    said = capsys.readouterr()
    assert "gone can't be reached" in said.err
    assert "odd.wipe to" not in said.err  # nothing but reading is offered
    policy = parse_policy(said.out)
    assert [rule.tools for rule in policy.rules] == [("odd.look",)]
    for name in ("odd.peek", "odd.wipe", "read_file", "execute"):
        assert f"#   {name}\n" in said.out


async def test_a_scaffold_without_answers_waives_nothing(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    await commands.scaffold_command(settings, argparse.Namespace(), "")
    assert parse_policy(capsys.readouterr().out).rules == ()


async def test_the_policy_shows_what_each_tool_of_a_server_needs(
    settings: Settings, capsys: pytest.CaptureFixture[str]
):
    assert await show_command(settings, argparse.Namespace(), "") == 0
    said = capsys.readouterr().out
    assert "odd.look: runs without approval (rule looking)" in said
    assert "odd.peek: is denied" in said
    assert "odd.wipe: " in said
    assert ", high risk" in said
    assert "MCP server gone:\n  can't be reached" in said


def configured(tmp_path: Path, **servers: object) -> dict[str, dict[str, object]]:
    file = tmp_path / "mcp.json"
    file.write_text(json.dumps({"mcpServers": servers, "other": 1}))
    return read_config(file, {"TOKEN": "t0"})


def test_a_pasted_configuration_is_read_with_its_variables(tmp_path: Path):
    found = configured(
        tmp_path,
        local={"command": "x", "args": ["-v", 5], "env": {"A": "${TOKEN}", "B": True}},
        remote={
            "type": "http",
            "url": "https://mcp.example/x",
            "headers": {"Authorization": "Bearer ${env:TOKEN}"},
            "autoApprove": ["*"],
        },
        off={"command": "x", "disabled": True},
    )
    assert found["local"]["args"] == ["-v", "5"]
    assert found["local"]["env"] == {"A": "t0", "B": "true"}
    assert found["remote"]["headers"] == {"Authorization": "Bearer t0"}
    assert [*found] == ["local", "remote"]


@pytest.mark.parametrize(
    ("name", "server", "words"),
    [
        ("a", {}, "either a command or a url"),
        ("a", {"command": "x", "url": "https://x"}, "either a command or a url"),
        ("a", {"url": "ftp://CANARY"}, "mcpServers.a.url"),
        ("a", {"command": "${MISSING}"}, "needs the variable MISSING"),
        ("a__b", {"command": "x"}, "needs a name"),
        ("a.b", {"command": "x"}, "needs a name"),
        ("a", {"command": "x", "type": "sse"}, "mcpServers.a.type"),
    ],
)
def test_a_bad_configuration_is_one_sentence_without_secrets(
    tmp_path: Path, name: str, server: object, words: str
):
    with pytest.raises(McpConfigError) as refused:
        configured(tmp_path, **{name: server})
    assert words in str(refused.value)
    assert "CANARY" not in str(refused.value)
    with pytest.raises(McpConfigError, match="cannot be read: no such file"):
        read_config(tmp_path / "none.json", {})
    with pytest.raises(ConfigurationError, match="cannot be read"):
        connections_in(tmp_path / "none.json")
