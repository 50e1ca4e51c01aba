-- 35_tracking.sql - experiments: runs of outside code, and what tells runs and versions apart.
--
-- Rights are checked inside, for the current user: everybody may call the
-- functions. What reads does so with the rights of whoever asks, so that row
-- security on the tables decides.

CREATE FUNCTION ml.start_run(experiment text, name text DEFAULT NULL, params jsonb DEFAULT '{}',
							 parent_run_id bigint DEFAULT NULL, model text DEFAULT NULL, seed bigint DEFAULT NULL,
							 code text DEFAULT NULL, tags jsonb DEFAULT '{}') RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_start_run';
COMMENT ON FUNCTION ml.start_run(text, text, jsonb, bigint, text, bigint, text, jsonb) IS
	'begins a run of outside code in an experiment; returns its number';

CREATE FUNCTION ml.log_metric(run_id bigint, name text, value double precision, step integer DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_log_metric';
COMMENT ON FUNCTION ml.log_metric(bigint, text, double precision, integer) IS
	'records a figure of a run that is running, at a step or as the final one';

CREATE FUNCTION ml.log_param(run_id bigint, name text, value jsonb) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_log_param';
COMMENT ON FUNCTION ml.log_param(bigint, text, jsonb) IS 'records a parameter of a run that is running';

CREATE FUNCTION ml.log_param(run_id bigint, name text, value text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_log_param_value';
COMMENT ON FUNCTION ml.log_param(bigint, text, text) IS 'records a parameter of a run that is running, a text';

CREATE FUNCTION ml.log_param(run_id bigint, name text, value anyelement) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_log_param_value';
COMMENT ON FUNCTION ml.log_param(bigint, text, anyelement) IS
	'records a parameter of a run that is running: a number, a boolean, an array or what else becomes JSON';

CREATE FUNCTION ml.end_run(run_id bigint, status text DEFAULT 'succeeded', error text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_end_run';
COMMENT ON FUNCTION ml.end_run(bigint, text, text) IS 'ends a run of outside code: succeeded, failed or cancelled';

CREATE FUNCTION ml.drop_run(run_id bigint) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_run';
COMMENT ON FUNCTION ml.drop_run(bigint) IS 'deletes a run of outside code with its metrics';

-- Comparing ------------------------------------------------------------------
--
-- The planner takes JSON for larger than it is here, and compiling would take seconds.

CREATE FUNCTION ml.seen_runs(run_ids bigint[]) RETURNS bigint[]
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_seen_runs';
COMMENT ON FUNCTION ml.seen_runs(bigint[]) IS 'internal: runs that exist and that the current user may see';

CREATE FUNCTION ml.read_version(model_ref text, OUT model text, OUT version integer)
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_read_version';
COMMENT ON FUNCTION ml.read_version(text) IS 'internal: the version that a reference means, which the current user may read';

-- Members of arrays of objects are named by their column, name or step, or numbered.
CREATE FUNCTION ml.json_leaves(value jsonb) RETURNS TABLE (path text, leaf text)
	LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	WITH RECURSIVE nodes (path, node, inner_node) AS (
		SELECT '', $1, pg_catalog.jsonb_typeof($1) = 'object' OR $1 @? '$[*] ? (@.type() == "object")'
		UNION ALL
		SELECT n.path || m.step, m.node,
			   pg_catalog.jsonb_typeof(m.node) = 'object' AND m.node <> '{}'
			   OR pg_catalog.jsonb_typeof(m.node) = 'array' AND m.node @? '$[*] ? (@.type() == "object")'
		FROM nodes n
			 CROSS JOIN LATERAL (
				SELECT CASE n.path WHEN '' THEN '' ELSE '.' END || o.key AS step, o.value AS node
				FROM pg_catalog.jsonb_each(CASE pg_catalog.jsonb_typeof(n.node) WHEN 'object' THEN n.node ELSE '{}' END)
					AS o (key, value)
				UNION ALL
				SELECT '[' || coalesce(a.value ->> 'column', a.value ->> 'name',
									   a.place || coalesce(' ' || (a.value ->> 'step'), '')) || ']', a.value
				FROM pg_catalog.jsonb_array_elements(CASE pg_catalog.jsonb_typeof(n.node) WHEN 'array' THEN n.node ELSE '[]' END)
					WITH ORDINALITY AS a (value, place)
			 ) m
		WHERE n.inner_node
	)
	SELECT n.path, n.node #>> '{}' FROM nodes n WHERE NOT n.inner_node;
END;
COMMENT ON FUNCTION ml.json_leaves(jsonb) IS 'internal: what a JSON value holds, one line for each text, number and plain list';

-- A metric's value is the final one, or the one at its last step.
CREATE FUNCTION ml.run_items(run_id bigint) RETURNS TABLE (place integer, section text, name text, value text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
BEGIN ATOMIC
	SELECT 1, 'run', i.name, i.value
	FROM ml.runs r
		 CROSS JOIN LATERAL (VALUES
			('experiment', r.experiment), ('name', r.name), ('kind', r.kind), ('status', r.status), ('error', r.error),
			('model', r.model), ('version', r.version::text), ('parent', r.parent_run_id::text), ('actor', r.actor::text),
			('seed', r.seed::text), ('code', r.code)) AS i (name, value)
	WHERE r.run_id = $1
	UNION ALL
	SELECT 2, 'params', l.path, l.leaf
	FROM ml.runs r CROSS JOIN LATERAL ml.json_leaves(r.params) l
	WHERE r.run_id = $1 AND r.params <> '{}'
	UNION ALL
	SELECT 3, 'learner', l.path, l.leaf
	FROM ml.versions v
		 CROSS JOIN LATERAL ml.json_leaves(pg_catalog.jsonb_build_object('algorithm', v.algorithm) || v.params) l
	WHERE v.run_id = $1
	UNION ALL
	SELECT 4, 'metrics', m.name, m.value
	FROM (SELECT DISTINCT ON (m.name, m.slice_key, m.slice_value)
				 pg_catalog.concat(m.name, ' where ' || m.slice_key || coalesce(' = ' || m.slice_value, ' is null')) AS name,
				 m.value::text AS value
		  FROM ml.run_metrics m
		  WHERE m.run_id = $1
		  ORDER BY m.name, m.slice_key, m.slice_value, m.step DESC NULLS FIRST) m
	UNION ALL
	SELECT 5, 'data', i.name, i.value
	FROM ml.versions v
		 JOIN ml.snapshots s ON s.model = v.model AND s.snapshot_id = v.snapshot_id
		 CROSS JOIN LATERAL (VALUES
			('fingerprint', s.fingerprint), ('relations', pg_catalog.array_to_string(s.relations, ', ')),
			('rows', s.rows::text)) AS i (name, value)
	WHERE v.run_id = $1
	UNION ALL
	SELECT 6, 'environment', l.path, l.leaf
	FROM ml.runs r CROSS JOIN LATERAL ml.json_leaves(r.environment) l
	WHERE r.run_id = $1 AND r.environment <> '{}';
END;
COMMENT ON FUNCTION ml.run_items(bigint) IS 'internal: what is recorded of a run, one item a row';

CREATE FUNCTION ml.compare_runs(run_ids bigint[])
	RETURNS TABLE (section text, name text, differs boolean, "values" text[])
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 50 SET jit = off
BEGIN ATOMIC
	WITH asked AS (
		SELECT u.run_id, u.place
		FROM pg_catalog.unnest(ml.seen_runs($1)) WITH ORDINALITY AS u (run_id, place)
	), items AS (
		SELECT a.place AS run_place, i.place, i.section, i.name, i.value
		FROM asked a CROSS JOIN LATERAL ml.run_items(a.run_id) i
		WHERE i.value IS NOT NULL
	), named AS (
		SELECT DISTINCT i.place, i.section, i.name FROM items i
	)
	SELECT n.section, n.name, count(DISTINCT i.value) > 1 OR count(i.value) < count(*),
		   pg_catalog.array_agg(i.value ORDER BY a.place)
	FROM named n
		 CROSS JOIN asked a
		 LEFT JOIN items i ON i.run_place = a.place AND i.section = n.section AND i.name = n.name
	GROUP BY n.place, n.section, n.name
	ORDER BY n.place, n.name;
END;
COMMENT ON FUNCTION ml.compare_runs(bigint[]) IS
	'parameters, metrics, data and environment of runs side by side, in the order in which they were asked for';

-- What is recorded of a version and could make another one of it.
CREATE FUNCTION ml.version_items(model text, version integer) RETURNS TABLE (place integer, aspect text, item text, value text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	SELECT 1, 'data', i.item, i.value
	FROM ml.versions v
		 JOIN ml.runs r ON r.run_id = v.run_id
		 LEFT JOIN ml.snapshots s ON s.model = v.model AND s.snapshot_id = v.snapshot_id
		 CROSS JOIN LATERAL (VALUES
			('source', coalesce(s.source, r.params ->> 'source')), ('rows', s.rows::text), ('fingerprint', s.fingerprint),
			('relations', pg_catalog.array_to_string(s.relations, ', '))) AS i (item, value)
	WHERE v.model = $1 AND v.version = $2
	UNION ALL
	SELECT 2, 'column', (c.entry ->> 'column') || ': ' || e.key, e.value #>> '{}'
	FROM ml.versions v
		 JOIN ml.snapshots s ON s.model = v.model AND s.snapshot_id = v.snapshot_id
		 CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(s.profile) AS c (entry)
		 CROSS JOIN LATERAL pg_catalog.jsonb_each(c.entry) AS e (key, value)
	WHERE v.model = $1 AND v.version = $2 AND e.key <> 'column'
	UNION ALL
	SELECT 3, 'features', l.path, l.leaf
	FROM ml.versions v CROSS JOIN LATERAL ml.json_leaves(v.signature) l
	WHERE v.model = $1 AND v.version = $2 AND l.path NOT LIKE '%].name'
	UNION ALL
	SELECT 4, 'pipeline', l.path, l.leaf
	FROM ml.versions v CROSS JOIN LATERAL ml.json_leaves(v.pipeline) l
	-- The description says in words what was learned.
	WHERE v.model = $1 AND v.version = $2 AND l.path !~ '^\[[^]]*\]\.description$'
	UNION ALL
	SELECT 5, 'learner', l.path, l.leaf
	FROM ml.versions v
		 CROSS JOIN LATERAL ml.json_leaves(pg_catalog.jsonb_build_object('task', v.task, 'algorithm', v.algorithm) || v.params) l
	WHERE v.model = $1 AND v.version = $2
	UNION ALL
	SELECT 6, 'call', l.path, l.leaf
	FROM ml.versions v
		 JOIN ml.runs r ON r.run_id = v.run_id
		 CROSS JOIN LATERAL ml.json_leaves(r.params - '{source,params,pipeline,seed,snapshot,deploy}'::text[]) l
	WHERE v.model = $1 AND v.version = $2 AND l.leaf IS NOT NULL
	UNION ALL
	SELECT 7, i.item, i.item, i.value
	FROM ml.versions v
		 JOIN ml.runs r ON r.run_id = v.run_id
		 CROSS JOIN LATERAL (VALUES ('seed', r.seed::text), ('code', r.code)) AS i (item, value)
	WHERE v.model = $1 AND v.version = $2
	UNION ALL
	-- Of the session, what a training depends on.
	SELECT 8, 'environment', l.path, l.leaf
	FROM ml.versions v
		 JOIN ml.runs r ON r.run_id = v.run_id
		 CROSS JOIN LATERAL ml.json_leaves(r.environment) l
	WHERE v.model = $1 AND v.version = $2
		  AND (l.path IN ('extension_version', 'server_version', 'platform', 'compiler', 'c_library', 'blas',
						  'max_categories', 'search_path', 'reader') OR l.path LIKE 'settings.%')
	UNION ALL
	SELECT 9, 'metrics', l.path, l.leaf
	FROM ml.versions v CROSS JOIN LATERAL ml.json_leaves(v.metrics) l
	WHERE v.model = $1 AND v.version = $2
	UNION ALL
	SELECT 10, 'artifact', i.item, i.value
	FROM ml.versions v
		 CROSS JOIN LATERAL (VALUES ('sha256', v.artifact_sha256), ('bytes', v.artifact_bytes::text)) AS i (item, value)
	WHERE v.model = $1 AND v.version = $2;
END;
COMMENT ON FUNCTION ml.version_items(text, integer) IS 'internal: what is recorded of a version, one item a row';

CREATE FUNCTION ml.diff(first_ref text, second_ref text)
	RETURNS TABLE (aspect text, item text, first text, second text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 20 SET jit = off
BEGIN ATOMIC
	WITH a AS (
		SELECT i.place, i.aspect, i.item, i.value, pg_catalog.row_number() OVER (PARTITION BY i.aspect, i.item) AS nth
		FROM ml.read_version($1) v CROSS JOIN LATERAL ml.version_items(v.model, v.version) i
		WHERE i.value IS NOT NULL
	), b AS (
		SELECT i.place, i.aspect, i.item, i.value, pg_catalog.row_number() OVER (PARTITION BY i.aspect, i.item) AS nth
		FROM ml.read_version($2) v CROSS JOIN LATERAL ml.version_items(v.model, v.version) i
		WHERE i.value IS NOT NULL
	)
	SELECT coalesce(a.aspect, b.aspect), coalesce(a.item, b.item), a.value, b.value
	FROM a FULL JOIN b ON b.aspect = a.aspect AND b.item = a.item AND b.nth = a.nth
	WHERE a.value IS DISTINCT FROM b.value
	ORDER BY coalesce(a.place, b.place), coalesce(a.item, b.item), coalesce(a.nth, b.nth);
END;
COMMENT ON FUNCTION ml.diff(text, text) IS
	'why two versions differ: data by column, features, pipeline, learner, call, seed, code, environment, metrics; empty when they do not';

-- Which direction is better is not known of outside code's metrics: both ends are shown.
CREATE VIEW ml.experiments WITH (security_invoker = true) AS
	SELECT r.experiment, r.runs, r.running, r.failed, m.metric, m.lowest, m.lowest_run_id, m.highest, m.highest_run_id,
		   r.last_started_at
	FROM (SELECT r.experiment, count(*) AS runs, count(*) FILTER (WHERE r.status = 'running') AS running,
				 count(*) FILTER (WHERE r.status = 'failed') AS failed, pg_catalog.max(r.started_at) AS last_started_at
		  FROM ml.runs r WHERE r.experiment IS NOT NULL GROUP BY r.experiment) r
		 LEFT JOIN (
			SELECT f.experiment, f.name AS metric,
				   pg_catalog.min(f.value) AS lowest,
				   (pg_catalog.array_agg(f.run_id ORDER BY f.value, f.run_id))[1] AS lowest_run_id,
				   pg_catalog.max(f.value) AS highest,
				   (pg_catalog.array_agg(f.run_id ORDER BY f.value DESC, f.run_id))[1] AS highest_run_id
			FROM (SELECT DISTINCT ON (r.experiment, m.name, m.run_id) r.experiment, m.name, m.run_id, m.value
				  FROM ml.runs r JOIN ml.run_metrics m ON m.run_id = r.run_id
				  WHERE r.experiment IS NOT NULL AND m.slice_key IS NULL AND m.value <> 'NaN'
				  ORDER BY r.experiment, m.name, m.run_id, m.step DESC NULLS FIRST) f
			GROUP BY f.experiment, f.name
		 ) m ON m.experiment = r.experiment
	ORDER BY r.experiment, m.metric;
COMMENT ON VIEW ml.experiments IS
	'the runs of each experiment, and of every metric the lowest and highest final value with the run that has it; NaN is left out';
GRANT SELECT ON ml.experiments TO PUBLIC;
