"""The environment, read once into one frozen object that hides its secrets."""

from __future__ import annotations

import datetime as dt
import difflib
import enum
import os
import re
import secrets
import shutil
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import BaseModel, BeforeValidator, ConfigDict, Json, ValidationError

from bot.base import settings_types as types
from bot.base.errors import ConfigurationError
from bot.base.logs import Format, Level
from bot.base.masks import mask
from bot.base.time_limits import read_limits

PACKAGE = Path(__file__).parents[1]
SIMULATOR_MCP = PACKAGE / "simulator" / "mcp.json"
SIMULATOR_POLICY = PACKAGE / "simulator" / "policy.yml"
#: The database that the simulator's agent reads and changes, if no other is set.
SHOP = "sqlite:.data/shop.sqlite"
_TURNED_ON = {"email": "SMTP_URL", "database": "SQL_URL", "mcp": "MCP_CONFIG"}
_TOGETHER = (
    ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"),
    ("SMTP_URL", "SMTP_FROM"),
    ("WEBHOOK_URL", "WEBHOOK_SECRET"),
)


def manifest() -> Path:
    """Return where the app's manifest is: in a package it stands beside the code."""
    packaged = PACKAGE / "manifest.yml"
    return packaged if packaged.exists() else PACKAGE.parent / "manifest.yml"


class Transport(enum.StrEnum):
    """The way the bot and Slack talk to each other."""

    SOCKET = "socket"
    HTTP = "http"
    SIMULATOR = "simulator"


class Settings(BaseModel):
    """The operator's settings. A field is its variable in lower case."""

    model_config = ConfigDict(frozen=True, alias_generator=str.upper)

    slack_bot_token: types.BotToken | None = None
    slack_app_token: types.AppToken | None = None
    slack_signing_secret: types.AnySecret | None = None
    slack_client_id: types.ClientId | None = None
    slack_client_secret: types.AnySecret | None = None
    slack_api_url: types.SlackApiUrl = "https://slack.com/api/"
    database_url: types.DatabaseUrl | None = None  # None: the embedded PostgreSQL
    openai_api_key: types.AnySecret | None = None  # None: the offline model
    openai_base_url: types.Url | None = None
    openai_model: str | None = None
    agent: str | None = None  # None: the shipped agent
    agent_context: Json[dict[str, Any]] | None = None  # of the graph that AGENT names
    tools: types.Tools = ("files",)
    policy_file: Path = Path("policy.yml")
    files_dir: Path = Path(".data/files")
    host: types.Host = "127.0.0.1"
    port: types.Port = 3000
    public_url: types.PublicUrl | None = None
    api_tokens: types.ApiTokens = ()
    api_agents: types.ApiAgents = ()
    approvals_url: types.PublicUrl | None = None  # of the bot, for `mcp`
    approvals_token: types.AnySecret | None = None
    link_secret: types.LongSecret | None = None
    smtp_url: types.SmtpUrl | None = None
    smtp_from: types.EmailAddress | None = None
    sql_url: types.SqlUrl | None = None  # of the database tools
    mcp_config: Path | None = None  # names the MCP servers
    webhook_url: types.WebhookUrl | None = None
    webhook_secret: types.LongSecret | None = None
    audit_key: types.AuditKey | None = None  # None: there are no checkpoints
    audit_sink: types.AuditSink = ".data/checkpoints"
    audit_interval: types.AuditInterval = dt.timedelta(hours=1)
    webhook_allow_private: bool = False  # for tests; holds for AUDIT_SINK too
    rate_limit: types.Rates = tuple(types.DEFAULT_RATES.values())  # empty: off
    retention: types.Retention = dt.timedelta(90)
    sweep_interval: types.SweepInterval = 5.0  # seconds
    # Where the process pulls its own plug, and shorter waits for others: for tests.
    fault_point: types.FaultPoint | None = None
    time_limits: Annotated[dict[str, float], BeforeValidator(read_limits)] | None = None
    log_format: Annotated[Format, BeforeValidator(str.lower)] = "text"
    log_level: Annotated[Level, BeforeValidator(str.lower)] = "info"

    @classmethod
    def load(cls, environ: Mapping[str, str], dotenv: Path | None = None) -> Self:
        """Read the variables of `environ` and, below them, of the file `dotenv`.

        An empty value counts as unset, also where it hides one of the file.
        Raises ConfigurationError: one line that names variable, value (never of a
        secret) and what is allowed.
        """
        merged = _read_dotenv(dotenv) | dict(environ)
        values = {name: v.strip() for name, v in merged.items() if v.strip()}
        for sentence in _unusable(values):
            raise ConfigurationError(sentence)
        try:
            settings = cls.model_validate(_defaults(values) | values)
        except ValidationError as error:
            # From None: the chain of pydantic's error shows inputs, secrets among them.
            raise ConfigurationError(_complaint(error, values)) from None
        for sentence in (*_exposed(settings), *_halves(settings)):
            raise ConfigurationError(sentence)
        return settings

    @property
    def transport(self) -> Transport:
        """The way in which this process and Slack speak, by the tokens that are set."""
        if self.slack_app_token:
            return Transport.SOCKET
        return Transport.HTTP if self.slack_bot_token else Transport.SIMULATOR

    @property
    def servers_file(self) -> Path | None:
        """The file of the MCP servers; None where the agent has no such tools."""
        return self.mcp_config if "mcp" in self.tools else None

    @property
    def has_demo_servers(self) -> bool:
        """True for the simulator's own servers, whose tools are known beforehand."""
        return self.servers_file == SIMULATOR_MCP

    def notes(self) -> Iterator[str]:
        """Yield a sentence for the start about each setting without effect."""
        if self.slack_app_token and self.slack_signing_secret:
            yield (
                "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set: Socket Mode is"
                " used, and POST /slack/events is not served."
            )
        if self.openai_base_url and not self.openai_api_key:
            yield "OPENAI_BASE_URL needs OPENAI_API_KEY: the offline model is used."
        if self.link_secret and not self.public_url:
            yield "LINK_SECRET needs PUBLIC_URL: there are no signed links."


