"""The variables for what lies outside Slack: API, links, e-mail, events."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from bot import variables

_TOKEN = re.compile(r"([0-9a-fA-F]{64}):(T[A-Z0-9]{2,30}):([UW][A-Z0-9]{2,30})")
SHORTEST_SECRET = 32  # characters
# One plain address, as the tool `send_email` takes them too.
ADDRESS = re.compile(
    r"[0-9A-Za-z.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)*"
    r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
)


class ApiToken(NamedTuple):
    """A caller of the HTTP API: the token's digest, and whose it is."""

    digest: str  # hex SHA-256 of the token, in lower case
    team: str
    user: str


class Smtp(NamedTuple):
    """A mail server and how to get in; `repr` shows no password."""

    host: str
    port: int
    user: str
    password: SecretStr
    tls: bool  # from the first byte on; else STARTTLS where it is offered


def api_tokens(text: str) -> tuple[ApiToken, ...]:
    """Callers of the API. Of the tokens themselves only SHA-256 is written down."""
    found: list[ApiToken] = []
    for part in text.split(","):
        match = _TOKEN.fullmatch(part.strip())
        if match is None:
            raise ValueError(
                "SHA256-OF-THE-TOKEN:TEAM:USER, comma-separated: 64 hexadecimal digits,"
                " a team's id such as T0123456789, a user's such as U0123456789"
            )
        found.append(ApiToken(match[1].lower(), match[2], match[3]))
    if len({token.digest for token in found}) < len(found):
        raise ValueError("each token once: a token belongs to one person")
    return tuple(found)


def client_id(text: str) -> str:
    """The app's own id as Slack shows it beside the client secret."""
    if not re.fullmatch(r"[0-9]{1,30}\.[0-9]{1,30}", text):
        raise ValueError("Slack's Client ID, two numbers with a dot between them")
    return text


def long_secret(text: str) -> SecretStr:
    """A secret that signs: too long to be guessed."""
    if len(text) < SHORTEST_SECRET:
        raise ValueError(
            f"at least {SHORTEST_SECRET} characters, such as from: openssl rand -hex 32"
        )
    return variables.secret(text)


def webhook_url(text: str) -> str:
    """Where events go; whether it may be http:// depends on WEBHOOK_ALLOW_PRIVATE."""
    if urlsplit(variables.http_url(text)).fragment:
        raise ValueError("a URL without #")
    return text


def email_address(text: str) -> str:
    """One plain address."""
    if not ADDRESS.fullmatch(text):
        raise ValueError("one e-mail address, such as bot@example.com")
    return text


def smtp_url(text: str) -> Smtp:
    """A mail server as a URL; user and password %-escaped."""
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        url, port = urlsplit(""), None
    plain = not (url.query or url.fragment or url.path.strip("/"))
    if url.scheme not in ("smtp", "smtps") or not url.hostname or not plain:
        raise ValueError("smtp://[user:password@]host:port, or smtps://…")
    if re.search(r"[\s\\]", text):
        raise ValueError("a URL without blanks, %-escaped")
    tls = url.scheme == "smtps"
    return Smtp(
        host=url.hostname,
        port=port or (465 if tls else 587),
        user=unquote(url.username or ""),
        password=SecretStr(unquote(url.password or "")),
        tls=tls,
    )
