"""`python -m bot pause`: let nothing run in a workspace, and lift that again."""

from __future__ import annotations

import argparse

from bot.approvals.pause import Actor, Pause, lift, pause, pauses
from bot.base.settings import Settings
from bot.commands import operator
from bot.database.pool import Pool, make_pool
from bot.jobs.queue import Queue
from bot.texts import operation


async def pause_command(
    _settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Pause every workspace that the database serves, or the one of `--team`; or lift.

    0 if all of them are now as they should be, also where some were so before; 1 if
    there is none.
    """
    async with make_pool(url, name="command", size=2, timeout=5) as pool:
        async with pool.connection() as connection:
            known = await pauses(connection)
        wanted = [each for each in known if parsed.team in (None, each[0])]
        for team, before in wanted:
            print(await _change(pool, Queue(url), parsed, team, before))
    if not wanted:
        print(operation.no_workspace(parsed.team or ""))
    return 0 if wanted else 1


async def _change(
    pool: Pool,
    queue: Queue,
    parsed: argparse.Namespace,
    team: str,
    before: Pause | None,
) -> str:
    by = Actor(operator(), "cli")
    if parsed.lift:
        lifted = await lift(pool, queue, team, by)
        return operation.lifted(team) if lifted else operation.not_paused(team)
    if await pause(pool, queue, team, parsed.reason, by) or before is None:
        return operation.paused(team)
    return operation.paused_before(team, before.by, before.reason, before.since)
