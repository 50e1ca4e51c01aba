-- Experiments: runs of outside code, who may write to them and see them, what is recorded of every run, and what tells runs and versions apart.
CREATE ROLE regress_ml_ann;
CREATE ROLE regress_ml_bob;
CREATE ROLE regress_ml_team;
CREATE ROLE regress_ml_owner;
CREATE DATABASE regress_ml_tracking TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_tracking
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET application_name = 'regress tracking';
\pset null '(null)'
\set SHOW_CONTEXT never
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_owner;

-- A run is begun, written to, and ended.
SET ROLE regress_ml_ann;
SELECT ml.start_run('price', 'first', '{"learning_rate": 0.1}', seed => 7, code => 'git:abc', tags => '{"team": "a"}') AS run \gset
SELECT ml.log_param(:run, 'depth', 3), ml.log_param(:run, 'share', 0.25), ml.log_param(:run, 'optimiser', 'adam'), ml.log_param(:run, 'big', true),
	ml.log_param(:run, 'layers', ARRAY[64, 32]), ml.log_param(:run, 'more', '{"a": {"b": 1}}'::jsonb), ml.log_param(:run, 'note', 'x'::varchar), ml.log_param(:run, 'none', 'null'::jsonb);
SELECT ml.log_metric(:run, 'loss', 1.5 / s, s) FROM generate_series(1, 3) s;
SELECT ml.log_metric(:run, 'loss', 'NaN', 0), ml.log_metric(run_id => :run, name => 'rmse', value => 2.5), ml.log_metric(:run, 'worst', 'Infinity');
SELECT experiment, name, kind, model, version, parent_run_id, status, seed, code, actor, started_at IS NOT NULL AS started, finished_at, error, tags FROM ml.runs;
SELECT params FROM ml.runs;
SELECT name, step, slice_key, value FROM ml.run_metrics ORDER BY name, step;
SELECT key, CASE WHEN key IN ('application_name', 'blas', 'search_path') THEN value WHEN key = 'server_version' THEN (value = current_setting(key))::text END AS value
	FROM ml.runs, jsonb_each_text(environment) ORDER BY key;
SELECT environment ->> 'platform' ~ '^[a-z0-9_]+ [a-z]+$' AS platform, environment ->> 'compiler' ~ '^(gcc|clang) \d' AS compiler, environment ->> 'c_library' <> '' AS c_library,
	environment ->> 'extension_version' = (SELECT extversion FROM pg_extension WHERE extname = 'pg_mlops') AS extension FROM ml.runs;
SELECT ml.end_run(:run);
SELECT status, finished_at >= started_at AS ended, error FROM ml.runs;
-- One statement can begin a run and write to it.
SELECT ml.end_run(r, 'failed') FROM (SELECT r, ml.log_metric(r, 'loss', 3) FROM ml.start_run('price', 'at once') r OFFSET 0) x;
SELECT ml.start_run('price') AS second \gset
SELECT ml.end_run(:second, 'failed', 'the disk was full');
SELECT ml.start_run('price') AS third \gset
SELECT ml.end_run(:third, 'cancelled');
SELECT run_id, name, status, error FROM ml.runs ORDER BY run_id;

-- What has ended stays as it is.
SELECT ml.log_metric(:run, 'late', 1);
SELECT ml.log_param(:run, 'late', 1);
SELECT ml.end_run(:run);
RESET ROLE;
UPDATE ml.runs SET status = 'failed' WHERE run_id = :run;
DELETE FROM ml.run_metrics WHERE run_id = :run;
UPDATE ml.run_metrics SET value = 0;
\set VERBOSITY terse
INSERT INTO ml.runs (kind, status) VALUES ('train', 'running');
INSERT INTO ml.runs (kind, version, status) VALUES ('external', 1, 'running');
INSERT INTO ml.runs (kind, experiment, status, finished_at, error) VALUES ('external', 'x', 'succeeded', 'infinity', 'no');
\set VERBOSITY default
SET ROLE regress_ml_ann;

-- Nothing is logged twice.
SELECT ml.start_run('twice') AS run \gset
SELECT ml.log_metric(:run, 'loss', 1.25, 1), ml.log_metric(:run, 'loss', 2), ml.log_param(:run, 'a', 1), ml.log_param(:run, 'a', 1.0);
SELECT ml.log_metric(:run, 'loss', 1.25, 1);
SELECT ml.log_metric(:run, 'loss', 3);
SELECT ml.log_param(:run, 'a', 2);
SELECT ml.log_param(:run, 'a', '1');
SELECT params, (SELECT count(*) FROM ml.run_metrics m WHERE m.run_id = r.run_id) AS metrics FROM ml.runs r WHERE run_id = :run;

