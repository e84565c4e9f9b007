-- 0015_escape_uri.sql: % itself is escaped where a path is text (path_text, folder_text and with them every view's `uri`), so
-- that no two paths share a `uri`. And where links may lead that leave the roots of a run.

-- Paths that are not UTF-8 and hold a %: byte by byte along path and text, the % of the path apart from those of the text.
UPDATE image SET path_text = (
  WITH RECURSIVE walk (at, seen, text) AS (
    SELECT 1, 1, ''
    UNION ALL
    SELECT at + iif(substr(image.path, at, 1) = x'25' OR substr(image.path_text, seen, 1) = '%', 1,
                    length(CAST(substr(image.path_text, seen, 1) AS BLOB))),
           seen + iif(substr(image.path, at, 1) <> x'25' AND substr(image.path_text, seen, 1) = '%', 3, 1),
           text || iif(substr(image.path, at, 1) = x'25', '%25',
                       substr(image.path_text, seen, iif(substr(image.path_text, seen, 1) = '%', 3, 1)))
      FROM walk WHERE at <= length(image.path))
  SELECT text FROM walk ORDER BY at DESC LIMIT 1)
 WHERE path_text IS NOT NULL AND instr(path, x'25') > 0;
UPDATE image SET path_text = replace(CAST(path AS TEXT), '%', '%25')
 WHERE path_text IS NULL AND instr(path, x'25') > 0;

UPDATE root SET folder_text = (
  WITH RECURSIVE walk (at, seen, text) AS (
    SELECT 1, 1, ''
    UNION ALL
    SELECT at + iif(substr(root.folder, at, 1) = x'25' OR substr(root.folder_text, seen, 1) = '%', 1,
                    length(CAST(substr(root.folder_text, seen, 1) AS BLOB))),
           seen + iif(substr(root.folder, at, 1) <> x'25' AND substr(root.folder_text, seen, 1) = '%', 3, 1),
           text || iif(substr(root.folder, at, 1) = x'25', '%25',
                       substr(root.folder_text, seen, iif(substr(root.folder_text, seen, 1) = '%', 3, 1)))
      FROM walk WHERE at <= length(root.folder))
  SELECT text FROM walk ORDER BY at DESC LIMIT 1)
 WHERE folder_text IS NOT NULL AND instr(folder, x'25') > 0;
UPDATE root SET folder_text = replace(CAST(folder AS TEXT), '%', '%25')
 WHERE folder_text IS NULL AND instr(folder, x'25') > 0;

CREATE TABLE link_store (
  run_id INTEGER NOT NULL REFERENCES run,
  path   BLOB    NOT NULL,                    -- a folder or a file, absolute and real, raw bytes
  PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;
