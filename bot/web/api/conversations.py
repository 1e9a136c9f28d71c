"""`/api/conversations`: write to the agent as the token's person, and read it."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

from aiohttp import web

from bot.approvals.model import Person
from bot.conversations import aside
from bot.masks import mask
from bot.web.api.bodies import MessageBody, read
from bot.web.api.parts import ApiParts
from bot.web.api.problems import Problem, answered
from bot.web.api.repeats import key_of

NOT_YOURS = "There is no such conversation of yours; take a new UUID to begin one."


@dataclass(frozen=True)
class Conversations:
    """Handlers, each for one authenticated person."""

    parts: ApiParts

    async def say(self, request: web.Request, person: Person) -> web.Response:
        """One message; the agent's turn is a job, so the answer is 202."""
        name = _conversation(request)
        body, raw = await read(request, MessageBody)
        key = key_of(request) or secrets.token_urlsafe(16)

        async def act() -> web.Response:
            if not await aside.say(
                self.parts.pool, self.parts.jobs, name, person, body.text, key
            ):
                raise _not_found()
            return answered(202, {"conversation": str(name)})

        return await self.parts.repeats.once(person, request, raw, act)

    async def told(self, request: web.Request, person: Person) -> web.Response:
        """What was said, and what is asked of people."""
        name = _conversation(request)
        found = await aside.told(self.parts.pool, name, person)
        if found is None:
            raise _not_found()
        messages = [
            {"at": row["at"].isoformat(), "by": row["by"], "text": mask(row["text"])}
            for row in found["said"]
        ]
        approvals = [
            {"id": row["id"], "status": row["status"]} for row in found["requests"]
        ]
        body = {
            "id": str(name),
            "state": found["state"],
            "messages": messages,
            "approvals": approvals,
        }
        return answered(200, body)


def _conversation(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError:
        raise _not_found() from None


def _not_found() -> Problem:
    return Problem(404, "not_found", NOT_YOURS)
