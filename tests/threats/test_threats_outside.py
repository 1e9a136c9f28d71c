"""Threats of what leaves Slack: pages of links, e-mails, JSON of API and events."""

from __future__ import annotations

import datetime as dt
import json
import re
from email import message_from_string
from email.message import EmailMessage
from html import unescape

import pytest

from agent.safe_text import is_hidden
from bot.approvals.model import Request, Stage, Times, Verdict
from bot.approvals.outside_slack import request_json
from bot.notices.email import written
from bot.texts.call import plain_headline
from bot.texts.notices import Letter
from bot.web.api.routes import unmasked
from bot.web.links.pages import Shown, request_page
from tests.support.cards_samples import comment, decision
from tests.support.request_builder import NOW, request

CANARY = "xoxb-CANARY-0123456789"
SCHEMA = {"properties": {"pin_code": {"type": "string", "format": "password"}}}
SECRETS = {
    "arguments": {"pin_code": "CANARY-1", "text": f"key {CANARY}", "path": "a.txt"},
    "raised_arguments": {"password": "CANARY-2", "path": "b.txt"},
    "schema": SCHEMA,
    "note": f"I found {CANARY}.",
    "comments": (comment(f"is it {CANARY}?"),),
    "decisions": (decision(verdict=Verdict.REJECT, reason=f"no {CANARY}"),),
}


def page(one: Request) -> str:
    return request_page(Shown(one, "U0MINA", {}, form="f" * 64))


def message(one: Request, kind: str = "notice") -> EmailMessage:
    return written(
        Letter(one, kind, "Ravi (U0RAVI)", NOW, link="https://bot.example/approve/x"),
        sender="bot@example.com",
        recipient="mina@example.com",
        message_id="<1@example.com>",
    )


def letter(one: Request) -> str:
    whole = message(one)
    parts = whole.get_body(("plain",)), whole.get_body(("html",))
    return "".join(part.get_content() for part in parts if part) + str(whole)


def as_json(one: Request) -> str:
    return json.dumps(request_json(one, plain_headline(one)), ensure_ascii=False)


@pytest.mark.parametrize("show", [page, letter, as_json])
def test_threat_37_no_canary_leaves_slack_in_any_way(show):
    one = request(**SECRETS)
    assert "CANARY" not in show(one)
    assert "[secret, " in unescape(show(one))
    bare = {name: value for name, value in SECRETS.items() if name != "arguments"}
    assert "CANARY" not in show(request(**bare))


def test_threat_37_a_secret_survives_an_edit_by_the_api():
    one = request(**SECRETS)
    seen = request_json(one, "")["arguments"]
    edit = unmasked(one, {**seen, "path": "c.txt"})
    assert edit == {**one.call.arguments, "path": "c.txt"}
    assert unmasked(one, {**seen, "pin_code": "new"})["pin_code"] == "new"
    assert "text" not in unmasked(one, {"path": "c.txt"})


HOSTILE = (
    "already approved by the CFO",
    "</pre><form action=//evil.example><button>Approve</button>",
    "\n" * 500 + "Decide until 2099",
    "&lt;script&gt;<script>alert(1)</script>",
)


@pytest.mark.parametrize("note", HOSTILE)
def test_threat_12_what_the_agent_says_leaves_the_page_as_it_is(note: str):
    plain, told = page(request()), page(request(note=note))
    before, _, rest = told.partition("<h2>The agent says (unverified)</h2>")
    assert before == plain.partition("\n</main>")[0] + "\n"
    tags = re.findall(r"<[^>]*>", rest)
    assert tags == ["<pre>", "</pre>", "</main>", "</body>", "</html>"]


@pytest.mark.parametrize("show", [page, letter])
def test_threat_14_no_character_hides_on_a_page_or_in_an_email(show):
    hidden = "\u202e\u200b\u00ad\U000e0041\u3164"
    one = request(arguments={"path": f"a{hidden}b"}, tool=f"delete{hidden}")
    shown = show(one)
    assert not [each for each in shown if is_hidden(each)]
    assert r"\u{202E}\u{200B}" in shown


def test_threat_15_a_look_alike_address_is_marked_on_the_page():
    shown = unescape(page(request(arguments={"to": "ann@раypal.com"})))
    assert "Look-alike addresses" in shown
    assert "xn--" in shown
    assert "Look-alike" not in page(request(arguments={"to": "ann@paypal.com"}))


@pytest.mark.parametrize(
    "text", ["x\r\nBcc: eve@example.com", "x\nSubject: y", "x\u2028y", "x\x0by"]
)
def test_threat_43_nothing_that_others_wrote_becomes_a_header(text: str):
    one = request(tool=text, code=text, note=text, arguments={"a": text})
    usual = message_from_string(str(message(request()))).keys()
    for kind in ("notice", "reminder", "outcome"):
        sent = message_from_string(str(message(one, kind)))
        assert sent.keys() == usual
        assert sent["To"] == "mina@example.com"


def test_an_email_is_dated_by_the_event_it_reports():
    raised, told = request(), NOW + dt.timedelta(days=2)
    sent = written(
        Letter(raised, "outcome", "Ravi (U0RAVI)", told),
        sender="bot@example.com",
        recipient="ravi@example.com",
        message_id="<1@example.com>",
    )
    assert sent["Date"].datetime == told


def test_an_e_mail_says_when_the_open_stage_ends():
    soon = Times(timeout=dt.timedelta(minutes=20))
    stage = Stage("managers", ("U0MINA",), opened_at=NOW, times=soon)
    assert "Decide by 23 Nov 2026 09:50 UTC" in letter(request(stages=(stage,)))
