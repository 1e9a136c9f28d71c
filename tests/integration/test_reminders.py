"""Policies and moments: what silence sends to whom, and when."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass

import pytest

from bot.approvals.deadlines import expire_due, nudge_due
from bot.approvals.model import Effect, Outcome, Status, Verdict
from bot.conversations.resume import Recheck
from bot.texts.formatting import date
from tests.bench.waiting_rows import add_to_remind
from tests.support.house import House, break_audit, open_house
from tests.support.people import CHANNEL, DANA, MINA, OMAR
from tests.support.post import Post, shown
from tests.support.time_parts import CALLED, MONDAY, Silence, policy, stop_clock

TWICE = "reminders: [4h, 20h]"
OFFICE = f"{TWICE}, hours: {{days: [mon, tue, wed, thu, fri], from: 09:00, to: 17:00}}"
MANAGERS = "{approvers: managers}"
BOTH = "reminder Mina Omar"


@dataclass(frozen=True)
class Case:
    """A policy, and at which hour after the raising what is done and what is sent."""

    name: str
    stages: str
    steps: list[tuple[float, str, list[str]]]
    defaults: str = "timezone: UTC"


CASES = [
    Case(
        "reminders at the policy's times, each once",
        MANAGERS,
        [
            (3.9, "", []),
            (4, "", [BOTH]),
            (4, "", []),
            (4.1, "", []),
            (19.9, "", []),
            (20, "", [BOTH]),
            (23.9, "", []),
            (24, "", []),
        ],
        TWICE,
    ),
    Case(
        "a late look sends the newest thing and not the pile",
        MANAGERS,
        [(21, "", [BOTH]), (21.1, "", [])],
        TWICE,
    ),
    Case(
        "a look that is a day late sends nothing",
        MANAGERS,
        [(60, "", []), (84, "", [])],
        TWICE,
    ),
    Case(
        "after a late reminder the next one backs off",
        MANAGERS,
        [(14, "", [BOTH]), (20, "", []), (21.9, "", []), (22, "", [BOTH])],
        TWICE,
    ),
    Case(
        "a stage has reminders of its own",
        "{approvers: managers, reminders: [1h]}",
        [(1, "", [BOTH]), (4, "", []), (20, "", [])],
        TWICE,
    ),
    Case(
        "who has decided already is not reminded",
        "{approvers: managers, quorum: 2, reminders: [1h, 2h]}",
        [(1, "", [BOTH]), (1.5, MINA, []), (2, "", ["reminder Omar"])],
    ),
    Case(
        "those who join are told, and reminded first of all from then on",
        "{approvers: managers, reminders: [3h], escalate: {after: 1h, to: directors}}",
        [
            (0.9, "", []),
            (1, "", ["escalation Dana Omar"]),
            (1, "", []),
            (3, "", ["reminder Dana Mina Omar"]),
        ],
    ),
    Case(
        "reminder and escalation at one instant are one message",
        "{approvers: managers, reminders: [1h], escalate: {after: 1h, to: directors}}",
        [(1, "", ["reminder Dana Mina Omar"]), (2, "", [])],
    ),
    Case(
        "a late escalation speaks for the reminder before it",
        "{approvers: managers, reminders: [1h], escalate: {after: 2h, to: directors}}",
        [(5, "", ["escalation Dana Omar"]), (6, "", [])],
    ),
    Case(
        "a group in Slack joins with those who were in it",
        "{approvers: managers, escalate: {after: 1h, to: board}}",
        [(1, "", ["escalation Bea"])],
    ),
    Case(
        "each stage has its own clock, from its opening",
        "{approvers: managers, reminders: [2h]}, {approvers: directors}",
        [
            (2, "", [BOTH]),
            (3, MINA, ["call Dana Omar"]),
            (6.9, "", []),
            (7, "", ["reminder Dana Omar"]),
            (23, "", ["reminder Dana Omar"]),
        ],
        TWICE,
    ),
    Case(
        "a stage that has passed reminds nobody, and neither does a closed request",
        f"{MANAGERS}, {{approvers: directors, reminders: [1h]}}",
        [
            (3, MINA, ["call Dana Omar"]),
            (3.5, DANA, []),
            (4, "", []),
            (4.5, "", []),
        ],
        TWICE,
    ),
    Case(
        "the time of a stage ends before its reminder",
        "{approvers: managers, timeout: 2h}",
        [(1.9, "", []), (2, "", []), (4, "", [])],
        TWICE,
    ),
    Case(
        "reminders wait for the hours: 4 of them are over at 13:00, 20 on Wednesday",
        MANAGERS,
        [
            (4.9, "", []),
            (5, "", [BOTH]),
            (20, "", []),
            (24, "", []),
            (48, "", []),
            (53, "", [BOTH]),
        ],
        OFFICE,
    ),
    Case(
        "whoever stands in is reminded too, up to the last day",
        "{approvers: others, reminders: [15h, 17h]}",
        [(15.99, "", ["reminder Mara Olaf"]), (17, "", ["reminder Mara"])],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_is_sent_to_whom_when(house: House, case: Case):
    silence = Silence(house, case.stages, case.defaults)
    await silence.begin()
    for hour, who, expected in case.steps:
        at = MONDAY + dt.timedelta(hours=hour)
        if who:
            await stop_clock(house, at)
            await house.click(who, silence.request)
        assert await silence.sweep(at) == expected, f"after {hour} hours"


def later(hours: float) -> dt.datetime:
    return MONDAY + dt.timedelta(hours=hours)


async def test_a_reminder_replies_to_the_card_and_closes_with_it(house: House):
    silence = Silence(house, MANAGERS, TWICE)
    request = await silence.begin()
    assert await silence.sweep(later(4)) == [BOTH]
    [reminder] = silence.post.slack.messages[-1:]
    card = await house.request(request.id)
    assert (reminder["channel"], reminder["thread_ts"]) == (
        card.place.channel,
        card.place.ts,
    )
    assert "this still needs you · *Pay* `a.txt`" in reminder["text"]
    await house.click(MINA, request)
    await silence.post.work()
    assert reminder["text"].startswith("✅ Approved")
    assert await house.trail(request) == [
        *("requested", "shown", "reminded", "approved")
    ]


async def test_a_card_in_the_conversations_thread_is_reminded_of_there(house: House):
    silence = Silence(house, MANAGERS, TWICE)
    house.policies.current = policy(MANAGERS, TWICE, channel="thread")
    await silence.begin()
    assert await silence.sweep(later(4)) == [BOTH]
    [reminder] = silence.post.slack.messages[-1:]
    assert (reminder["channel"], reminder["thread_ts"]) == (CHANNEL, "100.1")


async def test_card_and_notice_say_what_comes_and_what_has_come(house: House):
    stage = "{approvers: managers, escalate: {after: 6h, to: directors}}"
    silence = Silence(house, stage, TWICE)
    await silence.begin()
    card, notice = silence.post.slack.messages

    assert f" directors too from {date(later(6))} " in shown(card)
    assert f" by {date(later(60))} " in shown(card)
    assert "Reminded" not in shown(notice)

    await silence.sweep(later(4))
    assert date(later(4)) not in shown(card)
    assert f"Reminded {date(later(4))}." in shown(notice)

    await silence.sweep(later(6))
    joined = f"directors joined {date(later(6))}"
    assert joined in shown(card)
    assert "<@U0DANA>" in shown(card)
    assert (
        f"directors can decide it too, along with managers, since {date(later(6))}"
        in shown(notice)
    )
    assert "Withdraw" in shown(notice)


async def test_whoever_joins_may_decide_from_then_on_and_not_before(house: House):
    stage = "{approvers: managers, escalate: {after: 1h, to: directors}}"
    silence = Silence(house, stage, "timezone: UTC")
    request = await silence.begin()
    await stop_clock(house, later(0.9))
    assert (await house.click(DANA, request)).code == "not_in_group"
    await silence.sweep(later(1))
    assert (await house.click(DANA, request)).effect is Effect.APPROVED
    assert (await silence.now()).status is Status.APPROVED


async def test_whoever_joins_counts_for_the_quorum_that_there_was(house: House):
    stage = "{approvers: managers, quorum: 2, escalate: {after: 1h, to: board}}"
    silence = Silence(house, stage, "timezone: UTC")
    request = await silence.begin()
    await silence.sweep(later(1))
    assert (await house.click("U0BEA", request)).effect is Effect.RECORDED
    assert (await house.click(MINA, request)).effect is Effect.APPROVED


async def test_an_escalated_group_is_looked_up_at_the_click(house: House):
    stage = "{approvers: managers, escalate: {after: 1h, to: board}}"
    silence = Silence(house, stage, "timezone: UTC")
    request = await silence.begin()
    house.people.groups = {"usergroup:S0BOARD": ("U0NEW",)}
    house.people.asked.clear()
    await house.click("U0NEW", request)
    assert "usergroup:S0BOARD" not in house.people.asked
    await silence.sweep(later(1))
    assert (await house.click("U0BEA", request)).code == "not_in_group"
    assert "usergroup:S0BOARD" in house.people.asked
    assert (await house.click("U0NEW", request)).effect is Effect.APPROVED


async def test_a_verdict_of_somebody_who_joined_stands_before_the_run(house: House):
    stage = "{approvers: managers, escalate: {after: 1h, to: directors}}"
    silence = Silence(house, stage, "timezone: UTC")
    request = await silence.begin()
    await silence.sweep(later(1))
    await house.click(DANA, request)
    recheck = Recheck(house.pool, house.queue, house.people, house.policies)
    [stands] = await recheck.upheld([await silence.now()], later(1))
    assert stands.status is Status.APPROVED
    house.policies.current = policy(stage, directors=(OMAR,))
    assert await recheck.upheld([await silence.now()], later(1)) == []
    again = await silence.now()
    assert (again.status, again.end.outcome) == (Status.PENDING, Outcome.REOPENED)
    [stage_again] = again.chain.stages
    assert (stage_again.escalated_at, stage_again.opened_at) == (None, later(1))


async def test_a_stage_that_nobody_decides_in_time_ends_the_request(house: House):
    silence = Silence(house, "{approvers: managers, timeout: 2h}", "timezone: UTC")
    request = await silence.begin()
    assert request.deadline == later(2)
    await silence.sweep(later(1.99))
    assert (await silence.now()).is_open
    await silence.sweep(later(2))
    over = await silence.now()
    assert (over.status, over.end.outcome) == (Status.TIMED_OUT, Outcome.OVERDUE)
    assert over.end.note == "managers"
    card = silence.post.slack.messages[0]
    assert "no one in managers decided in time" in shown(card)


async def test_a_click_that_finds_the_stage_over_closes_it(house: House):
    silence = Silence(house, "{approvers: managers, timeout: 2h}", "timezone: UTC")
    request = await silence.begin()
    await stop_clock(house, later(2))
    assert (await house.click(MINA, request)).effect is Effect.TIMED_OUT
    over = await silence.now()
    assert (over.status, over.end.outcome) == (Status.TIMED_OUT, Outcome.OVERDUE)
    assert await silence.sweep(later(3)) == []


async def test_the_time_of_a_later_stage_begins_when_it_opens(house: House):
    chain = f"{MANAGERS}, {{approvers: directors, timeout: 2h}}"
    silence = Silence(house, chain, "timezone: UTC")
    request = await silence.begin()
    assert request.deadline == later(60)
    await stop_clock(house, later(10))
    await house.click(MINA, request)
    assert (await silence.now()).deadline == later(12)
    await silence.sweep(later(11.9))
    assert (await silence.now()).is_open
    await silence.sweep(later(12))
    assert (await silence.now()).end.note == "directors"


async def test_a_shorter_timeout_in_force_ends_an_overdue_stage(house: House):
    silence = Silence(house, MANAGERS, "timezone: UTC")
    request = await silence.begin()
    house.policies.current = policy("{approvers: managers, timeout: 2h}")
    await stop_clock(house, later(3))
    assert (await house.click(MINA, request)).effect is Effect.TIMED_OUT
    assert (await silence.now()).end.outcome is Outcome.OVERDUE
    assert "tightened" in await house.trail(request)


async def test_a_shorter_timeout_in_force_spares_a_passed_stage(house: House):
    silence = Silence(house, f"{MANAGERS}, {{approvers: directors}}", "timezone: UTC")
    request = await silence.begin()
    await stop_clock(house, later(3))
    await house.click(MINA, request)
    short = "{approvers: managers, timeout: 2h}, {approvers: directors}"
    house.policies.current = policy(short)
    assert (await house.click(DANA, request)).effect is Effect.APPROVED
    recheck = Recheck(house.pool, house.queue, house.people, house.policies)
    assert len(await recheck.upheld([await silence.now()], later(3))) == 1
    assert "tightened" not in await house.trail(request)


async def test_an_edit_begins_the_clock_anew(house: House):
    stage = "{approvers: managers, reminders: [1h], timeout: 4h}"
    silence = Silence(house, f"{stage}, {{approvers: directors}}", "timezone: UTC")
    request = await silence.begin()
    await silence.sweep(later(1))
    await stop_clock(house, later(3))
    edited = {"path": "b.txt"}
    await house.click(MINA, request, Verdict.EDIT, arguments=edited)
    now = await silence.now()
    assert [stage.reminded_at for stage in now.chain.stages] == [None, None]
    assert now.deadline == later(60)


async def test_whoever_had_joined_edits_for_others_to_decide(house: House):
    stage = "{approvers: managers, escalate: {after: 1h, to: directors}}"
    silence = Silence(house, stage, "timezone: UTC")
    request = await silence.begin()
    await silence.sweep(later(1))
    edited = {"path": "b.txt"}
    word = await house.click(DANA, request, Verdict.EDIT, arguments=edited)
    assert word.effect is Effect.EDITED
    now = await silence.now()
    assert (now.chain.decisions, now.chain.stages[0].joined) == ((), ())
    assert (await house.click(DANA, request)).code == "not_in_group"
    assert (await house.click(MINA, request)).effect is Effect.APPROVED


async def test_a_reminder_overtaken_by_the_decision_is_not_posted(
    house: House,
):
    silence = Silence(house, MANAGERS, TWICE)
    request = await silence.begin()
    await stop_clock(house, later(4))
    assert await nudge_due(house.pool, house.queue) == 1
    await house.click(MINA, request)
    await silence.post.work()
    assert await silence.sent() == []
    row = await house.rows("SELECT state, error FROM deliveries WHERE kind='reminder'")
    assert row == [{"state": "failed", "error": "out of date"}]


@pytest.mark.parametrize(
    "event", ["reminders: [1h]", "escalate: {after: 1h, to: board}"]
)
async def test_approve_at_the_instant_of_a_reminder_or_an_escalation(
    house: House, event: str
):
    house.policies.current = policy(f"{{approvers: managers, {event}}}")
    post = Post(house)
    await stop_clock(house, MONDAY)
    requests = [await house.ask("pay") for _ in range(8)]
    await post.work()
    await stop_clock(house, later(1))

    async def sweep() -> None:
        await nudge_due(house.pool, house.queue, batch=2)

    words = await asyncio.gather(
        sweep(), *(house.click(MINA, request) for request in requests), sweep()
    )
    await post.work()

    assert [word.effect for word in words[1:-1]] == [Effect.APPROVED] * len(requests)
    for request in requests:
        now = await house.request(request.id)
        assert (now.status, len(now.chain.decisions)) == (Status.APPROVED, 1)
    asking = [m for m in post.slack.messages if CALLED.search(m["text"])]
    assert asking == []  # never posted, or edited since


async def test_approve_at_the_instant_of_the_deadline_is_too_late(house: House):
    silence = Silence(house, "{approvers: managers, timeout: 1h}", "timezone: UTC")
    request = await silence.begin()
    await stop_clock(house, later(1))
    word, _ = await asyncio.gather(
        house.click(MINA, request), expire_due(house.pool, house.queue)
    )
    assert word.effect in {Effect.TIMED_OUT, Effect.LATE}
    over = await silence.now()
    assert (over.status, over.chain.decisions) == (Status.TIMED_OUT, ())
    assert (await house.trail(request)).count("timed_out") == 1


async def test_replicas_share_the_work_and_send_everything_once(house: House):
    house.policies.current = policy("{approvers: managers, reminders: [1h, 2h]}")
    await stop_clock(house, MONDAY)
    conversation = await house.conversation()
    requests = [await house.ask("pay", conversation=conversation) for _ in range(20)]
    async with open_house(house.url) as other:
        for hour in (1, 2):
            await stop_clock(house, later(hour))
            counts = await asyncio.gather(
                *(
                    nudge_due(one.pool, one.queue, batch=2)
                    for one in (house, other)
                    for _ in range(2)
                )
            )
            assert sum(counts) == 20
    for request in requests:
        assert await house.trail(request) == ["requested", "reminded", "reminded"]
    assert (
        await house.one("SELECT count(*) FROM deliveries WHERE kind='reminder'") == 40
    )


async def test_a_reminder_is_sent_later_when_the_trail_refuses(house: House):
    silence = Silence(house, MANAGERS, TWICE)
    request = await silence.begin()
    await stop_clock(house, later(4))
    break_audit(house.url)
    with pytest.raises(Exception, match="the trail is full"):
        await nudge_due(house.pool, house.queue)
    assert (await house.request(request.id)).chain.stages[0].reminded_at is None
    await house.rows("DROP TRIGGER refuse ON audit")
    assert await silence.sweep(later(4)) == [BOTH]


async def test_a_request_without_times_is_never_looked_at(house: House):
    silence = Silence(house, MANAGERS, "timezone: UTC")
    await silence.begin()
    assert await house.one("SELECT wake_at FROM requests") is None


async def test_a_sessions_time_zone_does_not_move_a_deadline(house: House):
    """In that night the clocks of Berlin go forward: a day by the wall has 23 hours."""
    name = await house.one("SELECT current_database()")
    await house.rows(f"ALTER DATABASE {name} SET timezone = 'Europe/Berlin'")
    async with open_house(house.url) as berlin:
        berlin.policies.current = policy("{approvers: managers, timeout: 24h}")
        saturday = dt.datetime(2030, 3, 30, 12, tzinfo=dt.UTC)
        await stop_clock(berlin, saturday)
        request = await berlin.ask("pay")
        assert request.expires_at - saturday == dt.timedelta(hours=60)
        assert request.deadline - saturday == dt.timedelta(hours=24)
        await stop_clock(berlin, saturday + dt.timedelta(hours=23.9))
        assert await expire_due(berlin.pool, berlin.queue) == 0
        await stop_clock(berlin, saturday + dt.timedelta(hours=24))
        assert await expire_due(berlin.pool, berlin.queue) == 1


async def test_a_clock_that_is_put_back_sends_nothing_again(house: House):
    silence = Silence(house, MANAGERS, TWICE)
    await silence.begin()
    assert await silence.sweep(later(4)) == [BOTH]
    assert await silence.sweep(later(3)) == []
    assert await silence.sweep(later(4)) == []
    assert await silence.sweep(later(20)) == [BOTH]


async def test_a_batch_locks_the_chains_of_workspaces_in_one_order(house: House):
    add_to_remind(house.url, "late ", 10)
    await house.rows(
        "UPDATE requests SET team_id = 'T' || right(id, 1)::int %% 3,"
        " wake_at = wake_at + make_interval(secs => right(id, 1)::int)"
    )
    assert await nudge_due(house.pool, house.queue) == 10
    locked = await house.rows("SELECT team_id FROM audit ORDER BY seq")
    teams = [row["team_id"] for row in locked]
    assert len(teams) == 10
    assert teams == sorted(teams)
