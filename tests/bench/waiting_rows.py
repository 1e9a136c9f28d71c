"""Requests that wait, as many as are wanted, written straight into the tables."""

from __future__ import annotations

import psycopg

from tests.bench.workspace import MANAGERS, TEAM

# Not the channel of the cards that the cycles' people click on.
CHANNEL = "C0WAITING0"
TIMES = '{"timeout": null, "reminders": [14400, 72000], "after": null, "to": []}'
ROWS = """
INSERT INTO conversations (id, team_id, channel_id, thread_ts)
SELECT md5(%(name)s || n)::uuid, %(team)s, %(channel)s, %(name)s || n
FROM generate_series(1, %(count)s) AS n;

INSERT INTO deliveries (id, kind, team_id, channel_id, state, message_ts,
  posted_channel, shown, sent_at)
SELECT md5('card ' || %(name)s || n)::uuid, 'card', %(team)s, %(channel)s, 'sent',
  %(name)s || n, %(channel)s, 1, bot_now()
FROM generate_series(1, %(count)s) AS n;

INSERT INTO requests (id, code, team_id, conversation_id, interrupt_id, tool_call_id,
  tool, arguments, schema_digest, call_digest, grant_digest, requester_id, rules, why,
  policy_version, card_id, resumed_at, raised_at, expires_at, wake_at)
SELECT %(name)s || n, 'WAIT', %(team)s, md5(%(name)s || n)::uuid, 'i', 'c',
  'delete_file', '{"path":"a.txt"}', '', md5('call' || n), md5('grant' || n),
  'U0ASKER000', '{deleting}', '{}', '1', md5('card ' || %(name)s || n)::uuid,
  -- no graph waits for these
  bot_now(), bot_now() - make_interval(secs => %(age)s),
  bot_now() + make_interval(secs => %(left)s + %(spread)s * random()),
  bot_now() + make_interval(secs => %(wake)s + %(spread)s * random())
FROM generate_series(1, %(count)s) AS n;

INSERT INTO stages (request_id, position, approvers, people, quorum, opened_at, times)
SELECT %(name)s || n, 0, 'managers', %(people)s, 1,
  bot_now() - make_interval(secs => %(age)s), %(times)s
FROM generate_series(1, %(count)s) AS n;
"""
HOUR = 3600


def add_waiting(url: str, name: str, count: int) -> None:
    """Requests whose time is not over for hours, and that nobody is reminded of."""
    _add(url, name, count, age=0, left=2 * HOUR, wake=2 * HOUR, spread=20 * HOUR)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def add_overdue(url: str, name: str, count: int) -> None:
    """Requests whose time has been over for a minute."""
    _add(url, name, count, age=24 * HOUR, left=-60, wake=2 * HOUR, spread=0)


def add_to_remind(url: str, name: str, count: int) -> None:
    """Requests whose people are to be reminded now."""
    _add(url, name, count, age=5 * HOUR, left=19 * HOUR, wake=-60, spread=0)


def _add(url: str, name: str, count: int, **spans: float) -> None:
    fixed = {"team": TEAM, "channel": CHANNEL, "people": list(MANAGERS), "times": TIMES}
    key = {"name": name, "count": count, **fixed, **spans}
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(ROWS, key)
