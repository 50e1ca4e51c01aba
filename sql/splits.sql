-- Splits and folds: which rows are held out, cross-validation, refit, leaks that notes name; nothing depends on the order of rows.
CREATE DATABASE regress_ml_splits TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_splits
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set SHOW_CONTEXT never
CREATE EXTENSION pg_mlops;

-- 1000 visits of 50 customers, who differ in size; days repeat.
CREATE TABLE visits AS
	SELECT i AS id, 'c' || floor(sqrt(i * 2.5))::int AS customer, date '2026-01-01' + i / 7 AS day,
		timestamptz '2026-01-01' + i / 7 * interval '1 hour' AS hour, (i * 7919 % 1013 / 2)::float8 AS a,
		sin(i * 7919 % 1013 / 2)::float8 AS b, (i * 37 % 11)::float8 AS c, i % 5 AS fold, i % 4 = 0 AS is_test
	FROM generate_series(1, 1000) i;
ALTER TABLE visits ADD y float8, ADD kind text;
UPDATE visits SET y = a / 100 - 2 * b + c / 10 + sin(id * 31), kind = CASE WHEN a / 100 - 2 * b + c / 3 + 2 * sin(id * 31) > 6 THEN 'yes' ELSE 'no' END;

CREATE FUNCTION fit(model text, source text, target text, split text, algorithm text DEFAULT 'linear_regression', more text DEFAULT '', OUT version int, OUT metrics jsonb, OUT notes text[]) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT version, metrics, notes FROM ml.train(%L, %L, %L, algorithm => %L, split => %L, deploy => ''always'' %s)', model, source, target, algorithm, split, more) INTO version, metrics, notes;
END
$$;
CREATE FUNCTION notes(model text, source text, target text, split text, algorithm text DEFAULT 'linear_regression', more text DEFAULT '') RETURNS SETOF text LANGUAGE sql AS
$$ SELECT n FROM fit(model, source, target, split, algorithm, more), unnest(notes) n $$;
-- The digest of the artifact and the metrics.
CREATE FUNCTION made(model text) RETURNS text LANGUAGE sql AS
$$ SELECT md5(artifact_sha256 || metrics::text) FROM ml.versions v WHERE v.model = $1 ORDER BY v.version DESC LIMIT 1 $$;

-- Each method says where it cut.
SELECT notes('time', 'SELECT day, a, b, c, y FROM visits', 'y', '{"method": "time", "column": "day"}');
SELECT notes('time', 'SELECT hour, a, b, c, y FROM visits', 'y', '{"method": "time", "column": "hour", "test": 0.1}');
SELECT notes('time', 'SELECT id / 3 AS t, a, b, c, y FROM visits', 'y', '{"method": "time", "column": "t", "test": 0.5}');
SELECT notes('time', 'SELECT id / 4.0 AS t, a, b, c, y FROM visits', 'y', '{"method": "time", "column": "t"}');
SELECT notes('group', 'SELECT customer, a, b, c, y FROM visits', 'y', '{"method": "group", "column": "customer"}');
SELECT notes('group', 'SELECT fold, a, b, c, y FROM visits', 'y', '{"method": "group", "column": "fold", "test": 0.4}');
SELECT notes('group', 'SELECT is_test, a, b, c, y FROM visits', 'y', '{"method": "group", "column": "is_test"}');
SELECT notes('group', 'SELECT day, a, b, c, y FROM visits', 'y', '{"method": "group", "column": "day"}', more => ', seed => 7');
-- The column is a feature only where features name it.
SELECT jsonb_path_query_array(signature, '$.inputs[*].name') FROM ml.versions WHERE model = 'group' AND version = 2;
SELECT notes('both', 'SELECT fold, a, y FROM visits', 'y', '{"method": "group", "column": "fold"}', more => $$, features => '{a,fold}'$$);
SELECT jsonb_path_query_array(signature, '$.inputs[*].name') FROM ml.versions WHERE model = 'both';

