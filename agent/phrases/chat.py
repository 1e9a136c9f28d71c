"""The agent's words for people: the end of a turn, the offline model, a terminal.

Plain text, but for the marks of Markdown in what a model would write.
"""

from __future__ import annotations

from collections.abc import Iterable

# --- The end of a turn that must not go on -----------------------------------------
ASK_AGAIN = "Tell me how to go on."


def too_many_steps(number: int) -> str:
    return (
        f"I stopped here: after {number} steps I still wasn't done. Tell me "
        "how to go on, or ask for less at once."
    )


def too_many_rejects(number: int, rejected: str, others: str) -> str:
    """`rejected` and `others` are calls, a line each."""
    said = (
        f"I stopped here, because {number} of my calls were rejected, or not decided "
        f"in time. They did nothing:\n{rejected}\n"
    )
    told = f"What became of my other calls:\n{others}\n" if others else ""
    return f"{said}{told}{ASK_AGAIN}"


# --- Trouble with the model --------------------------------------------------------
TOO_LONG = "This conversation is too long for the model. Start a new thread."
BUSY = "The model server is busy. Try again in a minute."
NO_QUOTA = (
    "The model server refused the request, because the account's quota is "
    "used up. The bot's admin has to check its billing."
)
NO_ANSWER = "The model did not answer in time. Try again."
UNREACHABLE = (
    "The model server cannot be reached. Try again in a minute. If this "
    "lasts, the bot's admin has to check OPENAI_BASE_URL and the network."
)
BAD_KEY = (
    "The model server refused my key. The bot's admin has to check OPENAI_API_KEY."
)
NO_MODEL = (
    "The model server doesn't know this model or address. The bot's admin "
    "has to check OPENAI_MODEL and OPENAI_BASE_URL."
)


SAID_NOTHING = "The model gave no answer. Try again."
EMPTY = {  # by the server's reason
    "length": (
        "The model reached its length limit before its first word. Try again, "
        "or ask for less at once."
    ),
    "content_filter": (
        "The model server's content filter held back the whole answer. Ask in "
        "other words."
    ),
}


def failed_unexpectedly(error: object) -> str:
    return f"The model failed unexpectedly ({error}). Try again."


def server_fault(status: int) -> str:
    return f"The model server has a fault ({status}). Try again later."


def request_refused(status: int) -> str:
    return (
        f"The model server refused the request ({status}). The bot's admin "
        "finds the reason in the log."
    )


# --- What the bot puts below a person's words, for the model: the labels' beginnings --
NOT_READ = "[Not read: "
STOPPED = "[Stopped: "

# --- The offline model -------------------------------------------------------------
SIGN = "(offline model)"
REAL_MODEL = "Set OPENAI_API_KEY to use a real model."
#: By tool, requests that it understands (`agent.plain_requests`).
EXAMPLES = {
    "read_file": "`read notes.txt`",
    "list_files": "`list` or `list reports`",
    "write_file": "`write notes.txt: some text`",
    "delete_file": "`delete notes.txt`",
    "list_accounts": "`accounts`",
    "transfer_money": "`transfer 500 GBP to alice` or `pay alice £500`",
    "list_databases": "`databases`",
    "drop_database": "`drop database staging`",
    "send_email": "`email ann@example.com about Lunch: See you at noon.`",
}
NO_TOOLS = f"I have no tools here, so there is nothing I can do. {SIGN} {REAL_MODEL}"
THE_FILES = "The files:"


def not_understood(examples: Iterable[str]) -> str:
    return (
        "I didn't understand that. I'm offline and understand: "
        f"{', '.join(examples)}. You can join several with `and`. {SIGN} "
        f"{REAL_MODEL}"
    )


def answered_instead(call: str, answer: str) -> str:
    return f"{call} didn't run. A person answered instead: {answer}"


def came_to(call: str, said: str) -> str:
    return f"{call}: {said}"


def person_changed(before: str, after: str, told: str) -> str:
    """Both are calls; `told` says what became of the second one."""
    change = f"{before} to {after}" if before != after else f"the arguments of {before}"
    return f"A person changed {change}. {told}"


def transfer(amount: object, currency: object, to: object) -> str:
    return f"transfer {amount} {currency} to {to}"


def drop_database(name: object) -> str:
    return f"drop database {name}"


def reads(path: str, block: str) -> str:
    return f"`{path}` reads:\n{block}"


def files_in(path: str) -> str:
    return f"The files in `{path}`:" if path else THE_FILES


# --- The terminal ------------------------------------------------------------------
GOING_ON = "Going on where this conversation was cut off."
NOTHING_TO_SAY = "(The agent has nothing to say.)"
ENDLESS = "The agent did not finish. Ask for less at once."
CHOICES = "approve, reject [reason], edit [arguments as JSON] or answer [text]? "
NEW_ARGUMENTS = "New arguments as JSON on one line (nothing: leave them): "
IN_ITS_PLACE = "What the agent gets in the tool's place (nothing: go back): "
NOT_DECIDED = "Nothing is decided yet. Begin with one of the four words."
NOTHING_CHANGED = "These are the same arguments. To run it with them, approve."


def unknown(call: str) -> str:
    return (
        f"It is unknown whether {call} was done: the process ended in the middle of "
        "it. It won't run again; please check."
    )


def failed(error: str) -> str:
    return f"The agent failed ({error}); with LOG_LEVEL=debug the log says where."


def not_stored(error: str) -> str:
    return (
        f"The conversation cannot be stored any more ({error}): start again to go on "
        "where it was."
    )


def needs_yours(tool: str) -> str:
    return f"{tool} needs your approval:"


# --- `python -m agent`: its start and its end --------------------------------------
FORGETS = "This conversation is kept in memory only and is gone when the program ends."
NO_KEY = "OPENAI_BASE_URL needs OPENAI_API_KEY: the offline model is used."
STAYS = (
    "The question stays open: start again with the same --checkpointer and --thread to "
    "answer it."
)
FORGOTTEN = "The question that was open is forgotten with the rest; nothing was done."
DEFAULT_MODEL, OFFLINE_MODEL = "the default model", "the offline model"
NO_THREAD = "--thread takes a name that is not empty."
NO_ADDRESS = (
    "--checkpointer: libpq cannot read this postgresql:// address; %-escape what is "
    "special in it."
)
LAX = (
    "Checkpoints would be read without LANGGRAPH_STRICT_MSGPACK, so anyone who can "
    "write to their database could run code here: import this package before LangGraph."
)


def greeting(model: str) -> str:
    return f"The agent in a terminal, with {model}. Ctrl-D ends."


def file_unreadable(file: object) -> str:
    return f"{file} cannot be read as UTF-8 text."


def bad_tools(why: object) -> str:
    return f"TOOLS: {why}"


def no_folder(folder: object) -> str:
    return f"FILES_DIR={folder} can't be created: no such directory."


def folder_unusable(folder: object, reason: str | None) -> str:
    return f"FILES_DIR={folder} can't be used: {(reason or '').lower()}."


#: What --checkpointer takes.
CHECKPOINTERS = "memory, sqlite:PATH or postgresql://…"


def no_checkpointer() -> str:
    return f"--checkpointer takes {CHECKPOINTERS} and nothing else."


def sqlite_unusable(place: str, error: object) -> str:
    return (
        f"{place} cannot be used ({error}): give a file that is SQLite's and can be "
        "written, in a folder that exists."
    )


def postgres_unusable(reason: str) -> str:
    return f"The PostgreSQL of --checkpointer cannot be used: {reason}"
