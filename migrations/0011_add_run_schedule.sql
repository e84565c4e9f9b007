-- 0011_add_run_schedule.sql: when and how fast a run goes on, and how it stands beside others, as last asked; a separate
-- scheduler has no command line of the run's own.
ALTER TABLE run ADD COLUMN weight INTEGER NOT NULL DEFAULT 1 CHECK (weight BETWEEN 1 AND 1000);
ALTER TABLE run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0 CHECK (priority BETWEEN -1000 AND 1000);
ALTER TABLE run ADD COLUMN rate_per_s REAL;        -- photos per second at most; NULL: as fast as they go
ALTER TABLE run ADD COLUMN hours TEXT;             -- local time, such as 22:00-06:00; NULL: always
ALTER TABLE run ADD COLUMN on_finish TEXT;         -- what submit asked to be called at the end; NULL: nothing
