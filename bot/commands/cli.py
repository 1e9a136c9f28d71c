"""The command line: run, check, migrate, policy, approvals, audit, pause, mcp.

It names the module of each command and imports none: `launch` does, for the one command
that is given.
"""

from __future__ import annotations

import argparse
import datetime as dt
import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.safe_text import clean_text
from bot.approvals.model import Status
from bot.base.errors import BotError
from bot.texts import operation as say
from bot.texts.audit import PERIODS

MISUSE = 2
RUN: Mapping[str, Any] = {"command": "bot.commands.run:run", "needs_database": True}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status.

    0: done. 1: it was done and the answer is no. 2: it cannot be done like this, with
    one line on stderr that says why.
    """
    parsed = parse(arguments)
    # Only now: --help and a misspelt command need no settings.
    from bot.commands.launch import launch

    try:
        return launch(parsed)
    except BotError as error:
        return _complain(str(error), MISUSE)
    except BrokenPipeError:
        raise  # of the program that reads the output, see `until_read`
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        explained = _explain(error)
        return _complain(explained or _unexpected(error), MISUSE if explained else 1)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the words of the command line; `command` names what they ask for."""
    given = sys.argv[1:] if arguments is None else arguments
    # the start of the bot needs none of the parsers of the other commands
    return _parser().parse_args(given) if given else argparse.Namespace(**RUN)


def _explain(error: Exception) -> str:
    """Say what went wrong; "" where nobody foresaw it, and then the log has it."""
    # Only now: a command that ends well imports none of what it does not need.
    import psycopg
    import structlog

    from bot.approvals.policy.complaints import PolicyError

    if isinstance(error, PolicyError):
        return "\n".join(
            say.policy_complaint(each) if each.path else str(each)
            for each in error.complaints
        )
    if isinstance(error, psycopg.Error):
        return say.database_unusable(_first_line(error))
    if isinstance(error, OSError):
        return say.cannot_start(error.strerror or error, error.filename)
    log = structlog.get_logger(__name__)
    log.error("unexpected", action="crashed", exc_info=error)
    return ""


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _unexpected(error: Exception) -> str:
    return say.unexpected(type(error).__name__)


def _complain(sentence: str, status: int) -> int:
    print(sentence, file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """A parser that suggests the nearest known word; so do its subparsers."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            choices = map(str, action.choices or ())
            for near in difflib.get_close_matches(str(value), choices, 1):
                error.message += say.did_you_mean(near)
            raise


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m bot", description="Run the bot, or look after it.")
    parser.set_defaults(**RUN)
    commands = parser.add_subparsers(metavar="COMMAND")
    commands.add_parser("run", help="run (the default)")
    check = commands.add_parser("check", help="check settings, policy, Slack, model")
    check.set_defaults(command="bot.commands.check:check")
    commands.add_parser("migrate", help="bring the schema up to date").set_defaults(
        command="bot.commands.migrate:migrate_command"
    )
    mcp = commands.add_parser("mcp", help="tools for an agent's client, over stdio")
    mcp.set_defaults(command="bot.commands.mcp:mcp_command", needs_database=False)
    _add_policy(commands.add_parser("policy", help="what the policy says"))
    _add_approvals(commands.add_parser("approvals", help="the queue"))
    _add_audit(commands.add_parser("audit", help="the audit trail"))
    _add_pause(commands.add_parser("pause", help="run nothing until it is lifted"))
    return parser


def _add_policy(policy: argparse.ArgumentParser) -> None:
    policy.set_defaults(needs_database=False)
    actions = policy.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser(
        "show", help="the whole policy; what can loosen is marked"
    )
    show.set_defaults(command="bot.commands.policy:show_command")
    actions.add_parser(
        "scaffold", help="a first policy from the tools there are"
    ).set_defaults(command="bot.commands.policy:scaffold_command")
    explain = actions.add_parser("explain", help="what one call needs, and why")
    explain.add_argument("--tool", type=_words, required=True)
    explain.add_argument("--args", metavar="JSON", required=True)
    explain.add_argument("--requester", metavar="U…", help="id of the person who asks")
    explain.add_argument("--agent", metavar="NAME", help="the agent that asks, if one")
    explain.set_defaults(command="bot.commands.policy:explain_command")


def _add_approvals(approvals: argparse.ArgumentParser) -> None:
    actions = approvals.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="requests, newest first")
    listing.add_argument("--status", choices=[str(status) for status in Status])
    listing.set_defaults(command="bot.commands.approvals:list_command")
    reject = actions.add_parser("reject", help="reject an open request, as an operator")
    reject.add_argument("id", type=_words, help="a request's id or its code")
    reject.add_argument("--reason", type=_words, required=True)
    reject.set_defaults(command="bot.commands.approvals:reject_command")


def _add_pause(pause: argparse.ArgumentParser) -> None:
    pause.set_defaults(command="bot.commands.approvals:pause_command")
    either = pause.add_mutually_exclusive_group(required=True)
    either.add_argument("--reason", type=_words, metavar="TEXT", help="why, for cards")
    either.add_argument("--lift", action="store_true", help="end the pause")
    pause.add_argument("--team", type=_words, metavar="T…", help="one workspace alone")


def _add_audit(audit: argparse.ArgumentParser) -> None:
    actions = audit.add_subparsers(metavar="ACTION", required=True)
    export = actions.add_parser("export", help="the trail on stdout, oldest first")
    export.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")
    export.add_argument("--since", type=moment, metavar="T", help="from this time on")
    export.add_argument("--until", type=moment, metavar="T", help="before this time")
    export.set_defaults(command="bot.commands.audit:export_command")
    verify = actions.add_parser("verify", help="check every hash; 1 if one is bad")
    verify.add_argument("--file", type=Path, metavar="F", help="an exported JSONL file")
    verify.add_argument(
        "--checkpoint", type=Path, metavar="F", help="a signed checkpoint, or a folder"
    )
    verify.add_argument(
        "--public-key", metavar="HEX", help="the key that must have signed it"
    )
    verify.set_defaults(command="bot.commands.audit:verify_command")
    report = actions.add_parser("report", help="sum up a period, for reviewers")
    report.add_argument("--period", default="30d", help=f"{PERIODS}; default 30d")
    report.add_argument("--format", choices=["json", "html"], default="json")
    report.set_defaults(command="bot.commands.audit:report_command")


def _words(text: str) -> str:
    """An argument that is not empty and can be stored."""
    words = clean_text(text).strip()
    if not words:
        raise argparse.ArgumentTypeError("it is empty")
    return words


def moment(text: str) -> dt.datetime:
    """Read ISO 8601: a day or a time; UTC unless it says otherwise."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            "write a time such as 2026-07-01 or 2026-07-01T12:00:00Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
