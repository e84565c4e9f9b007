-- What people made of captions, one row an edit, never changed: the last one of a photo holds. It is of the photo, not of a run, so
-- neither --redo nor another model touches it.

CREATE TABLE caption_edit (
  edit_id        INTEGER PRIMARY KEY,
  root_id        INTEGER NOT NULL REFERENCES root,
  path           BLOB    NOT NULL,
  action         TEXT    NOT NULL CHECK (action IN ('set', 'approve', 'unset')),
  caption        TEXT CHECK (caption <> ''),  -- what the photo is called from now on; approved: the machine's at that time
  edited_by      TEXT    NOT NULL,
  edited_unix_ms INTEGER NOT NULL,
  CHECK ((action = 'unset') = (caption IS NULL))
) STRICT;

CREATE INDEX caption_edit_of_photo ON caption_edit (root_id, path, edit_id);
