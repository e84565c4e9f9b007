-- 0023_keep_looks.sql: what a search found beside the caption that it chose, and where the model looked. Kept by runs that
-- ask for it (search.alternatives, search.attention); common/core/types.h has their bounds.

-- Captions that the search finished beside the chosen one, likeliest first. Who withholds the caption withholds these.
CREATE TABLE result_alternative (
  result_id INTEGER NOT NULL REFERENCES result,
  ordinal   INTEGER NOT NULL,                 -- from 0
  caption   TEXT    NOT NULL,
  log_prob  REAL    NOT NULL,                 -- natural log, summed over the tokens
  tokens    INTEGER NOT NULL,
  PRIMARY KEY (result_id, ordinal)
) STRICT, WITHOUT ROWID;

-- A grid over the photo for each word of the model's caption, row by row, word after word. A byte is a cell's share of the
-- word's largest weight, which is 255.
CREATE TABLE result_attention (
  result_id INTEGER PRIMARY KEY REFERENCES result,
  width     INTEGER NOT NULL CHECK (width > 0),
  height    INTEGER NOT NULL CHECK (height > 0),
  cells     BLOB    NOT NULL CHECK (length(cells) > 0 AND length(cells) % (width * height) = 0)
) STRICT;
