"""Refusals that an operator has to mend: told once a minute, shown, counted."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from bot.slack.client import BAD_TOKEN, CHANNEL_SHUT, KEPT_OUT, Troubles, to_do

WORDS = [
    *sorted(BAD_TOKEN | CHANNEL_SHUT | KEPT_OUT),
    *("missing_scope", "clock_skew", "wrong_secret", "no_answer"),
]


class Time:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("word", WORDS)
def test_each_refusal_is_told_with_word_and_advice(word: str):
    troubles = Troubles(Time())

    with capture_logs() as lines:
        troubles.refused("users.info", word, "C1")

    [line] = lines
    assert (line["log_level"], line["word"]) == ("warning", word)
    assert line["to_do"] == to_do(word, "C1")
    assert troubles.counts == {word: 1}
    [(name, said)] = troubles.lines().items()
    assert word in name
    assert said == f"users.info; {to_do(word, 'C1')}"


@pytest.mark.parametrize("word", ["user_not_found", "message_not_found", "ratelimited"])
def test_what_no_operator_can_mend_is_not_told(word: str):
    troubles = Troubles(Time())

    with capture_logs() as lines:
        troubles.refused("users.info", word)

    assert (lines, troubles.lines(), troubles.counts) == ([], {}, {})


def test_one_warning_a_minute_whatever_is_refused_how_often():
    clock = Time()
    troubles = Troubles(clock)

    with capture_logs() as lines:
        for second in range(150):
            clock.now = second
            for method in ("users.info", "chat.postMessage"):
                troubles.refused(method, "token_revoked")
            troubles.worked("users.info")  # comes and goes
    assert len(lines) == 3

    with capture_logs() as others:
        troubles.refused("users.info", "missing_scope", "users:read")
        troubles.refused("users.info", "missing_scope", "users:read.email")
    assert [line["about"] for line in others] == ["users:read", "users:read.email"]
    assert troubles.counts == {"token_revoked": 300, "missing_scope": 2}


def test_a_call_that_works_closes_its_own_refusals():
    troubles = Troubles(Time())
    for method in ("users.info", "users.list"):
        troubles.refused(method, "missing_scope", "users:read")
    troubles.refused("chat.postMessage", "not_in_channel", "C1")

    troubles.worked("users.info")
    troubles.worked("chat.postMessage", "C2")
    assert list(troubles.lines()) == [
        "Slack missing_scope users:read",
        "Slack not_in_channel C1",
    ]
    assert troubles.lines()["Slack missing_scope users:read"].startswith("users.list;")

    troubles.worked("users.list")
    troubles.worked("chat.postMessage", "C1")
    assert troubles.lines() == {}


def test_any_call_that_works_shows_that_the_token_does():
    troubles = Troubles(Time())
    troubles.refused("users.info", "token_revoked")
    troubles.worked("chat.update", "C1")
    assert troubles.lines() == {}


def test_what_does_not_come_again_is_forgotten_after_an_hour():
    clock = Time()
    troubles = Troubles(clock)
    troubles.refused("chat.postMessage", "is_archived", "C1")
    clock.now = 3599
    assert troubles.lines()
    clock.now = 3601
    assert troubles.lines() == {}
