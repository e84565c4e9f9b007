-- 0008_add_confidence.sql: how likely each caption is good, as the model's own regression tells (NULL: it has none).
ALTER TABLE result ADD COLUMN confidence REAL;

-- For filtering: SELECT uri, caption FROM caption_confidence WHERE confidence > 0.5
CREATE VIEW caption_confidence (run, root, uri, caption, confidence) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       result.caption, result.confidence
  FROM image
  JOIN run ON run.run_id = image.run_id
  JOIN root ON root.root_id = image.root_id
  JOIN result ON result.image_id = image.image_id AND result.attempt = image.attempt
 WHERE image.state = 'done';
