-- Scoring: what is bound and how, what comes out, and which version answers when deployments move.
CREATE ROLE regress_ml_scorer;
CREATE ROLE regress_ml_other;
CREATE ROLE regress_ml_keeper;
CREATE DATABASE regress_ml_predict TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_predict
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET TIME ZONE 'UTC';
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_scorer;

CREATE TYPE shape AS ENUM ('square', 'round', 'flat');
CREATE TABLE parts AS
	SELECT i AS id, i * 37 % 101 / 10.0::float8 AS width, (i * 53 % 89)::int AS height, i % 3 = 0 AS painted,
		(ARRAY['iron', 'wood', 'clay'])[i * 7 % 5 % 3 + 1] AS stuff,
		(ARRAY['square', 'round', 'flat'])[(i * 37 % 101 + i * 11 % 41) / 50 + 1]::shape AS shape,
		NULL::float8 AS price, NULL::text AS grade, NULL::boolean AS sound, NULL::int AS stars
	FROM generate_series(1, 300) i;
UPDATE parts SET price = 2 * width - 0.5 * height + 5 * painted::int + CASE stuff WHEN 'iron' THEN 3 ELSE 0 END + id % 7,
	sound = (id * 31 % 17) + width > 9,
	grade = CASE WHEN width + id * 13 % 5 > 7 THEN 'gold' WHEN height + id * 17 % 40 > 60 THEN 'silver' ELSE 'bronze' END,
	stars = 1 + (id * 19 % 11 + height) / 34;
SELECT version, task, deployed, rows, features FROM
	ml.train('price', 'parts', 'price', 'linear_regression', '{width,height,painted,stuff,shape}', split => '{"method": "none"}');
SELECT version, task, deployed, rows, features FROM
	ml.train('plain', 'parts', 'price', 'linear_regression', '{width,height}', split => '{"method": "none"}');
SELECT version, task, deployed, rows, features FROM
	ml.train('sound', 'parts', 'sound', 'logistic_regression', '{width,height,stuff}', split => '{"method": "none"}');
SELECT version, task, deployed, rows, features FROM
	ml.train('grade', 'parts', 'grade', 'logistic_regression', '{width,height,painted}', split => '{"method": "none"}');
SELECT version, task, deployed, rows, features FROM
	ml.train('stars', 'parts', 'stars', 'logistic_regression', '{width,height}', split => '{"method": "none"}');
SELECT version, task, deployed, rows, features FROM
	ml.train('shape', 'parts', 'shape', 'logistic_regression', '{width,height}', split => '{"method": "none"}');

-- One row in every form gives one value: by name, by position, by key, as an array.
SELECT round(ml.predict('price', p)::numeric, 6) AS by_name,
	ml.predict('price', p) = ml.predict('price', ROW(width, height, painted, stuff, shape)) AS by_position,
	ml.predict('price', p) = ml.predict('price', to_jsonb(p)) AS by_key,
	ml.predict('price', p) = ml.predict('price', jsonb_build_object('shape', shape, 'stuff', stuff, 'painted', painted, 'height', height, 'width', width)) AS by_key_in_any_order
FROM parts p WHERE id IN (1, 2, 9) ORDER BY id;
SELECT count(*), count(*) FILTER (WHERE ml.predict('price', p) = ml.predict('price', ROW(width, height, painted, stuff, shape))
	AND ml.predict('price', p) = ml.predict('price', to_jsonb(p))) AS same FROM parts p;
SELECT count(*) FILTER (WHERE ml.probability('sound', p) = ml.probability('sound', to_jsonb(p))
	AND ml.probability('sound', p) = ml.probability('sound', ROW(width, height, stuff))
	AND ml.probabilities('grade', p) = ml.probabilities('grade', ROW(width, height, painted))) AS same FROM parts p;