-- Arguments.
SELECT ml.start_run(NULL);
SELECT ml.start_run('');
SELECT ml.start_run('x', '');
SELECT ml.start_run('x', params => '[1]');
SELECT ml.start_run('x', tags => '"a"');
SELECT ml.start_run('x', parent_run_id => 0);
SELECT ml.start_run('x', parent_run_id => 1000000);
SELECT ml.start_run('x', model => 'nowhere');
SELECT ml.log_metric(NULL, 'a', 1);
SELECT ml.log_metric(:run, NULL, 1);
SELECT ml.log_metric(:run, '', 1);
SELECT ml.log_metric(:run, 'a', NULL);
SELECT ml.log_metric(:run, 'a', 1, -1);
SELECT ml.log_metric(1000000, 'a', 1);
SELECT ml.log_param(:run, NULL, 1);
SELECT ml.log_param(:run, 'a', NULL::jsonb);
SELECT ml.log_param(:run, 'a', NULL::int);
SELECT ml.log_param(-1, 'a', 1);
SELECT ml.end_run(NULL);
SELECT ml.end_run(:run, NULL);
SELECT ml.end_run(:run, 'running');
SELECT ml.end_run(:run, 'done');
SELECT ml.end_run(:run, error => 'but');
SELECT ml.drop_run(NULL);
SELECT ml.drop_run(1000000);
BEGIN READ ONLY;
SELECT ml.start_run('x');
ROLLBACK;
BEGIN READ ONLY;
SELECT ml.log_metric(1, 'a', 1);
ROLLBACK;

-- All of it rolls back with the transaction.
SELECT count(*) AS runs, (SELECT count(*) FROM ml.run_metrics) AS metrics FROM ml.runs;
BEGIN;
SELECT ml.log_metric(r, 'loss', 1) FROM ml.start_run('gone') r;
SELECT ml.log_param(:run, 'gone', 1), ml.end_run(:run);
SAVEPOINT a;
SELECT ml.drop_run(:run);
ROLLBACK TO a;
SELECT status, params FROM ml.runs WHERE run_id = :run;
ROLLBACK;
SELECT count(*) AS runs, (SELECT count(*) FROM ml.run_metrics) AS metrics FROM ml.runs;
SELECT status, params FROM ml.runs WHERE run_id = :run;

-- Other roles neither see nor write; members of the role do both.
SET ROLE regress_ml_bob;
SELECT count(*) FROM ml.runs;
SELECT count(*) FROM ml.run_metrics;
SELECT ml.log_metric(:run, 'a', 1);
SELECT ml.log_param(:run, 'a', 1);
SELECT ml.end_run(:run);
SELECT ml.drop_run(:run);
SELECT ml.start_run('x', parent_run_id => :run);
SELECT * FROM ml.compare_runs(ARRAY[:run]);
SELECT ml.openlineage(:run);
INSERT INTO ml.runs (kind, experiment, status) VALUES ('external', 'x', 'running');
RESET ROLE;
GRANT regress_ml_ann TO regress_ml_bob;
SET ROLE regress_ml_bob;
SELECT count(*) FROM ml.runs;
SELECT ml.log_metric(:run, 'a', 1);
RESET ROLE;
REVOKE regress_ml_ann FROM regress_ml_bob;
SELECT ml.log_metric(:run, 'b', 1);
SELECT name, value FROM ml.run_metrics WHERE run_id = :run ORDER BY name, step;

-- A role that has begun runs cannot be dropped; one that comes under its name has none of them.
DROP ROLE regress_ml_ann;
CREATE ROLE regress_ml_gone;
SET ROLE regress_ml_gone;
SELECT ml.start_run('left') AS left_run \gset
SELECT count(*) FROM ml.runs;
RESET ROLE;
DROP OWNED BY regress_ml_gone;
DROP ROLE regress_ml_gone;
CREATE ROLE regress_ml_gone;
SET ROLE regress_ml_gone;
SELECT count(*) FROM ml.runs;
SELECT ml.start_run('mine') AS mine \gset
SELECT experiment FROM ml.runs;
RESET ROLE;
SELECT actor = current_user AS mine, environment ->> 'begun_by' AS begun_by FROM ml.runs WHERE run_id = :left_run;
SET ROLE regress_ml_gone;
SELECT ml.drop_run(:mine);
RESET ROLE;
DROP ROLE regress_ml_gone;
SELECT ml.drop_run(:left_run);

