"""Sentences around a conversation: how to go on, what the agent does, how it ended.

All of it is mrkdwn but for the prompts and the words while the agent works, which are
plain text.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bot.approvals.model import Request
from bot.approvals.policy.titles import text_of
from bot.base.masks import mask, mask_arguments
from bot.texts.agent import in_a_line
from bot.texts.call import mrkdwn_headline
from bot.texts.formatting import escape, joined, mention, one_line

# --- How to go on -------------------------------------------------------------------
MENTION_ME = (
    "To go on in this thread, mention me in each message: I don't see the others. "
    "The bot's admin can change that in the app's scopes."
)

# --- What it can do -----------------------------------------------------------------
_MOST_TOOLS = 40  # that one message names


def help_text(tools: Collection[str]) -> str:
    """Say what the agent can do, by the names of its tools, and how it asks."""
    named = [_plain(name) for name in sorted(tools)]
    shown, more = named[:_MOST_TOOLS], len(named) - _MOST_TOOLS
    can = joined([*shown, f"{more} more"] if more > 0 else shown)
    lines = [
        f"I can use these tools: {can}." if can else "Ask me anything.",
        "Some actions need a person's approval. I ask for it, and say here how it "
        "ended.",
        "Reply in this thread to go on. Write *stop* to end what I'm doing.",
    ]
    return "\n".join(lines)


GREETING = "\n".join(
    [
        "Hi, I'm an agent: write to me here, or mention me in a channel.",
        "Before I do what your workspace's policy protects, I ask the people who can "
        "approve it.",
        "Write *help* to see what I can do, and *stop* in a thread to end what I'm "
        "doing there.",
    ]
)


def _plain(name: str) -> str:
    return escape(one_line(name, 80)).replace("_", " ")


Prompt = tuple[str, str]  # what it is called, what is said
MOST_PROMPTS = 4  # Slack's limit
_PROMPTS: Sequence[tuple[str, Prompt]] = (
    ("list_files", ("Show the files", "list")),
    ("list_accounts", ("Show the accounts", "accounts")),
    ("transfer_money", ("Pay someone (needs approval)", "transfer 500 GBP to alice")),
    ("list_databases", ("Show the databases", "databases")),
    ("write_file", ("Write a file", "write notes.txt: remember the milk")),
)
_HELP: Prompt = ("What can you do?", "help")


def prompts(tools: Collection[str]) -> list[Prompt]:
    """Suggest what to say, from the tools there are."""
    known = [prompt for tool, prompt in _PROMPTS if tool in tools]
    return [*known[: MOST_PROMPTS - 1], _HELP]


# --- How it ended --------------------------------------------------------------------
STOP, STOP_LABEL = "Stop", "Stop what the agent is doing here"
STOPPED_BEFORE = "It did not run: its turn was stopped before."
STOPPED_LATER = (
    "The approved action has begun and can't be stopped. I'll stop as soon as it has "
    "ended."
)


def stopped(user: str, going_on: Sequence[Request], tools: Sequence[str]) -> str:
    """Say who has stopped a turn, and what can't be.

    Args:
        going_on: requests whose action has begun.
        tools: names of what else has.
    """
    named = [mrkdwn_headline(request) for request in going_on]
    named += [f"`{_plain(tool)}`" for tool in tools]
    said = f"Stopped by {mention(user)}."
    if not named:
        return said
    has, its = ("has", "its") if len(named) == 1 else ("have", "their")
    return f"{said} {joined(named)} {has} begun already and can't be stopped." + (
        f" The result will be on {its} card." if going_on else ""
    )


#: What each button under an answer says, and what is read aloud. Plain text.
RATINGS = {
    "good": ("Good", "Say that this answer was good"),
    "bad": ("Bad", "Say that this answer was bad"),
}
RATED = {
    "good": "Thanks. Noted that this answer was good.",
    "bad": "Thanks. Noted that this answer was bad.",
}

_NOT_STOPPED = {
    "nothing_to_stop": "Nothing is going on here, so there was nothing to stop.",
    "may_not_stop": (
        "Only the person who asked and the policy's operators can stop this."
    ),
    "misplaced": "This button belongs to another message, so nothing was stopped.",
    "could_not_check": (
        "Slack didn't tell me who you are, so nothing was stopped. Try again."
    ),
}


def not_stopped(word: str) -> str:
    """Say why nothing was stopped: a word of the stopper, or what the person is."""
    return _NOT_STOPPED.get(word) or may_not_ask(word)


# --- What was not read ----------------------------------------------------------------
def not_read(unread: Sequence[str]) -> str:
    """mrkdwn. For the author of the message."""
    return f"I haven't read {escape(in_a_line(unread))}."


I_HAVE_NOT_READ_IT = (
    "I couldn't read what was said in this thread before, so I go by your message "
    "alone."
)


# --- While the agent works: a status, steps, and what became of them ------------------

LONGEST = 250  # characters of a step's title or result; Slack's limit is 256
_SUBJECT = 80  # characters of one argument in a title
THINKING = "Thinking…"
CUT_OFF = "_This was cut off. The answer follows below._"
WAITS = "Waiting for an answer"
FAILED = "It broke off with an error."
#: A step of a tool of ours while it works, and when it is done.
_STEPS = {
    "read_file": ("Reading {path}", "Read {path}"),
    "read_shared_file": ("Reading {file}", "Read {file}"),
    "list_files": ("Listing files in {path}", "Listed the files in {path}"),
    "write_file": ("Writing {path}", "Wrote {path}"),
    "delete_file": ("Deleting {path}", "Deleted {path}"),
    "send_email": ("Sending an e-mail to {to}", "Sent an e-mail to {to}"),
    "list_accounts": ("Listing accounts", "Listed the accounts"),
    "list_databases": ("Listing databases", "Listed the databases"),
    "transfer_money": (
        "Transferring {amount} {currency} to {to}",
        "Transferred {amount} {currency} to {to}",
    ),
    "drop_database": ("Dropping the database {name}", "Dropped the database {name}"),
}


def working(tool: str, arguments: Mapping[str, Any]) -> str:
    """Say what a tool does, while it does it."""
    return _title(tool, arguments, 0)


def done(tool: str, arguments: Mapping[str, Any]) -> str:
    """Say what a tool has done."""
    return _title(tool, arguments, 1)


def _title(tool: str, arguments: Mapping[str, Any], tense: int) -> str:
    name = tool.replace("_", " ").strip() or "a tool"
    template = _STEPS.get(tool, (f"Running {name}", f"Ran {name}"))[tense]
    if tool not in _STEPS:
        return one_line(template, LONGEST)
    hidden = mask_arguments(arguments, {})
    # those two name the folder itself, which `_Arguments` calls that
    told = {k: v for k, v in hidden.items() if v not in ("", ".")}
    shown = _Arguments({k: one_line(text_of(v), _SUBJECT) for k, v in told.items()})
    return one_line(template.format_map(shown), LONGEST)


class _Arguments(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "the folder" if name == "path" else "…"


def result(text: str, title: str = "") -> str:
    """Say in a short line what a step has come to; "" where there is no such line.

    Nor is there one where its title says the same.
    """
    lines = _lines(text)
    if not lines or lines[0][:1] in "{[" or lines == [f"{title}."]:
        return ""
    if len(lines) > 1:
        return f"{len(lines)} lines"
    return lines[0] if len(lines[0]) <= _SUBJECT else "1 line"


def failure(text: str) -> str:
    """Say in a line why a step has failed, where it says so."""
    lines = _lines(text)
    return one_line(lines[0], LONGEST) if lines else FAILED


def _lines(text: str) -> list[str]:
    return [line.strip() for line in mask(text).splitlines() if line.strip()]


def pause(seconds: float, *, is_reached: bool) -> str:
    """Say that the model is asked again in a while, and why."""
    why = "is busy" if is_reached else "can't be reached"
    return f"The model {why}, trying again in {math.ceil(seconds)} s…"


def waiting(why: str) -> str:
    """Say what is waited for, behind the bot's name: "is waiting: the model …"."""
    return f"is waiting: {why[:1].lower()}{why[1:]}"


