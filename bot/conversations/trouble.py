"""Trouble that people read as a sentence with a code; the log has the rest."""

from __future__ import annotations

import secrets

import structlog

from bot.slack import sentences

log = structlog.get_logger(__name__)


def report(sentence: str, action: str, error: BaseException | None = None) -> str:
    """Log trouble under a new code, and give its sentence with that code."""
    code = secrets.token_hex(3)
    log.error(sentence, action=action, code=code, exc_info=error)
    return sentences.with_code(sentence, code)
