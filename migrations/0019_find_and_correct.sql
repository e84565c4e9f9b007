-- 0019_find_and_correct.sql: edits that can be taken back, edits in the two documented views, and an index of all words by which a
-- photo is found.

ALTER TABLE caption_edit ADD COLUMN change_id INTEGER;  -- the first edit of the same command; NULL: an edit by itself
ALTER TABLE caption_edit ADD COLUMN undoes INTEGER REFERENCES caption_edit;  -- the edit that this one takes back
CREATE INDEX caption_edit_undone ON caption_edit (undoes) WHERE undoes IS NOT NULL;

DROP VIEW caption_result;
DROP VIEW caption_result_latest;

-- `caption` stays the model's; what people made of it is beside it.
-- One row per image of every run, with the result of its current attempt.
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

-- One row per photo: that of the run which finished it last (of the newest run, while none has).
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

-- A row per image that has a result or an edit, filled outside the recorder's transaction (scheduler/store/index_photos.cpp).
DROP TABLE caption_search;
DROP TABLE caption_search_progress;

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
INSERT INTO photo_search_progress VALUES (1, 0, 0);

-- Images to be indexed again for another reason: whoever changes kept values of an image that had a result inserts it here.
CREATE TABLE photo_search_stale (
  image_id INTEGER PRIMARY KEY
) STRICT;
