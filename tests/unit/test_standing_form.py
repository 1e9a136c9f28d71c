"""The form of *Approve for…*: what it offers is what it is read as, and no more."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from bot.approvals.policy.model import StandingOffer
from bot.approvals.standing_grants import EQUAL, UNDER, Binding, offer_of
from bot.slack.cards.blocks import CardRef
from bot.slack.cards.forms import standing_form, wish_from
from bot.slack.cards.view import RequestView, card_buttons
from tests.support.house import parsed
from tests.support.policies import policy_text
from tests.support.request_builder import NOW, PLAIN
from tests.support.shown import shown_texts

OFFER = StandingOffer(dt.timedelta(hours=2), 7)
CARD = CardRef("token", "C1", "1.1")
LIKE = "März/l\u043egs/a.log"  # with a Cyrillic o


def request_with(**arguments: object):
    return replace(PLAIN, call=replace(PLAIN.call, arguments=arguments))


def filled(**chosen: str) -> dict[str, object]:
    given = {"span-7200": "0", "uses-7": "0", "place": "0", **chosen}
    return {
        block: {"value": {"selected_option": {"value": value}}}
        for block, value in given.items()
    }


def test_a_form_offers_no_more_than_its_rule():
    request = request_with(path="logs/web/a.log", count=3)
    said = [*shown_texts(standing_form(request, CARD, OFFER))]
    for words in (
        "Exactly logs/web/a.log",
        "Anything in logs/web/",
        "Anything in logs/",
        "15 minutes",
        "1 hour",
        "2 hours",
        "Once",
        "7 times",
    ):
        assert words in said
    assert not {"4 hours", "10 times", "count may be"} & {*said}


def test_threat_74_no_folder_is_offered_that_reads_like_another():
    said = [*shown_texts(standing_form(request_with(path=LIKE), CARD, OFFER))]
    assert "Anything in März/" in said
    assert not [each for each in said if "l\u043egs" in each and "Anything" in each]
    plain = request_with(day="1/2/2026", url="https://a.example/v1/x")
    said = [*shown_texts(standing_form(plain, CARD, OFFER))]
    folders = [each for each in said if each.startswith("Anything")]
    assert folders == [
        "Anything in https://a.example/v1/",
        "Anything in https://a.example/",
    ]


def test_what_is_chosen_binds_every_argument():
    request = request_with(path="logs/web/a.log", count=3)
    chosen = {"path-0": "2", "span-7200": "2", "uses-7": "3", "place": "1"}
    wish = wish_from(request, filled(**chosen), OFFER)
    assert wish is not None
    assert {*wish.bindings} == {
        Binding("path", UNDER, "logs"),
        Binding("count", EQUAL, 3),
    }
    assert (wish.span, wish.uses) == (dt.timedelta(hours=2), 7)
    assert not wish.here_alone


@pytest.mark.parametrize(
    "wrong", [{"path-0": "9"}, {"span-7200": "9"}, {"uses-7": "-1"}, {"place": "x"}]
)
def test_what_no_form_offers_is_no_wish(wrong: dict[str, str]):
    request = request_with(path="logs/web/a.log")
    assert wish_from(request, filled(**{"path-0": "0", **wrong}), OFFER) is None


@pytest.mark.parametrize(
    "offer",
    [replace(OFFER, max=dt.timedelta(hours=9)), replace(OFFER, uses=9)],
)
def test_what_another_offer_made_of_the_numbers_is_no_wish(offer: StandingOffer):
    request = request_with(count=3)
    chosen = filled(**{"span-7200": "2", "uses-7": "3"})
    assert wish_from(request, chosen, OFFER) is not None
    assert wish_from(request, chosen, offer) is None


def test_the_button_stands_where_the_policy_offers_it():
    request = request_with(path="a")
    for standing in (True, False):
        view = RequestView(request, NOW, standing=standing)
        shown = str(card_buttons(view, 1, complete=True))
        assert ("approve_for" in shown) is standing
    assert "approve_for" not in str(card_buttons(view, 1, complete=False))


@pytest.mark.parametrize(
    ("rules", "offered"),
    [
        (["{max: 8h, uses: 20}"], StandingOffer(dt.timedelta(hours=8), 20)),
        (
            ["{max: 8h, uses: 20}", "{max: 1h, uses: 30}"],
            StandingOffer(dt.timedelta(hours=1), 20),
        ),
        (["{max: 8h, uses: 20}", ""], None),
        (["{max: 8h, uses: 20}, confirm: typed"], None),
        ([""], None),
    ],
)
def test_every_demanding_rule_has_to_offer_it(rules: list[str], offered):
    request = request_with(path="a")
    tool = request.call.tool
    text = [
        f"{{name: r{n}, tools: [{tool}], stages: [{{approvers: managers}}]"
        + (f", standing: {each}}}" if each else "}")
        for n, each in enumerate(rules)
    ]
    policy = parsed(policy_text(*text, approvers={"managers": ("U0MINA",)}))
    assert offer_of(policy, request) == offered
    secret = request_with(path="a", password="hunter22hunter22")
    assert offer_of(policy, secret) is None
