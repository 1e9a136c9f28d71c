"""Sentences about the graph that AGENT names, for whoever runs the bot. Plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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


def not_in_it(name: str, graphs: Sequence[str]) -> str:
    """`graphs` are the names of those that are in it."""
    hint = f"; it has {', '.join(graphs)}" if graphs else ""
    return f"there is no {name} in it{hint}"


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
        "then nobody is asked there."
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
        f"{', '.join(told) or 'nothing'} from who asks."
    )
