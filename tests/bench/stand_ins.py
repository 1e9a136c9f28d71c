"""Slack's Web API and the model server in one small process; both answer at once.

Lines on stdin set delays: {"slack": 0.1, "model": 0.3}, in seconds. "words": 1.0 lets
the model say its 40 words over a second where a stream is asked for; "grants": 1 lets
Slack take statuses and streams. Lines on stdout tell of each call to Slack and when it
came, by the clock that all processes share.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from tests.bench import lines
from tests.bench.workspace import (
    APP,
    BOT,
    BOT_USER,
    DELETE,
    FILE,
    TEAM,
    answer_of,
)

Args = dict[str, Any]
WORDS = 40
_OF_STREAMS = ("chat.startStream", "chat.appendStream", "chat.stopStream")
_GRANTED = (
    *_OF_STREAMS,
    "agents.sessions.setStatus",
    "assistant.threads.setStatus",
    "assistant.threads.setSuggestedPrompts",
    "assistant.threads.setTitle",
    "reactions.add",
    "reactions.remove",
)


class StandIns:
    """One handler for all requests: a router would cost more than the answers."""

    def __init__(self) -> None:
        self.delays = {"slack": 0.0, "model": 0.0, "words": 0.0, "grants": 0.0}
        self._streams: dict[str, Args] = {}  # by ts
        self._numbers = itertools.count(1)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        body = await request.read()
        at = time.monotonic()
        if request.path == "/v1/chat/completions":
            asked = json.loads(body)
            answer = self._complete(asked)
            delay = self.delays["model"]
            said = answer["choices"][0]["message"]["content"]
            if said and asked.get("stream") and self.delays["words"]:
                return await _in_words(request, answer, said, self.delays["words"])
        else:
            method = request.path.rpartition("/")[2]
            answer = self._slack(method, _args(request, body), at)
            delay = self.delays["slack"]
        if delay:
            await asyncio.sleep(delay - (time.monotonic() - at))
        return web.Response(
            body=json.dumps(answer).encode(), content_type="application/json"
        )

    def _slack(self, method: str, args: Args, at: float) -> Args:
        if method == "chat.postMessage":
            args["ts"] = f"{int(time.time())}.{next(self._numbers):06}"
        if method in _OF_STREAMS and self.delays["grants"]:
            args |= self._stream(method, args)
        lines.tell({"at": at, "method": method, **args})
        if method in _GRANTED:
            return _granted(args) if self.delays["grants"] else _REFUSED
        made = ANSWERS.get(method)
        return made(args) if made else {"ok": False, "error": "unknown_method"}

    def _stream(self, method: str, args: Args) -> Args:
        """Write on, and say what is written by then, and in which thread."""
        if method == "chat.startStream":
            args["ts"] = f"{int(time.time())}.{next(self._numbers):06}"
            self._streams[args["ts"]] = {"thread_ts": args["thread_ts"], "text": ""}
        stream = self._streams[args["ts"]]
        chunks = [each.get("text", "") for each in args.get("chunks") or ()]
        stream["text"] += "".join([*chunks, args.get("markdown_text") or ""])
        return stream

    def _complete(self, asked: Args) -> Args:
        """A tool call first, a text once the tool has answered.

        https://platform.openai.com/docs/api-reference/chat/object
        """
        lines.tell({"at": time.monotonic(), "method": "model"})
        last = asked["messages"][-1]
        if last["role"] == "tool":
            message, reason = _answer(asked["messages"]), "stop"
        elif DELETE not in _text(last):
            number = int(FILE.findall(_text(last))[-1][6:13])
            message, reason = _said(answer_of(number)), "stop"
        else:
            message, reason = self._call(last), "tool_calls"
        return {
            "id": f"chatcmpl-{next(self._numbers)}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {
                "prompt_tokens": 500,
                "completion_tokens": 20,
                "total_tokens": 520,
            },
        }

    def _call(self, last: Args) -> Args:
        found = FILE.search(_text(last))
        assert found, f"no file in {last}"
        function = {
            "name": "delete_file",
            "arguments": json.dumps({"path": found[0]}),
        }
        call = {
            "id": f"call_{next(self._numbers)}",
            "type": "function",
            "function": function,
        }
        return {"role": "assistant", "content": None, "tool_calls": [call]}


def _answer(messages: list[Args]) -> Args:
    """The text, if the tool did its work; else what the tool said."""
    call = messages[-2]["tool_calls"][0]["function"]["arguments"]
    found = FILE.search(call)
    said = _text(messages[-1])
    done = found is not None and "elete" in said and found[0] in said
    text = answer_of(int(found[0][6:13])) if found and done else f"Failed: {said}"
    return _said(text)


def _said(text: str) -> Args:
    """An answer of 40 words."""
    words = [*text.split(), *(f"word{number}" for number in range(WORDS))][:WORDS]
    return {"role": "assistant", "content": " ".join(words)}


async def _in_words(
    request: web.BaseRequest, answer: Args, said: str, seconds: float
) -> web.StreamResponse:
    """Send an answer word by word.

    https://platform.openai.com/docs/api-reference/chat/streaming
    """
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    about = {**answer, "object": "chat.completion.chunk"}
    words = [f"{word} " for word in said.split(" ")]
    words[-1] = words[-1].strip()
    for word in [*words, None]:
        delta = {"content": word} if word else {}
        choice = {"index": 0, "delta": delta, "finish_reason": None if word else "stop"}
        piece = json.dumps({**about, "choices": [choice]})
        await response.write(f"data: {piece}\n\n".encode())
        if word:
            await asyncio.sleep(seconds / len(words))
    await response.write(b"data: [DONE]\n\n")
    return response


def _text(message: Args) -> str:
    content = message["content"]
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


def _args(request: web.BaseRequest, body: bytes) -> Args:
    """The arguments of a Web API call: query, form or JSON."""
    args: Args = dict(request.query)
    if request.content_type == "application/json":
        return args | json.loads(body)
    args |= dict(parse_qsl(body.decode()))
    for name in ("blocks", "metadata"):
        if isinstance(args.get(name), str):
            args[name] = json.loads(args[name])
    return args


def _posted(args: Args) -> Args:
    kept = ("text", "blocks", "thread_ts", "metadata", "ts")
    message = {name: args[name] for name in kept if args.get(name)}
    return {
        "ok": True,
        "channel": args["channel"],
        "ts": args["ts"],
        "message": {"type": "message", "user": BOT_USER, "bot_id": BOT, **message},
    }


def _user(args: Args) -> Args:
    user = args["user"]
    profile = {"display_name": f"Person {user}", "real_name": f"Person {user}"}
    flags = dict.fromkeys(
        ("deleted", "is_bot", "is_restricted", "is_ultra_restricted"), False
    )
    return {
        "ok": True,
        "user": {
            "id": user,
            "team_id": TEAM,
            "name": user.lower(),
            "profile": profile,
            **flags,
        },
    }


def _granted(args: Args) -> Args:
    return {"ok": True, "channel": args.get("channel"), "ts": args.get("ts")}


_REFUSED = {"ok": False, "error": "unknown_method"}  # where Slack has no such thing
_ME = {"team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT}
_VIEW = {"ok": True, "view": {"id": "V0BENCH000", "hash": "1.bench"}}
#: Nobody asks for these in a cycle; that they were there at all is enough.
_RARE: dict[str, Args] = {
    "apps.connections.open": {"url": "wss://bench.slack.com/"},
    "conversations.info": {"channel": {"id": "C0BENCH000", "name": "bench"}},
    "conversations.members": {"members": []},
    "files.completeUploadExternal": {"files": []},
    "files.getUploadURLExternal": {"upload_url": "", "file_id": "F0BENCH000"},
    "files.info": {"file": {"id": "F0BENCH000"}},
    "openid.connect.token": {"id_token": ""},
    "openid.connect.userInfo": {"sub": BOT_USER},
    "team.profile.get": {"profile": {"fields": []}},
    "usergroups.list": {"usergroups": []},
    "usergroups.users.list": {"users": []},
    "users.profile.get": {"profile": {}},
    "views.open": _VIEW,
    "views.publish": _VIEW,
    "views.update": _VIEW,
}
#: By method; with what is granted or refused, all that the product calls.
ANSWERS: dict[str, Callable[[Args], Args]] = {
    **dict.fromkeys(_GRANTED, _granted),
    **{name: lambda _, said=said: {"ok": True, **said} for name, said in _RARE.items()},
    "auth.test": lambda _: {
        "ok": True,
        "url": "https://bench.slack.com/",
        "team": "Bench",
        "user": "agent",
        "is_enterprise_install": False,
        **_ME,
    },
    "bots.info": lambda _: {
        "ok": True,
        "bot": {"id": BOT, "app_id": APP, "user_id": BOT_USER, "name": "agent"},
    },
    # On a busy machine a post is late, and is looked for before it is posted.
    "conversations.history": lambda _: {"ok": True, "messages": []},
    "conversations.replies": lambda _: {"ok": True, "messages": []},
    "chat.delete": _granted,
    "chat.postEphemeral": lambda _: {"ok": True, "message_ts": "1.000001"},
    "chat.postMessage": _posted,
    "chat.update": _posted,
    "users.info": _user,
}


async def main() -> None:
    """Serve until stdin ends."""
    stand_ins = StandIns()
    runner = web.ServerRunner(web.Server(stand_ins.handle, access_log=None))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    lines.tell({"ready": port})
    async for delays in lines.read():
        stand_ins.delays |= delays
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
