"""The history of a request: rows of the trail as sentences."""

from __future__ import annotations

from typing import Any

import pytest

from bot.approvals.model import Effect
from bot.texts.cards import sentence


def row(event: str, **fields: Any) -> dict[str, Any]:
    """A row of the trail; what is no column stands in its detail."""
    columns = {"actor": "bot", "via": "", "number": 1, "calls": 1}
    given = {name: fields.pop(name) for name in list(fields) if name in columns}
    detail = {"tool": "delete_file", **fields}
    return {"event": event, **columns, **given, "detail": detail}


def by(event: str, user: str = "U0MINA", **fields: Any) -> dict[str, Any]:
    return row(event, actor=user, via=fields.pop("via", "slack"), **fields)


@pytest.mark.parametrize(
    ("happened", "told"),
    [
        (by("received", channel="C01"), "<@U0MINA> wrote to the agent in <#C01>."),
        (
            by("received", channel="D01"),
            "<@U0MINA> wrote to the agent in a direct message.",
        ),
        (
            row("requested", on_behalf_of="U0RAVI", rules=["one", "two"]),
            "The agent asked to run `delete_file` for <@U0RAVI>. The rules *one* and "
            "*two* want people to decide.",
        ),
        (
            row("requested", on_behalf_of="U0RAVI", rules=[]),
            "The agent asked to run `delete_file` for <@U0RAVI>.",
        ),
        (row("shown", channel="C01"), "The card was posted in <#C01>."),
        (by("stage_passed"), "<@U0MINA> approved. The next stage is open."),
        (by("approved"), "<@U0MINA> approved. That was the last approval needed."),
        (by("rejected", note="too risky"), "<@U0MINA> rejected it: “too risky”"),
        (by("rejected"), "<@U0MINA> rejected it."),
        (by("reason_added", reason="denied: no"), "<@U0MINA> said why: “denied: no”"),
        (
            by("rejected", "operator ann", via="cli", reason="stop"),
            "An operator rejected it at the command line: “stop”",
        ),
        (
            row("rejected", note="unfillable:managers"),
            "Rejected: too few people can decide the stage “managers”.",
        ),
        (
            by("refused", word="not_in_group", verdict="approve"),
            "<@U0MINA> clicked Approve and was refused: <@U0MINA> is not among "
            "those who can decide it.",
        ),
        (
            row("refused", word="its approval does not hold"),
            "`delete_file` was not run: its approval does not hold.",
        ),
        (
            by("late", word="timed_out"),
            "<@U0MINA> clicked, too late: it had timed out already.",
        ),
        (
            by("voided", reason="<@U0MINA> may no longer decide: guest"),
            "<@U0MINA> may no longer decide (guest), so it was asked again.",
        ),
        (
            row("rejected", note="directors", outcome="unfillable"),
            "Rejected: too few people can decide the stage “directors”.",
        ),
        (
            row("rejected", note="Not from here.", outcome="denied"),
            "The policy denied it: Not from here.",
        ),
        (
            row("rejected", note="denied:Not from here."),
            "The policy denied it: Not from here.",
        ),
        (
            row("rejected", note="U0MINA 2026", outcome="repeated"),
            "Rejected: the same request was rejected within the last hour.",
        ),
        (
            by("rejected", note="denied: by me", outcome=""),
            "<@U0MINA> rejected it: “denied: by me”",
        ),
        (
            by("edited", before="0123"),
            "<@U0MINA> changed the arguments. Earlier approvals do not count.",
        ),
        (
            by("edited", stage=0, note="", outcome=""),
            "The new values need approval.",
        ),
        (
            by("answered", note="use the old one"),
            "<@U0MINA> answered in its place, so it does not run: “use the old one”",
        ),
        (
            row("tightened", note="The policy has changed: directors."),
            "The policy has changed: directors.",
        ),
        (
            by("refused", word="superseded", verdict="approve"),
            "<@U0MINA> clicked Approve and was refused: <@U0MINA> had a card from "
            "before the request changed.",
        ),
        (row("ran"), "`delete_file` ran."),
        (by("reminded", "clock", via=""), "Those who can decide were reminded."),
        (
            by("escalated", "clock", via="", group="managers"),
            "The stage “managers” has waited too long: more people can decide it now.",
        ),
        (
            row("unknown"),
            "`delete_file` was cut off in the middle; it is unknown whether it "
            "happened.",
        ),
        (row("something_new"), "Recorded: something_new."),
    ],
)
def test_a_row_becomes_a_sentence(happened: dict[str, Any], told: str):
    assert sentence(happened) == told


@pytest.mark.parametrize("effect", Effect)
def test_whatever_a_word_can_do_has_a_sentence(effect: Effect):
    assert not sentence(by(str(effect))).startswith("Recorded")


def test_several_calls_on_a_card_are_told_apart():
    assert sentence(row("ran", number=2, calls=3)) == "Request 2: `delete_file` ran."


def test_what_others_wrote_stays_plain_text():
    told = sentence(by("rejected", note="<!channel> *now*\n" + "x" * 400))
    assert "<!channel>" not in told
    assert "&lt;!channel&gt;" in told
    assert "\n" not in told
    assert len(told) < 400
    tool = sentence(row("ran", tool="a`<@U0DORA>`"))
    assert tool == "`a'&lt;@U0DORA&gt;'` ran."
