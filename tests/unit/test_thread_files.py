"""A shared file is read only in its own thread, as text, and from Slack itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from agent.phrases import results
from agent.tools.files import FileError
from bot.slack.thread import SlackFiles
from tests.support.fake_slack import refused

API = "http://127.0.0.1:9/api/"
FILE: dict[str, Any] = {
    "id": "F1",
    "mimetype": "text/csv",
    "size": 9,
    "url_private": "https://files.slack.com/files-pri/T1-F1/q3.csv",
    "shares": {"public": {"C1": [{"ts": "5.0", "thread_ts": "1.0"}]}},
}


class Content(BytesIO):
    """A body that comes in small pieces."""

    async def read(self, _: int) -> bytes:  # type: ignore[override]
        return super().read(2)


class Slack:
    """A thread's place, one file's facts and content, and what was asked for."""

    def __init__(self, **changes: Any) -> None:
        self.file = FILE | changes
        self.content, self.status, self.kind = b"a,b\n1,2\n.", 200, "text/csv"
        self.trouble: Exception | None = None
        self.got: list[tuple[str, dict[str, Any]]] = []

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        yield self

    async def execute(self, *_: Any) -> Any:
        return self

    async def fetchone(self) -> dict[str, str]:
        return {"channel_id": "C1", "thread_ts": "1.0"}

    async def files_info(self, **_: Any) -> Any:
        if self.trouble:
            raise self.trouble
        return SimpleNamespace(data={"file": self.file})

    @asynccontextmanager
    async def get(self, url: str, **given: Any) -> AsyncIterator[Any]:
        self.got.append((url, given))
        yield SimpleNamespace(
            content=Content(self.content), status=self.status, content_type=self.kind
        )


async def read(slack: Slack, most: int = 100) -> tuple[bytes, int]:
    files = SlackFiles(slack, "xoxb-1", API, slack, slack)  # type: ignore[arg-type]
    return await files.read("conversation", "F1", most)


async def refusal(slack: Slack) -> str:
    with pytest.raises(FileError) as caught:
        await read(slack)
    return str(caught.value)


async def test_a_text_file_is_read_up_to_a_limit():
    slack = Slack()
    assert await read(slack) == (b"a,b\n1,2\n.", 9)
    assert await read(slack, most=3) == (b"a,b", 9)
    url, given = slack.got[0]
    assert url == FILE["url_private"]
    assert given["headers"] == {"Authorization": "Bearer xoxb-1"}
    assert given["allow_redirects"] is False


@pytest.mark.parametrize(
    "shares",
    [
        None,
        {},
        {"public": {"C2": [{"ts": "1.0"}]}},
        {"private": {"C1": [{"ts": "5.0", "thread_ts": "2.0"}]}},
    ],
)
async def test_a_file_of_another_place_does_not_exist(shares):
    slack = Slack(shares=shares)
    assert await refusal(slack) == results.no_shared_file("F1")
    assert slack.got == []


async def test_the_message_that_starts_a_thread_belongs_to_it():
    assert await read(Slack(shares={"private": {"C1": [{"ts": "1.0"}]}}))


@pytest.mark.parametrize("kind", ["image/png", "", "application/zip"])
async def test_what_is_no_text_is_not_fetched(kind: str):
    slack = Slack(mimetype=kind)
    assert await refusal(slack) == results.no_text_file("F1", 9)
    assert slack.got == []


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/F1",
        "https://slack.com.evil.example/F1",
        "https://evilslack.com/F1",
        "http://files.slack.com/F1",
        "http://127.0.0.1:10/F1",
        "https://files.slack.com@evil.example/F1",
        "https://[",
        "",
    ],
)
async def test_nobody_but_slack_is_told_the_token(url: str):
    slack = Slack(url_private=url)
    assert await refusal(slack) == results.SLACK_GIVES_NO_FILE
    assert slack.got == []


@pytest.mark.parametrize(
    "changes", [{"status": 302}, {"kind": "text/html"}, {"status": 500}]
)
async def test_a_page_of_slacks_is_not_taken_for_the_file(changes: dict[str, Any]):
    slack = Slack()
    vars(slack).update(changes)
    assert await refusal(slack) == results.SLACK_GIVES_NO_FILE


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (refused("missing_scope"), results.MAY_NOT_READ_FILES),
        (refused("file_not_found"), results.no_shared_file("F1")),
        (refused("internal_error"), results.SLACK_GIVES_NO_FILE),
        (TimeoutError(), results.SLACK_GIVES_NO_FILE),
    ],
)
async def test_slacks_refusals_are_said_in_a_sentence(trouble: Exception, said: str):
    slack = Slack()
    slack.trouble = trouble
    assert await refusal(slack) == said
