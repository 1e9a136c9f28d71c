"""The state of a request, by the trail and the tables, for every transport."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.support.demo import PEOPLE
from tests.support.stage import Stage


@dataclass
class Board:
    """One request of a stage."""

    stage: Stage
    request: str

    def came_of(self, who: str) -> str:
        """The effect of a person's last word, or why it had none, by the trail."""
        event, word = self.stage.records.rows(
            "SELECT event, detail ->> 'word' FROM audit"
            " WHERE request_id = %s AND actor = %s ORDER BY seq DESC LIMIT 1",
            self.request,
            PEOPLE[who],
        )[0]
        return word if event == "refused" else event

    def known_by(self, event: str) -> list[str]:
        """The ways in which an event's actors were known, by the rows on the chain."""
        rows = self.stage.records.rows(
            "SELECT via FROM audit JOIN audit_chain USING (seq)"
            " WHERE request_id = %s AND event = %s ORDER BY seq",
            self.request,
            event,
        )
        return [via for (via,) in rows]

    def stands(self) -> str:
        """A status, or the stage that is open and how many have approved it."""
        if not self.is_open:
            return self.stage.records.status(self.request)
        group, count, quorum = self.stage.records.rows(
            "SELECT approvers, (SELECT count(*) FROM decisions d WHERE"
            " d.request_id = s.request_id AND stage = position AND voided_at IS NULL),"
            " quorum FROM stages s WHERE request_id = %s AND passed_at IS NULL"
            " ORDER BY position LIMIT 1",
            self.request,
        )[0]
        return f"{group} {count}/{quorum}"

    @property
    def is_open(self) -> bool:
        return self.stage.records.status(self.request) == "pending"

    @property
    def token(self) -> str:
        query = "SELECT COALESCE(token, id) FROM requests WHERE id = %s"
        return self.stage.records.value(query, self.request)

    @property
    def arguments(self) -> dict[str, Any]:
        query = "SELECT arguments FROM requests WHERE id = %s"
        return json.loads(self.stage.records.value(query, self.request))

    @property
    def digest(self) -> str:
        query = "SELECT grant_digest FROM requests WHERE id = %s"
        return self.stage.records.value(query, self.request)

    @property
    def to_type(self) -> str | None:
        """The value to type in to approve; None if there is none."""
        confirm, path = self.stage.records.rows(
            "SELECT confirm, confirm_argument FROM requests WHERE id = %s",
            self.request,
        )[0]
        return str(self.arguments[path]) if confirm == "typed" else None