-- No group on both sides, and the last days: gates see the rows that were held out, since they read them again.
CREATE FUNCTION sides(ref text, key text) RETURNS TABLE (n bigint, low text, high text) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ml.add_gate(split_part(ref, '/', 1), 'seen', 'rmse', max => 100, slices => ARRAY[key]);
	RETURN QUERY SELECT sum(g.n)::bigint, min(g.slice_value), max(g.slice_value) FROM ml.run_gates(split_part(ref, '/', 1), split_part(ref, '/', 2)::int) g WHERE g.slice_key = key;
	PERFORM ml.drop_gate(split_part(ref, '/', 1), 'seen');
END
$$;
CREATE TABLE visited AS SELECT * FROM visits;
SELECT notes('gated', 'visited', 'y', '{"method": "time", "column": "day", "test": 0.25}', more => $$, features => '{a,b,c}'$$);
SELECT * FROM sides('gated/1', 'day');
SELECT count(*) FROM visited WHERE day >= '2026-04-18';
SELECT notes('gated', 'visited', 'y', '{"method": "group", "column": "customer"}', more => $$, features => '{a,b,c}'$$);
SELECT ml.add_gate('gated', 'seen', 'rmse', max => 100, slices => '{customer}');
SELECT count(*), sum(g.n), bool_and(g.n = (SELECT count(*) FROM visited v WHERE v.customer = g.slice_value)) FROM ml.run_gates('gated', 2) g WHERE g.slice_key = 'customer';
SELECT ml.drop_gate('gated', 'seen');
SELECT * FROM ml.source_changed('gated/1') UNION ALL SELECT * FROM ml.source_changed('gated/2');
SELECT count(*), bool_and(importance IS NOT NULL) FROM ml.importance('gated/1', 'permutation');

-- Folds.
\x on
SELECT metrics ? 'r2' AS plain, metrics -> 'r2' = metrics -> 'cv_r2' AS mean, metrics ? 'cv_r2_stddev' AS spread, notes FROM fit('plain', 'SELECT a, b, c, y FROM visits', 'y', '{"folds": 5}');
SELECT metrics -> 'r2' = metrics -> 'cv_r2' AS mean, notes FROM fit('tested', 'SELECT a, b, c, y FROM visits', 'y', '{"test": 0.3, "folds": 4}');
SELECT notes FROM fit('stratified', 'SELECT a, b, c, kind FROM visits', 'kind', '{"folds": 5, "stratified": true}', 'logistic_regression');
SELECT notes FROM fit('grouped', 'SELECT customer, a, b, c, kind FROM visits', 'kind', '{"method": "group", "column": "customer", "folds": 4}', 'gradient_boosting');
SELECT notes FROM fit('grouped', 'SELECT customer, a, b, c, kind FROM visits', 'kind', '{"method": "group", "column": "customer", "folds": 4, "test": 0.2}', 'logistic_regression');
SELECT notes FROM fit('chained', 'SELECT day, a, b, c, y FROM visits', 'y', '{"method": "time", "column": "day", "folds": 4}');
SELECT notes FROM fit('chained', 'SELECT day, a, b, c, y FROM visits', 'y', '{"method": "time", "column": "day", "folds": 4, "test": 0.2}', 'gradient_boosting');
SELECT notes FROM fit('given', 'SELECT fold, a, b, c, y FROM visits', 'y', '{"method": "column", "column": "fold", "folds": 5}');
SELECT notes FROM fit('marked', 'SELECT is_test, a, b, c, y FROM visits', 'y', '{"method": "column", "column": "is_test", "folds": 5}');
SELECT notes FROM fit('weighted', 'SELECT a, b, c, y, id % 3 AS w FROM visits', 'y', '{"folds": 3}', more => $$, weight => 'w'$$);
\x off
-- Each fold's figures are those of the run, by step; the mean and the spread come from them.
SELECT name, count(*), min(step), max(step), count(*) FILTER (WHERE step IS NULL) AS final FROM ml.run_metrics WHERE run_id = (SELECT run_id FROM ml.versions WHERE model = 'plain') AND name NOT LIKE 'fit.%' GROUP BY 1 ORDER BY 1;
SELECT v.model, v.version, abs(k.value::float8 - avg(m.value)) < 1e-12 AS mean, abs(s.value::float8 - stddev_samp(m.value)) < 1e-12 AS spread, count(*)
	FROM ml.versions v, jsonb_each(v.metrics) k, jsonb_each(v.metrics) s, ml.run_metrics m
	WHERE k.key IN ('cv_r2', 'cv_auc') AND s.key = k.key || '_stddev' AND m.run_id = v.run_id AND m.name = k.key AND m.step > 0 GROUP BY 1, 2, k.value, s.value ORDER BY 1, 2;
