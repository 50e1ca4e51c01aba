-- A recorded source runs as who trained with it, by the names of then, and cannot act as whoever asks.
CREATE ROLE regress_ml_author;
CREATE ROLE regress_ml_asker;
CREATE ROLE regress_ml_leaver;
CREATE DATABASE regress_ml_identity TEMPLATE template0;
\c regress_ml_identity
SET lc_messages = 'C';
\set SHOW_CONTEXT never
CREATE EXTENSION pg_mlops;
CREATE SCHEMA authors AUTHORIZATION regress_ml_author;
CREATE SCHEMA askers AUTHORIZATION regress_ml_asker;
CREATE TABLE secret AS SELECT 'for askers' AS word;
GRANT SELECT ON secret TO regress_ml_asker;

SET ROLE regress_ml_author;
SET search_path = authors, public;
CREATE TABLE authors.data AS SELECT i % 7 AS a, i * 31 % 11 AS b, 3 * (i % 7) + i * 31 % 11 AS y FROM generate_series(1, 200) i;
CREATE FUNCTION authors.trap() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF current_user <> 'regress_ml_author' THEN RAISE EXCEPTION 'run as %', current_user; END IF;
	RETURN 0;
END
$$;
SELECT version FROM ml.train('plain', 'data', 'y', 'linear_regression');
SELECT version FROM ml.train('trap', 'SELECT a + trap() AS a, b, y FROM data', 'y', 'linear_regression');
SELECT environment ->> 'session_user' = session_user AS session_user, environment ->> 'search_path' AS search_path FROM ml.runs ORDER BY run_id;
SELECT ml.grant(m, 'read', 'regress_ml_asker') FROM unnest('{plain,trap}'::text[]) m;
RESET search_path;
RESET ROLE;

-- Whoever asks needs no right on the table, and the names mean what they meant.
SET ROLE regress_ml_asker;
SELECT feature FROM ml.importance('plain', 'permutation');
SELECT feature FROM ml.importance('trap', 'permutation');
SHOW search_path;
SELECT current_user;
RESET ROLE;
-- What a superuser who asks may do is not what the source may.
CREATE OR REPLACE FUNCTION authors.trap() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RETURN length(word) FROM public.secret;
END
$$;
SELECT feature FROM ml.importance('trap', 'permutation');
-- It cannot become somebody else, nor leave anything behind.
CREATE OR REPLACE FUNCTION authors.trap() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	RESET ROLE;
	RETURN 0;
END
$$;
SELECT feature FROM ml.importance('trap', 'permutation');
CREATE OR REPLACE FUNCTION authors.trap() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('search_path', 'authors', false), set_config('ml_test.mark', 'left', false);
	RETURN 0;
END
$$;
SELECT count(*) FROM ml.importance('trap', 'permutation');
SHOW search_path;
SELECT coalesce(current_setting('ml_test.mark', true), '') AS mark;
CREATE OR REPLACE FUNCTION authors.trap() RETURNS int LANGUAGE sql AS 'SELECT 0';

-- The other way about: nothing of whoever asks runs as the author.
SET ROLE regress_ml_asker;
CREATE FUNCTION askers.mine() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$;
GRANT USAGE ON SCHEMA askers TO PUBLIC;
CREATE TEMP VIEW data AS SELECT askers.mine() AS a, 1 AS b, 2 AS y;
GRANT SELECT ON pg_temp.data TO PUBLIC;
SELECT feature FROM ml.importance('plain', 'permutation');
RESET ROLE;
ALTER TABLE authors.data RENAME TO away;
SET ROLE regress_ml_asker;
SELECT feature FROM ml.importance('plain', 'permutation');
DROP VIEW pg_temp.data;
SELECT feature FROM ml.importance('plain', 'permutation');
RESET ROLE;
ALTER TABLE authors.away RENAME TO data;

-- Functions and types of the session, which only a source that names them so can reach.
GRANT TEMPORARY ON DATABASE regress_ml_identity TO regress_ml_author;
SET ROLE regress_ml_author;
CREATE FUNCTION pg_temp.now_and_then(int) RETURNS int LANGUAGE sql AS 'SELECT $1';
CREATE DOMAIN pg_temp.number AS int CHECK (VALUE >= 0);
CREATE TEMP TABLE mine AS TABLE authors.data;
SELECT version FROM ml.train('function', 'SELECT pg_temp.now_and_then(a) AS a, b, y FROM authors.data', 'y', 'linear_regression');
SELECT version FROM ml.train('domain', 'SELECT a::pg_temp.number + 0 AS a, b, y FROM authors.data', 'y', 'linear_regression');
SELECT version FROM ml.train('list', 'SELECT d.b, d.y, x.a FROM authors.data d, json_to_record(json_build_object(''a'', d.a)) AS x (a pg_temp.number)', 'y', 'linear_regression');
SELECT version FROM ml.train('inner', 'WITH w AS (SELECT * FROM mine) SELECT a, b, y FROM authors.data WHERE EXISTS (SELECT FROM w)', 'y', 'linear_regression');
SELECT version FROM ml.train('mine', 'mine', 'y', 'linear_regression');
SELECT count(*) FROM ml.importance('mine', 'permutation');
SELECT count(*) FROM ml.importance('inner', 'permutation');
RESET ROLE;
SELECT count(*) FROM ml.importance('function', 'permutation');
SELECT count(*) FROM ml.importance('domain', 'permutation');
SELECT count(*) FROM ml.importance('list', 'permutation');
SELECT count(*) FROM ml.importance('inner', 'permutation');
SELECT count(*) FROM ml.importance('mine', 'permutation');

-- Rights that the author lost since count, and an author who is gone has none.
ALTER TABLE authors.data OWNER TO regress_ml_leaver;
SELECT count(*) FROM ml.importance('plain', 'permutation');
GRANT SELECT ON authors.data TO regress_ml_author;
GRANT USAGE ON SCHEMA authors TO regress_ml_leaver;
SET ROLE regress_ml_leaver;
SET search_path = authors;
SELECT version FROM ml.train('left', 'data', 'y', 'linear_regression');
SET search_path = '';
SELECT version FROM ml.train('nowhere', 'authors.data', 'y', 'linear_regression');
RESET search_path;
RESET ROLE;
SELECT count(*) FROM ml.importance('left', 'permutation');
SELECT count(*) FROM ml.importance('nowhere', 'permutation');
REASSIGN OWNED BY regress_ml_leaver TO regress_ml_author;
DROP OWNED BY regress_ml_leaver;
DROP ROLE regress_ml_leaver;
SELECT count(*) FROM ml.importance('left', 'permutation');
-- A new role of the name does not lend its rights to what another wrote.
CREATE ROLE regress_ml_leaver;
GRANT USAGE ON SCHEMA authors TO regress_ml_leaver;
GRANT SELECT ON authors.data TO regress_ml_leaver;
SELECT count(*) FROM ml.importance('left', 'permutation');
SELECT * FROM ml.source_changed('left');
SELECT ml.grant('left', 'use', 'regress_ml_leaver');
SELECT count(*) FROM ml.importance('left', 'permutation');
DROP OWNED BY regress_ml_leaver;
DROP ROLE regress_ml_leaver;

\c postgres
DROP DATABASE regress_ml_identity;
DROP ROLE regress_ml_author, regress_ml_asker;
