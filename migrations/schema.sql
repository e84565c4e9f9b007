-- The schema of a database migrated from nothing. A test compares it; to write it anew:
-- PHOTOSCRIBE_UPDATE_GOLDEN=1 migrations_test --gtest_filter='*GoldenSchema'

CREATE TABLE bleu (
  result_id        INTEGER PRIMARY KEY REFERENCES result,
  matched_1        INTEGER NOT NULL,
  matched_2        INTEGER NOT NULL,
  matched_3        INTEGER NOT NULL,
  matched_4        INTEGER NOT NULL,
  total_1          INTEGER NOT NULL,
  total_2          INTEGER NOT NULL,
  total_3          INTEGER NOT NULL,
  total_4          INTEGER NOT NULL,
  candidate_tokens INTEGER NOT NULL,
  reference_tokens INTEGER NOT NULL,
  bleu1            REAL    NOT NULL,
  bleu2            REAL    NOT NULL,
  bleu3            REAL    NOT NULL,
  bleu4            REAL    NOT NULL
) STRICT;

CREATE TABLE caption_edit (
  edit_id        INTEGER PRIMARY KEY,
  root_id        INTEGER NOT NULL REFERENCES root,
  path           BLOB    NOT NULL,
  action         TEXT    NOT NULL CHECK (action IN ('set', 'approve', 'unset')),
  caption        TEXT CHECK (caption <> ''),  -- what the photo is called from now on; approved: the machine's at that time
  edited_by      TEXT    NOT NULL,
  edited_unix_ms INTEGER NOT NULL, change_id INTEGER, undoes INTEGER REFERENCES caption_edit,
  CHECK ((action = 'unset') = (caption IS NULL))
) STRICT;

CREATE TABLE concept_word (
  word_id INTEGER PRIMARY KEY,
  word    TEXT NOT NULL UNIQUE CHECK (word <> '')
) STRICT;

CREATE TABLE event (
  event_id   INTEGER PRIMARY KEY,
  run_id     INTEGER NOT NULL REFERENCES run,
  at_unix_ms INTEGER NOT NULL,
  level      TEXT    NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  kind       TEXT    NOT NULL,
  text       TEXT    NOT NULL
) STRICT;

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
  queue_seq       INTEGER NOT NULL, settings_id INTEGER REFERENCES run_settings, unsure INTEGER NOT NULL DEFAULT 0 CHECK (unsure IN (0, 1) AND (unsure = 0 OR state = 'done')), verdict TEXT GENERATED ALWAYS AS (iif(unsure, 'unsure', state)) VIRTUAL, member_offset INTEGER CHECK (member_offset >= 0), archive_bytes INTEGER CHECK ((archive_bytes IS NULL) = (member_offset IS NULL)),           -- order of enqueueing within the run
  UNIQUE (root_id, path, run_id),
  CHECK ((state = 'failed') = (reason IS NOT NULL)),
  CHECK (NOT (asked AND vanished)),
  CHECK (content_attempt <= attempt)
) STRICT;

CREATE TABLE kept_column (
  column_id INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE CHECK (name <> '')
) STRICT;

