"""OpenAI Agents SDK: tools with `needs_approval`, which people approve in Slack.

    await run(agent, "restart web", approvals)

The SDK stops at such a tool; people decide; it goes on from its `RunState`. That can be
stored meanwhile (`state.to_string()`): the call's id finds the same request again.
"""

from __future__ import annotations

import json
from typing import Any

from agents import Agent, Runner, RunState, function_tool
from agents.items import ToolApprovalItem
from agents.tool_context import ToolContext

from bot.client import Approval, Approvals


@function_tool(needs_approval=True)
async def restart(context: ToolContext[Approvals], service: str) -> str:
    """Restart a service."""
    call = context.tool_call_id, context.tool_name, context.tool_arguments
    return await context.context.run_async(
        await asked(context.context, *call), _restart
    )


async def _restart(service: str) -> str:
    return f"{service} is up"


async def run(agent: Agent[Approvals], text: str, approvals: Approvals) -> Any:
    """Run an agent to its end, asking people on the way."""
    result = await Runner.run(agent, text, context=approvals)
    while result.interruptions:
        state = result.to_state()
        for item in result.interruptions:
            await decide(state, item, approvals)
        result = await Runner.run(agent, state)
    return result.final_output


async def decide(
    state: RunState[Any, Any], item: ToolApprovalItem, approvals: Approvals
) -> None:
    """Wait for people; the tool claims the call itself, right before it runs."""
    call = item.call_id or "", item.name or "", item.arguments or "{}"
    told = await approvals.wait_async((await asked(approvals, *call)).id)
    if told.status == "approved":
        state.approve(item)
    else:
        said = told.answer or f"{told.status}. {told.why}"
        state.reject(item, rejection_message=said)


async def asked(approvals: Approvals, key: str, tool: str, arguments: str) -> Approval:
    """Ask, or find what was asked for this call before."""
    return await approvals.request_async(key, tool, json.loads(arguments))
