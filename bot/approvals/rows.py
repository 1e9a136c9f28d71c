"""Turn database rows into the frozen values of the model."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from bot.approvals.model import (
    Comment,
    Confirm,
    Decision,
    Execution,
    Kind,
    Outcome,
    Person,
    Request,
    Stage,
    Status,
    Verdict,
)


def request_from(row: Mapping[str, Any]) -> Request:
    """One row of the view `stored_requests` as a Request."""
    raised = row["raised_arguments"]
    words = [(_decision(word), word["voided_at"]) for word in row["decisions"] or ()]
    return Request(
        id=row["id"],
        code=row["code"],
        team=row["team_id"],
        conversation=str(row["conversation_id"]),
        interrupt=row["interrupt_id"],
        tool_call=row["tool_call_id"],
        tool=row["tool"],
        arguments=json.loads(row["arguments"]),
        call_digest=row["call_digest"],
        grant_digest=row["grant_digest"],
        requester=Person(row["enterprise_id"], row["team_id"], row["requester_id"]),
        participants=tuple(row["participants"]),
        rules=tuple(row["rules"]),
        why=tuple(row["why"]),
        policy_version=row["policy_version"],
        stages=tuple(_stage(stage) for stage in row["stages"] or ()),
        status=Status(row["status"]),
        raised_at=row["raised_at"],
        expires_at=row["expires_at"],
        decisions=tuple(word for word, voided in words if voided is None),
        decided_at=row["decided_at"],
        outcome=Outcome(row["outcome"]),
        outcome_note=row["outcome_note"],
        execution=Execution(row["execution"]) if row["execution"] else None,
        note=row["note"],
        position=row["position"],
        schema_digest=row["schema_digest"],
        card=str(row["card_id"] or ""),
        card_channel=(row["card"] or [None, None])[0] or "",
        card_ts=(row["card"] or [None, None])[1] or "",
        notice=str(row["notice_id"] or ""),
        token=row["token"] or row["id"],
        confirm=Confirm(row["confirm"]),
        confirm_argument=row["confirm_argument"],
        allow=tuple(Verdict(word) for word in row["allow"]),
        schema=json.loads(row["schema"]),
        raised_arguments=None if raised is None else json.loads(raised),
        edited_by=row["edited_by"],
        comments=tuple(_comment(comment) for comment in row["comments"] or ()),
        places=tuple((channel, ts) for channel, ts in row["places"] or ()),
        voided=tuple(word for word, voided in words if voided is not None),
        kind=Kind(row["kind"]),
    )


def _stage(row: Mapping[str, Any]) -> Stage:
    return Stage(
        approvers=row["approvers"],
        people=tuple(row["people"]),
        quorum=row["quorum"],
        opened_at=_time(row["opened_at"]),
        passed_at=_time(row["passed_at"]),
        source=row["source"],
        channel=row["channel"],
    )


def _comment(row: Mapping[str, Any]) -> Comment:
    at = dt.datetime.fromisoformat(row["at"])
    return Comment(user=row["user_id"], text=row["text"], at=at)


def _decision(row: Mapping[str, Any]) -> Decision:
    return Decision(
        person=Person(row["enterprise_id"], row["team_id"], row["user_id"]),
        verdict=Verdict(row["verdict"]),
        stage=row["stage"],
        at=dt.datetime.fromisoformat(row["at"]),
        via=row["via"],
        reason=row["reason"],
        click=row["click"],
    )


def _time(text: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(text) if text else None
