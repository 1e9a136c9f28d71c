"""Deliveries of one house to a stand-in for Slack."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.approvals import store
from bot.jobs.courier import Courier
from bot.slack.client import Caller
from bot.slack.delivery import Deliverer
from tests.support.fake_slack import FakeSlack
from tests.support.house import House
from tests.support.people import CHANNEL, TEAM, US


class Post:
    """A deliverer over one house and one stand-in for Slack."""

    def __init__(self, house: House) -> None:
        self.house, self.slack = house, FakeSlack()
        deliverer = Deliverer(
            house.pool,
            house.queue,
            house.policies,
            Caller(self.slack),  # type: ignore[arg-type]
            lambda: US,
            no_names,
            {},
        )
        self.courier = Courier(house.pool, deliverer, skipped=deliverer.skipped)

    async def add(self, kind: str, text: str = "Hello.", **where) -> str:
        where = {"channel": CHANNEL, "thread_ts": "100.1", **where}
        async with self.house.pool.connection() as connection:
            return await store.add_delivery(
                connection, kind=kind, team=TEAM, text=text, **where
            )

    async def send(self, delivery: str) -> float | None:
        """Send one; seconds until it is to be tried again, None if it need not be."""
        return await self.courier.bring(delivery)

    async def work(self) -> None:
        """Send what is due, until nothing is."""
        while due := await self.courier.pick():
            for delivery in due:
                await self.send(delivery)

    async def row(self, delivery: str):
        [row] = await self.house.rows(
            "SELECT * FROM deliveries WHERE id = %s", delivery
        )
        return row


async def no_names(_: Sequence[str]) -> Mapping[str, str]:
    """Know no names."""
    return {}


def shown(message: Any) -> str:
    """Everything that people see of a message."""
    return json.dumps(message.get("blocks")) + message["text"]
