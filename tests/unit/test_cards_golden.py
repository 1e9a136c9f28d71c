"""The card of each attack looks as it did when somebody looked at it."""

from __future__ import annotations

import json
import re

import pytest

from bot.simulator.block_check import errors
from tests.support.cards_samples import buttons
from tests.support.hostile import FOLDER, HOSTILE, drawn, text_of

AGAIN = "`python -m tests.support.hostile` writes it anew; look at the difference."


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_card_is_as_it_was_looked_at(name: str):
    assert (FOLDER / f"{name}.json").read_text(encoding="ascii") == text_of(name), AGAIN


def test_each_file_is_of_one_attack():
    assert {file.stem for file in FOLDER.glob("*.json")} == HOSTILE.keys()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_card_is_one_that_slack_takes(name: str):
    shown = drawn(name)
    for part in ("card", "outcome"):
        assert errors(shown[part]["blocks"]) == []
    assert buttons(shown["outcome"]["blocks"]).keys() <= {"History…"}


def test_an_attack_in_a_fallback_text_is_code():
    code = re.compile("`[^`<>\n]*`")
    for name in HOSTILE:
        told = [drawn(name)[part]["text"] for part in ("card", "outcome")]
        for words in ("evil", "<!channel", "<!here", "U0DANA", "sk-", "security"):
            assert words not in code.sub("", json.dumps(told, ensure_ascii=False))
