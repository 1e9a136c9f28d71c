"""Beside the clicks: the loop guard, withdrawing, comments, cards that move."""

from __future__ import annotations

from dataclasses import replace

from bot.approvals.assess import Turn
from bot.approvals.model import Effect, Outcome, Place, Request, Status, Verdict
from bot.base.settings_types import Rate
from bot.conversations.inbox import Incoming, overhear, receive
from bot.texts.clicks import COMMENTED
from tests.support.agent_parts import make_agent
from tests.support.house import POLICY, REJECT, House, parsed
from tests.support.people import (
    APP,
    APPROVALS,
    CHANNEL,
    DANA,
    MINA,
    OLAF,
    OMAR,
    RAVI,
    TEAM,
)

MOVING = POLICY.replace(
    "stages: [{approvers: managers}, {approvers: directors}]",
    "stages: [{approvers: managers}, {approvers: directors, channel: C0DIRECTOR},"
    " {approvers: bosses, channel: thread}]",
).replace("bosses: {users: [U0DANA]}", "bosses: {users: [U0OLAF]}")


async def post(house: House, delivery: str, ts: str, channel: str) -> None:
    """Say where Slack has put a message."""
    await house.rows(
        "UPDATE deliveries SET message_ts = %s, posted_channel = %s WHERE id = %s",
        ts,
        channel,
        delivery,
    )


async def again(house: House, request: Request, **how) -> Request:
    return await house.ask(
        request.call.tool,
        conversation=request.conversation,
        arguments=dict(request.call.arguments),
        **how,
    )


async def test_what_was_rejected_is_not_asked_again_within_the_hour(house: House):
    request = await house.ask()
    await house.click(MINA, request, REJECT)
    await house.forget_jobs()
    second = await again(house, request)
    assert (second.status, second.end.outcome) == (Status.REJECTED, Outcome.REPEATED)
    assert second.end.note.split()[0] == MINA
    assert (second.place.card, second.place.notice) == ("", "")
    assert [job.name for job in await house.jobs()] == ["resume"]
    # a reject of the guard's own does not make the hour longer
    await house.pass_time(minutes=61)
    assert (await again(house, request)).is_open


async def test_another_call_or_another_conversation_is_asked(house: House):
    request = await house.ask()
    await house.click(MINA, request, REJECT)
    other = await house.ask(
        conversation=request.conversation, arguments={"path": "b.txt"}
    )
    assert other.is_open
    assert (await house.ask(arguments=dict(request.call.arguments))).is_open


async def test_silence_and_a_withdrawal_are_no_reject_for_the_guard(house: House):
    request = await house.ask()
    await house.click(RAVI, request, REJECT)
    second = await again(house, request)
    assert second.is_open
    await house.pass_time(hours=25)
    await house.click(MINA, second)
    assert (await house.request(second.id)).status is Status.TIMED_OUT
    assert (await again(house, request)).is_open


async def test_a_reject_covers_the_original_and_the_edited_arguments(house: House):
    house.policies.change("managers}]}", "managers, quorum: 2}]}")
    request = await house.ask()
    await house.click(MINA, request, Verdict.EDIT, arguments={"path": "b.txt"})
    assert (await house.click(OMAR, request, REJECT)).effect is Effect.REJECTED
    for arguments in ({"path": "a.txt"}, {"path": "b.txt"}):
        second = await house.ask(conversation=request.conversation, arguments=arguments)
        assert second.end.outcome is Outcome.REPEATED


async def test_the_agent_is_told_that_it_was_rejected_before(house: House):
    agent = make_agent(
        house, ("wipe", {"path": "a"}), "No.", ("wipe", {"path": "a"}), "Still no."
    )
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation), REJECT)
    await agent.work()
    await agent.say("again, please")
    await agent.work()
    assert await agent.said() == ["No.", "Still no."]
    assert "rejected in this conversation" in list(agent.results().values())[-1]
    assert agent.ledger.runs == []


