"""Standing grants: an approver allows calls like this one ahead, for a while.

A use is an ordinary approval of the giver's, judged as a click of theirs would be. The
lists and `revoke` are for whatever shows people what they have allowed.
"""

from __future__ import annotations

import enum
import re
import secrets
import unicodedata
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg.types.json import Jsonb

from bot.approvals import SQL, digest, store
from bot.approvals.audit import about, append, of_person
from bot.approvals.eligibility import PolicyContext, people_now, plan_of
from bot.approvals.model import (
    USERS,
    Action,
    Askers,
    Confirm,
    Kind,
    Person,
    Request,
    Risk,
    Stage,
)
from bot.approvals.pause import is_operator
from bot.approvals.policy.conditions import plain_host
from bot.approvals.policy.model import Demanded, Policy, StandingOffer
from bot.approvals.ports import People, Policies, look_up_groups
from bot.approvals.raise_request import ALPHABET
from bot.base.errors import SlackUnavailable
from bot.database.pool import Connection, Pool, transaction

EQUAL, UNDER = "equal", "under"
MOST = 50  # grants that are looked at for one call, or listed for one person
FOLDERS = 5  # the nearest that are offered
VIA = "standing"  # how a use knows its person: by what they gave


@dataclass(frozen=True)
class Binding:
    """One argument of a call: equal to a value, or below a folder."""

    argument: str
    how: str  # EQUAL or UNDER
    value: Any


@dataclass(frozen=True)
class Wish:
    """The calls that an approver allows ahead, beside the one they approve now."""

    bindings: tuple[Binding, ...]
    here_alone: bool  # in this conversation, else wherever the requester asks
    span: timedelta
    uses: int


#: What no policy offers.
NOTHING = Wish((), here_alone=True, span=timedelta(), uses=0)


@dataclass(frozen=True)
class StandingGrant:
    """A grant as it is stored.

    Attributes:
        group: of the stage that its uses fill.
        conversation: "" for wherever the requester asks.
        agent: outside, which asks; "" for the bot's own graph.
        revoked_by: a user id, "" if it is not revoked.
    """

    id: str
    code: str
    giver: Person
    group: str
    tool: str
    schema_digest: str
    bindings: tuple[Binding, ...]
    requester: str
    agent: str
    conversation: str
    policy_version: str
    risk: Risk
    uses: int
    used: int
    expires_at: datetime
    request: str
    revoked_by: str = ""


@dataclass(frozen=True)
class GivingAction(Action):
    """An approval with which others like it are allowed ahead.

    `wish`: None only to ask beforehand whether anything may be.
    """

    wish: Wish | None = None


class NotCovered(Exception):
    """The grant does not cover the request, or has no use left; nothing is written."""


# --- The rule: pure -----------------------------------------------------------------


def offer_of(policy: Policy, request: Request) -> StandingOffer | None:
    """Return what the policy in force lets an approver allow ahead; None: nothing."""
    call = request.call
    if not any(rule.standing for rule in policy.rules):
        return None
    if call.kind is not Kind.TOOL or request.terms.confirm is Confirm.TYPED:
        return None
    if call.masked != call.arguments:
        return None  # it could not be shown word for word
    found = plan_of(policy, call, request.people)
    if not isinstance(found, Demanded) or found.confirm is Confirm.TYPED:
        return None
    return found.standing


def prefixes_of(argument: str, value: Any) -> list[str]:
    """List the folders that an argument lies in, the nearest first.

    Of a path, and of an address in the web, whose host is the last. Where a slash may
    mean something else, as in a date or a type of media, there are none.
    """
    found = _split(value)
    if found is None:
        return []
    root, parts = found
    if not (root or _NAMED.fullmatch(argument) or _FILE.fullmatch(value)):
        return []
    ends = range(len(parts) - 1, 0, -1)
    return [root + "/".join(parts[:end]) for end in ends][:FOLDERS]


def _split(value: Any) -> tuple[str, tuple[str, ...]] | None:
    """Return the root of a path or an address in the web, and its parts.

    The root is `""`, `/` or such as `https://`, which a host follows. None for whatever
    some reader could take for another place than it looks like: what climbs, is empty,
    escaped, quoted, expanded, folded to other characters, or an address with more than
    host and path.
    """
    if not isinstance(value, str) or not value.isprintable() or _ODD.search(value):
        return None
    if unicodedata.normalize("NFKC", value) != value:
        return None
    root = next((each for each in _ROOTS if value.startswith(each)), "")
    parts = tuple(value.removeprefix(root).removesuffix("/").split("/"))
    if any(part != part.strip() or not part.strip(". ") for part in parts):
        return None
    if root.endswith("//"):
        host = _PORT.sub("", parts[0])
        return (root, parts) if value.isascii() and plain_host(host) == host else None
    return None if ":" in value else (root, parts)


