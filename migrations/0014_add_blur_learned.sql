-- 0014_add_blur_learned.sql: the score in blur mode learned (NULL: measured before this version, or the photo did not decode).
ALTER TABLE result ADD COLUMN blur_learned REAL;

DROP VIEW blur_score_by_mode;
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