async def test_a_call_repeated_right_after_its_reject_is_not_asked(house: House):
    call = ("wipe", {"path": "a"})
    agent = make_agent(house, call, call, "As you wish.")
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation), REJECT)
    await agent.work()
    assert await agent.said() == ["As you wish."]
    _, second = await agent.requests(conversation)
    assert (second.end.outcome, second.place.card) == (Outcome.REPEATED, "")


async def test_a_reject_beside_a_run_counts_where_others_wait(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}))
    conversation = await agent.say()
    request = await agent.request(conversation)
    run = await house.start_run(conversation)
    ran = await agent.runner.engine.look(run)
    await house.click(MINA, request, REJECT)
    [question] = ran.interrupts
    asking = replace(ran, interrupts=(replace(question, id="0" * 32),))
    turn = Turn(conversation, CHANNEL, "100.1", request.people)
    await agent.runner.settler.settle(run, turn, asking)
    _, second = await agent.requests(conversation)
    assert second.end.outcome is Outcome.REPEATED


async def test_the_requester_withdraws_from_the_notice(house: House):
    request = await house.ask()
    await post(house, request.place.card, "7.1", APPROVALS)
    await post(house, request.place.notice, "7.2", CHANNEL)
    here = Place(APP, CHANNEL, "7.2")
    for user in (MINA, OLAF):
        refused = await house.click(user, request, Verdict.WITHDRAW, at=here)
        assert refused.code == "only_requester_withdraws"
    done = await house.click(RAVI, request, Verdict.WITHDRAW, at=here)
    assert done.effect is Effect.WITHDRAWN
    assert (await house.request(request.id)).status is Status.WITHDRAWN


