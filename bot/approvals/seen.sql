-- name: see
-- What a call was about when people were asked, once.
INSERT INTO seen (request_id, call_digest, what)
VALUES (%(request)s, %(call_digest)s, %(what)s)
ON CONFLICT DO NOTHING;
