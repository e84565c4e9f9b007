-- 0006_create_run_settings.sql: an image knows the settings of its current attempt, so that --redo can take some photos and
-- leave the rest with the captions they have, and a redo that was killed goes on.
CREATE TABLE run_settings (
  settings_id    INTEGER PRIMARY KEY,         -- each --redo makes a row, also with equal settings
  run_id         INTEGER NOT NULL REFERENCES run,
  settings       TEXT    NOT NULL CHECK (json_valid(settings)),
  model_hash     TEXT    NOT NULL GENERATED ALWAYS AS (json_extract(settings, '$.model_hash')) STORED,
  blur_threshold REAL    NOT NULL GENERATED ALWAYS AS (json_extract(settings, '$.blur.blur_threshold')) STORED
) STRICT;
CREATE INDEX settings_of_run ON run_settings (run_id);
INSERT INTO run_settings (run_id, settings) SELECT run_id, settings FROM run;

-- Both are set in the transaction that makes the row.
ALTER TABLE run ADD COLUMN settings_id INTEGER REFERENCES run_settings;
ALTER TABLE image ADD COLUMN settings_id INTEGER REFERENCES run_settings;
UPDATE run SET settings_id = (SELECT settings_id FROM run_settings WHERE run_settings.run_id = run.run_id);
UPDATE image SET settings_id = (SELECT settings_id FROM run WHERE run.run_id = image.run_id);

-- scanning: photos that a scan finds under older settings wait again. captioning: that scan is complete.
ALTER TABLE run ADD COLUMN redo TEXT NOT NULL DEFAULT 'none' CHECK (redo IN ('none', 'scanning', 'captioning'));

DROP VIEW caption_result;
DROP VIEW caption_result_latest;
ALTER TABLE run DROP COLUMN model_hash;
ALTER TABLE run DROP COLUMN blur_threshold;
ALTER TABLE run DROP COLUMN settings;
ALTER TABLE run DROP COLUMN fence;           -- the number in Redis is random: copies of a database would count alike

-- One row per image of every run, with the result of its current attempt.
CREATE VIEW caption_result (run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob,
                            bleu1, bleu2, bleu3, bleu4, width, height, model, worker, finished_at) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.state, image.reason, result.blur_score, used.blur_threshold, result.caption, result.log_prob,
       bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, result.width_px, result.height_px,
       used.model_hash, worker.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', result.finished_unix_ms / 1000.0, 'unixepoch')
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN run_settings AS used ON used.settings_id = image.settings_id
  JOIN root ON root.root_id = image.root_id
  LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
  LEFT JOIN bleu ON bleu.result_id = result.result_id
  LEFT JOIN worker ON worker.worker_id = result.worker_id;

-- One row per photo: that of the run which finished it last (of the newest run, while none has).
CREATE VIEW caption_result_latest (run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob,
                                   bleu1, bleu2, bleu3, bleu4, width, height, model, worker, finished_at) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.state, image.reason, result.blur_score, used.blur_threshold, result.caption, result.log_prob,
       bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, result.width_px, result.height_px,
       used.model_hash, worker.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', result.finished_unix_ms / 1000.0, 'unixepoch')
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN run_settings AS used ON used.settings_id = image.settings_id
  JOIN root ON root.root_id = image.root_id
  LEFT JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
  LEFT JOIN bleu ON bleu.result_id = result.result_id
  LEFT JOIN worker ON worker.worker_id = result.worker_id
 WHERE image.image_id = (
         SELECT other.image_id
           FROM image AS other
           LEFT JOIN result AS last ON last.image_id = other.image_id AND last.attempt = other.attempt
          WHERE other.root_id = image.root_id AND other.path = image.path
          ORDER BY last.finished_unix_ms DESC NULLS LAST, other.run_id DESC
          LIMIT 1);