CREATE TABLE kept_value (
  image_id  INTEGER NOT NULL REFERENCES image,
  column_id INTEGER NOT NULL REFERENCES kept_column,
  value     TEXT    NOT NULL,
  PRIMARY KEY (image_id, column_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE link_store (
  run_id INTEGER NOT NULL REFERENCES run,
  path   BLOB    NOT NULL,                    -- a folder or a file, absolute and real, raw bytes
  PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_unix_ms INTEGER NOT NULL) STRICT;

CREATE TABLE past_incarnation (
  incarnation   TEXT    NOT NULL PRIMARY KEY,
  run_id        INTEGER NOT NULL REFERENCES run,
  ended_unix_ms INTEGER NOT NULL
) STRICT;

CREATE VIRTUAL TABLE photo_search USING fts5 (
  edited,                                     -- what people made of the caption
  caption,                                    -- the model's, where nobody edited it
  original,                                   -- the model's, where somebody did
  kept,                                       -- all that came beside the photo (kept_value)
  path,                                       -- below the root
  fields,                                     -- words behind a mark that says of which column they are, or of the concepts
  prefix = '3 4',                             -- surf*; of longer beginnings there are few
  tokenize = 'porter unicode61 remove_diacritics 2');

CREATE TABLE photo_search_progress (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  result_id INTEGER NOT NULL,                 -- results up to this one are indexed
  edit_id   INTEGER NOT NULL                  -- edits, likewise
) STRICT;

CREATE TABLE photo_search_stale (
  image_id INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE quarantine (
  quarantine_id INTEGER PRIMARY KEY,
  run_id        INTEGER NOT NULL REFERENCES run,
  entry_id      TEXT    NOT NULL,
  bytes         BLOB    NOT NULL,
  why           TEXT    NOT NULL,
  at_unix_ms    INTEGER NOT NULL
) STRICT;

CREATE TABLE reference_caption (
  image_id INTEGER NOT NULL REFERENCES image,
  ordinal  INTEGER NOT NULL,
  caption  TEXT    NOT NULL,
  PRIMARY KEY (image_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE result (
  result_id        INTEGER PRIMARY KEY,
  image_id         INTEGER NOT NULL REFERENCES image,
  attempt          INTEGER NOT NULL,
  outcome          TEXT    NOT NULL CHECK (outcome IN ('done', 'blurred', 'failed')),
  blur_score       REAL,                      -- grey levels squared; NULL: the photo did not decode
  width_px         INTEGER,                   -- as shown
  height_px        INTEGER,
  caption          TEXT,
  log_prob         REAL,                      -- natural log, summed over the tokens
  tokens           INTEGER,
  reason           TEXT,
  detail           TEXT,
  worker_id        INTEGER NOT NULL REFERENCES worker,
  read_us          INTEGER NOT NULL,
  decode_us        INTEGER NOT NULL,
  caption_us       INTEGER NOT NULL,
  finished_unix_ms INTEGER NOT NULL, confidence REAL, blur_full REAL, blur_normalised REAL, blur_tile_max REAL, blur_edges REAL, content_hash BLOB, copied_from INTEGER, hash_distance INTEGER, word_log_prob_min REAL, beam_agreement REAL, mentioned_min REAL, unmentioned_max REAL, novelty REAL, blur_learned REAL, preview INTEGER NOT NULL DEFAULT 0 CHECK (preview IN (0, 1)),
  UNIQUE (image_id, attempt),
  CHECK ((outcome = 'done') = (caption IS NOT NULL)),
  CHECK ((caption IS NULL) = (log_prob IS NULL) AND (caption IS NULL) = (tokens IS NULL)),
  CHECK ((outcome = 'failed') = (reason IS NOT NULL)),
  CHECK (reason IS NOT NULL OR detail IS NULL),
  CHECK (outcome = 'failed' OR blur_score IS NOT NULL)
) STRICT;

CREATE TABLE result_alternative (
  result_id INTEGER NOT NULL REFERENCES result,
  ordinal   INTEGER NOT NULL,                 -- from 0
  caption   TEXT    NOT NULL,
  log_prob  REAL    NOT NULL,                 -- natural log, summed over the tokens
  tokens    INTEGER NOT NULL,
  PRIMARY KEY (result_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE result_attention (
  result_id INTEGER PRIMARY KEY REFERENCES result,
  width     INTEGER NOT NULL CHECK (width > 0),
  height    INTEGER NOT NULL CHECK (height > 0),
  cells     BLOB    NOT NULL CHECK (length(cells) > 0 AND length(cells) % (width * height) = 0)
) STRICT;

CREATE TABLE result_concept (
  result_id   INTEGER NOT NULL REFERENCES result,
  word_id     INTEGER NOT NULL REFERENCES concept_word,
  probability REAL    NOT NULL,               -- four decimals
  PRIMARY KEY (result_id, word_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE root (
  root_id     INTEGER PRIMARY KEY,
  name        TEXT NOT NULL UNIQUE CHECK (name <> ''),
  folder      BLOB NOT NULL UNIQUE,           -- absolute, raw bytes
  folder_text TEXT                            -- only where folder is not UTF-8: those bytes as %XX
) STRICT;

CREATE TABLE run (
  run_id          INTEGER PRIMARY KEY,
  name            TEXT    NOT NULL UNIQUE CHECK (name <> ''),
  incarnation     TEXT    UNIQUE,             -- NULL: nothing of this run is in Redis
  cursor          INTEGER NOT NULL DEFAULT 0, -- images with queue_seq <= cursor were enqueued
  queue_end       INTEGER NOT NULL DEFAULT 0, -- the last queue_seq given
  created_unix_ms INTEGER NOT NULL, settings_id INTEGER REFERENCES run_settings, redo TEXT NOT NULL DEFAULT 'none' CHECK (redo IN ('none', 'scanning', 'captioning')), references_file TEXT, split_file TEXT, control TEXT NOT NULL DEFAULT 'running' CHECK (control IN ('running', 'paused', 'cancelled')), weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000), priority INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000), rate_per_s REAL, hours TEXT, on_finish TEXT, watched TEXT, vanish_changes INTEGER NOT NULL DEFAULT 0,
  CHECK (cursor <= queue_end)
) STRICT;

CREATE TABLE "run_count" (
  run_id INTEGER NOT NULL REFERENCES run,
  asked  INTEGER NOT NULL CHECK (asked IN (0, 1)),
  state  TEXT    NOT NULL CHECK (state IN ('pending', 'done', 'unsure', 'blurred', 'failed', 'vanished')),
  reason TEXT    NOT NULL DEFAULT '',         -- of failed ones
  images INTEGER NOT NULL,
  PRIMARY KEY (run_id, asked, state, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_root (
  run_id  INTEGER NOT NULL REFERENCES run,
  root_id INTEGER NOT NULL REFERENCES root,
  PRIMARY KEY (run_id, root_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_settings (
  settings_id    INTEGER PRIMARY KEY,         -- each --redo makes a row, also with equal settings
  run_id         INTEGER NOT NULL REFERENCES run,
  settings       TEXT    NOT NULL CHECK (json_valid(settings)),
  model_hash     TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(settings, '$.model_hash')) STORED,
  blur_threshold REAL    NOT NULL GENERATED ALWAYS AS (json_extract(settings, '$.blur.blur_threshold')) STORED
) STRICT;

CREATE TABLE skipped_extension (
  run_id    INTEGER NOT NULL REFERENCES run,
  extension TEXT    NOT NULL,
  files     INTEGER NOT NULL,
  PRIMARY KEY (run_id, extension)
) STRICT, WITHOUT ROWID;

CREATE TABLE walked_archive (
  run_id     INTEGER NOT NULL REFERENCES run,
  root_id    INTEGER NOT NULL REFERENCES root,
  path       BLOB    NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns   INTEGER NOT NULL,
  inode      INTEGER NOT NULL,
  options    TEXT    NOT NULL,   -- which members are photos of the run
  photos     INTEGER NOT NULL,
  damage     TEXT    NOT NULL,   -- why the rest is unknown; '': there is no rest
  PRIMARY KEY (run_id, root_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE worker (
  worker_id INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE
) STRICT;

CREATE INDEX caption_edit_of_photo ON caption_edit (root_id, path, edit_id);

CREATE INDEX caption_edit_undone ON caption_edit (undoes) WHERE undoes IS NOT NULL;

CREATE INDEX event_of_run ON event (run_id, event_id);

CREATE INDEX image_failed ON image (run_id, reason) WHERE state = 'failed';

CREATE INDEX image_waiting ON image (run_id, queue_seq) WHERE state = 'pending' AND asked = 1;

CREATE INDEX result_copied ON result (image_id) WHERE copied_from IS NOT NULL;

CREATE INDEX settings_of_run ON run_settings (run_id);

CREATE VIEW blur_score_by_mode (run, root, uri, state, blur_full, blur_normalised, blur_tile_max, blur_edges, blur_learned) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.verdict, result.blur_full, result.blur_normalised, result.blur_tile_max, result.blur_edges, result.blur_learned
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN root ON root.root_id = image.root_id
  JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
 WHERE result.blur_full IS NOT NULL;

CREATE VIEW caption_confidence (run, root, uri, caption, confidence) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       result.caption, result.confidence
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN root ON root.root_id = image.root_id
  JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
 WHERE image.verdict = 'done';

CREATE VIEW caption_result (run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob,
                            bleu1, bleu2, bleu3, bleu4, width, height, model, worker, finished_at,
                            edited_caption, edited_by, edited_at) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.verdict, image.reason, result.blur_score, used.blur_threshold,
       iif(image.unsure, NULL, result.caption), iif(image.unsure, NULL, result.log_prob),
       bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, result.width_px, result.height_px,
       used.model_hash, worker.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', result.finished_unix_ms / 1000.0, 'unixepoch'),
       edit.caption, iif(edit.caption IS NULL, NULL, edit.edited_by),
       iif(edit.caption IS NULL, NULL, strftime('%Y-%m-%dT%H:%M:%fZ', edit.edited_unix_ms / 1000.0, 'unixepoch'))
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN run_settings AS used ON used.settings_id = image.settings_id
  JOIN root ON root.root_id = image.root_id
  LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
  LEFT JOIN bleu ON bleu.result_id = result.result_id AND image.unsure = 0
  LEFT JOIN worker ON worker.worker_id = result.worker_id
  LEFT JOIN caption_edit AS edit ON edit.edit_id = (
         SELECT max(made.edit_id) FROM caption_edit AS made WHERE made.root_id = image.root_id AND made.path = image.path);

CREATE VIEW caption_result_latest (run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob,
                                   bleu1, bleu2, bleu3, bleu4, width, height, model, worker, finished_at,
                                   edited_caption, edited_by, edited_at) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.verdict, image.reason, result.blur_score, used.blur_threshold,
       iif(image.unsure, NULL, result.caption), iif(image.unsure, NULL, result.log_prob),
       bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, result.width_px, result.height_px,
       used.model_hash, worker.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', result.finished_unix_ms / 1000.0, 'unixepoch'),
       edit.caption, iif(edit.caption IS NULL, NULL, edit.edited_by),
       iif(edit.caption IS NULL, NULL, strftime('%Y-%m-%dT%H:%M:%fZ', edit.edited_unix_ms / 1000.0, 'unixepoch'))
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN run_settings AS used ON used.settings_id = image.settings_id
  JOIN root ON root.root_id = image.root_id
  LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
  LEFT JOIN bleu ON bleu.result_id = result.result_id AND image.unsure = 0
  LEFT JOIN worker ON worker.worker_id = result.worker_id
  LEFT JOIN caption_edit AS edit ON edit.edit_id = (
         SELECT max(made.edit_id) FROM caption_edit AS made WHERE made.root_id = image.root_id AND made.path = image.path)
 WHERE image.image_id = (
         SELECT other.image_id
           FROM image AS other
           LEFT JOIN result AS last ON last.image_id = other.image_id AND last.attempt = other.attempt
          WHERE other.root_id = image.root_id AND other.path = image.path
          ORDER BY last.finished_unix_ms DESC NULLS LAST, other.run_id DESC
          LIMIT 1);

CREATE VIEW photo_concept (run, root, uri, word, probability) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       concept_word.word, result_concept.probability
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN root ON root.root_id = image.root_id
  JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
  JOIN result_concept ON result_concept.result_id = result.result_id
  JOIN concept_word ON concept_word.word_id = result_concept.word_id;

CREATE VIEW photo_content (run, root, uri, state, sha256, copied_from, hash_distance) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.verdict, nullif(lower(hex(result.content_hash)), ''),
       rtrim(coalesce(source_root.folder_text, CAST(source_root.folder AS TEXT)), '/') || '/'
         || coalesce(source.path_text, CAST(source.path AS TEXT)),
       result.hash_distance
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN root ON root.root_id = image.root_id
  JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
  LEFT JOIN image AS source ON source.image_id = result.copied_from
  LEFT JOIN root AS source_root ON source_root.root_id = source.root_id
 WHERE result.content_hash IS NOT NULL OR result.copied_from IS NOT NULL;

CREATE VIEW unsure_caption (run, root, uri, caption, log_prob, confidence) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       result.caption, result.log_prob, result.confidence
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN root ON root.root_id = image.root_id
  JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
 WHERE image.verdict = 'unsure';
