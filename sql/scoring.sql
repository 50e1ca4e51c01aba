-- Scoring a whole row: the planner hands its columns over one by one, and nothing else may change by that.
CREATE ROLE regress_ml_part;
CREATE ROLE regress_ml_whole;
CREATE DATABASE regress_ml_scoring TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_scoring
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET TIME ZONE 'UTC';
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_whole;

-- Whether a query's plan takes rows apart.
CREATE FUNCTION apart(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found boolean := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (VERBOSE, COSTS OFF) ' || query LOOP
		found := found OR line ~ 'ml\.(predict|probability|probabilities)_columns\(';
	END LOOP;
	RETURN found;
END
$$;
-- The bits of a score.
CREATE FUNCTION bits(float8) RETURNS bytea LANGUAGE sql IMMUTABLE STRICT RETURN float8send($1);

CREATE DOMAIN length AS float8 CHECK (VALUE > -100);
CREATE TYPE wood AS ENUM ('oak', 'pine', 'fir');
CREATE TABLE planks (gone int, id int PRIMARY KEY, width length, note jsonb, height int, also_gone text, wood wood, place point,
	weight numeric(10, 3), cut date, maker text, area float8 GENERATED ALWAYS AS (width * height) STORED, price float8, sound boolean);
INSERT INTO planks (gone, id, width, note, height, also_gone, wood, place, weight, cut, maker, price, sound)
	SELECT 1, i, CASE WHEN i % 19 > 0 THEN i * 37 % 101 / 7.0::float8 END, '{"a": 1}', CASE WHEN i % 23 > 0 THEN i * 53 % 89 END, 'x',
		(ARRAY['oak', 'pine', 'fir'])[i % 3 + 1]::wood, point(i, i), i * 71 % 97 / 3.0, date '2020-01-01' + i * 31 % 500,
		CASE i % 4 WHEN 0 THEN repeat('smith', 1000) WHEN 1 THEN 'jones' WHEN 2 THEN NULL ELSE 'clark' END, i * 7 % 43 + i % 3 * 5 + i % 4 * 3, i * 31 % 17 > 7
	FROM generate_series(1, 300) i;
ALTER TABLE planks DROP COLUMN gone, DROP COLUMN also_gone, ADD COLUMN later float8 DEFAULT 2.5;
INSERT INTO planks (id, width, height, wood, weight, cut, maker, price, sound, later) SELECT 1000 + id, -width, height, wood, weight, cut, maker, price, sound, id FROM planks;
SELECT version, features FROM ml.train('price', 'planks', 'price', 'linear_regression', exclude => '{sound}', split => '{"method": "none"}');
SELECT version, features FROM ml.train('plain', 'SELECT coalesce(width, 0) AS width, coalesce(later, 0) AS later, price FROM planks', 'price',
	'linear_regression', pipeline => '[]', split => '{"method": "none"}');
SELECT version, features FROM ml.train('sound', 'planks', 'sound', 'logistic_regression', exclude => '{price}', split => '{"method": "none"}');
SELECT version, features FROM ml.train('wood', 'planks', 'wood', 'logistic_regression', exclude => '{price,sound}', split => '{"method": "none"}');

-- Every function takes rows apart, and gives the bits that the row as a value gives.
SELECT apart($$SELECT ml.predict('price', p) FROM planks p$$), apart($$SELECT ml.predict('wood', p, NULL::text) FROM planks p$$),
	apart($$SELECT ml.probability('sound', p) FROM planks p$$), apart($$SELECT ml.probability('sound', p, 'false') FROM planks p$$),
	apart($$SELECT ml.probabilities('wood', p) FROM planks p$$), apart($$SELECT 1 FROM planks p WHERE ml.predict('price', p) > 5 ORDER BY ml.probability('sound', p)$$),
	apart($$SELECT ml.predict(features => planks, model => 'price') FROM planks$$), apart($$SELECT ml.predict('price', (SELECT p)) FROM planks p$$);
SELECT count(*), count(*) FILTER (WHERE bits(ml.predict('price', p)) = bits(ml.predict('price', (SELECT p)))) AS value,
	count(*) FILTER (WHERE ml.predict('wood', p, NULL::wood) = ml.predict('wood', (SELECT p), NULL::wood)) AS label,
	count(*) FILTER (WHERE bits(ml.probability('sound', p)) = bits(ml.probability('sound', (SELECT p)))) AS positive,
	count(*) FILTER (WHERE bits(ml.probability('sound', p, 'false')) = bits(ml.probability('sound', (SELECT p), 'false'))) AS negative,
	count(*) FILTER (WHERE ml.probabilities('wood', p) = ml.probabilities('wood', (SELECT p))) AS all_classes,
	count(*) FILTER (WHERE ml.predict('price', p, NULL::numeric) = ml.predict('price', (SELECT p), NULL::numeric)) AS "numeric"
	FROM planks p;
SELECT count(*), count(*) FILTER (WHERE bits(ml.predict('price', p)) = bits(ml.predict('price', to_jsonb(p)))) AS same FROM planks p;
SELECT sum(ml.predict('price', p.*)) = sum(ml.predict('price', (SELECT p))) AS same FROM planks p;
SELECT ml.predict(NULL, p) IS NULL AS model, ml.probability(NULL, p) IS NULL AS model, ml.probabilities(NULL, p) IS NULL AS model,
	ml.predict('price', p, 1::float8) = ml.predict('price', p) AS result FROM planks p WHERE id = 1;

-- Numbers that are missing or infinite, one column and all of them.
CREATE TABLE numbers (id int, width float8, later float8);
INSERT INTO numbers VALUES (1, 1, 2), (2, 'NaN', 2), (3, NULL, 2), (4, 'Infinity', 2), (5, 1, '-Infinity'), (6, 1.5, 2), (7, -0.0, 1e300), (8, 1e308, 1e308);
CREATE FUNCTION says(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
	detail text;
	hint text;
BEGIN
	EXECUTE query INTO answer;
	RETURN coalesce(answer, 'NULL');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS answer = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN SQLSTATE || ': ' || answer || ' / ' || detail || ' / ' || hint;
END
$$;
SELECT apart($$SELECT ml.predict('plain', n) FROM numbers n$$);
SELECT i, says(format('SELECT bits(ml.predict(''plain'', n)) FROM numbers n WHERE id = %s', i)),
	says(format('SELECT bits(ml.predict(''plain'', n)) FROM numbers n WHERE id = %s', i)) = says(format('SELECT bits(ml.predict(''plain'', (SELECT n))) FROM numbers n WHERE id = %s', i)) AS same
	FROM generate_series(1, 8) i;
SELECT i, says(format('SELECT bits(ml.predict(''plain'', ARRAY[width, later])) FROM numbers n WHERE id = %s', i)) = says(format('SELECT bits(ml.predict(''plain'', n)) FROM numbers n WHERE id = %s', i)) AS same
	FROM generate_series(1, 8) i;

-- A row that misses nothing need not be filled.
SELECT version FROM ml.train('steady', 'SELECT id * 0.1::float8 AS width, id % 7 * 1.5::float8 AS later, price FROM planks', 'price', 'linear_regression', split => '{"method": "none"}');
SELECT version FROM ml.train('holes', 'SELECT id * 0.1::float8 AS width, nullif(id % 7, 3) * 1.5::float8 AS later, sound FROM planks', 'sound', 'logistic_regression', split => '{"method": "none"}');
SELECT version FROM ml.train('scaled', 'SELECT id * 0.1::float8 AS width, id % 7 * 1.5::float8 AS later, sound FROM planks', 'sound', 'logistic_regression', split => '{"method": "none"}');
SELECT count(*), count(*) FILTER (WHERE bits(ml.predict('steady', n)) = ALL (ARRAY[bits(ml.predict('steady', (SELECT n))), bits(ml.predict('steady', ARRAY[width, later]))])) AS filled,
	count(*) FILTER (WHERE bits(ml.probability('holes', n)) = ALL (ARRAY[bits(ml.probability('holes', (SELECT n))), bits(ml.probability('holes', ARRAY[width, later]))])) AS with_indicator,
	count(*) FILTER (WHERE bits(ml.probability('scaled', n)) = ALL (ARRAY[bits(ml.probability('scaled', (SELECT n))), bits(ml.probability('scaled', ARRAY[width, later]))])) AS standardised
	FROM numbers n WHERE id NOT IN (4, 5);

DO $$ BEGIN
	EXECUTE (SELECT format('CREATE TABLE gappy AS SELECT id AS y, %s FROM planks', string_agg(format('nullif(id * %s %% 97, %s)::float8 AS x%s', 3 * i + 1, i, i), ', ')) FROM generate_series(1, 40) i);
END $$;
SELECT version FROM ml.train('gappy', 'gappy', 'y', 'linear_regression', params => '{"l2": 1}', split => '{"method": "none"}');
SELECT count(*), count(*) FILTER (WHERE bits(ml.predict('gappy', g)) = bits(ml.predict('gappy', (SELECT g)))) AS with_indicators, count(*) FILTER (WHERE g IS NOT NULL) > 0 AS some_complete FROM gappy g;

-- Errors are those of the row, columns of any type included.
CREATE TABLE bad AS SELECT 1.5::float8 AS width, 2.5::float8 AS latter, jsonb '{}' AS later_still FROM generate_series(1, 2);
CREATE TABLE worse AS SELECT jsonb '{}' AS width, 2.5::float8 AS later;
CREATE TABLE worst AS SELECT 'a'::text AS width, 2.5::float8 AS later;
SELECT t, apart(format('SELECT ml.predict(''plain'', b) FROM %s b', t)), says(format('SELECT ml.predict(''plain'', b) FROM %s b', t)),
	says(format('SELECT ml.predict(''plain'', b) FROM %s b', t)) = says(format('SELECT ml.predict(''plain'', (SELECT b)) FROM %s b', t)) AS same
	FROM unnest('{bad,worse,worst}'::text[]) t;
SELECT m, says(format('SELECT ml.predict(%L, p) FROM planks p', m)) = says(format('SELECT ml.predict(%L, (SELECT p)) FROM planks p', m)) AS same FROM unnest('{nobody,price/7,wood,price}'::text[]) m;
SELECT says($$SELECT ml.probability('price', p) FROM planks p$$), says($$SELECT ml.probabilities('price', p) FROM planks p$$), says($$SELECT ml.probability('wood', p) FROM planks p$$);
SELECT count(ml.predict('nobody', p)) FROM planks p WHERE id < 0;

-- Rows that an outer join makes up are NULL, whichever side and depth; the others are taken apart.
CREATE TABLE orders AS SELECT i AS id, i % 7 AS kind FROM generate_series(290, 310) i;
SELECT o.id, ml.predict('price', p) IS NULL AS unmatched FROM orders o LEFT JOIN planks p USING (id) WHERE o.id BETWEEN 299 AND 302 ORDER BY 1;
SELECT o.id, ml.predict('price', p) IS NULL AS unmatched FROM planks p RIGHT JOIN orders o USING (id) WHERE o.id BETWEEN 299 AND 302 ORDER BY 1;
SELECT o.id, ml.predict('price', p) IS NULL AS unmatched FROM planks p FULL JOIN orders o ON o.id = p.id WHERE o.id BETWEEN 299 AND 302 ORDER BY 1;
SELECT o.id, ml.predict('price', p) IS NULL AS unmatched FROM orders o LEFT JOIN (orders q JOIN planks p ON p.id = q.id) ON o.id = q.id WHERE o.id BETWEEN 299 AND 302 ORDER BY 1;
SELECT o.id, ml.predict('price', s) IS NULL AS unmatched FROM orders o LEFT JOIN (SELECT * FROM planks p) s ON o.id = s.id WHERE o.id BETWEEN 299 AND 302 ORDER BY 1;
SELECT o.id, s.score IS NULL AS unmatched FROM orders o LEFT JOIN (SELECT id, ml.predict('price', p) AS score FROM planks p) s ON o.id = s.id WHERE o.id BETWEEN 299 AND 302 ORDER BY 1;
SELECT o.id, s.score IS NULL AS unmatched FROM orders o LEFT JOIN LATERAL (SELECT ml.predict('price', p) AS score FROM planks p WHERE p.id = o.id) s ON true WHERE o.id BETWEEN 299 AND 302 ORDER BY 1;
SELECT apart($$SELECT ml.predict('price', p) FROM orders o LEFT JOIN planks p USING (id)$$) AS nullable, apart($$SELECT ml.predict('price', p) FROM planks p LEFT JOIN orders o USING (id)$$) AS preserved,
	apart($$SELECT ml.predict('price', p) FROM planks p FULL JOIN orders o ON o.id = p.id$$) AS "full", apart($$SELECT ml.predict('price', p) FROM planks p JOIN orders o USING (id)$$) AS "inner",
	apart($$SELECT ml.predict('price', p) FROM orders o, planks p WHERE EXISTS (SELECT FROM orders q WHERE q.id = p.id)$$) AS semi,
	apart($$SELECT s.score FROM orders o LEFT JOIN (SELECT p.id, ml.predict('price', p) AS score FROM planks p, orders q WHERE p.id = q.id) s ON o.id = s.id$$) AS below;
SELECT sum(ml.predict('price', p)) = sum(ml.predict('price', (SELECT p))) AS same FROM planks p LEFT JOIN orders o USING (id);

-- A row of the query around is not one of the query itself.
SELECT count(*) FILTER (WHERE bits((SELECT ml.predict('price', p) FROM planks q WHERE q.id = 1)) = bits(ml.predict('price', (SELECT p)))) = count(*) AS same FROM planks p;

-- Grouping sets put NULL in a column and not in the row.
SELECT p.id, p.later IS NULL AS rolled_up, bits(ml.predict('price', p)) = bits((SELECT ml.predict('price', q) FROM planks q WHERE q.id = p.id)) AS same
	FROM planks p WHERE p.id < 3 GROUP BY GROUPING SETS ((p.id), (p.id, p.later)) ORDER BY 1, 2;
SELECT p.id, bits(ml.predict('price', p)) = bits(ml.predict('price', (SELECT q FROM planks q WHERE q.id = p.id))) AS same FROM planks p WHERE p.id < 3 GROUP BY p.id ORDER BY 1;

SELECT count(*), count(*) FILTER (WHERE s IN (SELECT bits(ml.predict('plain', (SELECT m))) FROM numbers m WHERE id IN (1, 6))) AS same FROM (SELECT bits(ml.predict('plain', n)) AS s FROM numbers n WHERE id IN (1, 6) GROUP BY n) q;
SELECT count(*) FROM (SELECT ml.predict('plain', n) FROM numbers n WHERE id IN (1, 6) GROUP BY ml.predict('plain', n) HAVING ml.predict('plain', n) IS NOT NULL) q;

-- Views, subqueries, CTEs, VALUES, column aliases, joins with a name.
CREATE VIEW glance AS SELECT wood, cut, maker, weight, height, width, area, later, note FROM planks;
CREATE VIEW guarded WITH (security_barrier) AS SELECT * FROM planks WHERE id < 200;
CREATE VIEW stacked AS SELECT * FROM glance WHERE height > 10;
CREATE VIEW scored AS SELECT p.id, ml.predict('price', p) AS score FROM planks p;
CREATE FUNCTION same(what text) RETURNS TABLE (taken_apart boolean, n bigint, differ bigint) LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE format('SELECT apart(%L), count(*), count(*) FILTER (WHERE bits(ml.predict(''price'', r)) IS DISTINCT FROM bits(ml.predict(''price'', (SELECT r)))) FROM %s',
		'SELECT ml.predict(''price'', r) FROM ' || what, what);
END
$$;
SELECT what, s.* FROM unnest(ARRAY['planks r', 'glance r', 'guarded r', 'stacked r', '(SELECT * FROM planks) r', '(SELECT * FROM planks ORDER BY id LIMIT 20) r',
	'(SELECT * FROM planks OFFSET 0) r', '(SELECT DISTINCT ON (wood) * FROM planks ORDER BY wood, id) r', '(SELECT * FROM planks UNION ALL SELECT * FROM planks) r',
	'planks AS r (a, b, c)', 'glance AS r (a, b, c)', '(planks JOIN orders USING (id)) r', '(SELECT p.*, o.kind FROM planks p JOIN orders o USING (id)) r',
	'(SELECT r FROM planks r) q', '(SELECT r, random() FROM planks r) q',
	'(VALUES (1.5, 2, date ''2020-01-01'', ''oak'', ''jones'', 3.5, 3.0, 2.5)) r (width, height, cut, wood, maker, weight, area, later)',
	'jsonb_populate_recordset(NULL::planks, jsonb_build_array(''{"width": 1, "height": 2}''::jsonb)) r', 'planks r TABLESAMPLE system (100)']) what, LATERAL same(what) s;
WITH q AS MATERIALIZED (SELECT * FROM planks) SELECT count(*) FILTER (WHERE bits(ml.predict('price', q)) IS DISTINCT FROM bits(ml.predict('price', (SELECT q)))) AS differ FROM q;
WITH q AS (SELECT * FROM planks) SELECT count(*) FILTER (WHERE bits(ml.predict('price', q)) IS DISTINCT FROM bits(ml.predict('price', (SELECT q)))) AS differ FROM q;
SELECT sum(score) = (SELECT sum(ml.predict('price', (SELECT p))) FROM planks p) AS same FROM scored;
-- A row of a table's type that is written out, here and where the table is not.
SELECT bits(ml.predict('plain', ROW(1, 2.5, 3)::numbers)) = bits(ml.predict('plain', ROW(2.5, 3))) AS same FROM numbers WHERE id = 1;
SELECT bits(ml.predict('plain', ROW(1, 2.5, 3)::numbers)) = bits(ml.predict('plain', ROW(2.5, 3))) AS same;
-- The names of ROW(...) are no names, and those of f1, f2 are names only if the model has them.
SELECT apart($$SELECT ml.predict('plain', ROW(width, later)) FROM planks$$) AS "row", apart($$SELECT ml.predict('plain', q) FROM (SELECT width AS f1, later AS f2 FROM planks) q$$) AS effs;
SELECT bits(ml.predict('plain', q)) = bits(ml.predict('plain', ROW(1.5, 2))) AS by_position FROM (SELECT 1.5 AS f1, 2 AS f2) q;
SELECT bits(ml.predict('plain', q)) = bits(ml.predict('plain', ROW(1.5, 2))) AS by_name FROM (SELECT 2 AS later, 1.5 AS width) q;

-- Statements that write, rules of rows, triggers, PL/pgSQL.
CREATE TABLE scores (id int, score float8);
CREATE TABLE box (LIKE planks INCLUDING GENERATED);
INSERT INTO box (id, width, height, wood, weight, cut, maker) SELECT id, width, height, wood, weight, cut, maker FROM planks WHERE id < 50;
WITH u AS (UPDATE box b SET width = width + 1 WHERE id < 10 RETURNING id, ml.predict('price', b) AS score) INSERT INTO scores SELECT * FROM u;
SELECT count(*), count(*) FILTER (WHERE bits(score) = bits(ml.predict('price', (SELECT b)))) AS same FROM scores JOIN box b USING (id);
TRUNCATE scores;
WITH i AS (INSERT INTO box (id, width, height, wood, maker) VALUES (100, 3, 4, 'fir', 'jones'), (101, 5, NULL, NULL, NULL) RETURNING id, ml.predict('price', box) AS score) INSERT INTO scores SELECT * FROM i;
SELECT count(*), count(*) FILTER (WHERE bits(score) = bits(ml.predict('price', (SELECT b)))) AS same FROM scores JOIN box b USING (id);
TRUNCATE scores;
CREATE TABLE kept AS TABLE box;
WITH d AS (DELETE FROM box b USING orders o WHERE b.id >= 100 AND o.id = 290 RETURNING b.id, ml.predict('price', b) AS score) INSERT INTO scores SELECT * FROM d;
SELECT count(*), count(*) FILTER (WHERE bits(score) = bits(ml.predict('price', (SELECT b)))) AS same FROM scores JOIN kept b USING (id);
MERGE INTO box b USING orders o ON b.id = o.id - 285 WHEN MATCHED AND ml.predict('price', b) < 1e9 THEN UPDATE SET price = ml.predict('price', b);
SELECT count(*), count(*) FILTER (WHERE bits(price) = bits(ml.predict('price', (SELECT b)))) AS same FROM box b WHERE price IS NOT NULL;
MERGE INTO box b USING (SELECT p.id, ml.predict('price', p) AS score FROM planks p WHERE id BETWEEN 45 AND 60) s ON b.id = s.id WHEN NOT MATCHED THEN INSERT (id, price) VALUES (s.id, s.score);
SELECT count(*), count(*) FILTER (WHERE bits(b.price) = bits(ml.predict('price', (SELECT p)))) AS same FROM box b JOIN planks p USING (id) WHERE b.id BETWEEN 50 AND 60;
SELECT apart($$INSERT INTO box (id) VALUES (1) RETURNING ml.predict('price', box)$$) AS "insert", apart($$UPDATE box SET id = id RETURNING ml.predict('price', box)$$) AS "update",
	apart($$DELETE FROM box RETURNING ml.predict('price', box)$$) AS "delete";
CREATE FUNCTION scores_itself() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.price := ml.predict('price', NEW); RETURN NEW; END $$;
CREATE TRIGGER scores_itself BEFORE INSERT ON kept FOR EACH ROW EXECUTE FUNCTION scores_itself();
INSERT INTO kept (id, width, height, wood) VALUES (200, 1, 2, 'oak'), (201, NULL, NULL, NULL);
SELECT count(*) FILTER (WHERE bits(price) = bits(ml.predict('price', k))) AS same FROM kept k WHERE id >= 200;
CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO scores SELECT n.id, ml.predict('price', n) FROM seen n;
	RETURN NULL;
END
$$;
CREATE TRIGGER changed AFTER INSERT ON kept REFERENCING NEW TABLE AS seen FOR EACH STATEMENT EXECUTE FUNCTION changed();
TRUNCATE scores;
INSERT INTO kept (id, width, height, wood) VALUES (300, 1, 2, 'oak'), (301, NULL, 3, NULL);
SELECT count(*), count(*) FILTER (WHERE bits(score) = bits(ml.predict('price', k))) AS same FROM scores JOIN kept k USING (id);
CREATE TABLE checked (width float8, later float8);
ALTER TABLE checked ADD CHECK (ml.predict('plain', checked) > -1e6);
INSERT INTO checked VALUES (1, 2);
INSERT INTO checked VALUES (1e300, 1e300);
SET constraint_exclusion = on;
SELECT count(*) FROM planks p, checked c WHERE c.width > 5;
SELECT count(*) FROM checked c, planks p WHERE c.width > 5;
RESET constraint_exclusion;
CREATE FUNCTION one(p planks) RETURNS float8 STABLE LANGUAGE sql AS $$ SELECT ml.predict('price', p) $$;
SELECT apart('SELECT one(p) FROM planks p'), sum(one(p)) = sum(ml.predict('price', (SELECT p))) AS same FROM planks p;
CREATE FUNCTION looping() RETURNS SETOF boolean LANGUAGE plpgsql AS $$
DECLARE
	p planks;
	looped float8 := 0;
	queried float8 := 0;
BEGIN
	FOR p IN SELECT * FROM planks ORDER BY id LOOP
		looped := looped + ml.predict('price', p);
		queried := queried + (SELECT ml.predict('price', q) FROM planks q WHERE q.id = p.id);
	END LOOP;
	RETURN NEXT looped = queried;
END
$$;
SELECT looping();

-- Partitions and inheritance: children have their columns in another order, and more of them.
CREATE TABLE parted (later float8, x text, width float8, k int) PARTITION BY LIST (k);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (k int, gone text, width float8, later float8, x text);
ALTER TABLE parted_2 DROP COLUMN gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
INSERT INTO parted SELECT i, 'x', i * 1.5, 1 + i % 2 FROM generate_series(1, 20) i;
CREATE TABLE parent (width float8, note text, later float8);
CREATE TABLE child (more int) INHERITS (parent);
ALTER TABLE parent DROP COLUMN note;
INSERT INTO parent SELECT i, i FROM generate_series(1, 5) i;
INSERT INTO child SELECT i, i, 3 FROM generate_series(1, 5) i;
SELECT apart($$SELECT ml.predict('plain', p) FROM parted p$$), count(*), count(*) FILTER (WHERE bits(ml.predict('plain', p)) = bits(ml.predict('plain', (SELECT p)))) AS same FROM parted p;
SELECT apart($$SELECT ml.predict('plain', p) FROM parent p$$), count(*), count(*) FILTER (WHERE bits(ml.predict('plain', p)) = bits(ml.predict('plain', (SELECT p)))) AS same FROM parent p;
WITH u AS (UPDATE parted p SET later = later + 1 RETURNING bits(ml.predict('plain', p)) = bits(ml.predict('plain', ROW(width, later))) AS same) SELECT same, count(*) FROM u GROUP BY 1;

-- More columns than a function has arguments.
CREATE FUNCTION widen(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE (SELECT format('CREATE TABLE %I AS SELECT 1.5::float8 AS width, 2.5::float8 AS later, ', 'wide_' || n) || string_agg(format('%s AS c%s', i, i), ', ') FROM generate_series(3, n) i);
END
$$;
SELECT count(widen(n)) FROM unnest('{97,98,99}'::int[]) n;
SELECT n, apart(format('SELECT ml.predict(''plain'', w) FROM wide_%s w', n)), says(format('SELECT bits(ml.predict(''plain'', w)) FROM wide_%s w', n)) = says('SELECT bits(ml.predict(''plain'', ROW(1.5, 2.5)))') AS same,
	apart(format('SELECT ml.probabilities(''sound'', w) FROM wide_%s w', n)) AS probabilities
	FROM unnest('{97,98,99}'::int[]) n;

-- Prepared statements stay right when the model, the table, its columns or the rights change.
SET plan_cache_mode = force_generic_plan;
CREATE TABLE moving AS SELECT i AS x, 'a'::text AS note FROM generate_series(1, 3) i;
SELECT version, deployed FROM generate_series(1, 2) v,
	LATERAL ml.train('which', format('SELECT %s + (i - 5.5) * 0.001 AS y, i - 5.5 AS x FROM generate_series(1, 10) i', v), 'y', 'linear_regression', split => '{"method": "none"}');
PREPARE moves AS SELECT ml.predict('which', m, NULL::int) AS version, count(*) FROM moving m GROUP BY 1;
PREPARE asked (text) AS SELECT ml.predict($1, m, NULL::int) AS version, count(*) FROM moving m GROUP BY 1;
CREATE FUNCTION moved() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT min(ml.predict('which', m, NULL::int)) FROM moving m); END $$;
EXECUTE moves; EXECUTE asked ('which/2'); SELECT moved();
SELECT ml.deploy('which', 2);
EXECUTE moves; EXECUTE asked ('which/1'); SELECT moved();
BEGIN;
SELECT ml.deploy('which', 1);
EXECUTE moves; SELECT moved();
ROLLBACK;
EXECUTE moves; SELECT moved();
SELECT version FROM ml.train('which', 'SELECT 3 + i * 0.001 AS y, i AS x, i % 3 AS z FROM generate_series(1, 10) i', 'y', 'linear_regression', features => '{x,z}', split => '{"method": "none"}', deploy => 'always');
EXECUTE moves;
SELECT says('SELECT moved()');
ALTER TABLE moving ADD COLUMN z int DEFAULT 1;
EXECUTE moves; SELECT moved();
ALTER TABLE moving DROP COLUMN note, ALTER COLUMN x TYPE float8;
EXECUTE moves; SELECT moved();
ALTER TABLE moving RENAME COLUMN z TO zz;
EXECUTE moves;
ALTER TABLE moving RENAME COLUMN zz TO z;
EXECUTE moves; SELECT moved();
ALTER TABLE moving DROP COLUMN z;
EXECUTE moves;
SELECT ml.deploy('which', 1);
EXECUTE moves; SELECT moved();
-- A view's columns may be renamed under a statement too, and those of a type.
CREATE VIEW window_on AS SELECT x, 5 AS z FROM moving;
PREPARE through AS SELECT ml.predict('which/3', w, NULL::int) AS version, count(*) FROM window_on w GROUP BY 1;
EXECUTE through;
ALTER VIEW window_on RENAME COLUMN z TO y;
EXECUTE through;
ALTER VIEW window_on RENAME COLUMN y TO z;
EXECUTE through;
CREATE TYPE pair AS (width float8, later float8);
CREATE FUNCTION of_pair(pair) RETURNS float8 STABLE LANGUAGE sql AS $$ SELECT ml.predict('plain', $1) $$;
PREPARE paired (float8, float8) AS SELECT bits(of_pair(ROW($1, $2))) = bits(ml.predict('plain', ROW($1, $2))) AS same;
EXECUTE paired (1.5, 2);
ALTER TYPE pair RENAME ATTRIBUTE width TO height;
EXECUTE paired (1.5, 2);

-- Rights: those on the columns, on the functions and on the model, asked for whoever executes.
CREATE TABLE closed AS SELECT 1.5::float8 AS width, 2::float8 AS later, 'secret'::text AS note;
GRANT SELECT (width, later) ON closed TO regress_ml_part;
GRANT SELECT ON closed TO regress_ml_whole;
SELECT ml.grant('plain', 'use', 'regress_ml_whole');
SELECT ml.grant('plain', 'use', 'regress_ml_part');
PREPARE reads AS SELECT bits(ml.predict('plain', c)) = bits(ml.predict('plain', ROW(1.5, 2))) AS same FROM closed c;
EXECUTE reads;
SET ROLE regress_ml_part;
EXECUTE reads;
SELECT ml.predict('plain', c) FROM closed c;
SELECT bits(ml.predict('plain', q)) = bits(ml.predict('plain', ROW(1.5, 2))) AS same FROM (SELECT width, later FROM closed) q;
SET ROLE regress_ml_whole;
EXECUTE reads;
RESET ROLE;
REVOKE SELECT (note) ON closed FROM regress_ml_whole;
REVOKE SELECT ON closed FROM regress_ml_whole;
SET ROLE regress_ml_whole;
EXECUTE reads;
RESET ROLE;
GRANT SELECT ON closed TO regress_ml_whole;
SELECT ml.revoke('plain', 'use', 'regress_ml_whole');
SET ROLE regress_ml_whole;
EXECUTE reads;
RESET ROLE;
SELECT ml.grant('plain', 'use', 'regress_ml_whole');
REVOKE EXECUTE ON FUNCTION ml.predict FROM PUBLIC;
SELECT apart($$SELECT ml.predict('plain', c) FROM closed c$$) AS now_that_some_may_not;
SET ROLE regress_ml_whole;
EXECUTE reads;
RESET ROLE;
GRANT EXECUTE ON FUNCTION ml.predict TO PUBLIC;
REVOKE EXECUTE ON FUNCTION ml.predict_columns FROM PUBLIC;
SET ROLE regress_ml_whole;
EXECUTE reads;
RESET ROLE;
GRANT EXECUTE ON FUNCTION ml.predict_columns TO PUBLIC;
SELECT apart($$SELECT ml.predict('plain', c) FROM closed c$$) AS now_that_all_may;
-- A condition does not get ahead of row security or of a view that is a barrier.
CREATE FUNCTION tell(float8) RETURNS boolean COST 1e-6 LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'seen'; RETURN true; END $$;
INSERT INTO closed VALUES (3, 4, 'hidden');
ALTER TABLE closed ENABLE ROW LEVEL SECURITY;
CREATE POLICY shown ON closed USING (note = 'secret');
SET ROLE regress_ml_whole;
SELECT count(*) FROM closed c WHERE tell(ml.predict('plain', c));
RESET ROLE;
CREATE VIEW barrier WITH (security_barrier) AS SELECT * FROM closed WHERE note = 'secret';
SELECT count(*) FROM barrier b WHERE tell(ml.predict('plain', b));
RESET plan_cache_mode;

-- Parallel plans give the bits of serial ones.
CREATE FUNCTION parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	found boolean := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		found := found OR line ~ 'Gather';
	END LOOP;
	RETURN found;
END
$$;
CREATE TABLE serial_scores AS SELECT id, ml.predict('price', p) AS score, ml.probabilities('wood', p) AS classes FROM planks p;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
SELECT parallel('CREATE TABLE parallel_scores AS SELECT id, ml.predict(''price'', p) AS score, ml.probabilities(''wood'', p) AS classes FROM planks p');
CREATE TABLE parallel_scores AS SELECT id, ml.predict('price', p) AS score, ml.probabilities('wood', p) AS classes FROM planks p;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;
SELECT count(*), count(*) FILTER (WHERE bits(s.score) = bits(p.score) AND s.classes = p.classes) AS same FROM serial_scores s JOIN parallel_scores p USING (id);

-- The planner knows what a model costs, and asks without failing: by version, alias and role, in every form of features.
CREATE FUNCTION cost(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END
$$;
SELECT version FROM ml.train('broad', (SELECT format('SELECT id AS y, %s FROM planks', string_agg(format('(id * %s %% 97)::float8 AS x%s', 3 * i + 1, i), ', ')) FROM generate_series(1, 80) i), 'y', 'linear_regression', params => '{"l2": 1}', split => '{"method": "none"}');
SELECT ml.set_alias('plain', 'champion', 1);
SELECT cost($$SELECT ml.predict('plain', p) FROM planks p$$) < cost($$SELECT ml.predict('price', p) FROM planks p$$) AS more_columns,
	cost($$SELECT ml.predict('price', p) FROM planks p$$) < cost($$SELECT ml.predict('broad', p) FROM planks p$$) AS many_more,
	cost($$SELECT ml.predict('plain', p) FROM planks p$$) < cost($$SELECT ml.predict('nobody', p) FROM planks p$$) AS less_than_declared,
	cost($$SELECT ml.predict('plain', p) FROM planks p$$) = ALL (ARRAY[cost($$SELECT ml.predict('plain/1', p) FROM planks p$$), cost($$SELECT ml.predict('plain@champion', p) FROM planks p$$)]) AS by_reference,
	cost($$SELECT ml.predict('plain', ARRAY[width, later]) FROM planks p$$) < cost($$SELECT ml.predict('plain', to_jsonb(p)) FROM planks p$$) AS by_form,
	cost($$SELECT ml.probability('wood', p, 'oak') FROM planks p$$) < cost($$SELECT ml.probabilities('wood', p) FROM planks p$$) AS by_function;
SELECT m, cost(format('SELECT ml.predict(%L, p) FROM planks p', m)) = cost('SELECT ml.predict(maker, p) FROM planks p') AS as_declared
	FROM unnest(ARRAY['nobody', 'plain/9', 'plain@nobody', 'plain/', '', repeat('x', 200), NULL]) m;
GRANT SELECT ON planks TO regress_ml_whole;
SET ROLE regress_ml_whole;
SELECT cost($$SELECT ml.predict('plain', p) FROM planks p$$) < cost($$SELECT ml.predict('price', p) FROM planks p$$) AS no_right,
	cost($$SELECT ml.predict('price', p) FROM planks p$$) = cost($$SELECT ml.predict(maker, p) FROM planks p$$) AS as_declared;
SELECT ml.predict('price', p) FROM planks p;
RESET ROLE;
BEGIN;
SELECT cost($$SELECT ml.predict('which', m) FROM moving m$$) > 0 AS planned;
SELECT ml.predict('which', m, NULL::int) FROM moving m LIMIT 1;
SAVEPOINT s;
SELECT ml.deploy('which', 2);
SELECT ml.predict('which', m, NULL::int) FROM moving m LIMIT 1;
ROLLBACK TO s;
SELECT ml.predict('which', m, NULL::int) FROM moving m LIMIT 1;
SET LOCAL ROLE regress_ml_whole;
SELECT ml.predict('which', ROW(1), NULL::int);
ROLLBACK;

-- The functions for the planner are there to be seen, and refuse other calls.
SELECT proname, provolatile, proparallel, prosupport, obj_description(oid, 'pg_proc') FROM pg_proc WHERE pronamespace = 'ml'::regnamespace AND proname ~ '^pr.*_columns$|^predict_support$' ORDER BY 1;
SELECT bits(ml.predict_columns('plain', NULL::float8, '{later,width}', 2, 1.5)) = bits(ml.predict('plain', ROW(1.5, 2))) AS same;
SELECT ml.predict_columns('plain', NULL::float8, NULL, 2, 1.5);
SELECT ml.predict_columns('plain', NULL::float8, '{later}', 2, 1.5);
SELECT ml.predict_columns('plain', NULL::float8, '{later,NULL}', 2, 1.5);
SELECT ml.predict_columns('plain', NULL::float8, '{later,width}', VARIADIC '{2,1.5}'::float8[]);
SELECT ml.predict_columns('plain', NULL::float8, ARRAY[note, 'width'], 2, 1.5) FROM closed;

\c contrib_regression
DROP DATABASE regress_ml_scoring;
DROP ROLE regress_ml_part, regress_ml_whole;
