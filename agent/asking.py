"""Show a call that waits and read what a person at the terminal decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from langchain_core.tools import BaseTool

from agent.arguments import ArgumentsError, clean_text, parse_arguments
from agent.prompts import STOP
from agent.validation import problem_with
from agent.visible import harmless, visible_json

CHOICES = "approve, reject [reason], edit [arguments as JSON] or answer [text]? "
NEW_ARGUMENTS = "New arguments as JSON on one line (nothing: leave them): "
IN_ITS_PLACE = "What the agent gets in the tool's place (nothing: go back): "
NOT_UNDERSTOOD = "Nothing is decided yet: begin with one of the four words."
NOTHING_CHANGED = "These are the same arguments; to run it with them, approve."
REJECTED = "Rejected by a person. Nothing was done.{why} " + STOP


class Person(Protocol):
    """Whoever sits at the terminal."""

    def ask(self, prompt: str) -> str:
        """Return one line. Raises EOFError when there are no more."""
        ...

    def tell(self, text: str) -> None:
        """Show a text that is harmless already."""
        ...


@dataclass(frozen=True)
class Decision:
    """What a person decided about one call.

    Attributes:
        answer: what the interrupt is resumed with, a LangChain decision.
        approved: the arguments that may run; None where the tool must not run.
    """

    answer: dict[str, Any]
    approved: dict[str, Any] | None = None


def show_call(question: Mapping[str, Any], person: Person) -> None:
    """Show the tool and all its arguments."""
    person.tell(f"{harmless(question['name'])} needs your approval:")
    person.tell(visible_json(question["args"], indent=2))


def ask_about(question: Mapping[str, Any], tool: BaseTool, person: Person) -> Decision:
    """Ask until there is a decision.

    Args:
        question: the value of an interrupt of the gate.
        tool: the tool that it names.

    Raises:
        EOFError: nobody is there; nothing is decided.
    """
    while True:
        word, _, rest = clean_text(person.ask(CHOICES)).strip().partition(" ")
        decided = _read(word.lower(), rest.strip(), question, tool, person)
        if decided is not None:
            return decided


def _read(
    word: str,
    rest: str,
    question: Mapping[str, Any],
    tool: BaseTool,
    person: Person,
) -> Decision | None:
    match word:
        # With more words, such as a condition, it is no approval of what is shown.
        case "approve" | "yes" | "y" if not rest:
            seen = {"seen": question["seen"]} if "seen" in question else {}
            return Decision({"type": "approve", **seen}, question["args"])
        case "reject" | "no" | "n":
            why = f" The reason: {rest}" if rest else ""
            message = REJECTED.format(why=why)
            return Decision({"type": "reject", "message": message})
        case "answer":
            text = rest or clean_text(person.ask(IN_ITS_PLACE)).strip()
            return Decision({"type": "respond", "message": text}) if text else None
        case "edit":
            return _edit(rest, question, tool, person)
        case _:
            person.tell(NOT_UNDERSTOOD)
            return None


def _edit(
    text: str, question: Mapping[str, Any], tool: BaseTool, person: Person
) -> Decision | None:
    """Ask for arguments until they fit, or are left as they are."""
    if not text:
        person.tell(visible_json(question["args"]))
    while text := text or clean_text(person.ask(NEW_ARGUMENTS)).strip():
        edited, problem = _arguments(text, tool)
        if not problem and edited == question["args"]:
            problem = NOTHING_CHANGED
        if not problem:
            action = {"name": question["name"], "args": edited}
            return Decision({"type": "edit", "edited_action": action}, edited)
        person.tell(harmless(problem))
        text = ""
    return None


def _arguments(text: str, tool: BaseTool) -> tuple[dict[str, Any], str]:
    try:
        edited = parse_arguments(text)
    except ArgumentsError as error:
        return {}, str(error)
    return edited, problem_with(tool, edited)
