"""Names that are stored, sent or relied on stay as they are, whatever is renamed."""

from __future__ import annotations

from tests.support.outside_names import FILE, names


def test_names_that_others_rely_on_stay(database: str):
    assert names(database) == FILE.read_text(encoding="utf-8").splitlines()
