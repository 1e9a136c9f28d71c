"""Secrets, made unreadable wherever a person, a log or a trace could read them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

# A name may stand before a token, as in `key=sk-…`, or an escape that a renderer wrote,
# as in `\nsk-…`; a word may not, as in `task-force`.
_EDGE = r"(?:(?<![0-9A-Za-z_-])|(?<=\\[nrt])|(?<=\\u[0-9a-f]{4}))"
_SHORT = 8  # characters below which the beginning of a hash gives a secret away
_NOT_MASKED = r"(?!\[secret, )"  # to mask twice is to mask once
_NAME = r"passw(?:or)?d|passphrase|secret|(?:api|access|private|secret)[_-]?key"
# What has the shape of a secret, but for the name that leads to it (`lead`).
_SHAPES = re.compile(
    "|".join(
        (
            # docs.slack.dev/authentication/tokens; xoxe. stands before rotated ones
            r"(?:(?:xoxe\.)?xox[a-z]|xapp)-[^\s\"'`\\<>()\[\]{}|&,;!?]+",
            # incoming webhooks, response URLs, and the ticket of a Socket Mode address
            r"(?:(?<=hooks\.slack\.com/)|(?<=ticket=))" + _NOT_MASKED + r"[^\s\"'\\&]+",
            # a digit, since `sk-` also begins names that people give to things
            _EDGE + r"sk-(?=[0-9A-Za-z_-]*[0-9])[0-9A-Za-z_-]{8,}",
            _EDGE + r"[srp]k_(?:live|test)_[0-9A-Za-z_-]{8,}",
            _EDGE + r"(?:gh[pousr]_|github_pat_|glpat-)[0-9A-Za-z_-]{10,}",
            _EDGE + r"A[KS]IA[0-9A-Z]{16}",
            _EDGE + r"AIza[0-9A-Za-z_-]{35}",
            _EDGE + r"eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]+\.[0-9A-Za-z_-]*",
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?"
            r"(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
            r"(?i:(?<=bearer ))[0-9A-Za-z._~+/=-]{8,}",
            r"(?i:(?<=basic ))[0-9A-Za-z+/=]{16,}",
            # what stands before the @ of a URL; up to the last @ for a database
            r"(?<=postgres://)[^\s\"'\\]+(?=@)|(?<=postgresql://)[^\s\"'\\]+(?=@)",
            r"(?<=://)[^\s/@\"'\\]+(?=@)",
            rf"(?i:(?P<lead>(?:{_NAME})=)){_NOT_MASKED}(?:'[^']*'|[^\s&\"'\\]+)",
            rf"(?i:(?P<key>(?:{_NAME})\\?[\"']: ?\\?[\"'])){_NOT_MASKED}[^\"'\\]+",
        )
    )
)
# Without one of these, in lower case, a text has no such shape ("bas" of "basic": to a
# pattern a dotless i is an i). To look for the shapes at each place of a text takes a
# hundred times as long, and a card masks its texts often.
_HINTS = (
    *("xox", "xapp-", "hooks.slack.com/", "ticket=", "sk-", "k_live_", "k_test_"),
    *("gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-", "akia", "asia"),
    *("aiza", "eyj", "-----begin ", "bearer ", "bas", "://"),
    *("passw", "passphrase", "secret", "key"),
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_SECRET_WORDS = frozenset(
    ("password", "passwd", "pwd", "passphrase", "passcode", "secret", "token")
) | frozenset(("credential", "credentials", "apikey", "authorization", "pin"))
_SECRET_KEYS = frozenset(("api", "access", "private", "secret", "signing"))
_SUSPECT = (*_HINTS, *_SECRET_WORDS)
_ALTERNATIVES = ("anyOf", "oneOf", "allOf")
_FURTHER = frozenset((*_ALTERNATIVES, "$ref"))  # what leads on from a schema


def masked(secret: str) -> str:
    """Return the text that is shown in place of a secret."""
    length = "1 character" if len(secret) == 1 else f"{len(secret)} characters"
    if len(secret) < _SHORT:
        return f"[secret, {length}]"
    digest = hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
    return f"[secret, {length}, sha256 {digest[:4]}…]"


def mask(text: str) -> str:
    """The text with everything that has a known secret's shape masked."""
    folded = text.casefold()
    if not any(hint in folded for hint in _HINTS):
        return text
    return _SHAPES.sub(_masked, text)


def _masked(match: re.Match[str]) -> str:
    lead = match["lead"] or match["key"] or ""
    return lead + masked(match[0][len(lead) :])


def mask_strings(value: Any) -> Any:
    """A JSON value with each of its texts and keys as `mask` shows them."""
    return _value(value, {}, {}, is_secret=False) if _is_suspect(value) else value