SELECT ml.predict('price', ROW(1.5::float8, 2, true, 'iron', 'flat')) = ml.predict('price', '{"width": 1.5, "height": 2, "painted": true, "stuff": "iron", "shape": "flat"}'::jsonb) AS literals;
SELECT count(*), count(*) FILTER (WHERE ml.predict('plain', p) = ALL (ARRAY[
	ml.predict('plain', ARRAY[width, height]), ml.predict('plain', ARRAY[width::numeric, height]),
	ml.predict('plain', ROW(width::numeric, height::int8)), ml.predict('plain', ROW(width, height::int2))])) AS same FROM parts p;
-- Elements of other types, where the values are exact in them.
SELECT count(*) FILTER (WHERE ml.predict('plain', ARRAY[height, height]::float8[]) = ALL (ARRAY[
	ml.predict('plain', ARRAY[height, height]::float4[]), ml.predict('plain', ARRAY[height, height]::int2[]),
	ml.predict('plain', ARRAY[height, height]::int4[]), ml.predict('plain', ARRAY[height, height]::int8[]),
	ml.predict('plain', ARRAY[height, height]::numeric[]), ml.predict('plain', ARRAY[[height], [height]])])) AS same FROM parts p;
SELECT ml.predict('plain', ARRAY[true, false]) = ml.predict('plain', ARRAY[1, 0]) AS booleans,
	ml.predict('plain', '[3:4]={1,0}'::int[]) = ml.predict('plain', ARRAY[1, 0]) AS bounds,
	ml.predict('plain', ARRAY[1, NULL]) = ml.predict('plain', ROW(1, NULL::int)) AS nulls;

-- By name: more columns, other orders, dropped and added columns, views, subqueries, joins, composite values.
CREATE TABLE shuffled (extra text, height int, gone float8, shape text, width float8, price float8, note text, stuff varchar(10), painted boolean);
INSERT INTO shuffled SELECT 'x', height, 1, shape, width, price, NULL, stuff, painted FROM parts WHERE id <= 150;
ALTER TABLE shuffled DROP COLUMN gone;
ALTER TABLE shuffled ADD COLUMN later int DEFAULT 5;
INSERT INTO shuffled SELECT 'x', height, shape, width, price, 'n', stuff, painted, NULL FROM parts WHERE id > 150;
CREATE VIEW glance AS SELECT painted, stuff, shape, height, width FROM parts;
CREATE TABLE expected AS SELECT sum(ml.predict('price', p))::numeric(20, 6) AS s FROM parts p;
SELECT round(s, 3) FROM expected;
SELECT sum(ml.predict('price', x))::numeric(20, 6) = e.s AS same FROM shuffled x, expected e GROUP BY e.s;
SELECT sum(ml.predict('price', g))::numeric(20, 6) = e.s AS same FROM glance g, expected e GROUP BY e.s;
SELECT sum(ml.predict('price', q))::numeric(20, 6) = e.s AS same FROM (SELECT shape, stuff, width, painted, height FROM parts OFFSET 0) q, expected e GROUP BY e.s;
SELECT sum(ml.predict('price', q))::numeric(20, 6) = e.s AS same FROM (SELECT a.shape, a.stuff, b.width, b.painted, a.height FROM parts a JOIN parts b USING (id)) q, expected e GROUP BY e.s;
WITH q AS MATERIALIZED (SELECT * FROM parts) SELECT sum(ml.predict('price', q))::numeric(20, 6) = e.s AS same FROM q, expected e GROUP BY e.s;
SELECT sum((SELECT ml.predict('price', p)))::numeric(20, 6) = e.s AS same FROM parts p, expected e GROUP BY e.s;
SELECT sum(ml.predict('price', p.*))::numeric(20, 6) = e.s AS same FROM parts p, expected e GROUP BY e.s;
SELECT sum(ml.predict('price', jsonb_populate_record(NULL::parts, to_jsonb(p))))::numeric(20, 6) = e.s AS same FROM parts p, expected e GROUP BY e.s;
SELECT sum(ml.predict('price', h.p))::numeric(20, 6) = e.s AS same FROM (SELECT p, random() FROM parts p) h, expected e GROUP BY e.s;
CREATE TABLE holding AS SELECT id, p AS held FROM parts p;
SELECT sum(ml.predict('price', held))::numeric(20, 6) = e.s AS same FROM holding, expected e GROUP BY e.s;
-- Rows of several types at one place.
SELECT sum(ml.predict('price', CASE WHEN i = 1 THEN ROW(1.5::float8, 2, true, 'iron'::text, 'flat'::text) ELSE ROW(1, 2::numeric, true, 'iron'::varchar, 'flat'::shape) END))::numeric(20, 6)
	FROM generate_series(1, 2) i;
