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
    Mark,
    Outcome,
    Person,
    Request,
    Stage,
    Status,
    Verdict,
)


def request_from(row: Mapping[str, Any]) -> Request:
    """One row of the view `asked_requests` as a Request."""
    parts = (_call(row), _state(row), _manner(row), _words(row), _graphs(row))
    return Request(**{k: v for part in parts for k, v in part.items()})


def _call(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked, for whom."""
    raised = row["raised_arguments"]
    return {
        "id": row["id"],
        "code": row["code"],
        "team": row["team_id"],
        "conversation": str(row["conversation_id"]),
        "interrupt": row["interrupt_id"],
        "tool_call": row["tool_call_id"],
        "tool": row["tool"],
        "kind": Kind(row["kind"]),
        "arguments": json.loads(row["arguments"]),
        "raised_arguments": None if raised is None else json.loads(raised),
        "edited_by": row["edited_by"],
        "schema": json.loads(row["schema"]),
        "schema_digest": row["schema_digest"],
        "call_digest": row["call_digest"],
        "grant_digest": row["grant_digest"],
        "requester": Person(row["enterprise_id"], row["team_id"], row["requester_id"]),
        "participants": tuple(row["participants"]),
        "note": row["note"],
        "position": row["position"],
    }


def _graphs(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the graph takes, and what its question has come to."""
    takes = row["takes"]
    return {
        "guarded": row["guarded"],
        "takes": None if takes is None else tuple(Verdict(word) for word in takes),
        "headline": row["headline"],
        "form": None if row["form"] is None else json.loads(row["form"]),
        "answer_json": row["answer"],
        "refused_answer": row["refused_answer"],
        "graph_version": row["graph_version"],
        "marked": Mark(row["marked"]),
        "marked_by": row["marked_by"],
        "marked_at": row["marked_at"],
    }


def _state(row: Mapping[str, Any]) -> dict[str, Any]:
    """Where it stands, in the database and in Slack."""
    channel, ts = row["card"] or (None, None)
    return {
        "status": Status(row["status"]),
        "outcome": Outcome(row["outcome"]),
        "outcome_note": row["outcome_note"],
        "execution": Execution(row["execution"]) if row["execution"] else None,
        "raised_at": row["raised_at"],
        "expires_at": row["expires_at"],
        "decided_at": row["decided_at"],
        "token": row["token"] or row["id"],
        "card": str(row["card_id"] or ""),
        "card_channel": channel or "",
        "card_ts": ts or "",
        "notice": str(row["notice_id"] or ""),
        "places": tuple((channel, ts) for channel, ts in row["places"] or ()),
    }


def _manner(row: Mapping[str, Any]) -> dict[str, Any]:
    """How it may be decided, and by whom."""
    return {
        "rules": tuple(row["rules"]),
        "why": tuple(row["why"]),
        "policy_version": row["policy_version"],
        "stages": tuple(_stage(stage) for stage in row["stages"] or ()),
        "confirm": Confirm(row["confirm"]),
        "confirm_argument": row["confirm_argument"],
        "allow": tuple(Verdict(word) for word in row["allow"]),
    }


def _words(row: Mapping[str, Any]) -> dict[str, Any]:
    """What people have said."""
    words = [(_decision(word), word["voided_at"]) for word in row["decisions"] or ()]
    return {
        "decisions": tuple(word for word, voided in words if voided is None),
        "voided": tuple(word for word, voided in words if voided is not None),
        "comments": tuple(_comment(comment) for comment in row["comments"] or ()),
    }


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
