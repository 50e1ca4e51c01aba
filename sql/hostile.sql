-- Data that lies in wait for a learner of trees: a right answer, or an error that says what is wrong.
CREATE DATABASE regress_ml_hostile TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_hostile
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET client_min_messages = 'warning';
CREATE EXTENSION pg_mlops;

-- Trains by trees and judges the answers on the rows themselves: 'right' where 99 % of the numbers are within the limit, or no more labels are wrong than it says,
-- 'poor' where not, or the error with its hint. Answers that are no numbers are told apart.
CREATE FUNCTION verdict(name text, source text, target text, limit_ float8, params jsonb DEFAULT '{}', more text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	task text;
	off float8;
	strange bigint;
	noted text[];
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT task, notes FROM ml.train(%L, %L, %L, ''gradient_boosting'', params => %L, split => ''{"method": "none"}'' %s)',
		name, source, target, '{"n_trees": 60, "learning_rate": 0.3, "min_rows": 1, "early_stopping": 0, "l2": 1, "min_hessian": 0.001, "row_fraction": 1, "node_column_fraction": 1, "path_smoothing": 0}'::jsonb || params, more) INTO task, noted;
	IF task = 'regression' THEN
		EXECUTE format('SELECT avg((abs(p / 2 - y / 2) > %s::float8 / 2)::int), count(*) FILTER (WHERE p IS NULL OR abs(p) IN (''NaN'', ''Infinity'')) FROM (SELECT ml.predict(%L, q) AS p, %I::float8 AS y FROM (%s) q OFFSET 0) s', limit_, name, target, source) INTO off, strange;
	ELSE
		EXECUTE format('SELECT avg((p <> y)::int), count(*) FILTER (WHERE p IS NULL) FROM (SELECT ml.predict(%L, q, NULL::text) AS p, %I::text AS y FROM (%s) q OFFSET 0) s', name, target, source) INTO off, strange;
	END IF;
	RETURN CASE WHEN strange > 0 THEN strange || ' answers are no numbers' WHEN off <= CASE task WHEN 'regression' THEN 0.01 ELSE limit_ END THEN 'right' ELSE 'poor: ' || off END
		|| coalesce('; ' || nullif(regexp_replace(array_to_string(array_remove(noted, 'no rows were held out: there are no metrics'), '; '), '[1-9][0-9]* of 60', 'some of 60'), ''), '');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || SQLERRM || ' | ' || detail || ' | ' || coalesce(nullif(hint, ''), 'NO HINT');
END
$$;
\pset format unaligned
\pset tuples_only on