_ROOTS = ("https://", "http://", "/")
_PORT = re.compile(r":[0-9]{1,5}\Z")
# Escapes, patterns, quotes, and signs that some code pages turn into a slash.
_ODD = re.compile(r"""[\\%~*?$^`"'<>|;&{}#@\u2044\u2215\u2216\u2571\u29f8]""")
_NAMED = re.compile("(?:.*_)?(?:path|file|filename|folder|dir|directory)s?", re.I)
_FILE = re.compile(r"\S*[^/]\.[A-Za-z][A-Za-z0-9]{0,9}")


def _is_under(value: Any, prefix: Any) -> bool:
    """Return whether a value lies below a prefix, part by part and word for word."""
    found, wanted = _split(value), _split(prefix)
    if found is None or wanted is None:
        return False
    size = len(wanted[1])
    return (found[0], found[1][:size]) == wanted and len(found[1]) > size


def binds(bindings: Iterable[Binding], arguments: Mapping[str, Any]) -> bool:
    """Return whether every argument of a call is bound, and none is lacking."""
    by_name = {binding.argument: binding for binding in bindings}
    return by_name.keys() == arguments.keys() and all(
        _holds(binding, arguments[name]) for name, binding in by_name.items()
    )


def _holds(binding: Binding, value: Any) -> bool:
    if binding.how == UNDER:
        return _is_under(value, binding.value)
    try:
        # not ==, for which true is 1
        return digest.canonical(value) == digest.canonical(binding.value)
    except digest.NotCanonical:
        return False


def covers(grant: StandingGrant, policy: Policy, request: Request) -> bool:
    """Return whether a use may fill the open stage of a request.

    Any other policy than the one that it was given under ends it.
    """
    stage, call = request.chain.open_stage, request.call
    same = (
        (grant.giver.team, grant.requester, grant.agent, grant.tool)
        == (
            request.team,
            request.people.requester.user,
            request.people.agent,
            call.tool,
        )
        and grant.conversation in ("", request.conversation)
        and grant.schema_digest == call.schema_digest
        and grant.policy_version == policy.version == request.policy_version
    )
    if not same or stage is None or stage.approvers != grant.group:
        return False
    if call.is_edited or offer_of(policy, request) is None:
        return False
    ranks = list(Risk)
    higher = ranks.index(request.terms.risk) > ranks.index(grant.risk)
    return not higher and binds(grant.bindings, call.arguments)


def may_give(wish: Wish, policy: Policy, request: Request) -> bool:
    """Return whether the policy in force offers as much, for calls like this one."""
    offer = offer_of(policy, request)
    if offer is None or not binds(wish.bindings, request.call.arguments):
        return False
    return timedelta() < wish.span <= offer.max and 0 < wish.uses <= offer.uses


# --- In the transaction of a decision -----------------------------------------------


async def give(
    connection: Connection, request: Request, action: Action, wish: Wish, version: str
) -> None:
    """Store what an approver allows ahead, beside their approval.

    Args:
        request: as it was before this approval.
        version: of the policy in force.
    """
    name, code = str(uuid.uuid4()), "".join(secrets.choice(ALPHABET) for _ in range(6))
    own = {
        "id": name,
        "code": code,
        "enterprise": action.person.enterprise,
        "giver": action.person.user,
        "policy_version": version,
    }
    await connection.execute(SQL["give_standing"], {**own, **_terms(request, wish)})
    fact = about(
        request,
        "standing_given",
        actor=action.person.user,
        via=action.via,
        texts={"bindings": digest.canonical([asdict(b) for b in wish.bindings])},
        standing=name,
        code=code,
        uses=wish.uses,
        seconds=int(wish.span.total_seconds()),
        here=wish.here_alone,
    )
    await append(connection, [fact])


def _terms(request: Request, wish: Wish) -> dict[str, Any]:
    """Return what is allowed, as the statement wants it."""
    stage = request.chain.open_stage
    return {
        "team": request.team,
        "group": stage.approvers if stage else "",
        "tool": request.call.tool,
        "schema_digest": request.call.schema_digest,
        "bindings": Jsonb([asdict(binding) for binding in wish.bindings]),
        "requester": request.people.requester.user,
        "agent": request.people.agent,
        "conversation": request.conversation if wish.here_alone else None,
        "risk": str(request.terms.risk),
        "uses": wish.uses,
        "seconds": wish.span.total_seconds(),
        "request": request.id,
    }


async def count_use(
    connection: Connection, policy: Policy, request: Request, action: Action
) -> None:
    """Take one use of a grant for this request, in the transaction that decides it.

    Raises:
        NotCovered: it is used up, revoked or over, or about another call.
    """
    used = await connection.execute(SQL["use_standing"], {"id": action.grant})
    row = await used.fetchone()
    grant = _grant(row) if row else None
    if grant is None or not grant.giver.is_same(action.person):
        raise NotCovered
    if not covers(grant, policy, request):
        raise NotCovered


