"""An agent that runs elsewhere, as the bot's HTTP API sees it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from tests.support.demo import MAREK, TEAM
from tests.support.http_api import API_TOKENS, Api, Said, digest

NAME, OWNER = "deploy-bot", MAREK
TOKEN, OTHER_TOKEN = "token-of-deploy-bot-0123456789", "token-of-other-bot-0123456789"
AGENTS = ",".join(
    f"{digest(token)}:{TEAM}:{name}:{OWNER}"
    for token, name in ((TOKEN, NAME), (OTHER_TOKEN, "other-bot"))
)
SETTINGS = {"API_TOKENS": API_TOKENS, "API_AGENTS": AGENTS}
#: Rules for its tools, beside those of a policy of the files.
RULES = """
  - {name: restarts, tools: [restart], stages: [{approvers: managers}]}
  - {name: rotates, tools: [rotate], stages: [{approvers: managers}],
     standing: {max: 1h, uses: 3}}
  - {name: brief, tools: [brief], stages: [{approvers: managers}],
     claim_within: 1s, result_within: 1s}
  - {name: looks, tools: [look], agents: [deploy-bot], approval: none}
  - {name: nobody, tools: [read_file], approval: none}
  - {name: never, tools: [wipe], deny: true, why: Nothing is wiped from afar.}
  - {name: owned, tools: [owned], stages: [{approvers: requester}]}
"""
_keys = itertools.count()


@dataclass(frozen=True)
class OutsideAgent:
    """Asks a running bot under one token."""

    url: str
    token: str = TOKEN

    @property
    def api(self) -> Api:
        return Api(self.url)

    async def ask(self, tool: str = "restart", **more: Any) -> Said:
        body = {
            "key": f"k-{next(_keys)}",
            "tool": tool,
            "arguments": {"service": "web"},
        }
        return await self.api.post(self.token, "/api/requests", {**body, **more})

    async def wait(self, request: str, seconds: int = 0) -> Said:
        path = f"/api/requests/{request}"
        return await self.api.get(self.token, path, wait=str(seconds))

    async def claim(self, asked: Any) -> Said:
        """Claim what was told: the request's body."""
        body = {"digest": asked["digest"]}
        return await self.api.post(
            self.token, f"/api/requests/{asked['id']}/claim", body
        )

    async def report(
        self, request: str, status: str = "done", summary: str = ""
    ) -> Said:
        body = {"status": status, "summary": summary}
        return await self.api.post(self.token, f"/api/requests/{request}/result", body)

    async def withdraw(self, request: str) -> Said:
        return await self.api.send(self.token, "DELETE", f"/api/requests/{request}")