-- Columns f1, f2 ... of a subquery are names, where the features have such names.
CREATE TABLE effs AS SELECT i AS f1, i * i % 7 AS f2, 2.0 * i + 10 * (i * i % 7) AS f3 FROM generate_series(1, 50) i;
SELECT version FROM ml.train('effs', 'effs', 'f3', 'linear_regression');
SELECT ml.predict('effs', q)::numeric(20, 6) FROM (SELECT f1, f2, f3 FROM effs WHERE f1 = 3) q;
SELECT ml.predict('effs', q)::numeric(20, 6) FROM (SELECT f1, f2 FROM effs WHERE f1 = 3) q;
SELECT version FROM ml.train('effs', 'SELECT f2, f1, f3 FROM effs', 'f3', 'linear_regression', deploy => 'always');
SELECT ml.predict('effs', q)::numeric(20, 6) FROM (SELECT f1, f2, f3 FROM effs WHERE f1 = 3) q;
SELECT ml.predict('effs', e)::numeric(20, 6) FROM effs e WHERE f1 = 3;
SELECT ml.predict('effs', ROW(3, 2));

-- Domains, over scalars and over a row type.
CREATE DOMAIN positive AS float8 CHECK (VALUE > 0);
CREATE DOMAIN label AS text;
CREATE TYPE pair AS (width positive, height int);
CREATE DOMAIN good_pair AS pair CHECK ((VALUE).height > 0);
CREATE DOMAIN floats AS float8[];
CREATE DOMAIN object AS jsonb;
SELECT ml.predict('plain', ROW(1.5, 2)::pair)::numeric(20, 6) AS pair, ml.predict('plain', ROW(1.5, 2)::good_pair)::numeric(20, 6) AS good_pair,
	ml.predict('plain', '{1.5,2}'::floats)::numeric(20, 6) AS floats, ml.predict('plain', '{"width": 1.5, "height": 2}'::object)::numeric(20, 6) AS object;
SELECT ml.predict('sound', ROW(1.5::positive, 2, 'iron'::label), NULL::boolean);

-- NULL, NaN and categories never seen follow the fitted pipeline; NULL as a whole gives NULL.
SELECT n, round(ml.predict('price', q)::numeric, 6) FROM (VALUES
	(1, 1.5, 2.0, true, 'iron', 'flat'), (2, NULL, 2.0, true, 'iron', 'flat'), (3, 'NaN', 2.0, true, 'iron', 'flat'),
	(4, 1.5, NULL, NULL, NULL, NULL), (5, 1.5, 2.0, true, 'straw', 'flat'), (6, 1.5, 2.0, true, '', ' flat')) q (n, width, height, painted, stuff, shape) ORDER BY n;
SELECT ml.predict('price', '{"width": null, "height": "NaN", "painted": null, "stuff": null, "shape": "cubic"}'::jsonb)
	= ml.predict('price', ROW(NULL::float8, 'NaN'::float8, NULL::boolean, NULL::text, 'cubic')) AS same;
SELECT ml.predict('price', NULL::parts) IS NULL AS row, ml.predict('plain', NULL::float8[]) IS NULL AS "array", ml.predict('price', NULL::jsonb) IS NULL AS object,
	ml.predict(NULL, p) IS NULL AS model FROM parts p LIMIT 1;
-- A row whose columns are all NULL is a row.
SELECT round(ml.predict('price', ROW(NULL, NULL, NULL, NULL, NULL)::glance)::numeric, 6) AS empty_row;

