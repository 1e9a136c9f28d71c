"""People as Slack knows them now: profile, e-mail, groups; and names for all ids."""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import Person, Profile
from bot.base.errors import SlackUnavailable
from bot.base.settings_types import ADDRESS
from bot.base.time_limits import PATIENCE
from bot.slack.client import FAILURES, NO_ANSWER, error_code, word_of
from bot.slack.identity import Identity
from bot.texts import agent

log = structlog.get_logger(__name__)
UNKNOWN = frozenset({"user_not_found", "user_not_visible"})
FRESH = 60.0  # seconds that an answer of Slack's may be used
# What Slack says of each member, and the word for an object that lacks it.
NOT_SAID = {
    "deleted": "account not said",
    "is_bot": "bot not said",
    "is_restricted": "guest not said",
    "is_ultra_restricted": "guest not said",
}


class Directory:
    """Looks people up; an answer is kept for a minute and never replaces a failure."""

    def __init__(
        self, client: AsyncWebClient, identity: Callable[[], Identity]
    ) -> None:
        self._client = client
        self._identity = identity
        self._groups = Groups(client, identity)
        self._known: dict[Person, tuple[float, Profile]] = {}

    async def look_up(self, person: Person) -> Profile:
        """Look up a person, and whether they may take part.

        Raises:
            SlackUnavailable: Slack did not say so in time.
        """
        return await self.ask(person, since=time.monotonic() - FRESH)

    async def ask(self, person: Person, since: float = math.inf) -> Profile:
        """Ask Slack anew, unless it was asked later than `since` (`time.monotonic`)."""
        known = self._known.pop(person, None)
        if known is None or known[0] <= since:
            asked_at = time.monotonic()
            known = (asked_at, await self._ask(person))
            self._forget_old()
        self._known[person] = known
        return known[1]

    async def members(self, source: str, requester: Person) -> tuple[str, ...]:
        """User ids of a live group's people; raises SlackUnavailable."""
        return await self._groups.members(source, requester)

    async def ask_members(self, source: str, requester: Person) -> tuple[str, ...]:
        """Ask Slack anew, whatever is known already."""
        return await self._groups.ask(source, requester)

    async def _ask(self, person: Person) -> Profile:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.users_info(user=person.user)
        except SlackApiError as error:
            if error_code(error) in UNKNOWN:
                return Profile(person, person.user, "stranger")
            raise SlackUnavailable from error
        except NO_ANSWER as error:
            raise SlackUnavailable from error
        data = cast("dict[str, Any]", answer.data)
        return profile_from(person, data.get("user") or {}, self._identity())

    def _forget_old(self) -> None:
        old = time.monotonic() - FRESH
        for person in [p for p, (at, _) in self._known.items() if at < old]:
            del self._known[person]


def profile_from(person: Person, user: Mapping[str, Any], us: Identity) -> Profile:
    """Read a user object; a rule without I/O.

    The flags are Slack's: https://docs.slack.dev/reference/objects/user-object
    An object without one of them says too little, and so refuses.
    """
    profile: Mapping[str, Any] = user.get("profile") or {}
    names = (
        profile.get("display_name"),
        profile.get("real_name"),
        user.get("real_name"),
        user.get("name"),
        person.user,
    )
    name = next(str(name) for name in names if name)
    box = mailbox(str(profile.get("email") or ""))
    refusal = _refusal(person, user, us)
    teams = tuple(_in_organisation(user, us).get("teams") or ())
    zone = str(user.get("tz") or "")
    return Profile(person, name, refusal, box, _account(user, us), teams, zone)


def mailbox(address: str) -> str:
    """An address without what does not change where its e-mail goes: case, +tag."""
    local, at, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if at and local else ""


def _refusal(person: Person, user: Mapping[str, Any], us: Identity) -> str:
    if person.user not in (user.get("id"), _account(user, us)):
        return "stranger"
    if user.get("deleted"):
        return "deactivated"
    if user.get("is_bot") or person.user == "USLACKBOT" or user.get("is_workflow_bot"):
        return "bot"
    if user.get("is_stranger"):
        return "stranger"
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return "guest"
    if not _is_ours(person, user, us):
        return "other team"
    unsaid = (word for flag, word in NOT_SAID.items() if user.get(flag) is not False)
    return next(unsaid, "")


def _is_ours(person: Person, user: Mapping[str, Any], us: Identity) -> bool:
    """Return whether Slack counts the person among our workspace's.

    In an organisation people are in several, and `team_id` may be any of them.
    """
    if person.team != us.team:
        return False
    if ours := _in_organisation(user, us):
        return us.team in (ours.get("teams") or ())
    return user.get("team_id") == us.team


def _account(user: Mapping[str, Any], us: Identity) -> str:
    """The id that is the same in all workspaces of an organisation.

    A workspace that joined one goes on using the ids that it had before.
    https://docs.slack.dev/reference/methods/migration.exchange
    """
    return str(_in_organisation(user, us).get("id") or user.get("id") or "")


