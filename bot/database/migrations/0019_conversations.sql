-- A conversation as people lead it. Columns and tables that a replica of the version
-- before knows nothing of and needs nothing of.

-- Its author has deleted it before the agent was given it.
ALTER TABLE messages
  DROP CONSTRAINT messages_state_check,
  ADD CONSTRAINT messages_state_check CHECK (state IN ('received', 'held', 'running',
    'answered', 'failed', 'refused', 'deleted'));
DROP INDEX messages_done;
CREATE INDEX messages_done ON messages (received_at)
  WHERE state IN ('answered', 'failed', 'refused', 'deleted');

-- Who has been told what the bot is for.
CREATE TABLE greeted (
  team_id text NOT NULL,
  user_id text NOT NULL,
  at timestamptz NOT NULL DEFAULT bot_now(),
  PRIMARY KEY (team_id, user_id)
);

-- What people thought of an answer: the last word of each. It stays when the answer's
-- message is forgotten, so that what is counted does not fall.
CREATE TABLE feedback (
  delivery_id uuid NOT NULL,
  team_id text NOT NULL,
  user_id text NOT NULL,
  rating text NOT NULL CHECK (rating IN ('good', 'bad')),
  at timestamptz NOT NULL DEFAULT bot_now(),
  PRIMARY KEY (delivery_id, user_id)
);
CREATE INDEX feedback_at ON feedback (at);

-- A person has stopped its last turn, and the agent was not told yet.
ALTER TABLE conversations ADD COLUMN stopped boolean NOT NULL DEFAULT false;