-- Result types.
SELECT pg_typeof(ml.predict('price', p)), pg_typeof(ml.predict('price', p, NULL::numeric)), pg_typeof(ml.predict('price', p, NULL::float4)),
	pg_typeof(ml.predict('price', p, NULL::int)), pg_typeof(ml.predict('grade', p, NULL::text)), pg_typeof(ml.predict('sound', p, NULL::boolean)) FROM parts p WHERE id = 1;
SELECT ml.predict('price', p) BETWEEN r - 1e-9 AND r + 1e-9 AS "float8", ml.predict('price', p, 0::numeric) BETWEEN r - 1e-9 AND r + 1e-9 AS "numeric",
	ml.predict('price', p, 0::int) = round(r) AS "int", ml.predict('price', p, 0::int8) = round(r) AS "int8", ml.predict('price', p, 0::int2) = round(r) AS "int2",
	abs(ml.predict('price', p, 0::float4) - r) < 1e-4 AS "float4", ml.predict('price', p, ''::text)::numeric BETWEEN r - 1e-9 AND r + 1e-9 AS "text"
	FROM parts p, LATERAL (SELECT ml.predict('price', p)::numeric AS r) q WHERE id = 5;
SELECT ml.predict('grade', p, NULL::text) AS text, ml.predict('grade', p, NULL::varchar) AS "varchar", ml.predict('sound', p, NULL::boolean) AS "boolean", ml.predict('sound', p, NULL::text) AS truth,
	ml.predict('stars', p) AS "float8", ml.predict('stars', p, NULL::int) AS "int", ml.predict('stars', p, NULL::text) AS stars,
	ml.predict('shape', p, NULL::shape) AS "enum", ml.predict('shape', p, NULL::text) AS shape FROM parts p WHERE id IN (4, 5, 6) ORDER BY id;
SELECT count(*) FROM parts p WHERE ml.predict('shape', p, NULL::shape) = 'round';

-- Probabilities: of the positive class, of a class by name, of all; they sum to 1 and the label is the likeliest.
SELECT id, round(ml.probability('sound', p)::numeric, 6) AS positive, ml.probability('sound', p) = ml.probability('sound', p, 'true') AS is_true,
	round(ml.probability('sound', p, 'false')::numeric, 6) AS negative, ml.predict('sound', p, NULL::boolean) = (ml.probability('sound', p) > 0.5) AS label
	FROM parts p WHERE id IN (1, 2, 3) ORDER BY id;
SELECT id, round(ml.probability('grade', p, 'gold')::numeric, 6) AS gold, round(ml.probability('grade', p, 'silver')::numeric, 6) AS silver,
	round((ml.probabilities('grade', p) ->> 'bronze')::numeric, 6) AS bronze, ml.predict('grade', p, NULL::text) AS grade FROM parts p WHERE id IN (1, 2, 3) ORDER BY id;
SELECT count(*) AS rows, count(*) FILTER (WHERE abs(total - 1) < 1e-12) AS sum_to_1, count(*) FILTER (WHERE best = ml.predict('grade', p, NULL::text)) AS likeliest
	FROM parts p, LATERAL (SELECT sum(value::float8) AS total, (array_agg(key ORDER BY value::float8 DESC))[1] AS best FROM jsonb_each_text(ml.probabilities('grade', p))) q;
SELECT key FROM jsonb_object_keys((SELECT ml.probabilities('stars', p) FROM parts p WHERE id = 1)) key ORDER BY key;
-- Another class each row.
SELECT count(*) FILTER (WHERE ml.probability('grade', p, c) = (ml.probabilities('grade', p) ->> c)::float8) AS same FROM parts p, unnest('{gold,silver,bronze}'::text[]) c;
-- Another model each row.
SELECT m, round(sum(ml.predict(m, p, NULL::numeric)), 4) FROM parts p, unnest('{price,stars,plain}'::text[]) m GROUP BY m ORDER BY m;
SELECT sum(ml.predict(CASE id % 2 WHEN 0 THEN 'price' ELSE 'stars' END, p)) = sum(CASE id % 2 WHEN 0 THEN ml.predict('price', p) ELSE ml.predict('stars', p) END) AS same FROM parts p;