-- A table, and models of it.
SET ROLE regress_ml_owner;
CREATE TABLE houses AS SELECT i AS id, 40 + i * 37 % 101 AS area, (1 + i * 13 % 5)::int2 AS rooms, (ARRAY['north', 'south'])[1 + i % 2] AS side,
	(40 + i * 37 % 101) * 2 + (1 + i * 13 % 5) * 10 + (i * 7 % 31)::float8 AS price, i * 37 % 101 > 50 AS sold FROM generate_series(1, 300) i;
SELECT version FROM ml.train('price', 'houses', 'price', 'linear_regression', '{area,rooms}', experiment => 'houses', code => 'v1');
SELECT version FROM ml.train('price', 'houses', 'price', 'linear_regression', '{area,rooms}', experiment => 'houses', code => 'v1', deploy => 'never');
SELECT ml.grant('price', 'train', 'regress_ml_bob'), ml.grant('price', 'use', 'regress_ml_bob'), ml.grant('price', 'read', 'regress_ml_team');

-- Runs of outside code about a model need the right to train it, are seen by its readers too, and go with it.
SET ROLE regress_ml_ann;
SELECT ml.start_run('houses', model => 'price');
SET ROLE regress_ml_bob;
SELECT ml.start_run('houses', 'by hand', '{"features": ["area"]}', model => 'price') AS bobs \gset
SELECT ml.start_run('houses', 'inner', parent_run_id => :bobs) AS child \gset
SELECT ml.log_metric(:bobs, 'rmse', 9.5), ml.log_metric(:child, 'rmse', 9.25);
SELECT run_id = :bobs AS bobs, kind, model, parent_run_id = :bobs AS child FROM ml.runs ORDER BY run_id;
SELECT ml.drop_run(:bobs);
SET ROLE regress_ml_team;
SELECT kind, count(*) FROM ml.runs GROUP BY 1 ORDER BY 1;
SELECT ml.log_metric(:bobs, 'a', 1);
SELECT ml.drop_run(:bobs);
SELECT ml.log_metric(min(run_id), 'a', 1) FROM ml.runs;
SELECT ml.start_run('houses', 'below a training', parent_run_id => min(run_id)) IS NOT NULL AS begun FROM ml.runs;
SET ROLE regress_ml_bob;
SELECT ml.start_run('houses', parent_run_id => 1000000);
SELECT ml.end_run(:child), ml.end_run(:bobs);

-- An evaluation is a run of the version, of whoever may use it; its parent made the version.
SET ROLE regress_ml_bob;
SELECT count(*) FROM ml.evaluate('price/1', 'SELECT * FROM houses WHERE id > 100', '{side}');
SELECT count(*) AS seen FROM ml.runs WHERE kind = 'evaluate';
RESET ROLE;
GRANT SELECT ON houses TO regress_ml_bob;
SET ROLE regress_ml_bob;
SELECT count(*) FROM ml.evaluate('price/1', 'SELECT * FROM houses WHERE id > 100', '{side}');
SET ROLE regress_ml_owner;
SELECT r.kind, r.model, r.version, r.status, r.actor, r.params, p.kind AS parent, r.environment ->> 'application_name' AS application, r.environment ? 'blas' AS blas
	FROM ml.runs r JOIN ml.runs p ON p.run_id = r.parent_run_id WHERE r.kind = 'evaluate';
SELECT m.slice_key, m.slice_value, count(*), bool_and(e.value = m.value) AS same FROM ml.run_metrics m JOIN ml.runs r USING (run_id), ml.evaluate('price/1', 'SELECT * FROM houses WHERE id > 100', '{side}') e
	WHERE r.kind = 'evaluate' AND e.metric = m.name AND e.slice_value IS NOT DISTINCT FROM m.slice_value GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) FROM ml.runs WHERE kind = 'evaluate';
-- Where the transaction cannot write there is none; nor is there one of an evaluation that failed.
BEGIN READ ONLY;
SELECT count(*) FROM ml.evaluate('price/1', 'houses');
COMMIT;
SELECT count(*) FROM ml.evaluate('price/1', 'SELECT area, rooms FROM houses');
SELECT count(*) FROM ml.runs WHERE kind = 'evaluate';
-- Of very many slices the run has the number only.
SELECT count(*) FROM ml.evaluate('price/1', 'SELECT h.*, h.id * 4 + g AS cut FROM houses h, generate_series(1, 4) g', '{cut}');
SELECT params, (SELECT count(*) FROM ml.run_metrics m WHERE m.run_id = r.run_id AND m.slice_key IS NOT NULL) AS sliced FROM ml.runs r WHERE kind = 'evaluate' ORDER BY run_id DESC LIMIT 1;
-- So is what gates find.
SELECT ml.add_gate('price', 'near', 'rmse', max => 1000);
SELECT verdict FROM ml.run_gates('price', 1);
SELECT r.kind, r.version, p.kind AS parent, p.version AS of, r.environment ->> 'application_name' AS application, r.environment ? 'platform' AS platform
	FROM ml.runs r JOIN ml.runs p ON p.run_id = r.parent_run_id WHERE r.kind = 'gate';
