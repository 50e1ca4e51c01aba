-- ml.check_data, ml.failing_rows and ml.check_results: conditions, shares, environments, sources of every sort, errors of
-- one check among others, rights, and what is recorded.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_reader;
CREATE DATABASE regress_ml_check_data TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_check_data
SET client_min_messages = notice;
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_owner;
\pset format unaligned
\set SHOW_CONTEXT never
CREATE TABLE t AS
	SELECT i AS id, i AS x, CASE WHEN i % 4 = 0 THEN NULL ELSE i END AS y, 'w' || i % 3 AS s, i % 2 = 0 AS failing, i AS "row"
	FROM generate_series(1, 40) AS i;
CREATE FUNCTION add(suite text, kind text, columns text[], params jsonb, severity text DEFAULT 'error', environment text DEFAULT 'both',
					name text DEFAULT NULL) RETURNS void LANGUAGE sql AS $$
	SELECT ml.add_check(suite, kind, columns, params, severity, environment, name) $$;

-- mostly, where and severity. A condition that is NULL lets no row through; columns named s, x, row and failing are columns.
SELECT add('shares', 'range', '{x}', '{"max": 36, "mostly": 0.9}', name => 'mostly, just'),
	   add('shares', 'range', '{x}', '{"max": 36, "mostly": 0.901}', name => 'mostly, just not'),
	   add('shares', 'range', '{x}', '{"max": 36, "mostly": 0.95}', 'warn', name => 'mostly, a warning'),
	   add('shares', 'range', '{x}', '{"max": 36, "where": "y > 30"}', name => 'where'),
	   add('shares', 'mean', '{x}', '{"max": 36, "where": "y > 30"}', name => 'the same where'),
	   add('shares', 'not_null', '{y}', '{"where": "y > 30"}', name => 'where, NULL'),
	   add('shares', 'unique', '{s}', '{"where": "failing", "mostly": 0}', name => 'where, unique'),
	   add('shares', 'monotonic', '{x}', '{"order_by": "s", "where": "\"row\" < 20"}', 'warn', name => 'where, a query'),
	   add('shares', 'mean', '{x}', '{"max": 1, "where": "false"}', name => 'where, none'),
	   add('shares', 'range', '{x}', '{"max": 1, "where": "NULL"}', name => 'where, nothing known'),
	   add('shares', 'predicate', '{}', '{"expression": "y < 50"}', name => 'a condition, NULL');
SELECT name, severity, success, status, observed, n, n_failed FROM ml.check_data('shares', 't');
SELECT name, (SELECT count(*) = n_failed FROM ml.failing_rows('shares', name, 't')) FROM ml.check_data('shares', 't') WHERE n_failed > 0;
SELECT ml.failing_rows('shares', 'where', 't');

-- Environments: all are judged, or those of one and of both; what only the training has is skipped.
SELECT add('places', 'mean', '{x}', '{"min": 1}', environment => 'training', name => 'training'),
	   add('places', 'mean', '{label}', '{"min": 1}', environment => 'training', name => 'label'),
	   add('places', 'mean', '{x}', '{"min": 1}', environment => 'serving', name => 'serving'),
	   add('places', 'mean', '{label}', '{"min": 1}', environment => 'serving', name => 'no column'),
	   add('places', 'mean', '{x}', '{"min": 1}', name => 'both');
SELECT name, success, status, observed FROM ml.check_data('places', 't');
SELECT name, status FROM ml.check_data('places', 't', 'training');
SELECT name, status FROM ml.check_data('places', 't', 'serving');
SELECT name, status FROM ml.check_data('places', 't', 'both');
SELECT name, status FROM ml.check_data('places', 't', 'nowhere');
SELECT ml.failing_rows('places', 'label', 't');
SELECT ml.failing_rows('places', 'labels', 't');
SELECT ml.check_data('palces', 't');

