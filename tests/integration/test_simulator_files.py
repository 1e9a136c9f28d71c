"""Files: announced, sent, shared as a message, and kept over a restart."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from bot.simulator import AppConfig
from bot.simulator.web_api.others import LARGEST_FILE
from tests.support.demo import GENERAL, MINA
from tests.support.simulated import World, refusal, world

TEXT = "\n".join(f"line {number}" for number in range(1, 9))


async def test_slacks_own_client_uploads_a_file_into_a_thread(made: World):
    root = await made.slack.chat_postMessage(channel=GENERAL, text="x")
    answer = await made.slack.files_upload_v2(
        channel=GENERAL,
        thread_ts=root["ts"],
        filename="arguments.json",
        title="The arguments",
        content=TEXT,
        initial_comment="In full:",
    )
    [message] = made.simulator.messages(GENERAL, root["ts"])[1:]
    [file] = message["files"]
    assert (message["text"], file["title"]) == ("In full:", "The arguments")
    assert (file["size"], file["lines"], file["lines_more"]) == (len(TEXT), 8, 3)
    assert file["preview"].splitlines()[-1] == "line 5"
    assert answer["files"][0]["id"] == file["id"]
    info = await made.slack.files_info(file=file["id"])
    assert info["file"]["name"] == "arguments.json"
    stored = made.simulator.file(file["id"])
    assert stored is not None
    assert stored.content == TEXT.encode()


async def test_the_content_is_given_to_the_bot_alone(made: World):
    answer = await made.slack.files_upload_v2(
        channel=GENERAL, filename="a.txt", content=TEXT
    )
    url = answer["files"][0]["url_private"]
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as response:
            assert response.status == 403
        headers = {"Authorization": "Bearer xoxb-1"}
        async with session.get(url, headers=headers) as response:
            assert await response.text() == TEXT
            assert response.headers["Content-Disposition"] == "attachment"
        async with session.get(f"{url}x", headers=headers) as response:
            assert response.status == 200  # the name in the address is but a name


async def test_what_was_not_announced_or_not_sent_is_not_shared(made: World):
    announce = made.slack.files_getUploadURLExternal
    assert (await refusal(announce(filename="a", length=0)))["error"] == (
        "invalid_arguments"
    )
    large = await refusal(announce(filename="a", length=LARGEST_FILE + 1))
    assert large["error"] == "file_upload_size_restricted"
    announced = await announce(filename="a.txt", length=3)
    complete = made.slack.files_completeUploadExternal
    for file_id in (announced["file_id"], "F0NOWHERE0"):
        answer = await refusal(complete(files=[{"id": file_id}], channel_id=GENERAL))
        assert answer["error"] == "file_not_found"
    async with aiohttp.ClientSession() as session:
        async with session.post(announced["upload_url"], data=b"abc") as response:
            assert await response.text() == "OK - 3"
        async with session.post(announced["upload_url"], data=b"abc") as response:
            assert response.status == 404
    shared = await complete(files=[{"id": announced["file_id"]}], channel_id=GENERAL)
    assert shared["files"][0]["id"] == announced["file_id"]
    again = complete(files=[{"id": announced["file_id"]}], channel_id=GENERAL)
    assert (await refusal(again))["error"] == "file_not_found"


async def test_a_shared_file_is_an_event_of_its_own_subtype():
    app = AppConfig(subscriptions=frozenset({"message.channels"}))
    async with world(app=app) as made:
        await made.slack.files_upload_v2(
            channel=GENERAL, filename="a.txt", content=TEXT
        )
        await made.simulator.settled()
        [payload] = made.socket.payloads
    assert payload["event"]["subtype"] == "file_share"
    assert payload["event"]["files"][0]["name"] == "a.txt"


async def test_shared_files_outlive_a_restart(tmp_path: Path):
    state = tmp_path / "state.json"
    async with world(connected=False, state_file=state) as made:
        await made.slack.files_upload_v2(
            channel=GENERAL, filename="a.txt", content=TEXT
        )
        made.simulator.upload_file(MINA, "mine.txt", b"not shared")
    async with world(connected=False, state_file=state) as made:
        [message] = made.simulator.messages(GENERAL)
        [file] = made.simulator.workspace.files.values()
        assert message["files"][0]["id"] == file.id
        assert (file.name, file.content) == ("a.txt", TEXT.encode())
