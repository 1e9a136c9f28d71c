"""The methods files.*: a file is announced, sent, and shared as a message."""

from __future__ import annotations

from bot.simulator.channels import Channel
from bot.simulator.files import StoredFile
from bot.simulator.shapes import Json, copied
from bot.simulator.slack_error import SlackError, invalid_arguments
from bot.simulator.web_api.chat import from_bot
from bot.simulator.web_api.methods import Call, method

LARGEST_FILE = 5_000_000  # bytes; Slack's own limit is far above any test


@method("files.getUploadURLExternal", "files:write")
def get_upload_url(call: Call) -> Json:
    """Announce a file; its content is posted to the address that is returned."""
    name, length = call.args.required("filename"), call.args.integer("length", 0)
    if length <= 0:
        raise invalid_arguments("must be more than 0: length")
    if length > LARGEST_FILE:
        raise SlackError("file_upload_size_restricted")
    file = call.workspace.add_file(call.workspace.bot_user_id, name)
    return {"upload_url": f"{call.here.base}/upload/{file.id}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write")
def complete_upload(call: Call) -> Json:
    """Share the files that were sent, with `channel_id` as a message there."""
    channel = call.joined_channel("channel_id") if call.args.has("channel_id") else None
    if channel is not None and channel.is_archived:
        raise SlackError("is_archived")
    files = [_sent(call, each) for each in call.args.objects("files") or []]
    if not files:
        raise invalid_arguments("missing required field: files")
    shown: list[Json] = []
    for file in files:
        file.shared = channel is not None
        shown.append(file.as_slack(call.here.base, call.workspace.team_id))
    if channel is not None:
        _post(call, channel, shown)
    return {"files": copied({"files": shown})["files"]}


def _sent(call: Call, named: Json) -> StoredFile:
    file = call.workspace.files.get(str(named.get("id", "")))
    if file is None or file.content is None or file.shared:
        raise SlackError("file_not_found")
    file.title = str(named.get("title") or file.name)
    return file


def _post(call: Call, channel: Channel, files: list[Json]) -> None:
    data = from_bot(
        call.workspace,
        {
            "text": call.args.text("initial_comment"),
            "files": files,
            "upload": True,
            "display_as_bot": False,
        },
    )
    if thread_ts := call.args.text("thread_ts"):
        data["thread_ts"] = thread_ts
    call.workspace.add_message(channel.id, data)


@method("files.info", "files:read")
def files_info(call: Call) -> Json:
    """Return one file."""
    file = call.workspace.files.get(call.args.required("file"))
    if file is None or file.content is None:
        raise SlackError("file_not_found")
    found = file.as_slack(call.here.base, call.workspace.team_id)
    return {"file": found, "comments": list[Json]()}