@contextmanager
def blaming(name: str, path: Path) -> Generator[None]:
    """Name the setting whose folder cannot be used.

    Raises:
        ConfigurationError: one line, in place of an OSError.
    """
    try:
        yield
    except FileNotFoundError as error:
        why = f"{name}={path} can't be created: no such directory."
        raise ConfigurationError(why) from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ConfigurationError(f"{name}={path} can't be used: {reason}.") from error


_HIDDEN = {
    *(k for k, v in Settings.model_fields.items() if "Secret" in repr(v.annotation)),
    *(
        "agent_context",
        "api_agents",
        "api_tokens",
        "webhook_url",
    ),  # secrets may stand in them
}


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    try:
        bindings = [*parse_stream(StringIO(path.read_text("utf-8-sig")))]
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{path} cannot be read as UTF-8 text.") from None
    for each in bindings:
        if each.error:
            line = each.original.line
            raise ConfigurationError(f"{path}, line {line}: write NAME=value.")
    return {each.key: each.value or "" for each in bindings if each.key}


def variables() -> dict[str, str]:
    """All variables of the environment and, below them, of `.env`."""
    return _read_dotenv(Path(".env")) | dict(os.environ)


def _unusable(values: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence for each wrong choice of variables, whatever they hold."""
    present = sorted(name for name in values if name.startswith("SLACK_"))
    if not present:
        return
    missing = ""
    if "SLACK_BOT_TOKEN" not in present:
        missing = "SLACK_BOT_TOKEN"
    elif not {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"} & set(present):
        missing = "SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)"
    if "SLACK_CLIENT_ID" in present and missing == "SLACK_BOT_TOKEN":
        yield (
            "SLACK_CLIENT_ID without SLACK_BOT_TOKEN (several workspaces) is not"
            " available in this version yet; set SLACK_BOT_TOKEN too, or unset it."
        )
    if missing:
        yield (
            f"{missing} is missing, with {', '.join(present)} set; with no SLACK_*"
            " variable at all the simulator starts."
        )


NEAR = 0.88  # of the letters of two names, in order


def near_misses(environ: Mapping[str, str], dotenv: Path | None = None) -> list[str]:
    """A sentence for each variable that looks like one of ours and is none."""
    ours = {name.upper() for name in Settings.model_fields}
    given = {*environ, *_read_dotenv(dotenv)} - ours
    near = {name: _nearest(name, ours) for name in sorted(given)}
    return [
        f"{name} is not a setting, so it does nothing. Did you mean {found[0]}?"
        for name, found in near.items()
        if found
    ]


def _nearest(name: str, ours: Iterable[str]) -> list[str]:
    # A letter that only one of two names has is unmatched: most pairs end here, at a
    # hundredth of the cost.
    letters, most = {each: set(each) for each in (name, *ours)}, 1 - NEAR
    may_be = [
        each
        for each in ours
        if len(letters[name] ^ letters[each]) <= most * (len(name) + len(each))
    ]
    return difflib.get_close_matches(name, may_be, n=1, cutoff=NEAR)


def _defaults(values: Mapping[str, str]) -> dict[str, str]:
    """The defaults that depend on what is set."""
    if "SLACK_BOT_TOKEN" in values:
        return {"TOOLS": ",".join(["files", *_configured(values)])}
    servers = {"MCP_CONFIG": str(SIMULATOR_MCP)} if _has_time_server() else {}
    return {
        **servers,
        "POLICY_FILE": str(SIMULATOR_POLICY),
        "TOOLS": ",".join(
            ["files", "sandbox", "email", "database"]
            + (["mcp"] if "MCP_CONFIG" in {**servers, **values} else [])
        ),
        "SQL_URL": SHOP,
        "PUBLIC_URL": f"http://localhost:{values.get('PORT', '3000')}",
        "LINK_SECRET": secrets.token_urlsafe(32),
    }


def _has_time_server() -> bool:
    """Return whether the server of the simulator's MCP_CONFIG is beside the bot."""
    return bool(shutil.which("mcp-server-time", path=Path(sys.executable).parent))


def _configured(values: Mapping[str, str]) -> list[str]:
    """The sets of tools that a variable turns on."""
    return [tools for tools, name in _TURNED_ON.items() if name in values]


def _exposed(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each setting that is only for tests or this machine."""
    for name in ("audit_sink", "webhook_url"):
        place = getattr(settings, name) or ""
        if types.is_private(place) and not settings.webhook_allow_private:
            yield (
                f"{name.upper()}={_shown(name, place)}: allowed is https:// and a"
                " public address; others only with WEBHOOK_ALLOW_PRIVATE=1, for tests."
            )
    simulated = settings.transport is Transport.SIMULATOR
    inside = types.is_loopback(urlsplit(settings.slack_api_url).hostname or "")
    for name in ("fault_point", "time_limits"):
        if getattr(settings, name) and not (simulated or inside):
            yield (
                f"{name.upper()} is for tests, with the simulator or a SLACK_API_URL on"
                " loopback; unset it."
            )
    if simulated and not types.is_loopback(settings.host):
        yield (
            f"HOST={settings.host}: with no SLACK_* variable the simulator would start,"
            " and it opens on loopback only; set HOST=127.0.0.1, or SLACK_BOT_TOKEN and"
            " SLACK_APP_TOKEN or SLACK_SIGNING_SECRET."
        )


def _halves(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each variable whose other half is missing."""
    if "audit_sink" in settings.model_fields_set and not settings.audit_key:
        yield (
            "AUDIT_SINK is set and AUDIT_KEY is not: checkpoints are signed, so set the"
            " key too."
        )
    people = {token.digest for token in settings.api_tokens}
    if people & {agent.digest for agent in settings.api_agents}:
        yield "API_AGENTS: a token of API_TOKENS is there too; give each its own."
    if settings.agent_context is not None and settings.agent is None:
        yield "AGENT_CONTEXT needs AGENT: the shipped agent takes none."
    for pair in _TOGETHER:
        missing = [name for name in pair if getattr(settings, name.lower()) is None]
        if len(missing) == 1:
            yield f"{missing[0]} is missing: {' and '.join(pair)} go together."
    yield from _without_their_service(settings)


def _without_their_service(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each set of tools that lacks what it works on."""
    can_mail = settings.smtp_url or settings.transport is Transport.SIMULATOR
    if "email" in settings.tools and not can_mail:
        yield "TOOLS=email: set SMTP_URL and SMTP_FROM with it."
    if "database" in settings.tools and settings.sql_url is None:
        yield "TOOLS=database: set SQL_URL with it."
    if "mcp" in settings.tools and settings.mcp_config is None:
        yield "TOOLS=mcp: set MCP_CONFIG with it."
    own, other = settings.database_url, settings.sql_url
    if own and other and own.get_secret_value() == other.get_secret_value():
        yield "SQL_URL is the same as DATABASE_URL: give the tools another database."


def _complaint(error: ValidationError, values: Mapping[str, str]) -> str:
    first = error.errors()[0]
    name = str(first["loc"][0])
    words = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    value = _shown(name.lower(), values.get(name, ""))
    allowed = types.ALLOWED.get(name, words)
    known = re.findall(r"'(\w+)'", allowed)
    near = difflib.get_close_matches(values.get(name, "").lower(), known, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{name}={value}: allowed is {allowed}.{hint}"


def _shown(field: str, value: str) -> str:
    text = "(hidden)" if field in _HIDDEN else mask(repr(value))
    return text if len(text) <= 80 else text[:77] + "…"
