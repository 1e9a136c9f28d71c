"""A database of the version before, and replicas of it that still run."""

from __future__ import annotations

from typing import Any

import pytest

from bot.approvals.model import Outcome, Status
from bot.database import migrate as module
from bot.database.pool import Connection, connect
from tests.support.house import House, open_house
from tests.support.people import MINA
from tests.support.post import Post, shown
from tests.support.postgres import make_roles

BEFORE = "0003_approvals"
CONVERSATION = "00000000-0000-0000-0000-000000000001"
CARDS = [f"00000000-0000-0000-0000-0000000000{n:02}" for n in range(20)]
# What the version before wrote, in the columns that it knew.
RAISE = """
WITH messages AS (
  INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts) VALUES
    (%(card)s, 'card', 'T1', 'C0APPROVAL', NULL),
    (%(notice)s, 'notice', 'T1', 'C0GENERAL', '100.1')),
raised AS (
  INSERT INTO requests (
    id, code, team_id, conversation_id, interrupt_id, tool_call_id, tool, arguments,
    schema_digest, call_digest, grant_digest, requester_id, rules, why,
    policy_version, status, outcome_note, decided_at, expires_at, card_id, notice_id)
  VALUES (%(id)s, 'K7QP', 'T1', %(conversation)s, %(id)s, %(id)s, 'wipe', '{}', 's',
    'c', 'g', 'U0RAVI', '{wiping}', '{}', 'v1', %(status)s, %(note)s,
    CASE WHEN %(status)s = 'pending' THEN NULL ELSE bot_now() END,
    bot_now() + interval '1 day', %(card)s, %(notice)s))
INSERT INTO stages (request_id, position, approvers, people, quorum, opened_at)
VALUES (%(id)s, 0, 'managers', '{U0MINA,U0OMAR}', 1, bot_now())
"""


@pytest.fixture
async def old(empty_database: str, monkeypatch):
    """A database with the schema of the version before, and the way to this one."""
    files = list(module._migrations())
    names = [name for name, _ in files]
    until = files[: names.index(BEFORE) + 1]
    with monkeypatch.context() as patch:
        patch.setattr(module, "_migrations", lambda: iter(until))
        await module.migrate(empty_database)
    async with await connect(empty_database) as connection:
        await connection.execute(
            "INSERT INTO conversations (id, team_id, channel_id, thread_ts)"
            " VALUES (%s, 'T1', 'C0GENERAL', '100.1')",
            [CONVERSATION],
        )
        yield connection


async def raise_as_before(
    connection: Connection, number: int, status: str = "pending", note: str = ""
) -> str:
    row: dict[str, Any] = {"id": f"r{number}", "status": status, "note": note}
    card, notice = CARDS[2 * number], CARDS[2 * number + 1]
    places = {"conversation": CONVERSATION, "card": card, "notice": notice}
    await connection.execute(RAISE, {**row, **places})
    return row["id"]


async def upgrade(url: str) -> None:
    """Bring the schema up to date, as an operator does: the roles come with it."""
    await module.migrate(url)
    make_roles(url)


@pytest.mark.parametrize(
    ("status", "note", "outcome", "left"),
    [
        ("approved", "waived", Outcome.WAIVED, ""),
        ("rejected", "denied:Not here: never.", Outcome.DENIED, "Not here: never."),
        ("rejected", "unfillable:managers", Outcome.UNFILLABLE, "managers"),
        ("rejected", "not now", Outcome.NONE, "not now"),
        ("pending", "", Outcome.NONE, ""),
    ],
)
async def test_a_request_of_the_version_before_is_read(
    old: Connection, empty_database: str, status: str, note: str, outcome, left: str
):
    name = await raise_as_before(old, 0, status, note)
    await upgrade(empty_database)
    async with open_house(empty_database) as house:
        now = await house.request(name)
    assert (now.status, now.end.outcome, now.end.note) == (status, outcome, left)
    assert (now.place.token, now.terms.confirm, now.call.schema) == (name, "none", {})


async def test_an_open_request_is_shown_and_decided_after_an_upgrade(
    old: Connection, empty_database: str
):
    name = await raise_as_before(old, 0)
    await upgrade(empty_database)
    async with open_house(empty_database) as house:
        await is_shown_and_decided(house, name)


async def test_a_replica_of_the_version_before_still_raises_requests(
    old: Connection, empty_database: str
):
    read = "SELECT * FROM whole_requests WHERE id = %s"
    first = await raise_as_before(old, 0)
    for _ in range(6):  # so that the statement is prepared
        await old.execute(read, [first], prepare=True)
    await old.execute("UPDATE deliveries SET shown = revision")
    await upgrade(empty_database)

    name = await raise_as_before(old, 1)

    assert len(await (await old.execute(read, [name], prepare=True)).fetchall()) == 1
    async with open_house(empty_database) as house:
        await is_shown_and_decided(house, name)


async def test_what_waits_in_an_older_versions_jobs_is_sent(
    old: Connection, empty_database: str
):
    await raise_as_before(old, 0)
    await old.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock)"
        " VALUES ('deliveries', 'deliver', %s), ('runs', 'turn', 'c')",
        [CARDS[0]],
    )
    await upgrade(empty_database)
    async with open_house(empty_database) as house:
        assert [job.name for job in await house.jobs()] == ["turn"]
        assert await Post(house).courier.pick() == [CARDS[0]]


async def is_shown_and_decided(house: House, name: str) -> None:
    request, post = await house.request(name), Post(house)
    await post.send(request.place.card)
    [card] = post.slack.messages
    assert request.code in shown(card)
    await post.work()
    [_, notice] = post.slack.messages
    assert "*Wipe*" in shown(notice)
    await house.click(MINA, request)
    await post.work()
    assert (await house.request(name)).status is Status.APPROVED
    assert "Approved" in shown(post.slack.messages[0])
