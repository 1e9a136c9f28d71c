"""PostgreSQL: pools, named statements, migrations, the embedded server."""

from __future__ import annotations
