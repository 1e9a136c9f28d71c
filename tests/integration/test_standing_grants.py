"""Standing grants: given with an approval, used as one, ended by their giver."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import replace

import pytest

from bot.approvals import SQL
from bot.approvals.model import (
    Askers,
    Effect,
    Person,
    Place,
    Request,
    Risk,
    Status,
    Verdict,
)
from bot.approvals.standing_grants import (
    EQUAL,
    UNDER,
    Binding,
    GivingAction,
    Revoked,
    StandingGrants,
    Wish,
)
from bot.database.pool import transaction
from tests.support.house import House, parsed, proposed
from tests.support.people import (
    APP,
    APPROVALS,
    DANA,
    MINA,
    OLAF,
    OMAR,
    RAVI,
    TEAM,
    person,
)
from tests.support.policies import policy_text

RULES = """
  - name: wiping
    tools: [wipe]
    stages: [{approvers: managers}]
    standing: {max: 8h, uses: 20}
  - name: far
    tools: [wipe]
    when: {path: {under: far}}
    stages: [{approvers: bosses}]
    standing: {max: 1h, uses: 5}
  - name: risky
    tools: [wipe]
    when: {path: {under: logs/prod}}
    stages: [{approvers: managers}]
    risk: high
    standing: {max: 8h, uses: 20}
  - name: frozen
    tools: [wipe]
    when: {path: {under: logs/frozen}}
    deny: true
    why: Frozen.
  - {name: plain, tools: [pay], stages: [{approvers: managers}]}
"""
GROUPS = {"managers": (MINA, OMAR), "bosses": (DANA,), "operators": (OLAF,)}
WISH = Wish((Binding("path", UNDER, "logs"),), True, dt.timedelta(hours=1), 20)
OTHER = Person("", TEAM, "U0FAY")


@pytest.fixture
def lasting(house: House) -> House:
    house.policies.current = parsed(policy_text(RULES, approvers=GROUPS))
    return house


@pytest.fixture
def given(lasting: House) -> StandingGrants:
    return StandingGrants(lasting.pool, lasting.people, lasting.policies)


async def ask(house: House, path: str = "logs/a.txt", **how) -> Request:
    return await house.ask(how.pop("tool", "wipe"), arguments={"path": path}, **how)


async def give(house: House, request: Request, wish: Wish | None = WISH, user=MINA):
    """Approve a request and allow others like it, as the form does."""
    now = await house.request(request.id)
    place = Place(APP, APPROVALS, "77.7", now.place.card)
    action = GivingAction(
        now.place.token, person(user), Verdict.APPROVE, "slack", place, wish=wish
    )
    result, _ = await house.decider.decide(action)
    return result


async def in_force(house: House, given: StandingGrants, wish: Wish = WISH, **how):
    """A grant of Mina's, and the conversation in which it was given."""
    first = await ask(house, **how)
    assert (await give(house, first, wish)).effect is Effect.APPROVED
    [grant] = await given.list_standing(TEAM, MINA)
    return grant, first.conversation


async def use(house: House, request: Request) -> Status:
    await house.decider.use_standing(request.id)
    return (await house.request(request.id)).status


async def test_a_use_is_the_givers_approval_and_counted(
    lasting: House, given: StandingGrants
):
    grant, here = await in_force(lasting, given)
    assert [job.name for job in await lasting.jobs("standing")] == ["standing"]
    request = await ask(lasting, "logs/b.txt", conversation=here)
    assert await use(lasting, request) is Status.APPROVED
    assert await use(lasting, request) is Status.APPROVED  # once more: nothing
    [decision] = (await lasting.request(request.id)).chain.decisions
    assert (decision.person.user, decision.via) == (MINA, "standing")
    [now] = await given.list_standing(TEAM, MINA)
    assert (now.used, now.uses, now.group) == (1, 20, "managers")
    noted = (
        "SELECT detail->>'standing' FROM audit WHERE event = 'approved' AND via = %s"
    )
    assert await lasting.one(noted, "standing") == grant.id
    run = await lasting.start_run(here)
    assert run.requests[request.call.id].status is Status.APPROVED


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("logs2/b.txt", {}),
        ("logs/../etc/b.txt", {}),
        ("logs/b.txt", {"conversation": ""}),
        ("logs/b.txt", {"schema": {"type": "object"}}),
        ("logs/b.txt", {"participants": (MINA,)}),
        ("logs/prod/b.txt", {}),
    ],
)
async def test_threat_31_a_grant_covers_no_other_call(
    lasting: House, given: StandingGrants, path: str, how: dict
):
    """Another folder, conversation, schema; one of the giver's own; higher risk."""
    _, here = await in_force(lasting, given)
    request = await ask(lasting, path, **{"conversation": here, **how})
    assert await use(lasting, request) is request.status
    assert request.status is not Status.APPROVED
    [now] = await given.list_standing(TEAM, MINA)
    assert now.used == 0
    assert request.terms.risk is (Risk.HIGH if "prod" in path else Risk.NORMAL)


