"""Read what callers send: one JSON object, checked before anything acts on it."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, NoReturn, Self, TypeVar

from aiohttp import web
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from bot.approvals.model import Verdict
from bot.web.api.problems import Problem, not_json, unreadable

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
            raise ValueError("`arguments` go with the decision edit, and it needs them")
        if (self.decision == "answer") is not ("answer" in self.model_fields_set):
            raise ValueError("`answer` goes with the decision answer, and it needs it")
        if isinstance(self.answer, str) and len(self.answer) > LONGEST_REASON:
            raise ValueError(f"`answer` has more than {LONGEST_REASON:,} characters")
        if self.reason and self.decision != "reject":
            raise ValueError("`reason` goes with the decision reject alone")
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
        said = f"The body is larger than {LARGEST:,} bytes; send a smaller one."
        raise Problem(413, "too_large", said)
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
        said = "The body is no JSON that can be read alike everywhere: send one object"
        raise unreadable(f"{said}, in UTF-8, each key once.") from None
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
    return f"The body does not fit{f' at {where}' if where else ''}: {said[:200]}."
