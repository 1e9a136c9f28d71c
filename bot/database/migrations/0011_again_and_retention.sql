-- A turn that has failed offers to be tried again, once: the button stands under the
-- sentence that says what went wrong. It holds as long as nothing has run since.
CREATE TABLE offers (
  delivery_id uuid PRIMARY KEY REFERENCES deliveries ON DELETE CASCADE,
  conversation_id uuid NOT NULL REFERENCES conversations ON DELETE CASCADE,
  message_id bigint NOT NULL REFERENCES messages ON DELETE CASCADE,
  generation bigint NOT NULL,   -- of the run that has failed
  taken_by text,
  taken_at timestamptz
);
CREATE INDEX offers_conversation ON offers (conversation_id);
CREATE INDEX offers_message ON offers (message_id);
