"""The shapes of what callers send and get, and the OpenAPI document made from them."""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, Self, TypeVar, cast

from aiohttp import web
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from typing_extensions import TypedDict

from bot.approvals.json_schemas import misfit
from bot.approvals.model import Execution, Status, Verdict
from bot.approvals.outside_slack import Approval, DateTime, Digest, Uuid, one_of
from bot.approvals.policy.titles import is_template
from bot.texts import api as sentences
from bot.texts.web import DONE
from bot.web.api.callers import KEY
from bot.web.api.problems import Problem, ProblemBody, not_json, unreadable
from bot.web.api.queries import LeftOut, Query

LARGEST = 1_000_000  # bytes
LONGEST_REASON = 3_000  # characters, as in the forms of the card
LONGEST_MESSAGE = 20_000  # characters
LONGEST_WAIT = 60  # seconds
LONGEST_HOOK = 3600  # seconds that Claude Code may be kept waiting
Shape = TypeVar("Shape", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, defer_build=True
    )


class DecisionBody(_Body):
    """`POST /api/approvals/{id}/decision`. Nothing in it says who decides."""

    decision: Literal["approve", "reject", "edit", "answer"]
    digest: Digest | None = None
    reason: Annotated[str, Field(max_length=LONGEST_REASON)] = ""
    answer: Any = None  # a text, or what the form of a graph's question asks for
    arguments: dict[str, Any] | LeftOut = None
    typed: Annotated[str, Field(max_length=LONGEST_REASON)] = ""

    @model_validator(mode="after")
    def _fits_the_decision(self) -> Self:
        """Arguments beside an approval would be taken for an edit by who sends them."""
        if (self.decision == "edit") is not (self.arguments is not None):
            raise ValueError(sentences.ARGUMENTS_WITH_EDIT)
        if (self.decision == "answer") is not ("answer" in self.model_fields_set):
            raise ValueError(sentences.ANSWER_WITH_ANSWER)
        if isinstance(self.answer, str) and len(self.answer) > LONGEST_REASON:
            raise ValueError(sentences.answer_too_long(LONGEST_REASON))
        if self.reason and self.decision != "reject":
            raise ValueError(sentences.REASON_WITH_REJECT)
        return self

    @property
    def verdict(self) -> Verdict:
        return Verdict(self.decision)


class MessageBody(_Body):
    """`POST /api/conversations/{id}/messages`."""

    text: Annotated[str, Field(min_length=1, max_length=LONGEST_MESSAGE)]


Key = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]
Words = Annotated[str, Field(max_length=LONGEST_REASON)]


class RequestBody(_Body):
    """`POST /api/requests`. The token says which agent asks."""

    key: Key
    tool: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
    arguments: dict[str, Any]
    title: Annotated[str, Field(max_length=150)] = ""
    reason: Words = ""
    schema_: Annotated[dict[str, Any], Field(alias="schema")] = {}
    requester: Annotated[str, Field(pattern=r"^([UW][A-Z0-9]{2,30})?$")] = ""
    conversation: Annotated[str, Field(max_length=200)] = ""

    @model_validator(mode="after")
    def _can_be_shown(self) -> Self:
        if not is_template(self.title) or not self.title.isprintable():
            raise ValueError(sentences.NO_TITLE)
        if complaint := misfit(self.schema_, self.arguments):
            raise ValueError(sentences.unlike_schema(complaint))
        return self


class ClaimBody(_Body):
    """`POST /api/requests/{id}/claim`."""

    digest: Digest


class ResultBody(_Body):
    """`POST /api/requests/{id}/result`."""

    status: Literal["done", "failed"]
    summary: Words = ""


class HookBody(BaseModel):
    """`POST /api/hooks/claude-code`: what Claude Code sends, and more that it may."""

    model_config = ConfigDict(strict=True, frozen=True, defer_build=True)

    hook_event_name: Literal["PreToolUse", "PostToolUse", "PostToolUseFailure"]
    session_id: Annotated[str, Field(max_length=200)]
    tool_use_id: Annotated[str, Field(pattern=r"^[!-~]{1,150}$")]
    tool_name: Annotated[str, Field(pattern=r"^[!-~]{1,200}$")]
    tool_input: dict[str, Any]
    error: str = ""


async def read(request: web.Request, shape: type[Shape]) -> tuple[Shape, bytes]:
    """The body as its shape, and its bytes.

    Raises:
        Problem: 413, 415 or 422.
    """
    if request.content_type != "application/json":
        raise not_json()
    body = await bytes_of(request)
    return fitting(shape, body), body


def fitting(shape: type[Shape], body: bytes) -> Shape:
    """JSON as its shape. Raises Problem: 422."""
    try:
        return shape.model_validate(_parsed(body))
    except ValidationError as error:
        raise unreadable(_complaint(error)) from None


