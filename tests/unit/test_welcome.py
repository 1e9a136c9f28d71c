"""The first words to a person: what can be asked, and how to go on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.slack.welcome import hint_of
from bot.texts.conversation import GREETING, MENTION_ME, help_text, prompts
from tests.support.people import US


@pytest.mark.parametrize(
    ("channel", "scopes", "hint"),
    [
        ("C1", {"groups:history"}, MENTION_ME),
        ("C1", {"channels:history"}, ""),
        ("G1", {"channels:history"}, MENTION_ME),
        ("G1", {"groups:history"}, ""),
        ("D1", set(), ""),
        ("C1", None, ""),
    ],
)
def test_only_where_replies_are_not_heard_is_it_said(
    channel: str, scopes: set[str] | None, hint: str
):
    us = replace(US, scopes=None if scopes is None else frozenset(scopes))
    assert hint_of(lambda: us)(channel) == hint


def test_what_is_suggested_comes_from_the_tools():
    titles = [title for title, _ in prompts({"list_files", "odd.tool"})]
    assert titles == ["Show the files", "What can you do?"]
    every = {
        *("list_files", "list_accounts", "transfer_money", "list_databases"),
        "write_file",
    }
    assert len(prompts(every)) == 4  # Slack shows no more
    assert prompts(()) == [("What can you do?", "help")]


def test_a_greeting_has_three_lines_and_help_names_the_tools():
    assert len(GREETING.splitlines()) == 3
    assert "delete file and pay &lt;!here&gt;" in help_text(
        {"pay <!here>", "delete_file"}
    )
    assert help_text(()).startswith("Ask me anything.")
