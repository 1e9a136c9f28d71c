"""The operator's commands, beside a running bot."""

from __future__ import annotations

import asyncio
import getpass
from pathlib import Path

import pytest

from bot.simulator.people import Channel
from tests.support.bot_process import BotProcess, Outcome, free_port, run_command
from tests.support.deciding import asked_to_delete, request_of
from tests.support.demo import GENERAL, MINA, RAVI
from tests.support.shown import everything
from tests.support.stage import BOT_TOKEN, POLICY, Stage, make_stage

module = pytest.mark.asyncio(loop_scope="module")
STAGE = {"transport": "http"}
SCOPES = frozenset({"chat:write", "users:read", "channels:read"})


@module
async def test_an_operator_rejects_by_the_code_and_everybody_is_told(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "code.txt")
    code = shared.records.value("SELECT code FROM requests")

    words = ["approvals", "reject", code.lower(), "--reason", "not now"]
    done = await bot(shared, *words, fresh=True)
    final = await shared.outcome(card, "Rejected")
    answer = await shared.answer(GENERAL, ts, "rejected")
    again = await bot(shared, "approvals", "reject", code, "--reason", "once more")

    assert (done.status, done.out) == (0, f"Rejected: Delete `code.txt` ({code}).\n")
    assert "by an operator" in everything(final)
    assert "not now" in everything(final)
    assert "not now" in answer
    assert file.exists()
    assert again.status == 1
    assert "is closed already (rejected)" in again.out
    [(actor,)] = shared.records.rows("SELECT actor FROM audit WHERE event = 'rejected'")
    assert actor == f"operator {getpass.getuser()}"


@module
async def test_an_operator_rejects_by_the_id_and_sees_the_queue(shared: Stage):
    names = ("listed-1.txt", "listed-2.txt")
    first, second = [
        request_of((await asked_to_delete(shared, name))[1]) for name in names
    ]

    queue = await bot(shared, "approvals", "list", "--status", "pending")
    done = await bot(shared, "approvals", "reject", first, "--reason", "no")
    later, nobody, empty = await asyncio.gather(
        bot(shared, "approvals", "list"),
        bot(shared, "approvals", "reject", "ZZZZ", "--reason", "no"),
        bot(shared, "approvals", "reject", second, "--reason", " "),
    )

    header, newest, older = queue.out.splitlines()
    words = "ID CODE STATUS DUE ASKED BY CAN DECIDE TITLE"
    assert header.split() == words.split()
    assert newest.startswith(second)
    assert older.startswith(first)
    shown = [f"Ravi ({RAVI})", f"Mina ({MINA})", "Delete `listed-2.txt`"]
    assert [newest.find(each) for each in shown] == [
        header.index(name) for name in ("ASKED BY", "CAN DECIDE", "TITLE")
    ]
    assert queue.err == ""
    assert done.status == 0
    lines = later.out.splitlines()[1:]
    assert lines[0].startswith(second)  # the newest first
    assert [line for line in lines if first in line and "rejected" in line]
    assert nobody.status == 1
    assert "There is no request ZZZZ" in nobody.out
    assert empty.status == 2
    assert shared.records.status(second) == "pending"


@module
async def test_nothing_on_the_command_line_approves(shared: Stage):
    refused = await bot(shared, "approvals", "approve", "ABCD")

    assert refused.status == 2
    assert "invalid choice: 'approve'" in refused.err


@module
async def test_check_says_ok_for_each_part(shared: Stage):
    outcome = await bot(shared, "check")

    assert outcome.out.splitlines() == [
        "settings: ok",
        "policy: ok",
        "database: ok",
        "Slack: ok",
        "model: ok, simulated: the offline model answers, since OPENAI_API_KEY is not "
        "set",
        "graph: ok",
    ]
    assert (outcome.status, outcome.err) == (0, "")


async def test_nothing_calls_the_simulator_slack(tmp_path: Path, database: str):
    environment = {"DATABASE_URL": database}
    checked = await run_command("check", folder=tmp_path, environment=environment)
    process = BotProcess(tmp_path, environment)
    await process.start()
    await process.stop()

    assert checked.status == 0
    told = checked.out.splitlines()
    assert "Slack: ok, simulated: no SLACK_* variable is set" in told
    assert sum("ok, simulated" in line for line in told) == 3
    assert "connected to the simulator" in process.log
    assert "connected to Slack" not in process.log