def status(doing: str) -> str:
    """Say what is done, behind the bot's name: "is reading notes/todo.txt…"."""
    return f"is {doing[:1].lower()}{doing[1:]}".removesuffix("…") + "…"


# --- Why nothing runs, and what went wrong in a turn ---------------------------------
_WHAT_YOU_ARE = {
    "deactivated": "your account is deactivated",
    "guest": "your account is a guest account",
    "stranger": "your account belongs to another company",
    "bot": "you are a bot",
    "other team": "your account belongs to another workspace",
    "account not said": "Slack didn't say whether your account is active",
    "bot not said": "Slack didn't say whether you are a bot",
    "guest not said": "Slack didn't say whether you are a guest",
}
EMPTY_MESSAGE = (
    "I found no text in your message. Write what I should do, for "
    "example: delete reports/q3.csv"
)
WAITING_FOR_SLACK = (
    "Slack doesn't tell me who may do this. I'll keep asking, and nothing "
    "is lost. If this lasts, tell the bot's admin."
)


def paused(reason: str) -> str:
    """mrkdwn. `reason` is an operator's."""
    return (
        f"An operator has paused all actions: {escape(one_line(reason, 300))}\n"
        "What was approved here waits, and runs once the pause is lifted."
    )


AGENT_STEP_LIMIT = (
    "I stopped here: this took more steps than one turn may take. What's "
    "done stays done. Ask again in smaller parts."
)
AGENT_SAID_NOTHING = "The agent finished and had nothing to say."


def because(word: str) -> str:
    """Say why a person may not take part, by a refusal of `bot.slack.directory`."""
    return _WHAT_YOU_ARE.get(word, "your account is not a full member")


def may_not_ask(word: str) -> str:
    """mrkdwn. `word` is a refusal of `bot.slack.directory`."""
    return (
        "Only full members of this workspace can ask the agent, and "
        f"{because(word)}. Nothing was run. Ask a full member to do it for "
        "you."
    )


def too_long_message(length: int, limit: int) -> str:
    """mrkdwn. Both in characters."""
    return (
        f"Your message has {length:,} characters, and I can read up to {limit:,}. "
        "Nothing was run. Shorten it, or put the text into a file that I can "
        "read."
    )


AGENT_FAILED = (
    "Something went wrong inside the bot, so this stopped. Try again. If "
    "it happens again, tell the bot's admin."
)


def with_code(sentence: str, code: str) -> str:
    """mrkdwn. `code` finds the trouble in the log."""
    return f"{sentence} (Code: {code})"


ANSWER_CUT_OFF = "The model's answer is cut off here: it reached its length limit."
ANSWER_FILTERED = "The model server's content filter held back the rest of this answer."
STOPPED = (
    "This was rejected, so I stopped here. What waited for it did not "
    "run. Write again to ask for something else."
)
STOPPED_BY_TIME = (
    "This timed out, so I stopped here. What waited for it did not run. "
    "Ask again if it's still needed."
)
