"""How the offline model tells a person what became of a call."""

from __future__ import annotations

import re
from typing import Any

from langchain_core.messages import ToolCall, ToolMessage

from agent.decisions import IN_ITS_PLACE
from agent.marks import ANSWERED, edited_args, word_of
from agent.prompts import STOP

# What a sentence about a refused call tells the model, and nobody else.
_FOR_THE_MODEL = re.compile(r"\s*(?:Do not (?:try|repeat)\b[^.\n]*|Tell the user)\.$")


def tell(call: ToolCall, result: ToolMessage) -> str:
    """What became of a call, in plain words.

    Args:
        call: what the model wanted.
        result: what the gate answered; its mark says what a person did to the call.
    """
    args = edited_args(result)
    if args is not None:
        return _edited(call, args, result)
    if word_of(result) == ANSWERED:
        answer = result.text.removeprefix(IN_ITS_PLACE)
        return f"{_shown(call)} did not run; a person answered instead: {answer}"
    if result.status == "error":
        return f"{_shown(call)}: {_without_orders(result.text)}"
    return _done(call, result.text.strip())


def _edited(call: ToolCall, args: dict[str, Any], result: ToolMessage) -> str:
    ran = ToolCall(name=call["name"], args=args, id=call["id"], type="tool_call")
    # The notice for the model is one paragraph; what the tool said comes after it.
    said = result.text.partition("\n\n")[2].strip()
    told = _without_orders(said) if result.status == "error" else _done(ran, said)
    before, after = _shown(call), _shown(ran)
    change = f"{before} to {after}" if before != after else f"the arguments of {before}"
    return f"A person changed {change}. {told}"


def _without_orders(text: str) -> str:
    return _FOR_THE_MODEL.sub("", text.strip().removesuffix(STOP).strip())


def _shown(call: ToolCall) -> str:
    return f"`{_named(call['name'], call['args']).replace('`', chr(39))}`"


def _named(name: str, args: dict[str, Any]) -> str:
    """The call as somebody would have asked for it."""
    match name, args:
        case "transfer_money", {"to": to, "amount": amount, "currency": currency}:
            return f"transfer {amount} {currency} to {to}"
        case "drop_database", {"name": database}:
            return f"drop database {database}"
        case _:
            verb = name.removesuffix("_file").replace("_", " ")
            return f"{verb} {args.get('path') or ''}".strip()


def _done(call: ToolCall, text: str) -> str:
    path = str(call["args"].get("path") or "")
    match call["name"]:
        case "read_file":
            return f"`{path}` reads:\n{_block(text)}"
        case "list_files":
            title = f"The files in `{path}`:" if path else "The files:"
            return f"{title}\n{_block(text)}"
        case "list_accounts" | "list_databases" if "\n" in text:
            title, _, lines = text.partition("\n")
            return f"{title}\n{_block(lines)}"
        case _:
            return text


def _block(text: str) -> str:
    # Three backticks inside would end the block.
    return "```\n" + text.replace("```", "'''") + "\n```"
