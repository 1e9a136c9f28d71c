"""Which Slack workspaces a database has served."""

from __future__ import annotations

from bot.database.pool import Pool
from bot.errors import ConfigurationError


async def remember(
    pool: Pool, *, team: str, enterprise: str, name: str, simulated: bool
) -> None:
    """Note that this database serves a workspace."""
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO workspaces (team_id, enterprise_id, name, simulated)"
            " VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (team_id) DO UPDATE SET"
            " simulated = workspaces.simulated AND excluded.simulated",
            [team, enterprise, name, simulated],
        )


async def refuse_real(pool: Pool) -> None:
    """The simulator lets anybody act as anybody: never on real requests.

    Raises:
        ConfigurationError: the database has served a real team.
    """
    async with pool.connection() as connection:
        found = await connection.execute(
            "SELECT team_id FROM workspaces WHERE NOT simulated LIMIT 1"
        )
        row = await found.fetchone()
    if row is not None:
        raise ConfigurationError(
            f"The database has served the Slack team {row['team_id']}, so the "
            "simulator does not open it; set the SLACK_* variables, or another "
            "DATABASE_URL."
        )
