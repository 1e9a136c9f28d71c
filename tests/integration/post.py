"""Deliveries of one house to a stand-in for Slack."""

from __future__ import annotations

import json
from typing import Any

from bot.approvals import store
from bot.slack.delivery import Deliverer
from tests.integration.core_parts import CHANNEL, TEAM, House
from tests.integration.fake_slack import US, FakeSlack


class Post:
    """A deliverer over one house and one stand-in for Slack."""

    def __init__(self, house: House) -> None:
        self.house, self.slack = house, FakeSlack()
        self._deliverer = Deliverer(
            house.pool,
            house.queue,
            house.policies,
            self.slack,  # type: ignore[arg-type]
            lambda: US,
        )

    async def add(self, kind: str, text: str = "Hello.", **where) -> str:
        where = {"channel": CHANNEL, "thread_ts": "100.1", **where}
        async with self.house.pool.connection() as connection:
            return await store.add_delivery(
                connection, kind=kind, team=TEAM, text=text, **where
            )

    async def send(self, delivery: str) -> None:
        await self._deliverer.deliver(delivery)

    async def work(self) -> None:
        """Do the deliveries that wait, in their order."""
        while jobs := await self.house.jobs("deliver"):
            await self.send(jobs[0].lock)
            await self.house.rows(
                "DELETE FROM procrastinate_jobs WHERE id = %s", jobs[0].id
            )

    async def row(self, delivery: str):
        [row] = await self.house.rows(
            "SELECT * FROM deliveries WHERE id = %s", delivery
        )
        return row


def shown(message: Any) -> str:
    """Everything that people see of a message."""
    return json.dumps(message.get("blocks")) + message["text"]
