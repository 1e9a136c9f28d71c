"""ChatOpenAI against a server on the loopback, and what its failures are called."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from aiohttp import web
from langchain_core.messages import HumanMessage

from agent.models import close_model, explain_model_error, make_model, normalise
from agent.offline import OfflineModel
from agent.phrases import chat, tool_calls
from agent.tools import make_tools

KEY = "sk-canary-1234567890"


class Server:
    """An OpenAI-compatible server that gives one answer; `asked` holds the requests."""

    def __init__(self):
        self.asked: list[dict] = []
        self.status = 200
        self.answer: dict = {}
        self.hangs_up = False
        self.silence = 0.0  # seconds

    async def chat(self, request):
        self.asked.append(await request.json())
        if self.hangs_up:
            request.transport.abort()
        await asyncio.sleep(self.silence)
        return web.json_response(self.answer, status=self.status)

    def says(self, **message):
        choice = {"index": 0, "finish_reason": "stop"}
        choice["message"] = {"role": "assistant", "content": None, **message}
        self.answer = {"id": "x", "object": "chat.completion", "choices": [choice]}

    def calls(self, *arguments):
        self.says(
            tool_calls=[
                {
                    "id": f"call_{number}",
                    "type": "function",
                    "function": {"name": "delete_file", "arguments": text},
                }
                for number, text in enumerate(arguments)
            ]
        )

    def fails(self, status, code=None):
        self.status = status
        self.answer = {"error": {"message": f"no, {KEY}", "code": code}}


@pytest.fixture(params=[False, True], ids=["httpx", "aiohttp"])
async def server(unused_tcp_port_factory, request):
    server = Server()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", server.chat)
    runner = web.AppRunner(app)
    await runner.setup()
    port = unused_tcp_port_factory()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    server.model = make_model(
        api_key=KEY,
        base_url=f"http://127.0.0.1:{port}/v1",
        model="tiny",
        timeout=5,
        max_retries=0,
        use_aiohttp=request.param,
    )
    yield server
    await close_model(server.model)
    await runner.cleanup()


def test_without_a_key_the_model_is_the_offline_one():
    for key in (None, ""):
        model = make_model(api_key=key, base_url=None, model=None)

        assert isinstance(model, OfflineModel)


def test_time_and_retries_are_bounded_and_the_key_is_hidden():
    from agent.openai_model import DEFAULT_MODEL

    model = make_model(api_key=KEY, base_url=None, model=None)

    assert model.model_name == DEFAULT_MODEL
    assert model.root_async_client.timeout == 60
    assert (model.root_async_client.max_retries, model.tries) == (0, 2)
    for shown in (repr(model), str(model), json.dumps(model.model_dump(mode="json"))):
        assert KEY not in shown


async def test_an_answer_in_words_comes_back(server):
    server.says(content="Hello.")

    answer = await server.model.ainvoke("hi")

    assert answer.text == "Hello."
    assert server.asked[0]["model"] == "tiny"


async def test_a_refusal_of_the_model_is_its_answer(server):
    server.says(refusal="I will not.")

    assert (await server.model.ainvoke("hi")).text == "I will not."


async def test_arguments_are_read_strictly_call_by_call(server, tmp_path):
    tools = make_tools(["files"], files_dir=tmp_path)
    server.calls(
        '{"path": "a"}',
        '{"path": "a", "path": "b"}',
        "[1]",
        '{"path": "a',
        "null",
        '{"path": NaN}',
        "",
        7,
        {"path": "c"},
    )

    answer = await server.model.bind_tools(tools).ainvoke("hi")

    assert [c["args"] for c in answer.tool_calls] == [{"path": "a"}, {}, {"path": "c"}]
    assert [c["error"] for c in answer.invalid_tool_calls] == [
        tool_calls.SAME_KEY_TWICE,
        tool_calls.NO_OBJECT,
        "The arguments are not valid JSON.",
        tool_calls.NO_OBJECT,
        tool_calls.no_number("NaN"),
        tool_calls.NO_JSON_TEXT,
    ]


async def test_a_stream_reads_arguments_as_strictly(server, tmp_path):
    tools = make_tools(["files"], files_dir=tmp_path)
    server.calls('{"path": "important')

    chunks = [c async for c in server.model.bind_tools(tools).astream("hi")]

    assert [call for chunk in chunks for call in chunk.tool_calls] == []
    assert not server.asked[0].get("stream")


async def test_a_history_with_refused_calls_can_be_sent_back(server):
    server.calls('{"path": "\\ud800"}', '{"path": ')
    first = await server.model.ainvoke("hi")
    kept = normalise(first, [], ["delete_file"])
    server.says(content="ok")

    await server.model.ainvoke([HumanMessage("hi"), kept])

    sent = server.asked[1]["messages"][1]["tool_calls"]
    assert len(sent) == 2
    assert all(json.loads(call["function"]["arguments"]) for call in sent)


@pytest.mark.parametrize("junk", [{}, {"choices": None}, {"choices": []}, [], "<html>"])
async def test_junk_from_the_server_is_a_failure_with_a_sentence(server, junk):
    server.answer = junk

    with pytest.raises(Exception) as failure:  # noqa: PT011, each client error has its own type
        await server.model.ainvoke("hi")

    assert explain_model_error(failure.value).startswith(
        "The model failed unexpectedly"
    )


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (401, None, chat.BAD_KEY),
        (403, None, chat.BAD_KEY),
        (404, "model_not_found", chat.NO_MODEL),
        (429, "rate_limit_exceeded", chat.BUSY),
        (429, "insufficient_quota", chat.NO_QUOTA),
        (400, "context_length_exceeded", chat.TOO_LONG),
        (400, "other", "The model server refused the request (400). "),
        (422, None, "The model server refused the request (422). "),
        (500, None, "The model server has a fault (500). "),
        (503, None, "The model server has a fault (503). "),
    ],
)
async def test_each_failure_of_the_server_has_its_sentence(
    server, status, code, sentence
):
    import openai  # two seconds of CPU, in each worker that collects this

    server.fails(status, code)

    with pytest.raises(openai.APIStatusError) as failure:
        await server.model.ainvoke("hi")

    told = explain_model_error(failure.value)
    assert told.startswith(sentence)
    assert KEY not in told


@pytest.mark.parametrize("use_aiohttp", [False, True], ids=["httpx", "aiohttp"])
async def test_a_server_that_is_not_there_is_unreachable(unused_tcp_port, use_aiohttp):
    import openai

    model = make_model(
        api_key=KEY,
        base_url=f"http://127.0.0.1:{unused_tcp_port}/v1",
        model="tiny",
        max_retries=0,
        use_aiohttp=use_aiohttp,
    )

    with pytest.raises(openai.APIConnectionError) as failure:
        await model.ainvoke("hi")

    assert explain_model_error(failure.value) == chat.UNREACHABLE
    await close_model(model)


async def test_a_server_that_hangs_up_is_unreachable(server):
    server.hangs_up = True

    assert await failure_of(server.model) == chat.UNREACHABLE


async def test_a_server_that_says_nothing_has_not_answered_in_time(server):
    server.model.root_async_client.timeout = 0.05
    server.silence = 0.2

    assert await failure_of(server.model) == chat.NO_ANSWER


async def failure_of(model):
    with pytest.raises(Exception) as failure:  # noqa: PT011 - the sentence says which
        await model.ainvoke("hi")
    return explain_model_error(failure.value)


async def test_closing_leaves_no_connection_of_a_model_open(server):
    server.says(content="Hello.")
    await server.model.ainvoke("hi")

    await close_model(server.model)
    await close_model(OfflineModel())

    assert server.model.root_async_client.is_closed()


@pytest.mark.parametrize("variable", ["OPENAI_PROXY", "HTTP_PROXY"])
async def test_a_proxy_that_the_environment_names_is_used(
    server, monkeypatch, caplog, variable
):
    answers = server.model.root_async_client.base_url
    monkeypatch.setenv(variable, f"http://{answers.host}:{answers.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    server.says(content="Hello.")
    model = make_model(
        api_key=KEY, base_url="http://model.test/v1", model="tiny", use_aiohttp=True
    )

    assert (await model.ainvoke("hi")).text == "Hello."
    assert not caplog.records
    await close_model(model)


def test_silence_and_the_unforeseen_have_sentences_too():
    import openai

    from agent.openai_model import UnreadableAnswer

    request = httpx.Request("POST", "http://localhost")

    assert explain_model_error(openai.APITimeoutError(request)) == chat.NO_ANSWER
    unreadable = UnreadableAnswer("KeyError")
    assert "(KeyError)" in explain_model_error(unreadable)


def test_a_graphs_own_error_is_not_a_model_error():
    assert explain_model_error(KeyError("amount")) is None
