"""Models that are heard as they speak: offline, and over a stream."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from aiohttp import web
from langchain_core.messages import HumanMessage

from agent.graph import build_graph
from agent.live_words import ANSWER, Listener
from agent.models import close_model, make_model
from agent.offline import OfflineModel
from agent.tools import make_tools


class Ear(Listener):
    def __init__(self) -> None:
        self.words: list[str] = []
        self.tags: list[str] = []
        self.pauses: list[tuple[float, bool]] = []

    def on_pause(self, seconds: float, *, is_reached: bool) -> None:
        self.pauses.append((seconds, is_reached))

    def on_llm_new_token(self, token: Any, *, tags: Any = None, **about: Any) -> None:
        self.words.append(token)
        self.tags = list(tags or ())


def delta(reason: str | None = None, **given: Any) -> dict[str, Any]:
    return {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "tiny",
        "choices": [{"index": 0, "delta": given, "finish_reason": reason}],
    }


def piece(index: int | None, arguments: Any, name: str = "") -> dict[str, Any]:
    call: dict[str, Any] = {"function": {"arguments": arguments}}
    if index is not None:
        call["index"] = index
    if name:
        call |= {"id": f"call_{name}_{index}", "type": "function"}
        call["function"]["name"] = name
    return {"tool_calls": [call]}


class Server:
    """Streams `chunks`, or answers `whole` where there are none."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.chunks: list[dict[str, Any]] = []
        self.whole: dict[str, Any] = {}
        self.breaks = False
        self.refusals: list[web.Response] = []

    def refuses(self, status: int, code: str = "", **headers: str) -> None:
        error = {"error": {"message": "no", "code": code}}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.refusals.append(web.json_response(error, status=status, headers=named))

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        if self.refusals:
            return self.refusals.pop(0)
        if not self.chunks or not self.asked[-1].get("stream"):
            return web.json_response(self.whole)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for chunk in self.chunks:
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        if self.breaks:
            assert request.transport is not None
            request.transport.abort()
            return response
        await response.write(b"data: [DONE]\n\n")
        return response

    def says(self, words: str) -> None:
        message = {"role": "assistant", "content": words}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self.whole = {"id": "x", "object": "chat.completion", "choices": [choice]}


@pytest.fixture(params=[False, True], ids=["httpx", "aiohttp"])
async def server(unused_tcp_port_factory: Any, request: pytest.FixtureRequest):
    made, app = Server(), web.Application()
    app.router.add_post("/v1/chat/completions", made.chat)
    runner = web.AppRunner(app)
    await runner.setup()
    port = unused_tcp_port_factory()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    url = f"http://127.0.0.1:{port}/v1"
    made.model = make_model(  # type: ignore[attr-defined]
        api_key="sk-1",
        base_url=url,
        model="tiny",
        timeout=5,
        max_retries=0,
        use_aiohttp=request.param,
    )
    yield made
    await close_model(made.model)
    await runner.cleanup()


async def test_words_are_heard_and_thoughts_are_not(server):
    server.chunks = [
        delta(role="assistant", content="", reasoning_content="Hm."),
        delta(content="Hello "),
        delta(content="Ravi."),
        delta("stop"),
    ]
    ear = Ear()
    answer = await server.model.ainvoke("hi", {"callbacks": [ear], "tags": [ANSWER]})
    assert (ear.words, answer.text) == (["Hello ", "Ravi."], "Hello Ravi.")
    assert (ANSWER in ear.tags, server.asked[0]["stream"]) == (True, True)
    assert answer.response_metadata["finish_reason"] == "stop"


async def test_streamed_calls_are_read_strictly(server, tmp_path):
    server.chunks = [
        delta(**piece(0, "", "read_file")),
        delta(**piece(0, '{"path": ')),
        delta(**piece(0, '"a"}')),
        delta(**piece(1, '{"path": "import', "delete_file")),
        delta(**piece(None, {"path": "b"}, "read_file")),
        delta(**piece(None, ["c"], "list_files")),
        delta("tool_calls"),
    ]
    tools = make_tools(["files"], files_dir=tmp_path)
    bound = server.model.bind_tools(tools)
    answer = await bound.ainvoke("hi", {"callbacks": [Ear()]})
    assert [call["args"] for call in answer.tool_calls] == [
        {"path": "a"},
        {"path": "b"},
    ]
    cut, odd = answer.invalid_tool_calls
    assert cut["error"] == "The arguments are not valid JSON."
    assert odd["name"] == "list_files"  # which would run without any arguments


async def test_a_server_that_cannot_stream_is_asked_once(server):
    server.says("Hello.")
    answer = await server.model.ainvoke("hi", {"callbacks": [Ear()]})
    assert (answer.text, len(server.asked)) == ("Hello.", 1)


async def test_an_answer_that_breaks_off_is_asked_for_anew(server):
    server.chunks, server.breaks = [delta(content="Hel")], True
    server.says("Hello.")
    answer = await server.model.ainvoke("hi", {"callbacks": [Ear()]})
    assert answer.text == "Hello."
    assert [request.get("stream", False) for request in server.asked] == [True, False]


async def test_what_passes_is_tried_again_and_the_wait_told(server):
    server.model.tries = 2
    server.says("Hello.")
    server.refuses(429, retry_after_ms="20")
    server.refuses(503, retry_after_ms="10")
    ear = Ear()
    answer = await server.model.ainvoke("hi", {"callbacks": [ear]})
    assert (answer.text, len(server.asked)) == ("Hello.", 3)
    assert ear.pauses == [(0.02, True), (0.01, True)]


@pytest.mark.parametrize(
    ("status", "code", "headers", "asked"),
    [
        (401, "", {}, 1),
        (429, "insufficient_quota", {}, 1),
        (503, "", {"x_should_retry": "false"}, 1),
        (400, "", {"x_should_retry": "true", "retry_after_ms": "1"}, 2),
        (500, "", {"retry_after": "0.001"}, 2),
    ],
)
async def test_only_what_may_pass_is_tried_again(server, status, code, headers, asked):
    import openai  # two seconds of CPU, in each worker that collects this

    server.model.tries = 1
    for _ in range(2):
        server.refuses(status, code, **headers)
    with pytest.raises(openai.APIStatusError):
        await server.model.ainvoke("hi")
    assert len(server.asked) == asked


def test_a_server_that_names_no_wait_is_given_time():
    import openai

    from agent.openai_model import is_passing, pause_after

    gone = openai.APIConnectionError(request=httpx.Request("POST", "http://a"))
    assert is_passing(gone)
    assert [0.3 < pause_after(gone, number) <= 8 for number in (0, 9)] == [True, True]
    dates = ("Wed, 21 Oct 2015 07:28:00 GMT", "Fri, 31 Dec 99999 23:59:59 GMT")
    for wish in ("3600", "soon", "-1", "nan", "inf", *dates):
        refused = httpx.Response(
            429, headers={"retry-after": wish}, request=gone.request
        )
        limited = openai.RateLimitError("no", response=refused, body=None)
        assert pause_after(limited, 0) <= 0.5


async def test_who_does_not_listen_gets_no_stream(server):
    server.says("Hello.")
    await server.model.ainvoke("hi")
    assert not server.asked[0].get("stream")


async def test_the_agent_is_heard_word_by_word():
    graph, ear = build_graph(OfflineModel(), [], gate=None), Ear()  # type: ignore[arg-type]
    given = {"messages": [HumanMessage("hello")]}
    state = await graph.ainvoke(given, {"callbacks": [ear]})
    assert "".join(ear.words) == state["messages"][-1].text
    assert (len(ear.words) > 3, ANSWER in ear.tags) == (True, True)
