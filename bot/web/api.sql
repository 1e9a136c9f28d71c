-- name: claim_key
-- The first to come with a key works on it. Whoever died over it is followed by the next.
INSERT INTO api_answers (team_id, user_id, key, asked)
VALUES (%(team)s, %(user)s, %(key)s, %(asked)s)
ON CONFLICT (team_id, user_id, key) DO UPDATE SET at = bot_now()
  WHERE api_answers.status IS NULL AND api_answers.asked = EXCLUDED.asked
    AND api_answers.at < bot_now() - %(patience)s
RETURNING key;

-- name: select_answer
-- What was answered under a key.
SELECT asked, status, body FROM api_answers
WHERE team_id = %(team)s AND user_id = %(user)s AND key = %(key)s;

-- name: keep_answer
-- The answer that a repeat gets.
UPDATE api_answers SET status = %(status)s, body = %(body)s
WHERE team_id = %(team)s AND user_id = %(user)s AND key = %(key)s;

-- name: free_key
-- Nothing was done under it: the next try is a first one.
DELETE FROM api_answers
WHERE team_id = %(team)s AND user_id = %(user)s AND key = %(key)s AND status IS NULL;

-- name: forget_answers
-- Repeats come soon or never.
DELETE FROM api_answers WHERE at < bot_now() - %(age)s;

-- name: plan_by_values
-- For the statement that follows: what of a list is asked for says which index to read,
-- and whether any is of use.
SELECT set_config('plan_cache_mode', 'auto', true),
  set_config('enable_seqscan', 'on', true),
  set_config('enable_bitmapscan', 'on', true);

-- name: page_of_requests
-- Ids of the requests that a person may see, newest first, after a place in the list.
-- People who are looked up in Slack count as they were when the request was raised.
SELECT r.id, r.raised_at FROM requests r
WHERE r.team_id = %(team)s
  AND (%(status)s::text IS NULL OR r.status = %(status)s)
  AND (%(tool)s::text IS NULL OR r.tool = %(tool)s)
  AND (%(conversation)s::uuid IS NULL OR r.conversation_id = %(conversation)s)
  AND (%(after_at)s::timestamptz IS NULL
    OR (r.raised_at, r.id) < (%(after_at)s, %(after_id)s))
  AND CASE %(role)s
    WHEN 'requester' THEN r.requester_id = %(user)s
    WHEN 'approver' THEN EXISTS (SELECT FROM stages s
      WHERE s.request_id = r.id AND s.people && %(people)s)
    ELSE r.requester_id = %(user)s OR %(user)s = ANY(r.participants)
      OR EXISTS (SELECT FROM stages s
        WHERE s.request_id = r.id AND s.people && %(people)s)
      OR EXISTS (SELECT FROM decisions d
        WHERE d.request_id = r.id AND d.user_id = %(user)s) END
ORDER BY r.raised_at DESC, r.id DESC
LIMIT %(limit)s;

-- name: listen
-- Hear of each change of a request of an agent outside; a trigger tells it.
LISTEN agents_outside;
