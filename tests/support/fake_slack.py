"""The few methods of Slack's client that deliveries use, with trouble on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from slack_sdk.errors import SlackApiError

from tests.support.people import TEAM

POSTS = ("chat_postMessage", "chat_postEphemeral", "chat_update")


def refused(code: str, status: int = 200, **headers: str) -> SlackApiError:
    """The error that the client raises for an answer that is not ok."""
    data = {"ok": False, "error": code}
    response = SimpleNamespace(status_code=status, data=data, headers=headers)
    return SlackApiError(code, response)


class FakeSlack:
    """Keeps messages; `trouble` holds what the next calls of a method run into.

    A trouble is an exception; with `lost` in front the call happens all the same.
    """

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.trouble: dict[str, list[tuple[bool, BaseException]]] = {}
        self.page = 100
        self.during: Callable[[], Any] | None = None

    def fail(self, method: str, *errors: BaseException, lost: bool = False) -> None:
        """Let the next calls fail; `lost`: after they have happened."""
        self.trouble.setdefault(method, []).extend((lost, e) for e in errors)

    def called(self, method: str) -> list[dict[str, Any]]:
        return [given for name, given in self.calls if name == method]

    async def chat_postMessage(self, **given: Any) -> Any:  # noqa: N802
        return await self._do("chat_postMessage", given, self._post)

    async def chat_postEphemeral(self, **given: Any) -> Any:  # noqa: N802
        return await self._do("chat_postEphemeral", given, lambda _: {"ok": True})

    async def chat_update(self, **given: Any) -> Any:
        return await self._do("chat_update", given, self._edit)

    async def conversations_history(self, **given: Any) -> Any:
        top = [m for m in self.messages if not m.get("thread_ts")]
        return await self._do("history", given, lambda g: self._page(g, top[::-1]))

    async def conversations_replies(self, **given: Any) -> Any:
        thread = [m for m in self.messages if m.get("thread_ts") == given["ts"]]
        return await self._do("replies", given, lambda g: self._page(g, thread))

    async def _do(self, method: str, given: dict[str, Any], what: Any) -> Any:
        self.calls.append((method, given))
        if self.during is not None and method in POSTS:
            await self.during()
        lost, error = (self.trouble.get(method) or [(False, None)]).pop(0)
        if error is not None and not lost:
            raise error
        answer = SimpleNamespace(data=what(given))
        if error is not None:
            raise error
        return answer

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        ts = f"{5000 + len(self.messages)}.000100"
        self.messages.append({**given, "ts": ts})
        return {"ok": True, "channel": given["channel"], "ts": ts}

    def _edit(self, given: dict[str, Any]) -> dict[str, Any]:
        [message] = [m for m in self.messages if m["ts"] == given["ts"]]
        message.update(given)
        return {"ok": True}

    def _page(self, given: dict[str, Any], found: list[Any]) -> dict[str, Any]:
        start = int(given.get("cursor") or 0)
        more = start + self.page < len(found)
        answer: dict[str, Any] = {"messages": found[start : start + self.page]}
        if more:
            answer["response_metadata"] = {"next_cursor": str(start + self.page)}
        return answer


class SlackOfMembers:
    """Answers `users.info`: everybody is a member of ours until they are `gone`."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.emails: dict[str, str] = {}
        self.asked: list[str] = []
        self.troubles: list[BaseException] = []  # of the next calls
        self.hangs = 0  # so many of the next calls

    async def users_info(self, *, user: str) -> Any:
        self.asked.append(user)
        known = {"id": user, "team_id": TEAM, "deleted": user in self.gone}
        flags = dict.fromkeys(("is_bot", "is_restricted", "is_ultra_restricted"), False)
        email = {"email": self.emails.get(user, "")}
        await asyncio.sleep(0)
        if self.hangs:
            self.hangs -= 1
            await asyncio.sleep(60)
        if self.troubles:
            raise self.troubles.pop(0)
        return SimpleNamespace(data={"user": {**known, **flags, "profile": email}})

    async def have_answered(self, *users: str) -> None:
        """Let those be answered who have been asked for, which are these."""
        await asyncio.sleep(0)
        assert self.asked == [*users]
        await asyncio.sleep(0)
