-- 70_lineage.sql - which versions read a relation or column, and what each thing comes from and leads to.
--
-- Functions and views read with the rights of whoever asks, so that row security
-- on the tables decides.

CREATE FUNCTION ml.relation_names(relation regclass, column_name text) RETURNS text[]
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_relation_names';
COMMENT ON FUNCTION ml.relation_names(regclass, text) IS
	'internal: the names under which ml.source_columns may have a relation; checks that the column exists';

CREATE FUNCTION ml.impact(relation regclass, column_name text DEFAULT NULL)
	RETURNS TABLE (model text, version integer, column_name text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	SELECT DISTINCT c.model, c.version, c.column_name
	FROM ml.source_columns c
	WHERE c.relation = ANY (ml.relation_names($1, $2)) AND ($2 IS NULL OR c.column_name = $2)
	ORDER BY c.model, c.version, c.column_name;
END;
COMMENT ON FUNCTION ml.impact(regclass, text) IS
	'the versions whose source reads a relation or one of its columns, through views and partitioned tables too';

CREATE FUNCTION ml.attached_name(guard name, relation text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_attached_name';
COMMENT ON FUNCTION ml.attached_name(name, text) IS 'internal: what an attached relation is called now';

CREATE FUNCTION ml.attached_type(guard name, relation text, column_name text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_attached_type';
COMMENT ON FUNCTION ml.attached_type(name, text, text) IS 'internal: the type that a recorded column has now';

-- A type is compared with what the newest version that reads the column was trained on.
CREATE VIEW ml.attached_columns WITH (security_invoker = true) AS
	SELECT a.model, a.relation, c.column_name, c.recorded_type, t.current_type,
		   CASE WHEN t.current_type IS NULL THEN 'dropped'
				WHEN t.current_type = c.recorded_type THEN 'unchanged'
				ELSE 'retyped' END AS status,
		   CASE WHEN a.guard IS NOT NULL AND NOT EXISTS (
					SELECT FROM pg_catalog.pg_proc p
					WHERE p.proname = a.guard AND p.pronamespace = 'ml'::pg_catalog.regnamespace)
				THEN 'lost' ELSE a.mode END AS mode
	FROM ml.attachments a
		 CROSS JOIN LATERAL (SELECT ml.attached_name(a.guard, a.relation) AS name) n
		 CROSS JOIN LATERAL (
			SELECT DISTINCT ON (s.column_name) s.column_name, s.type AS recorded_type
			FROM ml.source_columns s
				 JOIN ml.versions v ON v.model = s.model AND v.version = s.version
			WHERE s.model = a.model AND s.relation IN (a.relation, n.name)
				  AND s.column_name IS NOT NULL AND v.archived_at IS NULL
			ORDER BY s.column_name, s.version DESC
		 ) c
		 CROSS JOIN LATERAL (SELECT ml.attached_type(a.guard, a.relation, c.column_name) AS current_type) t;
COMMENT ON VIEW ml.attached_columns IS
	'the columns of attached relations that models read, as they were and as they are; mode is lost when a DROP ... CASCADE took the guard along';
GRANT SELECT ON ml.attached_columns TO PUBLIC;

CREATE FUNCTION ml.trials(run_id bigint)
	RETURNS TABLE (trial integer, run_id bigint, params jsonb, metric text, value double precision, status text)
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	-- The metric that the search went by; of trials that do not say it, all that they measured.
	SELECT coalesce((t.params ->> 'trial')::integer, pg_catalog.dense_rank() OVER (ORDER BY t.run_id)::integer),
		   t.run_id,
		   -- learner and pipeline where the search has tried others than the call names
		   CASE WHEN t.params ? 'trial' THEN
				CASE WHEN p.params ->> 'algorithm' IS DISTINCT FROM t.params ->> 'algorithm'
					 THEN pg_catalog.jsonb_build_object('algorithm', t.params -> 'algorithm') ELSE '{}' END
				|| coalesce(t.params -> 'params', '{}')
				|| CASE WHEN p.params -> 'pipeline' IS DISTINCT FROM t.params -> 'pipeline'
						THEN pg_catalog.jsonb_build_object('pipeline', t.params -> 'pipeline') ELSE '{}' END
				ELSE t.params END,
		   coalesce(m.name, w.metric), m.value, t.status
	FROM ml.runs t
		 LEFT JOIN ml.runs p ON p.run_id = t.parent_run_id
		 CROSS JOIN LATERAL (SELECT coalesce(t.params ->> 'metric', p.params -> 'search' ->> 'metric') AS metric) w
		 LEFT JOIN ml.run_metrics m ON m.run_id = t.run_id AND m.step IS NULL AND m.slice_key IS NULL
			AND m.name = coalesce(w.metric, m.name)
	WHERE t.parent_run_id = $1 AND t.kind = 'trial'
	ORDER BY 1, t.run_id, m.name;
END;
COMMENT ON FUNCTION ml.trials(bigint) IS 'the trials of a search, the child runs of a training, with what they measured';

-- What leads to what, one edge a row. Versions and aliases are named by their
-- references, roles as model/role, columns as relation.column. The names have
-- the default collation, as what they are compared with in a recursive query.
CREATE VIEW ml.lineage_edges (from_kind, from_name, to_kind, to_name, relation)
	WITH (security_invoker = true) AS
	SELECT e.from_kind, e.from_name COLLATE "default", e.to_kind, e.to_name COLLATE "default", e.relation
	FROM (
		SELECT 'column', c.relation || '.' || c.column_name, 'version', c.model || '/' || c.version, 'read by'
		FROM ml.source_columns c WHERE c.column_name IS NOT NULL
		UNION ALL
		SELECT 'relation', u.relation COLLATE "C", 'snapshot', s.snapshot_id::text, 'read by'
		FROM ml.snapshots s CROSS JOIN LATERAL pg_catalog.unnest(s.relations) AS u (relation)
		UNION ALL
		SELECT 'snapshot', v.snapshot_id::text, 'version', v.model || '/' || v.version, 'trained'
		FROM ml.versions v WHERE v.snapshot_id IS NOT NULL
		UNION ALL
		SELECT 'run', v.run_id::text, 'version', v.model || '/' || v.version, 'produced'
		FROM ml.versions v
		UNION ALL
		SELECT 'run', r.parent_run_id::text, 'run', r.run_id::text,
			   CASE r.kind WHEN 'evaluate' THEN 'judged by' WHEN 'gate' THEN 'judged by'
						   WHEN 'reproduce' THEN 'reproduced by' ELSE 'started' END
		FROM ml.runs r WHERE r.parent_run_id IS NOT NULL
		UNION ALL
		SELECT 'version', v.model || '/' || v.parent_version, 'version', v.model || '/' || v.version, 'succeeded by'
		FROM ml.versions v WHERE v.parent_version IS NOT NULL
		UNION ALL
		SELECT 'version', d.model || '/' || d.version, 'role', d.model || '/' || d.role, 'deployed as'
		FROM ml.deployments d WHERE d.ended_at IS NULL
		UNION ALL
		SELECT 'version', a.model || '/' || a.version, 'alias', a.model || '@' || a.alias, 'named'
		FROM ml.aliases a WHERE a.valid_until IS NULL
	) AS e (from_kind, from_name, to_kind, to_name, relation);
COMMENT ON VIEW ml.lineage_edges IS 'which column, relation, snapshot, run and version leads to which version, role and alias';
GRANT SELECT ON ml.lineage_edges TO PUBLIC;

CREATE FUNCTION ml.source_changed(model_ref text)
	RETURNS TABLE (column_name text, statistic text, recorded text, today text)
	LANGUAGE c STABLE PARALLEL UNSAFE COST 1000000 ROWS 10 AS 'MODULE_PATHNAME', 'ml_source_changed';
COMMENT ON FUNCTION ml.source_changed(text) IS
	'how the source of a version differs today from what its training read; empty when it does not';
