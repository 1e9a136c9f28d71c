"""Read what `GET /api/approvals` asks for, and where the next page begins."""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Json,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from bot.approvals.model import Status
from bot.texts import api as sentences
from bot.web.api.problems import unreadable

MOST = 100  # requests on a page


def _only(fits: Callable[[str], object]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not fits(text):
            raise ValueError
        return text

    return check


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


LeftOut = SkipJsonSchema[None]  # which the schema does not offer as a value
Role = Literal["requester", "approver"]
Printable = Annotated[str, AfterValidator(_only(str.isprintable))]
Tool = Annotated[Printable, AfterValidator(_only(lambda name: 0 < len(name) <= 200))]
Limit = Annotated[
    int,
    Field(ge=1, le=MOST),
    # int reads signs, blanks and other scripts too
    BeforeValidator(_only(re.compile("[0-9]{1,9}").fullmatch)),
]
Uuid = Annotated[uuid.UUID, BeforeValidator(uuid.UUID)]  # reads more than pydantic does
Cursor = Annotated[
    Json[tuple[AwareDatetime, Printable]],
    BeforeValidator(_decoded),
    WithJsonSchema({"type": "string"}),
]


class Query(BaseModel):
    """The parameters of `GET /api/approvals`."""

    # built at the first use, since a start would wait for it
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    status: Status | LeftOut = None
    role: Role | LeftOut = None
    tool: Tool | LeftOut = None
    conversation: Uuid | LeftOut = None
    limit: Limit = 20
    cursor: Cursor | LeftOut = None


_MISFITS = sentences.misfits(get_args(Role), MOST)


def read_query(given: Iterable[tuple[str, str]]) -> Query:
    """Read every parameter, as often as it stands in the address.

    Raises:
        Problem: 422, about the first that does not fit.
    """
    pairs = list(given)
    names = [name for name, _ in pairs]
    for name in names:
        if name not in _MISFITS:
            raise unreadable(sentences.unknown_parameter(_MISFITS))
        if names.count(name) > 1:
            raise unreadable(sentences.give_once(name))
    try:
        return Query.model_validate(dict(pairs))
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors()}
        first = next(name for name in names if name in wrong)
        raise unreadable(_MISFITS[first]) from None


def cursor(row: Mapping[str, Any]) -> str:
    """Return where the page after this row begins; opaque to callers."""
    text = json.dumps([row["raised_at"].isoformat(), row["id"]])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
