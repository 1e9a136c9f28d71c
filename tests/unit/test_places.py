"""Which requests of one turn share a card: the pure rule."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.assess import Assessment, ProposedCall, Turn
from bot.approvals.model import Askers, Stage, Status
from bot.approvals.policy.model import THREAD
from bot.approvals.raise_request import REQUESTS_PER_CARD, ROOM, Places
from tests.support.people import RAVI, person

TURN = Turn("c-1", "C1", "1.1", Askers(person(RAVI)))
CALLS = st.lists(
    st.tuples(
        st.integers(0, 15),  # the interrupt: one that comes twice is a batch
        st.sampled_from(["managers", "finance"]),
        st.sampled_from(["C2", "C3", THREAD]),
        st.integers(0, 4_000),  # characters of the arguments
        st.sampled_from([Status.PENDING, Status.PENDING, Status.REJECTED]),
    ),
    max_size=30,
)


@given(CALLS)
def test_a_card_holds_what_belongs_together_and_fits(calls):
    asked = [
        ProposedCall(f"i-{interrupt}", f"call-{at}", "pay", {"x": "y" * length})
        for at, (interrupt, _, _, length, _) in enumerate(calls)
    ]
    places = Places(TURN, asked)
    cards: dict[str, list[tuple]] = {}
    notices: dict[str, set[str | None]] = {}
    for ask, call in zip(asked, calls, strict=True):
        stage = Stage(call[1], (), channel=call[2])
        place = places.of(ask, Assessment(call[4], stages=(stage,)), "")
        if call[4] is Status.PENDING:
            cards.setdefault(place["card_id"] or "", []).append(call)
            notices.setdefault(place["card_id"] or "", set()).add(place["notice_id"])
            assert (place["notice_id"] is None) is (call[2] == THREAD)
        else:
            assert place["card_id"] is place["notice_id"] is None
    batches = Counter(call[0] for call in calls)
    for card, rows in cards.items():
        assert len(rows) <= REQUESTS_PER_CARD
        assert len(rows) == 1 or sum(row[3] for row in rows) <= ROOM
        assert len({row[2] for row in rows}) == len(notices[card]) == 1
        same_batch = len({row[0] for row in rows}) == 1 < batches[rows[0][0]]
        assert same_batch or len({row[1] for row in rows}) == 1


def test_what_is_long_does_not_hide_its_neighbour():
    asked = [ProposedCall(f"i-{n}", "c", "pay", {"x": "y" * 3_900}) for n in range(3)]
    places = Places(TURN, asked)
    ruling = Assessment(Status.PENDING, stages=(Stage("managers", (), channel="C2"),))
    assert len({places.of(ask, ruling, "")["card_id"] for ask in asked}) == 3
