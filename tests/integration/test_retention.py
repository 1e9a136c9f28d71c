"""Retention: all that is over goes, nothing pending does, and the trail stays."""

from __future__ import annotations

import asyncio
import datetime as dt
import json

import psycopg
import pytest

from bot.audit.verify import verify_lines
from bot.jobs import SQL, clock
from bot.jobs.clock import Retention
from tests.support.agent_parts import Agent, make_agent
from tests.support.house import House
from tests.support.people import MINA, RAVI
from tests.support.post import Post
from tests.support.trail_parts import exported, verified

KEEP = dt.timedelta(days=90)
GONE = (
    *("conversations", "messages", "requests", "stages", "decisions", "grants"),
    *("comments", "spent_tokens", "request_messages", "deliveries", "offers", "seen"),
    *("checkpoints", "checkpoint_blobs", "checkpoint_writes", "audit_texts"),
    *("procrastinate_jobs", "procrastinate_events"),
)


async def sweep(house: House) -> None:
    await Retention(house.pool, KEEP).sweep()


async def counts(house: House) -> dict[str, int]:
    return {t: await house.one(f"SELECT count(*) FROM {t}") for t in GONE}


async def finished(house: House, post: Post, text: str = "please") -> tuple[Agent, str]:
    """A conversation in which a call was approved and has run, with all of it shown."""
    agent = make_agent(house, ("wipe", {"path": "a"}), "Done.")
    conversation = await agent.say(text)
    await post.work()
    request = await agent.request(conversation)
    await house.click(MINA, request, reason="as you wish")
    await agent.work()
    await post.work()
    return agent, conversation


async def test_a_finished_conversation_goes_with_all_that_belongs_to_it(
    house: House, post: Post
):
    await finished(house, post)
    before = await counts(house)
    trail = await house.trail()
    assert min(before[t] for t in ("requests", "grants", "checkpoints")) > 0
    assert before["audit_texts"] > 0

    await house.pass_time(days=89)
    await sweep(house)
    assert await counts(house) == before
    await house.pass_time(days=91)
    await sweep(house)

    assert set((await counts(house)).values()) == {0}
    assert await house.trail() == trail


async def test_the_trail_stays_whole_and_exports_show_erased_texts(
    house: House, post: Post
):
    await finished(house, post)
    texts = await house.one("SELECT count(*) FROM audit_texts")
    await house.pass_time(days=91)
    await sweep(house)
    young = await house.ask("sign", arguments={"text": "still here"})

    assert await verified(house) == []
    lines = await exported(house)
    verifier, problem = verify_lines(lines)
    assert (problem, verifier.erased) == ("", texts)
    beside = [each for line in lines for each in json.loads(line)["beside"].values()]
    assert beside.count({"erased": True}) == texts
    kept = [each["text"] for each in beside if "text" in each]
    assert any("still here" in text for text in kept)
    assert young.is_open


async def test_an_erased_text_is_not_passed_off_as_another(house: House, post: Post):
    await finished(house, post)
    await house.pass_time(days=91)
    await sweep(house)
    lines = await exported(house)
    [place, *_] = [i for i, line in enumerate(lines) if b'{"erased":true}' in line]

    for forged in (b'{"salt":"1","text":"x"}', b'{"erased":1}', b'{"erased":false}'):
        changed = lines[place].replace(b'{"erased":true}', forged)
        problem = verify_lines([*lines[:place], changed, *lines[place + 1 :]])[1]
        assert problem.startswith(f"line {place + 1}:")
    changed = lines[place].replace(b'"beside":{"', b'"beside":{"un')
    problem = verify_lines([*lines[:place], changed, *lines[place + 1 :]])[1]
    assert problem.startswith(f"line {place + 1}:")


async def waits_for_people(house: House) -> None:
    """A request nobody has decided, whatever its deadline."""
    await make_agent(house, ("wipe", {"path": "a"})).say()
    await house.rows("UPDATE requests SET expires_at = bot_now() + interval '1 year'")


async def waits_for_the_agent(house: House) -> None:
    agent = make_agent(house, ("wipe", {"path": "a"}))
    await house.click(MINA, await agent.request(await agent.say()))


async def has_a_message(house: House) -> None:
    await house.write()


