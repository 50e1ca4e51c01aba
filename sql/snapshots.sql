-- snapshot => 'copy': the rows that a training read, in a table of the caller's.
CREATE ROLE regress_ml_keeper;
CREATE ROLE regress_ml_other;
CREATE DATABASE regress_ml_snapshots TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_snapshots
SET lc_messages = 'C';
\set SHOW_CONTEXT never
SET extra_float_digits = 1;
SET client_min_messages = notice;
CREATE EXTENSION pg_mlops;
CREATE SCHEMA kept AUTHORIZATION regress_ml_keeper;
GRANT CREATE ON SCHEMA public TO regress_ml_keeper;
SET ROLE regress_ml_keeper;
SET search_path = nowhere, kept, public;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN share AS float8 CHECK (VALUE <= 1);
CREATE TABLE data AS SELECT i AS id, i % 13 AS a, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' WHEN 2 THEN -0.0 ELSE (i * 37 % 101) / 7.0 END::float8 AS b,
	(i % 11 / 3.0)::real AS c, i % 2 = 0 AS flag, date '2026-01-01' + i % 90 AS day, timestamptz '2026-01-01 12:00:00.123456+02' + i % 90 * interval '1.7 hours' AS at,
	(i % 7) * interval '1 month 1.3 days' AS span, 'city ' || i % 5 || CASE WHEN i % 5 = 0 THEN ' "x", {y}' ELSE '' END AS city, (ARRAY['sad', 'glad'])[1 + i % 2]::mood AS mood,
	CASE WHEN i % 40 > 0 THEN ARRAY[i % 7 / 3.0, CASE WHEN i % 30 > 0 THEN i % 11 / 7.0 END]::float8[] END AS vec, ARRAY[i % 3 / 3.0]::real[] AS one,
	(i % 9)::numeric(10,2) AS num, (i % 10 / 10.0)::share AS part, ('x' || i % 3)::char(4) AS code, '{}'::jsonb AS doc, 1 + i % 3 AS w, i % 5 = 0 AS held, i % 4 AS block,
	CASE WHEN i % 100 > 0 THEN 2.0 * (i % 13) + i % 7 END AS y FROM generate_series(1, 2500) i;
ALTER TABLE data ADD PRIMARY KEY (id);

-- Every type, while the session writes times and numbers in its own way.
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = 0;
SET TimeZone = 'Asia/Kolkata';
SELECT version, rows, notes FROM ml.train('all', 'data', 'y', 'linear_regression', weight => 'w', split => '{"method": "column", "column": "held"}', snapshot => 'copy');
RESET DateStyle;
RESET IntervalStyle;
SET extra_float_digits = 1;
RESET TimeZone;
SELECT snapshot_id, rows, stored_as FROM ml.snapshots;
SELECT ml.snapshot_query(1) AS query \gset
\echo :query
SELECT ml.snapshot_query('all') = ml.snapshot_query(1) AND ml.snapshot_query('all/1') = stored_query AS same FROM ml.snapshots;
SELECT attname, format_type(atttypid, atttypmod) AS type, attcompression IN ('l', 'p') AS compressed FROM pg_attribute WHERE attrelid = 'kept.ml_snapshot_1'::regclass AND attnum > 0 ORDER BY attnum;
SELECT relowner::regrole AS owner, obj_description(oid, 'pg_class') AS comment FROM pg_class WHERE relname = 'ml_snapshot_1';
SELECT block_2, cardinality(a) AS rows FROM kept.ml_snapshot_1 ORDER BY 1;
CREATE TEMP VIEW back AS :query;
SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = 'back'::regclass AND attnum > 0 ORDER BY attnum;
CREATE TEMP VIEW now AS SELECT a, b, c, flag, day, at, span, city, mood, vec, one, num, part, code, block, y, w, held FROM data WHERE y IS NOT NULL;
SELECT (SELECT count(*) FROM (TABLE back EXCEPT ALL TABLE now) x) AS only_back, (SELECT count(*) FROM (TABLE now EXCEPT ALL TABLE back) x) AS only_now, (SELECT count(*) FROM back) AS rows;
SELECT (SELECT string_agg(t::text, '|' ORDER BY t::text COLLATE "C") FROM back t) = (SELECT string_agg(t::text, '|' ORDER BY t::text COLLATE "C") FROM now t) AS same_texts;
SELECT pg_total_relation_size('kept.ml_snapshot_1') < pg_total_relation_size('data') AS smaller;
DROP VIEW back, now;