@module
async def test_check_names_everything_that_is_wrong(shared: Stage):
    wrong = {
        "DATABASE_URL": f"postgresql://bot:pass-w0rd@127.0.0.1:{free_port()}/bot",
        "SLACK_BOT_TOKEN": "xoxb-wrong-0123456789",
        "OPENAI_API_KEY": "sk-wrong-0123456789",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1",
        "FILES_DIR": "/proc/x",
        "MCP_CONFIG": "mcp.json",
    }
    servers = '{"mcpServers": {"gone": {"command": "no-such-command"}}}'
    write(shared.folder / "mcp.json", servers)
    unknown = POLICY.replace("U0DORA0000", "U0NOBODY00").replace(
        "channel: C0APPROVAL", "channel: C0CLOSED00"
    )
    shared.simulator.workspace.add_channel(Channel("C0CLOSED00", "closed"))
    write(shared.folder / "unknown.yml", unknown)
    write(shared.folder / "typo.yml", POLICY.replace("quorum", "q") + "rulez: []\n")

    all_wrong, ids = await asyncio.gather(
        bot(shared, "check", POLICY_FILE="typo.yml", **wrong),
        bot(shared, "check", POLICY_FILE="unknown.yml"),
    )

    said = all_wrong.out + all_wrong.err
    assert all_wrong.status == ids.status == 1
    assert "settings: FILES_DIR=/proc/x can't be created: no such" in said
    assert "policy: rulez" in said
    assert "database: cannot be reached" in said
    assert "Slack: refuses the token (invalid_auth)" in said
    assert "model: The model server cannot be reached" in said
    assert "MCP servers: gone can't be reached: its tools are left out." in said
    for secret in ("pass-w0rd", "xoxb-wrong", "sk-wrong", "Traceback"):
        assert secret not in said
    assert "approvers.directors.users[0]: Slack does not know U0NOBODY00" in ids.out
    assert "defaults.channel: the bot is not a member of C0CLOSED00" in ids.out


async def test_the_policy_is_shown_and_explained_without_a_database(tmp_path: Path):
    nowhere = f"postgresql://127.0.0.1:{free_port()}/none"
    async with make_stage(tmp_path, nowhere, "http", start=False) as stage:
        write(stage.folder / "bad.yml", POLICY + "rulez: []\n")
        call = ("policy", "explain", "--tool", "delete_file")
        shown, explained, unreadable, refused = await asyncio.gather(
            bot(stage, "policy", "show"),
            bot(stage, *call, "--args", '{"path": "a"}', "--requester", MINA),
            bot(stage, *call, "--args", "{"),
            bot(stage, "policy", "show", POLICY_FILE="bad.yml"),
        )

    assert [shown.status, explained.status] == [0, 0]
    assert "managers: Mina (U0MINA0000), Marek (U0MAREK000)" in shown.out
    assert "CAN LOOSEN: takes the place of defaults.stages" in shown.out
    assert "1. managers, 1 of: Marek (U0MAREK000)\n" in explained.out
    assert [unreadable.status, refused.status] == [2, 2]
    assert unreadable.err.startswith("--args cannot be read: ")
    assert refused.err == "The policy, rulez: unknown key; did you mean `rules`?\n"
    for outcome in (shown, explained, unreadable, refused):
        assert "Traceback" not in outcome.out + outcome.err
    assert len(unreadable.err.splitlines()) == 1


async def test_check_names_the_scopes_that_are_missing(tmp_path: Path, database: str):
    async with make_stage(
        tmp_path, database, "http", start=False, scopes=SCOPES
    ) as stage:
        outcome = await bot(stage, "check")

    assert outcome.status == 1
    assert "Slack: lacks the scopes" in outcome.out
    feature = "feature: without the optional scope commands /approvals does not answer"
    assert feature in outcome.out
    assert "im:history" in outcome.out
    assert "manifest.yml" in outcome.out
    assert "chat:write" not in outcome.out.replace("manifest", "")


async def test_two_migrations_at_once_make_one_schema(
    tmp_path: Path, empty_database: str
):
    async with make_stage(tmp_path, empty_database, "http", start=False) as stage:
        outcomes = await asyncio.gather(*(bot(stage, "migrate") for _ in range(2)))
        again = await bot(stage, "migrate")

    assert [outcome.status for outcome in outcomes] == [0, 0]
    applied = [line for outcome in outcomes for line in outcome.out.splitlines()]
    assert len([line for line in applied if line == "0003_approvals"]) == 1
    assert (again.status, again.out) == (0, "The schema is up to date.\n")


async def bot(
    stage: Stage, *arguments: str, fresh: bool = False, **environment: str
) -> Outcome:
    """Run a command with the settings of the stage."""
    settings = stage.environment | environment
    outcome = await run_command(
        *arguments,
        folder=stage.folder,
        environment=settings,
        timeout=100,
        fresh=fresh,
    )
    assert BOT_TOKEN not in outcome.out + outcome.err
    return outcome


def write(path: Path, text: str) -> None:
    path.write_text(text)
