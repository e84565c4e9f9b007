-- 0010_add_run_control.sql: what a person asked of a run (verbs pause, resume, cancel), kept so that it outlives its
-- scheduler.
ALTER TABLE run ADD COLUMN control TEXT NOT NULL DEFAULT 'running' CHECK (control IN ('running', 'paused', 'cancelled'));
