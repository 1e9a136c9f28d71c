-- What goes out is sent from its own row: no job stands for it. `due_at`: when the clock
-- takes it up, by the real clock; until then it is left to whoever wrote or tried it.
ALTER TABLE deliveries
  ADD COLUMN due_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN tries integer NOT NULL DEFAULT 0;  -- that failed, since it was last sent
CREATE INDEX deliveries_due ON deliveries (due_at) WHERE shown < revision;
DROP INDEX deliveries_open;

ALTER TABLE emails
  ADD COLUMN due_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN taken_until timestamptz;
CREATE INDEX emails_due ON emails (due_at) WHERE state = 'queued';
DROP INDEX emails_open;

ALTER TABLE webhook_events
  ADD COLUMN due_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN taken_until timestamptz;
-- those of one request go out one after the other
CREATE INDEX webhook_events_due ON webhook_events (request_id, seq)
  WHERE state = 'queued';
DROP INDEX webhook_events_open;

DELETE FROM procrastinate_jobs
WHERE task_name IN ('deliver', 'email', 'webhook') AND status = 'todo';
