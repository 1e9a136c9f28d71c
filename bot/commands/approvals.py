"""`python -m bot approvals` and `pause`: the queue, and the operator's brakes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from bot.approvals import store
from bot.approvals.delegations import as_given_now
from bot.approvals.eligibility import PolicyContext, who_can_decide, with_current_people
from bot.approvals.model import Request, Status
from bot.approvals.pause import Actor, Pause, lift, pause, pauses
from bot.approvals.policy.complaints import PolicyError
from bot.approvals.policy.load import load_policy
from bot.approvals.ports import Jobs
from bot.base.settings import Settings
from bot.commands import operator
from bot.commands.people import KnownPeople, known_people
from bot.database.pool import Connection, Pool, make_pool
from bot.texts import operation
from bot.texts.call import plain_headline
from bot.texts.formatting import local, one_line

TITLE = 120  # characters of it; the card and the API have all


async def list_command(settings: Settings, parsed: argparse.Namespace, url: str) -> int:
    """Print the queue, a line each."""
    async with _small_pool(url) as pool, pool.connection() as connection:
        found = await store.find(connection, status=parsed.status, limit=1000)
        requests = await _with_current_people(connection, settings, found)
    if requests:
        await _print_table(settings, requests[::-1])
    else:
        print(operation.NO_REQUESTS)
    return 0


async def _with_current_people(
    connection: Connection, settings: Settings, requests: Sequence[Request]
) -> list[Request]:
    """Give each request the people who can decide it now, as its card names them."""
    try:
        policy = load_policy(settings.policy_file)
    except PolicyError as error:  # the queue matters then as much
        print(operation.deciders_as_asked(error.complaints[0]), file=sys.stderr)
        return [*requests]
    now = await store.clock(connection)
    teams = {request.team for request in requests}
    given = {team: await as_given_now(connection, team, policy) for team in teams}
    return [
        with_current_people(each, PolicyContext(given[each.team], now, {}))
        for each in requests
    ]


async def _print_table(settings: Settings, requests: Sequence[Request]) -> None:
    async with known_people(settings) as known:
        asking = {each.people.requester.user for each in requests}
        deciding = {user for each in requests for user in who_can_decide(each)}
        await known.learn((), asking | deciding)
    rows = [operation.REQUESTS, *(_row(request, known) for request in requests)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())
    if known.trouble:
        print(known.trouble, file=sys.stderr)


def _row(request: Request, known: KnownPeople) -> tuple[str, ...]:
    return (
        request.id,
        request.code,
        str(request.status),
        local(request.deadline) if request.is_open else "",
        known.named(request.people.requester.user),
        ", ".join(map(known.named, who_can_decide(request))),
        one_line(plain_headline(request), TITLE),
    )


async def reject_command(
    settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Reject an open request in place of its approvers."""
    # The rules of a decision and the job queue: the list does without them.
    from bot.approvals.transitions import reject_by_operator
    from bot.jobs.queue import Queue

    async with _small_pool(url) as pool:
        found = await _named(pool, parsed.id)
        if len(found) != 1:
            return await _cannot_tell(settings, parsed.id, found)
        request = await reject_by_operator(
            pool, Queue(url), found[0].id, parsed.reason, operator()
        )
    if request is None or not request.is_open:
        status = (request or found[0]).status
        print(operation.nothing_to_do(found[0].code, status))
        return 1
    print(operation.rejected(request.code, plain_headline(request)))
    return 0


async def _named(pool: Pool, name: str) -> list[Request]:
    """The request with this id, or those with this code: the open ones before all."""
    async with pool.connection() as connection:
        if request := await store.load(connection, name):
            return [request]
        code = name.upper()
        still_open = await store.find(connection, code=code, status=Status.PENDING)
        return still_open or (await store.find(connection, code=code))[-1:]


async def _cannot_tell(settings: Settings, name: str, found: Sequence[Request]) -> int:
    if found:
        print(operation.several_requests(name))
        await _print_table(settings, found)
    else:
        print(operation.no_request(name))
    return 1


def _small_pool(url: str) -> Pool:
    return make_pool(url, name="command", size=2, timeout=5)


# --- `python -m bot pause`: let nothing run in a workspace, and lift that again -------


async def pause_command(
    _settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Pause every workspace that the database serves, or the one of `--team`; or lift.

    0 if all of them are now as they should be, also where some were so before; 1 if
    there is none.
    """
    from bot.jobs.queue import Queue

    async with _small_pool(url) as pool:
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
    jobs: Jobs,
    parsed: argparse.Namespace,
    team: str,
    before: Pause | None,
) -> str:
    by = Actor(operator(), "cli")
    if parsed.lift:
        lifted = await lift(pool, jobs, team, by)
        return operation.lifted(team) if lifted else operation.not_paused(team)
    if await pause(pool, jobs, team, parsed.reason, by) or before is None:
        return operation.paused(team)
    return operation.paused_before(team, before.by, before.reason, before.since)
