"""One request under a policy with times, and a clock that stands where it is put."""

from __future__ import annotations

import datetime as dt
import re

from bot.approvals.deadlines import expire_due, nudge_due
from bot.approvals.model import Request
from bot.approvals.policy.model import Policy
from tests.support.house import House, parsed
from tests.support.people import APPROVALS, DANA, MINA, OMAR
from tests.support.policies import policy_text
from tests.support.post import Post

MONDAY = dt.datetime(2030, 1, 7, 8, tzinfo=dt.UTC)
BOARD = {"usergroup:S0BOARD": ("U0BEA",)}
#: What a reminder or a call says to those whom it mentions.
CALLED = re.compile(": (?:this still needs|you can decide|your turn)")
_MENTION = re.compile("<@U0([A-Z]+)>")


def policy(
    stages: str,
    defaults: str = "timezone: UTC",
    *,
    channel: str = APPROVALS,
    directors: tuple[str, ...] = (DANA, OMAR),
) -> Policy:
    text = policy_text(
        f"{{name: paying, tools: [pay], stages: [{stages}]}}",
        defaults=f"{{channel: {channel}, timeout: 60h, {defaults}}}",
        approvers={
            "managers": (MINA, OMAR),
            "directors": directors,
            "board": "{usergroup: S0BOARD}",
            "others": ("U0MARA",),
        },
        delegations="[{from: U0MARA, to: U0OLAF, until: 2030-01-07}]",
    )
    return parsed(text)


async def stop_clock(house: House, at: dt.datetime) -> None:
    """Let the database's clock stand still at an instant."""
    await house.rows(
        "CREATE OR REPLACE FUNCTION bot_now() RETURNS timestamptz LANGUAGE sql"
        f" STABLE AS 'SELECT timestamptz ''{at.isoformat()}'''"
    )


class Silence:
    """A request that waits, what time does to it, and what people are sent."""

    def __init__(self, house: House, stages: str, defaults: str) -> None:
        self.house, self.post = house, Post(house)
        house.policies.current = policy(stages, defaults)
        house.people.groups = dict(BOARD)
        self._seen = 0

    async def begin(self, at: dt.datetime = MONDAY) -> Request:
        """Raise it, and have its card and its notice stand in Slack."""
        await stop_clock(self.house, at)
        self.request = await self.house.ask("pay")
        await self.post.work()
        self._seen = len(self.post.slack.messages)
        return self.request

    async def sweep(self, at: dt.datetime) -> list[str]:
        """Let the clock tick at an instant; what is sent to whom, in Slack's thread."""
        await stop_clock(self.house, at)
        await expire_due(self.house.pool, self.house.queue)
        await nudge_due(self.house.pool, self.house.queue)
        await self.post.work()
        return await self.sent()

    async def sent(self) -> list[str]:
        """New messages: their kind, and whom they mention; each stands in a thread."""
        new = self.post.slack.messages[self._seen :]
        self._seen = len(self.post.slack.messages)
        return [await self._told(message) for message in new]

    async def _told(self, message: dict) -> str:
        delivery = message["metadata"]["event_payload"]["delivery"]
        row = await self.post.row(delivery)
        assert message["thread_ts"], "only a card stands in the channel itself"
        called = CALLED.split(message["text"])[0].rpartition(". ")[2]
        names = sorted(set(_MENTION.findall(called)))
        return " ".join([row["kind"], *(name.title() for name in names)])

    async def now(self) -> Request:
        return await self.house.request(self.request.id)
