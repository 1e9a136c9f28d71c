"""Build the graph that is served: the shipped agent, or somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.language_models import BaseChatModel

from agent.gate import Gate
from agent.graph import build_graph
from agent.mail import Mail
from agent.models import explain_model_error, make_model
from agent.seen import look_at
from agent.strictness import LAX, is_strict
from agent.tools import make_tools
from agent.validation import problem_with, schema_of
from bot.conversations.engine import ServedGraph
from bot.conversations.graph_facts import Graph, LoadedGraph, describe
from bot.errors import ConfigurationError
from bot.settings import Settings


def make_chat_model(settings: Settings) -> BaseChatModel:
    """The model of the shipped agent."""
    key = settings.openai_api_key
    return make_model(
        api_key=key.get_secret_value() if key else None,
        base_url=settings.openai_base_url,
        model=settings.openai_model,
    )


def serve(
    settings: Settings,
    model: BaseChatModel,
    gate: Gate,
    loaded: LoadedGraph | None,
    mail: Mail | None = None,
) -> ServedGraph:
    """The graph that AGENT names, or the shipped agent; `mail` is for its tools.

    Raises:
        ConfigurationError: a checkpoint could make this process run code.
    """
    if not is_strict():
        raise ConfigurationError(LAX)
    return _foreign(loaded, gate) if loaded else _own(settings, model, gate, mail)


def _own(
    settings: Settings, model: BaseChatModel, gate: Gate, mail: Mail | None
) -> ServedGraph:
    """The shipped agent."""
    tools = make_tools(settings.tools, files_dir=settings.files_dir, mail=mail)
    by_name = {tool.name: tool for tool in tools}

    def problem(tool: str, arguments: Mapping[str, Any]) -> str:
        known = by_name.get(tool)
        return problem_with(known, dict(arguments)) if known else ""

    async def look(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any] | None:
        known = by_name.get(tool)
        return await look_at(known, dict(arguments)) if known else None

    graph = cast("Graph", build_graph(model, tools, gate))
    return ServedGraph(
        graph=graph,
        schemas={tool.name: schema_of(tool) for tool in tools},
        explain=explain_model_error,
        problem=problem,
        look=look,
        guards=frozenset(by_name),
        is_own=True,
        version=describe(graph, "agent").version,
    )


def _foreign(loaded: LoadedGraph, gate: Gate) -> ServedGraph:
    """The graph that AGENT names."""
    return ServedGraph(
        graph=loaded.graph,
        schemas=loaded.tools,
        explain=explain_model_error,
        guards=loaded.guards,
        stops=loaded.stops,
        input_channel=loaded.input_channel,
        version=loaded.version,
        gate=gate,
    )
