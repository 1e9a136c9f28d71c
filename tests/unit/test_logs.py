"""The log: one event is one line, and no token stands in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from slack_bolt.middleware.request_verification.request_verification import (
    RequestVerification,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.base.logs import Format, Level, configure_logging, escape_controls
from bot.base.masks import mask
from tests.support.hostile_texts import TOKENS

Output = Callable[[], list[str]]


@pytest.fixture
def log() -> Iterator[Callable[..., Output]]:
    """Configure the log onto a buffer; the loggers are put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def configure(format: Format = "json", level: Level = "info") -> Output:
        stream = io.StringIO()
        configure_logging(format, level, stream)
        return lambda: stream.getvalue().split("\n")[:-1]

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def fail(message: str) -> None:
    raise ValueError(message)


@pytest.mark.parametrize("token", TOKENS)
def test_known_shapes_are_masked(token: str) -> None:
    for text in (token, f"key={token!r}", f"a\n{token}", json.dumps(f"a\n{token}\t.")):
        assert "CANARY" not in mask(text)
        assert "[secret, " in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "the task-force asked for a risk-assessment",
        "https://localhost:3000/slack/events and someone@example.com",
        "postgresql://db.example:5432/bot",
        "a basic configuration",
        "C0123456789 U01 1700000000.000100",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    assert mask(text) == text


@given(st.text())
def test_escaped_text_is_one_printable_line(text: str) -> None:
    escaped = escape_controls(text)
    assert len(escaped.splitlines()) <= 1
    escaped.encode()


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("token", TOKENS)
def test_a_token_is_masked_in_message_value_and_traceback(
    log: Callable[..., Output], format: Format, token: str
) -> None:
    output = log(format)
    structlog.get_logger("bot.app").info(f"Said {token}.", value={"deep": [token]})
    logging.getLogger("third.party").warning("Sent %s", token)
    try:
        fail(f"\n{token}")
    except ValueError:
        logging.getLogger("third.party").exception("Failed")
        structlog.get_logger("bot.app").exception("Failed")
    assert len(output()) == 4
    assert "CANARY" not in "".join(output())
    assert "ValueError" in output()[2]
    assert "ValueError" in output()[3]


@pytest.mark.parametrize("format", ["text", "json"])
@pytest.mark.parametrize("cut", ["\n", "\r\n", "\u2028", "\x85", "\x1b[2K", "\u202e"])
def test_no_value_forges_a_line(
    log: Callable[..., Output], format: Format, cut: str
) -> None:
    output = log(format)
    forged = f"x{cut}2026-01-01 info approved by U1"
    structlog.get_logger("bot").info(forged, user=forged, key={forged: forged})
    logging.getLogger("other").error("got %s", forged)
    assert len(output()) == 2
    assert all(len(line.splitlines()) == 1 for line in output())
    assert cut not in "".join(output())


def test_json_lines_have_the_standard_keys(log: Callable[..., Output]) -> None:
    output = log("json")
    structlog.get_logger("bot.jobs").info("A run ended.", conversation="K1", seconds=2)
    logging.getLogger("aiohttp.web").error("odd %d", 7, extra={"peer": "::1"})
    own, foreign = map(json.loads, output())
    assert own.pop("timestamp").endswith("Z")
    assert own == {
        "event": "A run ended.",
        "level": "info",
        "logger": "bot.jobs",
        "conversation": "K1",
        "seconds": 2,
    }
    assert foreign["event"] == "odd 7"
    assert foreign["peer"] == "::1"
    assert foreign["logger"] == "aiohttp.web"


def test_text_lines_read_from_left_to_right(log: Callable[..., Output]) -> None:
    output = log("text")
    structlog.get_logger("bot.jobs").warning("Slack is slow.", method="chat.update")
    (line,) = output()
    _time, rest = line.split(" ", 1)
    assert rest == "warning bot.jobs Slack is slow. method=chat.update"


def test_context_bound_by_the_caller_stands_on_each_line(
    log: Callable[..., Output],
) -> None:
    output = log("json")
    with structlog.contextvars.bound_contextvars(request="R1"):
        structlog.get_logger("bot").info("one")
        logging.getLogger("other").info("two")
    assert [json.loads(line)["request"] for line in output()] == ["R1", "R1"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_the_level_holds_for_both_kinds_of_logger(
    log: Callable[..., Output], level: Level, expected: list[str]
) -> None:
    output = log("json", level)
    for logger in (structlog.get_logger("bot"), logging.getLogger("other")):
        for name in ("debug", "info", "warning", "error"):
            getattr(logger, name)(name)
    assert [json.loads(line)["event"] for line in output()] == expected * 2


@pytest.mark.parametrize("level", ["debug", "info"])
def test_bolt_never_logs_a_raw_body(log: Callable[..., Output], level: Level) -> None:
    output = log("json", level)
    # Made after the log is set up, as in the running bot: it then takes root's level.
    RequestVerification("secret")._debug_log_error("v0=x", "1", "payload=CANARY")
    logging.getLogger("slack_sdk.web.async_client").debug("data: CANARY")
    logging.getLogger("slack_bolt.AsyncApp").debug("body: CANARY")
    logging.getLogger("slack_bolt.AsyncApp").warning("Unhandled request")
    assert [json.loads(line)["event"] for line in output()] == ["Unhandled request"]


def test_at_debug_the_socket_tells_of_its_sessions(
    log: Callable[..., Output],
) -> None:
    output = log("json", "debug")
    bolt = logging.getLogger("slack_bolt.AsyncApp")
    # Bolt gives its logger root's level when it is made, perhaps by an earlier test.
    bolt.setLevel(logging.getLogger().level)
    bolt.info("A new session is established")
    assert len(output()) == 1


@pytest.mark.parametrize(
    ("name", "from_level"),
    [("aiohttp.access", "warning"), ("httpx", "warning"), ("apscheduler", "error")],
)
def test_chatty_libraries_are_heard_from_a_level_on(
    log: Callable[..., Output], name: str, from_level: str
) -> None:
    output = log("json", "debug")
    levels = ["info", "warning", "error"]
    for level in levels:
        getattr(logging.getLogger(f"{name}.part"), level)(level)
    heard = [json.loads(line)["event"] for line in output()]
    assert heard == levels[levels.index(from_level) :]


def test_slacks_client_renders_no_payload_for_a_line_nobody_reads(
    log: Callable[..., Output],
) -> None:
    """It looks at its own logger's level alone, and not at the one in force."""
    log()

    assert AsyncWebClient().logger.level > logging.DEBUG


def test_an_unrenderable_log_line_is_still_one_masked_line(
    log: Callable[..., Output], capsys: pytest.CaptureFixture[str]
) -> None:
    output = log("text")
    logging.getLogger("other").warning("%d xoxb-CANARY\n", "text")
    (line,) = output()
    assert "cannot be rendered" in line
    assert "CANARY" not in line
    assert capsys.readouterr().err == ""


def test_configuring_twice_logs_once(log: Callable[..., Output]) -> None:
    log("text")
    output = log("json")
    logging.getLogger("other").info("once")
    assert len(output()) == 1