SELECT from_kind, relation, to_kind, count(*) FROM ml.lineage_edges WHERE from_kind = 'run' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- A training has where it took place, and the losses of its rounds where early stopping takes them.
SELECT environment ->> 'application_name' AS application, environment ->> 'blas' AS blas, environment ? 'workers' AS workers, environment ->> 'workers_allowed' = current_setting('max_parallel_workers_per_gather') AS allowed
	FROM ml.runs WHERE kind = 'train' AND version = 1;
SELECT version FROM ml.train('trees', 'houses', 'sold', 'gradient_boosting', '{area,rooms}', params => '{"n_trees": 40, "early_stopping": 5}');
SELECT version FROM ml.train('long', 'SELECT id % 97 AS x, id * 37 % 101 / 50.0 AS y FROM houses', 'y', 'gradient_boosting', params => '{"n_trees": 2300, "early_stopping": 5000, "max_leaves": 3}');
SELECT version FROM ml.train('plain', 'houses', 'sold', 'gradient_boosting', '{area,rooms}', params => '{"n_trees": 5}');
SELECT r.model, m.name, count(*), count(DISTINCT m.step) AS steps, min(m.step) AS first, max(m.step) >= max((v.summary ->> 'rounds')::int) AS reaches,
	bool_and(m.value > 0) AS positive FROM ml.runs r JOIN ml.run_metrics m USING (run_id) JOIN ml.versions v USING (run_id) WHERE m.step IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2;
SELECT step FROM ml.run_metrics m JOIN ml.runs r USING (run_id) WHERE r.model = 'long' AND m.name = 'fit.training_loss' ORDER BY step DESC LIMIT 3;
-- The curve meets what the learner says of its fit, and falls on the rows that are learned from.
SELECT min(m.value) FILTER (WHERE m.name = 'fit.held_back_loss' AND m.step IS NOT NULL) = min(m.value) FILTER (WHERE m.name = 'fit.held_back_loss' AND m.step IS NULL) AS best,
	bool_and(m.value <= l.before) FILTER (WHERE m.name = 'fit.training_loss') AS falls
	FROM ml.runs r JOIN ml.run_metrics m USING (run_id) LEFT JOIN LATERAL (SELECT b.value AS before FROM ml.run_metrics b WHERE b.run_id = m.run_id AND b.name = m.name AND b.step = m.step - 1) l ON true WHERE r.model = 'trees';

-- Runs side by side.
SELECT min(run_id) AS a, min(run_id) FILTER (WHERE version = 2) AS b FROM ml.runs WHERE model = 'price' AND kind = 'train' \gset
SELECT * FROM ml.compare_runs(ARRAY[:a, :b]) WHERE differs;
SELECT section, name, differs FROM ml.compare_runs(ARRAY[:b, :a]) WHERE section <> 'environment' AND name !~ '^fit';
SET ROLE regress_ml_bob;
SELECT ml.start_run('pair', 'one', '{"rate": 0.1, "layers": [64, 32], "inner": {"a": 1, "b": "x"}}') AS one, ml.start_run('pair', 'two', '{"rate": 0.2, "layers": [64, 32], "inner": {"a": 1}, "list": [{"name": "k", "v": 1}, {"step": "s"}], "empty": {}}') AS two \gset
SELECT ml.log_metric(:one, 'loss', 1.5, 1), ml.log_metric(:one, 'loss', 0.5, 2), ml.log_metric(:two, 'loss', 'NaN', 1), ml.log_metric(:two, 'acc', 0.75);
SELECT section, name, differs, replace(replace("values"::text, :'one', 'ONE'), :'two', 'TWO') AS "values" FROM ml.compare_runs(ARRAY[:two, :one, :two]) WHERE section <> 'environment';
SELECT section, bool_or(differs) AS differs, count(*) > 5 AS items FROM ml.compare_runs(ARRAY[:one]) GROUP BY 1 ORDER BY 1;
SELECT * FROM ml.compare_runs(NULL);
SELECT * FROM ml.compare_runs('{}');
SELECT * FROM ml.compare_runs(ARRAY[:one, NULL]);
SELECT * FROM ml.compare_runs('{{1},{2}}');
SELECT * FROM ml.compare_runs(ARRAY[:one, 1000000]);
SELECT * FROM ml.compare_runs(ARRAY[:one, :a]);
SET ROLE regress_ml_team;
SELECT * FROM ml.compare_runs(ARRAY[:a, :one]);

