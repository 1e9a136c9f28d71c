"""Ids of requests are typed into a command line, too."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from bot.approvals import raise_request


def test_no_id_looks_like_an_option(monkeypatch: pytest.MonkeyPatch):
    given: Iterator[str] = iter(
        ["-5lTOf8LXsYh6btf0y3UHw", "--", "J9orGIjzE5pSS9HgdzKZGg"]
    )
    monkeypatch.setattr(secrets, "token_urlsafe", lambda _size: next(given))
    assert raise_request.new_name() == "J9orGIjzE5pSS9HgdzKZGg"
