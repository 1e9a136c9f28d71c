"""The sentences of the API: its problem answers, and its description of itself.

What became of a verdict stands in `bot.texts.web`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from agent.phrases.tool_calls import STOP, firmly
from bot.approvals.model import Status
from bot.texts.agent import NOT_RUN, TIMED_OUT
from bot.texts.conversation import because

# --- The caller, and the address ----------------------------------------------------
NO_HEADER = "Send the header Authorization: Bearer TOKEN, with a token of yours."
UNKNOWN_CALLER = "I don't know this token. Ask the bot's admin for one."
NO_ADDRESS = "No such address; see /api/openapi.json."
NOT_YOURS = "You have no such conversation; use a new UUID to begin one."


def full_members_only(word: str) -> str:
    """`word` says what the person is."""
    return f"Only full members may use this, and {because(word)}."


def wrong_method(method: str, allowed: str) -> str:
    return f"This address does not take {method}; it takes {allowed}."


# --- Idempotency-Key ----------------------------------------------------------------
BAD_KEY = "Idempotency-Key must be 1 to 255 visible ASCII characters."
KEY_REUSED = "This Idempotency-Key belongs to another request. Use a new one."
IN_PROGRESS = "The first request with this Idempotency-Key is still worked on."

# --- Agents outside ------------------------------------------------------------------
UNKNOWN_AGENT = "No agent has this token; see API_AGENTS."
NO_REQUEST = "You have no such request."
NO_TITLE = "`title` is one line, and its braces hold names of arguments"
NO_ARGUMENTS = "The body does not fit at arguments: not all of it can be written down."
WAIT = "Seconds to wait for a decision; after that the request is returned as it is."
CONFLICTS: Mapping[str, str] = {
    "key_reused": "This key belongs to another request. Use a new one.",
    "undecided": "People haven't decided it yet, or have to decide again.",
    "claimed": "It was claimed before. Run nothing; report what came of it.",
    "paused": "An operator has paused all actions. Claim it again once the pause is "
    "over.",
    "other_digest": "People approved a different call. Run only what `arguments` says "
    "now.",
    "not_claimed": "It is not claimed: claim it before you run it.",
    "reported": "Its result is known already, or came too late; people look into it.",
    "decided": "It is decided already, so it cannot be withdrawn.",
}


def conflict(word: str) -> str:
    """`word` is one of those above, or the status of a request that is over."""
    return CONFLICTS.get(word, f"It is {word.replace('_', ' ')}: nothing may run.")


def bad_wait(most: int) -> str:
    return f"wait must be a whole number of seconds from 0 to {most}."


def unlike_schema(complaint: str) -> str:
    return f"`arguments` do not fit `schema`: {complaint.rstrip('.')}"


def asks_for_nobody(word: str) -> str:
    """`word` says what the person is whom an agent names as its requester."""
    return f"requester must be a full member, and {because(word)}."


# --- Claude Code ---------------------------------------------------------------------
HOOK_WAIVED = "The approval policy lets this run without a person."
HOOK_APPROVED = "People approved it."
HOOK_EDITED = "People approved it with other arguments."
HOOK_UNDECIDED = f"{NOT_RUN}: no one approved it in time, or it was withdrawn. {STOP}"
HOOK_FAILED = "The approval bot failed, so this may not run."


def hook_denied(status: str, why: str) -> str:
    """`status` is that of a request which may not run; `why` is people's reason."""
    word = status.replace("_", " ")
    said = TIMED_OUT if status == Status.TIMED_OUT else f"{NOT_RUN}: it was {word}"
    return firmly(f"{said}. Reason: {why}" if why else f"{said}.")


def hook_answered(answer: str) -> str:
    return f"It did not run. A person answered in its place: {answer}"


# --- MCP -----------------------------------------------------------------------------
MCP_INSTRUCTIONS = (
    "Ask people before you act: request_approval, then get_approval until it is "
    "decided, then claim_approval, run the call once with the arguments of the claim, "
    "and report_result. Only people approve; none of these tools does."
)
MCP_TOOLS: Mapping[str, str] = {
    "request_approval": "Ask people to approve one call of a tool before you run it. "
    "Decides nothing. The same key again finds the same request.",
    "get_approval": "Return a request's status, waiting up to 50 seconds for a "
    "decision. Decides nothing.",
    "claim_approval": "Take the right to run an approved call, once. Run exactly the "
    "arguments that it returns. Decides nothing: it fails unless people approved.",
    "report_result": "Say what came of a call that you claimed and ran.",
    "withdraw_approval": "Take back a request that people have not decided.",
    "list_my_requests": "List your newest requests. Changes nothing.",
}
MCP_FAILED = "The approval bot failed, so nothing is approved."


def mcp_unknown(name: str) -> str:
    return f"There is no tool {name}."


def mcp_status(status: int) -> str:
    return f"HTTP {status}"


def mcp_away(url: str, trouble: str) -> str:
    return f"{url} did not answer, so nothing is approved: {trouble}"


# --- Parameters ---------------------------------------------------------------------


def unknown_parameter(known: Iterable[str]) -> str:
    return f"There is no such parameter; there are: {', '.join(known)}."


def give_once(name: str) -> str:
    return f"Give {name} once."