async def test_threat_31_another_requester_uses_no_grant(
    lasting: House, given: StandingGrants
):
    _, here = await in_force(lasting, given, replace(WISH, here_alone=False))
    request = await ask(lasting, "logs/b.txt", conversation=here, requester=OTHER)
    assert await use(lasting, request) is Status.PENDING
    elsewhere = await ask(lasting, "logs/b.txt")
    assert await use(lasting, elsewhere) is Status.APPROVED


async def test_threat_31_another_agent_uses_no_grant(
    lasting: House, given: StandingGrants
):
    """Neither one that asks for the same person, nor the bot's own graph for them."""

    async def by(agent: str) -> Request:
        key = f"key-{len(await lasting.trail())}" if agent else ""
        asked = [proposed("wipe", {"path": "logs/a.txt"}, key=key)]
        people = Askers(person(RAVI), agent=agent)
        [raised] = await lasting.raised(asked, people=people)
        return raised

    first = await by("deploy-bot")
    anywhere = replace(WISH, here_alone=False)
    assert (await give(lasting, first, anywhere)).effect is Effect.APPROVED
    assert await use(lasting, await by("other-bot")) is Status.PENDING
    assert await use(lasting, await by("")) is Status.PENDING
    assert await use(lasting, await by("deploy-bot")) is Status.APPROVED


async def test_threat_20_a_giver_who_lost_the_right_gives_nothing(
    lasting: House, given: StandingGrants
):
    _, here = await in_force(lasting, given)
    request = await ask(lasting, "logs/b.txt", conversation=here)
    lasting.people.refusals[MINA] = "deactivated"
    assert await use(lasting, request) is Status.PENDING
    assert (await lasting.click(OMAR, request)).effect is Effect.APPROVED
    assert await given.revoke_standing(person(MINA), "x") is Revoked.UNKNOWN


async def test_threat_50_a_changed_policy_ends_every_grant(
    lasting: House, given: StandingGrants
):
    _, here = await in_force(lasting, given)
    request = await ask(lasting, "logs/b.txt", conversation=here)
    text = policy_text(RULES, approvers={**GROUPS, "bosses": (OLAF,)})
    lasting.policies.current = parsed(text)
    assert await use(lasting, request) is Status.PENDING
    later = await ask(lasting, "logs/c.txt", conversation=here)
    assert await use(lasting, later) is Status.PENDING
    frozen = await ask(lasting, "logs/frozen/x", conversation=here)
    assert frozen.status is Status.REJECTED


async def test_threat_48_a_use_fills_its_own_stage_and_no_other(
    lasting: House, given: StandingGrants
):
    first = await ask(lasting, "far/a.txt")
    wish = Wish((Binding("path", UNDER, "far"),), True, dt.timedelta(hours=1), 5)
    assert (await give(lasting, first, wish)).effect is Effect.STAGE_PASSED
    request = await ask(lasting, "far/b.txt", conversation=first.conversation)
    assert await use(lasting, request) is Status.PENDING
    now = await lasting.request(request.id)
    assert [stage.passed_at is not None for stage in now.chain.stages] == [True, False]
    assert await use(lasting, now) is Status.PENDING
    assert (await lasting.click(DANA, request)).effect is Effect.APPROVED


