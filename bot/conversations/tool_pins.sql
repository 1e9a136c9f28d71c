-- Tools of MCP servers, as these have described them.

-- name: known_tools
-- What some servers listed when they were last asked.
SELECT server, tool, digest, definition, changed_under FROM tool_pins
WHERE server = ANY(%(servers)s) AND listed
ORDER BY server, tool;

-- name: pinned_tools
-- All that is known of a server, for whoever compares; one process at a time.
SELECT tool, digest, changed_under,
  COALESCE(changed_at > bot_now() - interval '1 hour', false) AS lately
FROM tool_pins WHERE server = %(server)s
ORDER BY tool FOR UPDATE;

-- name: pin_tool
-- A tool that is new, or another than it was.
INSERT INTO tool_pins (server, tool, digest, definition)
VALUES (%(server)s, %(tool)s, %(digest)s, %(definition)s)
ON CONFLICT (server, tool) DO UPDATE SET listed = true,
  changed_at = CASE WHEN tool_pins.digest <> excluded.digest THEN bot_now()
    ELSE tool_pins.changed_at END,
  changed_under = CASE WHEN tool_pins.digest <> excluded.digest
    THEN %(waivers)s ELSE tool_pins.changed_under END,
  digest = excluded.digest, definition = excluded.definition;

-- name: unlist_tools
-- Tools that a server does not list any more; what they were is kept.
UPDATE tool_pins SET listed = false
WHERE server = %(server)s AND listed AND NOT tool = ANY(%(tools)s);
