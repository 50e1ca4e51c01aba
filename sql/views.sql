-- The views over the catalog: what they show, that filters by model use indexes under row security, that rights count at once.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_one;
CREATE ROLE regress_ml_group;
CREATE DATABASE regress_ml_views TEMPLATE template0;
\c regress_ml_views
SET lc_messages = 'C';
\set SHOW_CONTEXT never
CREATE EXTENSION pg_mlops;

-- A catalog of many models, of which one has many versions.
INSERT INTO ml.models (model, task, target, owner, last_version) SELECT 'm' || lpad(i::text, 4, '0'), 'regression', 'y', 'regress_ml_owner', CASE i WHEN 1 THEN 20 ELSE 1 END FROM generate_series(1, 500) i;
INSERT INTO ml.runs (kind, model, version, status, finished_at, params) SELECT 'train', m.model, v, 'succeeded', 'infinity', '{"source": "s"}' FROM ml.models m, generate_series(1, m.last_version) v ORDER BY 2, 3;
INSERT INTO ml.runs (kind, model, status, finished_at, params, parent_run_id, error)
	SELECT 'trial', 'm0001', CASE t WHEN 3 THEN 'failed' ELSE 'succeeded' END, 'infinity', jsonb_build_object('l2', t), 1, CASE t WHEN 3 THEN 'no' END FROM generate_series(1, 3) t ORDER BY t;
INSERT INTO ml.runs (kind, model, status, finished_at, parent_run_id) VALUES ('evaluate', 'm0001', 'succeeded', 'infinity', 1);
INSERT INTO ml.runs (kind, experiment, status, actor) SELECT 'external', 'e' || i % 50, 'running', 'regress_ml_one' FROM generate_series(1, 500) i;
INSERT INTO ml.run_metrics (run_id, name, step, value) SELECT r.run_id, n, s, r.run_id FROM ml.runs r, (VALUES ('rmse', 1), ('rmse', NULL), ('mae', NULL)) x (n, s) WHERE r.status = 'succeeded';
INSERT INTO ml.run_metrics (run_id, name, slice_key, slice_value, value) SELECT run_id, 'rmse', 'city', 'b', 1 FROM ml.runs WHERE status = 'succeeded';
INSERT INTO ml.snapshots (model, source, relations, rows) SELECT r.model, 'public.s', ARRAY['public.s', 'public.v' || r.run_id], 10 FROM ml.runs r WHERE kind = 'train' ORDER BY run_id;
INSERT INTO ml.versions (model, version, run_id, algorithm, task, metrics, artifact, artifact_sha256, snapshot_id, parent_version)
	SELECT r.model, r.version, r.run_id, 'linear_regression', 'regression', '{"rmse": 1.5}', a, encode(sha256(a), 'hex'), r.run_id, nullif(r.version - 1, 0)
	FROM ml.runs r, LATERAL (SELECT convert_to('artifact ' || r.run_id, 'UTF8') AS a) x WHERE r.kind = 'train';
INSERT INTO ml.source_columns SELECT v.model, v.version, 'public.s', 'c' || c, 'integer' FROM ml.versions v, generate_series(1, 3) c;
INSERT INTO ml.source_columns SELECT v.model, v.version, 'public.t' FROM ml.versions v;
INSERT INTO ml.deployments (model, version, role, deployed_at, ended_at) SELECT model, version, 'production', '2026-01-01', CASE WHEN model = 'm0001' AND version < 20 THEN timestamptz '2026-02-01' END FROM ml.versions;
INSERT INTO ml.aliases (model, alias, version, valid_from, valid_until) SELECT model, 'champion', version, '2026-01-01', CASE WHEN model = 'm0001' AND version < 20 THEN timestamptz '2026-02-01' END FROM ml.versions;
INSERT INTO ml.grants (model, grantee, privilege) SELECT model, 'regress_ml_group', 'read' FROM ml.models UNION ALL SELECT 'm0001', 'regress_ml_one', 'read';
-- What ml.grant and ml.train grant besides: rights by name count with it.
GRANT EXECUTE ON FUNCTION ml.my_rights() TO regress_ml_owner, regress_ml_one, regress_ml_group;
INSERT INTO ml.events (kind, model, version, hash) SELECT k, model, version, repeat('0', 64) FROM ml.versions, unnest('{train,deploy}'::text[]) k;
INSERT INTO ml.gates (model, name, metric, max) SELECT model, 'g', 'rmse', 2 FROM ml.models;
INSERT INTO ml.gate_results (model, version, gate, gate_id, run_id, verdict, n, reason, source_digest, fingerprint) SELECT v.model, v.version, 'g', g.gate_id, v.run_id, 'pass', 10, 'ok', 'x', 'y' FROM ml.versions v JOIN ml.gates g USING (model);
INSERT INTO ml.attachments (model, relation, mode) SELECT model, 'public.s', 'report' FROM ml.models;
ANALYZE;

