-- A run as an event of OpenLineage: what every event and facet has, what it tells of the run, and who may see it.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_reader;
CREATE DATABASE regress_ml_openlineage TEMPLATE template0;
\c regress_ml_openlineage
SET lc_messages = 'C';
\set SHOW_CONTEXT never
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_owner;
SET ROLE regress_ml_owner;
CREATE TABLE customers AS SELECT i AS id, 20 + i % 50 AS age, CASE WHEN i % 9 > 0 THEN (i * 37 % 1000)::numeric(10, 2) END AS income, 'c' || i % 4 AS city,
	ARRAY[i % 5, i % 6]::float8[] AS vec, 2.0 * i AS y FROM generate_series(1, 200) i;
CREATE VIEW grown AS SELECT age, income, city, y FROM customers WHERE id > 5;
SELECT version FROM ml.train('churn', 'customers', 'y', 'linear_regression', split => '{"method": "none"}');
SELECT version FROM ml.train('churn', 'SELECT g.age, g.y + (SELECT count(*) FROM grown) AS y FROM grown g', 'y', 'linear_regression', code => 'abc');
SELECT version FROM ml.train('churn', 'customers', 'y', 'linear_regression', snapshot => 'none');
RESET ROLE;
INSERT INTO ml.runs (kind, model, status, params, parent_run_id, started_at, finished_at, error) VALUES
	('trial', 'churn', 'failed', '{"l2": 1}', 1, '2026-01-02 03:04:05.678901+01', '2026-01-02 03:05:06+01', E'it "failed"\nbadly'),
	('evaluate', 'churn', 'running', '{"source": "TABLE customers"}', NULL, '2026-01-02 03:04:05+01', NULL, NULL),
	('reproduce', 'churn', 'cancelled', '{}', 3, '2026-01-02 03:04:05+01', 'infinity', NULL);
SET ROLE regress_ml_owner;

-- Every facet has its two members, whose addresses agree with its name.
CREATE FUNCTION facets(event jsonb) RETURNS TABLE (place text, name text, facet jsonb) LANGUAGE sql AS $$
	SELECT p.place, f.key, f.value FROM (
		SELECT 'run' AS place, event #> '{run,facets}' AS facets UNION ALL SELECT 'job', event #> '{job,facets}'
		UNION ALL SELECT 'input', d -> 'facets' FROM jsonb_array_elements(event -> 'inputs') d UNION ALL SELECT 'input of run', d -> 'inputFacets' FROM jsonb_array_elements(event -> 'inputs') d
		UNION ALL SELECT 'output', d -> 'facets' FROM jsonb_array_elements(event -> 'outputs') d) p, jsonb_each(p.facets) f
$$;
SELECT f.place, f.name, substring(f.facet ->> '_schemaURL' FROM '^https://openlineage\.io/spec/facets/[0-9]+-[0-9]+-[0-9]+/([A-Za-z]+)\.json#/\$defs/\1$') AS schema, count(*),
	bool_and(f.facet ->> '_producer' ~ '^https://[a-z.]+/') AS producer FROM ml.runs r, facets(ml.openlineage(r.run_id)) f GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- What every event has, in the forms that are asked for.
SELECT r.run_id, r.kind, e ->> 'eventType' AS type, e ->> 'eventTime' ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$' AS time, e ->> 'producer' ~ '^https://' AS producer,
	e ->> 'schemaURL' AS schema, e #>> '{run,runId}' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS uuid,
	e #>> '{job,namespace}' ~ '^postgres://[^ ]+:[0-9]+$' AS namespace, e #>> '{job,name}' AS job, jsonb_array_length(e -> 'inputs') AS inputs, jsonb_array_length(e -> 'outputs') AS outputs
	FROM ml.runs r, ml.openlineage(r.run_id) e ORDER BY r.run_id;
-- A run is the same each time, and no other.
SELECT count(DISTINCT ml.openlineage(run_id) #>> '{run,runId}'), bool_and(ml.openlineage(run_id) = ml.openlineage(run_id)) FROM ml.runs;
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'SQL, DMY';
SET search_path = pg_catalog;
SELECT ml.openlineage(4) ->> 'eventTime' AS finished, ml.openlineage(5) ->> 'eventTime' AS running, ml.openlineage(6) ->> 'eventTime' AS endless;
RESET TimeZone;
RESET DateStyle;
RESET search_path;

-- What it tells: query, engine, kind, parent and error.
CREATE FUNCTION bare(facet jsonb) RETURNS jsonb LANGUAGE sql AS $$ SELECT facet - '_producer' - '_schemaURL' $$;
SELECT r.run_id, bare(e #> '{job,facets,sql}') AS sql, bare(e #> '{job,facets,jobType}') AS type FROM ml.runs r, ml.openlineage(r.run_id) e ORDER BY r.run_id;
SELECT bare(e #> '{run,facets,processing_engine}') ->> 'name' AS name, bare(e #> '{run,facets,processing_engine}') ->> 'openlineageAdapterVersion' = v.extversion AS adapter FROM ml.openlineage(1) e, pg_extension v WHERE v.extname = 'pg_mlops';
SELECT bare(e #> '{run,facets,errorMessage}') AS error, bare(e #> '{run,facets,parent}') #> '{job,name}' AS parent,
	bare(e #> '{run,facets,parent}') #> '{run,runId}' = ml.openlineage(1) #> '{run,runId}' AS of_run FROM ml.openlineage(4) e;
-- Inputs with the columns that were read, and with the profile where the source is a relation.
SELECT r.run_id, i ->> 'name' AS input, bare(i #> '{facets,schema}') AS schema FROM ml.runs r, jsonb_array_elements(ml.openlineage(r.run_id) -> 'inputs') i ORDER BY 1, 2;
SELECT r.run_id, i ->> 'name' AS input, jsonb_pretty(bare(i #> '{inputFacets,dataQualityMetrics}')) AS quality FROM ml.runs r, jsonb_array_elements(ml.openlineage(r.run_id) -> 'inputs') i WHERE i ? 'inputFacets' ORDER BY 1, 2;
-- Outputs.
SELECT r.run_id, o ->> 'name' AS output, bare(o #> '{facets,version}') AS version, bare(o #> '{facets,schema}') AS schema FROM ml.runs r, jsonb_array_elements(ml.openlineage(r.run_id) -> 'outputs') o ORDER BY 1;
SELECT r.run_id, f.key AS output, (i ->> 'name') || '.' || (i ->> 'field') AS input, i ->> 'namespace' = ml.openlineage(1) #>> '{job,namespace}' AS namespace
	FROM ml.runs r, jsonb_array_elements(ml.openlineage(r.run_id) -> 'outputs') o, jsonb_each(o #> '{facets,columnLineage,fields}') f, jsonb_array_elements(f.value -> 'inputFields') i ORDER BY 1, 2, 3;

-- Errors and rights.
SELECT ml.openlineage(NULL);
SELECT ml.openlineage(0);
SELECT ml.openlineage(99);
SET ROLE regress_ml_reader;
SELECT ml.openlineage(1);
SET ROLE regress_ml_owner;
SELECT ml.grant('churn', 'use', 'regress_ml_reader');
SET ROLE regress_ml_reader;
SELECT ml.openlineage(1);
SET ROLE regress_ml_owner;
SELECT ml.grant('churn', 'read', 'regress_ml_reader');
SET ROLE regress_ml_reader;
BEGIN READ ONLY;
SELECT ml.openlineage(1) ->> 'eventType';
COMMIT;
RESET ROLE;

\c postgres
DROP DATABASE regress_ml_openlineage;
DROP ROLE regress_ml_owner, regress_ml_reader;