-- An error of one check is its outcome, wherever it comes up: the others are judged, and a notice says what that took.
SELECT add('broken', 'mean', '{x}', '{"min": 1}', name => 'good'),
	   add('broken', 'mean', '{s}', '{"min": 1}', name => 'type'),
	   add('broken', 'range', '{x}', '{"min": "a"}', name => 'bound'),
	   add('broken', 'mean', '{nothing}', '{"min": 1}', name => 'column'),
	   add('broken', 'predicate', '{}', '{"expression": "1 / (x - 20) < 5"}', name => 'division'),
	   add('broken', 'unique', '{s}', '{"mostly": 0, "where": "10 / (id - 30) IS NOT NULL"}', name => 'division in where'),
	   add('broken', 'monotonic', '{x}', '{"order_by": "id", "where": "10 / (id - 30) IS NOT NULL"}', name => 'division in a query'),
	   add('broken', 'predicate', '{}', '{"expression": "xx < 5"}', name => 'no such column'),
	   add('broken', 'predicate', '{}', '{"expression": "random() < 5"}', name => 'volatile'),
	   add('broken', 'foreign_key', '{x}', '{"references": "public.nothing"}', name => 'no such table'),
	   add('broken', 'custom_sql', '{}', '{"query": "SELECT 1 / 0", "expected": 1}', name => 'query'),
	   add('broken', 'unique', '{id}', '{}', name => 'good too');
SELECT name, success, status, observed, n, n_failed FROM ml.check_data('broken', 't');
SELECT ml.failing_rows('broken', 'division', 't');
SELECT ml.failing_rows('broken', 'type', 't');
-- an error of a column of the source is one of the checks that read it; one of the source itself is nobody's
SELECT name, status, observed FROM ml.check_data('broken', 'SELECT id, s, 1 / (x - 7) AS x FROM t') WHERE name LIKE 'good%';
SELECT name FROM ml.check_data('broken', 'SELECT * FROM t WHERE 1 / (x - 7) >= 0');

-- Sources.
SELECT add('source', 'row_count', '{}', '{"min": 1}'), add('source', 'mean', '{x}', '{"min": 1}'), add('source', 'unique', '{id}', '{}'),
	   add('source', 'monotonic', '{x}', '{"order_by": "id"}');
CREATE VIEW v AS SELECT * FROM t WHERE x > 10;
CREATE MATERIALIZED VIEW m AS SELECT * FROM t WHERE x > 20;
CREATE TEMP TABLE temporary AS SELECT * FROM t WHERE x > 30;
CREATE UNLOGGED TABLE unlogged AS SELECT * FROM t WHERE x > 35;
CREATE TABLE parts (id integer, x integer) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (20);
CREATE TABLE parts_high (x integer, gone integer, id integer);
ALTER TABLE parts_high DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_high FOR VALUES FROM (20) TO (100);
INSERT INTO parts SELECT id, x FROM t;
CREATE TABLE "Odd ""name""" AS SELECT id, x FROM t;
SELECT source, array_agg(observed ->> 'value'), bool_and(success)
FROM unnest('{t,v,m,temporary,unlogged,parts,parts_high,public.t,"\"Odd \"\"name\"\"\""}'::text[]) WITH ORDINALITY AS s (source, i),
	 ml.check_data('source', source) GROUP BY source, i ORDER BY i;
SELECT source, array_agg(observed ->> 'value'), bool_and(success)
FROM unnest(ARRAY['SELECT * FROM t', 'SELECT * FROM t;', 'SELECT * FROM t ; -- all', '/* ; */ SELECT * FROM t -- all',
	'TABLE t', 'WITH a AS (TABLE t) SELECT * FROM a', 'SELECT id, x FROM t UNION ALL SELECT 41, 41', 'VALUES (1)',
	'SELECT id, x FROM t ORDER BY x DESC LIMIT 3', 'SELECT x::numeric AS x, id::text AS id FROM t']) WITH ORDINALITY AS s (source, i),
	 ml.check_data('source', source) GROUP BY source, i ORDER BY i;
