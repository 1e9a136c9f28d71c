"""The API's addresses and handlers. Without API_TOKENS nobody can use them."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.approvals import store
from bot.approvals.eligibility import (
    PolicyContext,
    can_see,
    represents,
    with_current_people,
)
from bot.approvals.judge import Result
from bot.approvals.model import Action, Effect, Person, Request, Verdict
from bot.approvals.outside_slack import Approval, request_json
from bot.base.errors import SlackUnavailable
from bot.base.masks import mask, mask_arguments
from bot.base.settings_types import ApiAgent
from bot.conversations import conversation
from bot.conversations.agents_outside import AgentsOutside
from bot.database.pool import TRANSIENT, transaction
from bot.slack.deps import Deps
from bot.texts import web as sentences
from bot.texts.api import (
    ANSWER_NO_TEXT,
    NO_ADDRESS,
    NOT_YOURS,
    full_members_only,
    wrong_method,
)
from bot.texts.call import plain_headline
from bot.web import SQL
from bot.web.api import schema
from bot.web.api.agent_requests import AgentRequests
from bot.web.api.callers import Callers, Repeats, acting, key_of, limit
from bot.web.api.claude_code import ClaudeCode, denying
from bot.web.api.mcp_server import McpServer
from bot.web.api.problems import Problem, answered, unreadable
from bot.web.api.queries import cursor, read_query
from bot.web.api.schema import DecisionBody, MessageBody, Raised, Said, read


def api_routes(api: Api) -> list[web.RouteDef]:
    """All that the document names, and the document, which alone needs no token."""
    approvals, conversations = Approvals(api), Conversations(api)
    requests = AgentRequests(api.deps, api.agents)
    handlers = {
        "list_approvals": api.guarded(approvals.page),
        "get_approval": api.guarded(approvals.one),
        "decide_approval": api.guarded(approvals.decide),
        "get_conversation": api.guarded(conversations.told),
        "say": api.guarded(conversations.say, kind="messages"),
        "ask": api.guarded_for_agents(requests.ask),
        "wait_for_request": api.guarded_for_agents(requests.one),
        "withdraw_request": api.guarded_for_agents(requests.withdraw),
        "claim_request": api.guarded_for_agents(requests.claim),
        "report_result": api.guarded_for_agents(requests.report),
        "claude_code": denying(api.guarded_for_agents(ClaudeCode(requests).answer)),
    }
    return [
        web.get("/api/openapi.json", _document),
        web.post("/mcp", api.guarded_for_agents(McpServer(requests).answer)),
        *(
            web.route(each.verb, each.path, handlers[each.name])
            for each in schema.OPERATIONS
        ),
    ]


async def _document(_request: web.Request) -> web.Response:
    return answered(200, schema.document())


ApiHandler = Callable[[web.Request], Awaitable[web.Response]]
AgentAct = Callable[[web.Request, ApiAgent], Awaitable[web.Response]]
Act = Callable[[web.Request, Person], Awaitable[web.Response]]


@dataclass(frozen=True)
class Api:
    """Lets known people in; each handler belongs to one of them."""

    deps: Deps
    callers: Callers
    agents: AgentsOutside

    @property
    def repeats(self) -> Repeats:
        return Repeats(self.deps.pool)

    def guarded(self, act: Act, kind: str = "clicks") -> ApiHandler:
        """Let a handler answer a known person in good standing, not too often."""

        async def known(request: web.Request) -> web.Response:
            person = self.callers.person(request.headers.get("Authorization", ""))
            await limit(self.deps, kind, person)
            await self._check(person)
            return await act(request, person)

        return _telling_problems(known)

    def guarded_for_agents(self, act: AgentAct) -> ApiHandler:
        """Let a handler answer an agent outside, not too often."""

        async def known(request: web.Request) -> web.Response:
            agent = self.callers.agent(request.headers.get("Authorization", ""))
            await limit(self.deps, "clicks", Person("", agent.team, acting(agent)))
            return await act(request, agent)

        return _telling_problems(known)

    async def _check(self, person: Person) -> None:
        """A token goes on working for as long as its person does, and no longer."""
        profile = await self.deps.people.look_up(person)
        if profile.refusal:
            said = full_members_only(profile.refusal)
            raise Problem(403, profile.refusal.replace(" ", "_"), said)


def _telling_problems(act: ApiHandler) -> ApiHandler:
    async def handle(request: web.Request) -> web.Response:
        try:
            return await act(request)
        except Problem as problem:
            return problem.response()
        except SlackUnavailable:
            return _not_now("could_not_check", sentences.COULD_NOT_CHECK)
        except TRANSIENT:
            return _not_now("unavailable", sentences.NOT_NOW)

    return handle


def _not_now(word: str, sentence: str) -> web.Response:
    return Problem(503, word, sentence, {"Retry-After": "5"}).response()


_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")
Stored = tuple[Request, dt.datetime]


@dataclass(frozen=True)
class Approvals:
    """Handlers, each for one authenticated person."""

    api: Api

    async def page(self, request: web.Request, person: Person) -> web.Response:
        """Requests of a person, newest first."""
        asked = read_query(request.query.items())
        after_at, after_id = asked.cursor or (None, "")
        async with transaction(self.api.deps.pool) as connection:
            await connection.execute(SQL["plan_by_values"])
            now = await store.clock(connection)
            policy = self.api.deps.policies.current
            key = {
                **vars(asked),
                "limit": asked.limit + 1,
                "after_at": after_at,
                "after_id": after_id,
                "team": person.team,
                "user": person.user,
                "people": represents(person, policy, now),
            }
            found = await connection.execute(SQL["page_of_requests"], key)
            rows = await found.fetchall()
            shown = rows[: asked.limit]
            requests = await store.named(connection, [row["id"] for row in shown])
        following = cursor(shown[-1]) if len(rows) > len(shown) else None
        # a delegate sees what they can stand in for, and no other request
        seen = [each for each in requests if can_see(person, each, policy, now)]
        listed = [self._shown(request, now) for request in seen]
        return answered(200, schema.Page(approvals=listed, next_cursor=following))

    def _fresh(self, request: Request, now: dt.datetime) -> Request:
        return with_current_people(
            request, PolicyContext(self.api.deps.policies.current, now, {})
        )

    def _shown(self, request: Request, now: dt.datetime) -> Approval:
        return request_json(self._fresh(request, now), plain_headline(request))

    async def one(self, request: web.Request, person: Person) -> web.Response:
        """One request."""
        found, now = await self._load(request.match_info["id"], person)
        if not await self._may_see(person, found, now):
            raise _not_found()
        return answered(200, self._shown(found, now))

    async def decide(self, request: web.Request, person: Person) -> web.Response:
        """A person's word on a request; a repeat of it is answered alike."""
        body, raw = await read(request, DecisionBody)
        name, key = request.match_info["id"], key_of(request)

        async def act() -> web.Response:
            return await self._decide(name, person, body, key)

        return await self.api.repeats.once(person, request, raw, act)

    async def _decide(
        self, name: str, person: Person, body: DecisionBody, key: str
    ) -> web.Response:
        found, now = await self._load(name, person)
        action = await _action(self.api.deps, found, person, body, key)
        result = await self._judged(found, action, body.digest)
        said = sentences.answer(result, found, person)
        if said.status >= 400 and not await self._may_see(person, found, now):
            raise _not_found()
        after, now = await self._load(name, person)
        if said.status >= 400:
            said = sentences.answer(result, self._fresh(after, now), person)
            raise Problem(said.status, said.word, said.sentence)
        shown = self._shown(after, now)
        told = schema.Decided(effect=said.word, message=said.sentence, approval=shown)
        return answered(200, told)

    async def _judged(
        self, found: Request, action: Action, digest: str | None
    ) -> Result:
        """A word on arguments that hold no more, or never did, decides nothing."""
        if digest not in (None, found.call.grant_digest) and found.is_open:
            result = Result(Effect.REFUSED, "superseded")
            await self.api.deps.decider.refuse(action, result)
            return result
        result, _ = await self.api.deps.decider.decide(action)
        return result

    async def _load(self, name: str, person: Person) -> Stored:
        if not _ID.fullmatch(name):
            raise _not_found()
        async with self.api.deps.pool.connection() as connection:
            found = await store.load_with_clock(connection, name)
        # buttons' tokens find requests too, and are nobody's business here
        if found is None or found[0].id != name or found[0].team != person.team:
            raise _not_found()
        return found

    async def _may_see(self, person: Person, found: Request, now: dt.datetime) -> bool:
        """Judge by what is stored; else by what Slack says of a group right now."""
        if can_see(person, found, self.api.deps.policies.current, now):
            return True
        asking = Action(found.place.token, person, Verdict.APPROVE, "api")
        result, _ = await self.api.deps.decider.preview(asking)
        open_to = result.effect not in (Effect.REFUSED, Effect.LATE)
        return open_to or result.code in ("not_allowed", "typed_wrong")


