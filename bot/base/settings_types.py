"""The types of the environment's variables, and the words for what each allows."""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import re
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, Secret, SecretBytes

from bot.base.faults import POINTS

CHANNEL = re.compile(r"[CG][0-9A-Z]{7,}")
# One plain address, as the tool `send_email` takes them too.
ADDRESS = re.compile(
    r"[0-9A-Za-z.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"(?:[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?\.)*"
    r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Rate(NamedTuple):
    """At most `limit` events of one kind for each person within a span."""

    kind: str  # "messages" or "clicks"
    limit: int
    seconds: int


DEFAULT_RATES = {
    "messages": Rate("messages", 60, 60),
    "clicks": Rate("clicks", 300, 60),
}


class ApiToken(NamedTuple):
    """A caller of the HTTP API: the token's digest, and whose it is."""

    digest: str  # hex SHA-256 of the token, in lower case
    team: str
    user: str


class ApiAgent(NamedTuple):
    """An agent outside that may ask: its token's digest, its name, who answers for it.

    The owner, a user id, decides nothing that the agent asks.
    """

    digest: str  # hex SHA-256 of the token, in lower case
    team: str
    name: str
    owner: str


def is_loopback(host: str) -> bool:
    """Return whether a listening address or a URL's host never leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(sink: str) -> bool:
    """Return whether a URL is plain http, or names an address that is not public."""
    if "://" not in sink:
        return False
    # Every command reads the settings, and few settings hold such a URL.
    from bot.base.network import NotPublic, check_literal

    try:
        check_literal(sink)
    except NotPublic:
        return True
    url = urlsplit(sink)
    return url.scheme != "https" or is_loopback(url.hostname or "")


def _match(pattern: str, text: str) -> re.Match[str]:
    # The error has no words of its own: people read those of `ALLOWED`.
    if found := re.fullmatch(pattern, text):
        return found
    raise ValueError


def _digits(text: str) -> str:
    return _match("[0-9]+", text)[0]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",")))


def _seconds(text: str) -> float:
    found = _match(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)([smhd])", text)
    return float(found[1]) * _SECONDS[found[2]]


def _rates(text: str) -> tuple[Rate, ...]:
    named: dict[str, Rate] = {}
    if text == "off":
        return ()
    for part in text.split(","):
        found = _match(r"(messages|clicks)=([1-9][0-9]{0,5})/([smhd])", part)
        if found[1] in named:
            raise ValueError
        named[found[1]] = Rate(found[1], int(found[2]), _SECONDS[found[3]])
    return tuple((DEFAULT_RATES | named).values())


def _api_tokens(text: str) -> tuple[ApiToken, ...]:
    form = r"([0-9a-fA-F]{64}):(T[A-Z0-9]{2,30}):([UW][A-Z0-9]{2,30})"
    parts = [_match(form, part) for part in _listed(text)]
    found = tuple(ApiToken(part[1].lower(), part[2], part[3]) for part in parts)
    if len({token.digest for token in found}) < len(found):
        raise ValueError
    return found


def _api_agents(text: str) -> tuple[ApiAgent, ...]:
    form = r"([0-9a-fA-F]{64}):(T[A-Z0-9]{2,30}):([a-z0-9-]{1,40}):([UW][A-Z0-9]{2,30})"
    parts = [_match(form, part) for part in _listed(text)]
    found = tuple(ApiAgent(part[1].lower(), *part.groups()[1:]) for part in parts)
    for several in ({a.digest for a in found}, {(a.team, a.name) for a in found}):
        if len(several) < len(found):
            raise ValueError
    return found


def _http(text: str) -> str:
    url = urlsplit(text)
    good = url.scheme in ("http", "https") and url.hostname and url.port != 0
    if not good or "@" in url.netloc or re.search(r"[\s\\]", text):
        raise ValueError
    return text


def _encrypted(text: str) -> str:
    url = urlsplit(_http(text))
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValueError
    return text


def _sink(text: str) -> str:
    if not text.isprintable():
        raise ValueError
    return _encrypted(text) if "://" in text else text


def _smtp(text: str) -> str:
    url = urlsplit(_match(r"(?i:smtps?)://[^\s\\/?#]+/*", text)[0])
    if not url.hostname or url.port == 0:
        raise ValueError
    return text


def _libpq(text: str) -> str:
    # Every command reads the settings, and several do without a database.
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(_match("postgres(?:ql)?://.*", text)[0])
    except ProgrammingError:
        # libpq's words can repeat parts of the URL, so they stay inside.
        raise ValueError from None
    return text


def _sql(text: str) -> str:
    return _match("sqlite:.+", text)[0] if text.startswith("sqlite:") else _libpq(text)


def _seed(text: str) -> bytes:
    if len(text) == 64:
        return bytes.fromhex(text)
    return base64.b64decode(text.rstrip("=") + "=", "-_", validate=True)


BotToken = Secret[Annotated[str, Field(pattern="^xoxb-[!-~]+$")]]
AppToken = Secret[Annotated[str, Field(pattern="^xapp-[!-~]+$")]]
AnySecret = Secret[Annotated[str, Field(pattern="^[!-~]+$")]]
LongSecret = Secret[Annotated[str, Field(pattern="^[!-~]{32,}$")]]
AuditKey = Annotated[
    SecretBytes, Field(min_length=32, max_length=32), BeforeValidator(_seed)
]
SqlUrl = Secret[Annotated[str, AfterValidator(_sql)]]
DatabaseUrl = Secret[Annotated[str, AfterValidator(_libpq)]]
ClientId = Annotated[str, Field(pattern=r"^[0-9]{1,30}\.[0-9]{1,30}$")]
Host = Annotated[str, Field(pattern="^[0-9A-Za-z.:_-]{1,253}$")]
Port = Annotated[int, Field(ge=1, le=65535), BeforeValidator(_digits)]
Url = Annotated[str, AfterValidator(_http)]
SlackApiUrl = Annotated[Url, AfterValidator(lambda url: url.rstrip("/") + "/")]
_Bare = Annotated[str, Field(pattern="^[^?#]*$"), AfterValidator(_encrypted)]
PublicUrl = Annotated[_Bare, AfterValidator(lambda url: url.rstrip("/"))]
WebhookUrl = Annotated[Url, Field(pattern="^[^#]*$")]
AuditSink = Annotated[str, AfterValidator(_sink)]
SmtpUrl = Secret[Annotated[str, AfterValidator(_smtp)]]
EmailAddress = Annotated[str, Field(pattern=f"^{ADDRESS.pattern}$")]
_Tool = Literal["files", "sandbox", "email", "database", "mcp"]
Tools = Annotated[tuple[_Tool, ...], BeforeValidator(_listed)]
ApiTokens = Annotated[tuple[ApiToken, ...], BeforeValidator(_api_tokens)]
ApiAgents = Annotated[tuple[ApiAgent, ...], BeforeValidator(_api_agents)]
Rates = Annotated[tuple[Rate, ...], BeforeValidator(_rates)]
_Span = Annotated[dt.timedelta, BeforeValidator(_seconds)]
AuditInterval = Annotated[_Span, Field(ge=dt.timedelta(seconds=1), le=dt.timedelta(30))]
# Every date that is computed with it is valid.
Retention = Annotated[_Span, Field(gt=dt.timedelta(0), le=dt.timedelta(36500))]
SweepInterval = Annotated[float, BeforeValidator(_seconds), Field(ge=0.05, le=3600)]
_FAULT = f"@.+|({'|'.join(POINTS)})(:[0-9]+)?"
FaultPoint = Annotated[str, Field(pattern=f"^({_FAULT})$")]

_PLAIN = "visible ASCII characters without spaces"
_LONG = "at least 32 visible ASCII characters, such as from: openssl rand -hex 32"
_URL = "a URL that starts with https:// or http://, without user name and password"
ALLOWED = {
    "SLACK_BOT_TOKEN": "a token that starts with xoxb-",
    "SLACK_APP_TOKEN": "a token that starts with xapp-",
    "SLACK_SIGNING_SECRET": _PLAIN,
    "SLACK_CLIENT_ID": "Slack's Client ID, two numbers with a dot between them",
    "SLACK_CLIENT_SECRET": _PLAIN,
    "SLACK_API_URL": _URL,
    "DATABASE_URL": "a URL that starts with postgresql://, %-escaped as libpq reads it",
    "OPENAI_API_KEY": _PLAIN,
    "OPENAI_BASE_URL": _URL,
    "TOOLS": "one or more of files, sandbox, email, database, mcp",
    "HOST": "an address or a host name, such as 127.0.0.1",
    "PORT": "a whole number from 1 to 65535",
    "PUBLIC_URL": "a URL that starts with https://, or http:// on loopback, without ?,"
    " #, user name and password",
    "API_TOKENS": "SHA256-OF-THE-TOKEN:TEAM:USER, comma-separated: 64 hexadecimal"
    " digits, a team's id such as T0123456789, a user's such as U0123456789; a token"
    " belongs to one person",
    "API_AGENTS": "SHA256-OF-THE-TOKEN:TEAM:NAME:OWNER, comma-separated: 64 hexadecimal"
    " digits, a team's id such as T0123456789, a name of a-z, 0-9 and -, the user id of"
    " who answers for it; each token and each name once",
    "APPROVALS_URL": "a URL that starts with https://, or http:// on loopback",
    "APPROVALS_TOKEN": _PLAIN,
    "LINK_SECRET": _LONG,
    "SMTP_URL": "smtp://[user:password@]host:port, or smtps://…; %-escaped, no blanks",
    "SMTP_FROM": "one e-mail address, such as bot@example.com",
    "SQL_URL": "a URL that starts with postgresql://, or sqlite:PATH",
    "WEBHOOK_URL": "a URL that starts with https://, without #, user name and password",
    "WEBHOOK_SECRET": _LONG,
    "AGENT_CONTEXT": 'a JSON object, such as {"tone": "short"}',
    "AUDIT_KEY": "32 random bytes, as 64 hex digits or in base64",
    "AUDIT_SINK": "a folder, a channel's id, or a URL that starts with https://",
    "AUDIT_INTERVAL": "from 1s to 30d, such as 1h",
    "WEBHOOK_ALLOW_PRIVATE": "1 or 0",
    "RATE_LIMIT": "off, or a form such as messages=60/m,clicks=300/m",
    "RETENTION": "more than 0 and at most 36500d, in the units s, m, h, d, such as 90d",
    "SWEEP_INTERVAL": "from 0.05s to 60m, such as 5s",
    "FAULT_POINT": f"one of {', '.join(POINTS)}, with :2 for the second time",
}