-- The model is that of a training without folds.
SELECT notes('unfolded', 'SELECT a, b, c, y FROM visits', 'y', '{"method": "none"}');
SELECT notes('untested', 'SELECT a, b, c, y FROM visits', 'y', '{"test": 0.3}');
SELECT a, b, count(*), bool_and(abs(x.estimate - y.estimate) <= 1e-12 * abs(y.estimate)) AS same
	FROM (VALUES ('plain', 'unfolded'), ('tested', 'untested')) v (a, b), ml.coefficients(a) x, ml.coefficients(b) y WHERE x.term = y.term GROUP BY 1, 2 ORDER BY 1;
-- A fold's figures are those of a training that holds it out.
CREATE FUNCTION alone(target text, algorithm text, metric text) RETURNS TABLE (fold int, same boolean) LANGUAGE plpgsql AS $$
DECLARE
	source text := format('SELECT a, b, c, %s, fold FROM visits', target);
	folded bigint;
BEGIN
	PERFORM fit('folded ' || target, source, target, '{"method": "column", "column": "fold", "folds": 5}', algorithm);
	SELECT max(run_id) INTO folded FROM ml.versions WHERE model = 'folded ' || target;
	FOR f IN 0 .. 4 LOOP
		fold := f;
		SELECT (x.metrics ->> metric)::float8 = m.value INTO same FROM fit('alone ' || target, format('SELECT a, b, c, %s, fold = %s AS here FROM (%s) s', target, f, source), target, '{"method": "column", "column": "here"}', algorithm) x, ml.run_metrics m
			WHERE m.run_id = folded AND m.name = 'cv_' || metric AND m.step = f + 1;
		RETURN NEXT;
	END LOOP;
END
$$;
SELECT * FROM alone('y', 'linear_regression', 'rmse');
SELECT * FROM alone('kind', 'logistic_regression', 'log_loss');
SELECT * FROM alone('kind', 'gradient_boosting', 'log_loss');
-- Both learners of auto are compared by the folds.
SELECT regexp_replace(n, '[0-9.e+-]*[0-9]', '#', 'g') FROM notes('chosen', 'SELECT a, b, c, y FROM visits', 'y', '{"folds": 3}', 'auto') n;
SELECT regexp_replace(n, '[0-9.e+-]*[0-9]', '#', 'g') FROM notes('chosen kind', 'SELECT a, b, c, kind FROM visits', 'kind', '{"folds": 3, "test": 0.2, "refit": true}', 'auto') n;

