-- One call that waits, or waited, for people. Only `pending` changes into another
-- status, by a conditional UPDATE, so that there is one winner.
CREATE TABLE requests (
  id text PRIMARY KEY,
  code text NOT NULL,
  team_id text NOT NULL,
  enterprise_id text NOT NULL DEFAULT '',
  conversation_id uuid NOT NULL REFERENCES conversations,
  interrupt_id text NOT NULL,
  position integer NOT NULL DEFAULT 0,
  tool_call_id text NOT NULL,
  tool text NOT NULL,
  arguments text NOT NULL,      -- canonical JSON (RFC 8785): what runs is what is here
  schema_digest text NOT NULL,
  call_digest text NOT NULL,
  grant_digest text NOT NULL,
  requester_id text NOT NULL,
  participants text[] NOT NULL DEFAULT '{}',
  rules text[] NOT NULL,
  why text[] NOT NULL,
  policy_version text NOT NULL,
  note text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'pending' CHECK (status IN (
    'pending', 'approved', 'rejected', 'timed_out', 'withdrawn', 'orphaned')),
  outcome_note text NOT NULL DEFAULT '',
  raised_at timestamptz NOT NULL DEFAULT bot_now(),
  expires_at timestamptz NOT NULL,
  decided_at timestamptz,
  resumed_at timestamptz,       -- when the graph had taken the answer
  card_id uuid REFERENCES deliveries,
  notice_id uuid REFERENCES deliveries,
  UNIQUE (conversation_id, interrupt_id, position),
  CHECK ((status = 'pending') = (decided_at IS NULL))
);
CREATE INDEX requests_due ON requests (expires_at) WHERE status = 'pending';
CREATE INDEX requests_unresumed ON requests (conversation_id)
  WHERE resumed_at IS NULL;
CREATE INDEX requests_card ON requests (card_id);
CREATE INDEX requests_notice ON requests (notice_id);

-- The chain of a request, as the policy had it when the request was raised.
CREATE TABLE stages (
  request_id text NOT NULL REFERENCES requests ON DELETE CASCADE,
  position integer NOT NULL,
  approvers text NOT NULL,
  people text[] NOT NULL,
  quorum integer NOT NULL CHECK (quorum > 0),
  opened_at timestamptz,
  passed_at timestamptz,
  PRIMARY KEY (request_id, position)
);

-- What people said. A person decides at most one stage of a request.
CREATE TABLE decisions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  request_id text NOT NULL REFERENCES requests ON DELETE CASCADE,
  stage integer NOT NULL,
  enterprise_id text NOT NULL DEFAULT '',
  team_id text NOT NULL,
  user_id text NOT NULL,
  verdict text NOT NULL CHECK (verdict IN ('approve', 'reject')),
  reason text NOT NULL DEFAULT '',
  via text NOT NULL,
  click text NOT NULL DEFAULT '',   -- Slack's action_ts: the same click again is known
  at timestamptz NOT NULL DEFAULT bot_now(),
  voided_at timestamptz,
  void_reason text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX decisions_once ON decisions (request_id, team_id, user_id)
  WHERE voided_at IS NULL;

-- The right to run one call once: approved -> executing -> done | failed | unknown,
-- each a conditional UPDATE. A waived call has its row too, and so has a denied one.
CREATE TABLE grants (
  conversation_id uuid NOT NULL REFERENCES conversations,
  tool_call_id text NOT NULL,
  request_id text REFERENCES requests,
  tool text NOT NULL,
  rule text NOT NULL,
  policy_version text NOT NULL,
  call_digest text NOT NULL,
  grant_digest text NOT NULL,
  state text NOT NULL CHECK (
    state IN ('approved', 'executing', 'done', 'failed', 'unknown', 'denied')),
  generation bigint,
  result text,
  granted_at timestamptz NOT NULL DEFAULT bot_now(),
  claimed_at timestamptz,
  finished_at timestamptz,
  PRIMARY KEY (conversation_id, tool_call_id)
);
CREATE INDEX grants_request ON grants (request_id);

-- A request with all that belongs to it, and the clock. Scalar subqueries, since joins
-- of as many tables cost more to plan than to run.
CREATE VIEW whole_requests AS
SELECT r.*, bot_now() AS now,
  (SELECT g.state FROM grants g WHERE g.request_id = r.id) AS execution,
  (SELECT ARRAY[COALESCE(d.posted_channel, d.channel_id), d.message_ts]
   FROM deliveries d WHERE d.id = r.card_id) AS card,
  ARRAY(SELECT to_jsonb(s) FROM stages s
    WHERE s.request_id = r.id ORDER BY s.position) AS stages,
  ARRAY(SELECT to_jsonb(x) FROM decisions x
    WHERE x.request_id = r.id AND x.voided_at IS NULL ORDER BY x.id) AS decisions
FROM requests r;

-- The trail: every attempt, written in the transaction that it describes.
CREATE TABLE audit (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT bot_now(),
  team_id text NOT NULL,
  event text NOT NULL,
  request_id text,
  conversation_id uuid,
  actor text NOT NULL DEFAULT '',     -- user id, or "bot", "clock", "operator"
  via text NOT NULL DEFAULT '',
  detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_request ON audit (request_id, seq);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit trail takes inserts only';
END $$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit
  FOR EACH ROW EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_no_change;
ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_no_truncate;
