"""Graphs of every structure and state: each approved and rejected."""

from __future__ import annotations

import pytest

from tests.support.stage import Stage
from tests.zoo.keeper import parameters, play
from tests.zoo.kit import ZooGraph

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {"start": False}


@pytest.mark.parametrize("graph", parameters("structures", "states"))
async def test_a_graph_of_the_zoo_is_served(shared: Stage, graph: ZooGraph):
    await play(shared, graph)