-- A table whose columns change between two executions of a prepared statement and of a function.
PREPARE scoring_all AS SELECT sum(ml.predict('price', x))::numeric(20, 6) = (SELECT s FROM expected) AS same FROM shuffled x;
CREATE FUNCTION scoring_loop() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	x shuffled;
	total float8 := 0;
BEGIN
	FOR x IN SELECT * FROM shuffled LOOP
		total := total + ml.predict('price', x);
	END LOOP;
	RETURN total::numeric(20, 6) = s FROM expected;
END
$$;
EXECUTE scoring_all;
SELECT scoring_loop();
ALTER TABLE shuffled DROP COLUMN extra, ADD COLUMN size float4, ALTER COLUMN stuff TYPE text;
EXECUTE scoring_all;
SELECT scoring_loop();
ALTER TABLE shuffled RENAME COLUMN width TO breadth;
EXECUTE scoring_all;
SELECT scoring_loop();
ALTER TABLE shuffled RENAME COLUMN breadth TO width;
EXECUTE scoring_all;
SELECT scoring_loop();

-- Which version answers. Version 1 says 1, version 2 says 2, version 3 says 3.
SELECT version, deployed FROM generate_series(1, 3) v,
	LATERAL ml.train('which', format('SELECT %s + (i - 5.5) * 0.001 AS y, i - 5.5 AS x FROM generate_series(1, 10) i', v), 'y', 'linear_regression', split => '{"method": "none"}');
CREATE FUNCTION which(ref text DEFAULT 'which') RETURNS int LANGUAGE sql AS $$ SELECT ml.predict(ref, ROW(0), NULL::int) $$;
CREATE FUNCTION which_plpgsql() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN ml.predict('which', ROW(0), NULL::int); END $$;
CREATE FUNCTION which_stable() RETURNS int STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN ml.predict('which', ROW(0), NULL::int); END $$;
PREPARE which_prepared AS SELECT ml.predict('which', ROW(0), NULL::int);
PREPARE which_asked (text) AS SELECT ml.predict($1, ROW(0), NULL::int);
CREATE VIEW all_ways AS SELECT ml.predict('which', ROW(0), NULL::int) AS direct, which() AS by_sql, which_plpgsql() AS by_plpgsql, which_stable() AS by_stable;
SELECT which('which/1'), which('which/2'), which('which/3');
TABLE all_ways;
EXECUTE which_prepared;
SELECT ml.deploy('which', 2);
TABLE all_ways;
EXECUTE which_prepared;
SELECT ml.rollback('which');
EXECUTE which_prepared;
TABLE all_ways;
SET plan_cache_mode = force_generic_plan;
EXECUTE which_prepared;
SELECT ml.deploy('which', 3);
EXECUTE which_prepared;
EXECUTE which_asked ('which');
EXECUTE which_asked ('which/2');
RESET plan_cache_mode;
SELECT ml.set_alias('which', 'challenger', 1);
EXECUTE which_asked ('which@challenger');
SELECT ml.set_alias('which', 'challenger', 2);
EXECUTE which_asked ('which@challenger');
SELECT ml.drop_alias('which', 'challenger');
EXECUTE which_asked ('which@challenger');
SELECT ml.deploy('which', 1);

-- Transactions that are rolled back, as a whole and in part.
BEGIN;
SELECT ml.deploy('which', 2);
TABLE all_ways;
EXECUTE which_prepared;
ROLLBACK;
TABLE all_ways;
EXECUTE which_prepared;
BEGIN;
SAVEPOINT s;
SELECT ml.deploy('which', 2);
TABLE all_ways;
ROLLBACK TO s;
TABLE all_ways;
SELECT ml.deploy('which', 3);
RELEASE s;
TABLE all_ways;
ROLLBACK;
TABLE all_ways;

