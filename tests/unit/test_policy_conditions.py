"""Every operator on every kind of value: true, false, or not to be judged."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.approvals.policy.conditions import MISSING, compiled, host_of, judge, value_at
from bot.approvals.policy.model import Condition

YES, NO, UNSURE = True, False, None
OPERANDS: dict[str, Any] = {
    "eq": 5,
    "ne": 5,
    "gt": 5,
    "ge": 5,
    "lt": 5,
    "le": 5,
    "in": (5, 6),
    "not_in": (5, 6),
    "matches": "[a-z]+",
    "under": "reports",
    "domain_in": ("example.com",),
}


def judged(operator: str, operand: Any, value: Any) -> bool | None:
    return judge(Condition("a", operator, operand), {"a": value})


@pytest.mark.parametrize(
    ("operator", "below", "same", "above"),
    [
        ("eq", NO, YES, NO),
        ("ne", YES, NO, YES),
        ("gt", NO, NO, YES),
        ("ge", NO, YES, YES),
        ("lt", YES, NO, NO),
        ("le", YES, YES, NO),
    ],
)
def test_numbers_and_texts_compare_with_their_own_kind(operator, below, same, above):
    expected = [below, same, same, above]
    assert [judged(operator, 5, value) for value in (4, 5, 5.0, 5.01)] == expected
    texts = ("2026-01-01", "2026-05-01", "2026-05-01", "2026-09-01")
    assert [judged(operator, "2026-05-01", text) for text in texts] == expected


@pytest.mark.parametrize("operator", ["eq", "ne", "gt", "ge", "lt", "le"])
@pytest.mark.parametrize(
    "value", ["5", "", True, False, None, [5], {"x": 5}, math.nan, math.inf, -math.inf]
)
def test_nothing_but_a_number_compares_with_a_number(operator, value):
    assert judged(operator, 5, value) is UNSURE


@pytest.mark.parametrize("operator", ["eq", "ne", "gt", "ge", "lt", "le"])
@pytest.mark.parametrize("value", [5, 5.0, True, None, ["x"], {"x": "x"}, math.nan])
def test_nothing_but_a_text_compares_with_a_text(operator, value):
    assert judged(operator, "x", value) is UNSURE


def test_a_boolean_compares_with_a_boolean_alone():
    assert judged("eq", True, True) is YES
    assert judged("eq", True, False) is NO
    assert judged("ne", True, False) is YES
    assert judged("eq", True, 1) is UNSURE
    assert judged("eq", 1, True) is UNSURE
    assert judged("ne", False, 0) is UNSURE


def test_numbers_compare_exactly_however_large_they_are():
    assert judged("gt", 10**14, 10**400) is YES
    assert judged("eq", 9007199254740993, 9007199254740992.0) is NO


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("USD", YES),
        ("GBP", NO),
        ("usd", NO),
        ("USD ", NO),
        ("", NO),
        (5, UNSURE),
        (True, UNSURE),
        (None, UNSURE),
        (["USD"], UNSURE),
    ],
)
def test_in_is_unsure_about_values_of_another_kind(value, found):
    assert judged("in", ("USD", "EUR"), value) is found
    opposite = None if found is None else not found
    assert judged("not_in", ("USD", "EUR"), value) is opposite


def test_one_is_not_true_in_a_list_either():
    assert judged("in", (0, 1), True) is UNSURE
    assert judged("not_in", (0, 1), True) is UNSURE
    assert judged("in", (True,), 1) is UNSURE
    assert judged("in", (1, 2), 1.0) is YES


@pytest.mark.parametrize(
    ("pattern", "value", "found"),
    [
        ("prod", "prod", YES),
        ("prod", "prod-eu", NO),
        ("prod", "xprod", NO),
        ("a|b", "ab", NO),
        ("^prod$", "prod\n", NO),
        ("(?i)prod", "PROD", YES),
        ("x.*", "xyz", YES),
        ("x.*", "x\nyz", UNSURE),
        (".*prod.*", "a\nprod", UNSURE),
        ("(?s)x.*", "x\nyz", YES),
        (r"x[\s\S]*", "x\nyz", YES),
        ("x.*", "a\nx", NO),
        ("x", "\ud800", UNSURE),
        ("5", 5, UNSURE),
        (".*", None, UNSURE),
        (".*", ["x"], UNSURE),
    ],
)
def test_a_pattern_fits_the_whole_value(pattern, value, found):
    assert judged("matches", pattern, value) is found


def test_no_pattern_takes_longer_than_the_text_is_long():
    assert judged("matches", "(a*)*b", "a" * 1_000_000) is NO


@pytest.mark.parametrize(
    ("folder", "value", "found"),
    [
        ("reports", "reports/q3.csv", YES),
        ("reports", "reports", YES),
        ("reports", "reports/", YES),
        ("reports/", "./reports//2026/./q3.csv", YES),
        ("reports/2026", "reports/2026/q3.csv", YES),
        ("reports/2026", "reports/2025/q3.csv", NO),
        ("reports/2026", "reports", NO),
        ("reports", "reports-old/q3.csv", NO),
        ("reports", "other/reports/q3.csv", NO),
        ("reports", "/reports/q3.csv", UNSURE),
        ("/srv/reports", "srv/reports/q3.csv", UNSURE),
        ("/srv/reports", "/srv/reports/q3.csv", YES),
        ("/srv/reports", "//srv/reports/q3.csv", YES),
        ("/", "/etc/passwd", YES),
        (".", "any/thing", YES),
        ("reports", "reports/../secret", UNSURE),
        ("reports", "secret/../reports/q3.csv", UNSURE),
        ("reports", "reports/..", UNSURE),
        ("reports", "reports/...", YES),
        ("reports", "reports\\..\\secret", UNSURE),
        ("reports", "other\\reports", UNSURE),
        ("reports", "reports/%2e%2e/secret", UNSURE),
        ("reports", "reports%2Fq3.csv", UNSURE),
        ("reports", "~/reports", UNSURE),
        ("reports", " reports/q3.csv", UNSURE),
        ("reports", "reports/q3.csv\n", UNSURE),
        ("reports", "reports/\u200bq3.csv", UNSURE),
        ("reports", "reports/\x00", UNSURE),
        ("reports", "Reports/q3.csv", UNSURE),
        ("reports", "ｒeports/q3.csv", UNSURE),
        ("caf\u00e9", "cafe\u0301/menu", UNSURE),
        ("reports", "", UNSURE),
        ("reports", 5, UNSURE),
        ("reports", None, UNSURE),
        ("reports", ["reports/q3.csv"], UNSURE),
    ],
)
def test_a_path_is_under_a_folder_part_by_part(folder, value, found):
    assert judged("under", folder, value) is found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("example.com", YES),
        ("EXAMPLE.com.", YES),
        ("example.com:8443", YES),
        ("https://example.com", YES),
        ("HTTPS://Example.com:443/a?b#c", YES),
        ("https://example.com?x=y", YES),
        ("https://example.com/@evil.org", YES),
        ("https://example.com/ü", YES),
        ("mina@example.com", YES),
        ("mina+x@EXAMPLE.com", YES),
        ("a.mail.test", YES),
        ("b.a.mail.test", YES),
        ("mail.test", NO),
        ("evilmail.test", NO),
        ("a.example.com", NO),
        ("example.com.evil.org", NO),
        ("evil-example.com", NO),
        ("https://evil.org/example.com", NO),
        ("https://evil.org?example.com", NO),
        ("https://evil.org#@example.com", NO),
        ("mina@example.com.evil.org", NO),
        ("mina@evil.org", NO),
        ("127.0.0.1", NO),
        ("localhost", NO),
        ("https://example.com@evil.org/", UNSURE),
        ("https://evil.org\\@example.com/", UNSURE),
        ("https://evil.org\\.example.com", UNSURE),
        ("https://example.com/\\", UNSURE),
        ("https://example.com/ ", UNSURE),
        ("\\@example.com", UNSURE),
        ("https:///example.com", UNSURE),
        ("//example.com", UNSURE),
        ("example.com/path", UNSURE),
        ("mailto:mina@example.com", UNSURE),
        ("javascript:alert(1)", UNSURE),
        ("mina@evil.org@example.com", UNSURE),
        ("mina@example.com, eve@evil.org", UNSURE),
        ("mina@example.com,eve@evil.org", UNSURE),
        ("Mina <mina@example.com>", UNSURE),
        ('"mina@evil.org"@example.com', UNSURE),
        ("@example.com", UNSURE),
        ("mina@", UNSURE),
        (" example.com", UNSURE),
        ("example.com\n", UNSURE),
        ("exam\u200bple.com", UNSURE),
        ("еxample.com", UNSURE),
        ("example．com", UNSURE),
        ("https://evil.org／.example.com", UNSURE),
        ("example.com..", UNSURE),
        (".example.com", UNSURE),
        ("example..com", UNSURE),
        ("-example.com", UNSURE),
        ("exa%6dple.com", UNSURE),
        ("0x7f.1", UNSURE),
        ("2130706433", UNSURE),
        ("127.0.0.01", UNSURE),
        ("[::1]", UNSURE),
        ("https://[::1]/", UNSURE),
        ("https://example.com:port/", UNSURE),
        ("a" * 64 + ".com", UNSURE),
        ("a." * 125 + "com", NO),
        ("aa." + "a." * 124 + "com", UNSURE),
        ("", UNSURE),
        (5, UNSURE),
        (None, UNSURE),
        (["example.com"], UNSURE),
    ],
)
def test_a_host_is_in_a_domain_only_if_unambiguous(value, found):
    assert judged("domain_in", ("example.com", "*.mail.test"), value) is found


@given(st.text() | st.from_regex(r"https?://[a-z.@:\\/]{0,20}"))
def test_a_found_host_is_ascii_and_part_of_the_text(text):
    host = host_of(text)
    assert host is None or (host.isascii() and host in text.lower())


@pytest.mark.parametrize("operator", OPERANDS)
def test_an_argument_that_is_missing_cannot_be_judged(operator):
    condition = Condition("b", operator, OPERANDS[operator])
    assert judge(condition, {"a": 5}) is UNSURE
    assert judge(condition, {}) is UNSURE


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize("operator", OPERANDS)
@given(value=anything)
def test_no_value_breaks_an_operator(operator, value):
    assert judged(operator, OPERANDS[operator], value) in (YES, NO, UNSURE)


@given(anything, st.sampled_from([("eq", "ne"), ("gt", "le"), ("ge", "lt")]))
def test_an_operator_and_its_opposite_are_unsure_together(value, pair):
    one, other = (judged(operator, 5, value) for operator in pair)
    assert (one is None and other is None) or one is not other


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("to", {"name": {"first": "Mina"}, "tags": ["x"]}),
        ("to.name.first", "Mina"),
        ("to.name.last", MISSING),
        ("to.name.first.more", MISSING),
        ("to.tags.0", MISSING),
        ("to.tags", ["x"]),
        ("none", None),
        ("none.x", MISSING),
        ("TO", MISSING),
        ("a.b", MISSING),
    ],
)
def test_dots_reach_inside_mappings(path, found):
    arguments = {
        "to": {"name": {"first": "Mina"}, "tags": ["x"]},
        "none": None,
        "a.b": 1,
    }
    assert value_at(arguments, path) == found


def test_a_pattern_that_nobody_can_read_says_what_is_wrong():
    with pytest.raises(ValueError, match=r"^missing \): \(a$"):
        compiled("(a")


def test_a_dot_spans_lines_only_where_that_is_asked_for():
    assert compiled("a.b").fullmatch("a\nb") is None
    assert compiled("a.b", across_lines=True).fullmatch("a\nb") is not None
