"""The types of the environment's variables, each with its reader."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import ipaddress
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from pydantic import BeforeValidator, SecretStr

from bot.network import NotPublic, check_literal

TOOLS = ("files", "sandbox", "email")
TOOLS_NOT_AVAILABLE = ("database", "mcp")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CENTURY = 36500 * 86400  # seconds; keeps every date that is computed from it valid


class Rate(NamedTuple):
    """At most `limit` events of one kind for each person within a span."""

    kind: str  # "messages" or "clicks"
    limit: int
    seconds: int


def _duration(text: str, units: str) -> float:
    found = re.fullmatch(rf"([0-9]{{1,9}}(?:\.[0-9]{{1,3}})?)([{units}])", text)
    if not found:
        raise ValueError(f"a number and one of the units {', '.join(units)}")
    return float(found[1]) * _SECONDS[found[2]]


def sweep_interval(text: str) -> float:
    """Seconds between two looks at the clock."""
    allowed = "from 0.05s to 60m, such as 5s"
    try:
        seconds = _duration(text, "sm")
    except ValueError:
        raise ValueError(allowed) from None
    if not 0.05 <= seconds <= 3600:
        raise ValueError(allowed)
    return seconds


def retention(text: str) -> dt.timedelta:
    """Read how long finished conversations are kept."""
    seconds = _duration(text, "smhd") if text else 0
    if not 0 < seconds <= _CENTURY:
        raise ValueError("more than 0 and at most 36500d, such as 90d")
    return dt.timedelta(seconds=seconds)


DEFAULT_RATES = {
    "messages": Rate("messages", 60, 60),
    "clicks": Rate("clicks", 300, 60),
}


def rate_limit(text: str) -> tuple[Rate, ...]:
    """Read what each person may send; empty when it is off."""
    if text == "off":
        return ()
    named: dict[str, Rate] = {}
    for part in text.split(","):
        found = re.fullmatch(r"(messages|clicks)=([1-9][0-9]{0,5})/([smhd])", part)
        if not found or found[1] in named:
            raise ValueError("off, or a form such as messages=60/m,clicks=300/m")
        named[found[1]] = Rate(found[1], int(found[2]), _SECONDS[found[3]])
    return tuple((DEFAULT_RATES | named).values())


def tools(text: str) -> tuple[str, ...]:
    """Names of the shipped agent's tools, each once."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    allowed = f"one or more of {', '.join(TOOLS)}"
    for name in names:
        if name in TOOLS_NOT_AVAILABLE:
            raise ValueError(f"{allowed}; {name} is not available in this version yet")
        if name not in TOOLS:
            raise ValueError(allowed)
    return names


def is_loopback(host: str) -> bool:
    """Return whether a listening address or a URL's host never leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host(text: str) -> str:
    """An address to listen on."""
    if not re.fullmatch(r"[0-9A-Za-z.:_-]{1,253}", text):
        raise ValueError("an address or a host name, such as 127.0.0.1")
    return text


def port(text: str) -> int:
    """A TCP port."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise ValueError("a whole number from 1 to 65535")
    return int(text)


def http_url(text: str) -> str:
    """An address of another server, without credentials."""
    try:
        url = urlsplit(text)
        good = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        good = False
    if not good or re.search(r"[\s\\]", text):
        raise ValueError("a URL that starts with https:// or http://")
    if "@" in urlsplit(text).netloc:
        raise ValueError("a URL without a user name or a password")
    return text


def slack_api_url(text: str) -> str:
    """The Web API's base; slack-sdk appends the method's name to it."""
    return http_url(text).rstrip("/") + "/"


def public_url(text: str) -> str:
    """Read the URL at which people and Slack reach this process."""
    url = urlsplit(http_url(text))
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError("https://, or http:// on loopback")
    if url.query or url.fragment:
        raise ValueError("a URL without ? and #")
    return text.rstrip("/")


def database_url(text: str) -> SecretStr:
    """A connection URI of libpq."""
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("a URL that starts with postgresql://")
    # Every command reads the settings, and several do without a database.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(text)
    except ProgrammingError:
        # libpq's words can repeat parts of the URL, so they stay inside.
        raise ValueError("a form that libpq can read, %-escaped") from None
    return SecretStr(text)


def token(prefix: str) -> BeforeValidator:
    """docs.slack.dev/authentication/tokens: the prefix says which kind it is."""

    def check(text: str) -> SecretStr:
        if not re.fullmatch(rf"{prefix}[0-9A-Za-z-]+", text):
            raise ValueError(f"a token that starts with {prefix}")
        return SecretStr(text)

    return BeforeValidator(check)


def secret(text: str) -> SecretStr:
    """Any secret; its text is never shown."""
    if not re.fullmatch(r"[!-~]+", text):
        raise ValueError("visible ASCII characters without spaces")
    return SecretStr(text)


def audit_key(text: str) -> SecretStr:
    """The 32-byte seed of an Ed25519 key; see `seed_of`."""
    key = SecretStr(text)
    if len(seed_of(key)) != 32:
        raise ValueError("32 random bytes, as 64 hex digits or in base64")
    return key


def seed_of(key: SecretStr) -> bytes:
    """The bytes of a key that is written in hex or base64; empty if it is neither."""
    text = key.get_secret_value()
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return bytes.fromhex(text)
    try:
        bare = text.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


CHANNEL = re.compile(r"[CG][0-9A-Z]{7,}")


def audit_sink(text: str) -> str:
    """Read where checkpoints go: a Slack channel, a URL, or else a folder."""
    if "://" not in text:
        if not text.isprintable():
            raise ValueError("a folder, a channel's id or a URL")
        return text
    url = urlsplit(http_url(text))
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError("a folder, a channel's id, or a URL that starts with https://")
    return text


def is_private(sink: str) -> bool:
    """Return whether a URL is plain http, or names an address that is not public."""
    url = urlsplit(sink) if "://" in sink else None
    if url is None:
        return False
    try:
        check_literal(sink)
    except NotPublic:
        return True
    return url.scheme != "https" or is_loopback(url.hostname or "")


def audit_interval(text: str) -> dt.timedelta:
    """Read how often the trail's heads are signed."""
    allowed = "from 1s to 30d, such as 1h"
    try:
        seconds = _duration(text, "smhd")
    except ValueError:
        raise ValueError(allowed) from None
    if not 1 <= seconds <= 30 * 86400:
        raise ValueError(allowed)
    return dt.timedelta(seconds=seconds)


def switch(text: str) -> bool:
    """On or off."""
    words = {"1": True, "true": True, "0": False, "false": False}
    if text.lower() not in words:
        raise ValueError("1 or 0")
    return words[text.lower()]


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
    return secret(text)


def webhook_url(text: str) -> str:
    """Read where events go; WEBHOOK_ALLOW_PRIVATE decides if it may be http://."""
    if urlsplit(http_url(text)).fragment:
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
