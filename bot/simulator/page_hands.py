"""The page's interfaces to the simulator and to the history of requests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from bot.simulator.app_config import SlashCommand
from bot.simulator.interactions import ClickResult
from bot.simulator.shapes import Json
from bot.simulator.workspace import StoredFile, Workspace


@dataclass(frozen=True)
class HistoryLine:
    """One thing that happened to a card's request; `text` is mrkdwn."""

    at: datetime
    text: str


# The life of the requests on the card at a channel and ts, oldest first.
History: TypeAlias = Callable[[str, str], Awaitable[list[HistoryLine]]]


class Hands(Protocol):
    """The part of the simulator that the page uses, documented there."""

    workspace: Workspace

    @property
    def home_enabled(self) -> bool:
        """Return whether the app has a Home tab."""
        ...

    def hears(self, event: str) -> bool:
        """Return whether the app is sent events of this kind."""
        ...

    @property
    def commands(self) -> Sequence[SlashCommand]:
        """The app's slash commands."""
        ...

    async def post_message(
        self,
        user_id: str,
        channel_id: str,
        text: str,
        thread_ts: str | None = None,
        *,
        table: Sequence[Sequence[str]] = (),
        forwards: tuple[str, str] | None = None,
        files: Sequence[str] = (),
    ) -> str:
        """Post as a person."""
        ...

    async def edit_message(
        self, user_id: str, channel_id: str, ts: str, text: str
    ) -> None:
        """Write a message anew as the person whose it is."""
        ...

    async def stop_agent(self, user_id: str, channel_id: str, thread_ts: str) -> bool:
        """Use Slack's stop button in a thread as a person."""
        ...

    async def delete_message(self, user_id: str, channel_id: str, ts: str) -> None:
        """Delete a message as its author."""
        ...

    async def click(
        self,
        user_id: str,
        channel_id: str,
        message_ts: str,
        action_id: str,
        value: object = None,
        *,
        block_id: str | None = None,
        stale: bool = True,
        values: Mapping[str, object] = ...,
    ) -> ClickResult:
        """Act on an element of a message as a person."""
        ...

    async def click_view(
        self,
        user_id: str,
        view_id: str,
        action_id: str,
        value: object = None,
        *,
        block_id: str | None = None,
        values: Mapping[str, object] = ...,
    ) -> ClickResult:
        """Act on an element of a modal or of App Home as a person."""
        ...

    async def submit_view(
        self, user_id: str, view_id: str, values: Mapping[str, object]
    ) -> ClickResult:
        """Submit a modal as a person."""
        ...

    async def close_view(
        self, user_id: str, view_id: str, *, clear: bool = False
    ) -> ClickResult | None:
        """Close a modal, or with `clear` the whole stack, as a person."""
        ...

    async def run_command(
        self, user_id: str, channel_id: str, command: str, text: str = ""
    ) -> ClickResult:
        """Run a slash command as a person."""
        ...

    async def options(
        self,
        user_id: str,
        action_id: str,
        text: str,
        *,
        view_id: str | None = None,
        channel_id: str = "",
        message_ts: str = "",
        block_id: str | None = None,
    ) -> Json:
        """Look up the options of an external select as a person."""
        ...

    async def open_home(
        self, user_id: str, tab: Literal["home", "messages"] = "home"
    ) -> Json | None:
        """Open the app's Home or Messages tab as a person."""
        ...

    def home(self, user_id: str) -> Json | None:
        """Return a person's App Home."""
        ...

    def open_views(self, user_id: str) -> list[Json]:
        """Return a person's open modals."""
        ...

    def upload_file(self, user_id: str, name: str, content: bytes) -> str:
        """Take in a person's file and return its id."""
        ...

    def file(self, file_id: str) -> StoredFile | None:
        """Return a file that somebody has uploaded."""
        ...