async def has_a_turn(house: House) -> None:
    await house.write()
    await house.rows("UPDATE messages SET state = 'running'")


async def has_an_unknown_end(house: House) -> None:
    await waits_for_the_agent(house)
    await house.rows("UPDATE grants SET state = 'unknown'")
    await house.rows("UPDATE requests SET resumed_at = bot_now()")
    await house.rows("UPDATE messages SET state = 'failed'")


async def has_a_job(house: House) -> None:
    await house.conversation()
    conversation = await house.one("SELECT id::text FROM conversations")
    await house.rows(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock)"
        " VALUES ('runs', 'prune', %s)",
        conversation,
    )


@pytest.mark.parametrize(
    "begin",
    [
        waits_for_people,
        waits_for_the_agent,
        has_a_message,
        has_a_turn,
        has_an_unknown_end,
    ],
)
async def test_nothing_pending_goes_however_old_it_is(house: House, begin):
    await begin(house)
    await house.forget_jobs()
    before = await counts(house)

    await house.pass_time(days=400)
    await sweep(house)

    assert await counts(house) == before


async def test_what_a_job_waits_for_stays(house: House):
    await has_a_job(house)
    await house.pass_time(days=400)
    await sweep(house)
    assert await house.one("SELECT count(*) FROM conversations") == 1


async def test_a_card_that_does_not_show_the_end_yet_stays(house: House, post: Post):
    await finished(house, post)
    await house.rows("UPDATE deliveries SET revision = 9 WHERE kind = 'card'")
    await house.pass_time(days=91)
    await sweep(house)
    assert await house.one("SELECT count(*) FROM requests") == 1


async def test_old_messages_of_an_active_thread_leave_the_inbox(
    house: House, post: Post
):
    agent = make_agent(house, "One.", "Two.", "Three.")
    await agent.say("one")
    await agent.say("two")
    await post.work()
    await house.pass_time(days=91)
    await agent.say("three")
    await sweep(house)

    texts = [row["text"] for row in await house.rows("SELECT text FROM messages")]
    assert texts == ["three"]
    assert await house.one("SELECT count(*) FROM conversations") == 1
    assert await agent.said() == ["Three."]
    assert len(agent.model.seen[-1]) == 6  # the agent forgets nothing


async def test_failed_jobs_are_deleted_and_waiting_ones_stay(house: House):
    await house.rows(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status)"
        " VALUES ('runs', 'turn', 'doing'), ('runs', 'turn', 'todo')"
    )
    await house.rows(
        "UPDATE procrastinate_jobs SET status = 'failed' WHERE status = 'doing'"
    )
    await sweep(house)
    statuses = "SELECT count(*) FROM procrastinate_jobs"
    assert await house.one(statuses) == 2

    await house.pass_time(days=91)
    await sweep(house)
    assert await house.one(statuses) == 1
    assert await house.one(f"{statuses} WHERE status = 'todo'") == 1


async def test_who_has_long_sent_nothing_is_not_counted_any_more(house: House):
    await house.rows(
        "INSERT INTO paces (team_id, user_id, kind, since, used, last_at)"
        " VALUES ('T1', %s, 'clicks', bot_now(), 1, bot_now())",
        RAVI,
    )
    await house.pass_time(days=91)
    await sweep(house)
    assert await house.one("SELECT count(*) FROM paces") == 0


async def test_finished_events_are_deleted_and_queued_ones_stay(house: House):
    await house.rows(
        "INSERT INTO webhook_events (seq, request_id, type, body, state) VALUES"
        " (1, 'r', 't', '', 'sent'), (2, 'r', 't', '', 'given_up'),"
        " (3, 'r', 't', '', 'queued')"
    )
    await house.pass_time(days=91)
    await sweep(house)
    assert await house.one("SELECT seq FROM webhook_events") == 3


