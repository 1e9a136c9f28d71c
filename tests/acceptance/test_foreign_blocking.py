"""A node that blocks its loop holds up no click and no other answer of Slack's."""

from __future__ import annotations

import pytest

from tests.support.deciding import asked
from tests.support.demo import MINA
from tests.support.foreign import said_in
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_while_a_node_blocks_clicks_and_messages_are_taken(zoo: Stage):
    card, ts = await asked(zoo, 'ask "Go?"')
    blocked = await zoo.ask("block")
    await zoo.simulator.wait_for(lambda: "action=graph_blocked" in zoo.bot.log)
    assert "in block" in zoo.bot.log

    clicked = await zoo.click(MINA, "approve", card)  # the simulator waits 3 s for it
    assert clicked.acked
    await zoo.outcome(card, "Approved")
    assert (await zoo.bot.get("/healthz"))[0] == 200
    seconds = (await zoo.bot.get("/metrics"))[1].partition(
        "\napproval_bot_graph_blocked_seconds "
    )[2]
    assert float(seconds.split()[0]) > 2

    (zoo.folder / "go on").touch()
    await said_in(zoo, blocked, "it went on")
    await said_in(zoo, ts, "got 'approve'")
    assert "Approved" in everything(zoo.message(card["channel"], card["ts"]))
