"""A start that cannot succeed says in one line why; one that may succeed waits."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support import postgres
from tests.support.bot_process import BotProcess, Outcome, free_port, run_command
from tests.support.crashes import until
from tests.support.demo import GENERAL
from tests.support.policies import files_policy
from tests.support.stage import (
    APP_TOKEN,
    BOT_TOKEN,
    POLICY,
    SIGNING_SECRET,
    Stage,
    make_stage,
)

module = pytest.mark.asyncio(loop_scope="module")
SECRET = "Zx9-never-shown"
SOCKET = {"SLACK_BOT_TOKEN": BOT_TOKEN, "SLACK_APP_TOKEN": APP_TOKEN}
GOOD = POLICY
TYPO = files_policy(deleting="stages: [{aprovers: managers, approvers: managers}]")
# What is set, the policy, and the words of the one line.
REFUSED: dict[str, tuple[dict[str, str], str, str]] = {
    "only a bot token": (
        {"SLACK_BOT_TOKEN": BOT_TOKEN},
        GOOD,
        "SLACK_APP_TOKEN .* or SLACK_SIGNING_SECRET .* missing",
    ),
    "a token of another kind": (
        SOCKET | {"SLACK_BOT_TOKEN": f"xoxp-{SECRET}"},
        GOOD,
        r"SLACK_BOT_TOKEN=\(hidden\): allowed is .*xoxb-",
    ),
    "the simulator for everybody": (
        {"HOST": "0.0.0.0"},
        GOOD,
        "HOST=0.0.0.0: .* loopback",
    ),
    "another database": (
        SOCKET | {"DATABASE_URL": f"mysql://bot:{SECRET}@db/bot"},
        GOOD,
        r"DATABASE_URL=\(hidden\): allowed is .*postgresql://",
    ),
    "a graph that is not there": (
        SOCKET | {"AGENT": "a.py:graph"},
        GOOD,
        "AGENT=a.py:graph: there is no Python file",
    ),
    "no folder for files": (
        SOCKET | {"FILES_DIR": "/proc/x"},
        GOOD,
        r"^FILES_DIR=/proc/x can't be created: no such directory\.$",
    ),
    "the simulator without a folder for files": (
        {"FILES_DIR": "policy.yml"},
        GOOD,
        r"^FILES_DIR=policy\.yml can't be used: not a directory\.$",
    ),
    "a typo in the policy": (SOCKET, TYPO, r"rules\[2\]\.stages\[0\]\.aprovers"),
    "a policy that is no YAML": (
        SOCKET,
        "rules: [",
        "The policy, line 1, .*isn't YAML",
    ),
    "no policy": (SOCKET | {"POLICY_FILE": "nowhere.yml"}, GOOD, "nowhere.yml"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refused(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, template: str
) -> dict[str, Outcome]:
    """The outcome of each refused start; two run at a time."""
    two = asyncio.Semaphore(2)

    async def start(name: str, database: str) -> Outcome:
        environment, policy, _ = REFUSED[name]
        folder = tmp_path_factory.mktemp("refused")
        (folder / "policy.yml").write_text(policy)
        basic = {"DATABASE_URL": database, "PORT": str(free_port())}
        async with two:
            return await run_command(folder=folder, environment=basic | environment)

    with postgres.fresh_database(postgres_server, template) as database:
        outcomes = await asyncio.gather(*(start(name, database) for name in REFUSED))
    return dict(zip(REFUSED, outcomes, strict=True))


@module
@pytest.mark.parametrize("name", REFUSED)
async def test_a_start_that_cannot_succeed_ends_with_one_line(
    refused: dict[str, Outcome], name: str
):
    outcome = refused[name]

    [line] = outcome.err.splitlines()
    assert re.search(REFUSED[name][2], line), line
    assert SECRET not in outcome.err
    assert outcome.status == 2
    assert not outcome.out


@pytest.mark.parametrize("variable", ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"])
async def test_a_token_that_slack_refuses_ends_the_start(
    tmp_path: Path, database: str, variable: str
):
    prefix = "xoxb-" if variable == "SLACK_BOT_TOKEN" else "xapp-"
    wrong = {variable: f"{prefix}{SECRET}"}
    async with make_stage(tmp_path, database, "socket", start=False, **wrong) as stage:
        outcome = await run_until_end(stage)

    assert "Slack refuses the token (invalid_auth)" in last_line(outcome)
    ended_well(outcome)


async def test_a_port_that_is_taken_ends_the_start(tmp_path: Path, database: str):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with make_stage(tmp_path, database, "socket", start=False) as stage:
            stage.environment["PORT"] = str(taken.getsockname()[1])
            outcome = await run_until_end(stage)

    assert "address already in use" in last_line(outcome)
    assert str(stage.environment["PORT"]) in last_line(outcome)
    ended_well(outcome)


async def test_a_start_ends_with_the_line_that_says_where(
    tmp_path: Path, database: str
):
    bot = BotProcess(tmp_path, {"DATABASE_URL": database})
    await bot.start()
    await until(lambda: f"Open http://localhost:{bot.port}\n" in bot.log)
    assert bot.log.index("Open http") > bot.log.index("connected to the simulator")
    await bot.stop()


async def test_the_simulator_never_opens_the_database_of_a_real_team(
    tmp_path: Path, database: str
):
    async with make_stage(tmp_path, database, "socket") as stage:
        await stage.bot.stop()
        outcome = await run_command(
            folder=tmp_path,
            environment={"DATABASE_URL": database, "PORT": str(free_port())},
        )

    assert "has served the Slack team T0SIMULATE" in last_line(outcome)
    assert "http://localhost" not in outcome.out
    ended_well(outcome)


async def test_the_start_waits_for_slack(tmp_path: Path, database: str):
    async with make_stage(tmp_path, database, "socket", start=False) as stage:
        faults = stage.simulator.faults
        faults.add("*", "server_error", times=1_000)
        await stage.start_bot(wait=False)
        await stage.bot.until(503, "start: waiting for Slack")
        assert (await stage.bot.get("/healthz"))[0] == 200
        faults.clear()
        faults.add("*", "cut_before", times=1)
        faults.add("apps.connections.open", "server_error")
        await stage.bot.until_ready()
        stage.put("a.txt")
        ts = await stage.ask("list")

        await stage.answer(GENERAL, ts, "a.txt")
        assert "Slack cannot be reached, trying again" in stage.bot.log
        assert "Slack's socket cannot be reached, trying again" in stage.bot.log
        assert "Traceback" not in stage.bot.log


async def test_a_slack_that_is_nowhere_leaves_the_process_alive(
    tmp_path: Path, database: str
):
    nowhere = {"SLACK_API_URL": f"http://127.0.0.1:{free_port()}/api/"}
    async with make_stage(tmp_path, database, "http", start=False, **nowhere) as stage:
        await stage.start_bot(wait=False)
        await stage.bot.until(503, "start: waiting for Slack")
        assert (await stage.bot.get("/healthz"))[0] == 200
        assert await stage.bot.stop() == 0

        assert "Traceback" not in stage.bot.log
        assert BOT_TOKEN not in stage.bot.log
        assert SIGNING_SECRET not in stage.bot.log


async def run_until_end(stage: Stage) -> Outcome:
    """Start the bot and wait until it has ended by itself."""
    environment = {"PORT": str(free_port()), **stage.environment}
    return await run_command(folder=stage.folder, environment=environment)


def last_line(outcome: Outcome) -> str:
    return outcome.err.splitlines()[-1]


def ended_well(outcome: Outcome) -> None:
    """Check that it ended as a misuse does, without a traceback or a secret."""
    assert outcome.status == 2
    assert "Traceback" not in outcome.err
    assert "Unclosed" not in outcome.err
    assert SECRET not in outcome.err
    assert BOT_TOKEN not in outcome.err