async def grants_for(connection: Connection, request: Request) -> list[StandingGrant]:
    """Read the live grants that may cover a request, the nearest end first."""
    key = {
        "team": request.team,
        "requester": request.people.requester.user,
        "tool": request.call.tool,
        "most": MOST,
    }
    found = await connection.execute(SQL["select_standing_for"], key)
    return [_grant(row) for row in await found.fetchall()]


def _grant(row: Mapping[str, Any]) -> StandingGrant:
    return StandingGrant(
        id=str(row["id"]),
        code=row["code"],
        giver=Person(row["enterprise_id"], row["team_id"], row["giver_id"]),
        group=row["approvers"],
        tool=row["tool"],
        schema_digest=row["schema_digest"],
        bindings=tuple(Binding(**each) for each in row["bindings"]),
        requester=row["requester_id"],
        agent=row["agent"],
        conversation=str(row["conversation_id"] or ""),
        policy_version=row["policy_version"],
        risk=Risk(row["risk"]),
        uses=row["uses"],
        used=row["used"],
        expires_at=store.utc(row["expires_at"]),
        request=row["request_id"],
        revoked_by=row["revoked_by"] or "",
    )


# --- What people see of theirs, and take back ---------------------------------------


class Revoked(enum.StrEnum):
    """The answer to a person who revokes a grant."""

    REVOKED = "revoked"
    OVER = "over"  # it is revoked, used up or past its time already
    UNKNOWN = "unknown"  # there is none of this code
    NOT_ALLOWED = (
        "not_allowed"  # neither giver, nor approver of the stage, nor operator
    )
    COULD_NOT_CHECK = "could_not_check"  # Slack does not say who they are


async def list_standing(
    connection: Connection, team: str, giver: str, *, live: bool = False
) -> Sequence[StandingGrant]:
    """List what a person has given, newest first, with what is over for a week.

    Args:
        giver: a user id of this team.
        live: without what is over.
    """
    key = {"team": team, "giver": giver, "live": live, "most": MOST}
    found = await connection.execute(SQL["select_standing_of"], key)
    return [_grant(row) for row in await found.fetchall()]


@dataclass(frozen=True)
class StandingGrants:
    """Lists and revokes people's grants. `pool` is the listeners' own."""

    pool: Pool
    people: People
    policies: Policies

    async def list_standing(self, team: str, giver: str) -> Sequence[StandingGrant]:
        """List what a person has given; see `list_standing`."""
        async with self.pool.connection() as connection:
            return await list_standing(connection, team, giver)

    async def revoke_standing(self, person: Person, code: str) -> Revoked:
        """End a grant at once, by its giver, an approver of its stage or an operator.

        A use that is being written is before it; every later one finds it gone. Refused
        attempts are on the trail.
        """
        async with self.pool.connection() as connection:
            key = {"team": person.team, "code": code.strip().upper()}
            row = await (await connection.execute(SQL["find_standing"], key)).fetchone()
        if row is None:
            return await self._refuse(person, code, Revoked.UNKNOWN)
        grant = _grant(row)
        try:
            may = await self._may_revoke(grant, person, row["now"])
        except SlackUnavailable:
            return await self._refuse(person, grant.id, Revoked.COULD_NOT_CHECK)
        if not may:
            return await self._refuse(person, grant.id, Revoked.NOT_ALLOWED)
        if grant.used >= grant.uses or grant.expires_at <= store.utc(row["now"]):
            return Revoked.OVER
        return await self._revoke(grant, person)

    async def _revoke(self, grant: StandingGrant, person: Person) -> Revoked:
        async with transaction(self.pool) as connection:
            key = {"id": grant.id, "by": person.user}
            revoked = await connection.execute(SQL["revoke_standing"], key)
            if await revoked.fetchone() is None:
                return Revoked.OVER
            fact = of_person(
                person,
                "standing_revoked",
                standing=grant.id,
                tool=grant.tool,
                used=grant.used,
            )
            await append(connection, [fact])
            return Revoked.REVOKED

    async def _refuse(self, person: Person, named: str, word: Revoked) -> Revoked:
        detail = {"word": str(word), "verdict": "revoke", "standing": named[:64]}
        async with transaction(self.pool) as connection:
            await append(connection, [of_person(person, "refused", **detail)])
        return word

    async def _may_revoke(
        self, grant: StandingGrant, person: Person, now: datetime
    ) -> bool:
        profile = await self.people.look_up(person)
        if profile.refusal:
            return False
        if person.is_same(grant.giver):
            return True
        policy = self.policies.current
        if await is_operator(person, policy, self.people):
            return True
        group = policy.groups.get(grant.group)
        if group is None:
            return False
        live = {group.source} - {USERS}
        asker = Person("", person.team, grant.requester)
        members = await look_up_groups(self.people, live, asker)
        context = PolicyContext(policy, now, members)
        stage = Stage(group.name, group.users, source=group.source)
        return person.user in people_now(stage, Askers(asker), context)
