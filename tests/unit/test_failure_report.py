"""A failing acceptance test shows what was seen, in few lines."""

from __future__ import annotations

import pytest

from tests.support.failure_report import LINES, TITLE

pytest_plugins = ["pytester"]

HOOKS = """
from tests.support.failure_report import (
    pytest_runtest_makereport,
    pytest_runtest_setup,
)
"""
FAILING = """
import aiohttp
import pytest
from tests.support.demo import GENERAL, MINA
from tests.support.stage import BOT_TOKEN, make_stage

@pytest.fixture
async def stage(tmp_path):
    async with make_stage(tmp_path, "postgresql:///none", "http", start=False) as made:
        yield made

async def happens(stage):
    for number in range(30):
        await stage.simulator.post_message(MINA, GENERAL, f"message {number}")
    stage.folder.joinpath("bot.log").write_text(
        "2026 info bot fine\\n" + "2026 warning bot odd " * 40 + "\\n"
    )
    await slack(stage, "chat.postMessage", text="*card*", blocks=[
        {"type": "section", "text": {"type": "mrkdwn", "text": f"For <@{MINA}>"}},
        {"type": "actions", "elements": [{"type": "button", "action_id": "a",
            "text": {"type": "plain_text", "text": "Approve"}}]},
    ])
    await slack(stage, "chat.postEphemeral", text="You can't", user=MINA)
    await slack(stage, "chat.postMessage", channel="C0NOWHERE0", text="lost")

async def slack(stage, method, **arguments):
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    async with aiohttp.ClientSession(stage.simulator.api_url) as session:
        body = {"channel": GENERAL} | arguments
        async with session.post(method, json=body, headers=headers) as answer:
            await answer.read()

async def test_a_fixture(stage):
    await happens(stage)
    assert False

async def test_its_own(tmp_path):
    options = {"transport": "http", "start": False}
    async with make_stage(tmp_path, "postgresql:///none", **options) as stage:
        await happens(stage)
        assert False

async def test_good(stage):
    await happens(stage)

def test_without():
    assert False
"""


@pytest.fixture
def reports(pytester: pytest.Pytester) -> dict[str, list[str]]:
    """Sections of the reports of the failing tests, by test."""
    pytester.makeini(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function"
    )
    pytester.makeconftest(HOOKS)
    pytester.makepyfile(FAILING)
    run = pytester.inline_run()
    failed = [r for r in run.getreports("pytest_runtest_logreport") if r.failed]
    return {
        report.head_line: [text for name, text in report.sections if name == TITLE]
        for report in failed
    }


def test_a_failure_shows_what_people_slack_and_the_log_saw(
    reports: dict[str, list[str]],
):
    assert reports.keys() == {"test_a_fixture", "test_its_own", "test_without"}
    assert reports["test_without"] == []
    for name in ("test_a_fixture", "test_its_own"):
        [section] = reports[name]
        lines = section.splitlines()
        assert 10 < len(lines) <= LINES
        assert max(map(len, lines)) <= 200
        for line in (
            "  #general, Mina: message 29",
            "  #general, Approval Bot: For @Mina [Approve]",
            "  #general only for Mina, Approval Bot: You can't",
            "  chat.postMessage channel=C0NOWHERE0 text=lost -> channel_not_found",
        ):
            assert line in lines
        assert "warning bot odd" in lines[-1]
        assert "info bot fine" not in section
