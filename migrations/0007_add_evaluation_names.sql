-- 0007_add_evaluation_names.sql: what a run is scored on, by name, for the signature of its scores.
ALTER TABLE run ADD COLUMN references_file TEXT;  -- base name of the last --references
ALTER TABLE run ADD COLUMN split_file TEXT;       -- base name of the last command's --split; NULL: none
