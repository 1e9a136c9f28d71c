"""The context that a graph declares: from AGENT_CONTEXT, and who asks."""

from __future__ import annotations

import dataclasses
from typing import Any, NotRequired

import pytest
from langgraph.graph import START, MessagesState, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from bot.base.errors import ConfigurationError
from bot.conversations.graph_context import make_context

WHO = {"user_id": "U1", "user_name": "Ravi", "team_id": "T1", "channel_id": "C1"}


@dataclasses.dataclass
class Defaults:
    tone: str = "short"
    limit: int = 3


@dataclasses.dataclass
class Needs:
    key: str
    user_id: str
    tone: str = "short"


class Model(BaseModel):
    limit: int
    user_name: str = ""


class Typed(TypedDict):
    limit: int
    team_id: NotRequired[str]


class Odd:
    """A class that Pydantic knows nothing of."""


@dataclasses.dataclass
class Rich:
    tone: str = "short"
    odd: Odd | None = None


def graph_of(schema: Any) -> Any:
    def node(state: MessagesState) -> dict[str, Any]:
        return {}

    builder = StateGraph(MessagesState, context_schema=schema)
    return builder.add_node("n", node).add_edge(START, "n").compile()


@pytest.mark.parametrize(
    ("schema", "given", "built"),
    [
        (Defaults, None, Defaults()),
        (Defaults, {"limit": 5}, Defaults("short", 5)),
        (Needs, {"key": "k"}, Needs("k", "U1")),
        (Needs, {"key": "k", "user_id": "U9"}, Needs("k", "U9")),
        (Model, {"limit": 5}, Model(limit=5, user_name="Ravi")),
        (Typed, {"limit": 5}, {"limit": 5, "team_id": "T1"}),
        (Rich, {"tone": "long"}, {"tone": "long"}),  # LangGraph makes it
    ],
)
def test_defaults_settings_and_who_asks_make_a_context(
    schema: Any, given: Any, built: Any
):
    made = make_context(graph_of(schema), given)
    assert made is not None
    assert made.built(WHO) == built


@pytest.mark.parametrize(
    ("schema", "given", "said"),
    [
        (None, {"tone": "short"}, "declares no context_schema"),
        (Needs, None, "needs key; give it"),
        (Model, {}, "needs limit; give it"),
        (Typed, {}, "needs limit; give it"),
        (Defaults, {"tune": "short"}, "has no tune; it has tone, limit."),
        (Defaults, {"limit": "many"}, "limit: Input should be a valid integer"),
    ],
)
def test_what_does_not_fit_ends_the_start_by_name(schema: Any, given: Any, said: str):
    with pytest.raises(ConfigurationError, match=said):
        make_context(graph_of(schema), given)


def test_a_graph_without_a_context_gets_none():
    assert make_context(graph_of(None), None) is None
