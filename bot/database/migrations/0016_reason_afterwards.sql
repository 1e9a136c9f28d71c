-- When a message has to be drawn anew though nothing has been changed, as a card that
-- offers something for a while; null: never.
ALTER TABLE deliveries ADD COLUMN redraw_at timestamptz;
CREATE INDEX deliveries_redraw ON deliveries (redraw_at) WHERE redraw_at IS NOT NULL;
