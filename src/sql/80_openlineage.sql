-- 80_openlineage.sql - a run as an event of OpenLineage (https://openlineage.io), specification 2-0-2.
--
-- Everything is read with the rights of whoever asks. An event depends on what
-- is recorded and on the server alone, so it is the same each time. The
-- producer is the homepage in META.json.

CREATE FUNCTION ml.openlineage_run(run_id bigint) RETURNS bigint
	LANGUAGE c STABLE PARALLEL SAFE COST 100 AS 'MODULE_PATHNAME', 'ml_openlineage_run';
COMMENT ON FUNCTION ml.openlineage_run(bigint) IS 'internal: a run that exists and that the current user may read';

CREATE FUNCTION ml.source_query(source text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'ml_source_query';
COMMENT ON FUNCTION ml.source_query(text) IS 'internal: a source as a query';

CREATE FUNCTION ml.openlineage_facet(name text, facet_version text, members jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.jsonb_build_object(
		'_producer', 'https://pgxn.org/dist/pg_mlops/',
		'_schemaURL', pg_catalog.concat('https://openlineage.io/spec/facets/', $2, '/', $1, '.json#/$defs/', $1))
		|| $3;
END;
COMMENT ON FUNCTION ml.openlineage_facet(text, text, jsonb) IS 'internal: a facet with what every facet has';

CREATE FUNCTION ml.openlineage_namespace() RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.concat('postgres://',
		coalesce(nullif(pg_catalog.current_setting('cluster_name'), ''), 'localhost'), ':',
		pg_catalog.current_setting('port'));
END;
COMMENT ON FUNCTION ml.openlineage_namespace() IS 'internal: how the server is called: by cluster_name and port';

-- A UUID of version 8: the digest of server, database and run.
CREATE FUNCTION ml.openlineage_uuid(run_id bigint) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.concat(pg_catalog.substr(h.hex, 1, 8), '-', pg_catalog.substr(h.hex, 9, 4), '-8',
		pg_catalog.substr(h.hex, 14, 3), '-',
		pg_catalog.translate(pg_catalog.substr(h.hex, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab'),
		pg_catalog.substr(h.hex, 18, 3), '-', pg_catalog.substr(h.hex, 21, 12))
	FROM (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(
			pg_catalog.concat_ws(' ', 'pg_mlops run', c.system_identifier, pg_catalog.current_database(), $1), 'UTF8')), 'hex') AS hex
		  FROM pg_catalog.pg_control_system() c) h;
END;
COMMENT ON FUNCTION ml.openlineage_uuid(bigint) IS 'internal: the UUID of a run';

CREATE FUNCTION ml.openlineage_job(model text, kind text) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.jsonb_build_object('namespace', ml.openlineage_namespace(),
		'name', pg_catalog.concat_ws('.', pg_catalog.current_database(), $1, $2));
END;
COMMENT ON FUNCTION ml.openlineage_job(text, text) IS 'internal: the job that runs of one kind of a model, or of an experiment, belong to';

-- A profile as the metrics of columns, of those that are fields. It is of the training rows.
CREATE FUNCTION ml.openlineage_quality(profile jsonb, fields jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT ml.openlineage_facet('DataQualityMetricsInputDatasetFacet', '1-0-3', pg_catalog.jsonb_build_object(
		'rowCount', max((e.entry ->> 'values')::bigint + (e.entry ->> 'nulls')::bigint + (e.entry ->> 'nans')::bigint),
		'columnMetrics', pg_catalog.jsonb_object_agg(e.entry ->> 'column', pg_catalog.jsonb_strip_nulls(
			pg_catalog.jsonb_build_object('count', e.entry -> 'values', 'nullCount', e.entry -> 'nulls',
				'min', CASE pg_catalog.jsonb_typeof(e.entry -> 'min') WHEN 'number' THEN e.entry -> 'min' END,
				'max', CASE pg_catalog.jsonb_typeof(e.entry -> 'max') WHEN 'number' THEN e.entry -> 'max' END)))))
	FROM pg_catalog.jsonb_array_elements($1) AS e (entry)
	WHERE e.entry ? 'values'
		  AND $2 @> pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object('name', e.entry -> 'column'))
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION ml.openlineage_quality(jsonb, jsonb) IS 'internal: the quality metrics of an input; NULL without a profile';

-- What the training of a version read: one dataset for each relation. The
-- profile is of columns of the source, so it goes to a relation that is the source.
CREATE FUNCTION ml.openlineage_inputs(model text, version integer, source text, profile jsonb) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
		'namespace', ml.openlineage_namespace(),
		'name', pg_catalog.concat(pg_catalog.current_database(), '.', i.relation),
		'facets', pg_catalog.jsonb_build_object('schema',
			ml.openlineage_facet('SchemaDatasetFacet', '1-2-0', pg_catalog.jsonb_build_object('fields', i.fields))),
		'inputFacets', CASE WHEN i.relations = 1 AND $3 <> ml.source_query($3) THEN pg_catalog.jsonb_build_object(
			'dataQualityMetrics', ml.openlineage_quality($4, i.fields)) END)) ORDER BY i.relation), '[]')
	FROM (SELECT c.relation, count(*) OVER () AS relations,
				 coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', c.column_name, 'type', c.type)
					ORDER BY c.column_name) FILTER (WHERE c.column_name IS NOT NULL), '[]') AS fields
		  FROM ml.source_columns c
		  WHERE c.model = $1 AND c.version = $2
		  GROUP BY c.relation) i;
END;
COMMENT ON FUNCTION ml.openlineage_inputs(text, integer, text, jsonb) IS 'internal: the input datasets of a training';