async def test_a_sweep_takes_a_bounded_part(
    house: House, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(clock, "CONVERSATIONS", 2)
    for _ in range(5):
        await house.conversation()
    await house.pass_time(days=91)

    left = []
    for _ in range(3):
        await sweep(house)
        left.append(await house.one("SELECT count(*) FROM conversations"))
    assert left == [3, 1, 0]


async def test_a_message_that_comes_meanwhile_is_not_lost(house: House):
    old = await house.conversation()
    await house.rows("UPDATE conversations SET thread_ts = '100.1'")
    await house.pass_time(days=91)
    async with house.owner.connection() as connection, connection.transaction():
        await connection.execute("SELECT forget_conversations(%s, 10)", [KEEP])
        writing = asyncio.create_task(house.write("wait for me", thread_ts="100.1"))
        await locked(house)
        assert not writing.done()
    new = await writing

    assert new != old
    assert [job.lock for job in await house.jobs("turn")] == [new]


async def test_a_conversation_that_somebody_writes_to_is_left_alone(house: House):
    await house.conversation()
    await house.rows("UPDATE conversations SET thread_ts = '100.1'")
    await house.pass_time(days=91)
    async with house.owner.connection() as connection, connection.transaction():
        await connection.execute("SELECT FROM conversations FOR UPDATE")
        await sweep(house)
    assert await house.one("SELECT count(*) FROM conversations") == 1


async def locked(house: House) -> None:
    """Wait until somebody waits for a lock."""
    sql = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(20):
        while not await house.one(sql):  # noqa: ASYNC110 - it is the server's event
            await asyncio.sleep(0.01)


async def test_what_was_allowed_goes_long_after_its_end(house: House):
    """Of each kind one that counts, one that is over, and one that is long over."""
    for code, ends in (("NOW", 1), ("OVER", -80), ("OLD", -92)):
        await house.rows(
            "INSERT INTO standing_grants (id, code, team_id, giver_id, approvers, tool,"
            " schema_digest, bindings, requester_id, policy_version, risk, uses,"
            " expires_at, request_id) VALUES (gen_random_uuid(), %s, 'T1', 'U1',"
            " 'managers', 'wipe', '', '[]', 'U2', 'v', 'normal', 9,"
            " bot_now() + %s * interval '1 day', '')",
            *(code, ends),
        )
        await house.rows(
            "INSERT INTO delegations (team_id, principal_id, delegate_id, until)"
            " VALUES ('T1', %s, 'U2', bot_now()::date + %s)",
            *(code, ends),
        )
    await house.rows(
        "INSERT INTO delegations (team_id, principal_id, delegate_id, until, ended_at)"
        " SELECT 'T1', 'U' || n, 'U2', bot_now()::date + 1,"
        " bot_now() - n * interval '1 day' FROM generate_series(89, 91) n"
    )
    await sweep(house)
    codes = await house.rows("SELECT code FROM standing_grants ORDER BY code")
    assert [row["code"] for row in codes] == ["NOW", "OVER"]
    left = await house.rows("SELECT principal_id AS who FROM delegations ORDER BY id")
    assert [row["who"] for row in left] == ["NOW", "OVER", "U89"]


async def test_only_one_replica_sweeps_at_a_time(house: House):
    await house.conversation()
    await house.pass_time(days=91)
    async with house.owner.connection() as connection, connection.transaction():
        await connection.execute(SQL["alone"])
        await sweep(house)
        assert await house.one("SELECT count(*) FROM conversations") == 1
    await sweep(house)
    assert await house.one("SELECT count(*) FROM conversations") == 0


async def test_a_role_that_only_reads_forgets_nothing(house: House):
    for name in ("forget_conversations", "forget_paces", "forget_allowed"):
        call = f"{name}('1s', 1)"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await as_reader(house, f"SELECT {call}")


async def as_reader(house: House, sql: str) -> None:
    async with house.owner.connection() as connection, connection.transaction():
        await connection.execute("SET LOCAL ROLE approval_bot_reader")
        await connection.execute(sql)


async def test_each_reference_to_what_goes_has_an_index(house: House):
    """Else each row that goes costs a look at a whole table."""
    bare = await house.rows(
        "SELECT conrelid::regclass::text AS here, confrelid::regclass::text AS there"
        " FROM pg_constraint c WHERE contype = 'f' AND NOT EXISTS ("
        "  SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indpred IS NULL"
        "   AND i.indkey[0] = c.conkey[1])"
    )
    ours = [row for row in bare if not row["here"].startswith("procrastinate")]
    assert ours == []
