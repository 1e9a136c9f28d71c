-- name: open_home
-- A person has opened it; from here on changes are told too.
WITH looks AS (
  INSERT INTO home_looks (team_id, number)
  SELECT %(team)s, COALESCE(max(number), 0) FROM audit_chain WHERE team_id = %(team)s
  ON CONFLICT DO NOTHING)
INSERT INTO home_viewers (team_id, user_id, enterprise_id, revision)
VALUES (%(team)s, %(user)s, %(enterprise)s, 1)
ON CONFLICT (team_id, user_id) DO UPDATE
SET opened_at = bot_now(), visits = home_viewers.visits + 1, pages = '{}', note = '',
  revision = home_viewers.revision + 1, due_at = now();

-- name: redraw_home
-- What a person sees is old now: after a click of theirs, which `note` answers.
UPDATE home_viewers SET revision = revision + 1, due_at = now(), note = %(note)s,
  pages = jsonb_set(pages, ARRAY[%(list)s::text],
    to_jsonb(GREATEST(0, COALESCE((pages->>%(list)s::text)::int, 0) + %(turn)s))),
  opened_at = bot_now()
WHERE team_id = %(team)s AND user_id = %(user)s;

-- name: seat_of
-- What was offered to a person last, and in which view.
SELECT view_id, offered, listed FROM home_viewers
WHERE team_id = %(team)s AND user_id = %(user)s;

-- name: keep_list
-- What a private list offers a person, who may never have opened App Home.
INSERT INTO home_viewers (team_id, user_id, enterprise_id, listed, visits, opened_at)
VALUES (%(team)s, %(user)s, %(enterprise)s, %(listed)s, 0, '-infinity')
ON CONFLICT (team_id, user_id) DO UPDATE SET listed = EXCLUDED.listed;

-- name: mark_homes
-- The trail tells what has changed since the last look: those who have opened App Home
-- lately and whose business it is get it anew. Not all at once: Slack takes a hundred
-- publications a minute. Of a long absence the last thousands of rows are enough.
WITH looks AS (
  SELECT l.team_id, l.number, (SELECT max(c.number) FROM audit_chain c
    WHERE c.team_id = l.team_id) AS head
  FROM home_looks l FOR UPDATE OF l SKIP LOCKED),
kept AS (
  UPDATE home_looks l SET number = s.head FROM looks s
  WHERE l.team_id = s.team_id AND l.number < s.head),
news AS (
  -- row by row, since a join that the planner takes for large reads the whole trail
  SELECT DISTINCT s.team_id, a.request_id
  FROM looks s
  CROSS JOIN LATERAL (SELECT c.seq FROM audit_chain c
    WHERE c.team_id = s.team_id AND c.number > s.number
    ORDER BY c.number DESC LIMIT 2000) AS c
  CROSS JOIN LATERAL (SELECT t.request_id FROM audit t
    WHERE t.seq = c.seq AND t.request_id IS NOT NULL OFFSET 0) AS a
  WHERE s.number < s.head),
concerned AS (
  SELECT DISTINCT n.team_id, w.who
  FROM news n JOIN requests r ON r.id = n.request_id
  CROSS JOIN LATERAL (
    SELECT r.requester_id AS who
    UNION SELECT d.user_id FROM decisions d WHERE d.request_id = r.id
    UNION SELECT unnest(s.people || s.source) FROM stages s WHERE s.request_id = r.id
    UNION SELECT p.who FROM stages s, jsonb_array_elements(s.times->'to') AS t,
      jsonb_array_elements_text(t->'people' || jsonb_build_array(t->>'source')) AS p (who)
      WHERE s.request_id = r.id) AS w),
due AS (
  SELECT v.team_id, v.user_id, row_number() OVER (ORDER BY v.opened_at DESC) AS place
  FROM home_viewers v
  WHERE v.opened_at > bot_now() - %(lately)s
    AND EXISTS (SELECT FROM concerned c
      WHERE c.team_id = v.team_id AND c.who = ANY (v.watches))
  ORDER BY v.opened_at DESC LIMIT %(most)s)
UPDATE home_viewers v SET revision = v.revision + 1,
  due_at = CASE WHEN v.shown < v.revision THEN v.due_at
    ELSE clock_timestamp() + make_interval(secs => (d.place - 1) * 0.6) END
FROM due d WHERE v.team_id = d.team_id AND v.user_id = d.user_id;

-- name: pick_home
-- Publications that are due, handed out to one process.
UPDATE home_viewers v SET due_at = clock_timestamp() + %(lease)s
FROM (SELECT team_id, user_id FROM home_viewers
  WHERE shown < revision AND due_at <= clock_timestamp()
    AND (taken_until IS NULL OR taken_until < clock_timestamp())
  ORDER BY due_at LIMIT %(most)s FOR UPDATE SKIP LOCKED) AS due
WHERE v.team_id = due.team_id AND v.user_id = due.user_id
RETURNING v.team_id || ' ' || v.user_id AS key;

-- name: take_home
-- Begin to publish; nobody else does until the lease is over.
UPDATE home_viewers SET taken_until = clock_timestamp() + %(lease)s
WHERE team_id = split_part(%(key)s, ' ', 1) AND user_id = split_part(%(key)s, ' ', 2)
  AND shown < revision AND (taken_until IS NULL OR taken_until < clock_timestamp())
RETURNING %(key)s::text AS key, team_id, user_id, enterprise_id, visits, pages, note,
  revision, tries;

-- name: postpone_home
-- It was not published, and is tried again later.
UPDATE home_viewers SET taken_until = NULL, tries = tries + 1,
  due_at = clock_timestamp() + make_interval(secs => %(seconds)s)
WHERE team_id = %(team_id)s AND user_id = %(user_id)s;

-- name: published_home
-- It stands in Slack, as of this revision; says whether there is more to show.
UPDATE home_viewers SET taken_until = NULL, tries = 0, shown = %(revision)s,
  view_id = COALESCE(%(view)s, view_id), offered = %(offered)s, watches = %(watches)s,
  pages = CASE revision WHEN %(revision)s THEN %(pages)s ELSE pages END
WHERE team_id = %(team_id)s AND user_id = %(user_id)s
RETURNING revision > shown AS more;
