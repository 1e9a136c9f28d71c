"""The records that the bot has written into its database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

# A connection costs 10 ms of CPU, and some tests look a hundred times: the one to the
# database that was looked at last is kept, under its URL.
_kept: dict[str, psycopg.Connection] = {}


@dataclass(frozen=True)
class Records:
    """Short looks into one database."""

    url: str

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        try:
            found = self._connection().execute(query, values)
        except psycopg.OperationalError:  # cut by the test, or with its database
            _forget()
            found = self._connection().execute(query, values)
        return found.fetchall()

    def value(self, query: str, *values: Any) -> Any:
        """The one value of a query that gives one row."""
        [(found,)] = self.rows(query, *values)
        return found

    def connections(self) -> list[str]:
        """The names of the bot's connections to the database, without our own."""
        query = """
            SELECT application_name FROM pg_stat_activity
            WHERE datname = current_database() AND application_name ^@ 'approval-bot'
              AND application_name NOT IN ('approval-bot test', 'approval-bot owner')
        """
        return [name for (name,) in self.rows(query)]

    def status(self, request: str) -> str:
        """The status of a request."""
        return self.value("SELECT status FROM requests WHERE id = %s", request)

    def decisions(self, request: str) -> list[tuple[str, str]]:
        """The decisions on a request as user and verdict, oldest first."""
        return self.rows(
            "SELECT user_id, verdict FROM decisions WHERE request_id = %s ORDER BY id",
            request,
        )

    def claims(self, request: str) -> int:
        """Count how often the call of a request has begun, by the audit trail."""
        return self.value(
            "SELECT count(*) FROM audit WHERE event = 'claimed' AND request_id = %s",
            request,
        )

    def _connection(self) -> psycopg.Connection:
        if self.url not in _kept:
            _forget()
            _kept[self.url] = psycopg.connect(
                self.url, autocommit=True, prepare_threshold=None
            )
        return _kept[self.url]


def _forget() -> None:
    for url in list(_kept):
        _kept.pop(url).close()
