-- Rows to be scored that fail the checks of the model: scored, answered by NULL, or an error.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_mover;
CREATE ROLE regress_ml_scorer;
CREATE DATABASE regress_ml_invalid TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_invalid
SET lc_messages = 'C';
SET TIME ZONE 'UTC';
CREATE EXTENSION pg_mlops;

-- Area 1 and 98 upwards of hundreds are invalid below; a column of a type that no model can use is a check's as well.
CREATE TABLE houses AS
	SELECT i AS id, (i % 100)::float8 AS area, (i % 7)::float8 AS rooms, (ARRAY['north', 'south'])[i % 2 + 1] AS district,
		CASE WHEN i % 10 <> 0 THEN jsonb_build_object('photo', i) ELSE '{}' END AS documents,
		CASE WHEN i % 50 <> 7 THEN ARRAY['a'] END AS labels, 3.0 * (i % 100) + (i % 7) AS price
	FROM generate_series(1, 1000) i;
GRANT SELECT ON houses TO PUBLIC;
SET ROLE regress_ml_owner;
SELECT version FROM ml.train('price', 'SELECT area, rooms, district, price FROM houses', 'price', 'linear_regression', deploy => 'first');
SELECT version FROM ml.train('price', 'SELECT area, rooms, district, price + 1000000 AS price FROM houses', 'price', 'linear_regression', deploy => 'never');
SELECT version FROM ml.train('price', 'SELECT area, rooms, district, price + 2000000 AS price FROM houses', 'price', 'linear_regression', deploy => 'never');
SELECT version FROM ml.train('cheap', 'SELECT area, rooms, district, price < 150 AS cheap FROM houses', 'cheap', 'logistic_regression', deploy => 'first');
SELECT ml.grant('price', 'deploy', 'regress_ml_mover'), ml.grant('price', 'use', 'regress_ml_mover'), ml.grant('price', 'use', 'regress_ml_scorer'), ml.grant('cheap', 'use', 'regress_ml_scorer');
RESET ROLE;
CREATE TABLE seen AS SELECT * FROM ml.serving_counts();
-- The counts since they were asked for last.
CREATE FUNCTION counted(OUT model text, OUT version int, OUT role text, OUT rows bigint, OUT errors bigint, OUT invalid bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT c.model, c.version, c.role, c.rows - coalesce(s.rows, 0), c.errors - coalesce(s.errors, 0), c.invalid - coalesce(s.invalid, 0)
		FROM ml.serving_counts() c LEFT JOIN seen s USING (model, version, role)
		WHERE c.rows > coalesce(s.rows, 0) OR c.errors > coalesce(s.errors, 0) OR c.invalid > coalesce(s.invalid, 0) ORDER BY 1, 3, 2;
	TRUNCATE seen;
	INSERT INTO seen SELECT * FROM ml.serving_counts();
END
$$;

-- Rights and arguments.
SET ROLE regress_ml_scorer;
SELECT ml.set_invalid_policy('price', 'null');
SET ROLE regress_ml_mover;
SELECT ml.set_invalid_policy('price', 'drop');
SELECT ml.set_invalid_policy('prize', 'null');
SELECT ml.set_invalid_policy(NULL, 'null');
BEGIN READ ONLY;
SELECT ml.set_invalid_policy('price', 'null');
ROLLBACK;
SELECT ml.set_invalid_policy('price', 'error');
SELECT ml.set_invalid_policy('price', 'score');
RESET ROLE;
SELECT model, invalid_policy FROM ml.models ORDER BY model;
SELECT kind, model, actor, detail FROM ml.events WHERE kind = 'set_invalid_policy' ORDER BY event_id;
SELECT * FROM ml.verify_events();
\set VERBOSITY terse
UPDATE ml.models SET invalid_policy = 'drop';
\set VERBOSITY default

-- Without a suite there is nothing to judge by.
SELECT ml.set_invalid_policy('price', 'error');
SELECT count(ml.predict('price', h)) FROM houses h;
SELECT * FROM counted();

-- Checks of severity error that apply to serving judge; the others do not.
SET ROLE regress_ml_owner;
SELECT ml.add_check('price', 'range', '{area}', '{"min": 2, "max": 97}'), ml.add_check('price', 'not_null', '{district}'),
	ml.add_check('price', 'range', '{rooms}', '{"max": 3}', severity => 'warn'),
	ml.add_check('price', 'range', '{rooms}', '{"max": 2}', environment => 'training', name => 'only trained'),
	ml.add_check('price', 'unique', '{area}');
RESET ROLE;
SELECT count(ml.predict('price', h)) FROM houses h;
SELECT ml.predict('price', h) IS NOT NULL FROM (SELECT 0::float8 AS area, 5::float8 AS rooms, NULL::text AS district) h;
SELECT * FROM counted();
-- The same rows are invalid that ml.is_valid finds, before binding could raise an error, and the column of NULL is no error then.
SELECT ml.set_invalid_policy('price', 'null');
SELECT count(*) AS n, count(ml.predict('price', h)) AS scored, count(*) FILTER (WHERE (ml.predict('price', h) IS NULL) = ml.is_valid('price', h)) AS wrong FROM houses h;
SELECT * FROM counted();
SELECT ml.predict('price', h) FROM (SELECT 'Infinity'::float8 AS area, 5::float8 AS rooms, 'north' AS district) h;
SELECT * FROM counted();
SELECT ml.set_invalid_policy('price', 'score');
SELECT count(ml.predict('price', h)) FROM houses h;
SELECT * FROM counted();
SELECT ml.set_invalid_policy('price', NULL);
SELECT count(ml.predict('price', h)) FROM houses h;
SELECT * FROM counted();

-- Forms: row, columns, jsonb, rows and arrays by position.
SELECT ml.set_invalid_policy('price', 'null'), ml.set_invalid_policy('cheap', 'null');
SET ROLE regress_ml_owner;
SELECT ml.add_check('cheap', 'range', '{area}', '{"min": 2, "max": 97}'), ml.add_check('cheap', 'not_null', '{district}');
RESET ROLE;
SELECT id, ml.predict('price', h) IS NULL AS columns, ml.predict('price', (SELECT r FROM houses r WHERE r.id = h.id)) IS NULL AS row,
	ml.predict('price', to_jsonb(h)) IS NULL AS jsonb, ml.predict('price', ROW(area, rooms, district)) IS NULL AS position
FROM houses h WHERE id IN (98, 99, 100, 101, 102) ORDER BY id;
SELECT ml.predict('price', ROW(1::float8, 2::float8, 'north')) IS NULL AS invalid, ml.predict('price', ROW(5::float8, 2::float8, NULL)) IS NULL AS null_literal,
	ml.predict('price', ROW(5::float8, 2::float8, 'north')) IS NULL AS valid;
SET ROLE regress_ml_owner;
SELECT ml.add_check('price', 'predicate', '{}', '{"expression": "district = ''north''"}', name => 'north');
SELECT ml.predict('price', ROW(5::float8, 2::float8, 'north')) IS NULL AS north, ml.predict('price', ROW(5::float8, 2::float8, 'south')) IS NULL AS south;
SELECT ml.drop_check('price', 'north');
RESET ROLE;
SELECT ml.predict('price', ROW(1::float8, 2::float8));
SELECT ml.predict('price', 5);
SELECT ml.predict('price', '{"area": 1, "rooms": 1, "district": "north"}'::jsonb) IS NULL AS low, ml.predict('price', '{"area": 5, "rooms": 1}'::jsonb) IS NULL AS missing,
	ml.predict('price', '{"area": 5, "rooms": 1, "district": "north"}'::jsonb) IS NULL AS valid;
SELECT ml.predict('price', '[1]'::jsonb);
SELECT ml.probability('cheap', h) IS NULL AS probability, ml.probabilities('cheap', h) IS NULL AS probabilities, ml.predict('cheap', h, NULL::boolean) IS NULL AS label,
	ml.probability('cheap', to_jsonb(h)) IS NULL AS json_probability, ml.probabilities('cheap', to_jsonb(h)) IS NULL AS json_probabilities
FROM houses h WHERE id IN (1, 5) ORDER BY id;
SET ROLE regress_ml_owner;
SELECT version FROM ml.train('flat', 'SELECT area, rooms, ARRAY[area, rooms] AS both, price FROM houses', 'price', 'linear_regression', params => '{"l2": 1}', deploy => 'first');
SELECT ml.add_check('flat', 'range', '{rooms}', '{"max": 5}'), ml.add_check('flat', 'predicate', '{}', '{"expression": "\"both\"[2] < 3"}', name => 'both');
SELECT ml.set_invalid_policy('flat', 'null');
RESET ROLE;
SELECT v, ml.predict('flat', v) IS NULL AS invalid FROM (VALUES (ARRAY[1, 2, 1, 2]::float8[]), (ARRAY[1, 6, 1, 2]), (ARRAY[1, 2, 1, 3]), (ARRAY[1, NULL, 1, 2])) a (v);
SELECT ml.predict('flat', ARRAY[1, 2, 1, 2]) IS NULL AS integers, ml.predict('flat', ARRAY[1, 6, 1, 2]::numeric[]) IS NULL AS numerics;
SELECT ml.predict('flat', ARRAY[1, 6]);

-- The error says all that is wrong, for columns, rows and arrays.
SELECT ml.set_invalid_policy('price', 'error'), ml.set_invalid_policy('flat', 'error');
SELECT ml.predict('price', h) FROM (SELECT 0::float8 AS area, 5::float8 AS rooms, NULL::text AS district) h;
SELECT ml.predict('price', '{"area": 0, "rooms": 1, "district": null}'::jsonb);
SELECT ml.predict('price', ROW(0, 1, 'north'));
SELECT ml.predict('flat', ARRAY[1, 6, 1, 7]);
DO $$
BEGIN
	PERFORM ml.predict('price', ROW(0, 1, 'north'));
EXCEPTION WHEN check_violation THEN
	RAISE NOTICE 'refused with %', SQLSTATE;
END
$$;
SELECT * FROM counted();
-- A row that lacks a column of a check is an error, as in ml.is_valid.
SELECT ml.predict('price', h) FROM (SELECT 5::float8 AS area, 5::float8 AS rooms) h;

-- Columns of types that no model can use: fetched while there is a policy, and plans follow it.
SELECT ml.set_invalid_policy('price', NULL);
SET ROLE regress_ml_owner;
SELECT ml.add_check('price', 'not_empty', '{documents}'), ml.add_check('price', 'not_null', '{labels}');
RESET ROLE;
PREPARE scored AS SELECT count(ml.predict('price', h)) FROM houses h;
PREPARE named(text) AS SELECT count(ml.predict($1, h)) FROM houses h;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE scored;
EXECUTE scored;
EXECUTE named('price');
SELECT ml.set_invalid_policy('price', 'null');
EXPLAIN (VERBOSE, COSTS OFF) EXECUTE scored;
EXECUTE scored;
EXECUTE named('price');
SELECT count(*) FILTER (WHERE ml.is_valid('price', h)) AS valid FROM houses h;
SELECT count(*) FILTER (WHERE ml.predict('price', h) IS NULL) AS no_documents FROM houses h WHERE id % 10 = 0;
-- A change holds for the statements after it, and goes with its savepoint.
BEGIN;
SAVEPOINT before;
SELECT ml.set_invalid_policy('price', NULL);
EXECUTE scored;
ROLLBACK TO before;
EXECUTE scored;
COMMIT;
SELECT ml.set_invalid_policy('price', NULL);
EXECUTE scored;
-- A policy that came without the function, as in a restore, finds plans that leave out columns.
UPDATE ml.models SET invalid_policy = 'null' WHERE model = 'price';
EXECUTE scored;
EXECUTE scored;
-- NULL that the query has itself is no column that was left out.
SELECT ml.predict('price', h) IS NULL AS documents_null FROM (SELECT 5::float8 AS area, 2::float8 AS rooms, 'north' AS district, NULL::jsonb AS documents, '{a}'::text[] AS labels) h;
RESET plan_cache_mode;
SET ROLE regress_ml_owner;
SELECT ml.drop_check('price', 'documents_not_empty'), ml.drop_check('price', 'labels_not_null');
RESET ROLE;

-- A version by its number or alias has its own suite only, and nothing is counted.
SELECT ml.set_alias('price', 'second', 2);
SELECT count(*) FROM counted();
SELECT count(ml.predict('price/2', h)) AS number, count(ml.predict('price@second', h)) AS alias FROM houses h;
SELECT count(ml.predict('price/2', h)) AS number, count(ml.predict('price@second', h)) AS alias, count(*) FILTER (WHERE rooms <= 4) AS valid FROM houses h;
SELECT * FROM counted();
-- The suite of the model's name and what the version learned; a check of the same name overrides.
SELECT count(ml.predict('price', h)) AS scored, count(*) FILTER (WHERE ml.is_valid('price', h)) AS valid, count(*) FILTER (WHERE area BETWEEN 2 AND 97) AS expected FROM houses h;

-- A canary and shadows: judged before any of them answers.
SELECT ml.deploy('price', 2, 'canary', traffic => 0.5), ml.deploy('price', 3, 'shadow');
SELECT count(*) FROM counted();
SELECT count(ml.predict('price', h)) FROM houses h;
SELECT model, version, role, CASE WHEN role = 'shadow' THEN rows END AS rows, errors, invalid FROM counted();
SELECT ml.set_invalid_policy('price', 'score');
SELECT count(ml.predict('price', h)) FROM houses h;
SELECT sum(rows) FILTER (WHERE role <> 'shadow') AS answered, sum(invalid) FILTER (WHERE role <> 'shadow') AS invalid, min(invalid) FILTER (WHERE role = 'canary') > 0 AS of_the_canary,
	min(invalid) FILTER (WHERE role = 'production') > 0 AS of_production, min(rows) FILTER (WHERE role = 'shadow') AS shadow, min(invalid) FILTER (WHERE role = 'shadow') AS of_the_shadow FROM counted();
SELECT ml.set_invalid_policy('price', 'error');
SELECT ml.predict('price', to_jsonb(h)) FROM houses h WHERE id = 1;
SELECT * FROM counted();
SELECT ml.undeploy('price', 'canary'), ml.undeploy('price', 'shadow');

-- Workers do the same.
SELECT ml.set_invalid_policy('price', 'null');
CREATE TABLE serial AS SELECT id, ml.predict('price', h) AS score FROM houses h;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SET parallel_leader_participation = off;
CREATE TABLE parallel AS SELECT id, ml.predict('price', h) AS score FROM houses h;
SELECT count(*) AS differ FROM serial s FULL JOIN parallel p USING (id) WHERE s.score IS DISTINCT FROM p.score;
SELECT count(score) FROM parallel;
SELECT ml.set_invalid_policy('price', 'error');
DO $$
BEGIN
	PERFORM sum(ml.predict('price', h)) FROM houses h WHERE id % 100 IN (50, 99);
EXCEPTION WHEN check_violation THEN
	RAISE NOTICE '%', SQLERRM;
END
$$;
RESET parallel_leader_participation;
RESET max_parallel_workers_per_gather;

-- Evaluation and importance judge nothing.
SELECT bool_and(n = 1000) AS all_rows FROM ml.evaluate('price', 'houses');
SELECT count(*) FROM ml.importance('price', 'permutation');
-- A policy stays with the model when it gets another owner, and is gone with it.
SELECT ml.set_owner('flat', 'regress_ml_mover');
SELECT invalid_policy FROM ml.models WHERE model = 'flat';
SELECT ml.undeploy('flat', 'production');
SELECT ml.drop_model('flat');
SELECT ml.drop_suite('flat');
SELECT version FROM ml.train('flat', 'SELECT area, rooms, price FROM houses', 'price', 'linear_regression');
SELECT invalid_policy FROM ml.models WHERE model = 'flat';

\c postgres
DROP DATABASE regress_ml_invalid;
DROP ROLE regress_ml_owner, regress_ml_mover, regress_ml_scorer;
