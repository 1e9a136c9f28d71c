"""Read one SQL statement with a parser: what it does, and how its rows are counted.

What is run is always the text that is written anew from what was understood, without
its comments. So a parser that reads a text otherwise than the database does judges
nothing that is not also what is run.
"""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from agent.phrases import results

Dialect = Literal["postgres", "sqlite"]
LONGEST = 20_000  # characters


class StatementError(ValueError):
    """The statement cannot be used; the text is a sentence for the model."""


class Kind(enum.Enum):
    """The tool that a statement belongs to."""

    READ = "query"
    WRITE = "execute"
    SCHEMA = "change_schema"


@dataclass(frozen=True)
class Statement:
    """One statement.

    Attributes:
        text: as it is shown and run.
        counting: a SELECT for the number of rows that it would change, or the number
            itself; None where neither can be made of it.
    """

    kind: Kind
    text: str
    counting: str | int | None = None


def read_statement(text: str, dialect: Dialect) -> Statement:
    """Read a text.

    Raises:
        StatementError: it is no statement, more than one, or of a kind that no tool
            runs.
    """
    tree = _parsed(text, dialect)
    kind = _kind(tree)
    if kind is Kind.READ and (strange := _strange_functions(tree)):
        raise StatementError(results.strange_functions(strange))
    written = _written(tree, dialect)
    if _written(_parsed(written, dialect), dialect) != written:
        raise StatementError(results.AMBIGUOUS)
    counting = _counting(tree, dialect) if kind is Kind.WRITE else None
    return Statement(kind, written, counting)


def require(text: str, dialect: Dialect, kind: Kind) -> Statement:
    """Read a statement that must be of one kind.

    Raises:
        StatementError: as `read_statement`; or it is of another kind.
    """
    found = read_statement(text, dialect)
    if found.kind is not kind:
        raise StatementError(results.for_another_tool(found.kind.value))
    return found


@cache
def _sqlglot() -> Any:
    # A third of a second, which a bot without a database does without.
    import sqlglot

    # It reports what it cannot parse in full; that is a Command, and refused.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    return sqlglot


def _parsed(text: str, dialect: Dialect) -> Any:
    if len(text) > LONGEST:
        raise StatementError(results.statement_too_long(LONGEST))
    try:
        trees = _sqlglot().parse(text, dialect=dialect)
    except (_sqlglot().errors.SqlglotError, RecursionError):
        raise StatementError(results.NO_STATEMENT) from None
    exp = _sqlglot().exp
    found = [t for t in trees if t is not None and not isinstance(t, exp.Semicolon)]
    if len(found) != 1:
        raise StatementError(results.ONE_STATEMENT if found else results.NO_STATEMENT)
    return found[0]


def _written(tree: Any, dialect: Dialect) -> str:
    exp = _sqlglot()
    try:
        text = tree.sql(
            dialect=dialect,
            comments=False,
            normalize_functions=False,
            unsupported_level=exp.ErrorLevel.RAISE,
        )
    except (exp.errors.SqlglotError, RecursionError):
        raise StatementError(results.AMBIGUOUS) from None
    return cast("str", text)


def _kind(tree: Any) -> Kind:
    exp = _sqlglot().exp
    if any(tree.find_all(exp.Command, exp.Pragma, exp.Attach, exp.Detach, exp.Copy)):
        raise StatementError(results.NO_KIND)
    if isinstance(
        tree, (exp.Create, exp.Drop, exp.Alter, exp.TruncateTable, exp.Comment)
    ):
        return Kind.SCHEMA
    changes = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
    if not isinstance(tree, (exp.Query, exp.Values, *changes)):
        raise StatementError(results.NO_KIND)
    if any(tree.find_all(exp.Into, exp.Lock, exp.Create, exp.Drop)):
        raise StatementError(results.NO_KIND)
    # A WITH of PostgreSQL can hold an INSERT, an UPDATE or a DELETE.
    return Kind.WRITE if any(tree.find_all(*changes)) else Kind.READ


def _strange_functions(tree: Any, known: frozenset[str] | None = None) -> list[str]:
    """The functions that are not known to only read, as they are written."""
    exp = _sqlglot().exp
    known = _READING if known is None else known
    found = {
        name
        for call in tree.find_all(exp.Func)
        if (name := _name(call)) not in known or _is_odd(call)
    }
    return sorted(found)


def _name(call: Any) -> str:
    exp = _sqlglot().exp
    is_unknown = isinstance(call, (exp.Anonymous, exp.AnonymousAggFunc))
    return (call.name if is_unknown else call.sql_name()).lower()


def _is_odd(call: Any) -> bool:
    """Qualified or quoted, it may be another function of the same name."""
    exp = _sqlglot().exp
    return isinstance(call.parent, exp.Dot) or isinstance(call.this, exp.Identifier)


def _counting(tree: Any, dialect: Dialect) -> str | int | None:
    exp = _sqlglot().exp
    used = {name for name, value in tree.args.items() if value}
    if isinstance(tree, exp.Insert) and used == {"this", "expression"}:
        if isinstance(tree.expression, exp.Values):
            return len(tree.expression.expressions)
        return _count(exp, tree.expression, None, dialect)
    plain = isinstance(tree.this, exp.Table) and _is_plain(tree.this)
    if isinstance(tree, exp.Update) and plain and used <= _UPDATE:
        return _count(exp, tree.this, tree.args.get("where"), dialect)
    if isinstance(tree, exp.Delete) and plain and used <= _DELETE:
        return _count(exp, tree.this, tree.args.get("where"), dialect)
    return None


_UPDATE = {"this", "expressions", "where"}
_DELETE = {"this", "where"}


def _is_plain(table: Any) -> bool:
    used = {name for name, value in table.args.items() if value}
    return used <= {"this", "db", "alias"}


def _count(exp: Any, source: Any, where: Any, dialect: Dialect) -> str | None:
    source = source.copy()
    if isinstance(source, exp.Query):
        source = source.subquery("counted")
    counting = exp.select(exp.Count(this=exp.Star())).from_(source)
    if where is not None:
        counting = counting.where(where.this.copy())
    if any(counting.find_all(exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Into)):
        return None
    # Twice asked, they answer twice.
    if _strange_functions(counting, _READING - _VOLATILE):
        return None
    return _written(counting, dialect)


_LISTED = Path(__file__).with_name("reading_functions.txt").read_text(encoding="utf-8")
_READING = frozenset(
    name
    for line in _LISTED.splitlines()
    if not line.startswith("#")
    for name in line.split()
)
_VOLATILE = frozenset({"rand", "random", "uuid", "gen_random_uuid"})
