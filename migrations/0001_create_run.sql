-- 0001_create_run.sql: runs, and what is kept about a run as a whole.
CREATE TABLE run (
  run_id          INTEGER PRIMARY KEY,
  name            TEXT    NOT NULL UNIQUE CHECK (name <> ''),
  settings        TEXT    NOT NULL CHECK (json_valid(settings)),
  model_hash      TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(settings, '$.model_hash')) STORED,
  blur_threshold  REAL    NOT NULL GENERATED ALWAYS AS (json_extract(settings, '$.blur.blur_threshold')) STORED,
  incarnation     TEXT    UNIQUE,             -- NULL: nothing of this run is in Redis
  fence           INTEGER NOT NULL DEFAULT 0,
  cursor          INTEGER NOT NULL DEFAULT 0, -- images with queue_seq <= cursor were enqueued
  queue_end       INTEGER NOT NULL DEFAULT 0, -- the last queue_seq given
  created_unix_ms INTEGER NOT NULL,
  CHECK (cursor <= queue_end)
) STRICT;

-- Their keys are deleted from Redis at every reconcile and at the run's end.
CREATE TABLE past_incarnation (
  incarnation   TEXT    NOT NULL PRIMARY KEY,
  run_id        INTEGER NOT NULL REFERENCES run,
  ended_unix_ms INTEGER NOT NULL
) STRICT;

-- Images by state, changed in the transaction that changes the images.
CREATE TABLE run_count (
  run_id INTEGER NOT NULL REFERENCES run,
  asked  INTEGER NOT NULL CHECK (asked IN (0, 1)),
  state  TEXT    NOT NULL CHECK (state IN ('pending', 'done', 'blurred', 'failed', 'vanished')),
  reason TEXT    NOT NULL DEFAULT '',         -- of failed ones
  images INTEGER NOT NULL,
  PRIMARY KEY (run_id, asked, state, reason)
) STRICT, WITHOUT ROWID;

-- Files that the last scan passed over, by extension as text ('' for names without one).
CREATE TABLE skipped_extension (
  run_id    INTEGER NOT NULL REFERENCES run,
  extension TEXT    NOT NULL,
  files     INTEGER NOT NULL,
  PRIMARY KEY (run_id, extension)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
  event_id   INTEGER PRIMARY KEY,
  run_id     INTEGER NOT NULL REFERENCES run,
  at_unix_ms INTEGER NOT NULL,
  level      TEXT    NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  kind       TEXT    NOT NULL,
  text       TEXT    NOT NULL
) STRICT;
CREATE INDEX event_of_run ON event (run_id, event_id);

-- Entries of the results stream that could not be parsed.
CREATE TABLE quarantine (
  quarantine_id INTEGER PRIMARY KEY,
  run_id        INTEGER NOT NULL REFERENCES run,
  entry_id      TEXT    NOT NULL,
  bytes         BLOB    NOT NULL,
  why           TEXT    NOT NULL,
  at_unix_ms    INTEGER NOT NULL
) STRICT;
