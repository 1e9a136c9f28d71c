"""The trail from outside: signed at critical decisions, told on the card, verified."""

from __future__ import annotations

import json

import pytest

from bot.audit.chain import Checkpoint, public_key, read_checkpoints
from tests.support.bot_process import Outcome, run_command
from tests.support.deciding import asked_to_delete, opened
from tests.support.demo import APPROVALS, GENERAL, MINA, RAVI
from tests.support.policies import files_policy
from tests.support.shown import Message, buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
KEY = "0123456789abcdef" * 4
CRITICAL = """{name: wiping, tools: [delete_file], critical: true,
     when: {path: {matches: "critical.*"}}, stages: [{approvers: managers}]}"""
STAGE = {
    "policy": files_policy(CRITICAL),
    "AUDIT_KEY": KEY,
    "AUDIT_SINK": "kept",
    "AUDIT_INTERVAL": "30d",
}


def checkpoints(stage: Stage) -> list[Checkpoint]:
    files = sorted((stage.folder / "kept").glob("*.json"))
    return [each for file in files for each in read_checkpoints(file.read_text())]


async def bot(stage: Stage, *words: str, **more: str) -> Outcome:
    environment = stage.environment | more
    return await run_command(
        "audit", *words, folder=stage.folder, environment=environment
    )


def menu_of(card: Message) -> str:
    """The value of the only option in the menu beside a closed card's facts."""
    [accessory] = [b["accessory"] for b in card["blocks"] if "accessory" in b]
    assert [o["text"]["text"] for o in accessory["options"]] == ["History…"]
    return accessory["options"][0]["value"]


async def test_a_critical_decision_is_signed_at_once(shared: Stage):
    await shared.simulator.wait_for(lambda: checkpoints(shared))  # the first tick's
    _, card, ts = await asked_to_delete(shared, "critical-1.txt")
    before = len(checkpoints(shared))
    await shared.click(MINA, "approve", card)
    await shared.answer(GENERAL, ts)
    await shared.simulator.wait_for(lambda: len(checkpoints(shared)) > before)

    signed = checkpoints(shared)[-1]
    assert signed.key == public_key(bytes.fromhex(KEY))
    [(number,)] = shared.records.rows(
        "SELECT c.number FROM audit a JOIN audit_chain c USING (seq)"
        " WHERE a.event = 'approved' AND a.detail->'rules' ? 'wiping'"
    )
    assert signed.number >= number
    good = await bot(shared, "verify", "--checkpoint", "kept")
    assert (good.status, good.err) == (0, "")

    _, card, ts = await asked_to_delete(shared, "plain.txt")
    count = len(checkpoints(shared))
    await shared.click(MINA, "approve", card)
    await shared.answer(GENERAL, ts)
    await shared.rest()
    assert len(checkpoints(shared)) == count


async def test_the_cards_history_tells_its_life(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "lived.txt")
    await shared.reply(GENERAL, ts, "Waiting for")  # the bot knows where its card is
    await shared.click(RAVI, "approve", card)
    await shared.whisper(RAVI)
    view = await opened(shared, RAVI, card, "history")
    told = everything({"blocks": view["blocks"]})
    assert view["title"]["text"] == "History"
    assert f"<@{RAVI}> wrote to the agent" in told
    assert "The agent asked to run `delete_file`" in told
    assert f"The card was posted in <#{APPROVALS}>" in told
    assert "and was refused" in told

    await shared.click(MINA, "approve", card)
    await shared.answer(GENERAL, ts)
    closed = await shared.outcome(card, "Approved")
    assert buttons(closed) == []
    place = (closed["channel"], closed["ts"])
    await shared.simulator.click(MINA, *place, "more", menu_of(closed))
    views = await shared.simulator.wait_for(lambda: shared.simulator.open_views(MINA))
    told = everything({"blocks": views[-1]["blocks"]})
    assert "That was the last approval needed." in told
    assert "`delete_file` ran." in told


async def test_an_export_tells_a_requests_life_and_verifies_offline(shared: Stage):
    _, card, ts = await asked_to_delete(shared, "whole.txt")
    await shared.click(MINA, "approve", card)
    await shared.answer(GENERAL, ts)
    request = next(value for _, value in buttons(card) if value)
    done = await bot(shared, "export")
    assert (done.status, done.err) == (0, "")
    rows = [json.loads(line) for line in done.out.splitlines()]
    events = [row["event"] for row in rows if row["request_id"] == request]
    events.remove("shown")  # a click can beat the storing of the card's place
    assert events == ["requested", "approved", "claimed", "ran", "resumed"]
    approved = next(
        r for r in rows if r["event"] == "approved" and r["request_id"] == request
    )
    assert (approved["actor"], approved["via"]) == (MINA, "slack")
    detail = approved["detail"]
    assert detail["on_behalf_of"] == RAVI
    assert (detail["tool"], detail["rules"]) == ("delete_file", ["deleting"])
    assert detail["card"] == [card["channel"], card["ts"]]
    assert {len(detail[name]) for name in ("schema", "call", "digest")} == {64}
    asked_for = next(r for r in rows if r["event"] == "requested" and r["beside"])
    assert "arguments" in asked_for["beside"]

    file = shared.folder / "trail.jsonl"
    file.write_text(done.out, encoding="utf-8")
    outside = {"DATABASE_URL": ""}
    good = await bot(shared, "verify", "--file", "trail.jsonl", **outside)
    assert good.status == 0
    file.write_text(done.out.replace(f'"{MINA}"', f'"{RAVI}"', 1), encoding="utf-8")
    bad = await bot(shared, "verify", "--file", "trail.jsonl", **outside)
    assert bad.status == 1
    assert bad.out.startswith("The first bad row: line ")
