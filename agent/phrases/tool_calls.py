"""The end of a call, or why it cannot be made: for the model and its readers.

Plain text. What a tool itself says stands in `agent.phrases.results`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

# The orders that end sentences about a call, for the model alone.
STOP = "Tell the user. Do not try this again or in another way unless they ask for it."
CHECK = "Tell the user that a person has to check. Do not try this again."
ORDERS = (STOP, CHECK)


def firmly(sentence: str) -> str:
    """The sentence about a refused call, with an order at its end."""
    return sentence if sentence.endswith(ORDERS) else f"{sentence} {STOP}"


def without_orders(text: str) -> str:
    """The part that people are told of a sentence for the model."""
    for order in ORDERS:
        text = text.strip().removesuffix(order)
    return text.strip()


#: The headline of a request to run a tool of ours: words, and arguments in braces.
TITLES = {
    "read_file": "Read {path}",
    "list_files": "List the files in {path}",
    "write_file": "Write {path}",
    "delete_file": "Delete {path}",
    "send_email": "E-mail {subject} to {to}",
    "transfer_money": "Transfer {amount:money} {currency} to {to}",
    "drop_database": "Drop the database {name}",
    "execute": "Change the database: {statement}, rows: {rows}",
    "change_schema": "Change the database's tables: {statement}",
}


# --- Asked, and decided ------------------------------------------------------------
NO_REASON = "A person rejected this call, so it did not run."
MALFORMED = f"This call did not run: the answer to its approval can't be read. {STOP}"
OTHER_TOOL = (
    "This call did not run: the answer to its approval named another tool, and an edit "
    f"may change only the arguments. {STOP}"
)
#: Stands before a person's own words, so that no one takes them for the tool's result.
IN_ITS_PLACE = (
    "The tool did not run; a person answered in its place. Use the answer, do not call "
    "the tool again for this, and do not say that it ran. The answer:\n\n"
)
NOT_APPROVED = f"This call did not run: no one approved it with these arguments. {STOP}"


def needs_approval(tool: str) -> str:
    return f"{tool} needs a person's approval."


def denied(why: str) -> str:
    """`why` comes from the policy, and may be empty."""
    return firmly(f"The policy forbids this call, so it did not run. {why}".strip())


def edit_not_approved(problem: str) -> str:
    """`problem` is a sentence about the edited arguments."""
    return f"This call did not run: its edit can't be used. {problem} {STOP}"


def rejected(reason: str) -> str:
    """`reason` is a person's own text."""
    why = f" Reason: {reason}" if reason else ""
    return f"{NO_REASON}{why} {STOP}"


# --- Run ---------------------------------------------------------------------------
RUNNING = (
    "It is unknown whether this call ran: it was started, and no end of it is "
    f"recorded. {CHECK}"
)
UNRECORDED = (
    "It is unknown whether this call ran: its turn ended, and no result is recorded. "
    f"{CHECK}"
)
_EDITED = "A person changed the arguments of this call, and it ran with "
_EDITED_AND: Mapping[str, str] = {
    "done": "{args}. Do not repeat your own call. The result:\n\n",
    "failed": "{args} and failed. Do not repeat your own call, and do not try theirs "
    "again or in another way. The error:\n\n",
    "unknown": "{args}; it is unknown whether that worked. Do not repeat your own "
    "call, and do not try theirs again. What is known:\n\n",
}


def edited(status: str, args: str) -> str:
    """Stands before the result of a call that a person has changed.

    Args:
        status: how the changed call ended: "done", "failed" or "unknown".
        args: its arguments, as JSON.
    """
    return _EDITED + _EDITED_AND[status].format(args=args)


def changed(args: str) -> str:
    """Stands before why a call that a person has changed did not run."""
    return f"A person changed the arguments of this call to {args}.\n\n"


def outcome_unknown(said: str) -> str:
    """`said` is the tool's own sentence."""
    return f"{said} {CHECK}"


def failed(tool: str, error: str = "") -> str:
    """`error` is the name of its class, where the tool says nothing itself."""
    return f"{tool} failed: {error}." if error else f"{tool} failed."


def not_text(tool: str) -> str:
    return f"{tool} ran, but its result isn't text."


def no_tool(name: str, tools: Sequence[str]) -> str:
    return f"There is no tool {name}. Your tools: {', '.join(tools) or 'none'}."


# --- Its arguments -----------------------------------------------------------------
NO_JSON = "The arguments are not valid JSON."
NO_OBJECT = "The arguments are not a JSON object."
NO_JSON_TEXT = "The arguments are not JSON text."
SAME_KEY_TWICE = "The arguments have the same key twice."
KEY_NO_TEXT = "The arguments have a key that isn't text."
NOT_KNOWN_TO_JSON = "The arguments have a value that JSON can't hold."
NOT_FINITE = "The arguments have a number that isn't finite."
BEYOND_INTEGERS = "The arguments have a number beyond 2^53."
NUL = "The arguments have a NUL character."
HALF_CHARACTER = "The arguments have half a character (a lone surrogate)."
TOO_DEEP_TO_SHOW = "(nested too deeply to show)"


def nothing_done(problem: str) -> str:
    """`problem` is a sentence about the arguments."""
    return f"{problem} The call did not run."


def unusable(problem: str) -> str:
    """`problem` is a sentence about arguments that cannot even be read."""
    return f"{nothing_done(problem)} Call the tool with arguments that fit its schema."


def no_number(name: str) -> str:
    """`name` is what stands in place of a number, such as NaN."""
    return f"The arguments have {name}, which isn't a JSON number."


def too_deep(levels: int) -> str:
    return f"The arguments are nested deeper than {levels} levels."


def unfit(tool: str, complaints: Iterable[str]) -> str:
    return f"The arguments don't fit {tool}: {'; '.join(complaints)}."


def no_argument(name: str) -> str:
    return f"there is no argument {name!r}"


def missing(name: str) -> str:
    return f"{name!r} is missing"
