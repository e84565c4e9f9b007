-- 0003_create_result.sql: what happened to each image at each attempt, and how good its caption is.
CREATE TABLE worker (
  worker_id INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE
) STRICT;

-- The current result of an image is that of its current attempt; older attempts are history.
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
  finished_unix_ms INTEGER NOT NULL,
  UNIQUE (image_id, attempt),
  CHECK ((outcome = 'done') = (caption IS NOT NULL)),
  CHECK ((caption IS NULL) = (log_prob IS NULL) AND (caption IS NULL) = (tokens IS NULL)),
  CHECK ((outcome = 'failed') = (reason IS NOT NULL)),
  CHECK (reason IS NOT NULL OR detail IS NULL),
  CHECK (outcome = 'failed' OR blur_score IS NOT NULL)
) STRICT;

CREATE TABLE reference_caption (
  image_id INTEGER NOT NULL REFERENCES image,
  ordinal  INTEGER NOT NULL,
  caption  TEXT    NOT NULL,
  PRIMARY KEY (image_id, ordinal)
) STRICT, WITHOUT ROWID;

-- Additive counts (the corpus score is the BLEU of their sums) and the sentence scores they give.
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
