"""The hidden control page: who may use it, and that its faults happen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.support.demo import BOT, GENERAL, MINA, OLAF, RAVI
from tests.support.simulated import World, as_page, refusal

PATH = "/simulator/control"


@pytest.fixture
async def page(made: World) -> AsyncIterator[aiohttp.ClientSession]:
    async with as_page(made.simulator) as session:
        yield session


async def control(page: aiohttp.ClientSession, body: Any) -> tuple[int, dict[str, Any]]:
    async with page.post(PATH, json=body) as response:
        return response.status, await response.json()


async def call(made: World) -> aiohttp.ClientResponse:
    """Post a message, without any retry."""
    headers = {"Authorization": "Bearer xoxb-1"}
    body = {"channel": GENERAL, "text": "x"}
    url = made.simulator.api_url + "chat.postMessage"
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=body, headers=headers) as response,
    ):
        await response.read()
        return response


async def test_faults_are_added_listed_and_cleared(page: aiohttp.ClientSession):
    fault = {"method": "chat.update", "kind": "ratelimited", "times": 2}
    status, answer = await control(page, {**fault, "retry_after": 7})
    assert status == 200
    [listed] = answer["faults"]
    assert fault.items() <= listed.items()
    assert listed["retry_after"] == 7
    async with page.get(PATH) as response:
        seen = await response.json()
    assert seen["faults"] == answer["faults"]
    assert "ratelimited" in seen["kinds"]
    assert {"chat.update", "views.open"} <= set(seen["methods"])
    assert (await control(page, {"clear": True}))[1]["faults"] == []


async def test_too_many_requests_then_all_is_well(
    made: World, page: aiohttp.ClientSession
):
    fault = {"method": "chat.postMessage", "kind": "ratelimited", "retry_after": 7}
    await control(page, fault)
    first, second = await call(made), await call(made)
    assert (first.status, first.headers["Retry-After"]) == (429, "7")
    assert second.status == 200
    assert len(made.simulator.messages(GENERAL)) == 1


@pytest.mark.parametrize(
    ("kind", "happens"),
    [
        ("timeout_before", 0),
        ("timeout_after", 1),
        ("cut_before", 0),
        ("cut_after", 1),
    ],
)
async def test_answers_are_lost_before_or_after_the_effect(
    made: World, page: aiohttp.ClientSession, kind: str, happens: int
):
    await control(page, {"method": "*", "kind": kind, "seconds": 0.05})
    with pytest.raises(aiohttp.ClientError):
        await call(made)
    assert len(made.simulator.messages(GENERAL)) == happens


async def test_server_errors_and_slacks_own(made: World, page: aiohttp.ClientSession):
    await control(page, {"method": "*", "kind": "server_error", "status": 502})
    await control(page, {"method": "*", "kind": "error", "error": "fatal_error"})
    assert (await call(made)).status == 502
    assert await (await call(made)).json() == {"ok": False, "error": "fatal_error"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ([], "isn't a JSON object"),
        ({"method": "chat.shout", "kind": "error"}, "`method`"),
        ({"method": "*", "kind": "earthquake"}, "`kind`"),
        ({"method": "*", "kind": "error", "times": -1}, "`times`"),
        ({"method": "*", "kind": "error", "times": True}, "`times`"),
        ({"method": "*", "kind": "error", "seconds": "1"}, "`seconds`"),
        ({"method": "*", "kind": "error", "error": 1}, "`error`"),
        ({"method": "*", "kind": "error", "colour": "red"}, "`colour`"),
    ],
)
async def test_an_invalid_fault_is_refused_with_a_reason(
    made: World, page: aiohttp.ClientSession, body: Any, why: str
):
    status, answer = await control(page, body)
    assert status == 400
    assert why in answer["sentence"]
    assert made.simulator.faults.to_come == ()


FINANCE = {"usergroup": "S0FINANCE0", "users": [MINA, OLAF]}
SECRET = {"channel": "C0SECRET00", "members": [MINA, BOT], "is_private": True}


async def test_a_user_group_is_made_filled_anew_and_disabled(
    made: World, page: aiohttp.ClientSession
):
    ask = made.slack.usergroups_users_list
    status, answer = await control(page, {**FINANCE, "handle": "finance"})
    assert (status, answer["usergroups"]) == (200, {"S0FINANCE0": [MINA, OLAF]})
    assert (await ask(usergroup="S0FINANCE0"))["users"] == [MINA, OLAF]
    await control(page, {**FINANCE, "users": [RAVI]})
    assert (await ask(usergroup="S0FINANCE0"))["users"] == [RAVI]
    [group] = (await made.slack.usergroups_list())["usergroups"]
    assert group["handle"] == "finance"
    await control(page, {**FINANCE, "is_disabled": True})
    refused = await refusal(ask(usergroup="S0FINANCE0"))
    assert refused["error"] == "no_such_subteam"
    await control(page, FINANCE)
    assert (await ask(usergroup="S0FINANCE0"))["users"] == [MINA, OLAF]


async def test_a_channel_is_made_filled_anew_and_archived(
    made: World, page: aiohttp.ClientSession
):
    members, info = made.slack.conversations_members, made.slack.conversations_info
    _, answer = await control(page, {**SECRET, "name": "secret"})
    assert answer["channels"]["C0SECRET00"] == [MINA, BOT]
    channel = (await info(channel="C0SECRET00"))["channel"]
    assert (channel["name"], channel["is_private"]) == ("secret", True)
    await control(page, {**SECRET, "members": [OLAF, BOT]})
    assert (await members(channel="C0SECRET00"))["members"] == [BOT, OLAF]
    await control(page, {**SECRET, "members": [OLAF, BOT], "is_archived": True})
    assert (await info(channel="C0SECRET00"))["channel"]["is_archived"]
    await control(page, {"channel": GENERAL, "members": [MINA]})
    assert (await members(channel=GENERAL))["members"] == [MINA]


async def test_a_channel_refuses_posts_and_edits_until_it_is_open(
    made: World, page: aiohttp.ClientSession
):
    here = {"channel": GENERAL, "members": [MINA, BOT]}
    post, update = made.slack.chat_postMessage, made.slack.chat_update
    ts = (await post(channel=GENERAL, text="x"))["ts"]
    frozen = {"refuses_posts": "restricted_action", "refuses_edits": "is_inactive"}
    await control(page, here | frozen)
    assert (await refusal(post(channel=GENERAL, text="y")))["error"] == (
        "restricted_action"
    )
    edit = update(channel=GENERAL, ts=ts, text="y")
    assert (await refusal(edit))["error"] == "is_inactive"
    await control(page, here | dict.fromkeys(frozen, "none"))
    await post(channel=GENERAL, text="y")
    await update(channel=GENERAL, ts=ts, text="y")


async def test_a_profile_field_is_filled_in_and_emptied(
    made: World, page: aiohttp.ClientSession
):
    async def fields() -> Any:
        return (await made.slack.users_profile_get(user=OLAF))["profile"]["fields"]

    _, answer = await control(page, {"user": OLAF, "fields": {"Xf0MANAGER": MINA}})
    assert answer["fields"] == {RAVI: {"Xf0MANAGER": MINA}, OLAF: {"Xf0MANAGER": MINA}}
    assert await fields() == {"Xf0MANAGER": {"value": MINA, "alt": ""}}
    await control(page, {"user": OLAF, "fields": {"Xf0MANAGER": ""}})
    assert await fields() == []


async def test_a_workspace_joins_an_organisation_and_leaves_it(
    made: World, page: aiohttp.ClientSession
):
    async def person(user: str) -> Any:
        return (await made.slack.users_info(user=user))["user"]

    sibling = {"user": "W0ANN00000", "name": "ann", "team": "T0SIBLING0"}
    await control(page, {**sibling, "teams": ["T0SIBLING0", "T0SIMULATE"]})
    await control(page, {"enterprise": "E0ORGANISE"})
    assert (await made.slack.auth_test())["enterprise_id"] == "E0ORGANISE"
    ann, mina = await person("W0ANN00000"), await person(MINA)
    assert ann["team_id"] == "T0SIBLING0"
    assert ann["enterprise_user"]["teams"] == ["T0SIBLING0", "T0SIMULATE"]
    assert mina["enterprise_user"]["teams"] == ["T0SIMULATE"]
    await control(page, {"user": MINA, "lacks": ["is_restricted"]})
    assert "is_restricted" not in await person(MINA)
    await control(page, {"enterprise": "none"})
    assert "enterprise_id" not in (await made.slack.auth_test()).data
    assert "enterprise_user" not in await person(MINA)


async def test_another_company_shares_a_channel(
    made: World, page: aiohttp.ClientSession
):
    shared = {"channel": "C0SHARED00", "members": [MINA, BOT], "owner": "T0COMPANY0"}
    await control(page, shared)
    channel = (await made.slack.conversations_info(channel="C0SHARED00"))["channel"]
    assert channel["is_ext_shared"]
    assert channel["shared_team_ids"] == ["T0COMPANY0", "T0SIMULATE"]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"user": OLAF, "teams": "T1"}, "`teams` isn't a list of strings"),
        ({"user": "W0NEW00000"}, "no person W0NEW00000"),
        ({**FINANCE, "users": ["U0NOBODY00"]}, "no person U0NOBODY00"),
        ({**FINANCE, "users": MINA}, "`users` isn't a list"),
        ({"usergroup": "S0FINANCE0"}, "`users` isn't a list"),
        ({**FINANCE, "usergroup": ""}, "`usergroup` isn't a string, or is empty"),
        ({**FINANCE, "colour": "red"}, "`colour` isn't one of users"),
        ({**FINANCE, "is_disabled": 1}, "`is_disabled` is neither"),
        ({**SECRET, "is_private": "yes"}, "`is_private` is neither"),
        ({**SECRET, "members": ["U0NOBODY00"]}, "no person U0NOBODY00"),
        ({**SECRET, "name": 1}, "`name` isn't a string"),
        ({"user": "U0NOBODY00", "fields": {}}, "no person U0NOBODY00"),
        (
            {"user": OLAF, "fields": {"Xf0SECRET": "x"}},
            "Xf0SECRET isn't a profile field",
        ),
        ({"user": OLAF, "fields": {"Xf0MANAGER": 1}}, "its value isn't a string"),
    ],
)
async def test_a_change_that_makes_no_sense_changes_nothing(
    page: aiohttp.ClientSession, body: Any, why: str
):
    async with page.get(PATH) as response:
        before = await response.json()
    status, answer = await control(page, body)
    assert status == 400
    assert why in answer["sentence"]
    async with page.get(PATH) as response:
        assert await response.json() == before


async def test_only_this_machines_own_page_may_order_faults(made: World):
    base_url = made.simulator.base_url
    fault = {"method": "*", "kind": "error"}
    for headers in (
        {},
        {"Origin": "http://evil.example"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ):
        async with (
            aiohttp.ClientSession(base_url, headers=headers) as session,
            session.post(PATH, json=fault) as response,
        ):
            assert response.status == 403, headers
    async with (
        aiohttp.ClientSession(base_url, headers={"Host": "evil.example"}) as session,
        session.get(PATH) as response,
    ):
        assert response.status == 403
    assert made.simulator.faults.to_come == ()
