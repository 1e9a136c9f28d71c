"""RETENTION from outside: what is over goes, what waits stays, the trail verifies."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.bot_process import run_command
from tests.support.deciding import asked, asked_to_delete
from tests.support.demo import GENERAL, MINA
from tests.support.stage import SHORTER, make_stage


async def test_retention_deletes_closed_requests_and_keeps_open_ones(
    tmp_path: Path, database: str
):
    settings = {"RETENTION": "2s", "TIME_LIMITS": f"{SHORTER},seldom=0.5"}
    async with make_stage(tmp_path, database, "socket", **settings) as stage:
        stage.put("done.txt")
        waiting, kept, thread = await asked_to_delete(stage, "waits.txt")
        card, ts = await asked(stage, "delete done.txt")
        await stage.click(MINA, "approve", card)
        await stage.answer(GENERAL, ts)
        await stage.outcome(card, "Approved")

        left = "SELECT count(*) FROM conversations"
        await stage.simulator.wait_for(lambda: stage.records.value(left) == 1, 30)
        assert stage.records.rows("SELECT status FROM requests") == [("pending",)]
        await stage.click(MINA, "approve", card)  # its request is forgotten
        assert "I don't know this request" in await stage.whisper(MINA)

        await stage.click(MINA, "approve", kept)
        await stage.answer(GENERAL, thread)
        await stage.outcome(kept, "Approved")
        assert not waiting.exists()
        await stage.simulator.wait_for(lambda: stage.records.value(left) == 0, 30)
        texts = "SELECT count(*) FROM audit_texts"
        await stage.simulator.wait_for(lambda: stage.records.value(texts) == 0, 30)

        how = {"folder": stage.folder, "environment": stage.environment}
        verified = await run_command("audit", "verify", **how)
        exported = await run_command("audit", "export", **how)
        (tmp_path / "trail.jsonl").write_text(exported.out)
        offline = await run_command("audit", "verify", "--file", "trail.jsonl", **how)
        rows = [json.loads(line) for line in exported.out.splitlines()]
        beside = [each for row in rows for each in row["beside"].values()]
        assert (verified.status, offline.status) == (0, 0), verified.out + offline.out
        assert "texts erased" in verified.out
        assert beside
        assert all(each == {"erased": True} for each in beside)
