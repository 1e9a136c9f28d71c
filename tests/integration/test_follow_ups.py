"""Replies without a mention, edits and deletions: what counts as asking, and once."""

from __future__ import annotations

from bot.conversations.inbox import Change, Incoming, change, receive
from tests.support.agent_parts import make_agent
from tests.support.house import House
from tests.support.people import CHANNEL, MINA, OMAR, RAVI, TEAM


def reply(text: str, user: str, *, thread_ts: str = "100.1") -> Incoming:
    """A reply that mentions nobody."""
    ts = f"2000.{abs(hash((text, user))) % 10**6:06}"
    event_id = f"Ev-{text}-{user}"
    return Incoming(
        "", TEAM, CHANNEL, ts, thread_ts, event_id, user, text, is_follow_up=True
    )


async def take(house: House, incoming: Incoming) -> bool:
    return await receive(house.pool, house.queue, incoming)


async def test_who_asked_goes_on_without_a_mention(house: House):
    agent = make_agent(house, "Hello.", "And again.")
    await agent.say("hello", user=RAVI)

    assert await take(house, reply("and again", RAVI))
    await agent.work()

    assert await agent.said() == ["Hello.", "And again."]


async def test_threat_73_talk_of_others_and_elsewhere_is_not_taken(house: House):
    agent = make_agent(house, "Hello.")
    house.people.refusals[OMAR] = "guest"
    await agent.say("hello", user=RAVI)
    await agent.say("hello", user=OMAR)  # may not ask, so has not

    assert not await take(house, reply("me too", MINA))
    assert not await take(house, reply("please", OMAR))
    assert not await take(house, reply("elsewhere", RAVI, thread_ts="300.3"))

    assert len(await agent.states()) == 2


async def test_both_events_of_one_post_are_one_message(house: House):
    agent = make_agent(house, "Hello.", "Once.")
    await agent.say("hello", user=RAVI)
    twin = reply("once", RAVI)

    assert await take(house, twin)
    mention = Incoming(TEAM, TEAM, CHANNEL, twin.ts, "100.1", "Ev-m", RAVI, "once")
    assert not await take(house, mention)
    await agent.work()

    assert await agent.said() == ["Hello.", "Once."]


def changed(incoming: Incoming, text: str, *, user: str = RAVI, gone: bool = False):
    return Change(TEAM, CHANNEL, incoming.ts, user, text, gone)


async def test_an_edit_counts_until_the_message_is_taken(house: House):
    agent = make_agent(house, "Hello.", "Done.")
    await agent.say("hello", user=RAVI)
    waiting = reply("delete a", RAVI)
    await take(house, waiting)

    await change(house.pool, changed(waiting, "delete c", user=MINA))  # not hers
    await change(house.pool, changed(waiting, "delete b"))
    await agent.work()
    await change(house.pool, changed(waiting, "delete everything"))
    await agent.work()

    shown = [m.text for m in agent.model.seen[-1] if m.type == "human"]
    assert shown == ["hello", "delete b"]
    assert len(agent.model.seen) == 2


async def test_what_was_deleted_before_is_never_read(house: House):
    agent = make_agent(house, "Hello.")
    await agent.say("hello", user=RAVI)
    waiting = reply("delete a", RAVI)
    await take(house, waiting)

    await change(house.pool, changed(waiting, "", gone=True))
    await agent.work()
    assert not await take(house, waiting)  # its event comes again

    assert await agent.states() == ["answered", "deleted"]
    assert len(agent.model.seen) == 1


async def test_help_is_answered_without_the_model(house: House):
    agent = make_agent(house)
    talk = agent.runner.talk
    object.__setattr__(talk, "help", lambda: "This is what I do.")

    await agent.say(" Help? ")

    assert await agent.said("say") == ["This is what I do."]
    assert agent.model.seen == []


async def test_a_channel_is_told_once_how_to_go_on(house: House):
    agent = make_agent(house, "One.", "Two.", "Three.")
    talk = agent.runner.talk
    object.__setattr__(talk, "hint", lambda channel: f"Mention me in {channel}.")

    await agent.say()
    await agent.say()
    talk.hinted.clear()  # as in another process
    await agent.say(thread_ts="200.2")

    assert await agent.said("say") == [f"Mention me in {CHANNEL}."]
