"""The one error of the Web API: what Slack answers instead of what was asked."""

from __future__ import annotations

from bot.simulator.shapes import Json


class SlackError(Exception):
    """An answer `{"ok": false, "error": …}` with its further fields."""

    def __init__(self, error: str, **more: object) -> None:
        """Take Slack's error code and the fields that go with it."""
        super().__init__(error)
        self.error = error
        self.more = more

    def answer(self) -> Json:
        """Return the body of the answer."""
        return {"ok": False, "error": self.error, **self.more}


def invalid_arguments(*complaints: str) -> SlackError:
    """Return Slack's answer to arguments that are missing or of the wrong kind."""
    messages = [f"[ERROR] {complaint}" for complaint in complaints]
    metadata = {"messages": messages}
    return SlackError("invalid_arguments", response_metadata=metadata)
