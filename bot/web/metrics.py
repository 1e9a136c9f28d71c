"""`/metrics`: the numbers an operator watches, in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from bot.database.pool import Pool

COUNTS = """
SELECT 'requests' AS what, status AS word, count(*) AS n FROM requests GROUP BY status
UNION ALL
SELECT 'actions', state, count(*) FROM grants GROUP BY state
UNION ALL
SELECT 'messages', state, count(*) FROM messages GROUP BY state
UNION ALL
SELECT 'deliveries', state, count(*) FROM deliveries GROUP BY state
UNION ALL
SELECT 'emails', state, count(*) FROM emails GROUP BY state
UNION ALL
SELECT 'events', state, count(*) FROM webhook_events GROUP BY state
UNION ALL
SELECT 'jobs', status::text, count(*) FROM procrastinate_jobs GROUP BY status
"""
OLDEST = """
SELECT COALESCE(extract(epoch FROM bot_now() - min(raised_at)), 0) AS age
FROM requests WHERE status = 'pending'
"""
HELP = {
    "requests": "Requests by status.",
    "actions": "Calls that were allowed to run, by what became of them.",
    "messages": "Messages of people by state.",
    "deliveries": "Messages to Slack by state.",
    "emails": "E-mails about requests by state.",
    "events": "Events for the webhook by state.",
    "jobs": "Jobs in the queue by status.",
}


def metrics_routes(
    pool: Pool, is_up: Callable[[], Awaitable[bool]]
) -> list[web.RouteDef]:
    """The route; without a database it still answers, with `approval_bot_up 0`."""

    async def metrics(_request: web.Request) -> web.Response:
        registry = CollectorRegistry()
        up = Gauge("approval_bot_up", "Whether the bot can work.", registry=registry)
        if await is_up():
            up.set(1)
            await _collect(pool, registry)
        body = generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    return [web.get("/metrics", metrics)]


async def _collect(pool: Pool, registry: CollectorRegistry) -> None:
    gauges: Mapping[str, Gauge] = {
        name: Gauge(f"approval_bot_{name}", text, ["state"], registry=registry)
        for name, text in HELP.items()
    }
    oldest = Gauge(
        "approval_bot_oldest_pending_seconds",
        "Age of the oldest open request.",
        registry=registry,
    )
    async with pool.connection() as connection:
        for row in await (await connection.execute(COUNTS)).fetchall():
            gauges[row["what"]].labels(row["word"]).set(row["n"])
        age = await (await connection.execute(OLDEST)).fetchone()
    oldest.set(float(age["age"]) if age else 0)
