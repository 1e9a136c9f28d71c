-- Approvers outside Slack: the HTTP API, signed links, e-mail, webhooks.

-- What the API has answered, so that a repeat with the same key is answered alike.
CREATE TABLE api_answers (
  team_id text NOT NULL,
  user_id text NOT NULL,
  key text NOT NULL,
  asked text NOT NULL,          -- SHA-256 of path and body: a key stands for one request
  status integer,               -- null while it is worked on
  body text,
  at timestamptz NOT NULL DEFAULT bot_now(),
  PRIMARY KEY (team_id, user_id, key)
);
CREATE INDEX api_answers_at ON api_answers (at);

-- The API lists a person's requests, newest first.
CREATE INDEX requests_newest ON requests (team_id, raised_at DESC, id DESC);
CREATE INDEX deliveries_thread ON deliveries (team_id, channel_id, thread_ts)
  WHERE text IS NOT NULL;

-- A signed link: one approver, one request, one digest, once. Its token is stored as a
-- hash alone.
CREATE TABLE links (
  hash text PRIMARY KEY,        -- hex SHA-256 of the token
  request_id text NOT NULL REFERENCES requests ON DELETE CASCADE,
  team_id text NOT NULL,
  user_id text NOT NULL,
  grant_digest text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT bot_now(),
  expires_at timestamptz NOT NULL,
  used_at timestamptz
);
CREATE INDEX links_request ON links (request_id);

-- What has happened to requests and has to be told outside of Slack: written by the
-- transaction that made it happen, worked off by the clock.
CREATE TABLE outbox (
  seq bigint PRIMARY KEY,       -- of the trail
  at timestamptz NOT NULL,
  team_id text NOT NULL,
  event text NOT NULL,
  request_id text NOT NULL,
  actor text NOT NULL,
  via text NOT NULL
);

-- The trail is what all changes have in common. Attempts that changed nothing are told
-- to whoever made them, and to nobody else; where a card stands, and that the graph has
-- its answer, changes nothing either.
CREATE FUNCTION audit_to_outbox() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO outbox (seq, at, team_id, event, request_id, actor, via)
  VALUES (NEW.seq, NEW.at, NEW.team_id, NEW.event, NEW.request_id, NEW.actor, NEW.via);
  RETURN NULL;
END $$;
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION audit_to_outbox() SET search_path = %I, pg_temp',
    current_schema());
END $$;
CREATE TRIGGER audit_told AFTER INSERT ON audit
  FOR EACH ROW
  WHEN (NEW.request_id IS NOT NULL
    AND NEW.event NOT IN
      ('refused', 'late', 'repeated', 'commented', 'shown', 'resumed'))
  EXECUTE FUNCTION audit_to_outbox();

-- The log of outgoing events. What is sent is kept as it is sent: a repeat is the same
-- bytes with the same id.
CREATE TABLE webhook_events (
  seq bigint PRIMARY KEY,       -- of the trail; the event's id is made of it
  request_id text NOT NULL,
  type text NOT NULL,
  body text NOT NULL,
  state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'given_up')),
  tries integer NOT NULL DEFAULT 0,
  answer text NOT NULL DEFAULT '',  -- of the last try: a status, or what went wrong
  made_at timestamptz NOT NULL DEFAULT bot_now(),
  tried_at timestamptz,
  sent_at timestamptz
);
CREATE INDEX webhook_events_open ON webhook_events (made_at) WHERE state = 'queued';

-- E-mails about requests: to whoever may decide, to whoever asked.
CREATE TABLE emails (
  id uuid PRIMARY KEY,
  seq bigint NOT NULL,          -- of the trail: what it is about
  request_id text NOT NULL REFERENCES requests ON DELETE CASCADE,
  team_id text NOT NULL,
  user_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('notice', 'reminder', 'outcome')),
  state text NOT NULL DEFAULT 'queued' CHECK (
    state IN ('queued', 'sent', 'needless', 'failed')),
  tries integer NOT NULL DEFAULT 0,
  answer text NOT NULL DEFAULT '',
  made_at timestamptz NOT NULL DEFAULT bot_now(),
  sent_at timestamptz,
  UNIQUE (seq, user_id)
);
CREATE INDEX emails_open ON emails (made_at) WHERE state = 'queued';
