"""Arguments too long for a view: a file by one click, and Approve once it is there."""

from __future__ import annotations

import pytest

from tests.support.deciding import asked
from tests.support.demo import APPROVALS, GENERAL, MINA
from tests.support.policies import files_policy
from tests.support.shown import buttons, everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {"policy": files_policy(writing="stages: [{approvers: managers}]")}
HIDDEN = "\u202e" * 4_000  # each is shown as eight characters


async def opened(stage: Stage, name: str):
    card, ts = await asked(stage, f"write {name}: {HIDDEN} the end")
    assert [action for action, _ in buttons(card)] == ["view_full", "reject", "more"]
    await stage.click(MINA, "view_full", card)
    return ts, card


async def test_threat_13_what_no_view_holds_comes_as_a_file_with_approve(shared: Stage):
    ts, card = await opened(shared, "long.txt")
    [first] = shared.simulator.open_views(MINA)
    assert "on its way to the card's thread as a file" in everything(
        {"blocks": first["blocks"]}
    )
    await shared.simulator.wait_for(
        lambda: shared.simulator.open_views(MINA)[0].get("submit")
    )
    thread = shared.simulator.messages(APPROVALS, card["ts"])
    [file] = [each for m in thread for each in m.get("files", [])]
    stored = shared.simulator.file(file["id"])
    assert stored is not None
    text = (stored.content or b"").decode()
    assert text.count("\\u{202E}") == 4_000
    assert "the end" in text
    assert "\u202e" not in text

    [view] = shared.simulator.open_views(MINA)
    assert (await shared.simulator.submit_view(MINA, view["id"], {})).acked
    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts)
    assert (shared.files / "long.txt").read_text().count("\u202e") == 4_000


async def test_threat_13_without_the_file_there_is_no_approve(shared: Stage):
    shared.simulator.faults.add(
        "files.completeUploadExternal", "error", times=1, error="is_archived"
    )
    await opened(shared, "lost.txt")
    await shared.simulator.wait_for(
        lambda: any(
            "didn't take the file" in everything({"blocks": v["blocks"]})
            for v in shared.simulator.open_views(MINA)
        )
    )
    assert not any(v.get("submit") for v in shared.simulator.open_views(MINA))