def _in_organisation(user: Mapping[str, Any], us: Identity) -> Mapping[str, Any]:
    """Slack's word on the person in our organisation; empty if we are in none.

    A workspace may join one after the bot's start.
    """
    found: Mapping[str, Any] = user.get("enterprise_user") or {}
    named = found.get("enterprise_id")
    return found if named and named == (us.enterprise or named) else {}


MOST_MEMBERS = 10_000  # a channel with more is no group of approvers
# "specify a limit value under 1000"
# https://docs.slack.dev/reference/methods/conversations.members#pagination
PAGE = 999
# Slack's words for: there is no such thing, or we may not look. Asking again does not
# help, unlike with all other words.
# https://docs.slack.dev/reference/methods/usergroups.users.list#errors
# https://docs.slack.dev/reference/methods/conversations.members#errors
# https://docs.slack.dev/reference/methods/users.profile.get#errors
NOBODY = frozenset(
    {
        "access_denied",
        "channel_not_found",
        "method_not_supported_for_channel_type",
        "missing_scope",
        "no_permission",
        "no_such_subteam",
        "not_in_channel",
        "plan_upgrade_required",
        "subteam_not_found",
        "team_access_not_granted",
        "user_not_found",
        "user_not_visible",
    }
)
USER_ID = re.compile(r"[UW][A-Z0-9]{2,}")
Key = tuple[str, str]  # source, and the requester where it matters


class Groups:
    """Asks for a group's people; an answer is kept for a minute.

    Who asks while the same question is under way shares its answer, or its failure: a
    crowd of clicks is one call, since Slack takes some 20 a minute for user groups.
    """

    def __init__(
        self, client: AsyncWebClient, identity: Callable[[], Identity]
    ) -> None:
        self._client = client
        self._identity = identity
        self._known: dict[Key, tuple[float, tuple[str, ...]]] = {}
        self._asking: dict[Key, asyncio.Task[tuple[str, ...]]] = {}

    async def members(self, source: str, requester: Person) -> tuple[str, ...]:
        """User ids of the group's people; see `bot.approvals.ports.People.members`.

        Raises:
            SlackUnavailable: Slack did not say so in time.
        """
        known = self._known.get(_key(source, requester))
        if known and time.monotonic() - known[0] < FRESH:
            return known[1]
        return await self.ask(source, requester)

    async def ask(self, source: str, requester: Person) -> tuple[str, ...]:
        """Ask Slack anew, whatever is known already."""
        key = _key(source, requester)
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(key))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key))
        # a caller who gives up leaves the answer to the others
        return await asyncio.shield(asking)

    async def _ask(self, key: Key) -> tuple[str, ...]:
        asked_at = time.monotonic()
        self._known.pop(key, None)
        found = await self._in_time(*key)
        us = self._identity().user
        members = tuple(user for user in dict.fromkeys(found) if user != us)
        self._forget_old()
        self._known[key] = (asked_at, members)
        return members

    async def _in_time(self, source: str, requester: str) -> Sequence[str]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._look(source, requester)
        except SlackApiError as error:
            word = error_code(error)
            if word in NOBODY:
                return _nobody(source, word)
            raise SlackUnavailable from error
        except NO_ANSWER as error:
            raise SlackUnavailable from error

    async def _look(self, source: str, requester: str) -> Sequence[str]:
        kind, _, named = source.partition(":")
        if kind == "requester":
            return [requester]
        if kind == "usergroup":
            answer = await self._client.usergroups_users_list(usergroup=named)
            return _data(answer).get("users") or ()
        if kind == "manager_of_requester":
            answer = await self._client.users_profile_get(user=requester)
            return _managers(source, _inside(_data(answer), "profile"))
        return await self._channel(source, named, is_open=kind == "open_channel")

    async def _channel(self, source: str, named: str, *, is_open: bool) -> list[str]:
        info = await self._client.conversations_info(
            channel=named, include_num_members=True
        )
        channel = _inside(_data(info), "channel")
        if why := _closed(channel, is_open=is_open):
            return _nobody(source, why)
        members: list[str] = []
        async for page in self._pages(named):
            members += page
            if len(members) > MOST_MEMBERS:
                return _nobody(source, "too_many_members")
        return members

    async def _pages(self, channel: str) -> AsyncIterator[Sequence[str]]:
        cursor: str | None = None
        while cursor != "":
            answer = await self._client.conversations_members(
                channel=channel, cursor=cursor, limit=PAGE
            )
            data = _data(answer)
            yield data.get("members") or ()
            cursor = _inside(data, "response_metadata").get("next_cursor") or ""

    def _forget_old(self) -> None:
        old = time.monotonic() - FRESH
        for key in [key for key, (at, _) in self._known.items() if at < old]:
            del self._known[key]


def _key(source: str, requester: Person) -> Key:
    """A channel or a user group has the same people for every requester."""
    depends = source.partition(":")[0] in ("requester", "manager_of_requester")
    return source, requester.user if depends else ""


