"""Sentences about the graph that AGENT names, to its operator and to approvers.

Plain text, where a function does not say that it is mrkdwn.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.approvals.model import Verdict
from bot.texts.formatting import escape, joined, one_line

# --- Why it cannot be loaded -------------------------------------------------------
MALFORMED = "allowed is path/to/file.py:name or package.module:name"
NOT_IMPORTED = "cannot be imported"
NOT_COMPILED = "cannot be compiled"
RAISED = "raised"
WITHOUT_A_WORD = "without a word"  # of the error's own


def not_loaded(spec: str, why: str) -> str:
    return f"AGENT={spec}: {why}."


def no_module(name: str) -> str:
    return f"there is no module {name}"


def no_file(path: object) -> str:
    return f"there is no Python file {path}"


def not_in_it(name: str, where: str, graphs: Sequence[str]) -> str:
    """`graphs` are the names of those that are in it."""
    hint = f"; it has {', '.join(f'`{each}`' for each in graphs)}" if graphs else ""
    return f"no `{name}` in {where}{hint}"


def returns_no_graph(kind: str) -> str:
    return f"it returns {_a(kind)}, not a graph"


def no_graph(kind: str) -> str:
    return f"it is {_a(kind)}, neither a graph nor a function"


def _a(name: str) -> str:
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def needs_argument(name: str) -> str:
    return f"it needs an argument {name}; a function may take nothing or one config"


def failed(what: str, cause: str) -> str:
    """`what` is one of the three above, `cause` the error's own words."""
    return f"it {what}: {cause}"


def in_line(file: str, number: int | None) -> str:
    return f" ({file}, line {number})"


# --- What `python -m bot check` sees of it -----------------------------------------
AT_RUN_TIME = "at run time"


def takes_messages(name: str, key: str) -> str:
    return f"{name} takes messages under {key}."


def may_ask(places: Iterable[str]) -> str:
    return f"It may ask: {'; '.join(places)}."


def can_stream(*, is_seen: bool) -> str:
    model = "A chat model in it" if is_seen else "No chat model in sight"
    return f"{model} can stream."


def guarded(tools: Iterable[str]) -> str:
    return f"Guarded tools: {', '.join(tools)}."


def every_node(of: str) -> str:
    return f"every node of {of or 'the graph'}"


def stops(when: str, node: str) -> str:
    """`when` is "before" or "after"."""
    return f"{when} {node}"


def in_node(node: str) -> str:
    return f"in {node}"


def in_tool(name: str) -> str:
    return f"tool {name}"


def before_tool(name: str, decisions: Iterable[str]) -> str:
    """Of LangChain's middleware, which offers these decisions."""
    return f"tool {name}: {', '.join(decisions)}"


# --- What to know of it when it is served ------------------------------------------
NOT_ITS_CHECKPOINTER = (
    "The graph's own checkpointer is not used: conversations are kept in the bot's "
    "database."
)


def takes_no_messages(name: str, keys: Iterable[str]) -> str:
    """`keys` are those of its input."""
    names = ", ".join(keys)
    there = f" (there is {names})" if names else ""
    return (
        f"The graph {name} cannot be served: no key of its input takes a list of "
        f"messages{there}; add one such as `messages: Annotated[list[AnyMessage], "
        "add_messages]`."
    )


def is_an_entrypoint(name: str) -> str:
    return (
        f"The graph {name} cannot be served: it is an entrypoint of the functional "
        "API, whose input takes no messages; call it in a node of a StateGraph."
    )


def keeps_its_store(store: str) -> str:
    """`store` is the name of its class."""
    return (
        f"The graph's own {store} is used as it is; the bot does not keep or share it."
    )


def answers_from_cache(nodes: Iterable[str]) -> str:
    return (
        f"The graph's cache may give the result of {', '.join(nodes)} without a run; "
        "then no one is asked there."
    )


def tries_again(nodes: Iterable[str]) -> str:
    return (
        f"The graph tries {', '.join(nodes)} again after a failure; an effect there "
        "may happen twice."
    )


def asks_in_vain(name: str, parts: Iterable[str]) -> str:
    """`parts` are subgraphs, by their paths."""
    return (
        f"The graph {name} cannot be served: its subgraph {', '.join(parts)} asks and "
        "is compiled with checkpointer=False, so no answer would reach it; leave "
        "checkpointer out."
    )


# --- Its runtime context -----------------------------------------------------------
NO_CONTEXT = "AGENT_CONTEXT is set, and the graph declares no context_schema; unset it."


def strange_context(strange: Iterable[str], fields: Iterable[str]) -> str:
    """Both are names of fields."""
    return (
        f"AGENT_CONTEXT: the graph's context has no {', '.join(strange)}; it has "
        f"{', '.join(fields)}."
    )


def context_lacks(fields: Iterable[str]) -> str:
    """`fields` have no default."""
    return (
        f"The graph's context needs {', '.join(fields)}; give it in AGENT_CONTEXT, as "
        "JSON."
    )