async def bytes_of(request: web.Request) -> bytes:
    """The body. Raises Problem: 413."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        body = b" " * (LARGEST + 1)
    if len(body) > LARGEST:
        raise Problem(413, "too_large", sentences.body_too_large(LARGEST))
    return body


def _parsed(body: bytes) -> object:
    """JSON in UTF-8 that every reader understands alike: no key twice, no NaN."""
    try:
        text = body.decode("utf-8")
        value: object = json.loads(text, object_pairs_hook=_once)
        written = json.dumps(value, allow_nan=False, ensure_ascii=False)
        # half a character cannot be encoded, and NUL not stored; a literal \\u0000 can
        written.encode()
        if "\\u0000" in written.replace("\\\\", ""):
            raise ValueError("it holds NUL")
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise unreadable(sentences.NO_JSON) from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = str(first["loc"][0]) if first["loc"] else ""
    said = first["msg"].removeprefix("Value error, ")
    said = f"{said[0].lower()}{said[1:]}" if said.startswith("Input") else said
    return sentences.does_not_fit(where, said[:200])


# What callers get, as the type checker holds the handlers to it.
class Page(TypedDict):
    approvals: list[Approval]
    next_cursor: str | None


class Decided(TypedDict):
    effect: Annotated[str, one_of(DONE)]
    message: str
    approval: Approval


class Taken(TypedDict):
    conversation: Uuid


class Said(TypedDict):
    at: DateTime
    by: str | None
    text: str


class Raised(TypedDict):
    id: str
    status: Status


class Conversation(TypedDict):
    id: Uuid
    state: Literal["idle", "working", "waiting"]
    messages: list[Said]
    approvals: list[Raised]


class Asked(TypedDict):
    """A request as the agent outside sees it that asked."""

    id: str
    code: str
    status: Status
    digest: Digest
    title: str
    arguments: dict[str, Any]
    edited: bool
    answer: str
    decided_by: list[str]
    why: str
    execution: Execution | None
    summary: str
    expires_at: DateTime
    due_at: DateTime | None
    url: str


class HookDecision(TypedDict):
    hookEventName: Literal["PreToolUse"]
    permissionDecision: Literal["allow", "deny"]
    permissionDecisionReason: str
    updatedInput: NotRequired[dict[str, Any]]


class HookAnswer(TypedDict):
    """A word for Claude Code; it takes an answer without one for a note of its own."""

    hookSpecificOutput: NotRequired[HookDecision]


class Operation(NamedTuple):
    """An address of the API, as it is routed and as the document names it.

    `repeats`: whether it takes an Idempotency-Key; `waits`: how many seconds at most;
    `denies`: whether each refusal is a 200 that denies, also that of a token.
    """

    verb: str
    path: str
    name: str
    answer: type[Any]
    body: type[BaseModel] | None = None
    status: int = 200
    problems: tuple[int, ...] = ()
    repeats: bool = True
    waits: int = 0
    denies: bool = False


_APPROVAL, _CONVERSATION = "/api/approvals/{id}", "/api/conversations/{id}"
_REQUEST = "/api/requests/{id}"
OPERATIONS = (
    Operation("GET", "/api/approvals", "list_approvals", Page, problems=(422,)),
    Operation("GET", _APPROVAL, "get_approval", Approval, problems=(404,)),
    Operation(
        *("POST", f"{_APPROVAL}/decision", "decide_approval", Decided, DecisionBody),
        problems=(404, 409, 410, 413, 415, 422),
    ),
    Operation("GET", _CONVERSATION, "get_conversation", Conversation, problems=(404,)),
    Operation(
        *("POST", f"{_CONVERSATION}/messages", "say", Taken, MessageBody, 202),
        problems=(404, 409, 413, 415, 422),
    ),
    Operation(
        *("POST", "/api/requests", "ask", Asked, RequestBody, 201),
        problems=(409, 413, 415, 422),
        repeats=False,
    ),
    Operation(
        *("GET", _REQUEST, "wait_for_request", Asked),
        problems=(404, 422),
        waits=LONGEST_WAIT,
    ),
    Operation("DELETE", _REQUEST, "withdraw_request", Asked, problems=(404, 409)),
    Operation(
        *("POST", f"{_REQUEST}/claim", "claim_request", Asked, ClaimBody),
        problems=(404, 409, 413, 415, 422),
        repeats=False,
    ),
    Operation(
        *("POST", f"{_REQUEST}/result", "report_result", Asked, ResultBody),
        problems=(404, 409, 413, 415, 422),
        repeats=False,
    ),
    Operation(
        *("POST", "/api/hooks/claude-code", "claude_code", HookAnswer, HookBody),
        repeats=False,
        waits=LONGEST_HOOK,
        denies=True,
    ),
)
_ALWAYS = (401, 403, 429, 503)
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": KEY.pattern},
    "description": sentences.REPEAT,
}
_REFERENCE = "#/components/schemas/{model}"
Json = dict[str, Any]


@cache
def document() -> Json:
    """Make the OpenAPI document, at the first call: a start does not wait for it."""
    schemas = _schemas()
    query = schemas.pop("Query")["properties"]
    paths: Json = {}
    for each in OPERATIONS:
        paths.setdefault(each.path, {})[each.verb.lower()] = _operation(each, query)
    bearer = {"token": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": sentences.INFO | {"version": "1"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": bearer},
    }


def _schemas() -> Json:
    """Make the components by name, and the schema of the query."""
    shapes = [each.answer for each in OPERATIONS] + [ProblemBody, Query]
    shapes += [each.body for each in OPERATIONS if each.body]
    shapes = [*dict.fromkeys(shapes)]
    closed = ConfigDict(extra="forbid")  # models say it themselves, typed dicts cannot
    adapter = TypeAdapter[Any](cast(Any, tuple)[(*shapes,)], config=closed)
    parts = adapter.json_schema(ref_template=_REFERENCE)["$defs"]
    for part in parts.values():
        part.pop("description", None)  # a docstring, which is for readers of the code
    for shape, members in sentences.members(LONGEST_REASON).items():
        for member, said in members.items():
            parts[shape]["properties"][member]["description"] = said
    own = {_component(shape): parts.pop(shape.__name__) for shape in shapes}
    found = {name: _inlined(part, parts) for name, part in own.items()}
    return found | {"Decision": _by_decision(found["Decision"]["properties"])}


def _component(shape: type) -> str:
    """Return the name in the document; sentences know `Decision` as `DecisionBody`."""
    return shape.__name__.removesuffix("Body")


def _inlined(schema: Any, parts: Json) -> Any:
    """Put `parts` in the place of references; leave out titles and empty defaults."""
    match schema:
        case {"$ref": str(ref)} if (name := ref.rpartition("/")[2]) in parts:
            return _inlined(parts[name], parts)
        case dict():
            return {
                key: _inlined(value, parts)
                for key, value in cast(Json, schema).items()
                if key not in ("title", "default") or not isinstance(value, str | None)
            }
        case list():
            return [_inlined(each, parts) for each in cast("list[Any]", schema)]
        case _:
            return schema


#: Members that go with one decision alone.
_EXAMPLES: Json = {"reason": "x", "arguments": {}, "answer": "x"}


def _by_decision(members: Json) -> Json:
    """List a body for each decision, with the members that the model accepts there."""
    bodies: list[Json] = []
    for word in members["decision"]["enum"]:
        own = [name for name in _EXAMPLES if _accepts(word, name)]
        others = [name for name in members if name not in _EXAMPLES]
        body = {name: members[name] for name in (*others, *own)}
        needed = [] if _accepts(word) else own
        bodies.append(
            {
                "type": "object",
                "properties": {**body, "decision": {"const": word}},
                "required": ["decision", *needed],
                "additionalProperties": False,
            }
        )
    return {"oneOf": bodies}


def _accepts(word: str, *names: str) -> bool:
    body = {"decision": word, **{name: _EXAMPLES[name] for name in names}}
    try:
        return bool(DecisionBody.model_validate(body))
    except ValidationError:
        return False


def _operation(each: Operation, query: Json) -> Json:
    problems = {
        str(status): _content(ProblemBody, description=sentences.PROBLEMS[status])
        for status in sorted({*_ALWAYS, *each.problems})
        if not each.denies
    }
    done = {
        str(status): _content(each.answer, description=sentences.DONE)
        for status in ((200, 201) if each.status == 201 else (each.status,))
    }
    body = {"requestBody": _content(each.body, required=True)} if each.body else {}
    return {
        "summary": sentences.SUMMARIES[each.name],
        "operationId": each.name,
        "parameters": [
            *_parameters(each, query),
            *([_KEY] if body and each.repeats else []),
        ],
        "responses": done | problems,
        **body,
        **({"security": [{"token": []}, {}]} if each.denies else {}),
    }


def _parameters(each: Operation, query: Json) -> list[Json]:
    waits = [_wait(each.waits)] if each.waits else []
    if "{id}" in each.path:
        form = {"format": "uuid"} if each.path.startswith(_CONVERSATION) else {}
        shape = {"type": "string", **form}
        path = {"name": "id", "in": "path", "required": True, "schema": shape}
        return [path, *waits]
    if each.verb != "GET":
        return waits
    where = {"in": "query", "required": False}
    return [
        {"name": name, **where, "schema": query[name], "description": said}
        for name, said in sentences.QUERY.items()
    ]


def _wait(most: int) -> Json:
    return {
        "name": "wait",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 0, "maximum": most},
        "description": sentences.WAIT,
    }


def _content(shape: type, **more: Any) -> Json:
    reference = {"$ref": _REFERENCE.format(model=_component(shape))}
    return {**more, "content": {"application/json": {"schema": reference}}}
