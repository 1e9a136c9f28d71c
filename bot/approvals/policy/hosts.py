"""Which host a text names, and whether a rule's domain holds it: pure, no look-ups."""

from __future__ import annotations

import ipaddress
import re

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
    """Whether a host is the domain itself, or below it for a domain like `*.a.com`.

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