-- Every way of loading: in one pass, from a second reading, by columns, twice over, after a pass that counts.
CREATE FUNCTION rows_of(ref text, source text, OUT only_copy bigint, OUT only_source bigint, OUT rows bigint) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('WITH c AS (%1$s), s AS (%2$s) SELECT (SELECT count(*) FROM (TABLE c EXCEPT ALL TABLE s) x), (SELECT count(*) FROM (TABLE s EXCEPT ALL TABLE c) x), (SELECT count(*) FROM c)',
		ml.snapshot_query(ref), source) INTO only_copy, only_source, rows;
END $$;
SELECT version FROM ml.train('stream', 'SELECT a, w, y FROM data WHERE y IS NOT NULL', 'y', 'linear_regression', snapshot => 'copy', split => '{"method": "none"}');
SELECT version FROM ml.train('again', 'SELECT a, b, y FROM data;', 'y', 'linear_regression', snapshot => 'copy');
SELECT version FROM ml.train('columns', 'data', 'y', 'gradient_boosting', '{vec,city,w}', weight => 'w', params => '{"n_trees": 2}', snapshot => 'copy');
SELECT version FROM ml.train('auto', 'data', 'y', features => '{a,num}', split => '{"method": "none"}', params => '{"n_trees": 2}', snapshot => 'copy');
SELECT version FROM ml.train('groups', 'data', 'y', 'linear_regression', '{a,num}', split => '{"method": "group", "column": "code"}', snapshot => 'copy');
SELECT 'stream' AS model, r.* FROM rows_of('stream', 'SELECT a, w, y FROM data WHERE y IS NOT NULL') r
	UNION ALL SELECT 'again', r.* FROM rows_of('again', 'SELECT a, b, y FROM data WHERE y IS NOT NULL') r
	UNION ALL SELECT 'columns', r.* FROM rows_of('columns', 'SELECT vec, city, w, y FROM data WHERE y IS NOT NULL') r
	UNION ALL SELECT 'auto', r.* FROM rows_of('auto', 'SELECT a, num, y FROM data WHERE y IS NOT NULL') r
	UNION ALL SELECT 'groups', r.* FROM rows_of('groups', 'SELECT a, num, y, code FROM data WHERE y IS NOT NULL') r;
SELECT model, count(*) FILTER (WHERE stored_as IS NULL) AS without, count(*) AS snapshots FROM ml.snapshots GROUP BY 1 ORDER BY 1;

-- More columns than a row has room for, more than a table; names that a table keeps for itself; names that are taken.
DO $$ BEGIN
	EXECUTE (SELECT 'CREATE TABLE wide AS SELECT i % 7 AS y, ' || string_agg(format('i %% %s AS c%s', 2 + n % 50, n), ', ') || ' FROM generate_series(1, 30) i' FROM generate_series(1, 700) n);
END $$;
SELECT version FROM ml.train('wide', 'wide', 'y', 'gradient_boosting', params => '{"n_trees": 1, "min_rows": 5}', task => 'regression', snapshot => 'copy');
SELECT * FROM rows_of('wide', 'SELECT ' || (SELECT string_agg('c' || n, ', ' ORDER BY n) FROM generate_series(1, 700) n) || ', y FROM wide');
SELECT part, count(*), count(c1) AS first, count(c301) AS second, count(c601) AS third FROM ml_snapshot_7 GROUP BY 1 ORDER BY 1;
DO $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM ml.train('wider', (SELECT 'SELECT y, ' || string_agg(format('y AS c%s', n), ', ') || ' FROM wide' FROM generate_series(1, 1600) n), 'y', 'linear_regression', snapshot => 'copy');
EXCEPTION WHEN too_many_columns THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '% % %', message, detail, hint;
END $$;
SELECT max(snapshot_id) + 1 AS next FROM ml.snapshots \gset
CREATE TABLE ml_snapshot_:next (x int);
SELECT version FROM ml.train('taken', 'SELECT a AS ctid, num AS block, num * 2 AS block_2, w AS "A b", y FROM data', 'y', 'linear_regression', split => '{"method": "none"}', snapshot => 'copy');
SELECT regexp_replace(stored_as, '\d+_', 'N_') AS stored_as FROM ml.snapshots WHERE model = 'taken';
SELECT * FROM rows_of('taken', 'SELECT a, num, num * 2, w, y FROM data WHERE y IS NOT NULL');

