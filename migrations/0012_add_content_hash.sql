-- 0012_add_content_hash.sql: which photos are equal to the byte, and whose result was taken for whom.
ALTER TABLE result ADD COLUMN content_hash BLOB;      -- SHA-256, 32 bytes; NULL: not read to its end, or before this version
ALTER TABLE result ADD COLUMN copied_from INTEGER;    -- the image_id, of any run, whose caption (and scores) it has
ALTER TABLE result ADD COLUMN hash_distance INTEGER;  -- of 64 bits, for a near-duplicate; NULL: the bytes are the same
CREATE INDEX result_copied ON result (image_id) WHERE copied_from IS NOT NULL;

-- For finding doubles: SELECT sha256, group_concat(DISTINCT uri) FROM photo_content GROUP BY sha256 HAVING count(DISTINCT uri) > 1
CREATE VIEW photo_content (run, root, uri, state, sha256, copied_from, hash_distance) AS
SELECT run.name, root.name,
       rtrim(coalesce(root.folder_text, CAST(root.folder AS TEXT)), '/') || '/'
         || coalesce(image.path_text, CAST(image.path AS TEXT)),
       image.state, nullif(lower(hex(result.content_hash)), ''),
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
