-- name: lock_agent_key
-- One at a time for each key, so that a repeat finds what the first has raised.
SELECT pg_advisory_xact_lock(hashtextextended(
  %(team)s || '/' || %(agent)s || '/' || %(key)s, 15));

-- name: find_by_agent_key
-- The request that an agent has raised under a key, and what it sent then.
SELECT id, agent_asked FROM requests
WHERE team_id = %(team)s AND agent = %(agent)s AND agent <> '' AND agent_key = %(key)s;

-- name: newest_of_agent
-- What an agent has asked for lately.
SELECT id FROM requests WHERE team_id = %(team)s AND agent = %(agent)s AND agent <> ''
ORDER BY raised_at DESC, id DESC LIMIT %(limit)s;

-- name: find_of_agent
-- A request of this very agent, with what its claim needs.
SELECT c.generation, g.due_at, g.result
FROM requests r JOIN conversations c ON c.id = r.conversation_id
LEFT JOIN grants g ON g.request_id = r.id
WHERE r.id = %(id)s AND r.team_id = %(team)s AND r.agent = %(agent)s;

-- name: open_for_agent
-- What the requests of one piece of work belong to; no graph runs in it.
INSERT INTO conversations (id, team_id, channel_id, thread_ts)
VALUES (%(id)s, %(team)s, %(channel)s, %(thread)s)
ON CONFLICT DO NOTHING;
