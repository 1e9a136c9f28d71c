"""The model and the graph as the doctor sees them."""

from __future__ import annotations

import asyncio

from langchain_core.messages import HumanMessage
from pydantic import Secret

from agent.models import explain_model_error, make_model
from bot.base.errors import ConfigurationError
from bot.base.masks import mask_traces
from bot.base.settings import Settings
from bot.conversations.graphs import load_served
from bot.conversations.inspect_graph import LoadedGraph
from bot.texts import commands, graphs

MODEL_TIMEOUT = 20.0  # seconds


async def ask_model(settings: Settings, key: Secret[str]) -> list[str]:
    """Ask the model server one short question."""
    mask_traces()
    model = make_model(
        api_key=key.get_secret_value(),
        base_url=settings.openai_base_url,
        model=settings.openai_model,
        timeout=MODEL_TIMEOUT,
        max_retries=0,
    )
    try:
        async with asyncio.timeout(MODEL_TIMEOUT):
            await model.ainvoke([HumanMessage(commands.TO_THE_MODEL)])
    except TimeoutError:
        return [commands.model_silent(MODEL_TIMEOUT)]
    except Exception as error:
        return [explain_model_error(error) or type(error).__name__]
    return []


async def see_graph(settings: Settings) -> list[str]:
    """Print what can be seen of the graph that AGENT names, or say what is wrong."""
    mask_traces()
    try:
        async with load_served(settings) as loaded:
            for line in what_is_seen(loaded) if loaded else ():
                print(commands.part("graph", line))
    except ConfigurationError as error:
        return [str(error)]
    return []


def what_is_seen(loaded: LoadedGraph) -> list[str]:
    """A graph as an operator should know it, a sentence for each thing."""
    guards, context = sorted(loaded.guards), loaded.context
    return [
        graphs.takes_messages(loaded.name, loaded.input_channel),
        graphs.may_ask(loaded.foresees),
        graphs.can_stream(is_seen=loaded.streams),
        *([graphs.guarded(guards)] if guards else []),
        *(
            [graphs.context_seen(context.values, sorted(context.asks))]
            if context
            else []
        ),
        *loaded.notes,
    ]