SELECT ml.check_data('source', 'SELECT 1; SELECT 2');
SELECT ml.check_data('source', 'DELETE FROM t RETURNING *');
SELECT ml.check_data('source', 'nothing');
SELECT ml.check_data('source', NULL);
-- names that are there twice
SELECT name, status, observed FROM ml.check_data('source', 'SELECT id, x, y AS x FROM t');
-- no columns
CREATE TABLE bare ();
INSERT INTO bare DEFAULT VALUES;
SELECT add('bare', 'row_count', '{}', '{"min": 1}'), add('bare', 'duplicate_rows', '{}', '{}'), add('bare', 'column_count', '{}', '{"max": 0}'),
	   add('bare', 'predicate', '{}', '{"expression": "true"}'), add('bare', 'matches_dataset', '{}', '{"references": "public.bare"}');
SELECT name, status, observed, n FROM ml.check_data('bare', 'bare');
SELECT ml.failing_rows('bare', 'duplicate_rows', 'bare');
-- more columns than a function has arguments
SELECT format('CREATE TABLE wide (%s)', string_agg(CASE i WHEN 1 THEN 'x' WHEN 2 THEN 's' ELSE 'c' || i END || ' integer', ', ' ORDER BY i))
FROM generate_series(1, 120) AS i \gexec
INSERT INTO wide (x, s, c3, c120) VALUES (1, 1, 1, 7), (2, 2, 1, 7), (3, 3, NULL, 8);
SELECT count(add('wide', 'mean', ARRAY[CASE i WHEN 1 THEN 'x' WHEN 2 THEN 's' ELSE 'c' || i END], '{"min": 0}')) FROM generate_series(1, 120) AS i;
SELECT add('wide', 'foreign_key', '{x}', '{"references": "public.t"}'), add('wide', 'predicate', '{}', '{"expression": "x = s AND x < 3"}'),
	   add('wide', 'duplicate_rows', '{}', '{}'), add('wide', 'unique', '{c120}', '{"where": "x > 0"}');
SELECT name, status, observed, n, n_failed FROM ml.check_data('wide', 'wide') WHERE status <> 'insufficient_data';
SELECT ml.failing_rows('wide', 'predicate', 'wide') ->> 'x';
-- composite values: one with a NULL in it is a value
CREATE TYPE pair AS (a integer, b integer);
CREATE TABLE pairs AS SELECT i AS id, (i % 3, NULL)::pair AS p FROM generate_series(1, 4) AS i;
SELECT add('pairs', 'unique', '{p}', '{}'), add('pairs', 'distinct_count', '{p}', '{"min": 4}');
SELECT name, status, observed, n, n_failed FROM ml.check_data('pairs', 'pairs');
SELECT ml.failing_rows('pairs', 'p_unique', 'pairs');

-- A table that others refer to.
CREATE TABLE known AS SELECT i AS x FROM generate_series(1, 38) AS i;
SELECT add('keys', 'foreign_key', '{x}', '{"references": "public.known"}'),
	   add('keys', 'foreign_key', '{y}', '{"references": "public.known", "references_columns": ["x"], "where": "x > 20", "mostly": 0.8}');
SELECT name, status, observed, n, n_failed FROM ml.check_data('keys', 't');
SELECT ml.failing_rows('keys', 'x_foreign_key', 't') ->> 'x';

-- History: within the transaction too; of the same source only.
SELECT add('past', 'row_count_change', '{}', '{"min_ratio": 0.9, "max_ratio": 1.1}'),
	   add('past', 'metric_history', '{x}', '{"metric": "mean", "strategy": "absolute", "max_change": 1, "min_history": 1}'),
	   add('past', 'metric_history', '{x}', '{"metric": "mean", "min_history": 3}', name => 'sigma');
