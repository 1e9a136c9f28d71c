"""Payloads that graphs raise, one sample of each kind, and people's decisions."""

from __future__ import annotations

import copy
from typing import Any

from langgraph.types import Interrupt
from pydantic import BaseModel

from bot.conversations.dialects.interface import Decided, End

KEY = "0123456789abcdef0123456789abcdef"
APPROVED = Decided(End.APPROVE)
REJECTED = Decided(End.REJECT, message="No. Reason: too dear.")
TIMED_OUT = Decided(End.TIMED_OUT, message="It timed out.")
#: The decisions that LangChain's middleware knows.
ALL = ["approve", "edit", "reject", "respond"]
ARGS = {"to": "Ada", "amount": 1500, "rate": 0.5, "now": True, "memo": None}


def edited(**arguments: Any) -> Decided:
    return Decided(End.EDIT, arguments=arguments)


def answered(value: Any) -> Decided:
    return Decided(End.ANSWER, value=value)


def asks(value: Any, schema: Any = None) -> Interrupt[Any]:
    """The interrupt as LangGraph gives it."""
    return Interrupt(value, id=KEY, response_schema=schema)


def tool_approval(name: str = "pay", **args: Any) -> dict[str, Any]:
    return {
        "type": "tool_approval",
        "tool_call_id": "call_1",
        "name": name,
        "args": args or copy.deepcopy(ARGS),
        "description": "Pays somebody.",
    }


def batch(*calls: tuple[str, dict[str, Any], list[str]]) -> dict[str, Any]:
    """A HITLRequest of (name, arguments, allowed decisions)."""
    return {
        "action_requests": [
            {"name": name, "args": args, "description": f"{name}?"}
            for name, args, _ in calls
        ],
        "review_configs": [
            {"action_name": name, "allowed_decisions": allowed}
            for name, _, allowed in calls
        ],
    }


def inbox(allowed: str = "accept edit respond ignore", **args: Any) -> dict[str, Any]:
    """A HumanInterrupt that allows the named responses."""
    words = ("ignore", "respond", "edit", "accept")
    return {
        "action_request": {"action": "pay", "args": args or copy.deepcopy(ARGS)},
        "config": {f"allow_{word}": word in allowed.split() for word in words},
        "description": "Pays somebody.",
    }


class Account(BaseModel):
    name: str


def decision_schema(*types: str) -> dict[str, Any]:
    """The schema of a per-call interrupt, as LangChain's middleware makes it."""
    from langchain.agents.middleware.human_in_the_loop import _decision_schema
    from langchain_core.tools import tool
    from pydantic import TypeAdapter

    @tool
    def pay(to: str, amount: int, source: Account | None = None) -> str:
        """Pay somebody."""
        return f"{to} {amount} {source}"

    return TypeAdapter(_decision_schema(types, "pay", pay)).json_schema()