-- Values at the ends of the range, and next to nothing apart.
SELECT verdict('large values', 'SELECT (i % 40 - 20) * 8e306 AS x, i % 40 * 1.0 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('largest values', 'SELECT CASE i % 4 WHEN 0 THEN 1.7976931348623157e308 WHEN 1 THEN -1.7976931348623157e308 WHEN 2 THEN 0 ELSE 1e-320 END AS x, i % 4 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('denormals', 'SELECT i % 40 * 4.9e-324::float8 AS x, i % 40 * 1.0 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('signs of zero', 'SELECT CASE WHEN i % 2 = 0 THEN ''-0''::float8 ELSE 0 END AS z, i % 3 AS x, i % 3 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('neighbours', 'SELECT 1 + (i % 4) * 2.220446049250313e-16::float8 AS x, i % 4 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('an offset', 'SELECT 1e15::float8 + i % 8 AS x, i % 8 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('large target', 'SELECT i % 40 AS x, (i % 40 - 20) * 8e306 AS y FROM generate_series(1, 800) i', 'y', 1e305);
SELECT verdict('largest target', 'SELECT i % 2 AS x, CASE WHEN i % 2 = 0 THEN 1.7976931348623157e308 ELSE -1.7976931348623157e308 END AS y FROM generate_series(1, 800) i', 'y', 1e307);
SELECT verdict('target too far apart', 'SELECT (i = 7)::int AS x, CASE WHEN i = 7 THEN 1.7976931348623157e308 ELSE -1.7976931348623157e308 END AS y FROM generate_series(1, 800) i', 'y', 1e307, '{"learning_rate": 1, "l2": 0}');
SELECT verdict('target of denormals', 'SELECT i % 40 AS x, i % 40 * 4.9e-322::float8 AS y FROM generate_series(1, 800) i', 'y', 1e-322);
SELECT verdict('one target far off', 'SELECT i % 40 AS x, CASE WHEN i = 7 THEN 1e300 ELSE i % 40 END AS y FROM generate_series(1, 800) i', 'y', 1e300);
SELECT verdict('infinite', 'SELECT CASE WHEN i = 500 THEN ''Infinity''::float8 ELSE i END AS x, i % 4 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('infinite target', 'SELECT i AS x, CASE WHEN i = 500 THEN ''-Infinity''::float8 ELSE i END AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('NaN target', 'SELECT i AS x, CASE WHEN i = 500 THEN ''NaN''::float8 ELSE i END AS y FROM generate_series(1, 800) i', 'y', 0.1);

-- Columns that say little.
SELECT verdict('constant', 'SELECT 7 AS k, i % 4 AS x, i % 4 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('duplicated', 'SELECT i % 4 AS x, i % 4 AS x2, i % 4 AS x3, i % 4 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('all NULL', 'SELECT NULL::float8 AS n, NULL::text AS t, i % 4 AS x, i % 4 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('all NaN', 'SELECT ''NaN''::float8 AS n, i % 4 AS x, i % 4 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('nothing but NULL', 'SELECT NULL::float8 AS n, NULL::text AS t, i % 4 * 1.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('absence alone', 'SELECT CASE WHEN i % 2 = 0 THEN 3 END AS x, i % 2 * 4.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('absence of a text alone', 'SELECT CASE WHEN i % 2 = 0 THEN ''a'' END AS x, i % 2 * 4.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('one value but for 1 in 1000', 'SELECT CASE WHEN i % 1000 = 0 THEN i ELSE 0 END AS x, (i % 1000 = 0)::int * 100.5 AS y FROM generate_series(1, 20000) i', 'y', 0.01);
SELECT verdict('one class but for 1 in 1000', 'SELECT i % 7 AS z, (i % 1000 = 500)::int AS x, i % 1000 = 500 AS y FROM generate_series(1, 20000) i', 'y', 0);
SELECT verdict('one row of a class', 'SELECT i % 7 AS z, (i = 4000)::int AS x, i = 4000 AS y FROM generate_series(1, 4000) i', 'y', 0);
SELECT verdict('all rows the same', 'SELECT 1 + i % 2 AS x, i % 4 < 2 AS y FROM generate_series(1, 800) i', 'y', 0.5);
SELECT verdict('constant target', 'SELECT i AS x, 4.5 AS y FROM generate_series(1, 800) i', 'y', 0.1);
SELECT verdict('one class', 'SELECT i AS x, ''a'' AS y FROM generate_series(1, 800) i', 'y', 0.1);

-- Many of everything.
SELECT verdict('100000 levels', 'SELECT ''l'' || i % 100000 AS c, i % 4 AS x, i % 4 * 1.5 AS y FROM generate_series(1, 200000) i', 'y', 0.1, '{"n_trees": 20}');
SELECT verdict('a text for each row', 'SELECT ''l'' || i AS c, i % 4 AS x, i % 4 * 1.5 AS y FROM generate_series(1, 2000) i', 'y', 0.1);
SELECT verdict('1000 classes', 'SELECT i % 1000 AS x, ''k'' || i % 1000 AS y FROM generate_series(1, 4000) i', 'y', 1, '{"n_trees": 2}');
SELECT verdict('a class for each row', 'SELECT i AS x, ''k'' || i AS y FROM generate_series(1, 60) i', 'y', 0.1, '{"min_hessian": 1e-9, "n_trees": 100}');
SELECT verdict('more classes than possible', 'SELECT i AS x, ''k'' || i AS y FROM generate_series(1, 2000) i', 'y', 0.1);
DO $$
BEGIN
	EXECUTE format('CREATE TABLE broad AS SELECT i %% 9 * 1.5 AS y, %s FROM generate_series(1, 400) i', (SELECT string_agg(format('(i * %s %% 9)::float4 AS c%s', 9 * j + 1 + j % 7, j), ', ') FROM generate_series(1, 1500) j));
END
$$;
SELECT verdict('1500 columns', 'SELECT * FROM broad', 'y', 0.2, '{"n_trees": 20}');
SELECT verdict('7000 elements', 'SELECT i % 9 * 1.5 AS y, ARRAY(SELECT (i * j % 9)::float8 FROM generate_series(1, 7000) j) AS v FROM generate_series(1, 40) i', 'y', 0.2, '{"n_trees": 20, "column_fraction": 0.1}');
SELECT verdict('70000 elements', 'SELECT i % 3 * 1.5 AS y, ARRAY(SELECT (i * j % 9)::float8 FROM generate_series(1, 70000) j) AS v FROM generate_series(1, 20) i', 'y', 0.2, '{"max_bins": 2}');
SELECT verdict('deep trees', 'SELECT i % 200 AS x, i * 7 % 97 AS z, (i % 200 * 31 + i * 7 % 97 * 17) % 5 * 1.5 AS y FROM generate_series(1, 6000) i', 'y', 0.5, '{"n_trees": 20, "max_leaves": 32768}');
SELECT verdict('many trees', 'SELECT i % 4 AS x, i % 4 * 1.5 AS y FROM generate_series(1, 100) i', 'y', 0.01, '{"n_trees": 5000, "max_leaves": 4}');
SELECT verdict('two rows', 'SELECT i AS x, i * 1.5 AS y FROM generate_series(1, 2) i', 'y', 0.1, '{"l2": 0}');

-- Weights of all sizes.
SELECT verdict('weights of 0 but for two', 'SELECT i AS x, i * 1.0 AS y, (i IN (1, 100))::int AS w FROM generate_series(1, 100) i', 'y', 99, '{"l2": 0}', $$, weight => 'w'$$);
SELECT verdict('weights far apart', 'SELECT i % 2 AS x, i % 2 * 3.0 AS y, CASE WHEN i % 3 = 0 THEN 1e90 ELSE 1e-90 END AS w FROM generate_series(1, 800) i', 'y', 0.1, '{}', $$, weight => 'w'$$);
SELECT verdict('tiny weights', 'SELECT i % 2 AS x, i % 2 * 3.0 AS y, 1e-90 AS w FROM generate_series(1, 800) i', 'y', 0.1, '{"l2": 0}', $$, weight => 'w'$$);
SELECT verdict('huge weights', 'SELECT i % 2 AS x, i % 2 * 3.0 AS y, 1e101 AS w FROM generate_series(1, 800) i', 'y', 0.1, '{}', $$, weight => 'w'$$);
SELECT verdict('negative weights', 'SELECT i % 2 AS x, i % 2 * 3.0 AS y, 0.5 - i % 2 AS w FROM generate_series(1, 800) i', 'y', 0.1, '{}', $$, weight => 'w'$$);
SELECT verdict('weights 0', 'SELECT i % 2 AS x, i % 2 * 3.0 AS y, 0 AS w FROM generate_series(1, 800) i', 'y', 0.1, '{}', $$, weight => 'w'$$);
SELECT verdict('a class of weight 0', 'SELECT i % 2 AS x, i % 2 = 0 AS y, i % 2 AS w FROM generate_series(1, 800) i', 'y', 0.5, '{}', $$, weight => 'w'$$);

-- Bins that are hard to lay: heavy values between light ones, in many proportions. They are laid, and the answers are numbers within the targets.
SELECT verdict('heavy and light ' || k, format('SELECT CASE WHEN i %% 2 = 0 THEN (i * 7919 %% 10007) %% %s * 2 ELSE i END AS x, i %% 2 * 3.0 AS y FROM generate_series(1, 20000) i', k), 'y', 3, '{"n_trees": 3}') FROM unnest('{10,130,250,254,255,256,400,2000}'::int[]) k;
SELECT verdict('max_bins ' || k, 'SELECT i % 1000 AS x, (i % 1000 > 500)::int * 3.0 AS y FROM generate_series(1, 2000) i', 'y', 0.2, jsonb_build_object('max_bins', k)) FROM unnest('{2,4,100,255}'::int[]) k;

-- Nothing of what failed was kept.
SELECT count(*) FROM ml.models WHERE model IN ('infinite', 'constant target', 'weights 0', 'negative weights');

\c postgres
DROP DATABASE regress_ml_hostile;
