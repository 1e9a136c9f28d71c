"""A request's life, read from the rows of the trail alone."""

from __future__ import annotations

from bot.slack.history import card_history, request_history
from tests.support.house import REJECT, House
from tests.support.people import APPROVALS, MINA, OLAF, RAVI
from tests.support.post import Post


async def told(house: House, request: str) -> list[str]:
    return [each.text for each in await request_history(house.pool, request)]


async def test_a_request_is_told_from_its_message_to_its_end(post: Post, house: House):
    request = await house.ask()
    await post.work()
    await house.click(OLAF, request)
    await house.click(MINA, request, REJECT, reason="not today")
    lines = await told(house, request.id)
    assert lines == [
        f"<@{RAVI}> wrote to the agent in <#C0GENERAL>.",
        f"The agent asked to run `wipe` for <@{RAVI}>. The rule *wiping* wants"
        " people to decide.",
        f"The card was posted in <#{APPROVALS}>.",
        f"<@{OLAF}> clicked Approve and was refused: <@{OLAF}> is not among those"
        " who can decide it.",
        f"<@{MINA}> rejected it: “not today”",
    ]
    card = await house.request(request.id)
    on_card = await card_history(house.pool, card.place.channel, card.place.ts)
    assert [each.text for each in on_card] == lines


async def test_no_other_table_is_needed(post: Post, house: House):
    request = await house.ask()
    await post.work()
    card = await house.request(request.id)
    lines = await told(house, request.id)
    for table in ("requests", "request_messages", "deliveries", "messages"):
        await house.rows(f"ALTER TABLE {table} RENAME TO {table}_gone")
    assert await told(house, request.id) == lines
    found = await card_history(house.pool, card.place.channel, card.place.ts)
    assert [each.text for each in found] == lines


async def test_what_is_erased_is_said_to_be(house: House):
    request = await house.ask()
    await house.click(MINA, request, REJECT, reason="not today")
    await house.rows("DELETE FROM audit_texts")
    assert (await told(house, request.id))[-1] == f"<@{MINA}> rejected it: “[erased]”"


async def test_another_place_has_no_history(house: House):
    assert await card_history(house.pool, APPROVALS, "1.2") == []
    assert await request_history(house.pool, "nothing") == []
