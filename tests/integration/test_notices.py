"""Events and e-mails in their outboxes: one process at a time, events in order."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from bot.jobs.courier import Courier
from bot.notices.email import Emails
from bot.notices.feed import Feed
from bot.notices.webhook import Hook, Webhook
from tests.support.house import House
from tests.support.people import MINA

HOOK = Hook("http://127.0.0.1:9/", "secret", allow_private=True)


class Receiver:
    """The receiver of events: the answers that it gives, and what it was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[str] = []
        self.got: list[int] = []
        monkeypatch.setattr("bot.notices.webhook.hand_over", self.hand_over)

    async def hand_over(self, hook: Hook, seq: int, body: str) -> str:
        self.got.append(seq)
        return self.answers.pop(0) if self.answers else "200"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    return Receiver(monkeypatch)


@pytest.fixture
def courier(house: House) -> Courier:
    return Courier(house.pool, Webhook(house.pool, HOOK))


async def told(house: House) -> list[str]:
    """Tell what has happened; the keys that were handed over, in order."""
    handed: list[str] = []
    feed = Feed(house.pool, house.policies, "urn:x", handed.append, None)
    await feed.work_off()
    return handed


async def events(house: House, request: str) -> list[dict[str, Any]]:
    return await house.rows(
        "SELECT seq, state, tries, answer, due_at > clock_timestamp() AS waits"
        " FROM webhook_events WHERE request_id = %s ORDER BY seq",
        request,
    )


async def test_the_events_of_a_request_go_out_in_their_order(
    house: House, receiver: Receiver, courier: Courier
):
    request = await house.ask()
    await house.click(MINA, request)
    assert await told(house) == [request.id] * 2

    receiver.answers = ["503"]
    assert await courier.bring(request.id) == 5
    first, second = await events(house, request.id)
    assert (first["state"], first["tries"], first["answer"]) == ("queued", 1, "503")
    assert (first["waits"], second["tries"]) == (True, 0)
    assert await courier.pick() == []  # the second waits for the first

    assert await courier.bring(request.id) is None
    assert receiver.got == [first["seq"], first["seq"], second["seq"]]
    states = [
        (each["state"], each["tries"]) for each in await events(house, request.id)
    ]
    assert states == [("sent", 2), ("sent", 1)]


async def test_an_event_that_another_process_holds_is_left_to_it(
    house: House, receiver: Receiver, courier: Courier
):
    request = await house.ask()
    await told(house)
    lease = (
        "UPDATE webhook_events SET taken_until = clock_timestamp() + interval '%s s'"
    )
    await house.rows(lease % 60)
    assert (await courier.bring(request.id), await courier.pick()) == (None, [])
    await house.rows(lease % -1)
    assert await courier.pick() == [request.id]
    await courier.bring(request.id)
    assert len(receiver.got) == 1


async def test_an_event_is_given_up_after_its_time(
    house: House, receiver: Receiver, courier: Courier
):
    request = await house.ask()
    await told(house)
    await house.pass_time(days=4)
    receiver.answers = ["302"]
    assert await courier.bring(request.id) is None
    [event] = await events(house, request.id)
    assert (event["state"], event["answer"]) == ("given_up", "302")


async def test_a_trouble_of_slack_postpones_an_email(house: House):
    request = await house.ask()
    emails = Emails(
        house.pool, house.people, house.policies, Away(), None, None, None, False
    )
    courier = Courier(house.pool, emails)
    await house.rows(
        "INSERT INTO emails (id, seq, request_id, team_id, user_id, kind)"
        " VALUES (gen_random_uuid(), 1, %s, 'T1', %s, 'notice')",
        request.id,
        MINA,
    )
    [key] = await courier.pick()
    assert [await courier.bring(key) for _ in range(3)] == [1, 2, 4]
    row = "SELECT tries, state, due_at - clock_timestamp() AS wait FROM emails"
    [email] = await house.rows(row)
    assert (email["tries"], email["state"]) == (3, "queued")
    assert dt.timedelta(0) < email["wait"] <= dt.timedelta(seconds=4)


class Away:
    async def of(self, person: str) -> str:
        raise OSError("away")
