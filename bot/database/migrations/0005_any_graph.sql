-- Questions of any graph: what each of them takes, where its claim is taken, and what
-- people found out about an action that was cut off.
ALTER TABLE requests
  -- whether the tool itself claims its grant; else it is claimed when the graph resumes
  ADD COLUMN guarded boolean NOT NULL DEFAULT true,
  ADD COLUMN takes text[],                      -- verdicts; null: the graph takes any
  ADD COLUMN headline text NOT NULL DEFAULT '', -- the argument that is shown first
  ADD COLUMN form text,                         -- JSON schema of the answer
  ADD COLUMN answer text,                       -- canonical JSON, of a graph's question
  ADD COLUMN refused_answer text,               -- one that was taken back
  ADD COLUMN graph_version text NOT NULL DEFAULT '',
  ADD COLUMN message_id bigint REFERENCES messages,  -- whose turn it was
  ADD COLUMN marked text NOT NULL DEFAULT '' CHECK (
    marked IN ('', 'done', 'not_done', 'again')),
  ADD COLUMN marked_by text NOT NULL DEFAULT '',
  ADD COLUMN marked_at timestamptz;
