"""The format of the trail: what is hashed, and how. docs/audit.md says it in full."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

ROW = "slack-approval-bot/audit/1\n"
TEXT = "slack-approval-bot/audit-text/1\n"


def quick(value: Any) -> str:
    """JSON that is canonical for what the trail holds nearly always.

    Python's own encoder, ten times as fast as a canonical one. Where it differs (keys
    beyond U+FFFF) callers ask `canonical` before they call anything wrong.
    """
    return json.dumps(
        value,
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def canonical(value: Any) -> str:
    """RFC 8785 text. Raises ValueError for what has none."""
    try:
        return rfc8785.dumps(value).decode("utf-8")
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise ValueError(f"it has no canonical JSON: {error}") from error


def hash_of(tag: str, text: str) -> str:
    """Hex SHA-256 of a domain tag and a canonical text."""
    return hashlib.sha256((tag + text).encode("utf-8")).hexdigest()


def is_hash(tag: str, value: Mapping[str, Any], digest: str) -> bool:
    """Whether a digest is that of a JSON object.

    A text that hashes to the digest is the one that was hashed, so the quick form
    proves a match; only the canonical one proves a difference.
    """
    try:
        if hash_of(tag, quick(value)) == digest:
            return True
        return hash_of(tag, canonical(value)) == digest
    except (ValueError, RecursionError):
        return False


def text_digest(salt: str, text: str) -> str:
    """Hex SHA-256 by which the trail holds what somebody wrote."""
    return hash_of(TEXT, f"{salt}\n{text}")


def read_json(text: str | bytes) -> Any:
    """Parse JSON with whole numbers only, as the trail has them.

    Raises:
        ValueError: it is no JSON, or holds a fraction, NaN or an infinity.
    """
    try:
        return json.loads(text, parse_float=_refuse, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(text: str) -> Any:
    raise ValueError(f"it holds {text[:40]}, and the trail has whole numbers only")