-- Classes that a fold lacks.
CREATE TABLE rare AS SELECT CASE WHEN i <= 3 THEN 'rare' WHEN i % 2 = 0 THEN 'odd' ELSE 'even' END AS kind, (i * 37 % 101)::float8 AS a, (i * 7919 % 1013)::float8 AS b, CASE WHEN i <= 3 THEN 1 ELSE i % 4 END AS f FROM generate_series(1, 200) i;
SELECT notes('rare', 'SELECT a, b, kind, f FROM rare', 'kind', '{"method": "column", "column": "f", "folds": 4}', 'logistic_regression');
SELECT notes('rare', 'SELECT a, b, kind, f FROM rare', 'kind', '{"method": "column", "column": "f", "folds": 4}', 'gradient_boosting');
SELECT notes('rarely', $$SELECT a, b, kind = 'rare' AS is_rare, f FROM rare$$, 'is_rare', '{"method": "column", "column": "f", "folds": 4}', 'logistic_regression');
SELECT notes('one sided', $$SELECT a, b, CASE WHEN fold = 0 THEN 'x' ELSE 'y' END AS kind, fold / 4 AS f FROM visits$$, 'kind', '{"method": "column", "column": "f", "folds": 2}', 'logistic_regression');

-- Refit: the artifact is that of all rows, the metrics are those of the rows held out.
SELECT notes('refit', 'SELECT a, b, c, y FROM visits', 'y', '{"test": 0.3, "refit": true}');
SELECT (SELECT artifact FROM ml.versions WHERE model = 'refit') = (SELECT artifact FROM ml.versions WHERE model = 'unfolded') AS of_all,
	(SELECT metrics FROM ml.versions WHERE model = 'refit') = (SELECT metrics FROM ml.versions WHERE model = 'untested') AS of_held_out;
SELECT * FROM ml.source_changed('refit');
SELECT count(*) FROM ml.importance('refit', 'permutation');
-- The stored model has learned from every row: gates look at all of them.
SELECT ml.add_gate(model, 'seen', 'rmse', max => 100) FROM unnest('{refit,plain,untested}'::text[]) model;
SELECT model, n FROM unnest('{refit,plain,untested}'::text[]) model, ml.run_gates(model, 1);
SELECT notes('refit kind', 'SELECT day, a, b, c, kind FROM visits', 'kind', '{"method": "time", "column": "day", "refit": true}', 'gradient_boosting');
SELECT notes('refit kinds', $$SELECT a, b, c, CASE WHEN is_test AND id < 100 THEN 'other' ELSE kind END AS kind, is_test FROM visits$$, 'kind', '{"method": "column", "column": "is_test", "refit": true}', 'logistic_regression');

-- The baseline of predictions is what the folds were predicted.
SELECT DISTINCT m, column_name, n_reference, n, verdict FROM (VALUES ('stratified'), ('refit kind')) v (m), ml.monitor_source(m, 'SELECT day, a, b, c FROM visits') WHERE column_name = ':prediction' ORDER BY 1;

