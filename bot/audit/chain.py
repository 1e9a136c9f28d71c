"""The format of the trail and of its signed heads. docs/audit.md says it in full.

Rows are hashed in the database as they are committed: `audit_append_to_chain` in
`bot/database/migrations/0039_chain_in_fewer_steps.sql`. Here they are hashed again, to
verify.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

import orjson
import rfc8785
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from bot.texts import audit as say

ROW = "slack-approval-bot/audit/1\n"
TEXT = "slack-approval-bot/audit-text/1\n"


def quick(value: Any) -> bytes:
    """JSON that is canonical for what the trail holds nearly always.

    Many times as fast as a canonical encoder. Where it differs (keys beyond U+FFFF)
    callers ask `canonical` before they call anything wrong.

    Args:
        value: as `read_json` gives it. What orjson has no form for (half a surrogate
            pair, integers over 64 bits) Python's own encoder has.
    """
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return _ENCODER.encode(value).encode()


def canonical(value: Any) -> str:
    """RFC 8785 text. Raises ValueError for what has none."""
    try:
        return rfc8785.dumps(value).decode("utf-8")
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise ValueError(say.no_canonical_form(error)) from error


def hash_of(tag: str, text: str | bytes) -> str:
    """Hex SHA-256 of a domain tag and a canonical text."""
    content = text if isinstance(text, bytes) else text.encode()
    return hashlib.sha256(tag.encode() + content).hexdigest()


def is_hash(tag: str, value: Mapping[str, Any], digest: str) -> bool:
    """Return whether a digest is that of a JSON object.

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
        if _are_whole([value := orjson.loads(text)]):
            return value
    except (orjson.JSONDecodeError, RecursionError):
        pass
    try:  # Python's own parser takes some more, and says what is wrong with the rest
        return _DECODER.decode(text if isinstance(text, str) else text.decode())
    except RecursionError as error:
        raise ValueError(say.TOO_DEEP) from error


def _are_whole(values: Iterable[Any]) -> bool:
    """Return False for a fraction within, and for an integer that became a float."""
    for value in values:
        kind = value.__class__
        if kind is str or kind is int:
            continue
        if kind is float:
            return False
        if kind is dict and not _are_whole(value.values()):
            return False
        if kind is list and not _are_whole(value):
            return False
    return True


def _refuse(text: str) -> Any:
    raise ValueError(say.no_whole_number(text[:40]))


# Made once: that takes longer than to read a row, or to write one.
_ENCODER = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    check_circular=False,  # of what was parsed from a text
)
_DECODER = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse)


TAG = "slack-approval-bot/checkpoint/1\n"
_TYPES = {
    "at": str,
    "hash": str,
    "key": str,
    "number": int,
    "signature": str,
    "team": str,
}


@dataclass(frozen=True)
class Checkpoint:
    """That a workspace's chain had this head at this time.

    Attributes:
        hash: of the row `number`, hex.
        at: when it was signed, ISO 8601 in UTC, by the database's clock.
        key: the Ed25519 public key, hex.
        signature: Ed25519 over the tag and the canonical JSON of the rest, hex.
    """

    team: str
    number: int
    hash: str
    at: str
    key: str
    signature: str

    @property
    def line(self) -> str:
        """Canonical JSON on one line, as a sink gets it."""
        return canonical(asdict(self))

    @property
    def is_genuine(self) -> bool:
        """True if the signature is that of `key`, no matter whose key it is."""
        try:
            VerifyKey(bytes.fromhex(self.key)).verify(
                _signed(self), bytes.fromhex(self.signature)
            )
        except (BadSignatureError, ValueError, TypeError):
            return False
        return True


def public_key(seed: bytes) -> str:
    """The hex public key of a 32-byte seed."""
    return SigningKey(seed).verify_key.encode().hex()


def sign(seed: bytes, *, team: str, number: int, hash: str, at: str) -> Checkpoint:
    """Sign a head with a 32-byte seed (RFC 8032)."""
    bare = Checkpoint(team, number, hash, at, public_key(seed), "")
    signature = SigningKey(seed).sign(_signed(bare)).signature
    return replace(bare, signature=signature.hex())


def _signed(checkpoint: Checkpoint) -> bytes:
    content = {k: v for k, v in asdict(checkpoint).items() if k != "signature"}
    return (TAG + canonical(content)).encode("utf-8")


def read_checkpoints(text: str) -> list[Checkpoint]:
    """Checkpoints as sinks keep them: JSON objects, a line each.

    Lines of other words around them, as a chat has them, are passed over. Raises
    ValueError, a sentence: there is none, or one that was forged.
    """
    lines = [line.strip().strip("`") for line in text.splitlines()]
    found = [_read(line) for line in lines if line.startswith("{")]
    if not found:
        raise ValueError(say.NO_CHECKPOINT)
    for checkpoint in found:
        if not checkpoint.is_genuine:
            raise ValueError(say.forged(checkpoint.number, checkpoint.team))
    return found


def _read(line: str) -> Checkpoint:
    try:
        given: object = read_json(line)
    except ValueError as error:
        raise ValueError(say.line_unreadable(error)) from error
    fields = cast("dict[str, Any]", given)
    right = isinstance(given, dict) and fields.keys() == _TYPES.keys()
    if not right or any(type(fields[n]) is not t for n, t in _TYPES.items()):
        raise ValueError(say.LINE_NO_CHECKPOINT)
    return Checkpoint(**fields)