def _is_suspect(value: Any) -> bool:
    """Look at all texts and names of a JSON value at once; most hold no secret.

    One by one they take a third of the time in which a row of the trail is made.
    """
    try:
        folded = json.dumps(value, ensure_ascii=False).casefold()
    except (TypeError, ValueError, RecursionError):
        return True
    return any(hint in folded for hint in _SUSPECT)


def mask_arguments(
    arguments: Mapping[str, Any], schema: Mapping[str, Any]
) -> dict[str, Any]:
    """A call's arguments as people may see them.

    Masked are known shapes in any text, and the whole of a text or number whose field
    is marked in the schema (`format: password`, `writeOnly`) or has a secret's name.
    """
    return _value(dict(arguments), schema, schema, is_secret=False)


def hides(arguments: Mapping[str, Any], schema: Mapping[str, Any], path: str) -> bool:
    """Return whether any of the value at a path (dots reach inside) is masked."""
    value: Any = arguments
    seen: Any = mask_arguments(arguments, schema)
    for step in path.split("."):
        if step not in _mapping(value):
            return False
        if step not in _mapping(seen):
            return True
        value, seen = value[step], seen[step]
    return json.dumps(value) != json.dumps(seen)


def is_secret_name(name: str) -> bool:
    """Return whether a field's name is a secret's: `apiKey`, `db_password`, `token`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words:
        return False
    return words[-1] in _SECRET_WORDS or (
        words[-1] == "key" and words[-2:-1] != [] and words[-2] in _SECRET_KEYS
    )


def _value(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], *, is_secret: bool
) -> Any:
    forms = list(_forms(schema, root)) if schema else []
    is_secret = is_secret or any(_is_marked(form) for form in forms)
    if isinstance(value, dict):
        shown: dict[str, Any] = {}
        for name, inner in cast("dict[str, Any]", value).items():
            hidden = is_secret or is_secret_name(name)
            own = _property(forms, name) if forms else schema
            key = _fresh(mask(name), shown)
            shown[key] = _value(inner, own, root, is_secret=hidden)
        return shown
    if isinstance(value, list):
        items = cast("list[Any]", value)
        inner = _inner(forms, "items")
        return [_value(each, inner, root, is_secret=is_secret) for each in items]
    return _leaf(value, is_secret=is_secret)


def _fresh(name: str, taken: Mapping[str, Any]) -> str:
    # Two masks may look alike, and no entry may vanish behind another.
    while name in taken:
        name += "′"
    return name


def _leaf(value: Any, *, is_secret: bool) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if is_secret:
        return masked(value if isinstance(value, str) else json.dumps(value))
    return mask(value) if isinstance(value, str) else value


def _is_marked(schema: Mapping[str, Any]) -> bool:
    return schema.get("format") == "password" or schema.get("writeOnly") is True


def _forms(
    schema: Mapping[str, Any], root: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """A schema, and what it refers to or offers as an alternative, each once."""
    if _FURTHER.isdisjoint(schema):
        yield schema
        return
    todo, seen = [schema], set[int]()
    while todo:
        form = todo.pop(0)
        if id(form) in seen:
            continue
        seen.add(id(form))
        yield form
        offered = [each for key in _ALTERNATIVES for each in _list(form.get(key))]
        offered.append(_referred(form.get("$ref"), root))
        todo[:0] = filter(None, map(_mapping, offered))


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _referred(ref: object, root: Mapping[str, Any]) -> object:
    """Return what a `$ref` within the same schema names."""
    if not isinstance(ref, str) or not ref.startswith("#/"):
        return None
    found: object = root
    for step in ref[2:].split("/"):
        found = _mapping(found).get(step)
    return found


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _property(forms: list[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    for form in forms:
        properties = _mapping(form.get("properties"))
        if name in properties:
            return _mapping(properties[name])
    return _inner(forms, "additionalProperties")


def _inner(forms: list[Mapping[str, Any]], key: str) -> Mapping[str, Any]:
    found = (_mapping(form.get(key)) for form in forms)
    return next((each for each in found if each), _mapping(None))


def mask_traces() -> None:
    """Mask secrets in inputs, outputs, errors and metadata of every trace.

    Called before the first run; without `LANGSMITH_TRACING` nothing is sent and
    nothing is done. https://docs.langchain.com/langsmith/mask-inputs-outputs
    """
    # Only now: the package is large, and every command needs masks.
    from langsmith import Client
    from langsmith.run_trees import configure
    from langsmith.utils import (
        tracing_is_enabled,  # pyright: ignore[reportUnknownVariableType]
    )

    if tracing_is_enabled():
        configure(client=Client(anonymizer=mask_strings))
