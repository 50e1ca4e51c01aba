-- Bad input of every kind: a SQLSTATE, a message, a detail and a hint each time, and nothing left in the catalog.
CREATE ROLE regress_ml_stranger;
CREATE ROLE regress_ml_keeper;
CREATE DATABASE regress_ml_errors TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_errors
\pset format unaligned
\pset tuples_only on
\pset null '(null)'
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET TIME ZONE 'UTC';
CREATE EXTENSION pg_mlops;

-- The number of rows of every table of the catalog.
CREATE FUNCTION regress_rows() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	t text;
	n bigint;
	counts text := '';
BEGIN
	FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'ml'::regnamespace AND relkind = 'r' ORDER BY 1 LOOP
		EXECUTE format('SELECT count(*) FROM ml.%I', t) INTO n;
		counts := counts || t || '=' || n || ' ';
	END LOOP;
	RETURN counts;
END
$$;

-- Runs a command that must fail; shows all that the error says, and whether the catalog is as it was.
CREATE FUNCTION regress_fails(command text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	before text := regress_rows();
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	BEGIN
		EXECUTE command;
		RETURN NEXT 'NO ERROR: ' || command;
	EXCEPTION WHEN OTHERS OR query_canceled THEN
		GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT,
			detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RETURN NEXT state || ': ' || message;
		IF detail <> '' THEN
			-- Learners are added without a change here.
			RETURN NEXT '  detail: ' || replace(detail, (SELECT string_agg(name, ', ') FROM ml.learners), '(all learners)');
		END IF;
		RETURN NEXT '  hint: ' || coalesce(nullif(hint, ''), 'NONE');
		IF state LIKE 'XX%' THEN
			RETURN NEXT 'INTERNAL ERROR';
		END IF;
	END;
	IF regress_rows() <> before THEN
		RETURN NEXT 'CATALOG CHANGED: ' || before || ' -> ' || regress_rows();
	END IF;
END
$$;

-- A training that must fail; arguments is the text of further ones.
CREATE FUNCTION regress_train(source text, arguments text DEFAULT '') RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regress_fails(format('SELECT ml.train(''bad'', %L, ''price'' %s %s)', source, arguments,
		CASE WHEN arguments !~ '(algorithm|task) =>' THEN ', algorithm => ''linear_regression''' END));
$$;

-- 200 rows of deterministic data; every column has a use below.
CREATE TABLE houses AS
	SELECT i AS id, i % 17 + 0.5 AS rooms, sqrt(i) AS size, (ARRAY['north', 'south', 'east'])[i % 3 + 1] AS side,
		i % 2 = 0 AS garden, CASE WHEN i % 7 > 0 THEN 3.0 * (i % 17) + sqrt(i) + (i * 31 % 11) / 7.0 END AS price,
		i % 5 = 0 AS held_out, 1.0 AS weight, (i * 31 % 7 > 3) AS sold, (ARRAY['a', 'b', 'c'])[i * 31 % 5 % 3 + 1] AS grade
	FROM generate_series(1, 200) i;
ALTER TABLE houses ADD PRIMARY KEY (id);
SELECT version, task, rows, deployed FROM ml.train('house', 'houses', 'price', 'linear_regression', '{rooms,size,side,garden}');
SELECT version, task, rows, deployed FROM ml.train('house', 'houses', 'price', 'linear_regression', '{rooms,size}');
SELECT version, task FROM ml.train('sale', 'houses', 'sold', 'logistic_regression', '{rooms,size}');
SELECT version, task FROM ml.train('grade', 'houses', 'grade', 'logistic_regression', '{rooms,size,side}');
SELECT version, task FROM ml.train('idle', 'houses', 'price', 'linear_regression', '{rooms,size}', deploy => 'never');
SELECT ml.set_alias('house', 'champion', 1);

-- References: the model, the version, the alias.
SELECT regress_fails($$SELECT ml.predict('hose', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('nothing', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/7', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house@champoin', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('idle', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('idle@champion', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/0', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/-1', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/01', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/99999999999', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/1.0', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/latest', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house@', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('/1', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/1@champion', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict(E'hou\nse', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict(repeat('x', 64), h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict(repeat('x', 100000), h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house''; DROP TABLE houses; --', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.evaluate('hose', 'houses')$$);
SELECT regress_fails($$SELECT ml.coefficients('house/9')$$);
SELECT regress_fails($$SELECT ml.summary('house@x')$$);

-- Names of models.
SELECT regress_fails($$SELECT ml.train('', 'houses', 'price')$$);
SELECT regress_fails($$SELECT ml.train('a/b', 'houses', 'price')$$);
SELECT regress_fails($$SELECT ml.train('a@b', 'houses', 'price')$$);
SELECT regress_fails($$SELECT ml.train(E'a\tb', 'houses', 'price')$$);
SELECT regress_fails($$SELECT ml.train(repeat('x', 64), 'houses', 'price')$$);
SELECT regress_fails($$SELECT ml.train(repeat(U&'\00e4', 32), 'houses', 'price')$$);

-- NULL arguments.
SELECT regress_fails($$SELECT ml.train(NULL, 'houses', 'price')$$);
SELECT regress_fails($$SELECT ml.train('bad', NULL, 'price')$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', NULL)$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'price', NULL)$$);
SELECT regress_train('houses', $$, features => '{}'$$);
SELECT regress_train('houses', $$, features => '{rooms,NULL}'$$);
SELECT regress_train('houses', $$, features => '{{rooms},{size}}'$$);
SELECT regress_train('houses', $$, exclude => '{NULL}'$$);
SELECT regress_train('houses', $$, deploy => NULL$$);
SELECT regress_train('houses', $$, snapshot => NULL$$);
SELECT regress_fails($$SELECT ml.evaluate(NULL, 'houses')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', NULL)$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'houses', '{NULL}')$$);
SELECT regress_fails($$SELECT ml.coefficients(NULL)$$);
SELECT regress_fails($$SELECT ml.summary(NULL)$$);
SELECT ml.predict(NULL, h), ml.probability(NULL, h), ml.probabilities(NULL, h) FROM houses h WHERE id = 1;
SELECT ml.predict('house', NULL::houses), ml.probability('sale', NULL::jsonb), ml.probabilities('sale', NULL::float8[]);

-- Choices.
SELECT regress_train('houses', $$, algorithm => 'linear_regresion'$$);
SELECT regress_train('houses', $$, algorithm => 'magic'$$);
SELECT regress_train('houses', $$, algorithm => ''$$);
SELECT regress_train('houses', $$, algorithm => 'logistic_regression', task => 'regression'$$);
SELECT regress_train('houses', $$, algorithm => 'linear_regression', task => 'classification'$$);
SELECT regress_train('houses', $$, task => 'regresion'$$);
SELECT regress_train('houses', $$, task => 'clustering'$$);
SELECT regress_train('houses', $$, task => ''$$);
SELECT regress_train('houses', $$, deploy => 'maybe'$$);
SELECT regress_train('houses', $$, snapshot => 'photo'$$);
SELECT regress_train('houses', $$, search => '{"method": "grid", "space": {"l2": [-1, 1]}}'$$);
SELECT regress_train('houses', $$, tags => '[1]'$$);
SELECT regress_train('houses', $$, tags => '1'$$);

-- Parameters.
SELECT regress_train('houses', $$, params => '{"l3": 1}'$$);
SELECT regress_train('houses', $$, params => '{"intercpt": true}'$$);
SELECT regress_train('houses', $$, params => '{"": true}'$$);
SELECT regress_train('houses', $$, params => '{"l2": "1"}'$$);
SELECT regress_train('houses', $$, params => '{"l2": -1}'$$);
SELECT regress_train('houses', $$, params => '{"l2": 1e999}'$$);
SELECT regress_train('houses', $$, params => '{"l2": null}'$$);
SELECT regress_train('houses', $$, params => '{"l2": [1]}'$$);
SELECT regress_train('houses', $$, params => '{"l2": {"a": 1}}'$$);
SELECT regress_train('houses', $$, params => '{"l2": "NaN"}'$$);
SELECT regress_train('houses', $$, params => '{"intercept": 1}'$$);
SELECT regress_train('houses', $$, params => '{"positive_class": true}'$$);
SELECT regress_train('houses', $$, params => '[]'$$);
SELECT regress_train('houses', $$, params => '1'$$);
SELECT regress_train('houses', $$, params => '"l2"'$$);
SELECT regress_train('houses', $$, params => 'null'$$);
SELECT regress_train('houses', $$, params => '{"l2": NaN}'$$);
SELECT regress_train('houses', $$, params => '{'$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'sold', params => '{"positive_class": "maybe"}')$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'sold', params => '{"positive_class": [true]}')$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'sold', params => '{"max_iterations": 1.5}', algorithm => 'logistic_regression')$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'sold', params => '{"max_iterations": 0}', algorithm => 'logistic_regression')$$);

-- The split.
SELECT regress_train('houses', $$, split => '{"test": 1}'$$);
SELECT regress_train('houses', $$, split => '{"test": -0.1}'$$);
SELECT regress_train('houses', $$, split => '{"test": "0.2"}'$$);
SELECT regress_train('houses', $$, split => '{"tset": 0.2}'$$);
SELECT regress_train('houses', $$, split => '{"method": "hsah"}'$$);
SELECT regress_train('houses', $$, split => '{"method": 1}'$$);
SELECT regress_train('houses', $$, split => '{"method": "column"}'$$);
SELECT regress_train('houses', $$, split => '{"method": "column", "column": "held"}'$$);
SELECT regress_train('houses', $$, split => '{"method": "column", "column": "rooms"}'$$);
SELECT regress_train('houses', $$, split => '{"method": "none", "column": "held_out"}'$$);
SELECT regress_train('houses', $$, split => '[0.2]'$$);
SELECT regress_train('houses', $$, split => '0.2'$$);
SELECT regress_train('SELECT *, CASE WHEN id > 3 THEN held_out END AS h FROM houses', $$, split => '{"method": "column", "column": "h"}'$$);
SELECT regress_train('SELECT *, true AS h FROM houses', $$, split => '{"method": "column", "column": "h"}'$$);

-- The pipeline.
SELECT regress_train('houses', $$, pipeline => '{"step": "impute"}'$$);
SELECT regress_train('houses', $$, pipeline => '"impute"'$$);
SELECT regress_train('houses', $$, pipeline => '["impute"]'$$);
SELECT regress_train('houses', $$, pipeline => '[{"stp": "impute"}]'$$);
SELECT regress_train('houses', $$, pipeline => '[{"step": 1}]'$$);
SELECT regress_train('houses', $$, pipeline => '[[]]'$$);
SELECT regress_train('houses', $$, pipeline => '[null]'$$);
SELECT regress_train('houses', $$, pipeline => '[{"step": "imputee"}]'$$);
SELECT regress_train('houses', $$, pipeline => '[{"step": "impute", "strategy": "mode"}]'$$);
SELECT regress_train('houses', $$, pipeline => '[{"step": "impute", "columns": "rooms"}]'$$);
SELECT regress_train('houses', $$, pipeline => '[{"step": "impute", "columns": [1]}]'$$);
SELECT regress_train('houses', $$, pipeline => '[{"step": "impute", "columns": ["roms"]}]'$$);
SELECT regress_train('houses', $$, pipeline => '[{"step": "impute", "columns": []}]', features => '{rooms,size}'$$);
SELECT regress_train('houses', $$, pipeline => '[{"step": "impute"}]'$$);
SELECT regress_train('houses', $$, pipeline => '[]'$$);
SELECT regress_train('SELECT price, rooms, nullif(size, sqrt(8)) AS size FROM houses', $$, pipeline => '[]'$$);
SELECT regress_train('houses', format($$, features => '{rooms}', pipeline => '[%s]'$$,
	(SELECT string_agg('{"step": "standardise"}', ',') FROM generate_series(1, 101))));

-- Columns.
SELECT regress_train('houses', $$, features => '{rooms,szie}'$$);
SELECT regress_train('houses', $$, features => '{rooms,rooms}'$$);
SELECT regress_train('houses', $$, features => '{rooms,price}'$$);
SELECT regress_train('houses', $$, features => '{rooms,size}', exclude => '{size}'$$);
SELECT regress_train('houses', $$, features => '{Rooms}'$$);
SELECT regress_train('houses', $$, features => '{""}'$$);
SELECT regress_train('houses', $$, exclude => '{romos}'$$);
SELECT regress_train('houses', $$, weight => 'wieght'$$);
SELECT regress_train('houses', $$, weight => 'side'$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'prcie')$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', '')$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'side', task => 'regression')$$);
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'price', task => 'classification', algorithm => 'linear_regression')$$);
SELECT regress_train('SELECT price, rooms, rooms FROM houses');
SELECT regress_train('SELECT price, price, rooms FROM houses');
SELECT regress_train('SELECT price FROM houses');
SELECT regress_train('SELECT price, 1 AS one, ''x'' AS x FROM houses');
SELECT regress_train('SELECT price, id::text AS code FROM houses');

-- The target's values.
SELECT regress_train('SELECT NULL::float8 AS price, rooms FROM houses');
SELECT regress_train('SELECT 5 AS price, rooms FROM houses');
SELECT regress_train('SELECT 5.5 AS price, rooms FROM houses');
SELECT regress_train('SELECT ''x'' AS price, rooms FROM houses', $$, algorithm => 'auto'$$);
SELECT regress_train('SELECT id::text AS price, rooms FROM houses', $$, task => 'regression'$$);
SELECT regress_train('SELECT CASE WHEN id = 7 THEN ''NaN'' ELSE size END AS price, rooms FROM houses ORDER BY id');
SELECT regress_train('SELECT CASE WHEN id = 7 THEN ''Infinity'' ELSE size END AS price, rooms FROM houses ORDER BY id');
SELECT regress_train('SELECT CASE WHEN id = 7 THEN ''-Infinity'' ELSE rooms END AS price, rooms FROM houses ORDER BY id');
SELECT regress_train('SELECT i::text AS price, i % 7 AS x FROM generate_series(1, 3003) i, generate_series(1, 3)', $$, algorithm => 'auto', split => '{"method": "none"}'$$);
SELECT regress_train('SELECT i AS price, i % 7 AS x FROM generate_series(1, 3003) i', $$, task => 'classification'$$);
SELECT regress_train('SELECT now() AS price, rooms FROM houses', $$, algorithm => 'auto'$$);
SELECT regress_train('SELECT ARRAY[1.0::float8] AS price, rooms FROM houses', $$, algorithm => 'auto'$$);
SELECT regress_train('SELECT ''{}''::jsonb AS price, rooms FROM houses', $$, algorithm => 'auto'$$);

-- Few rows.
SELECT regress_train('SELECT * FROM houses WHERE false');
SELECT regress_train('SELECT * FROM houses WHERE id = 1');
SELECT regress_train('SELECT * FROM houses WHERE id = 1', $$, split => '{"method": "none"}'$$);
SELECT regress_fails($$SELECT ml.train('bad', 'SELECT * FROM houses WHERE sold', 'sold')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'SELECT * FROM houses WHERE false')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'SELECT rooms, size, side, garden, NULL::float8 AS price FROM houses')$$);

-- The features' values.
SELECT regress_train('SELECT price, CASE WHEN id = 9 THEN ''Infinity'' ELSE rooms::float8 END AS rooms FROM houses WHERE price IS NOT NULL ORDER BY id');
SELECT regress_train('SELECT price, CASE WHEN id = 9 THEN ''-Infinity'' ELSE rooms::float4 END AS "a room" FROM houses WHERE price IS NOT NULL ORDER BY id');
SELECT regress_train('SELECT price, CASE WHEN id = 9 THEN ''infinity'' ELSE date ''2020-01-01'' + id END AS day FROM houses WHERE price IS NOT NULL ORDER BY id');
SELECT regress_train('SELECT price, ARRAY[rooms::float8, CASE WHEN id = 9 THEN ''Infinity'' ELSE size END] AS v FROM houses WHERE price IS NOT NULL ORDER BY id');
SELECT regress_train('SELECT price, CASE WHEN id < 9 THEN ARRAY[id, 2::float8] ELSE ARRAY[id, 2, 3::float8] END AS v FROM houses WHERE price IS NOT NULL ORDER BY id');
SELECT regress_train('SELECT price, (id || repeat(''x'', 1000000)) AS long FROM houses');
BEGIN;
SET LOCAL pg_mlops.train_memory = '1MB';
SELECT regress_train('SELECT price, (id % 5 || repeat(''x'', 1000000)) AS long FROM houses');
COMMIT;

SELECT regress_train('SELECT price, ''{}''::json AS j FROM houses');
SELECT regress_train('SELECT price, j, p, b, a, t, m FROM houses, (VALUES (''{}''::jsonb, point(1, 2), ''\x00''::bytea, ''{1}''::text[], time ''12:00'', 1::money)) v (j, p, b, a, t, m)');
SELECT regress_train('SELECT h.*, point(1, 2) AS p FROM houses h', $$, features => '{rooms,p}'$$);
SELECT regress_train('SELECT h.*, ARRAY[''a''] AS a FROM houses h', $$, features => '{rooms,a}'$$);
SELECT regress_train('SELECT h.*, h AS r FROM houses h', $$, features => '{rooms,r}'$$);

-- Weights.
SELECT regress_train('SELECT price, rooms, CASE WHEN id = 9 THEN ''NaN'' ELSE 1::float8 END AS w FROM houses WHERE price IS NOT NULL ORDER BY id', $$, weight => 'w'$$);
SELECT regress_train('SELECT price, rooms, CASE WHEN id = 9 THEN ''Infinity'' ELSE 1::float8 END AS w FROM houses WHERE price IS NOT NULL ORDER BY id', $$, weight => 'w'$$);
SELECT regress_train('SELECT price, rooms, CASE WHEN id = 9 THEN NULL ELSE 1 END::float8 AS w FROM houses WHERE price IS NOT NULL ORDER BY id', $$, weight => 'w'$$);
SELECT regress_train('SELECT price, rooms, CASE WHEN id = 9 THEN -1 ELSE 1 END AS w FROM houses WHERE price IS NOT NULL ORDER BY id', $$, weight => 'w'$$);
SELECT regress_train('SELECT price, rooms, 0 AS w FROM houses', $$, weight => 'w'$$);

-- Sources that are no source.
SELECT regress_train('');
SELECT regress_train(' ');
SELECT regress_train(';');
SELECT regress_train('SELECT');
SELECT regress_train('SELECT 1;');
SELECT regress_train('SELECT FROM houses');
SELECT regress_train('SELEC * FROM houses');
SELECT regress_train('no_such_table');
SELECT regress_train('no_such_schema.houses');
SELECT regress_train('a.b.c.d');
SELECT regress_train('"houses');
SELECT regress_train('"HOUSES"');
SELECT regress_train('house houses');
SELECT regress_train('houses_pkey');
SELECT regress_train('ml.runs_run_id_seq');
SELECT regress_train('SELECT * FROM no_such_table');
SELECT regress_train('SELECT * FROM houses; SELECT * FROM houses');
SELECT regress_train('SELECT * FROM houses; DROP TABLE houses');
SELECT regress_train('houses; DROP TABLE houses');
SELECT regress_train('SELECT * FROM houses WHERE id = $1');
SELECT regress_train('EXPLAIN SELECT * FROM houses');
SELECT regress_train('SHOW work_mem');
SELECT regress_train('COPY houses TO STDOUT');
SELECT regress_train('BEGIN');
SELECT regress_train('PREPARE p AS SELECT 1');
SELECT regress_train('CREATE TABLE x AS SELECT * FROM houses');
SELECT regress_train('DROP TABLE houses');
SELECT regress_train('SET work_mem = 64');
SELECT regress_train('DO $x$ BEGIN END $x$');
SELECT regress_train('CALL x()');
SELECT regress_train(repeat('x', 100000));
CREATE TABLE nothing ();
SELECT regress_train('nothing');
INSERT INTO nothing DEFAULT VALUES;
SELECT regress_train('nothing');

-- Sources that write.
CREATE TABLE witness (i int);
CREATE SEQUENCE counter;
CREATE FUNCTION sneaky() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN INSERT INTO witness VALUES (1); RETURN 1; END $$;
CREATE FUNCTION sneaky_sql() RETURNS float8 LANGUAGE sql AS $$ INSERT INTO witness VALUES (1); SELECT 1.0::float8 $$;
CREATE FUNCTION unlocking() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN SET transaction_read_only = off; INSERT INTO witness VALUES (1); RETURN 1; END $$;
CREATE TEMP TABLE scratch (i int);
CREATE FUNCTION scribbling() RETURNS float8 LANGUAGE plpgsql AS $$ BEGIN INSERT INTO scratch VALUES (1); RETURN 1; END $$;
CREATE VIEW sly AS SELECT h.*, sneaky() AS s FROM houses h;
SELECT regress_train('INSERT INTO witness VALUES (1)');
SELECT regress_train('INSERT INTO houses SELECT * FROM houses RETURNING *');
SELECT regress_train('UPDATE houses SET price = 1 RETURNING *');
SELECT regress_train('DELETE FROM houses RETURNING *');
SELECT regress_train('MERGE INTO houses h USING witness w ON h.id = w.i WHEN MATCHED THEN DELETE');
SELECT regress_train('TRUNCATE houses');
SELECT regress_train('WITH w AS (INSERT INTO witness VALUES (1) RETURNING i) SELECT h.* FROM houses h, w');
SELECT regress_train('WITH w AS (DELETE FROM houses RETURNING *) SELECT * FROM w');
SELECT regress_train('SELECT * FROM houses FOR UPDATE');
SELECT regress_train('SELECT * FROM houses FOR KEY SHARE');
SELECT regress_train('SELECT * FROM (SELECT * FROM houses FOR UPDATE) q');
SELECT regress_train('SELECT * INTO elsewhere FROM houses');
SELECT regress_train('SELECT price, rooms, nextval(''counter'') AS n FROM houses');
SELECT regress_train('SELECT price, rooms, setval(''counter'', 5) AS n FROM houses');
SELECT regress_train('SELECT price, rooms, sneaky() AS s FROM houses');
SELECT regress_train('SELECT price, rooms, sneaky_sql() AS s FROM houses');
SELECT regress_train('SELECT price, rooms, unlocking() AS s FROM houses');
SELECT regress_train('sly');
SELECT regress_train('SELECT price, rooms, (ml.train(''worse'', ''houses'', ''price'')).version AS s FROM houses');
SELECT regress_train('SELECT price, rooms, scribbling() AS s FROM houses');
-- Written by whatever the server says of it: the message differs between its versions.
SELECT count(*) FROM regress_train('SELECT price, rooms, lo_create(0)::int AS s FROM houses') line WHERE line LIKE '25006: %';
SELECT count(*) FROM pg_largeobject_metadata;
SELECT regress_fails($$SELECT ml.evaluate('house', 'INSERT INTO witness VALUES (1)')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'SELECT h.*, sneaky() FROM houses h')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'SELECT 1; SELECT 2')$$);
SELECT count(*) FROM witness;
SELECT last_value, is_called FROM counter;

-- An error in the middle of a source, and a cancelled one.
SELECT regress_train('SELECT price, 1 / (id - 100) AS x FROM houses');
SELECT regress_train('SELECT price, rooms, CASE WHEN id = 100 THEN pg_cancel_backend(pg_backend_pid()) END AS x FROM houses');

-- Read-only transactions.
BEGIN READ ONLY;
SELECT regress_fails($$SELECT ml.train('bad', 'houses', 'price')$$);
COMMIT;

-- Rights. The owner is a role of a known name.
UPDATE ml.models SET owner = 'regress_ml_keeper';
SET ROLE regress_ml_stranger;
\set VERBOSITY default
SELECT ml.train('mine', 'houses', 'price');
SELECT ml.train('house', 'SELECT i AS price, i % 7 AS x FROM generate_series(1, 99) i', 'price');
SELECT ml.predict('house', '{"rooms": 1}'::jsonb);
SELECT ml.probability('sale', '{"rooms": 1}'::jsonb);
SELECT ml.probabilities('sale', '{"rooms": 1}'::jsonb);
SELECT ml.evaluate('house', 'SELECT 1');
SELECT ml.coefficients('house');
SELECT ml.summary('house');
RESET ROLE;

-- Scoring: what is bound.
SELECT regress_fails($$SELECT ml.predict('house', q) FROM (SELECT rooms, size, side FROM houses) q$$);
SELECT regress_fails($$SELECT ml.predict('house', q) FROM (SELECT rooms, size AS szie, side, garden FROM houses) q$$);
SELECT regress_fails($$SELECT ml.predict('house', q) FROM (SELECT rooms, size, side, side AS garden FROM houses) q$$);
SELECT regress_fails($$SELECT ml.predict('house', q) FROM (SELECT now() AS rooms, size, side, garden FROM houses) q$$);
SELECT regress_fails($$SELECT ml.predict('house', q) FROM (SELECT point(1, 2) AS rooms, size, side, garden FROM houses) q$$);
SELECT regress_fails($$SELECT ml.predict('house', q) FROM (SELECT rooms, 'Infinity'::float8 AS size, side, garden FROM houses) q$$);
SELECT regress_fails($$SELECT ml.predict('house', ROW(1, 2))$$);
SELECT regress_fails($$SELECT ml.predict('house', ROW(1, 2, 'north', true, 5))$$);
SELECT regress_fails($$SELECT ml.predict('house', ROW())$$);
SELECT regress_fails($$SELECT ml.predict('house', ROW(true, 'two', 'north', true))$$);
SELECT regress_fails($$SELECT ml.predict('house/2', ARRAY[1, 2, 3])$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{}'::float8[])$$);
SELECT regress_fails($$SELECT ml.predict('house/2', ARRAY['a', 'b'])$$);
SELECT regress_fails($$SELECT ml.predict('house/2', ARRAY[now(), now()])$$);
SELECT regress_fails($$SELECT ml.predict('house/2', ARRAY[1, 'Infinity'::float8])$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '[1, 2]'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', 'null'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '5'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{}'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{"rooms": 1, "siez": 2}'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{"rooms": 1, "size": "2"}'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{"rooms": 1, "size": [2]}'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{"rooms": 1, "size": {"a": 2}}'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{"rooms": 1, "size": "Infinity"}'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{"rooms": 1, "size": 1e999}'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house', '{"rooms": 1, "size": 2, "side": ["x"], "garden": true}'::jsonb)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', 5)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', 'x'::text)$$);
SELECT regress_fails($$SELECT ml.predict('house/2', 'x')$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{"rooms": 1, "size": 2}'::json)$$);

-- Scoring: what comes out.
SELECT regress_fails($$SELECT ml.predict('grade', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('grade', h, NULL::int) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('grade', h, NULL::date) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/2', h, NULL::boolean) FROM houses h$$);
SELECT regress_fails($$SELECT ml.predict('house/2', '{"rooms": 1e7, "size": 2}'::jsonb, NULL::int2)$$);
SELECT regress_fails($$SELECT ml.probability('house', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.probabilities('house', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.probability('grade', h) FROM houses h$$);
SELECT regress_fails($$SELECT ml.probability('grade', h, 'd') FROM houses h$$);
SELECT regress_fails($$SELECT ml.probability('sale', h, 'ture') FROM houses h$$);
SELECT regress_fails($$SELECT ml.probability('sale', h, '') FROM houses h$$);
SELECT regress_fails($$SELECT ml.coefficients('house/2', 5)$$);

-- Evaluating.
SELECT regress_fails($$SELECT ml.evaluate('house', 'SELECT rooms, size, price FROM houses')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'SELECT rooms, size, side, garden FROM houses')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'houses', target => 'prcie')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'houses', target => 'side')$$);
SELECT regress_fails($$SELECT ml.evaluate('house', 'houses', '{sdie}')$$);
SELECT regress_fails($$SELECT ml.evaluate('house/2', 'SELECT h.*, point(1, 2) AS p FROM houses h', '{p}')$$);
SELECT regress_fails($$SELECT ml.evaluate('house/2', 'SELECT rooms, size, price / 0 AS price FROM houses')$$);
SELECT regress_fails($$SELECT ml.evaluate('house/2', 'SELECT rooms, size, ''Infinity''::float8 AS price FROM houses')$$);

-- Columns that change under a model: dropped, retyped, renamed, and a view that changes its columns.
CREATE TABLE shifting AS SELECT rooms, size, price, side FROM houses;
CREATE VIEW window_on AS SELECT rooms, size, price FROM houses;
SELECT version FROM ml.train('shift', 'shifting', 'price', 'linear_regression');
ALTER TABLE shifting DROP COLUMN size;
SELECT regress_fails($$SELECT ml.predict('shift', s) FROM shifting s$$);
SELECT regress_train('shifting', $$, features => '{rooms,size}'$$);
ALTER TABLE shifting ADD COLUMN size text;
SELECT regress_fails($$SELECT ml.predict('shift', s) FROM shifting s$$);
ALTER TABLE shifting ALTER COLUMN size TYPE float8 USING 1, ALTER COLUMN side TYPE bytea USING '';
SELECT regress_fails($$SELECT ml.predict('shift', s) FROM shifting s$$);
ALTER TABLE shifting RENAME COLUMN rooms TO room_count;
SELECT regress_fails($$SELECT ml.predict('shift', s) FROM shifting s$$);
SELECT version FROM ml.train('viewed', 'window_on', 'price', 'linear_regression');
SELECT count(ml.predict('viewed', w)) FROM window_on w;
DROP VIEW window_on;
CREATE VIEW window_on AS SELECT rooms::text AS rooms, size, price FROM houses;
SELECT regress_fails($$SELECT ml.predict('viewed', w) FROM window_on w$$);
DROP VIEW window_on;
SELECT regress_train('window_on');

-- As many columns as a table can have, more array elements than memory has room for, categories many and long.
DO $$
BEGIN
	EXECUTE (SELECT format('CREATE TABLE wide (%s)', string_agg(format('c%s int2', i), ', ' ORDER BY i))
			 FROM generate_series(1, 1600) i);
	EXECUTE (SELECT format('INSERT INTO wide SELECT %s FROM generate_series(1, 60) r',
						   string_agg(format('(r * %s + r * r) %% 101', i), ', ' ORDER BY i))
			 FROM generate_series(1, 1600) i);
END
$$;
SELECT rows, features FROM ml.train('wide', 'wide', 'c1600', 'linear_regression');
SELECT count(ml.predict('wide', w)) FROM wide w;
SELECT count(ml.predict('wide', to_jsonb(w))) FROM wide w;
SELECT regress_fails($$SELECT ml.predict('wide', '{"c1": 1}'::jsonb)$$);
SELECT rows, features FROM ml.train('wide sign', 'SELECT *, c1600 > 50 AS high FROM wide', 'high', 'logistic_regression', exclude => '{c1600}');
SELECT count(ml.predict('wide sign', w, NULL::boolean)) FROM wide w;
CREATE TABLE lengthy AS SELECT i % 7 + i / 10.0 AS price, (SELECT array_agg((i * j % 13)::float8 ORDER BY j) FROM generate_series(1, 100000) j) AS v
	FROM generate_series(1, 12) i;
SELECT regexp_replace(line, '[0-9]+ GB', 'N GB') FROM regress_train('lengthy') line;
SELECT regexp_replace(line, '[0-9]+ GB', 'N GB')
	FROM regress_train('SELECT price > 4 AS price, v FROM lengthy', $$, algorithm => 'logistic_regression'$$) line;
SELECT regexp_replace(line, '[0-9]+ GB', 'N GB')
	FROM regress_train('SELECT (ARRAY[''a'', ''b'', ''c''])[1 + price::int % 3] AS price, v FROM lengthy', $$, algorithm => 'logistic_regression'$$) line;
SELECT rows, features, notes FROM ml.train('levels', 'SELECT i % 3 = 0 AS y, ''level '' || i % 100000 AS name, i % 7 AS x FROM generate_series(1, 200000) i',
	'y', 'logistic_regression', split => '{"method": "none"}');
SELECT ml.predict('levels', '{"name": "level 5", "x": 2}'::jsonb, NULL::boolean), ml.predict('levels', '{"name": "never", "x": 2}'::jsonb, NULL::boolean);
CREATE TABLE wordy AS SELECT i % 3 = 0 AS y, i % 5 || repeat('x', 1000000) AS name, i % 7 AS x FROM generate_series(1, 50) i;
SELECT rows, features, length(notes::text) < 1000 AS brief FROM ml.train('wordy', 'wordy', 'y', 'logistic_regression');
SELECT count(ml.probability('wordy', w)) FROM wordy w;
SELECT rows, features FROM ml.train('wordy label', 'wordy', 'name', 'logistic_regression');
SELECT left(line, 150), length(line) FROM regress_fails($$SELECT ml.probability('wordy label', w, 'x') FROM wordy w$$) line;

-- Nothing of what failed is in the catalog.
SELECT count(*) FROM ml.models WHERE model = 'bad';

\c postgres
DROP DATABASE regress_ml_errors;
DROP ROLE regress_ml_stranger;
DROP ROLE regress_ml_keeper;
