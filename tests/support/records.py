"""What the bot has written into its database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg


@dataclass(frozen=True)
class Records:
    """Short looks into one database."""

    url: str

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]

    def value(self, query: str, *values: Any) -> Any:
        """The one value of a query that gives one row."""
        [(found,)] = self.rows(query, *values)
        return found

    def status(self, request: str) -> str:
        """Where a request stands."""
        return self.value("SELECT status FROM requests WHERE id = %s", request)

    def decisions(self, request: str) -> list[tuple[str, str]]:
        """Who said what about a request, oldest first."""
        return self.rows(
            "SELECT user_id, verdict FROM decisions WHERE request_id = %s ORDER BY id",
            request,
        )
