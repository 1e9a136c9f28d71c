"""Turn database rows into the frozen values of the model."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from bot.approvals.model import (
    Decision,
    Execution,
    Person,
    Request,
    Stage,
    Status,
    Verdict,
)


def request_from(row: Mapping[str, Any]) -> Request:
    """One row of `select_request` or `select_requests` as a Request."""
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
        decisions=tuple(_decision(word) for word in row["decisions"] or ()),
        decided_at=row["decided_at"],
        outcome_note=row["outcome_note"],
        execution=Execution(row["execution"]) if row["execution"] else None,
        note=row["note"],
        position=row["position"],
        schema_digest=row["schema_digest"],
        card=str(row["card_id"] or ""),
        card_channel=(row["card"] or [None, None])[0] or "",
        card_ts=(row["card"] or [None, None])[1] or "",
        notice=str(row["notice_id"] or ""),
    )


def _stage(row: Mapping[str, Any]) -> Stage:
    return Stage(
        approvers=row["approvers"],
        people=tuple(row["people"]),
        quorum=row["quorum"],
        opened_at=_time(row["opened_at"]),
        passed_at=_time(row["passed_at"]),
    )


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
