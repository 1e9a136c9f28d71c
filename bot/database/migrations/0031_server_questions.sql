-- What a tool's server has asked in the middle of a call, of the person who asked for the
-- call. It stands as long as the run that began the call is the conversation's last.
CREATE TABLE server_questions (
  delivery_id uuid PRIMARY KEY REFERENCES deliveries ON DELETE CASCADE,
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  generation bigint NOT NULL,   -- of that run
  user_id text NOT NULL,        -- who alone may answer
  server text NOT NULL,
  message text NOT NULL,        -- the server's own words
  schema json NOT NULL,         -- of the answer, the server's too; json keeps its order
  status text NOT NULL DEFAULT 'open'
    CHECK (status IN ('open', 'answered', 'declined', 'over')),
  answer jsonb,                 -- until the server has it
  answered_at timestamptz,
  due_at timestamptz NOT NULL
);
CREATE INDEX server_questions_conversation ON server_questions (conversation_id);
