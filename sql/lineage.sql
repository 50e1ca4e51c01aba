-- Lineage down to columns: what a source reads, and which versions read a column.
CREATE ROLE regress_ml_reader;
CREATE ROLE regress_ml_trainer;
CREATE DATABASE regress_ml_lineage TEMPLATE template0;
\c regress_ml_lineage
SET lc_messages = 'C';
\set SHOW_CONTEXT never
CREATE EXTENSION pg_mlops;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE customers (id int PRIMARY KEY, age int, income numeric(10, 2), city varchar(20), mood mood, gone int, churned boolean, region int, note text);
ALTER TABLE customers DROP COLUMN gone;
INSERT INTO customers SELECT i, 20 + i % 50, i * 37 % 1000, 'c' || i % 3, (ARRAY['sad', 'glad'])[1 + i % 2]::mood, i % 3 = 0, i % 4, 'n' FROM generate_series(1, 200) i;
CREATE TABLE "Odd ""Orders" (customer int, total float8, at date, flag boolean);
INSERT INTO "Odd ""Orders" SELECT i, i % 17, date '2026-01-01' + i, i % 2 = 0 FROM generate_series(1, 200) i;

-- Trains on a source, and shows what the newest version reads.
CREATE FUNCTION reads(source text, target text DEFAULT 'y', VARIADIC args text[] DEFAULT '{}') RETURNS TABLE (relation text, columns text) LANGUAGE plpgsql AS $$
DECLARE v int;
BEGIN
	EXECUTE format('SELECT version FROM ml.train(''m %s'', %L, %L, ''linear_regression''%s)', target, source, target,
		(SELECT string_agg(', ' || a, '') FROM unnest(args) a)) INTO v;
	RETURN QUERY SELECT c.relation, coalesce(string_agg(c.column_name || ' ' || c.type, ', ' ORDER BY c.column_name), '(none)') FROM ml.source_columns c
		WHERE c.model = 'm ' || target AND c.version = v GROUP BY c.relation ORDER BY c.relation;
END
$$;

