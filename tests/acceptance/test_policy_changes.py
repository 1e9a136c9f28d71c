"""The file of a running bot is changed: to a bad one, to a stricter one."""

from __future__ import annotations

import asyncio

from tests.support.demo import GENERAL
from tests.support.policies import files_policy
from tests.support.stage import POLICY, Stage

BAD = POLICY.replace("tools: [delete_file]", "tolls: [delete_file]")
OFF_LIMITS = (
    "{name: off-limits, tools: [delete_file], deny: true, why: Nothing goes now.}"
)
STRICTER = files_policy(OFF_LIMITS)
OPEN = files_policy(OFF_LIMITS, all=f"{{channel: {GENERAL}, open: true}}")


async def test_a_changed_policy_is_taken_up_unless_it_is_bad(socket_stage: Stage):
    stage = socket_stage

    stage.write_policy(BAD)
    await stage.bot.until(200, "policy: the changed file cannot be used")
    complaint = "tolls: unknown key; did you mean `tools`?"
    assert complaint in (await stage.bot.get("/readyz"))[1]
    await stage.logged("the changed policy cannot be used")
    await asyncio.sleep(1)  # some ticks: it is told once
    assert stage.bot.log.count("the changed policy cannot be used") == 1
    assert complaint in stage.bot.log

    stage.write_policy(STRICTER)
    await until_all_is_well(stage)
    await stage.logged("another policy is in force")
    assert stage.bot.log.count("another policy is in force") == 1
    kept = stage.put("a.txt")
    ts = await stage.ask("delete a.txt")
    await stage.answer(GENERAL, ts, "Nothing goes now.")
    assert kept.exists()
    assert stage.cards() == []

    stage.write_policy(OPEN)
    await stage.logged("anyone who joins C0GENERAL0 may decide as all")
    assert "Traceback" not in stage.bot.log


async def until_all_is_well(stage: Stage) -> None:
    last = (0, "")
    for _ in range(400):
        last = await stage.bot.get("/readyz")
        if last == (200, "ok\n"):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(last)
