"""What people are told of limits: what they send, and what one view holds.

Functions give mrkdwn, already escaped.
"""

from __future__ import annotations

from bot.slack.text import escape, mention


def per(most: int, seconds: int) -> str:
    """Plain text: `60 times in 1 minute`."""
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    unit, size = next(each for each in units if seconds % each[1] == 0)
    number = seconds // size
    times = "once" if most == 1 else f"{most:,} times"
    return f"{times} in {number} {unit}{'' if number == 1 else 's'}"


def too_many_messages(most: int, seconds: int) -> str:
    """mrkdwn."""
    return (
        f"You have written to me more than {per(most, seconds)}, so I have not read "
        "your last messages. Please wait a little and send them again."
    )


def too_many_clicks(most: int, seconds: int) -> str:
    """mrkdwn."""
    return (
        f"You have clicked more than {per(most, seconds)}, so nothing was decided by "
        "the clicks since then. Please wait a little and click again."
    )


def whole_arguments(code: str, user: str) -> str:
    """mrkdwn. `user` is the id of whoever opened them."""
    return f"The whole arguments of request {escape(code)}, for {mention(user)}."
