-- name: lock_pause
-- Wait for the claims that are being written; those that come later wait for this.
SELECT pg_advisory_xact_lock(hashtextextended('pause/' || %(team)s, 21));

-- name: pause
-- Nothing is claimed from here on.
INSERT INTO pauses (team_id, reason, paused_by)
VALUES (%(team)s, %(reason)s, %(actor)s)
ON CONFLICT (team_id) DO NOTHING
RETURNING team_id;

-- name: lift_pause
-- Claims go through again.
DELETE FROM pauses WHERE team_id = %(team)s RETURNING team_id;

-- name: resume_paused
-- What was approved meanwhile, and waits, goes on.
SELECT count(defer_for_conversation('resume', c.id)) AS resumed
FROM (SELECT DISTINCT r.conversation_id AS id FROM requests r
  WHERE r.team_id = %(team)s AND r.resumed_at IS NULL AND r.status <> 'pending') AS c;

-- name: touch_paused
-- Cards that are to say that nothing runs, or that it runs again, each copy too: of what
-- people can decide, and of what waits for its claim. A card that somebody else changes
-- right now is drawn by them.
UPDATE deliveries SET revision = revision + 1
WHERE id IN (
  SELECT d.id FROM (
    SELECT r.id, r.raised_at FROM requests r
    WHERE r.team_id = %(team)s AND (r.status = 'pending' OR EXISTS (
      SELECT FROM grants g WHERE g.request_id = r.id AND g.state = 'approved'))
    ORDER BY r.raised_at DESC, r.id DESC LIMIT %(most)s) AS newest
  JOIN request_messages m ON m.request_id = newest.id
  JOIN deliveries d ON d.id = m.delivery_id AND d.kind = 'card'
  ORDER BY newest.raised_at DESC, newest.id DESC LIMIT %(most)s
  FOR UPDATE OF d SKIP LOCKED)
RETURNING id::text AS id;

-- name: tell_operators
-- Something that those who run the bot should know, in each workspace that the database
-- serves: in their channel, or to each of them directly.
INSERT INTO deliveries (id, kind, team_id, channel_id, user_id, text)
SELECT gen_random_uuid(), CASE WHEN %(channel)s = '' THEN 'private' ELSE 'say' END,
  w.team_id, %(channel)s, u.user_id, %(text)s
FROM workspaces w,
  unnest(CASE WHEN %(channel)s = '' THEN %(users)s::text[] ELSE ARRAY[NULL] END)
    AS u (user_id)
RETURNING id::text AS id;

-- name: select_pauses
-- The workspaces that this database serves, each with its pause.
SELECT w.team_id, p.reason, p.paused_by, p.paused_at
FROM workspaces w LEFT JOIN pauses p ON p.team_id = w.team_id
ORDER BY w.team_id;
