"""The effect of a decision in a chain of stages, and with a quorum."""

from __future__ import annotations

import dataclasses

import pytest

from bot.approvals.judge import Result, is_told_directly
from bot.approvals.model import REQUESTER, Effect, Outcome, Stage
from tests.support import request_builder
from tests.support.judging import PAULA, REJECT, judged, passed, request, said
from tests.support.people import DANA, MINA, OLAF, OMAR, RAVI
from tests.support.request_builder import MANAGERS, NOW

DIRECTORS = Stage("directors", (DANA, OMAR), 1)


DIRECT = dataclasses.replace(MANAGERS, channel="dm")


@pytest.mark.parametrize(
    ("stages", "right"),
    [
        ((DIRECT,), True),
        ((MANAGERS,), False),
        ((DIRECT, DIRECTORS), True),
        ((MANAGERS, dataclasses.replace(DIRECT, approvers="directors")), False),
    ],
)
def test_the_open_stage_or_the_last_tells_people_directly(stages, right):
    assert is_told_directly(request(*stages)) is right
    closed = [passed(stage) for stage in stages]
    assert is_told_directly(request(*closed)) is (stages[-1].channel == "dm")


def test_a_quorum_counts_people():
    two = Stage("managers", (MINA, OMAR, DANA), 2, NOW)
    assert judged(request(two), MINA).effect is Effect.RECORDED
    one = request(two, decisions=(said(MINA),))
    assert judged(one, MINA).code == "already_decided"
    assert judged(one, MINA, REJECT).code == "already_decided"
    assert judged(one, OMAR).effect is Effect.APPROVED
    assert judged(one, OMAR, REJECT).effect is Effect.REJECTED


def test_a_director_does_not_decide_before_the_managers():
    chain = request(MANAGERS, DIRECTORS)
    assert judged(chain, DANA) == Result(Effect.REFUSED, "not_in_group")
    assert judged(chain, DANA, REJECT) == Result(Effect.REFUSED, "not_in_group")
    assert judged(chain, MINA).effect is Effect.STAGE_PASSED


def test_after_the_managers_only_the_directors_decide():
    chain = request(passed(MANAGERS), DIRECTORS, decisions=(said(MINA),))
    assert judged(chain, DANA).effect is Effect.APPROVED
    assert judged(chain, DANA, REJECT).effect is Effect.REJECTED
    assert judged(chain, OMAR).effect is Effect.APPROVED
    assert judged(chain, MINA).code == "already_decided"
    assert judged(chain, RAVI, REJECT).effect is Effect.WITHDRAWN


def test_who_passed_the_first_stage_does_not_decide_the_second():
    chain = request(passed(MANAGERS), DIRECTORS, decisions=(said(OMAR),))
    assert judged(chain, OMAR).code == "already_decided"
    assert judged(chain, DANA).effect is Effect.APPROVED


def test_a_quorum_in_a_later_stage_is_counted_there_alone():
    directors = Stage("directors", (DANA, OMAR, OLAF), 2)
    chain = request(passed(MANAGERS), directors, decisions=(said(MINA),))
    assert judged(chain, DANA).effect is Effect.RECORDED
    one = request_builder.changed(chain, decisions=(said(MINA), said(DANA, 1)))
    assert judged(one, OLAF).effect is Effect.APPROVED


@pytest.mark.parametrize(
    ("stages", "who"),
    [
        ((MANAGERS, Stage("directors", (OMAR,))), OMAR),
        ((MANAGERS, Stage("directors", (OMAR, RAVI, PAULA))), OMAR),
        ((Stage("managers", (MINA, OMAR), 1, NOW), Stage("directors", (MINA,))), MINA),
        (
            (
                Stage("managers", (MINA, OMAR, DANA), 2, NOW),
                Stage("directors", (OMAR, RAVI)),
            ),
            OMAR,
        ),
    ],
)
def test_using_up_the_approvers_of_a_later_stage_rejects(stages, who):
    result = judged(request(*stages), who)
    word, group = Outcome.UNFILLABLE, "directors"
    assert result == Result(Effect.REJECTED, word, group, counts=True)


def test_a_stage_of_the_requesters_own_is_theirs_alone():
    own = Stage("requester", (RAVI,), source=REQUESTER)
    chain = request(MANAGERS, own)
    assert judged(chain, MINA).effect is Effect.STAGE_PASSED
    confirming = request(passed(MANAGERS), own, decisions=(said(MINA),))
    assert judged(confirming, RAVI).effect is Effect.APPROVED
    assert judged(confirming, RAVI, REJECT).effect is Effect.WITHDRAWN
    assert judged(confirming, OMAR).code == "not_in_group"
    assert judged(confirming, PAULA).code == "not_in_group"
