"""The API's addresses. Without API_TOKENS there is nobody who could use them."""

from __future__ import annotations

from aiohttp import web

from bot.web.api.approvals import Approvals
from bot.web.api.conversations import Conversations
from bot.web.api.document import DOCUMENT
from bot.web.api.parts import ApiParts
from bot.web.api.problems import answered


def api_routes(parts: ApiParts) -> list[web.RouteDef]:
    """All of it; the description alone needs no token."""
    approvals, conversations = Approvals(parts), Conversations(parts)
    guarded = parts.guarded
    return [
        web.get("/api/openapi.json", _document),
        web.get("/api/approvals", guarded(approvals.page)),
        web.get("/api/approvals/{id}", guarded(approvals.one)),
        web.post("/api/approvals/{id}/decision", guarded(approvals.decide)),
        web.get("/api/conversations/{id}", guarded(conversations.told)),
        web.post(
            "/api/conversations/{id}/messages",
            guarded(conversations.say, kind="messages"),
        ),
    ]


async def _document(_request: web.Request) -> web.Response:
    return answered(200, DOCUMENT)
