"""People asked for anew, right before what they decided runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from bot.approvals.model import Person, Profile
from bot.approvals.ports import DecisionKey
from bot.base.errors import SlackUnavailable
from bot.slack.directory import Directory

SERVES = 10.0  # seconds for which what a click has asked serves the run


@dataclass(frozen=True)
class Begun:
    """Look-ups that a click has begun, or made since it came (`time.monotonic`)."""

    since: float
    looks: Mapping[Person, asyncio.Task[Profile]]


class Afresh:
    """The people of a directory as they are now, and never as they were once."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._begun: dict[DecisionKey, Begun] = {}

    def begin(
        self, decision: DecisionKey, people: Iterable[Person], since: float
    ) -> None:
        """Begin to look people up for a run, while the click's decision is written.

        Args:
            since: when the click came; what was asked later than that serves too.
        """
        looks = {each: self._look(each, since) for each in people}
        old = time.monotonic() - SERVES
        self._begun = {k: b for k, b in self._begun.items() if b.since > old}
        self._begun[decision] = Begun(since, looks)

    def _look(self, person: Person, since: float) -> asyncio.Task[Profile]:
        look = asyncio.create_task(self._directory.ask(person, since))
        # read the error, so that asyncio does not log it: the run asks once more
        look.add_done_callback(lambda done: done.cancelled() or done.exception())
        return look

    async def look_again(self, person: Person, decision: DecisionKey) -> Profile:
        """Look up a person as they are now, for the run of what was decided last.

        What the click has begun serves, or is waited for; where that failed, Slack is
        asked once more.

        Raises:
            SlackUnavailable: Slack did not answer in time.
        """
        begun = self._begun.get(decision)
        look = begun.looks.get(person) if begun else None
        if begun and look and time.monotonic() - begun.since < SERVES:
            with suppress(SlackUnavailable):
                return await asyncio.shield(look)
        return await self._directory.ask(person)

    async def members(self, source: str, requester: Person) -> tuple[str, ...]:
        """User ids of a live group's people now; raises SlackUnavailable."""
        return await self._directory.ask_members(source, requester)
