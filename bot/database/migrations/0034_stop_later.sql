-- Who has said to stop a turn in which an action of a graph of somebody else's has begun,
-- until its run has ended it.
ALTER TABLE conversations ADD COLUMN stopping text;
