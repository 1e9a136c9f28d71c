"""Stages whose bot serves another graph than the shipped agent."""

from __future__ import annotations

import psycopg

from tests.support.deciding import SHIPPED
from tests.support.demo import GENERAL
from tests.support.root import ROOT
from tests.support.stage import Stage


def example(name: str) -> dict[str, str]:
    """A stage of one of the examples, with the simulator's policy."""
    graph = ROOT / f"examples/{name}.py"
    return {"policy": SHIPPED, "AGENT": f"{graph}:graph"}


def let_time_pass(stage: Stage) -> None:
    """Everything that waits is overdue from now on."""
    with psycopg.connect(stage.records.url, autocommit=True) as connection:
        connection.execute(
            "UPDATE requests SET expires_at = bot_now() WHERE status = 'pending'"
        )


async def said_in(stage: Stage, thread: str, words: str) -> str:
    """Wait for these words of the bot in a conversation's thread."""
    return await stage.reply(GENERAL, thread, words)
