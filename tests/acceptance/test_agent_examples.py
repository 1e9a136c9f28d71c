"""`examples/elsewhere`: agents of other frameworks, each with its own library.

They are imported in their tests: collecting tests imports this file in each worker, and
two of the libraries cost it a fifth of its time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, ToolMessage

from bot.client import Approvals
from tests.support.demo import DORA, MAREK, MINA
from tests.support.http_api import Api
from tests.support.outside_agent import RULES, SETTINGS, TOKEN
from tests.support.policies import files_policy
from tests.support.root import ROOT
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
POLICY = files_policy(managers=(MINA, MAREK, DORA)) + RULES
STAGE = {"policy": POLICY, "RATE_LIMIT": "off", "SWEEP_INTERVAL": "0.2s", **SETTINGS}
FOLDER = ROOT / "examples/elsewhere"
EDIT = {"word": "edit", "arguments": {"service": "db"}}


def example(name: str) -> ModuleType:
    spec = spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def while_decided(
    stage: Stage, key: str, running: Coroutine[Any, Any, Any], word: str, **more: Any
) -> tuple[Any, str]:
    """Run an example, let Mina decide its one request, and return the outcome."""

    def request() -> str:
        query = "SELECT id FROM requests WHERE agent_key LIKE %s"
        found = stage.records.rows(query, f"%{key}%")
        return found[0][0] if found else ""

    task = asyncio.create_task(running)
    name = await stage.simulator.wait_for(request)
    said = await Api(stage.bot.url).decide(MINA, name, word, **more)
    assert said.status == 200, said.body
    result = await task
    query = "SELECT state FROM grants WHERE request_id = %s"
    found = stage.records.rows(query, name)
    return result, found[0][0] if found else ""


async def test_a_plain_script(shared: Stage):
    settings = {"APPROVALS_URL": shared.bot.url, "APPROVALS_TOKEN": TOKEN}
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, str(FOLDER / "plain_script.py"), "web"),
        env={**settings, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    said = await while_decided(shared, "py-", program.communicate(), **EDIT)
    assert said == ((b"db is up\n", None), "done")


async def test_openai_agents(shared: Stage):
    from agents import Agent, set_tracing_disabled
    from agents.testing import ScriptedModel, assistant_message, function_call

    set_tracing_disabled(True)
    module, approvals = example("openai_agents"), Approvals(shared.bot.url, TOKEN)

    async def run(key: str) -> Any:
        call = function_call("restart", {"service": "web"}, call_id=key)
        model = ScriptedModel([[call], [assistant_message("It ended.")]])
        agent = Agent[Approvals]("ops", model=model, tools=[module.restart])
        assert await module.run(agent, "restart web", approvals) == "It ended."
        return str(model.calls[-1].input)

    heard, end = await while_decided(shared, "oa-1", run("oa-1"), **EDIT)
    assert "db is up" in heard
    assert end == "done"
    no = {"word": "reject", "reason": "Not now."}
    heard, end = await while_decided(shared, "oa-2", run("oa-2"), **no)
    assert "rejected. Not now." in heard
    assert not end


async def test_pydantic_ai(shared: Stage):
    from pydantic_ai import Agent, DeferredToolRequests
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    module, approvals = example("pydantic_ai_agent"), Approvals(shared.bot.url, TOKEN)

    async def run(key: str) -> Any:
        call = ToolCallPart("restart", {"service": "web"}, tool_call_id=key)
        steps = iter([ModelResponse([call]), ModelResponse([TextPart("It ended.")])])
        heard: list[Any] = []

        def model(messages: Any, _info: Any) -> ModelResponse:
            heard.append(messages)
            return next(steps)

        agent = Agent(FunctionModel(model), output_type=[str, DeferredToolRequests])

        @agent.tool_plain(requires_approval=True)
        def restart(service: str) -> str:
            return f"{service} is up"

        assert restart
        assert await module.run(agent, "restart web", approvals) == "It ended."
        return str(heard[-1])

    heard, end = await while_decided(shared, "pa-1", run("pa-1"), **EDIT)
    assert "db is up" in heard
    assert end == "done"
    no = {"word": "reject", "reason": "Not now."}
    heard, end = await while_decided(shared, "pa-2", run("pa-2"), **no)
    assert "Rejected: Not now." in heard
    assert not end


class Scripted(GenericFakeChatModel):
    """Says what it is given, whatever the tools."""

    def bind_tools(self, *_: Any, **__: Any) -> Any:
        return self


async def test_a_langgraph_agent_elsewhere(shared: Stage):
    module, approvals = example("langgraph_agent"), Approvals(shared.bot.url, TOKEN)

    def restart(service: str) -> str:
        """Restart a service."""
        return f"{service} is up"

    async def run(key: str) -> Any:
        call = {"name": "restart", "args": {"service": "web"}, "id": key}
        said = [AIMessage("", tool_calls=[call]), AIMessage("It ended.")]
        graph: Any = create_agent(
            Scripted(messages=iter(said)),
            [restart],
            middleware=[module.approved(approvals, "restart")],
        )
        state = await asyncio.to_thread(graph.invoke, {"messages": ["restart web"]})
        assert state["messages"][-1].content == "It ended."
        return [m.content for m in state["messages"] if isinstance(m, ToolMessage)]

    heard, end = await while_decided(shared, "lg-1", run("lg-1"), **EDIT)
    assert (heard, end) == (["db is up"], "done")
    no = {"word": "reject", "reason": "Not now."}
    heard, end = await while_decided(shared, "lg-2", run("lg-2"), **no)
    assert heard == ["Not run. Rejected: Not now."]
    assert not end
