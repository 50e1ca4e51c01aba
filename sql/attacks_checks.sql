-- What somebody tries by way of checks: conditions that write, wait, recurse, read what their author may not or run his code
-- as who checks; texts that are more than an expression; suites that are not his. Each is refused or contained.
CREATE ROLE regress_ml_thief;
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_boss SUPERUSER;
CREATE DATABASE regress_ml_attacks_checks TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_attacks_checks
SET client_min_messages = warning;
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_thief, regress_ml_owner;
GRANT CREATE ON DATABASE regress_ml_attacks_checks TO regress_ml_thief;
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
CREATE FUNCTION attempt(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
CREATE TABLE hidden AS SELECT 'secret' AS word;
SET ROLE regress_ml_thief;
CREATE TABLE loot (word text);
CREATE TABLE bait AS SELECT i AS id, i % 3 AS x, 'w' || i AS s FROM generate_series(1, 5) AS i;
GRANT SELECT ON bait TO PUBLIC;
-- the thief's code: it takes what whoever runs it can take
CREATE FUNCTION take(i integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	INSERT INTO loot SELECT current_user || ' ' || word FROM hidden;
	RETURN true;
END $$;
CREATE FUNCTION take_and_compare(a integer, b integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN take(a); END';
CREATE OPERATOR === (FUNCTION = take_and_compare, LEFTARG = integer, RIGHTARG = integer);
CREATE DOMAIN trap AS integer CHECK (take(VALUE));
CREATE TYPE sly AS (i integer);
CREATE FUNCTION take_sly(sly) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM take(1); RETURN ''x''; END';
CREATE CAST (sly AS text) WITH FUNCTION take_sly(sly);
CREATE FUNCTION again(i integer) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT ml.is_valid(''recursion'', ROW(i, i, ''s'')::bait)';
CREATE FUNCTION deep(i integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN deep(i + 1); END';
CREATE SCHEMA planted;
CREATE FUNCTION planted.length(text) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.take(1); RETURN 1; END';
CREATE OPERATOR planted.< (FUNCTION = public.take_and_compare, LEFTARG = integer, RIGHTARG = integer);

-- What a condition may not be. It is refused when it is written or when it is used, by name.
CREATE TABLE conditions (n serial, text text);
INSERT INTO conditions (text) VALUES
	('public.take(x)'), ('x OPERATOR(public.===) 1'), ('x::public.trap > 0'), ('CAST(x AS public.trap) IS NOT NULL'),
	('ROW(x)::public.sly::text IS NOT NULL'), ('take(x)'), ('x === 1'),
	('(SELECT true FROM public.hidden)'), ('EXISTS (SELECT FROM pg_catalog.pg_authid)'), ('x IN (SELECT 1)'),
	('pg_catalog.table_to_xml(''public.hidden''::regclass, true, true, '''') IS NOT NULL'),
	('pg_catalog.query_to_xml(''SELECT 1'', true, true, '''') IS NOT NULL'),
	('pg_catalog.pg_sleep(1) IS NULL'), ('pg_catalog.random() > 0'), ('pg_catalog.setval(''public.conditions_n_seq'', 1) > 0'),
	('pg_catalog.set_config(''role'', ''regress_ml_boss'', false) IS NOT NULL'), ('pg_catalog.pg_read_file(''PG_VERSION'') IS NOT NULL'),
	('pg_catalog.lo_import(''/etc/passwd'') > 0'),
	('pg_catalog.count(x) > 0'), ('pg_catalog.row_number() OVER () > 0'), ('pg_catalog.generate_series(1, x) > 0'),
	('true) FROM pg_catalog.pg_authid WHERE (true'), ('true), (true'), ('true; DROP TABLE public.bait'), ('true)); DROP TABLE public.bait; SELECT ((true'),
	('true -- '), ('true /*'), ('true AS x'), ('x = 1 UNION SELECT true'), ('x'), ('1'), (''), ('$1'), ('x = 1 INTO loot'), ('*'), ('s.*'),
	('bait IS NULL'), ('id = ANY (ARRAY(SELECT 1))'), ('current_setting(''data_directory'') <> '''''), ('CASE WHEN true THEN public.take(1) END'),
	('E''\\x'), ('"x" = 1 AND nothing.x = 1'), ('x = 1 LIMIT 0'), ('VALUES (true)'), ('true FOR UPDATE'), ('DEFAULT'), ('ctid IS NULL'), ('tableoid = 0'),
	('x = 1 COLLATE "C"'), (repeat('(', 20000) || 'x = 1' || repeat(')', 20000));
GRANT SELECT ON conditions TO PUBLIC;
CREATE FUNCTION result(condition text, kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	suite text = 'thief''s ' || kind;
	answer text;
BEGIN
	BEGIN
		IF kind = 'where' THEN
			PERFORM ml.add_check(suite, 'not_null', '{x}', jsonb_build_object('where', condition), name => 'c');
		ELSE
			PERFORM ml.add_check(suite, 'predicate', '{}', jsonb_build_object('expression', condition), name => 'c');
		END IF;
	EXCEPTION WHEN OTHERS THEN
		RETURN 'refused: ' || left(SQLERRM, 100);
	END;
	SELECT status || coalesce(' ' || left(observed ->> 'error', 110), '') INTO answer FROM ml.check_data(suite, 'bait');
	PERFORM ml.drop_check(suite, 'c');
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN 'stopped: ' || left(SQLERRM, 100);
END $$;
RESET ROLE;
SET ROLE regress_ml_boss;
SET search_path = public, planted, pg_catalog;
SELECT n, left(text, 60), result(text, 'predicate') FROM conditions ORDER BY n;
SELECT n, result(text, 'where') FROM conditions WHERE result(text, 'where') IS DISTINCT FROM result(text, 'predicate')
	AND result(text, 'where') !~ '^refused' ORDER BY n;
RESET search_path;
RESET ROLE;
SELECT count(*) FROM loot;

-- As the thief himself: his own functions run with his own rights, and get no further.
SET ROLE regress_ml_thief;
SELECT ml.add_check('recursion', 'predicate', '{}', '{"expression": "public.again(x)"}');
SELECT attempt('SELECT ml.is_valid(''recursion'', b) FROM bait b') LIKE '54001%';
SELECT status, observed FROM ml.check_data('recursion', 'bait');
SELECT ml.add_check('depth', 'predicate', '{}', '{"expression": "public.deep(x)"}');
SELECT attempt('SELECT ml.is_valid(''depth'', b) FROM bait b') LIKE '54001%';
SELECT status FROM ml.check_data('depth', 'bait');
SELECT ml.add_check('taking', 'predicate', '{}', '{"expression": "public.take(x)"}');
SELECT status, observed FROM ml.check_data('taking', 'bait');
SELECT ml.meets('public.take(x)', 'me', b) FROM bait b LIMIT 1;
-- and nobody else runs them, whatever he does with the suite
RESET ROLE;
SET ROLE regress_ml_boss;
SELECT status, observed FROM ml.check_data('taking', 'bait');
SELECT attempt('SELECT ml.is_valid(''taking'', b) FROM bait b');
SELECT attempt('SELECT ml.check_row(''taking'', b) FROM bait b');
SELECT attempt('SELECT ml.failing_rows(''taking'', ''predicate'', ''bait'')');
SELECT attempt('SELECT ml.meets(''public.take(x)'', ''me'', b) FROM bait b');
RESET ROLE;
SELECT count(*) FROM loot;

-- A query of his own, for others to run.
SET ROLE regress_ml_thief;
SELECT ml.add_check('query', 'custom_sql', '{}', '{"query": "SELECT public.take(1)", "expected": true}');
SELECT ml.add_check('query', 'row_count', '{}', '{"min": 1}');
SELECT ml.set_suite_owner('query', 'regress_ml_boss');
SELECT ml.set_suite_owner('query', 'regress_ml_owner');
RESET ROLE;
SET ROLE regress_ml_boss;
SELECT name, status, observed FROM ml.check_data('query', 'bait');
SELECT ml.add_check('mine', 'custom_sql', '{}', '{"query": "DELETE FROM public.bait RETURNING id", "rows": 5}', name => 'delete'),
	   ml.add_check('mine', 'custom_sql', '{}', '{"query": "SELECT 1; SELECT 2", "expected": 1}', name => 'two'),
	   ml.add_check('mine', 'custom_sql', '{}', '{"query": "SELECT count(*) FROM {source} AS s) AS q; DROP TABLE public.bait; --", "expected": 1}', name => 'drop');
SELECT name, status, observed FROM ml.check_data('mine', 'bait');
RESET ROLE;
SELECT (SELECT count(*) FROM loot), (SELECT count(*) FROM bait);
-- names in parameters are names
SET ROLE regress_ml_thief;
SELECT attempt(format('SELECT ml.add_check(''names'', %L, ''{x}'', %L)', kind, params)) FROM (VALUES
	('foreign_key', '{"references": "public.hidden) OR (true"}'), ('foreign_key', '{"references": "public.bait", "references_columns": ["x) OR (true"]}'),
	('matches_dataset', '{"references": "public.bait; DROP TABLE bait"}'), ('aggregate_match', '{"references": "public.bait", "references_column": "x) FROM hidden --"}'),
	('monotonic', '{"order_by": "x, (SELECT take(1))"}'), ('row_count_match', '{"references": "public.\"bait\" WHERE true"}')) AS c (kind, params);
SELECT ml.add_check('names', 'row_count', '{}', '{"min": 1}');
SELECT name, status, observed ->> 'error' FROM ml.check_data('names', 'bait');
SELECT attempt(format('SELECT ml.check_data(''names'', %L)', source)) FROM (VALUES ('bait) AS s; DROP TABLE bait; SELECT (1'), ('bait; DROP TABLE bait'),
	('SELECT * FROM bait) AS s --'), ('SELECT * FROM hidden'), ('hidden'), ('SELECT word FROM loot FOR UPDATE'), ('SELECT 1 INTO loot2'),
	('WITH d AS (DELETE FROM bait RETURNING *) SELECT * FROM d'), ('SELECT set_config(''role'', ''regress_ml_boss'', false)')) AS s (source);
SELECT current_user;

-- Suites of others.
RESET ROLE;
SET ROLE regress_ml_owner;
SELECT ml.add_check('private', 'range', '{x}', '{"max": 1234567}', name => 'private check');
CREATE TABLE rows AS SELECT i AS x, 2 * i AS y FROM generate_series(1, 30) i;
SELECT version FROM ml.train('owned', 'rows', 'y', 'linear_regression');
RESET ROLE;
SET ROLE regress_ml_thief;
SELECT attempt(s) FROM unnest(ARRAY[
	$$SELECT ml.add_check('private', 'not_null', '{x}')$$, $$SELECT ml.drop_check('private', 'private check')$$, $$SELECT ml.drop_suite('private')$$,
	$$SELECT ml.set_suite_owner('private', 'regress_ml_thief')$$, $$SELECT ml.add_check('owned', 'not_null', '{x}')$$,
	$$SELECT ml.add_check('owned/1', 'not_null', '{x}')$$, $$SELECT ml.drop_suite('owned/1')$$, $$SELECT ml.check_data('owned/1', 'bait')$$,
	$$SELECT ml.check_data('owned', 'bait')$$, $$INSERT INTO ml.suites (suite, owner) VALUES ('x', 'regress_ml_boss')$$,
	$$UPDATE ml.checks SET params = '{}'$$, $$DELETE FROM ml.check_results$$, $$INSERT INTO ml.checks (suite, name, kind) VALUES ('private', 'x', 'not_null')$$,
	$$SELECT setval('ml.suite_revision', 1)$$]) AS s;
SELECT count(*) FROM ml.checks WHERE suite = 'private';
SELECT count(*) FROM ml.check_results WHERE suite = 'private';
-- names that need quotes, and texts that look like SQL, are nothing but texts
SELECT ml.add_check('a"b''c\d; --', 'range', '{x}', '{"max": 1, "where": "s <> ''; DROP TABLE bait; --''"}', name => 'n"''\; --');
SELECT name, status, n_failed FROM ml.check_data('a"b''c\d; --', 'bait');
SELECT count(*) FROM ml.failing_rows('a"b''c\d; --', 'n"''\; --', 'bait');
CREATE TABLE "ba""it'; --" AS SELECT x AS "x""'; --", s AS "S" FROM bait;
SELECT ml.add_check('quotes', kind, '{"x\"''; --"}', params) FROM (VALUES ('unique', '{"mostly": 0}'::jsonb), ('mean', '{"min": 0}'), ('no_gaps', '{"step": 1}'),
	('monotonic', '{"order_by": "x\"''; --", "where": "\"x\"\"''; --\" > 0"}'), ('foreign_key', '{"references": "public.\"ba\"\"it''; --\""}'),
	('duplicate_rows', '{"max": 5}'), ('aggregate_match', '{"references": "public.\"ba\"\"it''; --\""}')) AS k (kind, params);
SELECT kind, status, observed FROM ml.check_data('quotes', '"ba""it''; --"');

-- A pattern that takes for ever is stopped by the clock, in a condition and in a kind.
CREATE TABLE long AS SELECT repeat('a', 40) || '!' AS s FROM generate_series(1, 100000);
SELECT ml.add_check('slow', 'matches', '{s}', '{"pattern": "^(a+)+(b+)+\\1$"}', name => 'pattern'),
	   ml.add_check('slow', 'predicate', '{}', '{"expression": "repeat(s, 200) ~ ''(a*)*(a*)*\\1b''"}', name => 'condition');
SET statement_timeout = '300ms';
SELECT attempt('SELECT ml.check_data(''slow'', ''long'')');
SELECT ml.check_data('slow', 'long');
RESET statement_timeout;
SELECT count(*) FROM ml.check_results WHERE suite = 'slow';

-- ml.meets by hand.
SELECT attempt(format('SELECT ml.meets(%L, %L, b) FROM bait b LIMIT 1', condition, 'me')) FROM (VALUES ('x > 0'), ('x >'), (NULL), ('y > 0'), ('x'), ('1 / (x - 1) > 0'),
	('(SELECT true)'), ('true) FROM pg_authid --')) AS c (condition);
SELECT attempt('SELECT ml.meets(''true'', NULL, b) FROM bait b'), attempt('SELECT ml.meets(''true'', ''me'', NULL::bait)'), attempt('SELECT ml.meets(''true'', ''me'', 1)'),
	attempt('SELECT ml.meets(''a > 0'', ''me'', r) FROM (SELECT 1 AS a) AS r'), attempt('SELECT ml.meets(''f1 > 0'', ''me'', ROW(1))');

-- The session lives, and nothing was taken.
RESET ROLE;
SELECT (SELECT count(*) FROM loot), (SELECT count(*) FROM bait), (SELECT count(*) FROM hidden);

\c postgres
DROP DATABASE regress_ml_attacks_checks;
DROP ROLE regress_ml_thief, regress_ml_owner, regress_ml_boss;
