"""Stages in order, several people in one, and a right that is lost on the way."""

from __future__ import annotations

import pytest

from tests.support.deciding import asked_to_delete
from tests.support.demo import APPROVALS, DORA, GENERAL, MAREK, MINA
from tests.support.full_workspace import IDA, IVO, full_workspace
from tests.support.policies import files_policy
from tests.support.shown import everything
from tests.support.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
STAGE = {
    "workspace": full_workspace(),
    "policy": files_policy(
        managers=(MINA, MAREK, IDA, IVO),
        writing="stages: [{approvers: managers, quorum: 2}]",
        deleting="stages: [{approvers: managers}, {approvers: directors}]",
    ),
}


async def test_stages_are_decided_one_after_the_other(shared: Stage):
    file, card, ts = await asked_to_delete(shared, "chain.txt")

    await shared.click(DORA, "approve", card)
    await shared.whisper(DORA, "can't decide this one")
    await shared.click(MINA, "approve", card)
    await shared.simulator.wait_for(
        lambda: f"<@{DORA}>" in everything(shared.message(APPROVALS, card["ts"]))
    )
    assert file.exists()
    await shared.click(MAREK, "approve", card)
    await shared.whisper(MAREK, "can't decide this one")
    await shared.click(DORA, "approve", card)
    final = await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts)

    assert not file.exists()
    assert f"<@{MINA}>" in everything(final)
    assert f"<@{DORA}>" in everything(final)


async def test_a_stage_may_need_two_people(shared: Stage):
    ts = await shared.ask("write pair.txt: two of you")
    card = await shared.card_about("pair.txt")

    await shared.click(MINA, "approve", card)
    await shared.click(MINA, "approve", card)
    await shared.whisper(MINA, "already decided")
    assert not (shared.files / "pair.txt").exists()
    await shared.click(MAREK, "approve", card)
    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts)

    assert (shared.files / "pair.txt").read_text() == "two of you"


async def test_an_approval_does_not_count_once_its_approver_is_deactivated(
    shared: Stage,
):
    file, card, ts = await asked_to_delete(shared, "lost.txt")
    await shared.click(IDA, "approve", card)
    await shared.simulator.wait_for(
        lambda: f"<@{DORA}>" in everything(shared.message(APPROVALS, card["ts"]))
    )

    shared.simulator.workspace.users[IDA].deleted = True
    await shared.click(DORA, "approve", card)
    again = await shared.simulator.wait_for(lambda: reopened(shared, card["ts"]))

    assert file.exists()
    await shared.click(MAREK, "approve", again)
    await shared.simulator.wait_for(
        lambda: f"<@{MAREK}>" in everything(shared.message(APPROVALS, card["ts"]))
    )
    await shared.click(DORA, "approve", again)
    await shared.outcome(card, "Approved")
    await shared.answer(GENERAL, ts)
    assert not file.exists()


def reopened(stage: Stage, ts: str) -> dict[str, object] | None:
    """The card, once it asks again after a decision was voided."""
    voided = "SELECT 1 FROM decisions WHERE voided_at IS NOT NULL"
    card = stage.message(APPROVALS, ts)
    asks = "Approval needed" in everything(card) and f"<@{MAREK}>" in everything(card)
    return card if asks and stage.records.rows(voided) else None
