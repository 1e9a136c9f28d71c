"""Canonical bytes and the two digests that bind a decision to one exact call."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from functools import lru_cache
from sys import float_info
from typing import Any, cast

import rfc8785

from bot.approvals.model import Request
from bot.approvals.policy import complaints
from bot.approvals.policy.complaints import Loc


class NotCanonical(ValueError):
    """The arguments hold a value that has no canonical JSON form."""


def canonical(value: Any) -> str:
    """RFC 8785 text of a JSON value.

    Raises:
        NotCanonical: NaN, an infinity, an integer beyond 2^53, a lone surrogate, or
            anything that is not JSON.
    """
    try:
        return rfc8785.dumps(value).decode("utf-8")
    except (UnicodeError, RecursionError) as error:
        raise NotCanonical(complaints.not_canonical(error)) from error
    except rfc8785.CanonicalizationError as error:
        for place, number in _without_form(value):
            raise NotCanonical(complaints.no_such_number(place, number)) from error
        raise NotCanonical(complaints.not_canonical(error)) from error


def _without_form(value: Any, *place: str | int) -> Iterator[tuple[Loc, float]]:
    """Yield where in a value a number is that JSON cannot hold, and the number."""
    most = complaints.LARGEST_WHOLE if isinstance(value, int) else float_info.max
    if isinstance(value, dict):
        for name, each in cast("dict[object, Any]", value).items():
            yield from _without_form(each, *place, str(name))
    elif isinstance(value, list | tuple):
        for index, each in enumerate(cast("list[Any]", value)):
            yield from _without_form(each, *place, index)
    elif isinstance(value, int | float) and not abs(value) <= most:
        yield place, value


def storable(value: Any) -> str:
    """RFC 8785 text that is still the same after it has been read back.

    Raises:
        NotCanonical: as `canonical`; and a float beyond 2^53, since it is written as an
            integer that nobody can write again.
    """
    text = canonical(value)
    canonical(json.loads(text))
    return text


def schema_as_is(schema: Mapping[str, Any]) -> str:
    """JSON of a tool's argument schema to be stored: in its own order, as people read.

    Raises:
        TypeError: it is no JSON.
    """
    return json.dumps(dict(schema))


def schema_text(schema: Mapping[str, Any]) -> str:
    """JSON of a tool's argument schema, the same text for the same schema.

    Tools bound their integers by 2^63 and the like, for which RFC 8785 has no form.
    """
    try:
        return canonical(dict(schema))
    except NotCanonical:
        return json.dumps(schema, sort_keys=True, separators=(",", ":"))


def _sha256(domain: str, text: str) -> str:
    whole = f"slack-approval-bot/{domain}/1\n{text}"
    return hashlib.sha256(whole.encode("utf-8")).hexdigest()


def schema_digest(schema: Mapping[str, Any]) -> str:
    """Hex SHA-256 of a tool's argument schema; changes when the tool does."""
    return _schema_digest(schema_as_is(schema))


@lru_cache
def _schema_digest(schema: str) -> str:
    return _sha256("schema", schema_text(json.loads(schema)))


def call_digest(tool: str, schema: str, arguments: Mapping[str, Any]) -> str:
    """Hex SHA-256 of tool, schema digest and arguments: which call this is."""
    whole = {"tool": tool, "schema": schema, "arguments": dict(arguments)}
    return _sha256("call", canonical(whole))


def answer_digest(call: str, answer: Any) -> str:
    """Hex SHA-256 of a question together with the answer that it is to get."""
    return _sha256("answer", canonical({"call": call, "answer": answer}))


def copy_of(card: str, user: str) -> str:
    """Return the id of a card's copy for one person; every process makes the same."""
    return str(uuid.uuid5(uuid.UUID(card), user))


def grant_digest(
    call: str,
    *,
    conversation: str,
    interrupt: str,
    tool_call: str,
    requester: tuple[str, str, str],
    policy_version: str,
) -> str:
    """Hex SHA-256 of a call in its place: what people approve, and what runs."""
    whole = {
        "call": call,
        "conversation": conversation,
        "interrupt": interrupt,
        "tool_call": tool_call,
        "requester": list(requester),
        "policy_version": policy_version,
    }
    return _sha256("grant", canonical(whole))


def call_digest_of(request: Request) -> str:
    """The call digest of what people were shown."""
    call = request.call
    return call_digest(call.tool, call.schema_digest, call.arguments)


def grant_digest_of(request: Request) -> str:
    """The grant digest: the call in its place, and the answer where one is given."""
    call, person = call_digest_of(request), request.people.requester
    if request.call.is_answered:
        call = answer_digest(call, request.call.answer_value)
    return grant_digest(
        call,
        conversation=request.conversation,
        interrupt=request.interrupt,
        tool_call=request.call.id,
        requester=(person.enterprise, person.team, person.user),
        policy_version=request.policy_version,
    )
