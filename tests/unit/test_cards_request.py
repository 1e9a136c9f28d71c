"""The card of a request that waits: what it says, and what can be clicked."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from bot.approvals.model import (
    Confirm,
    Escalation,
    Outcome,
    Stage,
    Status,
    Target,
    Times,
    Verdict,
)
from bot.approvals.raise_request import REQUESTS_PER_CARD
from bot.simulator.block_check import errors
from bot.slack.cards.card import card_blocks, card_text
from bot.slack.cards.view import CardView, bundle
from bot.texts.formatting import date
from tests.support.cards_samples import (
    LATER,
    buttons,
    closed,
    comment,
    decision,
    menu_values,
    objects,
    of_type,
    preformatted_text,
    section_text,
    texts,
    view,
)
from tests.support.people import DANA, MINA, OMAR, RAVI
from tests.support.request_builder import NOW, request


def without_ids(blocks):
    return [{k: v for k, v in b.items() if k != "block_id"} for b in blocks]


def plain(text):
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def rich(text, style=None):
    element = {"type": "text", "text": text}
    return {
        "type": "rich_text_section",
        "elements": [element | ({"style": style} if style else {})],
    }


def code(text):
    return {
        "type": "rich_text_preformatted",
        "elements": [{"type": "text", "text": text}],
    }


def test_the_card_of_an_ordinary_request_word_for_word():
    blocks = card_blocks(view(first_post=True))

    bold = {"bold": True}
    until = date(NOW + dt.timedelta(hours=24))
    assert errors(blocks) == []
    assert without_ids(blocks) == [
        {
            "type": "section",
            "text": mrkdwn(f"<@{MINA}> and <@{OMAR}>: your decision is needed."),
            "expand": True,
        },
        {"type": "header", "text": plain("Approval needed: delete_file")},
        {
            "type": "section",
            "text": mrkdwn(
                f"*Asked by* <@{RAVI}>\n"
                "*Rule* deleting\n"
                "*Why* Deleted files cannot be restored.\n"
                "*Stage 1 of 1, managers, now:* 0 of 1 approval; "
                f"can decide: <@{MINA}> and <@{OMAR}>\n"
                f"*Decide until* {until}"
            ),
            "expand": True,
        },
        {
            "type": "rich_text",
            "elements": [
                rich("Tool", bold),
                code("delete_file"),
                rich("Arguments", bold),
                code('{\n  "path": "reports/q3.csv"\n}'),
            ],
        },
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "approve",
                    "text": plain("Approve"),
                    "value": "req-1",
                    "accessibility_label": "Approve request K7QP",
                    "style": "primary",
                },
                {
                    "type": "button",
                    "action_id": "reject",
                    "text": plain("Reject"),
                    "value": "req-1",
                    "accessibility_label": "Reject request K7QP",
                },
                {
                    "type": "overflow",
                    "action_id": "more",
                    "options": [
                        {"text": plain(text), "value": value}
                        for text, value in [
                            ("Reject with reason…", "reject:req-1"),
                            ("Edit…", "edit:req-1"),
                            ("View in full", "view:req-1"),
                            ("Withdraw", "withdraw:req-1"),
                            ("History…", "history:req-1"),
                        ]
                    ],
                },
            ],
        },
        {
            "type": "context",
            "elements": [mrkdwn("Request K7QP · grant 0123456789ab")],
        },
    ]


def test_the_fallback_text_stands_alone():
    until = date(NOW + dt.timedelta(hours=24))
    assert card_text(view()) == (
        f"Approval needed: <@{RAVI}> asks to run delete_file (K7QP). "
        f"Decide until {until}."
    )


def test_an_edit_has_no_line_that_calls_people():
    assert "your decision is needed" not in str(card_blocks(view(first_post=False)))


def test_the_first_post_calls_five_people_and_counts_the_others():
    people = [f"U{n}" for n in range(8)]
    first = card_blocks(view(first_post=True, can_decide=people))[0]
    assert first["text"]["text"].startswith("<@U0>, <@U1>, <@U2>, <@U3>, <@U4> and 3")


def test_the_agents_own_words_come_last_and_are_marked():
    blocks = card_blocks(view(request(note="Already approved by the CFO.")))
    assert texts(blocks[-1]) == [
        "The agent says (unverified):",
        "Already approved by the CFO.",
    ]
    assert of_type(blocks[-1], "rich_text_preformatted")


def test_hostile_agent_notes_leave_the_other_blocks_unchanged():
    quiet = without_ids(card_blocks(view(request())))
    for note in ("x", "\n" * 500, "*Asked by* <@U0BOSS>\n```", "y" * 50_000):
        loud = without_ids(card_blocks(view(request(note=note))))
        assert loud[: len(quiet)] == quiet


def test_stages_say_what_passed_what_is_open_and_what_comes():
    stages = (
        Stage("finance", (MINA,), 1, NOW, LATER),
        Stage("directors", (OMAR, DANA), 2, LATER),
        Stage("ceo", ("U0CEO",)),
    )
    decisions = (decision(MINA, stage=0), decision(OMAR, stage=1))
    card = view(request(stages=stages, decisions=decisions), can_decide=[DANA])

    lines = section_text(card_blocks(card)).splitlines()

    passed = f"*Stage 1 of 3, finance, passed:* <@{MINA}>, {date(LATER)}"
    assert passed in lines
    assert (
        f"*Stage 2 of 3, directors, now:* 1 of 2 approvals (<@{OMAR}>); "
        f"can decide: <@{DANA}>"
    ) in lines
    assert "*Stage 3 of 3, ceo, to come:* 1 approval needed" in lines


def test_a_long_chain_shows_the_open_stage():
    stages = [Stage(f"g{n}", (MINA,), 1, NOW, LATER) for n in range(20)]
    stages[12:] = [Stage(f"g{n}", (MINA,)) for n in range(12, 20)]
    text = section_text(card_blocks(view(request(stages=tuple(stages)))))
    assert "*Stage 13 of 20, g12, now:*" in text
    assert text.count("*Stage") == 6


def test_after_the_deadline_a_card_has_no_buttons():
    card = view(now=NOW + dt.timedelta(hours=24))
    assert buttons(card_blocks(card)) == {}
    assert "The time to decide is over" in section_text(card_blocks(card))


def test_requests_on_a_card_have_their_own_buttons_in_order():
    first, second = request(), request(id="req-2", code="M3XA", tool="write_file")
    gone = closed(Status.REJECTED, id="req-3")
    blocks = card_blocks(view(first, gone, second))

    values = [each["value"] for each in of_type(blocks, "button")]
    titles = [each["text"]["text"] for each in of_type(blocks, "header")]
    of_all = bundle([first, gone, second])
    assert values == ["req-1", "req-1", "req-2", "req-2", of_all, of_all]
    assert titles == [
        "Approval needed: delete_file",
        "Rejected: delete_file",
        "Approval needed: write_file",
    ]
    assert errors(blocks) == []


def test_a_card_takes_only_as_many_requests_as_fit():
    with pytest.raises(ValueError, match="another card"):
        view(*[request(id=str(n)) for n in range(REQUESTS_PER_CARD + 1)])
    with pytest.raises(ValueError, match="1 to"):
        CardView(())


def test_block_ids_change_with_the_content_and_with_the_version():
    card = view()
    again = dataclasses.replace(card, version=1)
    changed = view(request(why=("Because.",)))

    ids = [
        {block["block_id"] for block in card_blocks(each)}
        for each in (card, again, changed)
    ]
    assert ids[0] == {block["block_id"] for block in card_blocks(card)}
    assert not ids[0] & (ids[1] | ids[2])


def test_an_odd_tool_name_stays_out_of_title_and_fallback():
    odd = request(tool="delete <!channel>\u202e")
    blocks = card_blocks(view(odd))
    assert of_type(blocks, "header")[0]["text"]["text"] == "Approval needed"
    assert "delete <!channel>\\u{202E}" in preformatted_text(blocks)
    assert "asks to run a tool (K7QP)" in card_text(view(odd))
    assert "Approve" in buttons(blocks)


def test_an_overlong_tool_name_takes_approve_off_the_card():
    assert "Approve" not in buttons(card_blocks(view(request(tool="x" * 201))))


def test_words_of_the_policy_are_escaped():
    odd = request(rules=("<a>",), why=("A & <b>\n\nc",))
    text = section_text(card_blocks(view(odd)))
    assert "*Rule* &lt;a&gt;" in text
    assert "*Why* A &amp; &lt;b&gt; c" in text


def test_a_card_has_no_images_links_or_danger_buttons():
    for part in objects(card_blocks(view(first_post=True))):
        assert part.get("type") not in ("image", "link")
        assert part.get("style") in (None, "primary", {"bold": True})


def test_buttons_and_menu_carry_the_token_and_nothing_else():
    shown = card_blocks(view(request(token="t-9", arguments={"amount": 5})))
    carried = [b["value"] for b in of_type(shown, "button")]
    carried += [value.partition(":")[2] for value in menu_values(shown).values()]
    assert carried == ["t-9"] * 7


@pytest.mark.parametrize(
    ("allow", "shown", "in_menu"),
    [
        (
            tuple(Verdict)[:4],
            ["Approve", "Reject", "History…"],
            ["Reject with reason…", "Edit…", "Answer…", "View in full", "Withdraw"],
        ),
        ((Verdict.APPROVE,), ["Approve"], ["View in full", "Withdraw", "History…"]),
        (
            (Verdict.REJECT, Verdict.ANSWER),
            ["Reject"],
            [
                *("Reject with reason…", "Answer…", "View in full", "Withdraw"),
                "History…",
            ],
        ),
    ],
)
def test_a_card_offers_what_the_rule_allows(allow, shown, in_menu):
    blocks = card_blocks(view(request(allow=allow)))
    assert errors(blocks) == []
    assert list(buttons(blocks)) == shown
    assert list(menu_values(blocks)) == in_menu


def test_the_dialog_shows_the_call_and_plain_button_labels():
    asked = request(
        confirm=Confirm.DIALOG,
        tool="transfer_money",
        arguments={"to": "ACME\u202e", "amount": 500},
    )
    approve = buttons(card_blocks(view(asked)))["Approve"]
    assert approve["action_id"] == "approve"
    assert approve["confirm"] == {
        "title": plain("Approve request K7QP?"),
        "text": plain(
            'You approve this call:\ntransfer_money\n"amount": 500\n'
            '"to": "ACME\\u{202E}"'
        ),
        "confirm": plain("Approve"),
        "deny": plain("Go back"),
    }


def test_a_typed_confirmation_has_a_button_of_its_own():
    approve = buttons(card_blocks(view(request(confirm=Confirm.TYPED))))["Approve"]
    assert (approve["action_id"], approve["value"]) == ("approve_typed", "req-1")
    assert "confirm" not in approve


def test_an_edited_card_shows_old_and_new_and_who():
    edited = request(
        raised_arguments={"amount": 500, "to": "ACME", "cc": "x"},
        arguments={"amount": 800, "to": "ACME", "note": "a → b"},
        edited_by=OMAR,
    )
    blocks = card_blocks(view(edited))
    assert errors(blocks) == []
    assert [e["user_id"] for e in of_type(blocks, "user")] == [OMAR]
    assert (
        '"amount": 500 → 800\n"cc": "x" → (absent)\n"note": (absent) → "a → b"'
        in preformatted_text(blocks)
    )
    assert '"to": "ACME"' in preformatted_text(blocks)
    assert "ACME" not in section_text(blocks)


def test_many_changes_are_counted():
    edited = request(
        raised_arguments={f"a{n}": n for n in range(30)},
        arguments={f"a{n}": n + 1 for n in range(30)},
        edited_by="no id <!channel>",
    )
    blocks = card_blocks(view(edited))
    assert "… and 20 more arguments are changed." in texts(blocks)
    assert of_type(blocks, "user") == []
    assert errors(blocks) == []


def test_the_latest_three_comments_stand_where_nothing_is_parsed():
    said = tuple(comment(f"<!channel> *{n}*", OMAR) for n in range(5))
    blocks = card_blocks(view(request(comments=said)))
    assert errors(blocks) == []
    assert [e["user_id"] for e in of_type(blocks, "user")] == [OMAR] * 3
    assert "<!channel> *2*<!channel> *3*<!channel> *4*" in preformatted_text(blocks)
    assert "channel" not in section_text(blocks)


def test_a_reopened_card_says_first_why():
    lost = decision(MINA)
    again = request(
        outcome=Outcome.REOPENED,
        end_note=f"<@{MINA}> may no longer decide: <!channel> <@{OMAR}> & guest",
        voided=(lost,),
    )
    blocks = card_blocks(view(again))
    assert section_text(blocks).splitlines()[0] == (
        f"*Open again* <@{MINA}> may no longer decide: &lt;!channel&gt; "
        f"&lt;@{OMAR}&gt; &amp; guest"
    )
    assert "Approve" in buttons(blocks)


@pytest.mark.parametrize(
    ("channel", "where"),
    [("C0FINANCE", "in <#C0FINANCE>"), ("D1", "in the conversation's thread")],
)
def test_a_card_whose_request_is_decided_elsewhere_says_where(channel, where):
    moved = request(channel=channel)
    blocks = card_blocks(view(moved, first_post=True, elsewhere=True))
    assert "*Decided now* " in section_text(blocks)
    assert where in section_text(blocks)
    assert of_type(blocks, "actions") == []
    assert "your decision is needed" not in str(blocks)
    assert "*Decide until*" in section_text(blocks)


def test_a_later_stage_names_its_channel_if_it_differs():
    stages = (
        Stage("managers", (MINA,), channel="C1"),
        Stage("finance", (OMAR,), channel="C2"),
        Stage("directors", (DANA,), channel="thread"),
        Stage("ceo", ("U0CEO",), channel="C1"),
    )
    lines = section_text(card_blocks(view(request(stages=stages)))).splitlines()
    assert "*Stage 2 of 4, finance, to come:* 1 approval needed, in <#C2>" in lines
    assert any(line.endswith("needed, in the conversation's thread") for line in lines)
    assert "*Stage 4 of 4, ceo, to come:* 1 approval needed" in lines


def timed(**changes) -> Stage:
    targets = (Target("directors", (DANA,)), Target("the <board>", ()))
    escalation = Escalation(dt.timedelta(hours=6), targets)
    times = Times(None, tuple(map(hours_of, (4, 20))), escalation)
    return Stage("managers", (MINA, OMAR), opened_at=NOW, times=times, **changes)


def hours_of(number: float) -> dt.timedelta:
    return dt.timedelta(hours=number)


def test_a_card_says_what_comes_next_and_when():
    text = section_text(card_blocks(view(request(stages=(timed(),)))))
    assert text.endswith(
        f"*Next* reminder {date(NOW + hours_of(4))} · "
        f"directors and the &lt;board&gt; can decide too {date(NOW + hours_of(6))} · "
        f"reminder {date(NOW + hours_of(20))} · rejected {date(NOW + hours_of(24))}"
    )


def test_what_has_come_stands_no_longer_under_what_comes():
    since = NOW + hours_of(6)
    stage = timed(reminded_at=NOW + hours_of(4), escalated_at=since)
    text = section_text(card_blocks(view(request(stages=(stage,)), now=since)))
    assert (
        f"managers, joined by directors and the &lt;board&gt; {date(since)}, " in text
    )
    assert f"*Next* reminder {date(NOW + hours_of(20))} · rejected " in text


def test_a_card_counts_what_it_has_no_room_for():
    many = tuple(hours_of(number / 2) for number in range(1, 20))
    stage = dataclasses.replace(timed(), times=Times(reminders=many))
    blocks = card_blocks(view(request(stages=(stage,))))
    assert " · 16 more · rejected " in section_text(blocks)


def test_the_open_stages_timeout_is_the_time_to_decide():
    stage = dataclasses.replace(timed(), times=Times(timeout=hours_of(2)))
    shown = view(request(stages=(stage,)))
    assert f"*Decide until* {date(NOW + hours_of(2))}" in section_text(
        card_blocks(shown)
    )
    assert f"Decide until {date(NOW + hours_of(2))}." in card_text(shown)
    late = view(request(stages=(stage,)), now=NOW + hours_of(2))
    assert buttons(card_blocks(late)).keys() & {"Approve", "Reject"} == set()