-- The version as a dataset; every column that was read leads to its output.
CREATE FUNCTION ml.openlineage_outputs(model text, version integer, output jsonb) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT pg_catalog.jsonb_build_array(pg_catalog.jsonb_build_object(
		'namespace', ml.openlineage_namespace(),
		'name', pg_catalog.concat_ws('.', pg_catalog.current_database(), 'ml', $1),
		'facets', pg_catalog.jsonb_build_object(
			'version', ml.openlineage_facet('DatasetVersionDatasetFacet', '1-0-1',
				pg_catalog.jsonb_build_object('datasetVersion', $2::text)),
			'schema', ml.openlineage_facet('SchemaDatasetFacet', '1-2-0', pg_catalog.jsonb_build_object('fields',
				CASE WHEN $3 ->> 'name' IS NULL THEN '[]'::jsonb
					 ELSE pg_catalog.jsonb_build_array(pg_catalog.jsonb_strip_nulls(
						pg_catalog.jsonb_build_object('name', $3 -> 'name', 'type', $3 -> 'type'))) END)),
			'columnLineage', ml.openlineage_facet('ColumnLineageDatasetFacet', '1-2-0', pg_catalog.jsonb_build_object('fields',
				CASE WHEN $3 ->> 'name' IS NULL THEN '{}'::jsonb
					 ELSE pg_catalog.jsonb_build_object($3 ->> 'name', pg_catalog.jsonb_build_object('inputFields', (
						SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
							'namespace', ml.openlineage_namespace(),
							'name', pg_catalog.concat(pg_catalog.current_database(), '.', c.relation),
							'field', c.column_name) ORDER BY c.relation, c.column_name), '[]')
						FROM ml.source_columns c
						WHERE c.model = $1 AND c.version = $2 AND c.column_name IS NOT NULL))) END)))));
END;
COMMENT ON FUNCTION ml.openlineage_outputs(text, integer, jsonb) IS 'internal: the output dataset of a training';

CREATE FUNCTION ml.openlineage(run_id bigint) RETURNS jsonb
	LANGUAGE sql STABLE PARALLEL SAFE COST 1000
BEGIN ATOMIC
	SELECT pg_catalog.jsonb_build_object(
		'eventType', CASE r.status WHEN 'succeeded' THEN 'COMPLETE' WHEN 'failed' THEN 'FAIL'
								   WHEN 'cancelled' THEN 'ABORT' ELSE 'START' END,
		'eventTime', pg_catalog.to_char(
			CASE WHEN pg_catalog.isfinite(r.finished_at) THEN r.finished_at ELSE r.started_at END
			AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
		'producer', 'https://pgxn.org/dist/pg_mlops/',
		'schemaURL', 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
		'run', pg_catalog.jsonb_build_object(
			'runId', ml.openlineage_uuid(r.run_id),
			'facets', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
				'processing_engine', ml.openlineage_facet('ProcessingEngineRunFacet', '1-1-1',
					pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('name', 'PostgreSQL',
						'version', coalesce(r.environment ->> 'server_version', pg_catalog.current_setting('server_version')),
						'openlineageAdapterVersion', r.environment ->> 'extension_version'))),
				'parent', CASE WHEN p.run_id IS NOT NULL THEN ml.openlineage_facet('ParentRunFacet', '1-2-0',
					pg_catalog.jsonb_build_object(
						'run', pg_catalog.jsonb_build_object('runId', ml.openlineage_uuid(p.run_id)),
						'job', ml.openlineage_job(coalesce(p.model, p.experiment), p.kind))) END,
				'errorMessage', CASE WHEN r.error IS NOT NULL THEN ml.openlineage_facet('ErrorMessageRunFacet', '1-0-1',
					pg_catalog.jsonb_build_object('message', r.error, 'programmingLanguage', 'SQL')) END))),
		'job', ml.openlineage_job(coalesce(r.model, r.experiment), r.kind) || pg_catalog.jsonb_build_object(
			'facets', pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
				'jobType', ml.openlineage_facet('JobTypeJobFacet', '2-0-4', pg_catalog.jsonb_build_object(
					'processingType', 'BATCH', 'integration', 'PG_MLOPS', 'jobType', pg_catalog.upper(r.kind))),
				'sql', CASE WHEN q.query IS NOT NULL THEN ml.openlineage_facet('SQLJobFacet', '1-1-0',
					pg_catalog.jsonb_build_object('query', q.query, 'dialect', 'postgresql')) END))),
		'inputs', CASE WHEN v.version IS NULL THEN '[]'::jsonb
					   ELSE ml.openlineage_inputs(v.model, v.version, r.params ->> 'source', s.profile) END,
		'outputs', CASE WHEN v.version IS NULL THEN '[]'::jsonb
						ELSE ml.openlineage_outputs(v.model, v.version, v.signature -> 'output') END)
	FROM ml.runs r
		 LEFT JOIN ml.runs p ON p.run_id = r.parent_run_id
		 LEFT JOIN ml.versions v ON v.run_id = r.run_id
		 LEFT JOIN ml.snapshots s ON s.snapshot_id = v.snapshot_id
		 -- What outside code calls a source need not be one.
		 CROSS JOIN LATERAL (SELECT CASE WHEN r.kind <> 'external' THEN ml.source_query(r.params ->> 'source') END AS query) q
	WHERE r.run_id = ml.openlineage_run($1);
END;
COMMENT ON FUNCTION ml.openlineage(bigint) IS 'a run as a RunEvent of OpenLineage, with the datasets and columns it read and the version it made';
