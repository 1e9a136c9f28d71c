-- How much each person has sent within the span that is going on, over all replicas.
CREATE TABLE paces (
  team_id text NOT NULL,
  user_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('messages', 'clicks')),
  since timestamptz NOT NULL,
  used integer NOT NULL,
  last_at timestamptz NOT NULL,
  told_at timestamptz,          -- when the person was last told that it is too much
  PRIMARY KEY (team_id, user_id, kind)
);

-- What an approved call was about when people were asked, such as the very file that a
-- path named then; looked at again where it runs.
CREATE TABLE seen (
  request_id text NOT NULL REFERENCES requests ON DELETE CASCADE,
  call_digest text NOT NULL,
  what text NOT NULL,           -- canonical JSON
  PRIMARY KEY (request_id, call_digest)
);
