-- name: claim_resume
-- The one moment at which what people approved may start, where the graph does it
-- itself: all of it, or none.
WITH wanted AS (
  SELECT w.id, w.call_digest, w.grant_digest
  FROM jsonb_to_recordset(%(wanted)s::jsonb)
    AS w (id text, call_digest text, grant_digest text)),
mine AS (
  SELECT g.conversation_id, g.tool_call_id, g.request_id, g.tool, g.call_digest
  FROM wanted w
  JOIN requests r ON r.id = w.id AND r.status IN ('approved', 'answered')
    AND r.call_digest = w.call_digest AND r.grant_digest = w.grant_digest
  JOIN grants g ON g.request_id = r.id AND g.state = 'approved'
    AND g.call_digest = w.call_digest AND g.grant_digest = w.grant_digest
  JOIN conversations c ON c.id = g.conversation_id AND c.generation = %(generation)s
  WHERE g.conversation_id = %(conversation)s
  FOR UPDATE OF g),
claimed AS (
  UPDATE grants g SET state = 'executing', generation = %(generation)s,
    claimed_at = bot_now()
  FROM mine
  WHERE g.conversation_id = mine.conversation_id AND g.tool_call_id = mine.tool_call_id
    AND (SELECT count(*) FROM mine) = (SELECT count(*) FROM wanted)
  RETURNING mine.*),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, detail)
  SELECT %(team)s, 'claimed', request_id, conversation_id, 'bot',
    jsonb_build_object('tool', tool, 'call', call_digest)
  FROM claimed)
SELECT count(*) AS count FROM claimed;

-- name: finish_resume
-- What came of claims that this run took at the resume, or that one before it took and
-- whose end its graph knows.
WITH finished AS (
  UPDATE grants g SET state = %(state)s, finished_at = bot_now()
  FROM requests r
  WHERE r.id = g.request_id AND r.id = ANY(%(ids)s) AND NOT r.guarded
    AND g.state = 'executing'
  RETURNING g.request_id, g.conversation_id, g.tool, g.call_digest),
trail AS (
  INSERT INTO audit (team_id, event, request_id, conversation_id, actor, detail)
  SELECT %(team)s, %(event)s, request_id, conversation_id, 'bot',
    jsonb_build_object('tool', tool, 'call', call_digest)
  FROM finished),
touched AS (  -- in the order of `touch_deliveries`
  UPDATE deliveries SET revision = revision + 1
  WHERE id IN (SELECT d.id FROM finished JOIN request_messages m USING (request_id)
    JOIN deliveries d ON d.id = m.delivery_id
    WHERE d.kind = 'card' OR d.kind = 'notice' AND %(event)s = 'failed'
    ORDER BY d.id FOR NO KEY UPDATE OF d)
  RETURNING id)
SELECT ARRAY(SELECT request_id FROM finished) AS finished,
  ARRAY(SELECT id::text FROM touched) AS touched;

-- name: unclaim_resume
-- LangGraph has refused the answer before its graph saw it: nothing has begun.
UPDATE grants g SET state = 'approved', generation = NULL, claimed_at = NULL
FROM requests r
WHERE r.id = g.request_id AND r.id = ANY(%(ids)s) AND NOT r.guarded
  AND g.state = 'executing' AND g.generation = %(generation)s;

-- name: close_unrun
-- Verdicts that the graph is not told, because its turn has ended without them.
WITH closed AS (
  UPDATE requests SET resumed_at = bot_now(),
    outcome_note = CASE WHEN outcome_note = '' AND status IN ('approved', 'answered')
      THEN %(note)s ELSE outcome_note END
  WHERE id = ANY(%(ids)s) AND status <> 'pending' AND resumed_at IS NULL
  RETURNING id),
gone AS (
  DELETE FROM grants WHERE request_id IN (SELECT id FROM closed) AND state = 'approved'),
touched AS (  -- in the order of `touch_deliveries`
  UPDATE deliveries SET revision = revision + 1
  WHERE id IN (SELECT d.id FROM closed JOIN request_messages m ON m.request_id = closed.id
    JOIN deliveries d ON d.id = m.delivery_id ORDER BY d.id FOR NO KEY UPDATE OF d)
  RETURNING id)
SELECT ARRAY(SELECT id FROM closed) AS closed,
  ARRAY(SELECT id::text FROM touched) AS touched;

-- name: select_other_version
-- Conversations whose graph asked when it was another one.
SELECT DISTINCT conversation_id AS id FROM requests
WHERE resumed_at IS NULL AND graph_version <> %(version)s;

-- name: keep_version
-- Questions that the changed graph still asks.
UPDATE requests SET graph_version = %(version)s WHERE id = ANY(%(ids)s);

-- name: place_unknown
-- Where the people of a request are told that its end is unknown: under its card.
INSERT INTO deliveries (id, kind, team_id, channel_id, thread_ts)
SELECT %(delivery)s, 'call', r.team_id, d.channel_id, d.thread_ts
FROM requests r JOIN deliveries d ON d.id = r.card_id
WHERE r.id = %(id)s
RETURNING id;

-- name: mark
-- What a person has found out about an action whose end is unknown: one word, once.
UPDATE requests SET marked = %(mark)s, marked_by = %(user)s, marked_at = bot_now()
WHERE id = %(id)s AND marked = ''
  AND EXISTS (SELECT FROM grants g WHERE g.request_id = requests.id
    AND g.state = 'unknown')
RETURNING conversation_id;

-- name: ask_once_more
-- The requester's message once more, as a message of its own; pressed twice it is one.
INSERT INTO messages (team_id, enterprise_id, channel_id, ts, event_id,
  conversation_id, user_id, text)
SELECT m.team_id, m.enterprise_id, m.channel_id, m.ts || '-again-' || r.code,
  m.event_id || '-again-' || r.id, m.conversation_id, m.user_id, m.text
FROM requests r JOIN messages m ON m.id = r.message_id
WHERE r.id = %(id)s
ON CONFLICT DO NOTHING
RETURNING conversation_id;

-- name: select_unknown_tools
-- Calls of a conversation of which nobody knows whether they happened.
SELECT DISTINCT g.tool FROM grants g
WHERE g.conversation_id = %(conversation)s AND g.state = 'unknown';
