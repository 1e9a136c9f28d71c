"""App Home and `/approvals` of the real bot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.deciding import SHIPPED, asked_to_delete, request_of
from tests.support.demo import APPROVALS, DORA, GENERAL, MINA, OLAF, RAVI
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {"policy": SHIPPED}


async def home_with(stage: Stage, user: str, *words: str) -> dict[str, Any]:
    """Wait until a person's App Home, which is open, shows all of these words."""

    def shown() -> dict[str, Any] | None:
        view = stage.simulator.home(user)
        fits = view and all(word in everything(view) for word in words)
        return view if fits else None

    return await stage.simulator.wait_for(shown)


async def test_home_follows_a_request_and_decides_it(shared: Stage):
    stage = shared
    await stage.simulator.open_home(MINA)
    await home_with(stage, MINA, "Waiting for you", "asks before it acts")
    file, card, thread = await asked_to_delete(stage, "from-home.txt")
    view = await home_with(stage, MINA, "from-home.txt")
    token = request_of(card)
    await stage.simulator.open_home(OLAF)
    assert "from-home.txt" not in everything(
        await home_with(stage, OLAF, "Nothing waits for you")
    )
    result = await stage.simulator.click_view(MINA, view["id"], "desk_approve", token)
    assert result.acked
    await stage.outcome(card, "Approved")
    await home_with(stage, MINA, f"({_code(stage, token)})")
    await stage.answer(GENERAL, thread)
    assert not file.exists()
    await home_with(stage, MINA, "Done")


def _code(stage: Stage, request: str) -> str:
    return stage.records.value("SELECT code FROM requests WHERE id = %s", request)


async def test_the_command_lists_delegates_and_decides(shared: Stage):
    stage, simulator = shared, shared.simulator
    file, card, _ = await asked_to_delete(stage, "from-command.txt")
    token = request_of(card)

    async def say(user: str, text: str, channel: str = GENERAL) -> dict[str, Any]:
        result = await simulator.run_command(user, channel, "/approvals", text)
        assert (result.acked, result.refusal) == (True, "")
        return simulator.ephemerals(user)[-1]

    assert "from-command.txt" in everything(await say(MINA, ""))
    assert "from-command.txt" in everything(await say(RAVI, "mine", simulator.dm(RAVI)))
    assert "from-command.txt" not in everything(await say(DORA, "waiting"))
    assert "I don't know `nonsense`" in (await say(OLAF, "nonsense"))["text"]
    given = await say(MINA, "delegate @dora until tomorrow")
    assert f"<@{DORA}> stands in for you" in given["text"]
    listed = await say(DORA, "waiting")
    assert f"for <@{MINA}>" in everything(listed)
    await simulator.click(DORA, GENERAL, listed["ts"], "desk_approve", token)
    closed = await stage.outcome(card, "Approved")
    assert f"<@{DORA}> for <@{MINA}>" in everything(closed)
    await simulator.wait_for(lambda: not file.exists())
    assert (await say(MINA, "delegate off"))["text"].startswith(f"<@{DORA}>")
    assert stage.cards(APPROVALS)
