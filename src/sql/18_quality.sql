-- 18_quality.sql - how good the answers of deployed versions are: by the truth that became known, and estimated.

-- Where the truth of a model's predictions is found; written by ml.set_truth and ml.set_monitor.
CREATE TABLE ml.truth_sources (
	model			text COLLATE "C" NOT NULL,
	source			text NOT NULL,
	-- By which the names in it resolve: it is read with the rights of the model's owner.
	search_path		text NOT NULL,
	-- How long after a prediction its label may come.
	truth_wait		interval NOT NULL DEFAULT '30 days',
	-- Detectors by name, with their parameters.
	detectors		jsonb NOT NULL,
	set_by			name NOT NULL DEFAULT CURRENT_USER,
	set_at			timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	-- What the worker found.
	read_at			timestamptz,
	read_ms			bigint,
	labelled		bigint,
	unanswered		bigint,
	error			text,
	CONSTRAINT truth_sources_pkey PRIMARY KEY (model),
	CONSTRAINT truth_sources_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT truth_sources_wait_check CHECK (truth_wait > interval '0')
);
COMMENT ON TABLE ml.truth_sources IS 'where the truth of predictions is found, and how the last reading went';
COMMENT ON COLUMN ml.truth_sources.labelled IS 'rows with a label in the windows that were read';
COMMENT ON COLUMN ml.truth_sources.unanswered IS 'rows with a label from times at which no version was in production';

CREATE TABLE ml.quality (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	window_start	timestamptz NOT NULL,
	window_end		timestamptz NOT NULL,
	slice_key		text COLLATE "C",
	slice_value		text COLLATE "C",
	metric			text COLLATE "C" NOT NULL,
	value			double precision NOT NULL,
	low				double precision,
	high			double precision,
	n				bigint NOT NULL,
	kind			text COLLATE "C" NOT NULL,
	role			text COLLATE "C" NOT NULL,
	note			text,
	written_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT quality_key UNIQUE NULLS NOT DISTINCT
		(model, version, role, window_start, kind, slice_key, slice_value, metric),
	CONSTRAINT quality_version_fkey FOREIGN KEY (model, version) REFERENCES ml.versions (model, version),
	CONSTRAINT quality_kind_check CHECK (kind IN ('realised', 'estimated')),
	CONSTRAINT quality_role_check CHECK (role IN ('shadow', 'canary', 'production'))
);
CREATE INDEX quality_start_idx ON ml.quality (window_start);
COMMENT ON TABLE ml.quality IS 'metrics of windows: realised, by labels that came, and estimated from scores';

-- The labelled rows of each window when its figures were written.
CREATE TABLE ml.truth_windows (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	role			text COLLATE "C" NOT NULL,
	window_start	timestamptz NOT NULL,
	window_end		timestamptz NOT NULL,
	rows			bigint NOT NULL,
	-- A sum over the rows, whatever their order.
	digest			bigint NOT NULL,
	-- Rows whose label came when detectors had gone beyond them.
	late			bigint NOT NULL DEFAULT 0,
	CONSTRAINT truth_windows_pkey PRIMARY KEY (model, version, role, window_start),
	CONSTRAINT truth_windows_version_fkey FOREIGN KEY (model, version) REFERENCES ml.versions (model, version)
);
CREATE INDEX truth_windows_start_idx ON ml.truth_windows (window_start);
COMMENT ON TABLE ml.truth_windows IS 'labelled rows of windows';

CREATE TABLE ml.detector_states (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	detector		text COLLATE "C" NOT NULL,
	-- Labelled rows up to this time of prediction have been taken in.
	consumed_until	timestamptz NOT NULL,
	n				bigint NOT NULL,
	drifts			bigint NOT NULL,
	last_drift_at	timestamptz,
	level			double precision,
	params			jsonb NOT NULL,
	state			bytea NOT NULL,
	CONSTRAINT detector_states_pkey PRIMARY KEY (model, version, detector),
	CONSTRAINT detector_states_version_fkey FOREIGN KEY (model, version) REFERENCES ml.versions (model, version)
);
COMMENT ON TABLE ml.detector_states IS 'detectors of concept drift over the errors of each version, in the order of predictions';
COMMENT ON COLUMN ml.detector_states.last_drift_at IS 'the time of the prediction at which a change was found last';

ALTER TABLE ml.truth_sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.quality ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.truth_windows ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.detector_states ENABLE ROW LEVEL SECURITY;
CREATE POLICY truth_sources_read ON ml.truth_sources FOR SELECT USING (ml.has_privilege(model, 'read'));
CREATE POLICY quality_read ON ml.quality FOR SELECT USING (ml.has_privilege(model, 'read'));
CREATE POLICY truth_windows_read ON ml.truth_windows FOR SELECT USING (ml.has_privilege(model, 'read'));
CREATE POLICY detector_states_read ON ml.detector_states FOR SELECT USING (ml.has_privilege(model, 'read'));
GRANT SELECT ON ml.truth_sources, ml.quality, ml.truth_windows, ml.detector_states TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('ml.truth_sources', '');
SELECT pg_catalog.pg_extension_config_dump('ml.quality', '');
SELECT pg_catalog.pg_extension_config_dump('ml.truth_windows', '');
SELECT pg_catalog.pg_extension_config_dump('ml.detector_states', '');
