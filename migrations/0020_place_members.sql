-- 0020: photos that are members of archives, and which archives a run has been through.

ALTER TABLE image ADD COLUMN member_offset INTEGER CHECK (member_offset >= 0);  -- of its header, in the unpacked archive
ALTER TABLE image ADD COLUMN archive_bytes INTEGER CHECK ((archive_bytes IS NULL) = (member_offset IS NULL));  -- of path

-- Unchanged, under the same options: the next scan takes the members from table image.
CREATE TABLE walked_archive (
  run_id     INTEGER NOT NULL REFERENCES run,
  root_id    INTEGER NOT NULL REFERENCES root,
  path       BLOB    NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns   INTEGER NOT NULL,
  inode      INTEGER NOT NULL,
  options    TEXT    NOT NULL,   -- which members are photos of the run
  photos     INTEGER NOT NULL,
  damage     TEXT    NOT NULL,   -- why the rest is unknown; '': there is no rest
  PRIMARY KEY (run_id, root_id, path)
) STRICT, WITHOUT ROWID;
