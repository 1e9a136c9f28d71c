"""The card of a request that waits: what it says, and what can be clicked."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest

from bot.approvals.model import Confirm, Outcome, Risk, Status, Verdict
from bot.approvals.raise_request import REQUESTS_PER_CARD
from bot.simulator.block_check import errors
from bot.slack.cards.card import card_blocks, card_text
from bot.slack.cards.view import CardView, bundle
from bot.texts.formatting import date
from tests.support.cards_samples import (
    buttons,
    closed,
    comment,
    decision,
    fields,
    grey_text,
    headlines,
    menu_values,
    objects,
    of_type,
    preformatted_text,
    section_text,
    texts,
    view,
)
from tests.support.people import MINA, OMAR, RAVI
from tests.support.request_builder import NOW, request


def without_ids(blocks):
    return [{k: v for k, v in b.items() if k != "block_id"} for b in blocks]


def plain(text):
    return {"type": "plain_text", "text": text, "emoji": False}


def mrkdwn(text):
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def text(words, **style):
    return {"type": "text", "text": words} | ({"style": style} if style else {})


def rich(*elements):
    part = {"type": "rich_text_section", "elements": [*elements]}
    return {"type": "rich_text", "elements": [part]}


def test_the_card_of_an_ordinary_request_word_for_word():
    asked = request(asked_in="C0GENERAL", tool_title="Delete {path}", notice="n-1")
    blocks = card_blocks(view(asked))

    until = date(NOW + dt.timedelta(hours=24))
    path = text("reports/q3.csv", code=True)
    assert errors(blocks) == []
    assert without_ids(blocks) == [
        rich(text("⏳ "), text("Delete ", bold=True), path, text(" · Waiting")),
        {
            "type": "section",
            "text": mrkdwn(
                f"<@{RAVI}> asked in <#C0GENERAL> · Deleted files cannot be restored."
            ),
            "expand": True,
        },
        rich(text("path", code=True), text("  "), path),
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
                            ("History…", "history:req-1"),
                        ]
                    ],
                },
            ],
        },
        {
            "type": "context",
            "elements": [
                mrkdwn(
                    f"<@{MINA}> or <@{OMAR}> · by {until} · `delete_file` · K7QP · "
                    "0123456789ab"
                )
            ],
        },
    ]


def test_the_fallback_text_stands_alone():
    until = date(NOW + dt.timedelta(hours=24))
    assert card_text(view()) == (
        f"Approval needed: *Delete file* `reports/q3.csv`, asked by <@{RAVI}>, "
        f"by {until} (K7QP)"
    )


def test_the_grey_line_names_five_people_and_counts_the_others():
    people = [f"U{n}" for n in range(8)]
    grey = grey_text(card_blocks(view(can_decide=people)))
    assert grey.startswith("<@U0>, <@U1>, <@U2>, <@U3>, <@U4> or 3 more · by ")


def test_a_card_that_nobody_can_decide_says_so():
    assert "no one can decide this" in grey_text(card_blocks(view(can_decide=())))


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


def test_after_the_deadline_a_card_has_no_buttons():
    card = view(now=NOW + dt.timedelta(hours=24))
    assert buttons(card_blocks(card)) == {}
    assert "time ran out" in grey_text(card_blocks(card))


def test_requests_on_a_card_have_their_own_buttons_in_order():
    first, second = request(), request(id="req-2", code="M3XA", tool="write_file")
    gone = closed(Status.REJECTED, id="req-3")
    blocks = card_blocks(view(first, gone, second))

    values = [each["value"] for each in of_type(blocks, "button")]
    for_all = [bundle(f"{word}_all", [first, second]) for word in ("approve", "reject")]
    assert values == ["req-1", "req-1", "req-2", "req-2", *for_all]
    assert len(of_type(blocks, "divider")) == 3
    assert headlines(blocks) == [
        "⏳ Delete file reports/q3.csv · Waiting",
        "⛔ Delete file reports/q3.csv · Rejected",
        "⏳ Write file reports/q3.csv · Waiting",
    ]
    assert "Approve the other 2" in buttons(blocks)
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


def test_an_odd_tool_name_is_a_value_and_no_words():
    odd = request(tool="delete <!channel>\u202e")
    blocks = card_blocks(view(odd))
    run, name = of_type(blocks[0], "text")[1:3]
    assert (run["text"], run["style"]) == ("Run ", {"bold": True})
    assert name == text("delete <!channel>\\u{202E}", code=True)
    assert "delete <!channel>\\u{202E}" in preformatted_text(blocks)
    assert "*Run* `delete &lt;!channel&gt;\\u{202E}`" in card_text(view(odd))
    assert "<!channel>" not in grey_text(blocks)
    assert "Approve" in buttons(blocks)


def test_an_overlong_tool_name_takes_approve_off_the_card():
    assert "Approve" not in buttons(card_blocks(view(request(tool="x" * 201))))


def test_words_of_the_policy_are_escaped():
    odd = request(title="<Do> it & {path}", why=("A & <b>\n\nc",))
    assert " · A &amp; &lt;b&gt; c" in section_text(card_blocks(view(odd)))
    assert "*&lt;Do&gt; it &amp;* `reports/q3.csv`" in card_text(view(odd))


def test_a_card_has_no_images_or_links():
    for part in objects(card_blocks(view())):
        assert part.get("type") not in ("image", "link")


def test_high_risk_is_said_in_words_and_asks_once_more():
    risky = request(risk=Risk.HIGH, tool_title="Delete {path}")
    blocks = card_blocks(view(risky))
    approve = buttons(blocks)["Approve"]
    assert errors(blocks) == []
    assert headlines(blocks)[0].endswith(" · Waiting · ⚠ High risk")
    assert grey_text(blocks).startswith("⚠ High risk · ")
    assert approve["style"] == approve["confirm"]["style"] == "danger"
    assert "Delete `reports/q3.csv`" in approve["confirm"]["text"]["text"]
    assert "⚠ High risk" in card_text(view(risky))


def test_a_risky_request_with_a_typed_value_has_no_dialog():
    risky = request(risk=Risk.HIGH, confirm=Confirm.TYPED)
    approve = buttons(card_blocks(view(risky)))["Approve"]
    assert (approve["style"], "confirm" in approve) == ("danger", False)


def test_a_low_risk_is_named_in_the_grey_line_alone():
    blocks = card_blocks(view(request(risk=Risk.LOW)))
    assert grey_text(blocks).startswith("Low risk · ")
    assert buttons(blocks)["Approve"]["style"] == "primary"


def test_where_the_policy_wants_a_reason_reject_opens_a_form():
    reject = buttons(card_blocks(view(request(asks_reason=True))))["Reject"]
    assert reject["action_id"] == "reject_ask"


def test_fields_stand_in_order_as_code_and_long_texts_below():
    schema = {"required": ["to", "n"], "properties": {"to": {}, "n": {}, "body": {}}}
    given = {"body": "a\nb", "n": 12, "to": "12", "x y": {"b": [1], "a": None}}
    blocks = card_blocks(view(request(arguments=given, schema=schema)))
    assert fields(blocks) == [
        ("to", '"12"'),
        ("n", "12"),
        ("body", "a\nb"),
        ('"x y"', '{"a": null, "b": [1]}'),
    ]
    labels = {"to": {"bold": True}, '"x y"': {"code": True}}
    for name, style in labels.items():
        assert text(name, **style) in of_type(blocks, "text")
    assert preformatted_text(blocks) == "a\nb"


def test_buttons_and_menu_carry_the_token_and_nothing_else():
    shown = card_blocks(view(request(token="t-9", arguments={"amount": 5})))
    carried = [b["value"] for b in of_type(shown, "button")]
    carried += [value.partition(":")[2] for value in menu_values(shown).values()]
    assert carried == ["t-9"] * 6


@pytest.mark.parametrize(
    ("allow", "shown", "in_menu"),
    [
        (
            tuple(Verdict)[:4],
            ["Approve", "Reject"],
            ["Reject with reason…", "Edit…", "Answer…", "View in full", "History…"],
        ),
        ((Verdict.APPROVE,), ["Approve"], ["View in full", "History…"]),
        (
            (Verdict.REJECT, Verdict.ANSWER),
            ["Reject"],
            ["Reject with reason…", "Answer…", "View in full", "History…"],
        ),
    ],
)
def test_a_card_offers_what_the_rule_allows(allow, shown, in_menu):
    long = {"text": "x" * 2_000}
    blocks = card_blocks(view(request(allow=allow, arguments=long, notice="n-1")))
    assert errors(blocks) == []
    assert list(buttons(blocks)) == shown
    assert list(menu_values(blocks)) == in_menu


def test_arguments_too_long_for_a_card_are_in_its_menu():
    blocks = card_blocks(view(request(arguments={"text": "x" * 5_000})))
    assert list(buttons(blocks)) == ["View in full", "Reject"]
    assert "View in full" in menu_values(blocks)


def test_a_button_is_read_aloud_with_its_own_text():
    long = request(arguments={"text": "x" * 5_000})
    for shown in of_type(card_blocks(view(long)), "button"):
        assert shown["accessibility_label"].startswith(shown["text"]["text"])


def test_without_a_notice_the_card_itself_offers_to_withdraw():
    assert "Withdraw" in menu_values(card_blocks(view()))
    assert "Withdraw" not in menu_values(card_blocks(view(request(notice="n-1"))))


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
            'You approve this:\nTransfer money `500`\n"amount": 500\n'
            '"to": "ACME\\u{202E}"'
        ),
        "confirm": plain("Approve"),
        "deny": plain("Go back"),
        "style": "primary",
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
        tool_title="Pay {amount} to {to}",
    )
    blocks = card_blocks(view(edited))
    assert errors(blocks) == []
    assert [e["user_id"] for e in of_type(blocks, "user")] == [OMAR]
    assert (
        '"amount": 500 → 800\n"cc": "x" → (absent)\n"note": (absent) → "a → b"'
        in preformatted_text(blocks)
    )
    assert headlines(blocks) == ["⏳ Pay 800 to ACME · Waiting"]
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
    blocks = card_blocks(view(moved, elsewhere=True))
    assert "*Decided now* " in section_text(blocks)
    assert where in section_text(blocks)
    assert of_type(blocks, "actions") == []
