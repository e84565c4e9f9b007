-- What lists, archives and exports of social networks say of a photo, one row a value, as it was given.

CREATE TABLE kept_column (
  column_id INTEGER PRIMARY KEY,
  name      TEXT NOT NULL UNIQUE CHECK (name <> '')
) STRICT;

CREATE TABLE kept_value (
  image_id  INTEGER NOT NULL REFERENCES image,
  column_id INTEGER NOT NULL REFERENCES kept_column,
  value     TEXT    NOT NULL,
  PRIMARY KEY (image_id, column_id)
) STRICT, WITHOUT ROWID;
