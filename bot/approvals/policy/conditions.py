"""Compare a call's arguments with a rule's conditions: pure, and fail-closed."""

from __future__ import annotations

import functools
import ipaddress
import math
import operator
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, cast

import re2

from bot.approvals.policy.model import Condition

_re2: Any = re2  # it has no types
MISSING: Final = object()
# an escaped `.`, `/`, `\` or `%`: some tools undo escapes, and then it is another path
_ESCAPED = re.compile(r"%(?:2e|2f|5c|25)", re.IGNORECASE)


def judge(condition: Condition, arguments: Mapping[str, Any]) -> bool | None:
    """Return whether a comparison is true of a call; None if it cannot be judged."""
    value = value_at(arguments, condition.argument)
    return _JUDGES[condition.operator](value, condition.value)


def value_at(arguments: Mapping[str, Any], path: str) -> Any:
    """The value under a path whose dots reach inside mappings, or MISSING."""
    value: Any = arguments
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return MISSING
        value = cast("Mapping[str, Any]", value)[step]
    return value


def sort_of(value: Any) -> str:
    """Return what a value is compared as: text, number, boolean; "" for the rest.

    A bool is no number, and a number that is not finite compares with nothing.
    """
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return "number"
    return "text" if isinstance(value, str) else ""


def compiled(pattern: str, *, across_lines: bool = False) -> Any:
    """A pattern that matches in linear time.

    Raises:
        ValueError: RE2 cannot read it; the text says what RE2 stumbled over.
    """
    options = _re2.Options()
    options.log_errors = False  # it would write to stderr by itself
    options.dot_nl = across_lines
    try:
        return _re2.compile(pattern, options)
    except _re2.error as error:
        raise ValueError(error.args[0].decode()) from error


def path_parts(path: str) -> tuple[bool, tuple[str, ...]] | None:
    """Return whether a path is absolute, and its parts; None if that is not certain.

    Nothing is looked up, so `..` (which a link can turn elsewhere), `~`, backslashes,
    escapes, and invisible characters or spaces around leave it open.
    """
    odd = "\\" in path or path.startswith("~") or path != path.strip()
    if not path or odd or not path.isprintable() or _ESCAPED.search(path):
        return None
    parts = tuple(part for part in path.split("/") if part not in {"", "."})
    return None if ".." in parts else (path.startswith("/"), parts)


def _compare(by: Callable[[Any, Any], bool], value: Any, operand: Any) -> bool | None:
    alike = sort_of(value) == sort_of(operand)
    return by(value, operand) if alike else None


def _is_in(value: Any, operands: tuple[Any, ...]) -> bool | None:
    alike = sort_of(value) == sort_of(operands[0])  # the list is of one type
    return value in operands if alike else None


def _is_not_in(value: Any, operands: tuple[Any, ...]) -> bool | None:
    found = _is_in(value, operands)
    return None if found is None else not found


def _matches(value: Any, pattern: str) -> bool | None:
    """The whole value fits. Whether `.` spans lines must make no difference.

    Otherwise a line break slipped into a value would get around a denial or, the other
    way, carry a second line through a waiver.
    """
    if not isinstance(value, str):
        return None
    plain, across = _both(pattern)
    try:
        found = plain.fullmatch(value) is not None
        return found if found is (across.fullmatch(value) is not None) else None
    except UnicodeError:  # half a character
        return None


@functools.lru_cache(maxsize=256)
def _both(pattern: str) -> tuple[Any, Any]:
    return compiled(pattern), compiled(pattern, across_lines=True)


def _is_under(value: Any, folder: str) -> bool | None:
    """The path is the folder or in it, part by part; both absolute or both relative.

    Names that differ in case or in Unicode form alone are one name to some file systems
    and two to others, so they cannot be judged.
    """
    found = path_parts(value) if isinstance(value, str) else None
    wanted = path_parts(folder)
    if found is None or wanted is None or found[0] is not wanted[0]:
        return None
    start, whole = found[1][: len(wanted[1])], wanted[1]
    if start == whole:
        return True
    return None if [*map(_folded, start)] == [*map(_folded, whole)] else False


def _folded(part: str) -> str:
    return unicodedata.normalize("NFKC", part).casefold()


def _is_in_domains(value: Any, domains: tuple[str, ...]) -> bool | None:
    """A host, a URL's host or an e-mail address's domain is one of these, or below.

    `example.com` means that host alone, `*.example.com` every host below it. Upper and
    lower case, and a dot at the end, make no difference.
    """
    host = host_of(value) if isinstance(value, str) else None
    return None if host is None else any(in_domain(each, host) for each in domains)


_JUDGES: Mapping[str, Callable[[Any, Any], bool | None]] = {
    "eq": functools.partial(_compare, operator.eq),
    "ne": functools.partial(_compare, operator.ne),
    "gt": functools.partial(_compare, operator.gt),
    "ge": functools.partial(_compare, operator.ge),
    "lt": functools.partial(_compare, operator.lt),
    "le": functools.partial(_compare, operator.le),
    "in": _is_in,
    "not_in": _is_not_in,
    "matches": _matches,
    "under": _is_under,
    "domain_in": _is_in_domains,
}
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(?:[/?#].*)?")
_ADDRESS = re.compile(r"[^@\s\"(),:;<>\[\]]+@([^@]+)")
_WITH_PORT = re.compile(r"(.*):[0-9]{1,5}")


def host_of(text: str) -> str | None:
    """The host of a URL, the domain of an e-mail address, or the host that this is.

    None for whatever two readers could read differently: spaces, backslashes and
    invisible characters, a user name in a URL, several addresses, a name that is not
    plain ASCII, an address in numbers other than the usual four.
    """
    if not text.isprintable() or " " in text or "\\" in text:
        return None
    if url := _URL.fullmatch(text):
        return plain_host(_without_port(url[1]))
    if address := _ADDRESS.fullmatch(text):
        return plain_host(address[1])
    return plain_host(_without_port(text))


def plain_host(text: str) -> str | None:
    """A host name in lower case, without the dot at its end; None if it is no name.

    International names count in their ASCII form (`xn--…`) only.
    """
    if not text.isascii():
        return None
    host = text.lower().removesuffix(".")
    labels = host.split(".")
    if len(host) > 253 or not all(map(_LABEL.fullmatch, labels)):
        return None
    return None if _NUMBER.fullmatch(labels[-1]) and not _is_usual(host) else host


def in_domain(domain: str, host: str) -> bool:
    """Return whether a host is the domain, or below it for a domain like `*.a.com`.

    `a.com` holds `a.com` alone; `*.a.com` holds `x.a.com` and `y.x.a.com`, not `a.com`.
    """
    if domain.startswith("*."):
        return host.endswith(domain[1:])
    return host == domain


def _without_port(text: str) -> str:
    found = _WITH_PORT.fullmatch(text)
    return found[1] if found else text


def _is_usual(host: str) -> bool:
    """Four decimal numbers: `0x7f.1` is the same host, and looks like another."""
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False
