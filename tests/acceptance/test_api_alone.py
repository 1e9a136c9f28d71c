"""A whole request with no message in Slack at all: asked and decided by the API."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.support.demo import MINA, RAVI
from tests.support.http_api import API_TOKENS, Api
from tests.support.policies import files_policy
from tests.support.stage import make_stage


async def test_it_is_asked_and_decided_without_slack(tmp_path: Path, database: str):
    policy = files_policy(channel="thread")
    async with make_stage(
        tmp_path, database, "socket", policy=policy, API_TOKENS=API_TOKENS
    ) as stage:
        stage.put("a.txt")
        api, path = Api(stage.bot.url), f"/api/conversations/{uuid.uuid4()}"
        await api.post(RAVI, f"{path}/messages", {"text": "delete a.txt"})
        waiting = "SELECT id FROM requests WHERE status = 'pending'"
        [(request,)] = await stage.simulator.wait_for(
            lambda: stage.records.rows(waiting)
        )
        assert (await api.get(RAVI, path)).body["state"] == "waiting"
        held = await api.post(RAVI, f"{path}/messages", {"text": "list"})
        assert held.status == 202

        assert (await api.decide(MINA, request, "approve")).status == 200
        said = "SELECT count(*) FROM deliveries WHERE kind = 'answer'"
        await stage.simulator.wait_for(lambda: stage.records.value(said) == 2)
        assert not (stage.files / "a.txt").exists()
        told = (await api.get(RAVI, path)).body
        assert told["state"] == "idle"
        assert [each["by"] for each in told["messages"]] == [RAVI, RAVI, None, None]
        posted = [call for call in stage.simulator.calls if "chat." in call.method]
        assert posted == []
