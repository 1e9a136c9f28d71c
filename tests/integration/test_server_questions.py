"""A server's question: who may answer, once, in time, and what ends it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from agent.tools.mcp_transport import Reply
from bot.approvals.model import Place
from bot.conversations.conversation import ASIDE
from bot.conversations.stop_and_retry import Stopper
from bot.conversations.tool_servers import (
    Click,
    ServerAnswers,
    ServerQuestions,
)
from bot.slack.cards.edit_form import can_show
from tests.support.house import House
from tests.support.people import APP, CHANNEL, MINA, RAVI, person

SCHEMA = {
    "type": "object",
    "properties": {"yes": {"type": "boolean"}},
    "required": ["yes"],
}
HERE = Place(APP, CHANNEL, "200.1", thread="100.1")


def answers(house: House) -> ServerAnswers:
    return ServerAnswers(house.pool, house.people, house.queue, lambda: APP)


async def take(house: House, question: str, who=RAVI, verdict="answer", **content):
    click = Click(question, person(who), HERE, verdict, content or None)
    return await answers(house).take(click)


class Asked:
    """A call that waits for an answer."""

    def __init__(self, house: House, conversation: str) -> None:
        self.house, self.conversation = house, conversation
        self.questions = ServerQuestions(house.pool, house.queue, can_show)
        self.id = ""
        ask = self.questions.ask(conversation, "odd", "Sure?", SCHEMA)
        self.reply = asyncio.create_task(ask)

    async def stands(self) -> None:
        while not self.questions.waiting:
            assert not self.reply.done()
            await asyncio.sleep(0)
        self.id = str(await self.house.one("SELECT delivery_id FROM server_questions"))
        await self.house.rows(
            "UPDATE deliveries SET posted_channel = %s, message_ts = %s WHERE id = %s",
            *(CHANNEL, HERE.message, self.id),
        )

    async def came_of_it(self) -> Reply | None:
        self.questions.wake(self.conversation)
        return await self.reply

    async def row(self) -> tuple[str, object]:
        [row] = await self.house.rows("SELECT status, answer FROM server_questions")
        return row["status"], row["answer"]


@asynccontextmanager
async def asking(house: House):
    """A question that stands, in a turn of Ravi's."""
    conversation = await house.write()
    await house.rows("UPDATE messages SET state = 'running'")
    asked = Asked(house, conversation)
    await asked.stands()
    try:
        yield asked
    finally:
        asked.reply.cancel()


async def refusal(house: House) -> str:
    words = await house.rows(
        "SELECT detail->>'word' AS word FROM audit WHERE event = 'refused'"
        " ORDER BY seq DESC LIMIT 1"
    )
    return words[0]["word"]


async def test_threat_77_only_who_asked_answers_a_server(house: House):
    async with asking(house) as asked:
        assert await take(house, asked.id, MINA, yes=True) == (None, "")
        assert await refusal(house) == "not_asked"
        assert "can answer this" in (await house.told(MINA))[-1]
        for change in (
            {"place": replace(HERE, app="A0OTHER")},
            {"place": replace(HERE, message="1.1")},
            {"person": replace(person(RAVI), team="T0OTHER")},
        ):
            click = Click(asked.id, person(RAVI), HERE, "answer", {"yes": True})
            assert await answers(house).take(replace(click, **change)) == (None, "")
        house.people.refusals[RAVI] = "guest"
        assert await take(house, asked.id, yes=True) == (None, "")
        assert await refusal(house) == "guest"
        house.people.down = True
        assert await take(house, asked.id, yes=True) == (None, "")
        assert await refusal(house) == "could_not_check"
        assert await asked.row() == ("open", None)


async def test_of_two_answers_at_once_one_is_written(house: House):
    async with asking(house) as asked:
        question, wrong = await take(house, asked.id, yes="perhaps")
        assert question is not None
        assert "yes" in wrong
        await asyncio.gather(
            take(house, asked.id, yes=True), take(house, asked.id, verdict="decline")
        )
        status, _ = await asked.row()
        reply = await asked.came_of_it()
        assert reply in (Reply("accept", {"yes": True}), Reply("decline"))
        assert await asked.row() == (status, None)  # the answer is not kept
        assert await refusal(house) == "question_over"
        assert (await house.trail()).count("server_answered") == 1


async def test_an_answer_after_its_time_sends_nothing(house: House):
    async with asking(house) as asked:
        await house.pass_time(minutes=5)
        assert await take(house, asked.id, yes=True) == (None, "")
        assert "is over" in (await house.told(RAVI))[-1]
        assert await asked.came_of_it() == Reply("cancel")
        assert await asked.row() == ("over", None)


async def test_a_stop_ends_a_question(house: House):
    async with asking(house) as asked:
        stop = Stopper(house.pool, house.people, house.policies, house.queue, str)
        assert await stop.stop_thread(person(RAVI), (CHANNEL, "100.1")) == ""
        assert await take(house, asked.id, yes=True) == (None, "")
        assert await refusal(house) == "question_over"
        assert await asked.came_of_it() == Reply("cancel")


async def test_the_end_of_a_call_ends_its_question(house: House):
    async with asking(house) as asked:
        asked.reply.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked.reply
        assert await asked.row() == ("over", None)


async def test_what_cannot_be_put_is_not_asked(house: House):
    conversation = await house.write()
    ask = ServerQuestions(house.pool, house.queue, can_show).ask
    assert await ask(conversation, "odd", "Sure?", SCHEMA) is None  # no turn
    await house.rows("UPDATE messages SET state = 'running'")
    assert await ask(None, "odd", "Sure?", SCHEMA) is None
    assert await ask(conversation, "odd", " ", SCHEMA) is None
    assert await ask(conversation, "odd", "x" * 2_001, SCHEMA) is None
    listed = {"properties": {"all": {"type": "array"}}}
    assert await ask(conversation, "odd", "Sure?", listed) is None
    await house.rows("UPDATE conversations SET channel_id = %s", ASIDE)
    assert await ask(conversation, "odd", "Sure?", SCHEMA) is None
    assert await house.rows("SELECT 1 FROM server_questions") == []
