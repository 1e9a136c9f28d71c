"""Pydantic AI: tools with `requires_approval`, which people approve in Slack.

    agent = Agent(model, output_type=[str, DeferredToolRequests])
    await run(agent, "restart web", approvals)

The messages can be stored while people decide: the call's id finds the same request.
"""

from __future__ import annotations

from typing import Any

from pydantic_ai import (
    Agent,
    DeferredToolRequests,
    DeferredToolResults,
    ToolApproved,
    ToolDenied,
)
from pydantic_ai.messages import ToolCallPart, ToolReturnPart

from bot.client import Approvals, NotApproved


async def run(agent: Agent[Any, Any], text: str, approvals: Approvals) -> Any:
    """Run an agent to its end, asking people on the way."""
    result = await agent.run(text)
    while isinstance(result.output, DeferredToolRequests):
        answers, claimed = DeferredToolResults(), dict[str, str]()
        for call in result.output.approvals:
            name = call.tool_call_id
            answers.approvals[name] = await decided(call, approvals, claimed)
        result = await agent.run(
            message_history=result.all_messages(), deferred_tool_results=answers
        )
        for part in (part for each in result.new_messages() for part in each.parts):
            if isinstance(part, ToolReturnPart) and part.tool_call_id in claimed:
                said = part.model_response_str()
                await approvals.report_async(claimed[part.tool_call_id], said)
    return result.output


async def decided(
    call: ToolCallPart, approvals: Approvals, claimed: dict[str, str]
) -> ToolApproved | ToolDenied:
    """Wait for people, and claim the call right before it runs."""
    key, tool, arguments = call.tool_call_id, call.tool_name, call.args_as_dict()
    try:
        asked = await approvals.request_async(key, tool, arguments)
        told = await approvals.wait_async(asked.id)
        if told.is_answered:
            return ToolDenied(told.answer)
        arguments = await approvals.claim_async(told)
    except NotApproved as no:
        return ToolDenied(f"Not run. {type(no).__name__}: {no}")
    claimed[key] = told.id
    return ToolApproved(override_args=arguments)
