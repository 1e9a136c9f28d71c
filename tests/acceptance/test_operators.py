"""Whoever runs the bot sees what Slack refuses: in the log, on /readyz, in numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.demo import GENERAL, RAVI
from tests.support.stage import SIGNING_SECRET, Stage, make_stage


@pytest.mark.parametrize(
    ("word", "advice"),
    [
        ("missing_scope", "give the app the scope users:read of manifest.yml"),
        ("token_revoked", "copy the app's tokens anew"),
        ("account_inactive", "copy the app's tokens anew"),
        ("team_access_not_granted", "have an admin of the workspace let the app in"),
    ],
)
async def test_a_refusal_is_one_warning_a_number_and_a_line(
    tmp_path: Path, database: str, word: str, advice: str
):
    async with make_stage(tmp_path, database, "socket") as stage:
        stage.put("a.txt", "hello")
        method = "users.info" if word == "missing_scope" else "*"
        stage.simulator.faults.add(method, "error", times=10_000, error=word)

        ts = await stage.ask("read a.txt")
        ready = await shows(stage, "/readyz", f"Slack {word}")
        assert ready[0] == 200
        assert advice in ready[1]
        [counted] = [
            line
            for line in (await stage.bot.get("/metrics"))[1].splitlines()
            if line.startswith("approval_bot_slack_refusals_total")
        ]
        assert f'reason="{word}"' in counted
        await stage.rest()
        stage.simulator.faults.clear()
        await stage.answer(GENERAL, ts, "hello")

        assert await stage.bot.get("/readyz") == (200, "ok\n")
        [warning] = warnings(stage, "slack_refuses")
        assert f"word={word}" in warning
        assert advice in warning
        assert "Traceback" not in stage.bot.log


@pytest.mark.parametrize(
    ("secret", "ahead", "word", "advice"),
    [
        ("f" * 32, 0, "wrong_secret", "copy SLACK_SIGNING_SECRET anew"),
        (SIGNING_SECRET, 400, "clock_skew", "set this machine's clock"),
    ],
)
async def test_wrongly_signed_requests_are_told_until_one_is_right(
    tmp_path: Path, database: str, secret: str, ahead: float, word: str, advice: str
):
    async with make_stage(tmp_path, database, "http") as stage:
        stage.simulator.sign(secret, ahead)
        for _ in range(2):
            await stage.simulator.post_message(RAVI, stage.simulator.dm(RAVI), "list")
        await stage.simulator.settled()

        ready = await shows(stage, "/readyz", f"Slack {word}")
        assert "/slack/events" in ready[1]
        [warning] = warnings(stage, "slack_refuses")
        assert advice in warning
        assert secret not in stage.bot.log

        stage.simulator.sign(SIGNING_SECRET)
        stage.put("a.txt")
        await stage.answer(GENERAL, await stage.ask("list"), "a.txt")
        assert await stage.bot.get("/readyz") == (200, "ok\n")


async def shows(stage: Stage, path: str, words: str) -> tuple[int, str]:
    """Wait for a page of the bot's that has these words."""
    await stage.bot.until(200, words)
    return await stage.bot.get(path)


def warnings(stage: Stage, action: str) -> list[str]:
    lines = stage.bot.log.splitlines()
    return [each for each in lines if f"action={action}" in each]
