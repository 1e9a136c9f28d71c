"""The errors that end a command, as sentences for the person who typed it."""

from __future__ import annotations

import psycopg
import structlog

from bot.approvals.policy import Complaint, PolicyError
from bot.texts import commands

log = structlog.get_logger(__name__)


def explain(error: Exception) -> str:
    """Say what went wrong; "" where nobody foresaw it, and then the log has it."""
    if isinstance(error, PolicyError):
        return "\n".join(map(_about_policy, error.complaints))
    if isinstance(error, psycopg.Error):
        return commands.database_unusable(_first_line(error))
    if isinstance(error, OSError):
        return commands.cannot_start(error.strerror or error, error.filename)
    log.error("unexpected", action="crashed", exc_info=error)
    return ""


def _about_policy(complaint: Complaint) -> str:
    return commands.policy_complaint(complaint) if complaint.path else str(complaint)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
