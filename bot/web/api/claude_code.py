"""`POST /api/hooks/claude-code`: Claude Code asks before a tool, and reports after it.

It runs the tool on any answer that is no 2xx, unless its settings say `onFailure:
block`. So each refusal here is a 200 that denies.
https://code.claude.com/docs/en/hooks
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.approvals.model import Execution, Outcome, Status
from bot.base.settings_types import ApiAgent
from bot.conversations.agents_outside import Conflict, NoRequest, OutsideRequest
from bot.texts import api as sentences
from bot.web.api.agent_requests import AgentRequests, answer_of, seconds_of
from bot.web.api.problems import answered
from bot.web.api.schema import (
    LONGEST_HOOK,
    LONGEST_REASON,
    HookAnswer,
    HookBody,
    HookDecision,
    RequestBody,
    read,
)

log = structlog.get_logger(__name__)
USUAL_WAIT = 540  # seconds; Claude Code gives an http hook 600 where nobody says other
Handle = Callable[[web.Request], Awaitable[web.Response]]


def denying(handle: Handle) -> Handle:
    """Make a denial of whatever else would not be a success."""

    async def answer(request: web.Request) -> web.Response:
        try:
            response = await handle(request)
        except Exception:
            log.exception("a hook of Claude Code failed", action="hook_failed")
            return _deny(sentences.HOOK_FAILED)
        if response.status == 200:
            return response
        return _deny(json.loads(response.text or "{}")["message"])

    return answer


@dataclass(frozen=True)
class ClaudeCode:
    """The hook of one agent: `tool_use_id` is the key of its request."""

    requests: AgentRequests

    async def answer(self, request: web.Request, agent: ApiAgent) -> web.Response:
        """Allow a call that is approved and claimed by now; note the end of another."""
        body, _ = await read(request, HookBody)
        if body.hook_event_name != "PreToolUse":
            await self._note_end(agent, body)
            return answered(200, HookAnswer())
        wait = seconds_of(request, USUAL_WAIT, LONGEST_HOOK)
        asked, _ = await self.requests.raised(agent, _request(body))
        found = await self._decided(request, agent, asked.request.id, wait)
        if found.request.status is not Status.APPROVED or _is_gone(request):
            return _deny(self._refusal(found))
        claim = self.requests.agents.claim(
            agent, found.request.id, found.request.call.grant_digest
        )
        return _allow(await answer_of(claim))

    async def _decided(
        self, request: web.Request, agent: ApiAgent, name: str, wait: int
    ) -> OutsideRequest:
        """Wait as long as Claude Code does, and then take back what is still open."""
        found = await self.requests.decided(
            agent, name, wait, lambda: _is_gone(request)
        )
        if not found.request.is_open:
            return found
        with contextlib.suppress(Conflict):  # decided at the very last moment
            return await self.requests.agents.withdraw(agent, name)
        return await self.requests.agents.find(agent, name)

    def _refusal(self, found: OutsideRequest) -> str:
        request = found.request
        if request.status is Status.ANSWERED:
            return sentences.hook_answered(request.answer)
        if request.status is Status.WITHDRAWN:
            return sentences.HOOK_UNDECIDED
        return sentences.hook_denied(request.status, self.requests.shown(found)["why"])

    async def _note_end(self, agent: ApiAgent, body: HookBody) -> None:
        """Note how a call of ours ended; of others nothing is known here."""
        failed = body.hook_event_name == "PostToolUseFailure"
        state = Execution.FAILED if failed else Execution.DONE
        agents, summary = self.requests.agents, body.error[:LONGEST_REASON]
        with contextlib.suppress(NoRequest, Conflict):
            found = await agents.find_by_key(agent, _key(body))
            await agents.report(agent, found.request.id, state, summary)


def _key(body: HookBody) -> str:
    return f"claude-code:{body.tool_use_id}"


def _request(body: HookBody) -> RequestBody:
    """Ask as the session: what people rejected in it is not asked again at once."""
    return RequestBody(
        key=_key(body),
        tool=body.tool_name,
        arguments=body.tool_input,
        conversation=body.session_id,
    )


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _allow(found: OutsideRequest) -> web.Response:
    request = found.request
    said = HookDecision(
        hookEventName="PreToolUse",
        permissionDecision="allow",
        permissionDecisionReason=_approval(found),
    )
    if request.call.is_edited:
        said["updatedInput"] = request.call.arguments
    return answered(200, HookAnswer(hookSpecificOutput=said))


def _approval(found: OutsideRequest) -> str:
    if found.request.end.outcome is Outcome.WAIVED:
        return sentences.HOOK_WAIVED
    edited = found.request.call.is_edited
    return sentences.HOOK_EDITED if edited else sentences.HOOK_APPROVED


def _deny(reason: str) -> web.Response:
    said = HookDecision(
        hookEventName="PreToolUse",
        permissionDecision="deny",
        permissionDecisionReason=reason,
    )
    return answered(200, HookAnswer(hookSpecificOutput=said))
