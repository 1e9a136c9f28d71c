"""The shapes of what callers send, and the OpenAPI document: the tests hold it true."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.approvals.model import Confirm, Execution, Kind, Outcome, Status, Verdict
from bot.texts import api as sentences
from bot.web.api.problems import Problem, not_json, unreadable
from bot.web.api.queries import MOST, ROLES, USUAL

LARGEST = 1_000_000  # bytes
LONGEST_REASON = 3_000  # characters, as in the forms of the card
LONGEST_MESSAGE = 20_000  # characters
Shape = TypeVar("Shape", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class DecisionBody(_Body):
    """`POST /api/approvals/{id}/decision`. Nothing in it says who decides."""

    decision: Literal["approve", "reject", "edit", "answer"]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    reason: Annotated[str, Field(max_length=LONGEST_REASON)] = ""
    answer: Any = None  # a text, or what the form of a graph's question asks for
    arguments: dict[str, Any] | None = None
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


async def read(request: web.Request, shape: type[Shape]) -> tuple[Shape, bytes]:
    """The body as its shape, and its bytes.

    Raises:
        Problem: 413, 415 or 422.
    """
    if request.content_type != "application/json":
        raise not_json()
    body = await _bytes(request)
    try:
        return shape.model_validate(_parsed(body)), body
    except ValidationError as error:
        raise unreadable(_complaint(error)) from None


async def _bytes(request: web.Request) -> bytes:
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
        value: object = json.loads(
            text, object_pairs_hook=_once, parse_constant=_no_number
        )
        written = json.dumps(value, allow_nan=False, ensure_ascii=False)
        written.encode()  # half a character cannot be
        _refuse_nul(written)
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise unreadable(sentences.NO_JSON) from None
    return value


def _refuse_nul(written: str) -> None:
    """JSON writes NUL with one backslash before the u, a literal one with two."""
    if "\\u0000" in written.replace("\\\\", ""):
        raise ValueError("it holds NUL")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    said = f"{said[0].lower()}{said[1:]}" if said.startswith("Input") else said
    return sentences.does_not_fit(where, said[:200])


Json = dict[str, Any]
TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
TIME: Json = {"type": "string", "format": "date-time"}
NUMBER: Json = {"type": "integer", "minimum": 0}
VALUES: Json = {"type": "object", "additionalProperties": True}


def _words(words: Iterable[str]) -> Json:
    return {"type": "string", "enum": [str(word) for word in words]}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: Json) -> Json:
    """An object with exactly these members, each of them always there."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list_of(schema: Json) -> Json:
    return {"type": "array", "items": schema}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


