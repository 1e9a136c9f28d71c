"""The environment, read once into one frozen object that hides its secrets."""

from __future__ import annotations

import datetime as dt
import enum
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NoReturn, Self
from urllib.parse import urlsplit

from dotenv.parser import parse_stream
from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr, ValidationError

from bot import faults, settings_types
from bot.errors import ConfigurationError
from bot.logs import Format, Level
from bot.masks import mask
from bot.time_limits import read_limits

SIMULATOR_POLICY = Path(__file__).parent / "simulator" / "policy.yml"
SIMULATOR_TOOLS = "files,sandbox,email"
# Each belongs to work that is still to come. A setting that would be ignored silently
# is worse than one that is refused.
NOT_AVAILABLE = ("SQL_URL", "MCP_CONFIG")


class Transport(enum.StrEnum):
    """The way in which the bot and Slack speak with each other."""

    SOCKET = "socket"
    HTTP = "http"
    SIMULATOR = "simulator"


Url = Annotated[str, BeforeValidator(settings_types.http_url)]
Secret = Annotated[SecretStr, BeforeValidator(settings_types.secret)]
Choice = BeforeValidator(str.lower)


class Settings(BaseModel):
    """The operator's settings. A field is its variable in lower case."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    transport: Transport
    notes: tuple[str, ...] = ()  # sentences to say at start

    slack_bot_token: Annotated[SecretStr, settings_types.token("xoxb-")] | None = None
    slack_app_token: Annotated[SecretStr, settings_types.token("xapp-")] | None = None
    slack_signing_secret: Secret | None = None
    slack_client_id: (
        Annotated[str, BeforeValidator(settings_types.client_id)] | None
    ) = None
    slack_client_secret: Secret | None = None
    slack_api_url: Annotated[str, BeforeValidator(settings_types.slack_api_url)] = (
        "https://slack.com/api/"
    )
    # None: the embedded PostgreSQL
    database_url: (
        Annotated[SecretStr, BeforeValidator(settings_types.database_url)] | None
    ) = None
    openai_api_key: Secret | None = None  # None: the offline model
    openai_base_url: Url | None = None
    openai_model: str | None = None
    agent: str | None = None  # None: the shipped agent
    tools: Annotated[tuple[str, ...], BeforeValidator(settings_types.tools)] = (
        "files",
    )
    policy_file: Path = Path("policy.yml")
    files_dir: Path = Path(".data/files")
    host: Annotated[str, BeforeValidator(settings_types.host)] = "127.0.0.1"
    port: Annotated[int, BeforeValidator(settings_types.port)] = 3000
    public_url: Annotated[str, BeforeValidator(settings_types.public_url)] | None = None
    api_tokens: Annotated[
        tuple[settings_types.ApiToken, ...],
        BeforeValidator(settings_types.api_tokens),
    ] = ()
    link_secret: (
        Annotated[SecretStr, BeforeValidator(settings_types.long_secret)] | None
    ) = None
    smtp_url: (
        Annotated[settings_types.Smtp, BeforeValidator(settings_types.smtp_url)] | None
    ) = None
    smtp_from: Annotated[str, BeforeValidator(settings_types.email_address)] | None = (
        None
    )
    webhook_url: Annotated[str, BeforeValidator(settings_types.webhook_url)] | None = (
        None
    )
    webhook_secret: (
        Annotated[SecretStr, BeforeValidator(settings_types.long_secret)] | None
    ) = None
    # Signs checkpoints of the audit trail; None: there are none.
    audit_key: (
        Annotated[SecretStr, BeforeValidator(settings_types.audit_key)] | None
    ) = None
    # a folder, a Slack channel or a URL; WEBHOOK_ALLOW_PRIVATE is for tests
    audit_sink: Annotated[str, BeforeValidator(settings_types.audit_sink)] = (
        ".data/checkpoints"
    )
    audit_interval: Annotated[
        dt.timedelta, BeforeValidator(settings_types.audit_interval)
    ] = dt.timedelta(hours=1)
    webhook_allow_private: Annotated[bool, BeforeValidator(settings_types.switch)] = (
        False
    )
    # empty: off
    rate_limit: Annotated[
        tuple[settings_types.Rate, ...], BeforeValidator(settings_types.rate_limit)
    ] = tuple(settings_types.DEFAULT_RATES.values())
    retention: Annotated[dt.timedelta, BeforeValidator(settings_types.retention)] = (
        dt.timedelta(90)
    )
    sweep_interval: Annotated[float, BeforeValidator(settings_types.sweep_interval)] = (
        5.0  # seconds
    )
    # Where the process pulls its own plug, for tests; refused where Slack is real.
    fault_point: Annotated[str, BeforeValidator(faults.fault_point)] | None = None
    # Shorter waits for others, for tests too.
    time_limits: Annotated[dict[str, float], BeforeValidator(read_limits)] | None = None
    log_format: Annotated[Format, Choice] = "text"
    log_level: Annotated[Level, Choice] = "info"

    @classmethod
    def load(cls, environ: Mapping[str, str], dotenv: Path | None = None) -> Self:
        """Read the variables of `environ` and, below them, of the file `dotenv`.

        An empty value counts as unset, also where it hides one of the file.
        Raises ConfigurationError: one line that names variable, value (never of a
        secret) and what is allowed.
        """
        merged = _read_dotenv(dotenv) | dict(environ)
        values = {name: v.strip() for name, v in merged.items() if v.strip()}
        for name in NOT_AVAILABLE:
            if name in values:
                raise ConfigurationError(
                    f"{name} is not available in this version yet; unset it."
                )
        fields = {k: values[k.upper()] for k in _VARIABLES if k.upper() in values}
        transport = _transport(values)
        if transport is Transport.SIMULATOR:
            fields.setdefault("policy_file", str(SIMULATOR_POLICY))
            fields.setdefault("tools", SIMULATOR_TOOLS)
            port = fields.get("port", "3000")
            fields.setdefault("public_url", f"http://localhost:{port}")
            fields.setdefault("link_secret", secrets.token_urlsafe(32))
        elif "smtp_url" in fields:
            fields.setdefault("tools", "files,email")
        return cls._checked(fields, transport, _notes(values, transport))

    @classmethod
    def _checked(
        cls, fields: dict[str, str], transport: Transport, notes: tuple[str, ...]
    ) -> Self:
        chosen = {"transport": transport, "notes": notes}
        try:
            settings = cls.model_validate(fields | chosen)
        except ValidationError as error:
            _refuse(error)
        settings._check_sink(fields)
        settings._refuse_tests_in_earnest()
        inside = settings_types.is_loopback(settings.host)
        if transport is Transport.SIMULATOR and not inside:
            raise ConfigurationError(
                f"HOST={settings.host}: with no SLACK_* variable the simulator would"
                " start, and it opens on loopback only; set HOST=127.0.0.1, or"
                " SLACK_BOT_TOKEN and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET."
            )
        _refuse_halves(settings)
        return settings

    def _check_sink(self, fields: Mapping[str, str]) -> None:
        if "audit_sink" in fields and self.audit_key is None:
            raise ConfigurationError(
                "AUDIT_SINK is set and AUDIT_KEY is not: checkpoints are signed, so"
                " set the key too."
            )
        if not self.webhook_allow_private and settings_types.is_private(
            self.audit_sink
        ):
            raise ConfigurationError(
                f"AUDIT_SINK={_shown(self.audit_sink)}: allowed is https:// and a"
                " public address; loopback only with WEBHOOK_ALLOW_PRIVATE=1, for"
                " tests."
            )

    def _refuse_tests_in_earnest(self) -> None:
        """Refuse what only tests set where Slack is real."""
        host = urlsplit(self.slack_api_url).hostname or ""
        if self.transport is Transport.SIMULATOR or settings_types.is_loopback(host):
            return
        where = "tests, with the simulator or a SLACK_API_URL on loopback; unset it."
        if self.fault_point:
            raise ConfigurationError(
                f"FAULT_POINT={self.fault_point}: it kills this process and is for"
                f" {where}"
            )
        if self.time_limits:
            raise ConfigurationError(f"TIME_LIMITS is for {where}")


def _refuse_halves(settings: Settings) -> None:
    """Refuse settings that work only together, where one of them is missing."""
    if (settings.slack_client_id is None) is not (settings.slack_client_secret is None):
        raise ConfigurationError(
            "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET go together; set both."
        )
    mail = settings.smtp_url is not None
    if mail is not (settings.smtp_from is not None):
        raise ConfigurationError(
            f"{'SMTP_FROM' if mail else 'SMTP_URL'} is missing: SMTP_URL and SMTP_FROM"
            " go together."
        )
    simulated = settings.transport is Transport.SIMULATOR
    if "email" in settings.tools and not (mail or simulated):
        raise ConfigurationError("TOOLS=email: set SMTP_URL and SMTP_FROM with it.")
    if (settings.webhook_url is None) is not (settings.webhook_secret is None):
        raise ConfigurationError(
            "WEBHOOK_URL and WEBHOOK_SECRET go together; set both."
        )
    inside = settings_types.is_private(settings.webhook_url or "")
    if inside and not settings.webhook_allow_private:
        raise ConfigurationError(
            "WEBHOOK_URL=(hidden): allowed is a URL that starts with https://, and a"
            " public address; others only with WEBHOOK_ALLOW_PRIVATE=1, for tests."
        )


_VARIABLES = tuple(k for k in Settings.model_fields if k not in ("transport", "notes"))
_HIDDEN = {
    *(k for k in _VARIABLES if "SecretStr" in repr(Settings.model_fields[k])),
    *("api_tokens", "smtp_url", "webhook_url"),  # secrets may stand in them
}


def _read_dotenv(path: Path | None) -> dict[str, str]:
    if path is None or not path.exists():
        return {}
    try:
        with path.open(encoding="utf-8-sig") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{path} cannot be read as UTF-8 text.") from None
    for binding in bindings:
        if binding.error:
            line = binding.original.line
            raise ConfigurationError(f"{path}, line {line}: write NAME=value.")
    return {b.key: b.value or "" for b in bindings if b.key}


def _transport(values: Mapping[str, str]) -> Transport:
    present = sorted(name for name in values if name.startswith("SLACK_"))
    if not present:
        return Transport.SIMULATOR
    if "SLACK_CLIENT_ID" in present and "SLACK_BOT_TOKEN" not in present:
        raise ConfigurationError(
            "SLACK_CLIENT_ID without SLACK_BOT_TOKEN (several workspaces) is not"
            " available in this version yet; set SLACK_BOT_TOKEN too, or unset it."
        )
    missing = ""
    if "SLACK_BOT_TOKEN" not in present:
        missing = "SLACK_BOT_TOKEN"
    elif not {"SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"} & set(present):
        missing = "SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)"
    if missing:
        raise ConfigurationError(
            f"{missing} is missing, with {', '.join(present)} set; with no SLACK_*"
            " variable at all the simulator starts."
        )
    return Transport.SOCKET if "SLACK_APP_TOKEN" in present else Transport.HTTP


def _notes(values: Mapping[str, str], transport: Transport) -> tuple[str, ...]:
    notes: list[str] = []
    if transport is Transport.SOCKET and "SLACK_SIGNING_SECRET" in values:
        notes.append(
            "SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are both set: Socket Mode is"
            " used, and POST /slack/events is not served."
        )
    if "OPENAI_BASE_URL" in values and "OPENAI_API_KEY" not in values:
        notes.append("OPENAI_BASE_URL needs OPENAI_API_KEY: the offline model is used.")
    if "LINK_SECRET" in values and "PUBLIC_URL" not in values:
        notes.append("LINK_SECRET needs PUBLIC_URL: there are no signed links.")
    return tuple(notes)


def _shown(value: object) -> str:
    text = mask(repr(value))
    return text if len(text) <= 80 else text[:77] + "…"


def _refuse(error: ValidationError) -> NoReturn:
    first: dict[str, Any] = dict(error.errors()[0])
    field = str(first["loc"][0])
    value = "(hidden)" if field in _HIDDEN else _shown(first["input"])
    if "expected" in first.get("ctx", {}):
        allowed = str(first["ctx"]["expected"])
    else:
        allowed = str(first["msg"]).removeprefix("Value error, ")
    # From None: the chain of pydantic's error shows inputs, secrets among them.
    said = f"{field.upper()}={value}: allowed is {allowed}."
    raise ConfigurationError(said) from None
