"""The graph that the settings name, if it can be served."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bot.conversations.graph_facts import LoadedGraph, problem
from bot.conversations.graphs import load_graph
from bot.errors import ConfigurationError
from bot.settings import Settings


@asynccontextmanager
async def load_served(settings: Settings) -> AsyncGenerator[LoadedGraph | None]:
    """Load what AGENT names and keep open what it has opened; None: the shipped agent.

    Raises:
        ConfigurationError: one sentence that says why it cannot be served.
    """
    if settings.agent is None:
        yield None
        return
    async with load_graph(settings.agent) as loaded:
        if why := problem(loaded):
            raise ConfigurationError(why)
        yield loaded
