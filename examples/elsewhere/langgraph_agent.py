"""A LangGraph agent in a process of its own, whose tools people approve in Slack.

    agent = create_agent(model, tools, middleware=[approved(approvals, "restart")])

`ToolNode(tools, wrap_tool_call=…)` takes the inner function as well. With a
checkpointer a run that was cut off goes on: the call's id finds the same request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain.agents.middleware import AgentMiddleware, wrap_tool_call
from langchain.tools.tool_node import ToolCallRequest
from langchain_core.messages import ToolMessage

from bot.client import Approvals, NotApproved

Handler = Callable[[ToolCallRequest], Any]


def approved(approvals: Approvals, *names: str) -> AgentMiddleware[Any, Any]:
    """Have people approve each call of the tools of these names."""

    @wrap_tool_call
    def ask(request: ToolCallRequest, handler: Handler) -> ToolMessage:
        call = request.tool_call
        if call["name"] not in names:
            return handler(request)
        key = call["id"] or ""

        def run(**arguments: Any) -> str:
            changed = {**call, "args": arguments}
            return str(handler(request.override(tool_call=changed)).content)

        try:
            asked = approvals.request(key, call["name"], call["args"])
            told = approvals.wait(asked.id)
            text = told.answer if told.is_answered else approvals.run(told, run)
        except NotApproved as no:
            text = f"Not run. {type(no).__name__}: {no}"
        return ToolMessage(text, tool_call_id=key, name=call["name"])

    return ask