-- Neither splits nor folds nor their models depend on the order of rows.
CREATE TABLE shuffled AS SELECT * FROM visits ORDER BY md5(id::text);
CREATE FUNCTION ordered(target text, split text, algorithm text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	columns text := 'a, b, c, ' || target || CASE WHEN split LIKE '%"column": "%' THEN ', ' || substring(split FROM '"column": "(\w+)"') ELSE '' END;
	first text;
BEGIN
	PERFORM fit('order ' || target, format('SELECT %s FROM visits', columns), target, split, algorithm);
	first := made('order ' || target);
	PERFORM fit('order ' || target, format('SELECT %s FROM shuffled', columns), target, split, algorithm);
	RETURN first = made('order ' || target);
END
$$;
SELECT s, ordered('y', s, 'linear_regression') AS linear, ordered('kind', s, 'logistic_regression') AS logistic, ordered('kind', s, 'gradient_boosting') AS trees
	FROM unnest(ARRAY['{"test": 0.2}', '{"method": "time", "column": "day"}', '{"method": "group", "column": "customer"}', '{"method": "column", "column": "is_test"}', '{"method": "none"}',
		'{"folds": 3}', '{"folds": 3, "test": 0.2}', '{"method": "time", "column": "hour", "folds": 3}', '{"method": "group", "column": "customer", "folds": 3, "test": 0.2}',
		'{"method": "column", "column": "fold", "folds": 5}', '{"method": "group", "column": "customer", "refit": true}']) s;
SELECT ordered('kind', '{"folds": 3, "stratified": true}', 'logistic_regression');
CREATE INDEX visits_c_idx ON visits (c, a);
CLUSTER visits USING visits_c_idx;
SELECT ordered('y', '{"method": "group", "column": "customer", "folds": 3, "test": 0.2}', 'linear_regression');
-- Nor on whether the rows fit into memory.
SET pg_mlops.train_memory = '1MB';
CREATE TABLE many AS SELECT i % 97 AS g, sin(i) AS a, cos(i * 3) AS b, i % 7 + sin(i * 31) AS c, sin(i) + cos(i * 5) AS y FROM generate_series(1, 20000) i;
SELECT version FROM fit('spilled', 'many', 'y', '{"method": "group", "column": "g", "folds": 3, "test": 0.2}', 'linear_regression');
SET pg_mlops.train_memory = '64MB';
SELECT version FROM fit('spilled', 'many', 'y', '{"method": "group", "column": "g", "folds": 3, "test": 0.2}', 'linear_regression');
SELECT version, environment -> 'spilled' AS spilled, count(*) OVER (PARTITION BY artifact_sha256, metrics) AS same FROM ml.versions JOIN ml.runs r USING (run_id, version) WHERE r.model = 'spilled' ORDER BY 1;
RESET pg_mlops.train_memory;

-- Leaks: a copy of the target, what determines it, and what names the row.
SELECT notes('leak', 'SELECT a, b, c, y, y AS copy, 3 - y / 7 AS line, y ^ 3 AS cube, id FROM visits', 'y', '{"test": 0.2}');
SELECT notes('leak kind', 'SELECT a, b, c, kind, kind AS copy, (kind = ''yes'')::int AS told, id FROM visits', 'kind', '{"test": 0.2}', 'logistic_regression');
SELECT notes('leak kind', $$SELECT a, b, c, kind, CASE WHEN kind = 'yes' THEN a ELSE -a - 1 END AS sign FROM visits$$, 'kind', '{"folds": 3}', 'gradient_boosting');
SELECT notes('leak', 'SELECT a, b, c, fold::text || ''x'' AS level, fold * 10.5 AS y FROM visits', 'y', '{"method": "none"}', 'gradient_boosting');
SELECT notes('leak', 'SELECT a, ARRAY[b, y] AS pair, y FROM visits', 'y', '{"test": 0.2}', 'linear_regression');
-- What predicts well, but not all, is none; nor is a number that differs in every row and is no whole number.
SELECT notes('leak', 'SELECT a, b, c, y, y + sin(id * 17) / 10 AS near, sin(id) AS u FROM visits', 'y', '{"test": 0.2}');

-- What cannot be.
SELECT notes('e', 'visits', 'y', '{"method": "time"}');
SELECT notes('e', 'visits', 'y', '{"method": "group"}');
SELECT notes('e', 'visits', 'y', '{"method": "column"}');
SELECT notes('e', 'visits', 'y', '{"method": "hash", "column": "day"}');
SELECT notes('e', 'visits', 'y', '{"method": "none", "column": "day"}');
SELECT notes('e', 'visits', 'y', '{"method": "days", "column": "day"}');
SELECT notes('e', 'visits', 'y', '{"method": "time", "column": "dya"}');
SELECT notes('e', 'visits', 'y', '{"method": "time", "column": "customer"}');
SELECT notes('e', 'visits', 'y', '{"method": "time", "column": "is_test"}');
SELECT notes('e', 'SELECT a, y, point(a, b) AS p FROM visits', 'y', '{"method": "group", "column": "p"}');
SELECT notes('e', 'visits', 'y', '{"method": "column", "column": "fold"}');
SELECT notes('e', 'visits', 'y', '{"method": "column", "column": "day", "folds": 5}');
SELECT notes('e', 'visits', 'y', '{"method": "column", "column": "is_test", "test": 0.2}');
SELECT notes('e', 'visits', 'y', '{"method": "none", "test": 0.2}');
SELECT notes('e', 'visits', 'y', '{"folds": 1}');
SELECT notes('e', 'visits', 'y', '{"folds": 2.5}');
SELECT notes('e', 'visits', 'y', '{"folds": 1001}');
SELECT notes('e', 'visits', 'y', '{"folds": true}');
SELECT notes('e', 'visits', 'y', '{"stratified": true}');
SELECT notes('e', 'visits', 'y', '{"folds": 5, "stratified": true}');
SELECT notes('e', 'visits', 'kind', '{"folds": 5, "stratified": true, "method": "time", "column": "day"}', 'logistic_regression');
SELECT notes('e', 'visits', 'kind', '{"folds": 5, "stratified": true, "method": "group", "column": "customer"}', 'logistic_regression');
SELECT notes('e', 'visits', 'kind', '{"folds": 5, "stratified": true, "method": "column", "column": "fold"}', 'logistic_regression');
SELECT notes('e', 'visits', 'y', '{"method": "none", "refit": true}');
SELECT notes('e', 'visits', 'y', '{"test": 0, "refit": true}');
SELECT notes('e', 'visits', 'y', '{"refit": "yes"}');
SELECT notes('e', 'visits', 'y', '{"fold": 5}');
SELECT notes('e', 'visits', 'y', '{"method": "column", "column": "fold", "folds": 4}');
SELECT notes('e', 'visits', 'y', '{"method": "group", "column": "fold", "folds": 6}');
SELECT notes('e', 'SELECT a, y, id / 400 AS t FROM visits', 'y', '{"method": "time", "column": "t", "folds": 4}');
SELECT notes('e', 'SELECT a, y FROM visits LIMIT 4', 'y', '{"folds": 5}');
-- Equal rows are in one fold, so that there are four rows to deal out.
SELECT notes('e', 'SELECT v.a, v.y FROM visits v, generate_series(1, 10) WHERE id <= 4', 'y', '{"folds": 5}');
SELECT notes('e', 'SELECT v.a, id % 2 = 0 AS even FROM visits v, generate_series(1, 10) WHERE id <= 4', 'even', '{"folds": 5, "stratified": true}', 'logistic_regression');
SELECT notes('e', 'SELECT a, y, 1 AS one FROM visits', 'y', '{"method": "group", "column": "one"}');
SELECT notes('e', 'SELECT a, y, 1 AS one FROM visits', 'y', '{"method": "time", "column": "one"}');
SELECT notes('e', 'SELECT a, y, nullif(day, ''2026-03-01'') AS day FROM visits', 'y', '{"method": "time", "column": "day"}');
SELECT notes('e', 'SELECT a, y, nullif(customer, ''c20'') AS customer FROM visits', 'y', '{"method": "group", "column": "customer", "folds": 3}');
SELECT notes('e', 'SELECT a, y, CASE WHEN id <> 7 THEN id / 2.0 ELSE ''NaN''::float8 END AS t FROM visits ORDER BY id', 'y', '{"method": "time", "column": "t"}');
SELECT notes('e', $$SELECT a, b, CASE WHEN fold = 0 THEN 'x' ELSE 'y' END AS kind, (fold = 0)::int AS f FROM visits$$, 'kind', '{"method": "column", "column": "f", "folds": 2}', 'logistic_regression');
-- An error of a fit names the fold.
\set SHOW_CONTEXT errors
SELECT version FROM ml.train('e', 'SELECT CASE WHEN fold = 2 THEN a END AS a, y, fold FROM visits', 'y', algorithm => 'linear_regression', split => '{"method": "column", "column": "fold", "folds": 5}');
\set SHOW_CONTEXT never
SELECT count(*) FROM ml.versions WHERE model = 'e';

\c postgres
DROP DATABASE regress_ml_splits;
