"""The HTTP API as a program uses it: one token for each person."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.support.demo import DORA, FAY, MAREK, MINA, OLAF, RAVI, TEAM

TOKENS = {
    user: f"token-of-{user.lower()}-0123456789"
    for user in (RAVI, MINA, MAREK, FAY, DORA, OLAF)
}


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


API_TOKENS = ",".join(
    f"{digest(token)}:{TEAM}:{user}" for user, token in TOKENS.items()
)


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    body: Any
    headers: Any

    @property
    def word(self) -> str:
        return self.body["error"]


@dataclass(frozen=True)
class Api:
    """The API of a running bot."""

    url: str

    async def get(self, user: str, path: str, **query: str) -> Said:
        return await self.send(user, "GET", path, params=query)

    async def post(
        self, user: str, path: str, body: Any, *, key: str | None = None, **more: Any
    ) -> Said:
        headers = {"Idempotency-Key": key} if key else {}
        headers |= more.pop("headers", {})
        return await self.send(user, "POST", path, json=body, headers=headers, **more)

    async def decide(self, user: str, request: str, word: str, **more: Any) -> Said:
        body = {"decision": word, **more}
        return await self.post(user, f"/api/approvals/{request}/decision", body)

    async def send(self, user: str, method: str, path: str, **how: Any) -> Said:
        token = TOKENS.get(user, user)
        headers = how.pop("headers", {})
        if token:
            headers = {"Authorization": f"Bearer {token}", **headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, headers=headers, **how) as answer,
        ):
            is_json = answer.content_type == "application/json"
            body = await (answer.json() if is_json else answer.text())
            return Said(answer.status, body, answer.headers)
