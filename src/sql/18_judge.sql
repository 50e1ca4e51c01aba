-- 18_judge.sql - how models are watched, and what was judged of their windows.

-- The rest of ml.set_monitor, which scoring does not need to know; what it does stands in ml.models.
CREATE TABLE ml.monitor_options (
	model			text COLLATE "C" NOT NULL,
	-- NULL: by the kind of column.
	methods			text[],
	-- NULL: by the bins of the column.
	min_rows		integer,
	alpha			double precision NOT NULL DEFAULT 0.01,
	alert_after		integer NOT NULL DEFAULT 1,
	alert_of		integer NOT NULL DEFAULT 1,
	cyclic			text[] NOT NULL DEFAULT '{}',
	set_by			name NOT NULL DEFAULT CURRENT_USER,
	set_at			timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT monitor_options_pkey PRIMARY KEY (model),
	CONSTRAINT monitor_options_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT monitor_options_min_rows_check CHECK (min_rows >= 1),
	CONSTRAINT monitor_options_alpha_check CHECK (alpha > 0 AND alpha <= 0.5),
	CONSTRAINT monitor_options_alert_check CHECK (alert_after BETWEEN 1 AND alert_of AND alert_of <= 100)
);
COMMENT ON TABLE ml.monitor_options IS 'what ml.set_monitor was told, beside the columns of ml.models; ml.monitors shows it with defaults filled in';

-- The training rows of a version in its frozen bins, cut by the slices that its model is watched by.
CREATE TABLE ml.slice_baselines (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	slices			text[] NOT NULL,
	counts			bytea,
	-- Why there are no counts.
	problem			text,
	made_at			timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT slice_baselines_pkey PRIMARY KEY (model, version),
	CONSTRAINT slice_baselines_version_fkey FOREIGN KEY (model, version) REFERENCES ml.versions (model, version),
	CONSTRAINT slice_baselines_problem_check CHECK ((counts IS NULL) = (problem IS NOT NULL))
);
COMMENT ON TABLE ml.slice_baselines IS 'what versions were trained on, by slice, for the judging of drift';

CREATE TABLE ml.drift (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	window_start	timestamptz NOT NULL,
	window_end		timestamptz NOT NULL,
	slice_key		text COLLATE "C",
	slice_value		text COLLATE "C",
	column_name		text COLLATE "C" NOT NULL,
	drift_type		text COLLATE "C" NOT NULL,
	method			text COLLATE "C" NOT NULL,
	statistic		double precision,
	p_value			double precision,
	limit_value		double precision,
	n_reference		bigint NOT NULL,
	n				bigint NOT NULL,
	verdict			text COLLATE "C" NOT NULL,
	role			text COLLATE "C" NOT NULL,
	-- What was left of the window's alpha for this comparison, and what the statistic has to exceed to matter.
	alpha			double precision,
	floor			double precision,
	look			integer NOT NULL,
	judged_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT drift_key UNIQUE NULLS NOT DISTINCT
		(model, version, role, window_start, slice_key, slice_value, column_name, drift_type, method),
	CONSTRAINT drift_version_fkey FOREIGN KEY (model, version) REFERENCES ml.versions (model, version),
	CONSTRAINT drift_role_check CHECK (role IN ('shadow', 'canary', 'production')),
	CONSTRAINT drift_type_check CHECK (drift_type IN ('baseline', 'consecutive')),
	CONSTRAINT drift_verdict_check CHECK (verdict IN ('none', 'drift', 'insufficient_data')),
	CONSTRAINT drift_slice_check CHECK ((slice_key IS NULL) = (slice_value IS NULL)),
	CONSTRAINT drift_n_check CHECK (n >= 0 AND n_reference >= 0)
);
CREATE INDEX drift_start_idx ON ml.drift (window_start);
COMMENT ON TABLE ml.drift IS 'what was judged of windows: per column, slice and method, against the training rows and the window before';

ALTER TABLE ml.monitor_options ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.slice_baselines ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.drift ENABLE ROW LEVEL SECURITY;
CREATE POLICY monitor_options_read ON ml.monitor_options FOR SELECT USING (ml.has_privilege(model, 'read'));
CREATE POLICY slice_baselines_read ON ml.slice_baselines FOR SELECT USING (ml.has_privilege(model, 'read'));
CREATE POLICY drift_read ON ml.drift FOR SELECT USING (ml.has_privilege(model, 'read'));
GRANT SELECT ON ml.monitor_options, ml.slice_baselines, ml.drift TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('ml.monitor_options', '');
SELECT pg_catalog.pg_extension_config_dump('ml.slice_baselines', '');
SELECT pg_catalog.pg_extension_config_dump('ml.drift', '');
