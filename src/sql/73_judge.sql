-- 73_judge.sql - how models are watched, what their windows hold, and what has drifted.

CREATE FUNCTION ml.set_monitor(
	model text,
	window_length interval DEFAULT '1 hour',
	slices text[] DEFAULT '{}',
	methods text[] DEFAULT NULL,
	min_rows integer DEFAULT NULL,
	truth_source text DEFAULT NULL,
	log_fraction double precision DEFAULT 0,
	alpha double precision DEFAULT 0.01,
	alert_after integer DEFAULT 1,
	alert_of integer DEFAULT 1,
	cyclic text[] DEFAULT '{}'
) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_set_monitor';
COMMENT ON FUNCTION ml.set_monitor(text, interval, text[], text[], integer, text, double precision, double precision,
	integer, integer, text[]) IS
	'how the rows that a model scores are counted and judged; a NULL window_length goes back to the defaults';

CREATE FUNCTION ml.drop_monitor(model text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_monitor';
COMMENT ON FUNCTION ml.drop_monitor(text) IS 'goes back to the defaults of ml.set_monitor; what was counted and judged stays';

CREATE FUNCTION ml.watched(
	model text,
	OUT version integer,
	OUT columns text[],
	OUT methods text[],
	OUT min_rows integer,
	OUT false_alarms double precision,
	OUT problem text
)
	LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_watched';
COMMENT ON FUNCTION ml.watched(text) IS 'what ml.monitors tells beside the settings; NULL without the right to read the model';

CREATE VIEW ml.monitors WITH (security_invoker = true) AS
	SELECT m.model,
		   coalesce(m.window_length, interval '1 hour') AS window_length,
		   coalesce(m.slices, '{}') AS slices,
		   w.methods, w.min_rows, t.source AS truth_source,
		   coalesce(m.log_fraction, 0) AS log_fraction,
		   coalesce(o.alpha, 0.01) AS alpha,
		   coalesce(o.alert_after, 1) AS alert_after,
		   coalesce(o.alert_of, 1) AS alert_of,
		   coalesce(o.cyclic, '{}') AS cyclic,
		   w.version, w.columns, w.false_alarms,
		   w.false_alarms * (31557600 / EXTRACT(epoch FROM coalesce(m.window_length, interval '1 hour'))::double precision)
			AS expected_false_alarms_per_year,
		   coalesce(o.alert_after, 1) * coalesce(m.window_length, interval '1 hour') AS detection_delay,
		   n.rows AS window_rows,
		   least(n.window_end, CASE WHEN n.rows >= w.min_rows * 2.0 ^ n.looks THEN n.written_at END) AS next_look_at,
		   pg_catalog.ceil(w.min_rows * 2.0 ^ n.looks)::bigint AS next_look_rows,
		   coalesce(n.problem, t.error, w.problem) AS problem,
		   o.set_by, o.set_at
	FROM ml.models m
		 CROSS JOIN LATERAL ml.watched(m.model) w
		 LEFT JOIN ml.monitor_options o ON o.model = m.model
		 LEFT JOIN ml.truth_sources t ON t.model = m.model
		 LEFT JOIN LATERAL (
			SELECT n.rows, n.looks, n.window_end, n.written_at, n.problem FROM ml.windows n
			WHERE n.model = m.model AND n.version = w.version AND n.role = 'production' AND NOT n.closed
			ORDER BY n.window_start DESC LIMIT 1) n ON true
	ORDER BY m.model;
COMMENT ON VIEW ml.monitors IS 'how each model is watched, with defaults filled in, and how many false alarms that gives';
GRANT SELECT ON ml.monitors TO PUBLIC;

-- Counts of rows ---------------------------------------------------------------

CREATE FUNCTION ml.window_profile(
	baseline bytea,
	slices text[],
	counts bytea,
	OUT slice_key text,
	OUT slice_value text,
	OUT column_name text,
	OUT count bigint,
	OUT null_share double precision,
	OUT nan_share double precision,
	OUT unseen_share double precision,
	OUT mean double precision,
	OUT stddev double precision,
	OUT min double precision,
	OUT max double precision,
	OUT bins jsonb
) RETURNS SETOF record
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1000 ROWS 30 AS 'MODULE_PATHNAME', 'ml_window_profile';
COMMENT ON FUNCTION ml.window_profile(bytea, text[], bytea) IS 'the counts of a window in the bins of a baseline, for ml.profiles';

CREATE VIEW ml.profiles WITH (security_invoker = true) AS
	SELECT w.model, w.version, w.role, w.window_start, w.window_end, p.slice_key, p.slice_value, p.column_name,
		   p.count, p.null_share, p.nan_share, p.unseen_share, p.mean, p.stddev, p.min, p.max, p.bins
	FROM ml.windows w
		 JOIN ml.versions v ON v.model = w.model AND v.version = w.version
		 CROSS JOIN LATERAL ml.window_profile(v.baseline, w.slices, w.counts) p;
COMMENT ON VIEW ml.profiles IS 'what was counted of scored rows, per window, slice and column; bins are in their order';
GRANT SELECT ON ml.profiles TO PUBLIC;

CREATE FUNCTION ml.baseline(
	model_ref text,
	OUT column_name text,
	OUT count bigint,
	OUT "distinct" double precision,
	OUT null_share double precision,
	OUT nan_share double precision,
	OUT unseen_share double precision,
	OUT mean double precision,
	OUT stddev double precision,
	OUT min double precision,
	OUT max double precision,
	OUT bins jsonb
) RETURNS SETOF record
	LANGUAGE c STABLE PARALLEL SAFE COST 1000 ROWS 30 AS 'MODULE_PATHNAME', 'ml_baseline';
COMMENT ON FUNCTION ml.baseline(text) IS
	'what a version was trained on, in the bins that its windows are counted in; :prediction is of the held-out rows';

-- Drift ------------------------------------------------------------------------

CREATE FUNCTION ml.monitor_source(model_ref text, source text) RETURNS SETOF ml.drift
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 30 AS 'MODULE_PATHNAME', 'ml_monitor_source';
COMMENT ON FUNCTION ml.monitor_source(text, text) IS
	'judges the rows of a source as one window of a version, against what it was trained on';

CREATE FUNCTION ml.drift_between(reference text, "current" text, methods text[] DEFAULT NULL) RETURNS SETOF ml.drift
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 30 AS 'MODULE_PATHNAME', 'ml_drift_between';
COMMENT ON FUNCTION ml.drift_between(text, text, text[]) IS
	'judges the rows of a source against those of another, in bins made of these';

CREATE FUNCTION ml.what_changed(baseline bytea, slices text[], sliced bytea, counts bytea, column_name text,
	slice_key text, slice_value text) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_what_changed';
COMMENT ON FUNCTION ml.what_changed(bytea, text[], bytea, bytea, text, text, text) IS
	'what is different in a column of a window, in words, for ml.drift_report';

-- Of each column and slice the comparison that stands out most.
CREATE VIEW ml.drift_report WITH (security_invoker = true) AS
	SELECT r.model, r.version, r.role, r.window_start, r.window_end, r.slice_key, r.slice_value, r.column_name, r.verdict,
		   r.excess,
		   pg_catalog.concat_ws(': ',
			r.column_name || CASE WHEN r.slice_key IS NOT NULL
								  THEN pg_catalog.format(' where %s is %s', r.slice_key, r.slice_value) ELSE '' END,
			CASE r.verdict
				WHEN 'insufficient_data' THEN pg_catalog.format('%s rows are too few to judge', r.n)
				ELSE pg_catalog.format('%s %s, limit %s%s', r.method, pg_catalog.round(r.statistic::numeric, 3),
					pg_catalog.round(r.limit_value::numeric, 3),
					CASE r.drift_type WHEN 'consecutive' THEN ', against the window before' ELSE '' END) END,
			CASE WHEN r.verdict = 'drift' AND r.drift_type = 'baseline' THEN nullif(ml.what_changed(v.baseline,
				r.slices, b.counts, r.counts, r.column_name, r.slice_key, r.slice_value), '') END) AS report
	FROM (SELECT DISTINCT ON (d.model, d.version, d.role, d.slice_key, d.slice_value, d.column_name)
				 d.*, d.statistic / nullif(d.limit_value, 0) AS excess, n.slices, n.counts
		  -- of windows as long as they are now, where there are any
		  FROM (SELECT DISTINCT ON (w.model, w.version, w.role) w.* FROM ml.windows w JOIN ml.models m ON m.model = w.model
				WHERE w.looks > 0 AND w.problem IS NULL
				ORDER BY w.model, w.version, w.role,
						 w.window_end - w.window_start = coalesce(m.window_length, interval '1 hour') DESC, w.window_start DESC) n
			   JOIN ml.drift d ON d.model = n.model AND d.version = n.version AND d.role = n.role
				AND d.window_start = n.window_start
		  ORDER BY d.model, d.version, d.role, d.slice_key, d.slice_value, d.column_name, d.verdict = 'drift' DESC,
				   d.drift_type, d.statistic / nullif(d.limit_value, 0) DESC NULLS LAST) r
		 JOIN ml.versions v ON v.model = r.model AND v.version = r.version
		 LEFT JOIN ml.slice_baselines b ON b.model = r.model AND b.version = r.version AND b.slices = r.slices
	ORDER BY r.verdict = 'drift' DESC, r.excess DESC NULLS LAST, r.model, r.version, r.role, r.column_name,
		   r.slice_key NULLS FIRST, r.slice_value;
COMMENT ON VIEW ml.drift_report IS 'the newest window of each version in a role, worst first, in words';
GRANT SELECT ON ml.drift_report TO PUBLIC;
