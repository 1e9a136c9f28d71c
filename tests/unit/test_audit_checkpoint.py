"""Signed heads, and the public-addresses rule of the place that takes them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.audit.chain import canonical, public_key, quick, read_checkpoints, read_json
from bot.base.settings_types import is_private
from tests.support.trail_parts import SEED, SIGNED

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_a_checkpoint_has_the_signature_of_its_key():
    assert SIGNED.is_genuine
    assert SIGNED.key == public_key(SEED)
    assert read_checkpoints(SIGNED.line) == [SIGNED]


def test_the_signature_is_that_of_the_documented_text():
    from nacl.signing import VerifyKey

    content = {k: v for k, v in asdict(SIGNED).items() if k != "signature"}
    text = "slack-approval-bot/checkpoint/1\n" + json.dumps(
        content, sort_keys=True, separators=(",", ":")
    )
    VerifyKey(bytes.fromhex(SIGNED.key)).verify(
        text.encode(), bytes.fromhex(SIGNED.signature)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"team": "T2"},
        {"number": 8},
        {"hash": "cd" * 32},
        {"at": "2026-01-02T00:00:00Z"},
        {"key": public_key(bytes(32))},
        {"key": "no key"},
        {"signature": "00" * 64},
        {"signature": ""},
    ],
)
def test_a_changed_checkpoint_is_not_genuine(change):
    forged = replace(SIGNED, **change)
    assert not forged.is_genuine
    with pytest.raises(ValueError, match="signature of its key"):
        read_checkpoints(forged.line)


@pytest.mark.parametrize(
    "text",
    ["", "no json", "{", '{"team":"T1"}', SIGNED.line.replace("7,", '"7",'), "{}"],
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(ValueError, match="checkpoint"):
        read_checkpoints(text)


def test_checkpoints_are_read_out_of_a_chat():
    text = f"Audit checkpoint: row 7 of T1\n```\n{SIGNED.line}\n```\n"
    assert read_checkpoints(text) == [SIGNED]


@given(VALUES)
def test_for_ascii_the_quick_form_is_the_canonical_one(value):
    try:
        text = canonical(value)
    except ValueError:
        return
    if text.isascii():
        assert quick(value) == text.encode()


HALVES = st.text(st.characters())  # with halves of surrogate pairs
HOSTILE = st.recursive(
    st.booleans() | st.integers() | st.integers(2**62, 2**66) | st.floats() | HALVES,
    lambda inner: st.lists(inner) | st.dictionaries(HALVES, inner),
)


def refuse(text: str) -> None:
    raise ValueError(text)


def as_python_reads_it(text: str) -> str:
    try:
        return repr(json.loads(text, parse_float=refuse, parse_constant=refuse))
    except (ValueError, RecursionError):
        return "refused"


def as_we_read_it(text: str) -> str:
    try:
        return repr(read_json(text))
    except ValueError:
        return "refused"


@given(HOSTILE, st.booleans())
def test_json_is_read_as_python_reads_it(value, escaped):
    text = json.dumps(value, ensure_ascii=escaped)
    assert as_we_read_it(text) == as_python_reads_it(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[1", "1 2", "NaN", "-Infinity", "1.5", "-0", "1e2", "1E400"),
        *('{"a": [{"b": 1.0}]}', "18446744073709551616", "9" * 5000, '{"a":1,"a":2}'),
        *('"\ud800"', '"\u0000"', '"\n"', '"\t"', "\ufeff{}", "[" * 3000),
        *("[" * 300 + "]" * 300, "[" * 300 + "1.5" + "]" * 300, "'a'", "\xa01", "\n1 "),
    ],
)
def test_odd_json_is_read_as_python_reads_it(text):
    assert as_we_read_it(text) == as_python_reads_it(text)


@given(HOSTILE)
def test_the_quick_form_is_that_of_pythons_encoder(value):
    if as_we_read_it(text := json.dumps(value)) == "refused":
        return
    theirs = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    try:
        assert quick(read_json(text)) == theirs.encode()
    except UnicodeEncodeError:
        with pytest.raises(UnicodeEncodeError):
            theirs.encode()


@pytest.mark.parametrize(
    ("sink", "private"),
    [
        ("checkpoints", False),
        ("C0AUDIT001", False),
        ("https://audit.example/in", False),
        ("https://93.184.216.34/in", False),
        ("http://audit.example/in", True),
        ("https://localhost/in", True),
        ("https://169.254.169.254/latest", True),
        ("https://[::1]/in", True),
        ("https://[2002:7f00:1::]/in", True),
        ("https://①27。0.0.1/in", True),
    ],
)
def test_a_url_that_stays_inside_is_known(sink, private):
    assert is_private(sink) is private