@pytest.mark.parametrize(
    ("tool", "path", "wish"),
    [
        ("pay", "logs/a", WISH),
        ("pay", "logs/a", None),
        ("wipe", "logs/a", replace(WISH, span=dt.timedelta(hours=9))),
        ("wipe", "logs/a", replace(WISH, uses=21)),
        ("wipe", "logs/a", replace(WISH, uses=0)),
        ("wipe", "logs/a", replace(WISH, bindings=())),
        ("wipe", "logs/a", replace(WISH, bindings=(Binding("path", EQUAL, "b"),))),
        ("wipe", "far/a", WISH),
    ],
)
async def test_what_the_policy_does_not_offer_decides_nothing(
    lasting: House, tool: str, path: str, wish: Wish | None
):
    request = await ask(lasting, path, tool=tool)
    result = await give(lasting, request, wish)
    assert (result.effect, result.code) == (Effect.REFUSED, "standing_not_offered")
    assert await lasting.one("SELECT count(*) FROM standing_grants") == 0
    assert (await lasting.request(request.id)).is_open


async def test_who_may_not_approve_allows_nothing_ahead(lasting: House):
    request = await ask(lasting)
    assert (await give(lasting, request, user=DANA)).code == "not_in_group"
    assert await lasting.one("SELECT count(*) FROM standing_grants") == 0


async def test_threat_76_of_fifty_uses_at_once_twenty_count(
    lasting: House, given: StandingGrants
):
    _, here = await in_force(lasting, given, replace(WISH, here_alone=False))
    requests = [await ask(lasting, f"logs/{n}", conversation=here) for n in range(50)]
    await asyncio.gather(*(lasting.decider.use_standing(r.id) for r in requests))
    approved = "SELECT count(*) FROM requests WHERE status = 'approved'"
    assert await lasting.one(approved) == 21
    assert [each.used for each in await given.list_standing(TEAM, MINA)] == [20]


async def test_threat_76_revoked_and_used_at_once_the_first_decides(
    lasting: House, given: StandingGrants
):
    grant, here = await in_force(lasting, given)
    request = await ask(lasting, "logs/b", conversation=here)
    late = await ask(lasting, "logs/c", conversation=here)
    async with transaction(lasting.pool) as connection:
        await connection.execute(SQL["use_standing"], {"id": grant.id})
        revoking = asyncio.create_task(given.revoke_standing(person(MINA), grant.code))
        await lasting.blocked(revoking)
    assert await revoking is Revoked.REVOKED
    for each in (request, late):
        assert await use(lasting, each) is Status.PENDING
    [now] = await given.list_standing(TEAM, MINA)
    assert (now.used, now.revoked_by) == (1, MINA)


async def test_giver_approver_and_operator_revoke_and_others_do_not(
    lasting: House, given: StandingGrants
):
    for user in (MINA, OMAR, OLAF):
        await lasting.rows("DELETE FROM standing_grants")
        grant, _ = await in_force(lasting, given)
        for stranger in (DANA, "U0RAVI"):
            refused = await given.revoke_standing(person(stranger), grant.code)
            assert refused is Revoked.NOT_ALLOWED
        other = Person("", "T9", MINA)
        assert await given.revoke_standing(other, grant.code) is Revoked.UNKNOWN
        assert await given.revoke_standing(person(user), grant.code.lower()) is (
            Revoked.REVOKED
        )
    events = await lasting.trail()
    assert (events.count("standing_given"), events.count("standing_revoked")) == (3, 3)


async def test_threat_09_a_revoke_that_is_replayed_changes_nothing(
    lasting: House, given: StandingGrants
):
    grant, _ = await in_force(lasting, given)
    done = await asyncio.gather(
        *(given.revoke_standing(person(MINA), grant.code) for _ in range(5))
    )
    assert sorted(done) == [*[Revoked.OVER] * 4, Revoked.REVOKED]
    assert (await lasting.trail()).count("standing_revoked") == 1
    lasting.people.down = True
    silent = await given.revoke_standing(person(OMAR), grant.code)
    assert silent is Revoked.COULD_NOT_CHECK


async def test_threat_76_a_grant_ends_with_its_time(
    lasting: House, given: StandingGrants
):
    grant, here = await in_force(lasting, given)
    await lasting.pass_time(hours=2)
    request = await ask(lasting, "logs/b", conversation=here)
    assert await use(lasting, request) is Status.PENDING
    assert await given.revoke_standing(person(MINA), grant.code) is Revoked.OVER
