-- 0013_add_unsure.sql: the verdict `unsure`: the caption is probably wrong, so it is kept and not shown. And what speaks
-- for a caption or against it.

-- Derived from result.confidence and the run's min_confidence, which may change later: a mark on a photo that is done. Its
-- result stays as it is.
ALTER TABLE image ADD COLUMN unsure INTEGER NOT NULL DEFAULT 0 CHECK (unsure IN (0, 1) AND (unsure = 0 OR state = 'done'));
ALTER TABLE image ADD COLUMN verdict TEXT GENERATED ALWAYS AS (iif(unsure, 'unsure', state)) VIRTUAL;

-- By verdict.
CREATE TABLE run_count_by_verdict (
  run_id INTEGER NOT NULL REFERENCES run,
  asked  INTEGER NOT NULL CHECK (asked IN (0, 1)),
  state  TEXT    NOT NULL CHECK (state IN ('pending', 'done', 'unsure', 'blurred', 'failed', 'vanished')),
  reason TEXT    NOT NULL DEFAULT '',         -- of failed ones
  images INTEGER NOT NULL,
  PRIMARY KEY (run_id, asked, state, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO run_count_by_verdict SELECT * FROM run_count;
DROP TABLE run_count;
ALTER TABLE run_count_by_verdict RENAME TO run_count;

-- common/core/types.h, CaptionEvidence; NULL: the model does not tell.
ALTER TABLE result ADD COLUMN word_log_prob_min REAL;
ALTER TABLE result ADD COLUMN beam_agreement REAL;
ALTER TABLE result ADD COLUMN mentioned_min REAL;
ALTER TABLE result ADD COLUMN unmentioned_max REAL;
ALTER TABLE result ADD COLUMN novelty REAL;

CREATE TABLE concept_word (
  word_id INTEGER PRIMARY KEY,
  word    TEXT NOT NULL UNIQUE CHECK (word <> '')
) STRICT;

-- What the classifier sees in a photo that was captioned, at most 16 each.
CREATE TABLE result_concept (
  result_id   INTEGER NOT NULL REFERENCES result,
  word_id     INTEGER NOT NULL REFERENCES concept_word,
  probability REAL    NOT NULL,               -- four decimals
  PRIMARY KEY (result_id, word_id)
) STRICT, WITHOUT ROWID;

DROP VIEW caption_result;
DROP VIEW caption_result_latest;
DROP VIEW caption_confidence;
DROP VIEW blur_score_by_mode;
DROP VIEW photo_content;

-- An unsure photo shows no caption and no scores of one, like a blurred photo: who asks for captions gets those that are
-- probably right. View unsure_caption has the others.

-- One row per image of every run, with the result of its current attempt.
CREATE VIEW caption_result (run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob,
                            bleu1, bleu2, bleu3, bleu4, width, height, model, worker, finished_at) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.verdict, image.reason, result.blur_score, used.blur_threshold,
       iif(image.unsure, NULL, result.caption), iif(image.unsure, NULL, result.log_prob),
       bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, result.width_px, result.height_px,
       used.model_hash, worker.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', result.finished_unix_ms / 1000.0, 'unixepoch')
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN run_settings AS used ON used.settings_id = image.settings_id
  JOIN root ON root.root_id = image.root_id
  LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
  LEFT JOIN bleu ON bleu.result_id = result.result_id AND image.unsure = 0
  LEFT JOIN worker ON worker.worker_id = result.worker_id;

-- One row per photo: that of the run which finished it last (of the newest run, while none has).
CREATE VIEW caption_result_latest (run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob,
                                   bleu1, bleu2, bleu3, bleu4, width, height, model, worker, finished_at) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.verdict, image.reason, result.blur_score, used.blur_threshold,
       iif(image.unsure, NULL, result.caption), iif(image.unsure, NULL, result.log_prob),
       bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, result.width_px, result.height_px,
       used.model_hash, worker.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', result.finished_unix_ms / 1000.0, 'unixepoch')
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN run_settings AS used ON used.settings_id = image.settings_id
  JOIN root ON root.root_id = image.root_id
  LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
  LEFT JOIN bleu ON bleu.result_id = result.result_id AND image.unsure = 0
  LEFT JOIN worker ON worker.worker_id = result.worker_id
 WHERE image.image_id = (
         SELECT other.image_id
           FROM image AS other
           LEFT JOIN result AS last ON last.image_id = other.image_id AND last.attempt = other.attempt
          WHERE other.root_id = image.root_id AND other.path = image.path
          ORDER BY last.finished_unix_ms DESC NULLS LAST, other.run_id DESC
          LIMIT 1);

-- The captions that are shown: SELECT uri, caption FROM caption_confidence WHERE confidence > 0.9
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

-- The captions that are not.
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

-- SELECT uri FROM photo_concept WHERE word = 'pizza' AND probability > 0.5
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

CREATE VIEW blur_score_by_mode (run, root, uri, state, blur_full, blur_normalised, blur_tile_max, blur_edges) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.verdict, result.blur_full, result.blur_normalised, result.blur_tile_max, result.blur_edges
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN root ON root.root_id = image.root_id
  JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
 WHERE result.blur_full IS NOT NULL;

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
