-- Each list of App Home is turned over on its own: of each list the page that a person
-- sees, from 0. `page` is for replicas of before; nothing else reads it.
ALTER TABLE home_viewers ADD COLUMN pages jsonb NOT NULL DEFAULT '{}';
