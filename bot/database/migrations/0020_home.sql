-- App Home: who has opened it, what is to be shown to them, and what it offers there.
CREATE TABLE home_viewers (
  team_id text NOT NULL,
  user_id text NOT NULL,
  enterprise_id text NOT NULL DEFAULT '',
  visits integer NOT NULL DEFAULT 1,
  opened_at timestamptz NOT NULL DEFAULT bot_now(),
  page integer NOT NULL DEFAULT 0,          -- of what waits for them
  note text NOT NULL DEFAULT '',            -- the answer to their last click there
  view_id text NOT NULL DEFAULT '',         -- Slack's, of the last publication
  offered text[] NOT NULL DEFAULT '{}',     -- tokens that it has buttons for
  listed text[] NOT NULL DEFAULT '{}',      -- likewise, of the last private list
  -- user ids, and sources of groups, whose requests this person sees
  watches text[] NOT NULL DEFAULT '{}',
  revision bigint NOT NULL DEFAULT 0,
  shown bigint NOT NULL DEFAULT 0,
  due_at timestamptz NOT NULL DEFAULT now(),
  taken_until timestamptz,
  tries integer NOT NULL DEFAULT 0,
  PRIMARY KEY (team_id, user_id)
);
CREATE INDEX home_viewers_due ON home_viewers (due_at) WHERE shown < revision;
CREATE INDEX home_viewers_opened ON home_viewers (opened_at);

-- Up to which number of its trail the viewers of a workspace have been told of changes.
CREATE TABLE home_looks (
  team_id text PRIMARY KEY,
  number bigint NOT NULL
);

CREATE INDEX requests_of_requester ON requests (team_id, requester_id, raised_at DESC);
CREATE INDEX requests_code ON requests (team_id, code);
CREATE INDEX decisions_of_person ON decisions (team_id, user_id, id DESC);

-- People who are away name who stands in for them, where the policy's group allows it.
CREATE TABLE delegations (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  team_id text NOT NULL,
  principal_id text NOT NULL,
  delegate_id text NOT NULL,
  until date NOT NULL,                      -- the last day, in the policy's time zone
  given_at timestamptz NOT NULL DEFAULT bot_now(),
  ended_at timestamptz
);
CREATE UNIQUE INDEX delegations_open ON delegations (team_id, principal_id, delegate_id)
  WHERE ended_at IS NULL;

-- For whom a delegate has decided; '' for themselves.
ALTER TABLE decisions ADD COLUMN for_user text NOT NULL DEFAULT '';
