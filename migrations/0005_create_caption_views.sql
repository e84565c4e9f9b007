-- 0005_create_caption_views.sql: the two documented views. Plain sqlite3 reads them.

-- One row per image of every run, with the result of its current attempt.
CREATE VIEW caption_result (run, root, uri, state, reason, blur_score, blur_threshold, caption, log_prob,
                            bleu1, bleu2, bleu3, bleu4, width, height, model, worker, finished_at) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.state, image.reason, result.blur_score, run.blur_threshold, result.caption, result.log_prob,
       bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, result.width_px, result.height_px,
       run.model_hash, worker.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', result.finished_unix_ms / 1000.0, 'unixepoch')
  FROM image
  JOIN run ON run.run_id = image.run_id
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
       image.state, image.reason, result.blur_score, run.blur_threshold, result.caption, result.log_prob,
       bleu.bleu1, bleu.bleu2, bleu.bleu3, bleu.bleu4, result.width_px, result.height_px,
       run.model_hash, worker.name,
       strftime('%Y-%m-%dT%H:%M:%fZ', result.finished_unix_ms / 1000.0, 'unixepoch')
  FROM image
  JOIN run ON run.run_id = image.run_id
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
