-- Raised by each transaction in which photos of the run vanished or came back. Counts alone do not tell when one comes for
-- another, and an index of vanished photos would cost every scan.
ALTER TABLE run ADD COLUMN vanish_changes INTEGER NOT NULL DEFAULT 0;