CREATE TABLE grows AS SELECT * FROM t;
SELECT name, status, observed FROM ml.check_data('past', 'grows');
SELECT name, status, observed FROM ml.check_data('past', 'SELECT * FROM grows');
INSERT INTO grows SELECT id + 40, x FROM t WHERE id < 3;
SELECT name, status, observed FROM ml.check_data('past', 'grows');
INSERT INTO grows SELECT id + 50, 200 FROM t;
SELECT name, status, observed FROM ml.check_data('past', 'grows');
SELECT name, status, observed FROM ml.check_data('past', 'grows');
BEGIN;
DELETE FROM grows WHERE id > 10;
SELECT name, status FROM ml.check_data('past', 'grows');
SELECT name, status FROM ml.check_data('past', 'grows');
ROLLBACK;
SELECT name, status FROM ml.check_data('past', 'grows');

-- What is recorded: one row a check, those of a call together.
SELECT suite, name, source, status, success, observed, expected, n, n_failed, severity, environment, column_name, actor, now() - at < '1 day' AS at
FROM ml.check_results WHERE suite = 'source' ORDER BY result_id LIMIT 4;
SELECT count(DISTINCT run), count(*) FROM ml.check_results WHERE suite = 'places';
BEGIN READ ONLY;
SELECT name, status FROM ml.check_data('source', 't');
SELECT count(*) FROM ml.failing_rows('shares', 'where', 't');
COMMIT;
SELECT count(DISTINCT run), count(*) FROM ml.check_results WHERE suite = 'source' AND source = 't';

-- Rights: the source is read as whoever asks, behind row security; a suite is its owner's.
SET ROLE regress_ml_owner;
CREATE TABLE guarded AS SELECT i AS id, i AS x FROM generate_series(1, 10) AS i;
CREATE TABLE listed AS SELECT i AS x FROM generate_series(1, 10) AS i;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY half ON guarded FOR SELECT TO regress_ml_reader USING (id > 5);
SELECT add('owned', 'row_count', '{}', '{"min": 1}'), add('owned', 'mean', '{x}', '{"min": 1}'),
	   add('owned', 'foreign_key', '{x}', '{"references": "public.listed"}');
SELECT name, status, observed FROM ml.check_data('owned', 'guarded');
RESET ROLE;
SET ROLE regress_ml_reader;
SELECT ml.check_data('owned', 'guarded');
RESET ROLE;
SET ROLE regress_ml_reader;
SELECT add('mine', 'row_count', '{}', '{"min": 1}'), add('mine', 'foreign_key', '{x}', '{"references": "public.listed"}');
SELECT ml.check_data('mine', 'guarded');
RESET ROLE;
GRANT SELECT ON guarded TO regress_ml_reader;
SET ROLE regress_ml_reader;
SELECT name, status, observed FROM ml.check_data('mine', 'guarded');
SELECT ml.failing_rows('mine', 'x_foreign_key', 'guarded');
SELECT count(*), min(actor) FROM ml.check_results;
RESET ROLE;
SELECT count(*) FROM ml.check_results WHERE actor = 'regress_ml_reader';

-- Rows of a query, which have no type of a name.
SELECT ml.add_check('anonymous', 'range', '{x}', '{"max": 1}');
SELECT ml.failing_rows('anonymous', 'x_range', 'SELECT i AS x, i * 2 AS y FROM generate_series(1, 3) AS i');

-- A newest value that is infinite is not fresh.
SELECT add('fresh', 'freshness', '{at}', '{"max_age": "1 day"}');
SELECT name, status, observed - 'value' AS observed
	FROM ml.check_data('fresh', 'SELECT ''infinity''::timestamptz AS at UNION ALL SELECT now()');
\c postgres
DROP DATABASE regress_ml_check_data;
DROP ROLE regress_ml_owner;
DROP ROLE regress_ml_reader;