-- Of a relation, what the training used: not what was excluded, is constant or cannot be used.
CREATE TABLE plain AS SELECT id, age, income, note, region::float8 AS w, id % 5 = 0 AS held, age * 2.0 + id AS y FROM customers;
SELECT * FROM reads('plain');
SELECT * FROM reads('plain', 'y', 'features => ''{income}''');
SELECT * FROM reads('plain', 'y', 'exclude => ''{income}''', 'weight => ''w''', 'split => ''{"method": "column", "column": "held"}''');
-- Of a query, what its plan needs: conditions, joins, orders, groups.
SELECT * FROM reads('SELECT age, id AS y FROM customers WHERE region > 0');
SELECT * FROM reads('SELECT c.age, o.total AS y FROM customers c JOIN "Odd ""Orders" o ON o.customer = c.id WHERE o.flag IN (true, false)');
SELECT * FROM reads('SELECT sum(income) AS s, count(*) AS y FROM customers GROUP BY age, city HAVING min(region) >= 0 ORDER BY max(note)');
SELECT * FROM reads('SELECT age, row_number() OVER (PARTITION BY mood ORDER BY region) AS y FROM customers');
SELECT * FROM reads('SELECT age, (SELECT max(o.total) FROM "Odd ""Orders" o WHERE o.customer = c.id) AS y FROM customers c WHERE EXISTS (SELECT FROM plain p WHERE p.id = c.id)');
SELECT * FROM reads('SELECT c.age, l.t AS y FROM customers c, LATERAL (SELECT c.region + o.total AS t FROM "Odd ""Orders" o WHERE o.customer = c.id LIMIT 1) l');
-- Whole rows are all columns; system columns are none; a relation of which nothing is read is named all the same.
SELECT * FROM reads('SELECT length(c::text) AS x, id AS y FROM customers c');
SELECT * FROM reads('SELECT id AS x, length(ctid::text) + tableoid::int * 0 + id AS y FROM plain');
SELECT * FROM reads('SELECT age, id + (SELECT count(*) FROM plain) AS y FROM customers');
SELECT * FROM reads('SELECT i AS x, 2 * i AS y FROM generate_series(1, 20) i');
-- Joins that the plan does without.
SELECT * FROM reads('SELECT o.total AS x, o.customer AS y FROM "Odd ""Orders" o LEFT JOIN customers c ON c.id = o.customer');
-- Members of a UNION ALL count as themselves, whether or not they are pulled up.
SELECT * FROM reads('SELECT u.a AS x, u.y FROM (SELECT id AS a, age AS b, region AS y FROM customers UNION ALL SELECT customer, 1, total FROM "Odd ""Orders") u');
SELECT * FROM reads('SELECT u.a AS x, u.y FROM (SELECT id AS a, age AS b, region AS y FROM customers WHERE note <> '''' UNION ALL SELECT customer, 1, total FROM "Odd ""Orders" LIMIT 300) u');
SELECT * FROM reads('SELECT id AS x, age AS y FROM customers UNION SELECT customer, total FROM "Odd ""Orders"');
-- Outer joins of subqueries whose expressions are computed below the join.
SELECT * FROM reads('SELECT c.id AS x, coalesce(s.z, 0) + c.id AS y FROM customers c LEFT JOIN (SELECT customer, total + 1 AS z, at FROM "Odd ""Orders") s ON s.customer = c.id');

-- Through two views and a CTE: the columns needed, of tables and of views.
CREATE VIEW inner_view AS SELECT id, age, income, city, region FROM customers WHERE mood IS NOT NULL;
CREATE VIEW outer_view AS SELECT v.id, v.age, v.income, v.city, v.region + 0 AS region FROM inner_view v;
SELECT * FROM reads('WITH w AS (SELECT * FROM outer_view) SELECT age, income, id AS y FROM w WHERE region < 9');
SELECT * FROM reads('outer_view', 'id', 'features => ''{age}''');
SELECT * FROM reads('WITH w AS MATERIALIZED (SELECT age, id, note FROM customers) SELECT a.age, b.id AS y FROM w a JOIN w b USING (id)');
CREATE VIEW barrier WITH (security_barrier) AS SELECT id, age, income FROM customers WHERE region > 1;
SELECT * FROM reads('SELECT age, id AS y FROM barrier');
CREATE MATERIALIZED VIEW kept AS SELECT id, age, income FROM customers;
SELECT * FROM reads('SELECT age, id AS y FROM kept');
-- A function that the planner puts in its place is looked into, one of plpgsql is not.
CREATE FUNCTION in_sql() RETURNS TABLE (a int, y int) LANGUAGE sql STABLE AS 'SELECT age, id FROM public.customers';
CREATE FUNCTION in_plpgsql() RETURNS TABLE (a int, y int) LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN QUERY SELECT age, id FROM public.customers; END $$;
SELECT * FROM reads('SELECT a, y FROM in_sql()');
SELECT * FROM reads('SELECT a, y FROM in_plpgsql()');
-- Nor what a function runs while the planner evaluates it.
CREATE FUNCTION constant() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT count(*) FROM public.plain); END $$;
SELECT * FROM reads('SELECT age, id + constant() AS y FROM customers');
CREATE FUNCTION trains() RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_setting('transaction_read_only') = 'off' AND NOT EXISTS (SELECT FROM ml.models WHERE model = 'within') THEN
		PERFORM ml.train('within', 'SELECT total AS x, customer AS y FROM public."Odd ""Orders"', 'y', 'linear_regression');
	END IF;
	RETURN 0;
END
$$;
SELECT * FROM reads('SELECT age, id + trains() AS y FROM customers');
SELECT relation, column_name FROM ml.source_columns WHERE model = 'within' ORDER BY column_name;

-- Partitions count as their table, unless they are named themselves.
CREATE TABLE parts (id int, k int, x float8, y float8) PARTITION BY RANGE (k);
CREATE TABLE part_low PARTITION OF parts FOR VALUES FROM (0) TO (50) PARTITION BY RANGE (k);
CREATE TABLE part_low_1 PARTITION OF part_low FOR VALUES FROM (0) TO (25);
CREATE TABLE part_low_2 PARTITION OF part_low FOR VALUES FROM (25) TO (50);
CREATE TABLE part_high PARTITION OF parts FOR VALUES FROM (50) TO (100);
INSERT INTO parts SELECT i, i % 100, i % 7, i % 7 * 2 FROM generate_series(1, 300) i;
SELECT * FROM reads('SELECT x, y FROM parts WHERE k < 70');
SELECT * FROM reads('part_high', 'y', 'features => ''{x}''');
SELECT * FROM reads('SELECT x, y FROM part_low UNION ALL SELECT k, y FROM part_high');
CREATE TABLE elder (x float8, y float8);
CREATE TABLE younger (z int) INHERITS (elder);
INSERT INTO younger SELECT i, i * 2, 1 FROM generate_series(1, 50) i;
SELECT * FROM reads('SELECT x, y FROM elder');

