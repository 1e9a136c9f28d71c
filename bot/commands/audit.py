"""`python -m bot audit`: the trail for people who check it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.approvals.store import clock
from bot.audit.chain import Checkpoint, public_key, read_checkpoints
from bot.audit.export import as_csv, as_jsonl, note_export
from bot.audit.parallel_verify import verify_stored
from bot.audit.report import make_report, page_of, period
from bot.audit.verify import Verifier, snapshot, verify_lines
from bot.base.errors import ConfigurationError
from bot.base.settings import Settings, Transport
from bot.commands import operator
from bot.commands.people import known_people
from bot.database.pool import connect
from bot.texts import audit as say

# With the parts that a file of no rows has: a CSV begins with a header.
_FORMS = {"jsonl": (as_jsonl, 0), "csv": (as_csv, 1)}


async def export_command(
    _settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Write the trail to stdout as it is read; that it was taken is on it."""
    async with await connect(url) as connection:
        if not await note_export(
            connection, operator(), parsed.format, parsed.since, parsed.until
        ):
            print(say.EXPORT_NOT_NOTED, file=sys.stderr)
        written, (as_lines, of_nothing) = 0, _FORMS[parsed.format]
        async with snapshot(connection):
            async for line in as_lines(connection, parsed.since, parsed.until):
                sys.stdout.buffer.write(line.encode("utf-8"))
                written += 1
            sys.stdout.buffer.flush()
    if written <= of_nothing:
        print(say.NOTHING_TO_EXPORT, file=sys.stderr)
    return 0


async def verify_command(
    settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Check the database, or a file with nothing else at hand."""
    checkpoints = _checkpoints(settings, parsed)
    if parsed.file is not None:
        try:
            with parsed.file.open("rb") as lines:
                verifier, problem = verify_lines(lines, checkpoints)
        except OSError as error:
            sentence = say.file_unreadable(parsed.file, error.strerror)
            raise ConfigurationError(sentence) from error
        return _say(verifier, [problem] if problem else [], checkpoints)
    async with await connect(url) as connection:
        verifier, findings = await verify_stored(connection, checkpoints)
    return _say(verifier, list(map(str, findings)), checkpoints)


def _say(
    verifier: Verifier, problems: Sequence[str], checkpoints: Sequence[Checkpoint]
) -> int:
    for number, problem in enumerate(problems):
        print(say.bad_row(problem, first=number == 0))
    if problems:
        return 1
    print(say.good(verifier.rows, verifier.erased))
    for team, before in verifier.begun.items():
        print(say.begins_behind(team, before.number, before.hash))
    if verifier.older:
        print(say.older_checkpoints(verifier.older))
    for team, head in verifier.heads.items():
        print(say.ends_at(team, head.number, head.hash))
    for key in sorted({checkpoint.key for checkpoint in checkpoints}):
        count = sum(checkpoint.key == key for checkpoint in checkpoints)
        print(say.signed_by(count, key))
    return 0


def _checkpoints(settings: Settings, parsed: argparse.Namespace) -> list[Checkpoint]:
    """The checkpoints that are given, by the key that they must have."""
    if parsed.checkpoint is None:
        if parsed.public_key:
            raise ConfigurationError(say.KEY_FOR_NOTHING)
        return []
    try:
        found = [
            c for text in _texts(parsed.checkpoint) for c in read_checkpoints(text)
        ]
    except (ValueError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        sentence = say.checkpoint_unusable(parsed.checkpoint, reason)
        raise ConfigurationError(sentence) from error
    wanted = (parsed.public_key or "").lower()
    if not wanted and settings.audit_key is not None:
        wanted = public_key(settings.audit_key.get_secret_value())
    if wanted and any(checkpoint.key != wanted for checkpoint in found):
        raise ConfigurationError(say.other_key(parsed.checkpoint, wanted))
    return found


def _texts(path: Path) -> list[str]:
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise ValueError(say.EMPTY_FOLDER)
    return [file.read_text(encoding="utf-8") for file in files]


async def report_command(
    settings: Settings, parsed: argparse.Namespace, url: str
) -> int:
    """Print a report; 1 if the trail is not good."""
    async with await connect(url) as connection:
        try:
            wanted = period(parsed.period, await clock(connection))
        except ValueError:
            raise ConfigurationError(say.no_period(parsed.period)) from None
        report = await make_report(connection, wanted)
    if parsed.format == "html":
        print(page_of(report, await _names(settings, report)), end="")
    else:
        print(json.dumps(report, indent=2, ensure_ascii=False))
    return 0 if report["verify"]["good"] else 1


async def _names(settings: Settings, report: Mapping[str, Any]) -> dict[str, str]:
    """Display names of the people in a report, as far as Slack tells them."""
    if settings.transport is Transport.SIMULATOR:
        from bot.simulator import demo_workspace  # takes long to import

        people = demo_workspace().users.values()
        return {person.id: person.shown_name for person in people}
    listed = ("by_approver", "refused_attempts", "decisions_within_3_seconds")
    users = {row["actor"] for name in listed for row in report[name]}
    async with known_people(settings) as known:
        await known.learn((), users)
    return {user: profile.name for user, profile in known.profiles.items()}
