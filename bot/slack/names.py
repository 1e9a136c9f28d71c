"""Names for the ids of people, channels and groups, as Slack has them now."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.approvals.model import Person
from bot.base.errors import SlackUnavailable
from bot.base.time_limits import PATIENCE
from bot.slack.client import FAILURES, word_of
from bot.slack.directory import UNKNOWN, Directory
from bot.slack.identity import Identity
from bot.texts import conversation as say

log = structlog.get_logger(__name__)
KEPT = 600.0  # seconds that a name may be used: it is decoration and decides nothing
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
        return _MENTION.sub(lambda m: say.mentioned(names.get(m[1], ""), m[1]), text)

    async def of(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Names by id, of as many as Slack says in time."""
        wanted = list(dict.fromkeys(ids))[:MOST]
        now = time.monotonic()
        self._known = {k: v for k, v in self._known.items() if now - v[0] < KEPT}
        missing = [each for each in wanted if each not in self._known]
        if missing:
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


def _data(answer: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", answer.data)
