-- The end of a run that asks tells which of its calls were rejected before.

-- For the loop guard: which of these calls people have rejected in a conversation within
-- the last hour, with the last person who did so.
CREATE FUNCTION rejected_before(conversation uuid, digests text[])
RETURNS TABLE (digest text, by text, at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT asked.digest, last.by, last.at
  FROM unnest(digests) AS asked (digest), LATERAL (
    SELECT r.decided_at AS at,
      (SELECT d.user_id FROM decisions d
       WHERE d.request_id = r.id AND d.verdict = 'reject' AND d.voided_at IS NULL
       ORDER BY d.id DESC LIMIT 1) AS by
    FROM requests r
    WHERE r.conversation_id = conversation AND r.status = 'rejected'
      AND r.outcome = '' AND r.decided_at > bot_now() - interval '1 hour'
      AND asked.digest IN (r.raised_digest, r.call_digest)
    ORDER BY r.decided_at DESC LIMIT 1) AS last
  WHERE last.by IS NOT NULL
$$;
