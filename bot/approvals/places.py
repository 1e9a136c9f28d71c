"""Which requests share a card, and where it stands: pure, but for the new ids."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.approvals.assess import Assessment, ProposedCall, Turn
from bot.approvals.model import Status
from bot.approvals.policy.model import THREAD

REQUESTS_PER_CARD = 6  # more of them stand on further cards
# Characters of the arguments of several requests on one card, so that each is shown as
# whole as it would be alone: Slack takes 13,200 in all, with what else six rows say.
ROOM = 6_000


@dataclass
class _Shared:
    """A card, and the notice on it in the conversation's thread, while they fill."""

    count: int = 0
    used: int = 0  # characters
    card: str = field(default_factory=lambda: str(uuid.uuid4()))
    notice: str = field(default_factory=lambda: str(uuid.uuid4()))

    def takes(self, length: int) -> bool:
        fits = self.count < REQUESTS_PER_CARD and self.used + length <= ROOM
        return fits or not self.count


class Places:
    """The card of each request, and beside it what the conversation's thread says.

    Requests that are raised together share both, as many as one card holds, where the
    same group is asked first, in one channel; the calls of a batch do so in any case.
    A card that is posted takes no further request. The notice is sent when the card
    stands, since it links to it; a card that stands in the thread itself needs none.
    """

    def __init__(self, turn: Turn, asked: Sequence[ProposedCall]) -> None:
        self._turn = turn
        self._calls = Counter(ask.interrupt for ask in asked)
        self._filling: dict[tuple[str, str], _Shared] = {}

    def of(
        self, ask: ProposedCall, ruling: Assessment, first: str
    ) -> dict[str, str | None]:
        """Return where a request is shown, as the statement wants it.

        `first`: the user id of the person who gets the card directly, or "".
        """
        turn, in_thread = self._turn, ruling.channel == THREAD
        waits = ruling.status is Status.PENDING
        shared = self._shared(ask, ruling, first) if waits else None
        return {
            "card": shared.card if shared else None,
            "card_channel": turn.channel if in_thread else first or ruling.channel,
            "card_user": first or None,
            "card_thread": turn.thread_ts if in_thread else None,
            "notice": shared.notice if shared and not in_thread else None,
            "channel": turn.channel,
            "thread": turn.thread_ts,
        }

    def _shared(self, ask: ProposedCall, ruling: Assessment, first: str) -> _Shared:
        is_batch = self._calls[ask.interrupt] > 1
        with_whom = ask.interrupt if is_batch else ruling.stages[0].approvers
        key, length = (with_whom, first or ruling.channel), _length(ask)
        shared = self._filling.get(key)
        if shared is None or not shared.takes(length):
            shared = self._filling[key] = _Shared()
        shared.count += 1
        shared.used += length
        return shared


def _length(ask: ProposedCall) -> int:
    """About how many characters the arguments take on a card, rather more than less."""
    return len(json.dumps(ask.arguments, indent=2))
