"""Sign in with Slack against the simulator: what is taken, what is refused."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from bot.approvals.model import Person, Profile
from bot.base.errors import SlackUnavailable
from bot.simulator import Simulator
from bot.simulator.sign_ins import Given
from bot.slack.client import make_client
from bot.slack.openid import NotSignedIn, OpenId
from bot.web.links.routes import is_whose
from bot.web.links.tokens import Link
from tests.support.demo import MAREK, MINA

BACK = "https://bot.example/approve/signed-in"


@pytest.fixture
async def openid(simulator: Simulator) -> AsyncIterator[OpenId]:
    sign_ins = simulator.workspace.sign_ins
    async with aiohttp.ClientSession() as session:
        client = make_client(None, simulator.api_url, session)
        yield OpenId(
            client, simulator.api_url, sign_ins.client_id, sign_ins.client_secret
        )


def code(simulator: Simulator, **changes: Any) -> str:
    now = simulator.workspace.clock()
    given = Given(MINA, simulator.workspace.team_id, BACK, "nonce", now)
    return simulator.workspace.sign_ins.give(replace(given, **changes))


async def test_a_code_names_its_person_once(simulator: Simulator, openid: OpenId):
    given = code(simulator)
    who = await openid.person(given, redirect=BACK, nonce="nonce")
    assert who == (simulator.workspace.team_id, MINA)
    with pytest.raises(NotSignedIn, match="invalid_code"):
        await openid.person(given, redirect=BACK, nonce="nonce")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"nonce": "another"}, "nonce"),
        ({"redirect": "https://evil.example"}, "bad_redirect_uri"),
        ({"at": 0.0}, "invalid_code"),
    ],
)
async def test_a_code_for_something_else_names_nobody(
    simulator: Simulator, openid: OpenId, changes: dict[str, Any], word: str
):
    with pytest.raises(NotSignedIn, match=word):
        await openid.person(code(simulator, **changes), redirect=BACK, nonce="nonce")


@pytest.mark.parametrize(
    ("name", "word"),
    [("client_id", "invalid_client_id"), ("client_secret", "bad_client_secret")],
)
async def test_an_app_with_a_wrong_name_or_secret_learns_nothing(
    simulator: Simulator, openid: OpenId, name: str, word: str
):
    other = replace(openid, **{name: "1.1"})
    with pytest.raises(NotSignedIn, match=word):
        await other.person(code(simulator), redirect=BACK, nonce="nonce")


def token(**changes: Any) -> str:
    claims = {
        "iss": "https://slack.com",
        "aud": "1000000000.2000000000",
        "nonce": "nonce",
        "exp": 4e9,
        "https://slack.com/user_id": MINA,
        "https://slack.com/team_id": "T0SIMULATE",
    }
    body = base64.urlsafe_b64encode(json.dumps(claims | changes).encode()).decode()
    return f"e30.{body.rstrip('=')}.x"


@pytest.mark.parametrize(
    "given",
    [
        token(iss="https://evil.example"),
        token(aud="3.4"),
        token(aud=["1000000000.2000000000", "3.4"]),
        token(nonce=None),
        token(exp=1),
        token(exp="never"),
        token(**{"https://slack.com/user_id": MAREK}),
        token(**{"https://slack.com/team_id": "T0OTHER"}),
        *("", "x", "a.b.c", "e30.W10.x", "e30.e30.x"),
    ],
)
async def test_an_id_token_that_does_not_fit_names_nobody(
    simulator: Simulator, openid: OpenId, monkeypatch: pytest.MonkeyPatch, given: str
):
    monkeypatch.setattr("bot.simulator.sign_ins._id_token", lambda *_: given)
    with pytest.raises(NotSignedIn):
        await openid.person(code(simulator), redirect=BACK, nonce="nonce")


@pytest.mark.parametrize("method", ["openid.connect.token", "openid.connect.userInfo"])
@pytest.mark.parametrize("kind", ["server_error", "ratelimited"])
async def test_slack_failing_at_sign_in_is_reported_as_unavailable(
    simulator: Simulator, openid: OpenId, method: str, kind: Any
):
    simulator.faults.add(method, kind=kind)
    with pytest.raises(SlackUnavailable):
        await openid.person(code(simulator), redirect=BACK, nonce="nonce")


async def test_slacks_page_sends_nobody_anywhere_who_was_not_asked_for(
    simulator: Simulator, openid: OpenId
):
    address = openid.address(redirect=BACK, state="s", nonce="n", team="T0SIMULATE")
    query = parse_qs(urlsplit(address).query)
    assert query["scope"] == ["openid"]
    assert query["state"] == ["s"]
    async with aiohttp.ClientSession() as session:
        for wrong in (
            address.replace("scope=openid", "scope=x"),
            address.replace("client_id=1", "client_id=2"),
            address.replace("redirect_uri=https", "redirect_uri=javascript"),
            address.replace("state=s", "state="),
        ):
            answer = await session.get(wrong, allow_redirects=False)
            assert answer.status == 400
        page = await session.get(f"{address}&as=U0APPROVER")
        assert page.status == 200
        assert "Sign in as Mina" in await page.text()


@pytest.mark.parametrize(
    ("team", "user", "same"),
    [
        ("T1", "U0MINA", True),
        ("T5", "U0MINA", True),
        ("T5", "W0MINA", True),
        ("T9", "U0MINA", False),
        ("T5", "U0MAREK", False),
        ("", "", False),
    ],
)
async def test_a_link_knows_its_person_in_each_of_their_workspaces(team, user, same):
    class Organisation:
        async def look_up(self, person: Person) -> Profile:
            return Profile(person, "Mina", account="W0MINA", teams=("T1", "T5"))

    people: Any = Organisation()
    link = Link("r1", "T1", "U0MINA", "digest")
    assert await is_whose(people, link, Person("", team, user)) is same
