"""`/mcp`: what agents outside may do, as tools of the Model Context Protocol.

Streamable HTTP without a session: each POST stands alone and gets one JSON answer.
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
"""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple
from urllib.parse import urlsplit

import anyio
import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from bot.approvals.model import Execution
from bot.base.errors import SlackUnavailable
from bot.base.settings_types import ApiAgent
from bot.database.pool import TRANSIENT
from bot.texts import api as sentences
from bot.texts.web import COULD_NOT_CHECK, NOT_NOW
from bot.web.api.agent_requests import AgentRequests, answer_of
from bot.web.api.problems import Problem
from bot.web.api.schema import (
    Asked,
    ClaimBody,
    RequestBody,
    ResultBody,
    bytes_of,
    fitting,
)

if TYPE_CHECKING:  # the SDK is imported at the first request
    from mcp.server.lowlevel import Server
    from mcp.server.streamable_http import StreamableHTTPServerTransport
    from mcp.types import Tool

log = structlog.get_logger(__name__)
NAME = "approvals"
LONGEST_WAIT = 50  # seconds; clients give up after 60
NEWEST = 20  # requests in a list
Json = dict[str, Any]


class _Named(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[0-9A-Za-z_-]{1,64}$")]


class _Waiting(_Named):
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT)] = LONGEST_WAIT


class _Claim(ClaimBody, _Named):
    """The members of a claim over HTTP, and the id, which stands in the path there."""


class _Result(ResultBody, _Named):
    """The members of a report over HTTP, and the id."""


class _Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Kind(NamedTuple):
    """A tool: the shape of its arguments, and whether it changes nothing."""

    shape: type[BaseModel]
    reads: bool = False


KINDS: Mapping[str, _Kind] = {
    "request_approval": _Kind(RequestBody),
    "get_approval": _Kind(_Waiting, reads=True),
    "claim_approval": _Kind(_Claim),
    "report_result": _Kind(_Result),
    "withdraw_approval": _Kind(_Named),
    "list_my_requests": _Kind(_Nothing, reads=True),
}


class Refused(Exception):
    """A tool did not do it; the sentence is for the agent."""


@dataclass(frozen=True)
class AgentTools:
    """The tools, for one authenticated agent. None decides."""

    requests: AgentRequests
    agent: ApiAgent

    def server(self) -> Server[Any, Any]:
        """The SDK's server for one request."""
        from mcp.server.lowlevel import Server

        server = Server[Any, Any](NAME, instructions=sentences.MCP_INSTRUCTIONS)
        server.list_tools()(_listed)  # pyright: ignore[reportUnknownMemberType]
        server.call_tool()(self.call)
        return server

    async def call(self, name: str, arguments: Json) -> Json:
        """Do it. Raises Refused."""
        if name not in KINDS:
            raise Refused(sentences.mcp_unknown(name))
        try:
            body = fitting(KINDS[name].shape, json.dumps(arguments).encode())
            return await getattr(self, f"_{name}")(body)
        except Problem as problem:
            raise Refused(problem.sentence) from None
        except SlackUnavailable:
            raise Refused(COULD_NOT_CHECK) from None
        except TRANSIENT:
            raise Refused(NOT_NOW) from None
        except Exception:
            log.exception("a tool of /mcp failed", action="mcp_failed")
            raise Refused(sentences.MCP_FAILED) from None

    async def _request_approval(self, body: RequestBody) -> Asked:
        found, _ = await self.requests.raised(self.agent, body)
        return self.requests.shown(found)

    async def _get_approval(self, body: _Waiting) -> Asked:
        found = await self.requests.decided(self.agent, body.id, body.wait)
        return self.requests.shown(found)

    async def _claim_approval(self, body: _Claim) -> Asked:
        claim = self.requests.agents.claim(self.agent, body.id, body.digest)
        return self.requests.shown(await answer_of(claim))

    async def _report_result(self, body: _Result) -> Asked:
        state = Execution(body.status)
        agents = self.requests.agents
        report = agents.report(self.agent, body.id, state, body.summary)
        return self.requests.shown(await answer_of(report))

    async def _withdraw_approval(self, body: _Named) -> Asked:
        withdrawal = self.requests.agents.withdraw(self.agent, body.id)
        return self.requests.shown(await answer_of(withdrawal))

    async def _list_my_requests(self, _body: _Nothing) -> Json:
        found = await self.requests.agents.newest(self.agent, NEWEST)
        return {"requests": [self.requests.shown(each) for each in found]}


async def _listed() -> list[Tool]:
    from mcp.types import Tool, ToolAnnotations

    return [
        Tool(
            name=name,
            description=sentences.MCP_TOOLS[name],
            inputSchema=kind.shape.model_json_schema(by_alias=True),
            annotations=ToolAnnotations(
                readOnlyHint=kind.reads,
                destructiveHint=False,
                idempotentHint=name != "claim_approval",
            ),
        )
        for name, kind in KINDS.items()
    ]


@dataclass(frozen=True)
class McpServer:
    """Serves the SDK's transport, which speaks ASGI, from aiohttp."""

    requests: AgentRequests

    async def answer(self, request: web.Request, agent: ApiAgent) -> web.Response:
        """Answer one message of an agent."""
        body, transport = await bytes_of(request), self._transport()
        server = AgentTools(self.requests, agent).server()
        answer = _Answer(body)
        async with transport.connect() as streams, anyio.create_task_group() as tasks:
            options = server.create_initialization_options()
            tasks.start_soon(lambda: server.run(*streams, options, stateless=True))
            await transport.handle_request(_scope(request), answer.receive, answer.send)
            await transport.terminate()
        return answer.response()

    def _transport(self) -> StreamableHTTPServerTransport:
        from mcp.server.streamable_http import StreamableHTTPServerTransport
        from mcp.server.transport_security import TransportSecuritySettings

        hosts = ["localhost", "127.0.0.1", "[::1]"]
        origins = [f"http://{host}" for host in hosts]
        anywhere = [f"{each}:*" for each in (*hosts, *origins)]
        public = self.requests.deps.settings.public_url
        if public:
            origins.append("{0.scheme}://{0.netloc}".format(urlsplit(public)))
            hosts.append(urlsplit(public).netloc)
        security = TransportSecuritySettings(
            allowed_hosts=[*hosts, *anywhere], allowed_origins=[*origins, *anywhere]
        )
        return StreamableHTTPServerTransport(
            None, is_json_response_enabled=True, security_settings=security
        )


def _scope(request: web.Request) -> Json:
    headers = request.headers.items()
    return {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "query_string": request.query_string.encode(),
        "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in headers],
    }


Message = MutableMapping[str, Any]


@dataclass
class _Answer:
    """The one answer that an ASGI application gives to a body."""

    body: bytes
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict[str, str])
    sent: bytes = b""

    async def receive(self) -> Message:
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            self.sent += message.get("body", b"")

    def response(self) -> web.Response:
        kept = {k: v for k, v in self.headers.items() if k != "content-length"}
        return web.Response(status=self.status, headers=kept, body=self.sent)
