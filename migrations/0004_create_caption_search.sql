-- 0004_create_caption_search.sql: full-text search over captions, filled outside the recorder's transaction.

-- The text stays in result; captions are never deleted there, only superseded by a later attempt.
CREATE VIRTUAL TABLE caption_search USING fts5 (caption, content = 'result', content_rowid = 'result_id');

CREATE TABLE caption_search_progress (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  result_id INTEGER NOT NULL                  -- captions up to this one are indexed
) STRICT;
INSERT INTO caption_search_progress VALUES (1, 0);
