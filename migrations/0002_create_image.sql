-- 0002_create_image.sql: the manifest: every photo of every run and its state.

-- Names and folders are of the whole database: the same folder has one name in all runs.
CREATE TABLE root (
  root_id     INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE CHECK (name <> ''),
  folder      BLOB NOT NULL UNIQUE,           -- absolute, raw bytes
  folder_text TEXT                            -- only where folder is not UTF-8: those bytes as %XX
) STRICT;

CREATE TABLE run_root (
  run_id  INTEGER NOT NULL REFERENCES run,
  root_id INTEGER NOT NULL REFERENCES root,
  PRIMARY KEY (run_id, root_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE image (
  image_id        INTEGER PRIMARY KEY,
  run_id          INTEGER NOT NULL REFERENCES run,
  root_id         INTEGER NOT NULL REFERENCES root,
  path            BLOB    NOT NULL,           -- relative to the root, raw bytes
  path_text       TEXT,                       -- only where path is not UTF-8: those bytes as %XX
  size_bytes      INTEGER NOT NULL,
  mtime_ns        INTEGER NOT NULL,
  inode           INTEGER NOT NULL,
  attempt         INTEGER NOT NULL DEFAULT 1 CHECK (attempt >= 1),
  content_attempt INTEGER NOT NULL DEFAULT 1, -- the first attempt with this content and these settings
  state           TEXT    NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'blurred', 'failed')),
  reason          TEXT,
  asked           INTEGER NOT NULL DEFAULT 1 CHECK (asked IN (0, 1)),    -- the last scan named and found it
  vanished        INTEGER NOT NULL DEFAULT 0 CHECK (vanished IN (0, 1)),
  queue_seq       INTEGER NOT NULL,           -- order of enqueueing within the run
  UNIQUE (root_id, path, run_id),
  CHECK ((state = 'failed') = (reason IS NOT NULL)),
  CHECK (NOT (asked AND vanished)),
  CHECK (content_attempt <= attempt)
) STRICT;

-- What the feeder and reconcile read: both cost as much as they return.
CREATE INDEX image_waiting ON image (run_id, queue_seq) WHERE state = 'pending' AND asked = 1;
CREATE INDEX image_failed ON image (run_id, reason) WHERE state = 'failed';