-- One statement, one version: the function that deploys is seen by later statements only.
CREATE FUNCTION deploying(v int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM ml.deploy('which', v); RETURN v; END $$;
SELECT array_agg(ml.predict('which', ROW(x), NULL::int)) FROM (SELECT CASE WHEN i = 3 THEN deploying(2) * 0 ELSE 0 END AS x FROM generate_series(1, 6) i OFFSET 0) q;
TABLE all_ways;
SELECT ml.rollback('which');

-- The same expression of a function again and again: after a deployment, after one that was rolled back, in every isolation level.
CREATE FUNCTION wandering() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	said text := which_plpgsql();
BEGIN
	BEGIN
		PERFORM ml.deploy('which', 2);
		said := said || which_plpgsql();
		RAISE EXCEPTION 'undo';
	EXCEPTION WHEN raise_exception THEN
		said := said || which_plpgsql();
	END;
	FOR v IN REVERSE 3..1 LOOP
		PERFORM ml.deploy('which', v);
		said := said || which_plpgsql() || ml.predict('which', ROW(0), NULL::int) || which_stable() || which();
	END LOOP;
	RETURN said;
END
$$;
SELECT wandering();
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT wandering();
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT wandering();
ROLLBACK;
TABLE all_ways;

-- A cursor keeps to the version of its snapshot.
BEGIN;
DECLARE c CURSOR FOR SELECT ml.predict('which', ROW(i * 0), NULL::int) FROM generate_series(1, 3) i;
DECLARE d CURSOR WITH HOLD FOR SELECT ml.predict('which', ROW(i * 0), NULL::int) FROM generate_series(1, 2) i;
FETCH 1 FROM c;
SELECT ml.deploy('which', 2);
FETCH 1 FROM c;
SELECT which();
FETCH ALL FROM c;
COMMIT;
FETCH ALL FROM d;
CLOSE d;
SELECT ml.rollback('which');

-- Read-only transactions, CREATE TABLE AS, INSERT ... SELECT, generated EXPLAIN, no rows, an index, a trigger.
BEGIN READ ONLY;
SELECT which(), (SELECT count(ml.probability('sound', p)) FROM parts p) AS scored;
COMMIT;
CREATE TABLE scored AS SELECT id, ml.predict('price', p) AS price, ml.predict('grade', p, NULL::text) AS grade FROM parts p;
SELECT count(*), sum(s.price)::numeric(20, 6) = e.s AS same FROM scored s, expected e GROUP BY e.s;
INSERT INTO scored SELECT id + 1000, ml.predict('price', p), 'again' FROM parts p;
SELECT count(*), count(DISTINCT price) = (SELECT count(DISTINCT ml.predict('price', p)) FROM parts p) AS same FROM scored;
CREATE MATERIALIZED VIEW scores AS SELECT id, ml.predict('price', p) AS price FROM parts p;
REFRESH MATERIALIZED VIEW scores;
SELECT sum(s.price)::numeric(20, 6) = e.s AS same FROM scores s, expected e GROUP BY e.s;
SELECT count(ml.predict('price', p)), count(ml.probabilities('grade', p)) FROM parts p WHERE false;
-- A model that does not exist is no matter where no row is scored.
SELECT count(ml.predict('nobody', p)) FROM parts p WHERE id < 0;
-- EXPLAIN shows the call; without ANALYZE nothing is scored, not even by a model that does not exist.
CREATE FUNCTION shows(explain text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found boolean := false;
BEGIN
	FOR line IN EXECUTE explain LOOP
		found := found OR line ~ 'ml\.predict(_columns)?\(''[a-z]+''::text, (p\.\*|NULL::double precision, )';
	END LOOP;
	RETURN found;
END
$$;
SELECT shows('EXPLAIN SELECT 1 FROM parts p WHERE ml.predict(''plain'', p) > 5'), shows('EXPLAIN (VERBOSE) SELECT ml.predict(''nobody'', p) FROM parts p'),
	shows('EXPLAIN (ANALYZE, VERBOSE) SELECT ml.predict(''plain'', p) FROM parts p');
SELECT shows('EXPLAIN ANALYZE SELECT ml.predict(''nobody'', p) FROM parts p');
CREATE INDEX ON parts (ml.predict('plain', ARRAY[width, height]));
CREATE FUNCTION estimate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.price := ml.predict('price', NEW); RETURN NEW; END $$;
CREATE TRIGGER estimate BEFORE INSERT OR UPDATE ON parts FOR EACH ROW WHEN (NEW.price IS NULL) EXECUTE FUNCTION estimate();
INSERT INTO parts (id, width, height, painted, stuff, shape) SELECT id + 1000, width, height, painted, stuff, shape FROM parts WHERE id <= 3;
SELECT a.id, a.price = ml.predict('price', b) AS same FROM parts a JOIN parts b ON a.id = b.id + 1000 ORDER BY a.id;
DELETE FROM parts WHERE id > 1000;
CREATE FUNCTION priced(p parts) RETURNS float8 LANGUAGE sql STABLE AS $$ SELECT ml.predict('price', p) $$;
SELECT sum(p.priced)::numeric(20, 6) = e.s AS same FROM parts p, expected e GROUP BY e.s;
SELECT sum(priced(p))::numeric(20, 6) = e.s AS same FROM parts p, expected e GROUP BY e.s;
SELECT id FROM parts p ORDER BY ml.predict('price', p) DESC, id LIMIT 3;
SELECT id, rank() OVER (ORDER BY ml.predict('price', p)) FROM parts p ORDER BY 2, 1 LIMIT 3;
ALTER TABLE scored ADD CHECK (price < ml.predict('plain', ARRAY[1000, 0]));

-- The marks, and a parallel plan that is forced.
SELECT proname, provolatile, proparallel, procost FROM pg_proc WHERE pronamespace = 'ml'::regnamespace AND proname IN ('predict', 'probability', 'probabilities') ORDER BY 1;
DO $$
BEGIN
	-- The setting has another name before 16.
	PERFORM set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'on', false);
END
$$;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION in_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		IF line ~ 'Gather' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END
$$;
SELECT in_parallel('SELECT sum(ml.predict(''price'', p)), count(ml.probabilities(''grade'', p)), max(ml.probability(''sound'', p)) FROM parts p');
SELECT sum(ml.predict('price', p))::numeric(20, 6) = (SELECT s FROM expected) AS same, count(ml.probabilities('grade', p)), max(ml.probability('sound', p)) < 1 AS sound FROM parts p;
SELECT ml.predict('which', ROW(0), NULL::int), count(*) FROM parts GROUP BY 1;
-- A deployment of the same transaction is seen in workers.
BEGIN;
SELECT ml.deploy('which', 2);
SELECT DISTINCT ml.predict('which', ROW(id * 0), NULL::int) FROM parts;
ROLLBACK;
SELECT DISTINCT ml.predict('which', ROW(id * 0), NULL::int) FROM parts;
CREATE TABLE scored_in_parallel AS SELECT id, ml.predict('price', p) AS price FROM parts p;
SELECT count(*) FROM scored_in_parallel a JOIN scores b USING (id) WHERE a.price = b.price;
RESET ALL;
SET lc_messages = 'C';

-- Rights: asked at every statement, of whoever asks, with the model in the cache.
GRANT SELECT ON parts TO regress_ml_scorer, regress_ml_other;
DO $$BEGIN PERFORM ml.set_owner(model, (CASE model WHEN 'grade' THEN 'regress_ml_other' ELSE 'regress_ml_keeper' END)::regrole) FROM (SELECT m.model FROM ml.models m OFFSET 0) s; END$$;
PREPARE scoring AS SELECT count(ml.predict('which', ROW(id * 0))) FROM parts;
SET ROLE regress_ml_scorer;
EXECUTE scoring;
SELECT ml.predict('which', ROW(0));
SELECT ml.probability('sound', p) FROM parts p LIMIT 1;
SELECT ml.probabilities('sound', p) FROM parts p LIMIT 1;
RESET ROLE;
SELECT ml.grant('which', 'use', 'regress_ml_scorer');
SET ROLE regress_ml_scorer;
EXECUTE scoring;
SELECT which();
-- The right to score is no right to the table of artifacts, or to train or deploy.
SELECT count(*) FROM ml.versions;
SELECT ml.deploy('which', 2);
RESET ROLE;
SELECT ml.revoke('which', 'use', 'regress_ml_scorer');
SET ROLE regress_ml_scorer;
EXECUTE scoring;
RESET ROLE;
EXECUTE scoring;
-- Revoked in the same transaction, between the rows of a cursor, and by the function itself.
SELECT ml.grant('which', 'use', 'regress_ml_scorer');
BEGIN;
SET LOCAL ROLE regress_ml_scorer;
DECLARE c CURSOR FOR SELECT ml.predict('which', ROW(i * 0), NULL::int) FROM generate_series(1, 3) i;
FETCH 1 FROM c;
SET LOCAL ROLE regress_ml_other;
FETCH 1 FROM c;
ROLLBACK;
BEGIN;
SELECT ml.revoke('which', 'use', 'regress_ml_scorer');
SET LOCAL ROLE regress_ml_scorer;
EXECUTE scoring;
ROLLBACK;
SET ROLE regress_ml_scorer;
EXECUTE scoring;
RESET ROLE;
-- A function that runs as its definer scores with the definer's rights; one that does not, with the caller's.
CREATE FUNCTION lent() RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN ml.predict('which', ROW(0), NULL::int); END $$;
CREATE VIEW shown AS SELECT ml.predict('which', ROW(0), NULL::int) AS answer;
GRANT SELECT ON shown TO regress_ml_other;
SET ROLE regress_ml_other;
SELECT lent();
SELECT * FROM shown;
SELECT which_plpgsql();
SELECT lent();
-- The owner needs no grant.
SELECT ml.predict('grade', p, NULL::text) FROM parts p WHERE id = 1;
RESET ROLE;

-- What the learner sees of a row: needs the right to read, scores and counts nothing.
SELECT ml.transform('price', p) FROM parts p WHERE id IN (1, 3) ORDER BY id;
SELECT ml.transform('price', '{"width": null, "height": "NaN", "painted": true, "stuff": "?", "shape": null}'::jsonb);
SELECT ml.transform('plain', ROW(1, 2)), ml.transform('plain', ARRAY[1, 2]), ml.transform('plain', NULL::jsonb), ml.transform(NULL, ROW(1, 2));
SELECT ml.transform('plain', ROW(1));
SELECT ml.transform('plain', 1);
SELECT ml.grant('plain', 'use', 'regress_ml_scorer');
SET ROLE regress_ml_scorer;
SELECT ml.predict('plain', ROW(1, 2)) IS NOT NULL AS scores;
SELECT ml.transform('plain', ROW(1, 2));
RESET ROLE;

-- A model that was dropped and made again under its name is the new one.
SELECT ml.undeploy('which', 'production');
SELECT which();
SELECT ml.drop_model('which');
EXECUTE scoring;
SELECT version FROM ml.train('which', 'SELECT 7 + (i - 5.5) * 0.001 AS y, i - 5.5 AS x FROM generate_series(1, 10) i', 'y', 'linear_regression', split => '{"method": "none"}');
TABLE all_ways;
-- With next to no room for decoded models the answers are the same.
SET pg_mlops.cache_memory = '64kB';
SELECT sum(ml.predict('price', p))::numeric(20, 6) = e.s AS same, count(ml.predict('stars', p)), count(ml.predict('shape', p, ''::text)), count(ml.probabilities('grade', p)) FROM parts p, expected e GROUP BY e.s;
RESET pg_mlops.cache_memory;

\c postgres
DROP DATABASE regress_ml_predict;
DROP ROLE regress_ml_scorer;
DROP ROLE regress_ml_other;
DROP ROLE regress_ml_keeper;