-- What has changed, row by row.
BEGIN;
UPDATE data SET num = num + 1 WHERE id = 17;
DELETE FROM data WHERE id IN (18, 19);
INSERT INTO data (id, a, num, w, y) VALUES (0, 1, 1, 1, 1);
SELECT column_name, statistic, recorded, today FROM ml.source_changed('auto') WHERE statistic IN ('rows', 'unmatched');
SELECT column_name, statistic FROM ml.source_changed('columns') WHERE statistic IN ('rows', 'unmatched');
UPDATE data SET vec = NULL WHERE id = 0;
ALTER TABLE data ALTER num TYPE float8;
SELECT column_name, statistic, recorded, today FROM ml.source_changed('auto') WHERE statistic IN ('rows', 'unmatched', 'type');
ROLLBACK;
BEGIN;
UPDATE data SET a = 12 - a;
SELECT column_name, statistic, recorded, today FROM ml.source_changed('stream') WHERE statistic = 'unmatched';
ROLLBACK;
-- Two rows that swap a value: every column has the values it had.
BEGIN;
UPDATE data SET num = CASE id WHEN 11 THEN 3 ELSE 2 END WHERE id IN (11, 12);
SELECT column_name, statistic, CASE WHEN statistic <> 'fingerprint' THEN recorded END AS recorded, CASE WHEN statistic <> 'fingerprint' THEN today END AS today FROM ml.source_changed('auto');
ROLLBACK;

-- A retraining by another leaves the copy to whose source it is.
SELECT ml.grant('auto', 'train', 'regress_ml_other');
SET ROLE regress_ml_other;
SELECT version FROM ml.retrain('auto');
SET ROLE regress_ml_keeper;
SELECT c.relowner::regrole AS owner, n.nspname FROM ml.snapshots s JOIN pg_class c ON c.oid = to_regclass(s.stored_as) JOIN pg_namespace n ON n.oid = c.relnamespace WHERE s.model = 'auto' ORDER BY s.snapshot_id;

-- Nowhere to put it: said before anything is read.
SET ROLE regress_ml_other;
SELECT version FROM ml.train('mine', 'SELECT 1 / 0 AS a, 1 AS y', 'y', 'linear_regression', snapshot => 'copy');
SET search_path = '';
SELECT version FROM ml.train('mine', 'SELECT 1 / 0 AS a, 1 AS y', 'y', 'linear_regression', snapshot => 'copy');
SELECT ml.train_async('mine', 'SELECT 1 AS a, 1 AS y', 'y', 'linear_regression', snapshot => 'copy');
CREATE TEMP TABLE passing (a int);
SET search_path = pg_temp, ml;
SELECT version FROM ml.train('mine', 'SELECT 1 / 0 AS a, 1 AS y', 'y', 'linear_regression', snapshot => 'copy');
SET search_path = nowhere, kept, public;

-- Who may ask, and what there is not.
SELECT ml.snapshot_query('stream');
SELECT ml.snapshot_query(1);
SET ROLE regress_ml_keeper;
SELECT version FROM ml.train('bare', 'data', 'y', 'linear_regression', '{a}', snapshot => 'none');
SELECT version FROM ml.train('bare', 'data', 'y', 'linear_regression', '{a}');
SELECT ml.snapshot_query('bare/1');
SELECT regexp_replace(ml.snapshot_query('bare/2'), '\d+', 'N');
SELECT ml.snapshot_query('nowhere');
SELECT ml.snapshot_query(1000000);
SELECT ml.snapshot_query(0);
SELECT ml.snapshot_query(NULL::bigint);
SELECT ml.snapshot_query(NULL::text);

-- The table is its owner's: what it was for says so when it is gone, and the register stays whole.
DROP TABLE ml_snapshot_2;
SELECT ml.snapshot_query('stream');
SELECT * FROM ml.source_changed('stream');
SELECT stored_as FROM ml.snapshots WHERE model = 'stream';

-- Versions and models that are dropped leave the tables, and say so.
SELECT ml.drop_version('auto', 2);
SELECT ml.undeploy('stream', 'production'), ml.undeploy('groups', 'production'), ml.undeploy('auto', 'production');
SELECT ml.drop_model('stream');
SELECT ml.drop_model('groups');
SELECT ml.drop_model('auto');
SELECT count(*) FROM pg_class WHERE relname LIKE 'ml\_snapshot\_%' AND relkind = 'r' AND relowner = 'regress_ml_keeper'::regrole;
RESET ROLE;

\c postgres
DROP DATABASE regress_ml_snapshots;
DROP ROLE regress_ml_keeper, regress_ml_other;