def misfits(roles: Iterable[str], most: int) -> Mapping[str, str]:
    """Build the complaint about each parameter; `most` requests are on a page."""
    return {
        "status": f"status must be one of {', '.join(Status)}.",
        "role": f"role must be one of {', '.join(roles)}.",
        "tool": "tool must be a tool's name.",
        "conversation": "conversation must be a conversation's id, a UUID.",
        "limit": f"limit must be a whole number from 1 to {most}.",
        "cursor": "cursor must be what the page before gave as next_cursor.",
    }


# --- The body -----------------------------------------------------------------------
SEND_JSON = "Send JSON, with the header Content-Type: application/json."
NO_JSON = (
    "The body isn't JSON that reads the same everywhere: send one object, in UTF-8, "
    "each key once."
)
ANSWER_NO_TEXT = "The body does not fit at answer: it must be a text here."
# What does not fit, as the end of a sentence.
ARGUMENTS_WITH_EDIT = "`arguments` go with the decision edit, and it needs them"
ANSWER_WITH_ANSWER = "`answer` goes with the decision answer, and it needs it"
REASON_WITH_REJECT = "`reason` goes with the decision reject alone"


def answer_too_long(most: int) -> str:
    return f"`answer` has more than {most:,} characters"


def body_too_large(most: int) -> str:
    return f"The body is larger than {most:,} bytes; send a smaller one."


def does_not_fit(where: str, complaint: str) -> str:
    """`where` is the path of what does not fit, "" for the whole body."""
    return f"The body does not fit{f' at {where}' if where else ''}: {complaint}."


# --- The OpenAPI document -----------------------------------------------------------
INFO = {
    "title": "Approvals",
    "description": "Approvals of a Slack team, for one person or one agent per token. "
    "The body of a request never says who acts: the token does.",
}
DONE = "Done."
REPEAT = "A repeat with the same key is answered like the first, for a day."
#: By operation.
SUMMARIES: Mapping[str, str] = {
    "list_approvals": "Your approvals, newest first",
    "get_approval": "One approval",
    "decide_approval": "Decide",
    "get_conversation": "A conversation of yours",
    "ask": "Ask people about a call that you would make, once for each key",
    "wait_for_request": "A request of yours, as soon as it is decided",
    "withdraw_request": "Take back what no one has decided",
    "claim_request": "Take the right to run what was approved, once",
    "report_result": "Say what came of what you have claimed",
    "claude_code": "An http hook of Claude Code: before a tool, and after it",
    "say": "Write to the agent; a new UUID begins a conversation",
}
#: By parameter.
QUERY: Mapping[str, str] = {
    "status": "Those of this status alone.",
    "role": "Those that you asked for, or can decide.",
    "tool": "Those of this tool alone.",
    "conversation": "Those of one alone.",
    "limit": "How many on a page.",
    "cursor": "`next_cursor` of the page before.",
}
#: By status.
PROBLEMS: Mapping[int, str] = {
    401: "The token is missing or unknown.",
    403: "You may not do this; the message says who can.",
    404: "There is none among yours.",
    409: "Decided already, changed since you saw it, or still being worked on.",
    410: "Its time is over.",
    413: "The body is too large.",
    415: "The body isn't JSON.",
    422: "What was sent does not fit.",
    429: "Too many requests; the header Retry-After says how long to wait.",
    503: "Slack or the database cannot be reached right now.",
}


def members(longest_answer: int) -> Mapping[str, Mapping[str, str]]:
    """Describe members, by shape and name; `longest_answer` is in characters."""
    return {
        "Approval": {
            "answer": "To a graph's question, waiting to be approved; or null.",
            "answer_schema": "What an answer to a graph's question has to fit; null: a "
            "text.",
            "title": "The headline, with what is a value of the call between "
            "backticks.",
            "expires_at": "When silence rejects it, be it by the open stage's timeout.",
        },
        "DecisionBody": {
            "digest": "What you saw: `digest` of the approval. Given, the word counts "
            "for exactly that; left out, for what is there when it arrives.",
            "typed": "Where `confirm` is typed: the value of the argument at "
            "`confirm_argument`, or the code where that is empty.",
            "reason": "Why it is rejected.",
            "arguments": "All arguments, as they are to be.",
            "answer": "What the tool would have answered: a text of at most "
            f"{longest_answer:,} characters; or what `answer_schema` asks for.",
        },
        "RequestBody": {
            "key": "Your own name for it: the same again is the same request.",
            "title": "Its headline; `{argument}` is replaced by that argument.",
            "reason": "Shown as yours, unverified.",
            "schema": "Of the arguments: for labels, and for people's edits.",
            "requester": "The user id of the person you ask for; it decides nothing.",
            "conversation": "Your name for what it is part of: what people rejected "
            "there within the hour is not asked again.",
        },
        "ClaimBody": {"digest": "Of what you are about to run, as it was told."},
        "ResultBody": {"summary": "Shown as yours, unverified."},
        "Asked": {
            "arguments": "What to run, as people have left it.",
            "answer": "What a person answered in the call's place; it does not run.",
            "why": "Why it was rejected, if someone said so.",
            "due_at": "By when it has to be claimed, or its result told.",
        },
        "Said": {"by": "A user id; null for the agent."},
    }
