-- A Slack thread is one conversation, and one LangGraph thread (same id).
CREATE TABLE conversations (
  id uuid PRIMARY KEY,
  team_id text NOT NULL,
  channel_id text NOT NULL,
  thread_ts text NOT NULL,
  -- raised by every start of a run; a run that finds another number has been replaced
  generation bigint NOT NULL DEFAULT 0,
  -- the run up to which older checkpoints are gone
  pruned bigint NOT NULL DEFAULT 0,
  last_run_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT bot_now(),
  UNIQUE (team_id, channel_id, thread_ts)
);
CREATE INDEX conversations_unpruned ON conversations (last_run_at)
  WHERE pruned < generation;

-- The inbox: a message is written here before Slack gets its 200. It is the same
-- message by its event id and by team, channel and ts.
CREATE TABLE messages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  team_id text NOT NULL,
  enterprise_id text NOT NULL DEFAULT '',
  channel_id text NOT NULL,
  ts text NOT NULL,
  event_id text NOT NULL,
  conversation_id uuid NOT NULL REFERENCES conversations,
  user_id text NOT NULL,
  text text NOT NULL,
  state text NOT NULL DEFAULT 'received' CHECK (
    state IN ('received', 'held', 'running', 'answered', 'failed', 'refused')),
  received_at timestamptz NOT NULL DEFAULT bot_now(),
  UNIQUE (team_id, channel_id, ts),
  UNIQUE (team_id, event_id)
);
CREATE INDEX messages_open ON messages (conversation_id, id)
  WHERE state IN ('received', 'held', 'running');

-- Everything that goes out to Slack. A card or a notice is drawn from the database at
-- the moment it is sent; `revision` rises with every change, `shown` follows it.
CREATE TABLE deliveries (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('answer', 'say', 'notice', 'card', 'private')),
  team_id text NOT NULL,
  channel_id text NOT NULL,
  thread_ts text,
  user_id text,          -- who sees a private message
  text text,             -- null where the text is drawn from a request
  state text NOT NULL DEFAULT 'queued' CHECK (
    state IN ('queued', 'sending', 'sent', 'failed')),
  taken_until timestamptz,  -- a lease: one process at a time brings it to Slack
  message_ts text,
  posted_channel text,   -- where Slack put it: a user's id becomes a D… id
  revision integer NOT NULL DEFAULT 1,
  shown integer NOT NULL DEFAULT 0,
  error text,
  created_at timestamptz NOT NULL DEFAULT bot_now(),
  sent_at timestamptz,
  CHECK ((kind = 'private') = (user_id IS NOT NULL))
);
CREATE INDEX deliveries_open ON deliveries (created_at) WHERE shown < revision;
