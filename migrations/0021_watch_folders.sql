-- 0021_watch_folders.sql: runs whose folders a scheduler watches while it serves them.
ALTER TABLE run ADD COLUMN watched TEXT;       -- the submission, as it was last made; NULL: not watched
