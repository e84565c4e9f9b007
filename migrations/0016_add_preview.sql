-- 0016_add_preview.sql: whether what was measured and captioned is the preview in a camera's RAW file.
ALTER TABLE result ADD COLUMN preview INTEGER NOT NULL DEFAULT 0 CHECK (preview IN (0, 1));
