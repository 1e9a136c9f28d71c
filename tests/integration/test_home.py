"""App Home on a real database: what each person sees, and when they get it anew."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from bot.approvals.model import Verdict
from bot.base.errors import RetryLater, SlackUnavailable
from bot.slack.home.desk import PAGE, RECENT
from bot.texts import home as words
from bot.texts.call import mrkdwn_headline
from tests.support.cards_samples import texts
from tests.support.desk_parts import HomeDesk, buttons_of, values_of
from tests.support.house import House, house_fixture
from tests.support.people import DANA, MINA, OLAF, OMAR, RAVI, person

__all__ = ["house_fixture"]


@pytest.fixture
def desk(house: House) -> HomeDesk:
    return HomeDesk(house)


async def test_home_shows_what_waits_with_its_buttons(house: House, desk: HomeDesk):
    later = await house.ask(arguments={"path": "later.txt"})
    sooner = await house.ask(arguments={"path": "sooner.txt"})
    await house.rows(
        "UPDATE requests SET expires_at = expires_at - interval '1 hour' WHERE id = %s",
        sooner.id,
    )
    view = await desk.open(MINA)
    said = "\n".join(texts(view))
    assert said.index("sooner.txt") < said.index("later.txt")
    assert "normal risk" in said
    assert f"<@{RAVI}> asked" in said
    assert buttons_of(view)[:2] == [
        ("desk_approve", sooner.place.token),
        ("desk_reject", sooner.place.token),
    ]
    assert values_of(view) == {sooner.place.token, later.place.token}
    assert len(view["blocks"]) <= 100


async def test_the_first_visit_explains_itself_and_no_other(desk: HomeDesk):
    first, second = await desk.open(MINA), await desk.open(MINA)
    assert words.FIRST_VISIT in texts(first)
    assert words.FIRST_VISIT not in texts(second)
    for empty in (words.NOTHING_WAITS, words.NOTHING_ASKED, words.NOTHING_DECIDED):
        assert empty in texts(second)


async def test_a_click_at_home_decides_as_on_the_card(house: House, desk: HomeDesk):
    request = await house.ask()
    await desk.open(MINA)
    await desk.click("desk_approve", request.place.token)
    now = await house.request(request.id)
    assert now.status == "approved"
    view = desk.slack.views[MINA]
    assert values_of(view) == set()
    assert words.decided("Approved", mrkdwn_headline(request), request.code) in texts(
        view
    )
    assert "approved" in await house.trail(request)


async def test_a_refused_click_is_answered_at_home(house: House, desk: HomeDesk):
    request = await house.ask()
    await desk.open(MINA)
    await house.click(OMAR, request, Verdict.REJECT)
    await desk.click("desk_approve", request.place.token)
    said = "\n".join(texts(desk.slack.views[MINA]))
    assert f"This request is already rejected by <@{OMAR}>" in said
    assert await house.told(MINA) == []


async def test_typed_and_reasoned_buttons_open_the_cards_forms(
    house: House, desk: HomeDesk
):
    house.policies.change("tools: [wipe],", "tools: [wipe], confirm: typed,")
    request = await house.ask()
    await house.rows(
        "UPDATE deliveries SET posted_channel = channel_id, message_ts = '77.7'"
        " WHERE kind = 'card'"
    )
    assert ("desk_approve_typed", request.place.token) in buttons_of(await desk.open())
    await desk.click("desk_approve_typed", request.place.token)
    [form] = desk.slack.opened
    assert form["callback_id"] == "approve_typed"
    assert json.loads(form["private_metadata"])["ts"] == "77.7"
    assert (await house.request(request.id)).is_open


async def test_what_is_not_shown_whole_is_only_opened(house: House, desk: HomeDesk):
    await house.ask(arguments={"path": "x" * 2_000})
    view = await desk.open(MINA)
    assert [action for action, _ in buttons_of(view)] == ["desk_reject"]
    assert "Too long to show here" in "\n".join(texts(view))


async def test_pages_turn_and_end(house: House, desk: HomeDesk):
    for _ in range(PAGE + 1):
        await house.ask()
    view = await desk.open(MINA)
    assert len(values_of(view)) == PAGE
    assert ("home_next", "") in buttons_of(view)
    await desk.click("home_next", "")
    view = desk.slack.views[MINA]
    assert len(values_of(view)) == 1
    assert ("home_previous", "") in buttons_of(view)
    await desk.click("home_previous", "")
    assert len(values_of(desk.slack.views[MINA])) == PAGE


async def test_every_list_turns_over_on_its_own(house: House, desk: HomeDesk):
    for number in range(RECENT + 1):
        await house.approved(arguments={"path": f"{number}.txt"})
    for user, name in ((RAVI, "asked"), (MINA, "decided")):
        view = await desk.open(user)
        assert ("8.txt" in str(view), "0.txt" in str(view)) == (True, False)
        turns = [action for action, _ in buttons_of(view)]
        assert turns == [f"home_next_{name}"]
        await desk.click(f"home_next_{name}", "", user)
        view = desk.slack.views[user]
        assert ("8.txt" in str(view), "0.txt" in str(view)) == (False, True)
        assert any(each.endswith(words.page_number(1)) for each in texts(view))
        await desk.click(f"home_previous_{name}", "", user)
        assert "8.txt" in str(desk.slack.views[user])
        for _ in range(2):  # beyond the last page is the first, and so is what it says
            await desk.click(f"home_next_{name}", "", user)
        assert "8.txt" in str(desk.slack.views[user])
        assert await house.one("SELECT pages FROM home_viewers") == {}
        await house.rows("DELETE FROM home_viewers")


async def test_own_requests_can_be_withdrawn_at_home(house: House, desk: HomeDesk):
    request = await house.ask()
    view = await desk.open(RAVI)
    assert buttons_of(view) == [("desk_withdraw", request.place.token)]
    await desk.click("desk_withdraw", request.place.token, RAVI)
    assert (await house.request(request.id)).status == "withdrawn"


async def test_a_visitors_page_follows_what_happens(house: House, desk: HomeDesk):
    await desk.open(MINA)
    await desk.open(OLAF)
    await desk.pages.mark()
    assert await desk.publish() == 0
    request = await house.ask()
    await desk.pages.mark()
    assert await desk.publish() == 1  # it is none of Olaf's business
    assert values_of(desk.slack.views[MINA]) == {request.place.token}
    await house.click(OMAR, request)
    await desk.pages.mark()
    await desk.pages.mark()
    assert await desk.publish() == 1
    assert values_of(desk.slack.views[MINA]) == set()


async def test_who_has_not_looked_lately_gets_nothing(house: House, desk: HomeDesk):
    await desk.open(MINA)
    await house.rows(
        "UPDATE home_viewers SET opened_at = bot_now() - interval '31 minutes'"
    )
    await house.ask()
    await desk.pages.mark()
    assert await desk.publish() == 0


async def test_a_page_waits_for_slack_and_gives_up_on_refusals(
    house: House, desk: HomeDesk
):
    def refused(error: str, status: int = 200) -> SlackApiError:
        answer: Any = type("Answer", (), {})()
        answer.data, answer.status_code = {"error": error}, status
        answer.headers = {"Retry-After": "7"}
        return SlackApiError(error, answer)

    desk.slack.trouble = [refused("ratelimited", 429), TimeoutError()]
    with pytest.raises(RetryLater):
        await desk.open(MINA)
    await house.rows("UPDATE home_viewers SET taken_until = NULL")
    with pytest.raises(SlackUnavailable):
        await desk.publish()
    await house.rows("UPDATE home_viewers SET taken_until = NULL")
    desk.slack.trouble = [refused("not_enabled")]
    assert await desk.publish() == 0
    assert await desk.publish() == 0
    assert not await house.rows("SELECT 1 FROM home_viewers WHERE shown < revision")


async def test_later_stages_and_live_groups_are_seen_when_open(
    house: House, desk: HomeDesk
):
    two = await house.ask("sign")
    assert await desk.shown(DANA) == []
    await house.click(MINA, two)
    assert await desk.shown(DANA) == [two.code]
    assert await desk.shown(MINA) == []
    desk_of_mina = await desk.desks.read(person(MINA))
    assert [each.code for each in desk_of_mina.decided] == [two.code]
