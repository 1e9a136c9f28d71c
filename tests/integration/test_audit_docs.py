"""The verifier that docs/audit.md prints works on what the bot exports."""

from __future__ import annotations

import re
import subprocess
import sys

from bot.texts import cards
from tests.support.house import House
from tests.support.root import ROOT
from tests.support.trail_parts import exported, some_life


def outsider(lines: list[bytes]) -> int:
    text = (ROOT / "docs/audit.md").read_text(encoding="utf-8")
    [program] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=b"".join(lines),
        capture_output=True,
        timeout=110,
    )
    return done.returncode


async def test_an_outsiders_verifier_agrees(house: House):
    await some_life(house)
    lines = await exported(house)
    assert outsider(lines) == 0
    broken = [lines[0].replace(b'"event":"received"', b'"event":"recorded"')]
    assert broken != lines[:1]
    assert outsider(broken + lines[1:]) == 1
    twice = [lines[0].replace(b'{"actor":', b'{"actor":"U0OLAF","actor":', 1)]
    assert outsider(twice + lines[1:]) == 1
    assert outsider(lines[:-1]) == 1
    assert outsider(lines[1:]) == 1


async def test_every_event_that_happens_is_described(house: House):
    await some_life(house)
    text = (ROOT / "docs/audit.md").read_text(encoding="utf-8")
    for event in {*await house.trail(), *cards._EVENTS}:
        assert f"`{event}`" in text, event
