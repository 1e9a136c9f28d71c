"""`python -m bot approvals`: the queue, and the operator's brake."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from bot.approvals import store
from bot.approvals.model import Request, Status
from bot.base.settings import Settings
from bot.commands import operator
from bot.database.pool import Pool, make_pool
from bot.texts import commands
from bot.texts.formatting import visible


async def list_command(
    _settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Print the queue, a line each."""
    async with _small_pool(url) as pool, pool.connection() as connection:
        requests = await store.find(connection, status=parsed.status, limit=1000)
    for request in reversed(requests):
        print(_line(request))
    if not requests:
        print(commands.NO_REQUESTS)
    return 0


def _line(request: Request) -> str:
    raised = request.raised_at.strftime("%Y-%m-%d %H:%M:%S")
    return "  ".join(
        [
            request.id,
            request.code,
            f"{request.status:<9}",
            raised,
            request.people.requester.user,
            visible(request.call.tool),
        ]
    )


async def reject_command(
    _settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Reject an open request in place of its approvers."""
    # The rules of a decision and the job queue: the list does without them.
    from bot.approvals.transitions import reject_by_operator
    from bot.jobs.queue import Queue

    async with _small_pool(url) as pool:
        found = await _named(pool, parsed.id)
        if len(found) != 1:
            return _cannot_tell(parsed.id, found)
        request = await reject_by_operator(
            pool, Queue(url), found[0].id, parsed.reason, operator()
        )
    if request is None or not request.is_open:
        status = (request or found[0]).status
        print(commands.nothing_to_do(found[0].code, status))
        return 1
    print(commands.rejected(request.code, visible(request.call.tool)))
    return 0


async def _named(pool: Pool, name: str) -> list[Request]:
    """The request with this id, or those with this code: the open ones before all."""
    async with pool.connection() as connection:
        if request := await store.load(connection, name):
            return [request]
        code = name.upper()
        still_open = await store.find(connection, code=code, status=Status.PENDING)
        return still_open or (await store.find(connection, code=code))[-1:]


def _cannot_tell(name: str, found: Sequence[Request]) -> int:
    if found:
        print(commands.several_requests(name))
    else:
        print(commands.no_request(name))
    for request in found:
        print(_line(request))
    return 1


def _small_pool(url: str) -> Pool:
    return make_pool(url, name="command", size=2, timeout=5)
