"""Five servers, each with its own manners: one call, the same words, no thoughts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent.live_words import Listener
from agent.models import make_model
from agent.tools import make_tools
from tests.support.model_server import API_KEY, run_model_server
from tests.support.model_shapes import ARGUMENTS, SHAPES, THOUGHT, TOOL, WORDS, Shape


class Ear(Listener):
    def __init__(self) -> None:
        self.words = ""

    def on_llm_new_token(self, token: Any, **about: Any) -> None:
        self.words += token


@pytest.mark.parametrize("streams", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_every_servers_answers_are_read_alike(
    shape: Shape, streams: bool, tmp_path: Path
):
    make = shape.streamed if streams else shape.whole
    ear = Ear()
    config: Any = {"callbacks": [ear]} if streams else {}
    async with run_model_server() as server:
        model = make_model(
            api_key=API_KEY, base_url=server.url, model="m", timeout=5, max_retries=0
        ).bind_tools(make_tools(["files"], files_dir=tmp_path))
        server.script(make(calls=True), make(calls=False))

        called = await model.ainvoke("my notes?", config)
        said = await model.ainvoke("and?", config)

        assert [call["id"] for call in called.tool_calls] == [shape.call_id]
        [call] = called.tool_calls
        assert (call["name"], call["args"]) == (TOOL, {"path": "notes.md"})
        assert ARGUMENTS not in called.text
        assert said.text == WORDS
        assert THOUGHT not in f"{called.text} {said.text} {ear.words}"
        assert ear.words == (WORDS if streams else "")
        assert [bool(each.get("stream")) for each in server.requests] == [streams] * 2
