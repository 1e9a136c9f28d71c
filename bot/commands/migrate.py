"""`python -m bot migrate`: bring the database's schema up to date."""

from __future__ import annotations

import argparse

from bot.base.settings import Settings
from bot.database.migrate import migrate
from bot.texts.operation import UP_TO_DATE


async def migrate_command(
    _settings: Settings, _parsed: argparse.Namespace, url: str
) -> int:
    """Bring the schema up to date and say what was done."""
    applied = await migrate(url)
    print("\n".join(applied) if applied else UP_TO_DATE)
    return 0
