"""People as Slack knows them now: who somebody is (`users.info`), who is where."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import Person, Profile
from bot.errors import SlackUnavailable
from bot.slack.client import error_code
from bot.slack.groups import FRESH, PATIENCE, Groups
from bot.slack.identity import Identity

UNKNOWN = frozenset({"user_not_found", "user_not_visible"})
# What Slack says of each member; an object without one of them says too little.
FLAGS = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted")


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
        """Who this is, and whether they may take part.

        Raises:
            SlackUnavailable: Slack did not say so in time.
        """
        known = self._known.get(person)
        if known and time.monotonic() - known[0] < FRESH:
            return known[1]
        return await self.ask(person)

    async def ask(self, person: Person) -> Profile:
        """The same, whatever is known already."""
        asked_at = time.monotonic()
        self._known.pop(person, None)
        profile = await self._ask(person)
        self._forget_old()
        self._known[person] = (asked_at, profile)
        return profile

    async def members(self, source: str, requester: Person) -> tuple[str, ...]:
        """User ids of a live group's people; raises SlackUnavailable."""
        return await self._groups.members(source, requester)

    async def ask_members(self, source: str, requester: Person) -> tuple[str, ...]:
        """The same, whatever is known already."""
        return await self._groups.ask(source, requester)

    async def _ask(self, person: Person) -> Profile:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._client.users_info(user=person.user)
        except SlackApiError as error:
            if error_code(error) in UNKNOWN:
                return Profile(person, person.user, "stranger")
            raise SlackUnavailable from error
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise SlackUnavailable from error
        data = cast("dict[str, Any]", answer.data)
        return profile_from(person, data.get("user") or {}, self._identity())

    def _forget_old(self) -> None:
        old = time.monotonic() - FRESH
        for person in [p for p, (at, _) in self._known.items() if at < old]:
            del self._known[person]


class Afresh:
    """The same people, asked for each time: for the moment before a call runs."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def look_up(self, person: Person) -> Profile:
        """Who this is now; raises SlackUnavailable."""
        return await self._directory.ask(person)

    async def members(self, source: str, requester: Person) -> tuple[str, ...]:
        """User ids of a live group's people now; raises SlackUnavailable."""
        return await self._directory.ask_members(source, requester)


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
    return Profile(person, name, _refusal(person, user, us), box)


def mailbox(address: str) -> str:
    """An address without what does not change where its e-mail goes: case, +tag."""
    local, at, domain = address.strip().lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}" if at and local else ""


def _refusal(person: Person, user: Mapping[str, Any], us: Identity) -> str:
    if user.get("id") != person.user:
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
    return "" if all(user.get(flag) is False for flag in FLAGS) else "stranger"


def _is_ours(person: Person, user: Mapping[str, Any], us: Identity) -> bool:
    if person.team != us.team:
        return False
    grid: Mapping[str, Any] = user.get("enterprise_user") or {}
    if us.enterprise and grid.get("enterprise_id") == us.enterprise:
        return us.team in (grid.get("teams") or ())
    return user.get("team_id") == us.team
