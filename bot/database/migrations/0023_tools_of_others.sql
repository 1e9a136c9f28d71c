-- What MCP servers have said of their tools, as they were last listed. A change of it
-- voids what waits for the tool, and is seen after a restart too.
CREATE TABLE tool_pins (
  server text NOT NULL,
  tool text NOT NULL,
  digest text NOT NULL,       -- SHA-256 of name, description, schema and hint
  definition text NOT NULL,   -- the same, as JSON
  listed boolean NOT NULL DEFAULT true,
  first_seen timestamptz NOT NULL DEFAULT bot_now(),
  changed_at timestamptz,
  -- the policy in force at the last change: no rule of it waives the tool's approval
  changed_under text NOT NULL DEFAULT '',
  PRIMARY KEY (server, tool)
);
CREATE INDEX requests_open_tool ON requests (tool) WHERE status = 'pending';
