"""The heart of the bot on a fresh database."""

from __future__ import annotations

from tests.support.house import house_fixture  # noqa: F401 - a fixture