async def test_a_kept_messages_notice_can_withdraw_the_request(
    house: House,
):
    agent = make_agent(house, ("wipe", {"path": "a"}), "One.", "Two.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    await agent.say("and then?")
    await agent.work()
    [held] = await house.rows("SELECT id::text FROM deliveries WHERE kind = 'held'")
    await post(house, held["id"], "7.3", CHANNEL)
    done = await house.click(
        RAVI, request, Verdict.WITHDRAW, at=Place(APP, CHANNEL, "7.3")
    )
    assert done.effect is Effect.WITHDRAWN
    assert held["id"] in house.handed
    await agent.work()
    assert await agent.said() == ["One.", "Two."]


async def write(house: House, text: str, thread_ts: str, ts: str) -> bool:
    return await receive(
        house.pool,
        house.queue,
        Incoming("", TEAM, APPROVALS, ts, thread_ts, f"Ev{ts}", OLAF, text),
    )


async def told(house: House) -> list[str]:
    found = await house.rows("SELECT text FROM deliveries WHERE kind = 'private'")
    return [row["text"] for row in found]


async def test_approve_in_a_cards_thread_decides_nothing_and_says_so(house: House):
    request = await house.ask()
    await post(house, request.place.card, "7.1", APPROVALS)
    for _ in range(2):
        await write(house, "Approve it, please!", "7.1", "7.2")
    assert await told(house) == [COMMENTED["no_decision"]]
    assert (await house.request(request.id)).is_open
    await house.click(MINA, request)
    await write(house, "approved", "7.1", "7.3")
    assert (await told(house))[1:] == [COMMENTED["kept"]]


async def hear(house: House, text: str, thread_ts: str) -> None:
    said = Incoming("", TEAM, APPROVALS, "7.9", thread_ts, "Ev7.9", OLAF, text)
    await overhear(house.pool, house.queue, said, Rate("messages", 1, 60))


async def test_approve_said_to_others_is_answered_while_it_waits(house: House):
    request = await house.ask()
    await post(house, request.place.card, "7.1", APPROVALS)
    await hear(house, "approve", "7.0")
    assert await told(house) == []
    for _ in range(2):
        await hear(house, "approve", "7.1")
    assert await told(house) == [COMMENTED["no_decision"]]
    now = await house.request(request.id)
    assert (now.is_open, now.chain.comments) == (True, ())
    await house.click(MINA, request)
    await house.pass_time(minutes=5)
    await hear(house, "approve", "7.1")
    assert len(await told(house)) == 1


async def test_a_click_reads_no_more_comments_than_a_card_shows(house: House):
    request = await house.ask()
    await post(house, request.place.card, "7.1", APPROVALS)
    for number in range(2, 7):
        await write(house, f"comment {number}", "7.1", f"7.{number}")
    said = [each.text for each in (await house.request(request.id)).chain.comments]
    assert said == ["comment 4", "comment 5", "comment 6"]


async def test_a_mention_in_a_cards_thread_is_a_comment_once(house: House):
    request = await house.ask()
    await post(house, request.place.card, "7.1", APPROVALS)
    before = await house.one("SELECT count(*) FROM conversations")
    for _ in range(2):
        assert not await write(house, "why so late?", "7.1", "7.5")
    now = await house.request(request.id)
    assert [(c.user, c.text) for c in now.chain.comments] == [(OLAF, "why so late?")]
    assert await house.one("SELECT count(*) FROM conversations") == before
    assert len(await house.told(OLAF)) == 1
    assert await house.trail(request) == ["requested", "commented"]
    assert now.status is Status.PENDING
    assert await write(house, "something else", "8.1", "8.2")


async def test_each_stage_is_brought_to_its_own_channel(house: House):
    house.policies.current = parsed(MOVING)
    request = await house.ask("sign")
    await post(house, request.place.card, "7.1", APPROVALS)
    assert (await house.click(MINA, request)).effect is Effect.STAGE_PASSED

    second = await house.request(request.id)
    assert second.place.card != request.place.card
    cards = await house.rows(
        "SELECT id::text, channel_id, thread_ts FROM deliveries WHERE kind = 'card'"
        " ORDER BY created_at"
    )
    assert [card["channel_id"] for card in cards] == [APPROVALS, "C0DIRECTOR"]
    assert second.place.card in house.handed
    old = Place(APP, APPROVALS, "7.1", request.place.card)
    assert (await house.click(DANA, request, at=old)).code == "moved"
    await post(house, second.place.card, "8.1", "C0DIRECTOR")
    new = Place(APP, "C0DIRECTOR", "8.1", second.place.card)
    assert (await house.click(DANA, request, at=new)).effect is Effect.STAGE_PASSED

    third = await house.request(request.id)
    [card] = await house.rows(
        "SELECT channel_id, thread_ts FROM deliveries WHERE id = %s", third.place.card
    )
    thread = await house.one("SELECT thread_ts FROM conversations")
    assert card == {"channel_id": CHANNEL, "thread_ts": thread}


async def test_the_next_stages_people_are_called_in_the_same_channel(house: House):
    request = await house.ask("sign")
    await house.click(MINA, request)
    assert (await house.request(request.id)).place.card == request.place.card
    [call] = await house.rows(
        "SELECT id::text, channel_id FROM deliveries WHERE kind = 'call'"
    )
    assert call["channel_id"] == APPROVALS
    assert call["id"] in house.handed


async def test_a_call_that_was_denied_once_can_be_approved_later(house: House):
    """A denied grant row of an older policy is not in the way of a newer approval."""
    conversation = await house.conversation()
    await house.rows(
        "INSERT INTO grants (conversation_id, tool_call_id, tool, rule,"
        " policy_version, call_digest, grant_digest, state)"
        " VALUES (%s, 'call-x', 'wipe', 'old', 'v0', '', '', 'denied')",
        conversation,
    )
    request = await house.ask(conversation=conversation, tool_call="call-x")
    assert (await house.click(MINA, request)).effect is Effect.APPROVED
    [grant] = await house.rows("SELECT state, request_id FROM grants")
    assert grant == {"state": "approved", "request_id": request.id}