-- Experiments, with the ends of every metric.
SET ROLE regress_ml_bob;
SELECT experiment, runs, running, failed, metric, lowest, replace(replace(lowest_run_id::text, :'one', 'ONE'), :'two', 'TWO') AS lowest_run, highest, last_started_at IS NOT NULL AS started FROM ml.experiments WHERE experiment <> 'houses';
RESET ROLE;
SELECT experiment, runs, running, failed, metric, lowest = highest AS one, lowest_run_id = :a AS first FROM ml.experiments WHERE experiment <> 'pair' AND metric IS DISTINCT FROM 'rmse' AND metric !~ '^fit';
SELECT lowest = 9.25 AS lowest_is_childs, lowest_run_id = :child AS childs FROM ml.experiments WHERE experiment = 'houses' AND metric = 'rmse' AND lowest = 9.25;

-- Why versions differ.
SET ROLE regress_ml_owner;
SELECT * FROM ml.diff('price/1', 'price/2');
SELECT * FROM ml.diff('price', 'price/1');
UPDATE houses SET area = 1000 WHERE id = 7;
SELECT version FROM ml.train('price', 'houses', 'price', 'linear_regression', '{area,rooms}', experiment => 'houses', code => 'v2', seed => 1, deploy => 'never');
SELECT aspect, item, CASE WHEN first ~ '^[0-9a-f]{16,}$' THEN 'hex' WHEN first ~ '^-?[0-9.e-]+$' THEN round(first::numeric, 3)::text ELSE first END AS first,
	CASE WHEN second ~ '^[0-9a-f]{16,}$' THEN 'hex' WHEN second ~ '^-?[0-9.e-]+$' THEN round(second::numeric, 3)::text ELSE second END AS second FROM ml.diff('price/1', 'price/3') WHERE aspect <> 'metrics';
SELECT DISTINCT aspect FROM ml.diff('price/1', 'trees/1') ORDER BY 1;
SELECT aspect, item, first, second FROM ml.diff('price/1', 'trees/1') WHERE aspect IN ('features', 'learner', 'call', 'code');
SELECT * FROM ml.diff('price/1', 'price/9');
SELECT * FROM ml.diff(NULL, 'price/1');
SET ROLE regress_ml_bob;
SELECT * FROM ml.diff('price/1', 'price/2');
SET ROLE regress_ml_team;
SELECT * FROM ml.diff('price/1', 'price/2');
SELECT * FROM ml.diff('price/1', 'trees/1');
RESET ROLE;

-- The leaderboard has the plain names of metrics, whatever else was measured.
SELECT model, version, algorithm, round(rmse::numeric, 3) AS rmse, deployed_as FROM ml.leaderboard WHERE model = 'price';

-- OpenLineage: a run without a model is a job of its experiment.
SELECT e -> 'eventType' AS type, e #>> '{job,name}' AS job, e -> 'inputs' AS inputs, e -> 'outputs' AS outputs, e #> '{job,facets}' ? 'sql' AS sql FROM ml.openlineage(:one) e;
SELECT ml.log_param(:one, 'source', 'not a table');
SELECT e #> '{job,facets}' ? 'sql' AS sql FROM ml.openlineage(:one) e;

-- Dropping: a run, then a model with the runs about it.
SET ROLE regress_ml_bob;
SELECT ml.drop_run(:one);
SELECT count(*) FROM ml.run_metrics WHERE run_id = :one;
SET ROLE regress_ml_owner;
SELECT ml.undeploy('price', 'production'), ml.drop_model('price');
SET ROLE regress_ml_bob;
SELECT experiment, name, parent_run_id = :bobs AS child FROM ml.runs ORDER BY run_id;
SELECT ml.drop_run(:child), ml.drop_run(:two);
RESET ROLE;
SELECT DISTINCT a.grantee::regrole::text COLLATE "C" AS role FROM pg_proc p, aclexplode(p.proacl) a WHERE p.oid = 'ml.my_rights'::regproc AND a.grantee <> p.proowner ORDER BY 1;

\c postgres
DROP DATABASE regress_ml_tracking;
DROP ROLE regress_ml_ann, regress_ml_bob, regress_ml_team, regress_ml_owner;
