"""The one tree of errors; `str()` of each is a sentence for a person."""

from __future__ import annotations

import inspect


class BotError(Exception):
    """Something went wrong in the bot."""

    def __init__(self, message: str | None = None) -> None:
        # As in procrastinate: the docstring of the class is its default message.
        super().__init__(message or inspect.getdoc(type(self)) or type(self).__name__)


class ConfigurationError(BotError):
    """The configuration cannot be used."""


class DatabaseUnavailable(BotError):
    """The database cannot be reached right now."""


class SlackUnavailable(BotError):
    """Slack cannot be reached right now."""


class RetryLater(BotError):
    """It cannot be done now; the other side named the wait."""

    def __init__(self, seconds: int, why: str = "") -> None:
        super().__init__(why or f"It cannot be done now; try again in {seconds} s.")
        self.seconds = seconds
