-- 17_monitor.sql - what was counted of the rows that deployed versions scored.
--
-- One row for each window of a version in a role, with the counts of all its
-- columns in it (drift/profile.h says how they are laid out): to write a window
-- is to write one row. Only the database's worker writes.

CREATE TABLE ml.windows (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	role			text COLLATE "C" NOT NULL,
	window_start	timestamptz NOT NULL,
	window_end		timestamptz NOT NULL,
	rows			bigint NOT NULL,
	-- The columns that the counts are cut by, in the order of their sets.
	slices			text[] NOT NULL DEFAULT '{}',
	counts			bytea NOT NULL,
	written_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	-- How often the window was judged, how many rows it had then, and whether it was after its end.
	looks			integer NOT NULL DEFAULT 0,
	judged_rows		bigint NOT NULL DEFAULT 0,
	closed			boolean NOT NULL DEFAULT false,
	-- Why the last look found nothing; NULL: it did not fail.
	problem			text,
	CONSTRAINT windows_pkey PRIMARY KEY (model, version, role, window_start),
	CONSTRAINT windows_version_fkey FOREIGN KEY (model, version) REFERENCES ml.versions (model, version),
	CONSTRAINT windows_role_check CHECK (role IN ('shadow', 'canary', 'production')),
	CONSTRAINT windows_window_end_check CHECK (window_end > window_start),
	CONSTRAINT windows_rows_check CHECK (rows >= 0),
	CONSTRAINT windows_looks_check CHECK (looks >= 0 AND judged_rows >= 0)
);
CREATE INDEX windows_open_idx ON ml.windows (window_end) WHERE NOT closed;
CREATE INDEX windows_start_idx ON ml.windows (window_start);
COMMENT ON TABLE ml.windows IS 'what was counted of scored rows, per version, role and window';

ALTER TABLE ml.windows ENABLE ROW LEVEL SECURITY;
CREATE POLICY windows_read ON ml.windows FOR SELECT USING (ml.has_privilege(model, 'read'));
GRANT SELECT ON ml.windows TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('ml.windows', '');
