-- name: select_history
-- The life of one request, or of all on a card, from the rows of the trail alone: their
-- own rows, with what people wrote as far as it is not erased, and the message of the
-- requester that each of them came from. `number` counts the calls of a card. That the
-- agent took the answer is left out: the answer is what people read next.
WITH asked AS (
  SELECT s.request_id AS id, min(s.detail->>'number') AS number
  FROM audit s
  WHERE %(request)s::text IS NULL AND s.event = 'shown' AND s.request_id IS NOT NULL
    AND s.detail->>'ts' = %(ts)s AND s.detail->>'channel' = %(channel)s
  GROUP BY s.request_id
  UNION ALL
  SELECT %(request)s::text, NULL WHERE %(request)s::text IS NOT NULL
), origins AS (
  SELECT DISTINCT (
    SELECT max(a.seq) FROM audit a
    WHERE a.event = 'received' AND a.conversation_id = first.conversation_id
      AND a.actor = first.detail->>'on_behalf_of' AND a.seq < first.seq) AS seq
  FROM asked CROSS JOIN LATERAL (
    SELECT r.seq, r.conversation_id, r.detail FROM audit r
    WHERE r.request_id = asked.id ORDER BY r.seq LIMIT 1) first
)
SELECT a.seq, a.at, a.event, a.actor, a.via, asked.number,
  (SELECT count(*) FROM asked) AS calls,
  a.detail || COALESCE((
    SELECT jsonb_object_agg(given.name, COALESCE(t.text, '[erased]'))
    FROM jsonb_object_keys(a.texts) AS given (name)
    LEFT JOIN audit_texts t ON t.seq = a.seq AND t.name = given.name), '{}') AS detail
FROM audit a LEFT JOIN asked ON asked.id = a.request_id
WHERE a.seq IN (  -- by their numbers, since an OR of the two would read the whole trail
  SELECT own.seq FROM asked JOIN audit own ON own.request_id = asked.id
  WHERE own.event <> 'resumed'
  UNION SELECT seq FROM origins)
ORDER BY a.seq;
