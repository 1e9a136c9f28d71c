"""Messages that wait, fail, are refused or cannot be read; who counts as asking."""

from __future__ import annotations

import psycopg
import pytest

from bot.base.errors import SlackUnavailable
from bot.conversations.engine import Engine
from bot.conversations.inbox import Incoming, receive
from bot.texts import conversation as texts
from tests.support.agent_parts import crash_once, make_agent
from tests.support.house import House
from tests.support.people import CHANNEL, MINA, OMAR, RAVI, TEAM


async def test_messages_sent_while_waiting_are_kept_and_handed_on(
    house: House,
):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Wiped.", "And hello.")
    conversation = await agent.say()
    request = await agent.request(conversation)
    await agent.say("are you there?", user=OMAR)
    await agent.say("hello?", user=RAVI)
    assert await agent.states() == ["running", "held", "held"]
    held = await house.rows("SELECT id FROM deliveries WHERE kind = 'held'")
    shown = await house.rows(
        "SELECT delivery_id AS id FROM request_messages WHERE request_id = %s",
        request.id,
    )
    assert len(held) == 2
    assert all(each in shown for each in held)
    assert len(agent.model.seen) == 1
    agent.will_say("And hello Ravi.")

    await house.click(OMAR, request)
    await agent.work()

    assert await agent.said() == ["Wiped.", "And hello.", "And hello Ravi."]
    assert await agent.states() == ["answered"] * 3
    shown = [m.text for m in agent.model.seen[-1] if m.type == "human"]
    assert [text.split(": ")[-1] for text in shown] == [
        "please",
        "are you there?",
        "hello?",
    ]


async def test_a_failed_run_is_reported_and_the_conversation_continues(house: House):
    agent = make_agent(house, ValueError("secret detail"), "Now it works.")
    await agent.say()
    assert await agent.states() == ["failed"]
    [said] = await agent.said("say")
    assert said.startswith("Something went wrong inside the bot")
    assert "secret detail" not in said
    await agent.say("again")
    assert await agent.said() == ["Now it works."]
    assert await agent.states() == ["failed", "answered"]


async def test_a_failure_after_an_approved_call_does_not_repeat_it(house: House):
    agent = make_agent(house, ("wipe", {"path": "a"}), ValueError("no"), "Later.")
    conversation = await agent.say()
    await house.click(MINA, await agent.request(conversation))
    await agent.work()
    assert await agent.states() == ["failed"]
    await agent.say("and now?")
    assert agent.ledger.runs == ["wipe a"]
    assert agent.results()["call_0"] == "wipe did a"
    assert await agent.said() == ["Later."]


async def test_whoever_wrote_in_the_turn_is_left_out_of_deciding(house: House):
    agent = make_agent(house, ValueError("no"), ("wipe", {"path": "a"}))
    await agent.say(user=MINA)
    conversation = await agent.say(user=RAVI)
    request = await agent.request(conversation)
    assert (request.people.requester.user, request.people.participants) == (
        RAVI,
        (MINA,),
    )
    assert (await house.click(MINA, request)).code == "participant"


async def test_an_answered_turn_leaves_nobody_out_of_the_next(house: House):
    agent = make_agent(house, "Hello Mina.", ("wipe", {"path": "a"}))
    await agent.say(user=MINA)
    conversation = await agent.say(user=RAVI)
    assert (await agent.request(conversation)).people.participants == ()


async def test_who_may_not_ask_is_told_privately_and_nothing_runs(house: House):
    agent = make_agent(house)
    house.people.refusals[OMAR] = "guest"
    await agent.say(user=OMAR)
    assert await agent.states() == ["refused"]
    assert await house.told(OMAR) == [texts.may_not_ask("guest")]
    assert agent.model.seen == []
    assert "refused" in await house.trail()


async def test_an_unusable_message_is_answered_and_the_next_is_read(
    house: House,
):
    agent = make_agent(house, "Hello.")
    await house.write("  ")
    await house.write("x" * 40_000)
    await agent.say("hello")
    assert await agent.said("say") == [
        texts.EMPTY_MESSAGE,
        texts.too_long_message(40_000, 20_000),
    ]
    assert await agent.said() == ["Hello."]
    assert await agent.states() == ["answered"] * 3


async def test_while_slack_is_away_a_message_waits(house: House):
    agent = make_agent(house, "Hello.")
    house.people.down = True
    with pytest.raises(SlackUnavailable):
        await agent.say()
    assert await agent.said() == []
    house.people.down = False
    await agent.work()
    assert await agent.said() == ["Hello."]


async def test_a_guest_is_turned_away_once_slack_says_so(house: House):
    agent = make_agent(house)
    house.people.down = True
    with pytest.raises(SlackUnavailable):
        await agent.say()
    house.people.down, house.people.refusals = False, {RAVI: "guest"}
    await agent.work()
    assert await agent.states() == ["refused"]
    assert agent.model.seen == []


async def test_trouble_of_the_database_during_a_run_is_tried_again(
    house: House, monkeypatch
):
    agent = make_agent(house, ("wipe", {"path": "a"}), "Done.")
    gone = psycopg.OperationalError("gone away")
    crash_once(monkeypatch, Engine, "start", error=gone)
    with pytest.raises(psycopg.OperationalError):
        await agent.say()
    assert await agent.states() == ["running"]
    await agent.work()
    [request] = await house.rows("SELECT status FROM requests")
    assert request == {"status": "pending"}


async def test_two_people_in_two_threads_have_two_conversations(house: House):
    agent = make_agent(house, "Hello Ravi.", "Hello Omar.")
    one = await agent.say(user=RAVI, thread_ts="1.1")
    other = await agent.say(user=OMAR, thread_ts="2.2")
    assert one != other
    shown = [m.text for m in agent.model.seen[-1] if m.type == "human"]
    assert len(shown) == 1


async def test_messages_out_of_order_are_taken_as_written(
    house: House,
):
    agent = make_agent(house, "To one.", "To two.")
    for ts, text in (("101.000002", "two"), ("101.000001", "one")):
        event = Incoming("", TEAM, CHANNEL, ts, "100.1", f"Ev-{ts}", RAVI, text)
        assert await receive(house.pool, house.queue, event)
    await agent.work()
    shown = [m.text for m in agent.model.seen[-1] if m.type == "human"]
    assert [text.split(": ")[-1] for text in shown] == ["one", "two"]
    assert await agent.said() == ["To one.", "To two."]


async def test_whoever_waits_for_slack_is_told_once_an_hour(house: House):
    agent = make_agent(house, "Hello.")
    conversation, other = await house.write(), await house.write(thread_ts="200.2")
    talk = agent.runner.talk

    for _ in range(3):
        await talk.tell_waiting(conversation)
    await talk.tell_waiting(other)
    assert await agent.said("say") == [texts.WAITING_FOR_SLACK] * 2
    assert len(house.handed) == 2
    await house.pass_time(minutes=61)
    await talk.tell_waiting(conversation)

    assert len(await agent.said("say")) == 3