def _data(answer: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", answer.data)


def _inside(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object of an answer; empty if it is null, or missing.

    Slack writes an empty object as `[]` now and then, as in a profile without fields:
    https://github.com/slack-go/slack/pull/298
    """
    return answer.get(name) or {}


def _nobody(source: str, why: str) -> list[str]:
    log.warning(
        "Slack names nobody for a group of the policy",
        action="group_empty",
        group=source,
        why=why,
    )
    return []


def _closed(channel: Mapping[str, Any], *, is_open: bool) -> str:
    """Return why a channel's members are no group, or "".

    A channel object that does not say what it is counts as a public, archived one.
    https://docs.slack.dev/reference/objects/conversation-object
    """
    if channel.get("is_archived") is not False:
        return "is_archived"
    if not is_open and channel.get("is_private") is not True:
        return "is_public"
    if (channel.get("num_members") or 0) > MOST_MEMBERS:
        return "too_many_members"
    return ""


def _managers(source: str, profile: Mapping[str, Any]) -> list[str]:
    """Read the user ids in a profile field of type `user`, several with commas between.

    Anything else that stands there names nobody.
    """
    field = _inside(_inside(profile, "fields"), source.partition(":")[2])
    named = [each.strip() for each in str(field.get("value") or "").split(",")]
    found = [each for each in named if USER_ID.fullmatch(each)]
    return found or _nobody(source, "no_manager")


@dataclass(frozen=True)
class Addresses:
    """Reads `users.info`; the address has a scope of its own, `users:read.email`."""

    client: AsyncWebClient

    async def of(self, person: str) -> str:
        """One plain address, or "" where Slack shows none.

        Raises:
            SlackUnavailable: Slack did not say so.
        """
        try:
            answer = await self.client.users_info(user=person)
        except SlackApiError as error:
            if error_code(error) in UNKNOWN:
                return ""
            raise SlackUnavailable from error
        except NO_ANSWER as error:
            raise SlackUnavailable from error
        data = cast("dict[str, Any]", answer.data)
        user: Mapping[str, Any] = data.get("user") or {}
        profile: Mapping[str, Any] = user.get("profile") or {}
        address = str(profile.get("email") or "")
        return address if ADDRESS.fullmatch(address) else ""


# --- Names for ids, in what people read -----------------------------------------------
KEPT = 600.0  # seconds that a name may be used: it is decoration and decides nothing
NEVER = (-KEPT, "")
MOST = 20  # ids of one text that are looked up
_MENTION = re.compile(r"<(?:@|#|!subteam\^)([UWCGDS][A-Z0-9]+)>")


@dataclass
class Names:
    """Looks names up where they are needed; what Slack does not say has none."""

    client: AsyncWebClient
    people: Directory
    identity: Callable[[], Identity]
    _known: dict[str, tuple[float, str]] = field(
        default_factory=dict[str, tuple[float, str]]
    )

    async def put_in(self, text: str) -> str:
        """Write each mention in a text as name and id: `@Mina (U…)`."""
        ids = [match[1] for match in _MENTION.finditer(text)]
        names = await self.of(ids)
        return _MENTION.sub(lambda m: agent.mentioned(names.get(m[1], ""), m[1]), text)

    async def of(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Names by id, of as many as Slack says in time."""
        wanted = list(dict.fromkeys(ids))[:MOST]
        now = time.monotonic()
        missing = [k for k in wanted if now - self._known.get(k, NEVER)[0] >= KEPT]
        if missing:
            self._known = {k: v for k, v in self._known.items() if now - v[0] < KEPT}
            tasks = [asyncio.create_task(self._learn(each)) for each in missing]
            _, late = await asyncio.wait(tasks, timeout=PATIENCE)
            for task in late:
                task.cancel()
        found = {each: self._known[each][1] for each in wanted if each in self._known}
        return {each: name for each, name in found.items() if name}

    async def _learn(self, key: str) -> None:
        try:
            names = await self._ask(key)
        except (*FAILURES, SlackUnavailable) as error:
            word = word_of(error)
            log.info("no name for an id", action="name_unknown", id=key, error=word)
            # what Slack refuses it refuses the next minute too
            names = {key: ""} if word in UNKNOWN | _REFUSALS else {}
        now = time.monotonic()
        self._known |= {each: (now, name) for each, name in names.items()}

    async def _ask(self, key: str) -> Mapping[str, str]:
        if key[0] in "UW":
            us = self.identity()
            person = await self.people.look_up(Person(us.enterprise, us.team, key))
            return {key: "" if person.name == key else person.name}
        if key[0] == "S":
            answer = await self.client.usergroups_list()
            groups: list[dict[str, str]] = _data(answer).get("usergroups") or []
            return {key: "", **{each["id"]: each["name"] for each in groups}}
        answer = await self.client.conversations_info(channel=key)
        channel: Mapping[str, str] = _data(answer).get("channel") or {}
        return {key: channel.get("name") or ""}


_REFUSALS = frozenset(
    {"channel_not_found", "missing_scope", "plan_upgrade_required", "no_permission"}
)