_STAGE = _object(
    approvers=TEXT,
    people=TEXTS,
    quorum={"type": "integer", "minimum": 1},
    approvals=NUMBER,
    opened_at=_or_null(TIME),
    passed_at=_or_null(TIME),
)
_DECISION = _object(
    user=TEXT,
    verdict=_words(("approve", "reject", "edit", "answer")),
    stage=NUMBER,
    at=TIME,
    via=TEXT,
    reason=TEXT,
)
_APPROVAL = _object(
    id=TEXT,
    code=TEXT,
    team=TEXT,
    conversation={"type": "string", "format": "uuid"},
    kind=_words(Kind),
    tool=TEXT,
    arguments=VALUES,
    raised_arguments=_or_null(VALUES),
    edited_by=TEXT,
    answer={"description": "To a graph's question, waiting to be approved; or null."},
    answer_schema={
        **_or_null(VALUES),
        "description": "What an answer to a graph's question has to fit; null: a text.",
    },
    digest={"type": "string", "pattern": "^[0-9a-f]{64}$"},
    requester=TEXT,
    participants=TEXTS,
    note=TEXT,
    rules=TEXTS,
    why=TEXTS,
    policy_version=TEXT,
    status=_words(Status),
    outcome=_words(Outcome),
    outcome_note=TEXT,
    execution=_or_null(_words(Execution)),
    raised_at=TIME,
    expires_at={
        **TIME,
        "description": "When silence rejects it, be it by the open stage's timeout.",
    },
    decided_at=_or_null(TIME),
    allow=_list_of(_words(("approve", "reject", "edit", "answer", "withdraw"))),
    confirm=_words(Confirm),
    confirm_argument=TEXT,
    can_decide=TEXTS,
    stages=_list_of(_STAGE),
    decisions=_list_of(_DECISION),
    comments=_list_of(_object(user=TEXT, text=TEXT, at=TIME)),
)
_REASON: Json = {"type": "string", "maxLength": LONGEST_REASON}
_DIGEST: Json = {
    **_or_null({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
    "description": "What you saw: `digest` of the approval. Given, the word counts for"
    " exactly that; left out, for what is there when it arrives.",
}
_TYPED: Json = {
    "type": "string",
    "maxLength": LONGEST_REASON,
    "description": "Where `confirm` is typed: the value of the argument at"
    " `confirm_argument`, or the code where that is empty.",
}


def _word(word: str, needed: bool = False, **more: Json) -> Json:
    """The body of one kind of decision; with `more`, which it may need to be there."""
    return {
        "type": "object",
        "properties": {
            "decision": {"const": word},
            "digest": _DIGEST,
            "typed": _TYPED,
            **more,
        },
        "required": ["decision", *(more if needed else ())],
        "additionalProperties": False,
    }


_WHY: Json = {**_REASON, "description": "Why it is rejected."}
_INSTEAD: Json = {
    "description": "What the tool would have answered: a text of at most"
    f" {LONGEST_REASON:,} characters; or what `answer_schema` asks for."
}
_NEW: Json = {**VALUES, "description": "All arguments, as they are to be."}
_DECIDE: Json = {
    "oneOf": [
        _word("approve"),
        _word("reject", reason=_WHY),
        _word("edit", needed=True, arguments=_NEW),
        _word("answer", needed=True, answer=_INSTEAD),
    ]
}
_SAY: Json = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "minLength": 1, "maxLength": LONGEST_MESSAGE}
    },
    "required": ["text"],
    "additionalProperties": False,
}
_EFFECTS = (
    *("recorded", "stage_passed", "approved", "edited", "answered", "rejected"),
    *("withdrawn", "repeated"),
)
_SCHEMAS: Json = {
    "Approval": _APPROVAL,
    "Page": _object(approvals=_list_of(_ref("Approval")), next_cursor=_or_null(TEXT)),
    "Decision": _DECIDE,
    "Decided": _object(
        effect=_words(_EFFECTS), message=TEXT, approval=_ref("Approval")
    ),
    "Message": _SAY,
    "Taken": _object(conversation={"type": "string", "format": "uuid"}),
    "Conversation": _object(
        id={"type": "string", "format": "uuid"},
        state=_words(("idle", "working", "waiting")),
        messages=_list_of(
            _object(
                at=TIME,
                by={**_or_null(TEXT), "description": "A user id; null for the agent."},
                text=TEXT,
            )
        ),
        approvals=_list_of(_object(id=TEXT, status=_words(Status))),
    ),
    "Problem": _object(error=TEXT, message=TEXT),
}
_PROBLEMS = {
    401: "The token is missing or unknown.",
    403: "You may not do this; the message says who can.",
    404: "There is none among yours.",
    409: "Decided already, changed since you saw it, or still being worked on.",
    410: "Its time is over.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "What was sent does not fit.",
    429: "Too many requests; the header Retry-After says how long to wait.",
    503: "Slack or the database cannot be reached right now.",
}
_ALWAYS = (401, 403, 429, 503)
_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "description": "A repeat with the same key is answered like the first, for a day.",
}


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _operation(
    summary: str, name: str, status: int, schema: str, *problems: int, **more: Any
) -> Json:
    said = sorted({*_ALWAYS, *problems})
    responses: Json = {
        str(status): {"description": "Done.", "content": _content(_ref(schema))}
    }
    for each in said:
        content = _content(_ref("Problem"))
        responses[str(each)] = {"description": _PROBLEMS[each], "content": content}
    return {"summary": summary, "operationId": name, "responses": responses, **more}


def _body(schema: str) -> Json:
    return {"required": True, "content": _content(_ref(schema))}


def _in_path(**schema: Any) -> Json:
    shape = {"type": "string", **schema}
    return {"name": "id", "in": "path", "required": True, "schema": shape}


def _in_query(name: str, schema: Json, description: str) -> Json:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": description,
    }


_LIMIT: Json = {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL}
_QUERY = [
    _in_query("status", _words(Status), "Those of this status alone."),
    _in_query("role", _words(ROLES), "Those that you asked for, or can decide."),
    _in_query("tool", TEXT, "Those of this tool alone."),
    _in_query(
        "conversation", {"type": "string", "format": "uuid"}, "Those of one alone."
    ),
    _in_query("limit", _LIMIT, "How many on a page."),
    _in_query("cursor", TEXT, "`next_cursor` of the page before."),
]
_PATHS: Json = {
    "/api/approvals": {
        "get": _operation(
            *("Your approvals, newest first", "list_approvals", 200, "Page", 422),
            parameters=_QUERY,
        )
    },
    "/api/approvals/{id}": {
        "get": _operation(
            *("One approval", "get_approval", 200, "Approval", 404),
            parameters=[_in_path()],
        )
    },
    "/api/approvals/{id}/decision": {
        "post": _operation(
            *("Decide", "decide_approval", 200, "Decided"),
            *(404, 409, 410, 413, 415, 422),
            parameters=[_in_path(), _KEY],
            requestBody=_body("Decision"),
        )
    },
    "/api/conversations/{id}": {
        "get": _operation(
            *("A conversation of yours", "get_conversation", 200, "Conversation", 404),
            parameters=[_in_path(format="uuid")],
        )
    },
    "/api/conversations/{id}/messages": {
        "post": _operation(
            *("Write to the agent; a new UUID begins a conversation", "say", 202),
            *("Taken", 404, 409, 413, 415, 422),
            parameters=[_in_path(format="uuid"), _KEY],
            requestBody=_body("Message"),
        )
    },
}
DOCUMENT: Json = {
    "openapi": "3.1.0",
    "info": {
        "title": "Approvals",
        "version": "1",
        "description": "Approvals of a Slack team, for one person per token. The body"
        " of a request never says who acts: the token does.",
    },
    "security": [{"token": []}],
    "paths": _PATHS,
    "components": {
        "schemas": _SCHEMAS,
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
    },
}