def _not_found() -> Problem:
    return Problem(404, "not_found", sentences.NOT_FOUND)


async def _action(
    deps: Deps, found: Request, person: Person, body: DecisionBody, key: str
) -> Action:
    """Read the person's verdict; who it is comes from the token alone.

    Raises:
        Problem: 422, no text where the answer has to be one.
    """
    action = Action(
        request=found.place.token,
        person=person,
        verdict=body.verdict,
        via="api",
        reason=body.reason,
        click=f"api:{key}" if key else "",
        typed=body.typed,
    )
    if body.verdict is Verdict.ANSWER:
        return _answer(action, found, body.answer)
    if body.arguments is None:
        return action
    given = unmasked(found, body.arguments)
    arguments = await deps.filled_for(found, given)
    seen = await deps.look_for(found, arguments)
    return replace(action, arguments=arguments, seen=seen)


def _answer(action: Action, found: Request, answer: Any) -> Action:
    if found.call.form is not None:
        return replace(action, value=answer)
    if not isinstance(answer, str):
        raise unreadable(ANSWER_NO_TEXT)
    return replace(action, reason=answer.strip())


def unmasked(request: Request, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments in which each one that came back as it is shown is what it was.

    Whoever edits one argument has seen the others with their secrets masked.
    """
    call = request.call
    shown = mask_arguments(call.arguments, call.schema)
    kept = {
        name: value
        for name, value in call.arguments.items()
        if name in given and name in shown and given[name] == shown[name]
    }
    return {**given, **kept}


@dataclass(frozen=True)
class Conversations:
    """Handlers, each for one authenticated person."""

    api: Api

    async def say(self, request: web.Request, person: Person) -> web.Response:
        """One message; the agent's turn is a job, so the answer is 202."""
        name = _conversation(request)
        body, raw = await read(request, MessageBody)
        key = key_of(request) or secrets.token_urlsafe(16)

        async def act() -> web.Response:
            if not await conversation.say(
                self.api.deps.pool, self.api.deps.jobs, name, person, body.text, key
            ):
                raise _no_conversation()
            return answered(202, schema.Taken(conversation=str(name)))

        return await self.api.repeats.once(person, request, raw, act)

    async def told(self, request: web.Request, person: Person) -> web.Response:
        """Return what was said, and what is asked of people."""
        name = _conversation(request)
        found = await conversation.told(self.api.deps.pool, name, person)
        if found is None:
            raise _no_conversation()
        body: schema.Conversation = {
            "id": str(name),
            "state": found["state"],
            "messages": [
                Said(at=row["at"].isoformat(), by=row["by"], text=mask(row["text"]))
                for row in found["said"]
            ],
            "approvals": [
                Raised(id=row["id"], status=row["status"]) for row in found["requests"]
            ],
        }
        return answered(200, body)


def _conversation(request: web.Request) -> uuid.UUID:
    try:
        return uuid.UUID(request.match_info["id"])
    except ValueError:
        raise _no_conversation() from None


def _no_conversation() -> Problem:
    return Problem(404, "not_found", NOT_YOURS)


@web.middleware
async def in_a_sentence(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Programs read every no of the API as JSON, this one too."""
    try:
        return await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
        if not request.path.startswith("/api/"):
            raise
        return _problem(error).response()


def _problem(error: web.HTTPNotFound | web.HTTPMethodNotAllowed) -> Problem:
    if isinstance(error, web.HTTPNotFound):
        return Problem(404, "no_such_address", NO_ADDRESS)
    allowed = ", ".join(sorted(error.allowed_methods))
    said = wrong_method(error.method, allowed)
    return Problem(405, "method_not_allowed", said, {"Allow": allowed})