-- The scans of tables of schema ml in a query's plan that no index condition narrows.
CREATE FUNCTION unindexed(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON, VERBOSE) ' || query INTO plan;
	RETURN QUERY WITH RECURSIVE nodes (node) AS (
		SELECT plan -> 0 -> 'Plan' UNION ALL SELECT child FROM nodes, jsonb_array_elements(node -> 'Plans') child)
		SELECT format('%s on %s', node ->> 'Node Type', node ->> 'Relation Name') FROM nodes
		WHERE node ->> 'Schema' = 'ml' AND node ? 'Relation Name' AND NOT node ? 'Index Cond' AND NOT node ? 'Recheck Cond';
END
$$;
SET enable_seqscan = off;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SELECT count(*) > 0 AS finds FROM unindexed('SELECT * FROM ml.lineage');
CREATE VIEW filtered AS SELECT o, format('SELECT * FROM ml.%s WHERE model = ''m0001''', o) AS query
	FROM unnest('{models,grants,runs,snapshots,versions,aliases,deployments,events,source_columns,attachments,gates,gate_results,lineage,leaderboard,attached_columns}'::text[]) o
	UNION ALL VALUES ('run_metrics', 'SELECT * FROM ml.run_metrics WHERE run_id = 1'), ('trials', 'SELECT t.* FROM ml.trials(1) t'),
		('lineage of a role', 'SELECT * FROM ml.lineage WHERE model = ''m0001'' AND version = 3'),
		('impact', 'SELECT * FROM ml.source_columns WHERE relation = ''public.s'' AND column_name = ''c1'''),
		('children', 'SELECT * FROM ml.runs WHERE parent_run_id = 1'), ('runs of an experiment', 'SELECT * FROM ml.runs WHERE experiment = ''e1'''),
		('experiment', 'SELECT * FROM ml.experiments WHERE experiment = ''e1'''), ('run of nobody', 'SELECT * FROM ml.runs WHERE run_id = 700'),
		('items of a run', 'SELECT * FROM ml.run_items(1)'), ('items of a version', 'SELECT * FROM ml.version_items(''m0001'', 3)');
GRANT SELECT ON filtered TO PUBLIC;
SELECT o, unindexed(query) FROM filtered;
SET ROLE regress_ml_one;
SELECT o, unindexed(query) FROM filtered;
SET ROLE regress_ml_group;
SELECT o, unindexed(query) FROM filtered;
RESET ROLE;
RESET enable_seqscan;
RESET enable_hashjoin;
RESET enable_mergejoin;

-- What each sees.
CREATE VIEW seen WITH (security_invoker = true) AS SELECT (SELECT count(*) FROM ml.lineage) AS lineage, (SELECT count(*) FROM ml.leaderboard) AS leaderboard,
	(SELECT count(*) FROM ml.lineage_edges) AS edges, (SELECT count(*) FROM ml.attached_columns) AS attached, (SELECT count(*) FROM ml.run_metrics) AS metrics,
	(SELECT count(*) FROM ml.runs) AS runs, (SELECT count(*) FROM ml.runs WHERE model IS NULL) AS outside;
GRANT SELECT ON seen TO PUBLIC;
TABLE seen;
SET ROLE regress_ml_one;
TABLE seen;
SET ROLE regress_ml_group;
TABLE seen;
SET ROLE regress_ml_owner;
TABLE seen;
RESET ROLE;

