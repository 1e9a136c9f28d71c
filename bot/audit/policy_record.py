"""Which policy was in force from when on, on the trail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bot.approvals.audit import Fact, append
from bot.approvals.ports import Policies
from bot.database.pool import Pool, transaction


@dataclass
class PolicyRecord:
    """Notes each policy that this process takes into force.

    `team` is known once Slack has been met.
    """

    pool: Pool
    policies: Policies
    team: Callable[[], str]
    _noted: str = field(default="", init=False)

    async def look(self) -> None:
        """A duty of the clock, and of the start: note another policy, once."""
        version = self.policies.current.version
        if version == self._noted:
            return
        detail = {"policy": version, "before": self._noted}
        async with transaction(self.pool) as connection:
            await append(
                connection, [Fact(self.team(), "policy_loaded", detail=detail)]
            )
        self._noted = version
