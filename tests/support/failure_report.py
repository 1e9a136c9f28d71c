"""Show what people, Slack and the log saw of a failed test: hooks for pytest."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest

from bot.simulator.message import Message
from bot.simulator.web_api import RecordedCall
from tests.support.shown import shown_texts
from tests.support.stage import STAGES, Stage

LINES = 40  # of a report
WIDTH = 200
MESSAGES, CALLS, LOG = 14, 10, 10
TITLE = "what was seen"
TROUBLE = re.compile(r"\b(warning|error|critical|traceback)\b", re.IGNORECASE)


def pytest_runtest_setup() -> None:
    """Forget the stages that earlier tests have made."""
    STAGES.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the section to the report of a failure."""
    report = yield
    stages = used_stages(item) if report.failed else []
    if stages:
        report.sections.append((TITLE, "\n".join(report_lines(stages))))
    return report


def used_stages(item: pytest.Item) -> list[Stage]:
    """The stages that a test has as fixtures, and those that it has made."""
    given = [v for v in getattr(item, "funcargs", {}).values() if isinstance(v, Stage)]
    return [*given, *(stage for stage in STAGES if stage not in given)]


def report_lines(stages: list[Stage]) -> list[str]:
    """Return at most `LINES` lines about all of them, the newest of each."""
    share = LINES // len(stages)
    return [line for stage in stages for line in stage_lines(stage)[:share]]


def stage_lines(stage: Stage) -> list[str]:
    parts = {
        "The last messages": [*message_lines(stage)][-MESSAGES:],
        "The last calls of Slack's API": [
            *map(call_line, stage.simulator.calls[-CALLS:])
        ],
        "The log's last warnings and errors": trouble_lines(stage)[-LOG:],
    }
    return [
        line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"
        for title, lines in parts.items()
        for line in [f"{title}:", *(f"  {each}" for each in lines or ["none"])]
    ]


def message_lines(stage: Stage) -> Iterator[str]:
    """Every message as people see it, oldest first, private ones among them."""
    workspace = stage.simulator.workspace
    posted = [m for each in workspace.channels for m in workspace.messages(each)]
    for message in sorted([*posted, *workspace.ephemerals], key=lambda m: m.ts):
        yield message_line(stage, message)


def message_line(stage: Stage, message: Message) -> str:
    workspace, data = stage.simulator.workspace, message.data
    channel = workspace.channels[message.channel]
    place = f"#{channel.name}" if channel.name else "DM"
    place += " in thread" if message.is_reply else ""
    place += f" only for {name_of(stage, data['to'])}" if "to" in data else ""
    blocks = data.get("blocks") or []
    shown = [text for block in blocks for text in block_texts(block)]
    words = " ".join(" ".join(shown or [str(data.get("text", ""))]).split())
    words = re.sub(r"<@(\w+)>", lambda found: f"@{name_of(stage, found[1])}", words)
    return f"{place}, {name_of(stage, data.get('user'))}: {words}"


def block_texts(block: dict[str, Any]) -> Iterator[str]:
    """The texts of a block; buttons stand in brackets."""
    if block["type"] == "rich_text":
        yield "".join(rich_texts(block))
    elif block["type"] == "actions":
        yield from (f"[{text}]" for text in shown_texts(block))
    else:
        yield from shown_texts(block)


def rich_texts(element: dict[str, Any]) -> Iterator[str]:
    if element["type"] == "user":
        yield f"<@{element['user_id']}>"
    yield element.get("text", "")
    for inner in element.get("elements", ()):
        yield from rich_texts(inner)


def name_of(stage: Stage, user: object) -> str:
    person = stage.simulator.workspace.users.get(str(user))
    return person.shown_name if person else str(user)


def call_line(call: RecordedCall) -> str:
    answer = "no answer yet"
    if call.answer is not None:
        answer = "ok" if call.ok else str(call.answer.get("error"))
    told = ("channel", "user", "ts", "thread_ts", "text")
    said = [f"{name}={call.args[name]}" for name in told if call.args.get(name)]
    return " ".join([call.method, *" ".join(said).split(), "->", answer])


def trouble_lines(stage: Stage) -> list[str]:
    """Lines of the log at warning or above; its last lines where there are none."""
    file = stage.folder / "bot.log"
    lines = file.read_text(errors="replace").splitlines() if file.exists() else []
    return [line for line in lines if TROUBLE.search(line)] or lines[-3:]