-- Trials: one row for each of their metrics, or for the one that the search is after.
SELECT * FROM ml.trials(1);
SELECT * FROM ml.trials(2);
SELECT * FROM ml.trials(NULL);
INSERT INTO ml.runs (kind, model, version, status, finished_at, params) VALUES ('retrain', 'm0002', 1, 'succeeded', 'infinity', '{"search": {"metric": "mae"}}');
INSERT INTO ml.runs (kind, model, status, finished_at, params, parent_run_id) SELECT 'trial', 'm0002', 'succeeded', 'infinity', '{"l2": 1}', run_id FROM ml.runs WHERE kind = 'retrain';
INSERT INTO ml.run_metrics (run_id, name, value) SELECT r.run_id, m, 2 FROM ml.runs r, unnest('{mae,rmse}'::text[]) m WHERE model = 'm0002' AND kind = 'trial';
SELECT t.trial, t.params, t.metric, t.value, t.status FROM ml.runs r, ml.trials(r.run_id) t WHERE r.kind = 'retrain';
SET ROLE regress_ml_one;
SELECT count(*) FROM ml.trials(1);
SELECT count(*) FROM ml.trials((SELECT max(run_id) - 1 FROM ml.runs));
RESET ROLE;

-- Edges, and everything downstream of a table.
SELECT from_kind, to_kind, relation, count(*) FROM ml.lineage_edges GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT * FROM ml.lineage_edges WHERE to_name = 'm0001/20' OR from_name = 'm0001/20' ORDER BY 1, 2, 3, 4;
WITH RECURSIVE down (kind, name) AS (
	SELECT 'relation', 'public.v20'
	UNION
	SELECT e.to_kind, e.to_name FROM down d JOIN ml.lineage_edges e ON e.from_kind = d.kind AND e.from_name = d.name
	WHERE e.relation <> 'succeeded by')
SELECT * FROM down ORDER BY 1, 2;
WITH RECURSIVE up (kind, name) AS (
	SELECT 'role', 'm0001/production'
	UNION
	SELECT e.from_kind, e.from_name FROM up u JOIN ml.lineage_edges e ON e.to_kind = u.kind AND e.to_name = u.name
	WHERE e.relation <> 'succeeded by')
SELECT * FROM up ORDER BY 1, 2;

-- Rights are kept while a statement lasts, and no longer.
CREATE FUNCTION held(OUT before boolean, OUT granted boolean, OUT as_other boolean, OUT revoked boolean, OUT member boolean) LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL ROLE regress_ml_one;
	before := ml.has_privilege('m0003', 'use');
	SET LOCAL ROLE regress_ml_owner;
	PERFORM ml.grant('m0003', 'use', 'regress_ml_one');
	SET LOCAL ROLE regress_ml_one;
	granted := ml.has_privilege('m0003', 'use');
	SET LOCAL ROLE regress_ml_group;
	as_other := ml.has_privilege('m0003', 'use');
	SET LOCAL ROLE regress_ml_owner;
	PERFORM ml.revoke('m0003', 'use', 'regress_ml_one');
	SET LOCAL ROLE regress_ml_one;
	revoked := ml.has_privilege('m0003', 'use');
	RESET ROLE;
	GRANT regress_ml_group TO regress_ml_one;
	SET LOCAL ROLE regress_ml_one;
	member := ml.has_privilege('m0003', 'read');
	RESET ROLE;
END
$$;
SELECT * FROM held();
SET ROLE regress_ml_one;
SELECT count(*) FROM ml.models;
RESET ROLE;
REVOKE regress_ml_group FROM regress_ml_one;
SET ROLE regress_ml_one;
SELECT count(*) FROM ml.models;
RESET ROLE;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL ROLE regress_ml_one;
SELECT count(*) FROM ml.models;
RESET ROLE;
SAVEPOINT a;
SELECT ml.grant('m0003', 'use', 'regress_ml_one');
SET LOCAL ROLE regress_ml_one;
SELECT count(*) FROM ml.models;
ROLLBACK TO a;
SET LOCAL ROLE regress_ml_one;
SELECT count(*) FROM ml.models;
ROLLBACK;
SELECT ml.has_privilege(repeat('m', 64), 'use'), ml.has_privilege(repeat('m', 63), 'use');

\c postgres
DROP DATABASE regress_ml_views;
DROP ROLE regress_ml_owner, regress_ml_one, regress_ml_group;
