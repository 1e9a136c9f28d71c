-- name: count_one
-- One more of a kind from a person: whether it is too much, whether to say so now,
-- and the seconds until the span is over.
SELECT * FROM count_pace(%(team)s, %(user)s, %(kind)s, %(most)s, %(span)s, %(pause)s);
