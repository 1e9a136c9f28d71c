"""What became of a call, or why it cannot be made: for the model, and whoever it tells.

Plain text. What a tool itself says stands in `agent.phrases.results`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

#: Ends the sentences about a refused call, for the model alone.
STOP = "Do not try this again in another way; tell the user."


def firmly(sentence: str) -> str:
    """The sentence about a refused call, with STOP at its end."""
    return sentence if sentence.endswith(STOP) else f"{sentence} {STOP}"


#: The headline of a request to run a tool of ours: words, and arguments in braces.
TITLES = {
    "read_file": "Read {path}",
    "list_files": "List the files in {path}",
    "write_file": "Write {path}",
    "delete_file": "Delete {path}",
    "send_email": "E-mail {subject} to {to}",
    "transfer_money": "Transfer {amount:money} {currency} to {to}",
    "drop_database": "Drop the database {name}",
    "execute": "Change rows of the database: {rows}",
    "change_schema": "Change the database's tables: {statement}",
}


# --- Asked, and decided ------------------------------------------------------------
NO_REASON = "Rejected by a person. Nothing was done."
MALFORMED = (
    "Not approved: the answer to the question could not be read. Nothing was done. "
    f"{STOP}"
)
OTHER_TOOL = (
    "Not approved: the answer named another tool, and an edit may only change the "
    f"arguments. Nothing was done. {STOP}"
)
#: Stands before a person's own words, so that nobody takes them for the tool's result.
IN_ITS_PLACE = (
    "A person answered in place of the tool, which did not run. Do not call it again "
    "for this, and do not say that it ran. The answer:\n\n"
)
NOT_APPROVED = (
    f"Nothing was done: nobody has approved this call with these arguments. {STOP}"
)


def needs_approval(tool: str) -> str:
    return f"{tool} needs a person's approval."


def denied(why: str) -> str:
    """`why` comes from the policy, and may be empty."""
    return firmly(f"Denied by policy. {why}".strip())


def edit_not_approved(problem: str) -> str:
    """`problem` is a sentence about the edited arguments."""
    return f"Not approved: {problem} {STOP}"


def rejected(reason: str) -> str:
    """`reason` is a person's own text."""
    why = f" The reason: {reason}" if reason else ""
    return f"{NO_REASON}{why} {STOP}"


# --- Run ---------------------------------------------------------------------------
RUNNING = (
    "It is unknown whether this was done: the call was started before and its end was "
    "never recorded. Do not repeat it; tell the user that a person has to look."
)
_EDITED = "A person changed the arguments of this call before it ran; it ran with "
_EDITED_AND: Mapping[str, str] = {
    "done": "{args}. Do not repeat your own call. The result:\n\n",
    "failed": "{args} and failed. Do not repeat your own call, and do not try theirs "
    "again in another way. What it said:\n\n",
    "unknown": "{args}. Do not repeat your own call, and do not try theirs. What it "
    "said:\n\n",
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
    return f"{said} Do not try it again; say that a person has to check by hand."


def failed(tool: str, error: str = "") -> str:
    """`error` is the name of its class, where the tool says nothing itself."""
    return f"{tool} failed: {error}." if error else f"{tool} failed."


def not_text(tool: str) -> str:
    return f"{tool} ran, but what it returned is no text."


def no_tool(name: str, tools: Sequence[str]) -> str:
    return f"There is no tool {name}. The tools are: {', '.join(tools) or 'none'}."


# --- Its arguments -----------------------------------------------------------------
NO_JSON = "The arguments are not valid JSON."
NO_OBJECT = "The arguments are no JSON object."
NO_JSON_TEXT = "The arguments are no JSON text."
SAME_KEY_TWICE = "The arguments hold the same key twice."
KEY_NO_TEXT = "The arguments hold a key that is no text."
NOT_KNOWN_TO_JSON = "The arguments hold a value that JSON does not know."
NOT_FINITE = "The arguments hold a number that is not finite."
BEYOND_INTEGERS = "The arguments hold a number beyond 2^53."
NUL = "The arguments hold a NUL character."
HALF_CHARACTER = "The arguments hold half a character (a lone surrogate)."
TOO_DEEP_TO_SHOW = "(nested too deeply to be shown)"


def nothing_done(problem: str) -> str:
    """`problem` is a sentence about the arguments."""
    return f"{problem} Nothing was done."


def unusable(problem: str) -> str:
    """`problem` is a sentence about arguments that cannot even be read."""
    again = "Call the tool again with arguments that fit its schema."
    return f"{nothing_done(problem)} {again}"


def no_number(name: str) -> str:
    """`name` is what stands in place of a number, such as NaN."""
    return f"The arguments hold {name}, which is no JSON number."


def too_deep(levels: int) -> str:
    return f"The arguments are nested deeper than {levels} levels."


def unfit(tool: str, complaints: Iterable[str]) -> str:
    return f"The arguments do not fit {tool}: {'; '.join(complaints)}."


def no_argument(name: str) -> str:
    return f"there is no argument {name!r}"


def missing(name: str) -> str:
    return f"{name!r} is missing"
