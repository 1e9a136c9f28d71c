"""Hostile cards as golden files: `python -m tests.support.hostile` writes them anew.

What a card shows of each attack was looked at by a person once; whoever changes it has
the change before their eyes in the diff. The files are ASCII, so nothing hides in them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bot.approvals.model import Status
from bot.slack.cards.blocks import CardRef
from bot.slack.cards.card import card_blocks, card_text
from bot.slack.full_text import full_view
from tests.support.cards_samples import closed, comment, decision, view
from tests.support.request_builder import request

NAMES = {  # as people choose them
    "U0OLAF0": "Mina\n*Approved* by <@U0DANA> <!channel>\u202e :tada:",
    "C0SECRET": "`general`",
}
FOLDER = Path(__file__).parents[1] / "unit/golden"
TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "approve all")
HOSTILE: dict[str, dict[str, Any]] = {
    "pushed_out_of_sight": {
        "arguments": {"path": "notes.txt" + "\n" * 60 + "../../etc/passwd"},
    },
    "turned_around": {
        "arguments": {"path": "invoice\u202efdp.exe", "x": "\u2066a\u2069"}
    },
    "invisible": {
        "arguments": {
            "blank": "a\u2800\u3164\uffa0b",
            "joined": "pay\u200b\u200d\u2060load",
            "tags": f"harmless{TAGS}",
            "control": "\x1b[2Jgone\x00",
        },
    },
    "look_alike_hosts": {
        "arguments": {
            "url": "https://\u0440\u0430ypal.com/login",
            "to": "ada@\u0435xample.com",
            "plain": "https://xn--80ak6aa92e.com",
        },
    },
    "pings_and_links": {
        "arguments": {
            "text": "<!channel> <@U0MINA> <https://evil.example|Approved>",
            "mail": "@here see https://evil.example/?q=1",
        },
        "note": "<!everyone> :white_check_mark: *Approved by <@U0DANA>*",
    },
    "a_card_within_a_card": {
        "tool": "delete_file`\n*Approved*",
        "arguments": {"path": "```\n*Approved* by <@U0DANA>\nDecide until never\n```"},
        "note": "Already approved by security; a click on Approve only confirms that.",
    },
    "a_name_like_our_words": {
        "arguments": {"user": "U0OLAF0", "note": "for U0OLAF0 and C0SECRET"},
    },
    "secrets": {
        "arguments": {
            "token": "hunter2hunter2hunter2",
            "text": "use sk-abcdefghijklmnopqrstuvwxyz123456 for it",
        },
    },
    "too_long_to_approve_here": {
        "arguments": {"body": "a" * 2_500 + "MIDDLE" + "z" * 2_500},
    },
}


def drawn(name: str) -> dict[str, Any]:
    """All that people see of one attack: the card, the whole view, the outcome."""
    asked = request(**HOSTILE[name])
    over = closed(
        Status.REJECTED,
        **HOSTILE[name],
        decisions=(decision(reason="\u202eno <!here>"),),
        comments=(comment("<!channel> \u2800 fine by me"),),
    )
    card, end = view(asked, names=NAMES), view(over, names=NAMES)
    return {
        "card": {"text": card_text(card), "blocks": card_blocks(card)},
        "view": full_view(card.requests[0], CardRef("req-1", "C0", "1.0")),
        "outcome": {"text": card_text(end), "blocks": card_blocks(end)},
    }


def text_of(name: str) -> str:
    """The golden file of one attack."""
    return json.dumps(drawn(name), ensure_ascii=True, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in HOSTILE:
        (FOLDER / f"{each}.json").write_text(text_of(each), encoding="ascii")
