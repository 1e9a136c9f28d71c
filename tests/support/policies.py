"""The policy file of a running bot, changed as an operator changes it."""

from __future__ import annotations

from tests.support.stage import Stage

IN_FORCE = "another policy is in force"


async def change_policy(stage: Stage, text: str) -> None:
    """Put another file there in one step, and wait until the bot goes by it."""
    before = stage.bot.log.count(IN_FORCE)
    write_policy(stage, text)
    await stage.simulator.wait_for(lambda: stage.bot.log.count(IN_FORCE) > before)


def write_policy(stage: Stage, text: str) -> None:
    """Put another file there, and leave it at that."""
    file = stage.folder / "policy.yml"
    new = file.with_suffix(".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