-- Conditions of row security count.
CREATE TABLE guarded AS SELECT id, age, region, note, id * 1.5 AS y FROM customers;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY a_few ON guarded USING (region > 0 AND note = 'n' AND id IN (SELECT customer FROM "Odd ""Orders"));
GRANT SELECT ON guarded, "Odd ""Orders" TO regress_ml_trainer;
SELECT ml.grant('m y', 'train', 'regress_ml_trainer');
SET ROLE regress_ml_trainer;
SELECT version > 0 AS trained FROM ml.train('m y', 'SELECT age, y FROM guarded', 'y', 'linear_regression');
RESET ROLE;
SELECT c.relation, c.column_name FROM ml.source_columns c JOIN ml.versions v USING (model, version) WHERE v.created_by = 'regress_ml_trainer' ORDER BY 1, 2;

-- Temporary tables have no name that lasts, but one; nothing recorded is nothing read.
CREATE TEMP TABLE passing AS SELECT i AS x, i * 2 AS y FROM generate_series(1, 50) i;
SELECT regexp_replace(relation, '_[0-9]+', '_N') AS relation, columns FROM reads('passing');
SELECT * FROM reads('plain', 'y', 'snapshot => ''none''');
-- Names do not depend on how a session likes them.
SET quote_all_identifiers = on;
SET search_path = pg_catalog;
SELECT * FROM public.reads('SELECT mood, id AS y FROM public.customers');
RESET quote_all_identifiers;
RESET search_path;

-- Impact: versions by relation, by column, through views, and of partitions.
SELECT version FROM ml.train('churn', 'WITH w AS (SELECT * FROM outer_view) SELECT age, income, id AS y FROM w WHERE region < 9', 'y', 'linear_regression');
SELECT version FROM ml.train('churn', 'SELECT age, id AS y FROM customers', 'y', 'linear_regression');
SELECT version FROM ml.train('low', 'SELECT x, y FROM parts', 'y', 'linear_regression');
SELECT version FROM ml.train('counted', 'SELECT x, y + (SELECT count(*) FROM kept) AS y FROM parts', 'y', 'linear_regression');
SELECT * FROM ml.impact('customers') WHERE model NOT LIKE 'm %';
SELECT * FROM ml.impact('customers', 'income') WHERE model NOT LIKE 'm %';
SELECT * FROM ml.impact('customers', 'note') WHERE model NOT LIKE 'm %';
SELECT * FROM ml.impact('inner_view', 'age') WHERE model NOT LIKE 'm %';
SELECT * FROM ml.impact('outer_view') WHERE model NOT LIKE 'm %';
SELECT * FROM ml.impact('part_low_1') WHERE model NOT LIKE 'm %';
SELECT * FROM ml.impact('part_low_1', 'x') WHERE model NOT LIKE 'm %';
SELECT * FROM ml.impact('kept') WHERE model NOT LIKE 'm %';
SELECT count(*) FROM ml.impact('younger', 'x');
SELECT count(*) FROM ml.impact('"Odd ""Orders"', 'total') WHERE model = 'within';
SELECT * FROM ml.impact('customers', 'agee');
SELECT * FROM ml.impact(NULL);
SELECT * FROM ml.impact(0);
SELECT * FROM ml.impact('nowhere');
-- It finds its rows by index, under row security too.
SET enable_seqscan = off;
SELECT ml.grant('churn', 'read', 'regress_ml_reader');
SET ROLE regress_ml_reader;
SELECT * FROM ml.impact('customers', 'income');
EXPLAIN (COSTS OFF) SELECT model FROM ml.source_columns WHERE relation = ANY (ml.relation_names('customers', NULL)) AND column_name = 'age';
RESET ROLE;
RESET enable_seqscan;

-- What a version read goes away with it.
SELECT ml.drop_version('churn', 2);
SELECT * FROM ml.impact('customers') WHERE model NOT LIKE 'm %';

\c postgres
DROP DATABASE regress_ml_lineage;
DROP ROLE regress_ml_reader, regress_ml_trainer;