def unfit_context(field: str, complaint: str) -> str:
    """`complaint` is Pydantic's."""
    return f"AGENT_CONTEXT does not fit the graph's context: {field}: {complaint}."


def context_seen(given: Iterable[str], told: Iterable[str]) -> str:
    """Fields that AGENT_CONTEXT gives, and those that say who asks."""
    return (
        f"Its context: {', '.join(given) or 'nothing'} from AGENT_CONTEXT, "
        f"{', '.join(told) or 'nothing'} from the requester."
    )


# --- What it did wrong in a turn, or asks and no person can answer -----------------
def graph_failed(
    node: str, error: str, done: Sequence[str], unsure: Sequence[str]
) -> str:
    """mrkdwn. `error` is the class of what the node raised.

    Args:
        done: tools that have run in this turn.
        unsure: what was approved and may have run.
    """
    text = (
        f"The agent's graph failed in {_code(node)} ({error}), so I stopped here. The "
        "error is in the graph's own code; the log has the details."
    )
    if done:
        text += f" Already done: {joined([_code(name) for name in done])}."
    if unsure:
        names = joined([_code(name) for name in unsure])
        text += f" Unknown whether it ran: {names}. Please check by hand."
    return text


def unstorable(kind: str, nodes: Sequence[str]) -> str:
    """mrkdwn. `kind` is the name of a type; `nodes` are those that may have made it."""
    where = f" in {joined([_code(node) for node in nodes])}" if nodes else ""
    return (
        f"The agent's graph made a value of the type {_code(kind)}{where}, which can't "
        "be stored, so I stopped here. Its author has to keep such values out of the "
        "state and out of questions."
    )


def _code(name: str) -> str:
    return "`" + escape(one_line(name, 80)).replace("`", "'") + "`"


AGENT_RETURNED_NOTHING = (
    "The agent's graph ended without a message, so I have nothing to tell "
    "you. Its author can have it add its answer to its messages."
)
GRAPH_CHANGED = (
    "The agent's graph has changed and no longer asks this, so it did not "
    "run. Ask again if it's still needed."
)


def graph_refuses(complaint: str) -> str:
    """Plain text. For the card: `complaint` is the graph's own word on an answer."""
    return f"The agent's graph doesn't accept this answer: {complaint}"


NO_ANSWERS = (
    "The agent's graph asked its own question, and the policy doesn't say which values "
    "mean yes and no, so I asked no one. The bot's admin can set them: `interrupts: "
    "{answers: words}`, or `booleans`."
)


def bad_inbox(wrong: str) -> str:
    """mrkdwn. `wrong` is what makes it unanswerable."""
    return (
        "The agent's graph asked in the shape of Agent Inbox, but its "
        f"{wrong}, so I asked no one."
    )


TAKES_NO_ANSWER = (
    "The agent's graph stopped with a question that takes no answer, such as a "
    "NodeInterrupt, so I asked no one. Its author can use `interrupt()` instead."
)
ASKS_THE_SAME = (
    "The agent's graph asked the same question again after the answer, so I stopped "
    "here. Its author can ask with `interrupt()`, which takes answers."
)
BAD_ANSWERS = (
    "The agent's graph says which values mean yes and no, but not clearly, so I asked "
    "no one. Its `answers` need a value each for `approve`, `reject` and `timed_out`, "
    "and `approve` must differ from the other two; an `answer` needs {text} where a "
    "person's words go."
)
# A note that stays with a request whose verdict the graph was not told.
NO_LONGER_ASKED = "no longer asked"
NO_TEXT = "An answer needs some text. Write one."
NO_ARGUMENTS = "An edit needs all arguments of the call."
_VERDICTS = {
    Verdict.APPROVE: "approved as it is",
    Verdict.EDIT: "edited",
    Verdict.ANSWER: "answered in the tool's place",
}


def unknown_level(level: str, known: Iterable[str]) -> str:
    """Plain text. For the thread, where no person can be asked."""
    names = joined(sorted(known)) or "none"
    return (
        f"The agent's graph asked for the level “{one_line(level, 80)}”, which isn't "
        "in the policy, so I asked no one. Its `interrupts.levels` are: "
        f"{names}."
    )


def wrong_number(decided: int, asked: int) -> str:
    """Plain text. A question of several calls is answered whole."""
    return (
        f"The agent's graph asks about {asked} calls and {decided} are decided; please "
        "decide each of them once."
    )


def not_allowed(verdict: Verdict) -> str:
    """Plain text. The graph offers no such decision."""
    return (
        f"The agent's graph does not let this be {_VERDICTS[verdict]}; please decide "
        "in another way."
    )


def unfit_arguments(complaint: str) -> str:
    """Plain text. `complaint` names the argument and what is wrong with it."""
    return f"These arguments do not fit the tool: {complaint}. Please correct them."


def unfit_answer(complaint: str) -> str:
    """Plain text. `complaint` names the field and what is wrong with it."""
    return (
        "This answer does not fit what the agent's graph asks for: "
        f"{complaint}. Please correct it."
    )
