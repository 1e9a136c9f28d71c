"""`docs/threats.md` says of each threat which tests show the defence, or why not."""

from __future__ import annotations

from tests.support.threats import PAGE, THREATS, named_tests, page_with, table


def test_the_table_is_that_of_the_tests():
    text = PAGE.read_text()
    assert page_with(text, table()) == text, "run: python -m tests.support.threats"


def test_each_threat_has_a_test_or_a_reason():
    tested = {number for number, _ in named_tests()}
    assert list(THREATS) == list(range(1, len(THREATS) + 1))
    assert tested <= set(THREATS)
    lacking = [n for n, threat in THREATS.items() if not threat.beyond]
    assert set(lacking) <= tested


def test_what_is_left_open_is_few_and_said():
    tested = {number for number, _ in named_tests()}
    promised = {n for n, each in THREATS.items() if "comes with" in each.beyond}
    assert not tested & promised  # what has a test is there
    beyond = {n for n, threat in THREATS.items() if threat.beyond}
    assert beyond == {11, 28, 29, 35}
