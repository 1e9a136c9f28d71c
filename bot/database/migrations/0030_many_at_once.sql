-- A job as by `defer_for_conversation`, behind all those that people wait for. Only
-- replicas of a version before call it: `expire` in bot/approvals/transitions.sql makes
-- the jobs of a whole batch.
CREATE FUNCTION defer_behind_others(task text, conversation uuid) RETURNS bigint
LANGUAGE sql AS $$
  SELECT (procrastinate_defer_jobs_v1(ARRAY[
    ROW('runs', task, -1, conversation::text, NULL,
      jsonb_build_object('conversation', conversation), NULL
    )::procrastinate_job_to_defer_v1
  ]))[1]
$$;

-- As before, but what does not depend on the row before is put into its canonical form
-- before the chain's lock is taken, so that others wait for less.
CREATE OR REPLACE FUNCTION audit_append_to_chain(fact audit) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  head audit_chain;
  following bigint;
  up_to_number text;
  after_previous text;
BEGIN
  up_to_number := E'slack-approval-bot/audit/1\n'
    || '{"actor":' || to_json(fact.actor)
    || ',"at":"' || to_char(fact.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    || '","conversation_id":' || COALESCE(to_json(fact.conversation_id)::text, 'null')
    || ',"detail":' || canonical_json(fact.detail)
    || ',"event":' || to_json(fact.event)
    || ',"number":';
  after_previous := '","request_id":' || COALESCE(to_json(fact.request_id)::text, 'null')
    || ',"seq":' || fact.seq
    || ',"team_id":' || to_json(fact.team_id)
    || ',"texts":' || CASE WHEN fact.texts = '{}' THEN '{}'
      ELSE canonical_json(fact.texts) END
    || ',"via":' || to_json(fact.via) || '}';
  PERFORM pg_advisory_xact_lock(hashtext('audit'), hashtext(fact.team_id));
  SELECT * INTO head FROM audit_chain
  WHERE team_id = fact.team_id ORDER BY number DESC LIMIT 1;
  following := COALESCE(head.number, 0) + 1;
  INSERT INTO audit_chain VALUES (fact.team_id, following, fact.seq, sha256(convert_to(
    up_to_number || following || ',"previous":"' || encode(COALESCE(head.hash, ''), 'hex')
    || after_previous, 'UTF8')));
END $$;
