-- Guards: rows that fail a suite are rejected, set aside or flagged; those set aside can be mended and released.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_writer;
CREATE ROLE regress_ml_other;
CREATE DATABASE regress_ml_guard TEMPLATE template0;
\c regress_ml_guard
CREATE EXTENSION pg_mlops;
CREATE SCHEMA guarded AUTHORIZATION regress_ml_owner;
CREATE SCHEMA thieves AUTHORIZATION regress_ml_other;
GRANT USAGE ON SCHEMA guarded TO regress_ml_writer;

SET ROLE regress_ml_owner;
SET search_path = guarded;
SELECT ml.add_check('intake', 'range', '{age}', '{"min": 0, "max": 120}');
SELECT ml.add_check('intake', 'not_null', '{name}');
SELECT ml.add_check('intake', 'range', '{score}', '{"max": 1}', severity => 'warn');
CREATE TABLE person (id integer PRIMARY KEY, name text, age integer, score double precision);
GRANT SELECT, INSERT, UPDATE ON person TO regress_ml_writer;

-- Arguments.
SELECT ml.guard(NULL, 'intake');
SELECT ml.guard('person', NULL);
SELECT ml.guard('person', 'intake', 'destroy');
SELECT ml.guard('person', 'no_such_suite');
CREATE TABLE nameless (age integer, score double precision);
SELECT ml.guard('nameless', 'intake');
CREATE VIEW persons AS SELECT * FROM person;
SELECT ml.guard('persons', 'intake');
SELECT ml.unguard('person');
SET ROLE regress_ml_writer;
SELECT ml.guard('guarded.person', 'intake');
SET ROLE regress_ml_owner;

-- Reject: all checks of severity error are named; warnings stop nothing.
SELECT ml.guard('person', 'intake');
INSERT INTO person VALUES (1, 'Ada', 36, 7);
INSERT INTO person VALUES (2, NULL, 150, 0);
UPDATE person SET age = -1;
TABLE person;
SELECT relation, suite, action, enabled, quarantined, flagged FROM ml.guards;

-- A second call changes the guard in place.
SELECT guard_id AS before FROM ml.guards \gset
SELECT ml.guard('person', 'intake', 'quarantine');
SELECT guard_id = :before AS same, action FROM ml.guards;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'person'::regclass;

-- Quarantine: the statement goes on without the row, whoever writes it; he does not see what was set aside.
SET ROLE regress_ml_writer;
INSERT INTO guarded.person VALUES (2, NULL, 150, 5), (3, 'Bo', 41, 0.5), (4, 'Cy', 200, 0) RETURNING id;
UPDATE guarded.person SET age = age + 80 WHERE id IN (1, 3);
INSERT INTO guarded.person VALUES (3, 'Bo', 130, 0) ON CONFLICT (id) DO UPDATE SET age = excluded.age;
INSERT INTO guarded.person VALUES (3, 'Bo', 42, 0) ON CONFLICT (id) DO UPDATE SET age = 1000;
SELECT count(*) FROM ml.quarantine;
SELECT quarantined IS NULL AS hidden FROM ml.guards;
SET ROLE regress_ml_owner;
SELECT * FROM person ORDER BY id;
SELECT quarantine_id - min(quarantine_id) OVER () AS n, relation, suite, action, operation, "row", key, actor, owner
	FROM ml.quarantine ORDER BY quarantine_id;
SELECT quarantine_id - min(quarantine_id) OVER () AS n, f ->> 'name' AS name, f ->> 'kind' AS kind, f ->> 'column' AS col,
	f ->> 'severity' AS severity
	FROM ml.quarantine, jsonb_array_elements(failed_checks) WITH ORDINALITY AS j (f, o) ORDER BY quarantine_id, o;
SELECT quarantined, flagged FROM ml.guards;

-- Release: what still fails stays; what is mended goes in, and leaves a line.
SELECT min(quarantine_id) AS q FROM ml.quarantine \gset
\set VERBOSITY terse
SELECT ml.release(:q);
\set VERBOSITY default
UPDATE ml.quarantine SET suite = 'other' WHERE quarantine_id = :q;
INSERT INTO ml.quarantine (relation, guard_id, suite, action, operation, "row", failed_checks, owner)
	VALUES ('guarded.person', :before, 'intake', 'quarantine', 'INSERT', '{}', '[]', 'regress_ml_owner');
UPDATE ml.quarantine SET "row" = "row" || '{"age": 15, "name": "Di"}' WHERE quarantine_id = :q;
SELECT "row" ->> 'age' AS age, was ->> 'age' AS was FROM ml.quarantine WHERE quarantine_id = :q;
UPDATE ml.quarantine SET "row" = "row" || '{"age": 17}' WHERE quarantine_id = :q;
SELECT "row" ->> 'age' AS age, was ->> 'age' AS was FROM ml.quarantine WHERE quarantine_id = :q;
SELECT ml.release(:q);
UPDATE ml.quarantine SET "row" = "row" || '{"age": 20}' WHERE operation = 'UPDATE' AND key ->> 'id' = '3' AND ("row" ->> 'age')::int > 120;
SELECT ml.release(quarantine_id) FROM ml.quarantine WHERE operation = 'UPDATE';
SELECT * FROM person ORDER BY id;
SELECT relation, "row", was, quarantined_by, released_by, operation FROM ml.releases ORDER BY quarantine_id;
SELECT count(*) FROM ml.quarantine;
DO $$ BEGIN PERFORM ml.release(0); EXCEPTION WHEN undefined_object THEN RAISE NOTICE '%', SQLERRM; END $$;

-- Others see, mend and release nothing; a released row that breaks a constraint stays.
SET ROLE regress_ml_other;
SELECT count(*) FROM ml.quarantine;
SELECT count(*) FROM ml.releases;
UPDATE ml.quarantine SET "row" = '{}';
DELETE FROM ml.quarantine;
DO $$ BEGIN PERFORM ml.release((SELECT last_value FROM ml.quarantine_quarantine_id_seq)); EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%', SQLERRM; END $$;
SET ROLE regress_ml_owner;
\set VERBOSITY terse
UPDATE ml.quarantine SET "row" = "row" || '{"age": 20}' WHERE "row" ->> 'id' = '3';
SELECT ml.release(quarantine_id) FROM ml.quarantine WHERE "row" ->> 'id' = '3';
UPDATE ml.quarantine SET "row" = "row" || '{"nothing": 20}' WHERE "row" ->> 'id' = '3';
SELECT ml.release(quarantine_id) FROM ml.quarantine WHERE "row" ->> 'id' = '3';
-- An UPDATE of a row that is gone.
UPDATE person SET age = 500 WHERE id = 1;
DELETE FROM person WHERE id = 1;
UPDATE ml.quarantine SET "row" = "row" || '{"age": 20}' WHERE operation = 'UPDATE';
SELECT ml.release(quarantine_id) FROM ml.quarantine WHERE operation = 'UPDATE';
\set VERBOSITY default
DELETE FROM ml.quarantine;

-- Flag: the row stays, and is noted; it cannot be released, it is there.
SELECT ml.guard('person', 'intake', 'flag');
INSERT INTO person VALUES (9, 'Eve', 300, 0);
UPDATE person SET age = 400 WHERE id = 9;
SELECT action, operation, "row", key FROM ml.quarantine ORDER BY quarantine_id;
SELECT quarantined, flagged FROM ml.guards;
\set VERBOSITY terse
SELECT ml.release(min(quarantine_id)) FROM ml.quarantine;
\set VERBOSITY default
DELETE FROM ml.quarantine;
DELETE FROM person;

-- What is rolled back is not set aside either.
SELECT ml.guard('person', 'intake', 'quarantine');
BEGIN;
INSERT INTO person VALUES (1, 'Ada', 500, 0);
SELECT count(*) FROM ml.quarantine;
SAVEPOINT s;
INSERT INTO person VALUES (1, 'Ada', 501, 0);
ROLLBACK TO s;
SELECT count(*) FROM ml.quarantine;
ROLLBACK;
SELECT count(*) FROM ml.quarantine;

-- The suite changes, and the table: a guard that cannot judge lets nothing through.
SELECT ml.add_check('intake', 'range', '{id}', '{"max": 100}');
INSERT INTO person VALUES (1000, 'Ada', 5, 0);
SELECT jsonb_array_length(failed_checks) FROM ml.quarantine;
SELECT ml.drop_check('intake', 'id_range');
ALTER TABLE person RENAME COLUMN age TO years;
INSERT INTO person VALUES (1, 'Ada', 5, 0);
ALTER TABLE person RENAME COLUMN years TO age;
DROP VIEW persons;
ALTER TABLE person ALTER COLUMN age TYPE numeric, ADD COLUMN extra text DEFAULT 'x', DROP COLUMN score;
INSERT INTO person VALUES (1, 'Ada', 5);
ALTER TABLE person ADD COLUMN score double precision;
INSERT INTO person VALUES (1, 'Ada', 5.5), (2, 'Bo', 120.5);
SELECT "row" FROM ml.quarantine ORDER BY quarantine_id;
-- A column that came later takes its default.
UPDATE ml.quarantine SET "row" = "row" || '{"age": 4}';
SELECT ml.release(quarantine_id) FROM ml.quarantine WHERE "row" ->> 'id' = '1000';
UPDATE ml.quarantine SET "row" = "row" - 'extra' WHERE "row" ->> 'id' = '2';
SELECT ml.release(quarantine_id) FROM ml.quarantine WHERE "row" ->> 'id' = '2';
SELECT * FROM person ORDER BY id;
ALTER TABLE person RENAME TO human;
INSERT INTO human VALUES (3, 'Cy', -3);
SELECT relation, "row" FROM ml.quarantine ORDER BY quarantine_id;
ALTER TABLE human RENAME TO person;
UPDATE ml.quarantine SET "row" = "row" || '{"age": 3}';
SELECT ml.release(quarantine_id) FROM ml.quarantine;
SELECT count(*) FROM person;

-- Rows come back as they were, whatever the session's settings.
CREATE DOMAIN whole AS integer;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE zoo (
	n integer, a smallint, b bigint, c real, d double precision, e numeric, f boolean, g text, h varchar(9), i char(5),
	j date, k timestamp, l timestamptz, m time, o interval, p bytea, q uuid, r json, s jsonb, t integer[], u int4range,
	v inet, w point, x whole, y mood, z regclass, aa money, bb bit varying, cc jsonb, dd text[], ee person);
CREATE TABLE zoo_before (LIKE zoo);
SELECT ml.add_check('zoo', 'range', '{n}', '{"max": 10}');
INSERT INTO zoo_before VALUES
	(11, -7, 9007199254740993, 0.1, 1e-310, 1.500, true, E'it''s "\\" \n', 'ä', 'ab', '0044-03-15 BC', '2020-02-29 12:00:00.000001',
	 '1890-01-01 00:00:00+00', '24:00', '-1 mons +2 days -03:04:05.6', '\xdeadbeef00', '00000000-0000-0000-0000-000000000001',
	 '{"b": 1,  "a": 1, "b": 2}', '{"b": [1, null]}', '{1,NULL,3}', '[1,5)', '10.0.0.1/8', '(0.1,2)', 7, 'sad', 'pg_class',
	 '-12.34', '101', 'null', '{"x,y",NULL,"NULL"}', ROW(1, 'a "b"', 2, 'c', 0.1)),
	(12, NULL, NULL, 'NaN', '-Infinity', 'NaN', false, '', NULL, NULL, 'infinity', '-infinity', 'infinity', NULL, NULL, '', NULL,
	 '"text"', '"text"', '{}', 'empty', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '3', '{}', NULL),
	(13, NULL, NULL, '-0', '-0', 'Infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
	 'null', 'true', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{}', NULL, NULL);
SELECT ml.guard('zoo', 'zoo', 'quarantine');
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET extra_float_digits = -15;
SET bytea_output = 'escape';
SET TimeZone = 'Asia/Kathmandu';
INSERT INTO zoo SELECT * FROM zoo_before;
SELECT count(*) FROM zoo;
SET TimeZone = 'America/New_York';
RESET DateStyle;
RESET IntervalStyle;
RESET extra_float_digits;
RESET bytea_output;
SELECT "row" - '{l,ee}'::text[] AS "row" FROM ml.quarantine WHERE relation = 'guarded.zoo' ORDER BY quarantine_id;
SELECT ml.drop_check('zoo', 'n_range');
SELECT ml.add_check('zoo', 'range', '{n}', '{"max": 20}');
SELECT ml.release(quarantine_id) FROM ml.quarantine WHERE relation = 'guarded.zoo';
SELECT n, zoo *= zoo_before AS image, zoo::text = zoo_before::text AS text FROM zoo JOIN zoo_before USING (n) ORDER BY n;
RESET TimeZone;

-- Generated and identity columns, and triggers that change the row before the guard.
CREATE TABLE made (id bigint GENERATED ALWAYS AS IDENTITY, x integer, twice integer GENERATED ALWAYS AS (2 * x) STORED);
SELECT ml.add_check('made', 'range', '{twice}', '{"max": 10}');
SELECT ml.guard('made', 'made', 'quarantine');
SELECT ml.guard('made', 'made', 'flag');
INSERT INTO made (x) VALUES (1), (50);
SELECT "row" FROM ml.quarantine;
DELETE FROM ml.quarantine;
SELECT ml.add_check('made_x', 'range', '{x}', '{"max": 10}');
SELECT ml.guard('made', 'made_x', 'quarantine');
INSERT INTO made (x) VALUES (60);
UPDATE made SET x = 70 WHERE id = 1;
SELECT operation, "row", key FROM ml.quarantine ORDER BY quarantine_id;
UPDATE ml.quarantine SET "row" = "row" || '{"x": 3}';
SELECT ml.release(quarantine_id) FROM ml.quarantine;
SELECT * FROM made ORDER BY id;
CREATE FUNCTION halve() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.x := NEW.x / 2; RETURN NEW; END $$;
CREATE TRIGGER halve BEFORE INSERT ON made FOR EACH ROW EXECUTE FUNCTION halve();
INSERT INTO made (x) VALUES (20), (22);
SELECT x FROM made WHERE id > 3;
SELECT "row" FROM ml.quarantine;
CREATE TRIGGER zzzz BEFORE INSERT ON made FOR EACH ROW EXECUTE FUNCTION halve();
SELECT ml.guard('made', 'made_x', 'quarantine');
DELETE FROM ml.quarantine;

-- Partitions, of which one has its columns in another order, one comes later, and rows move.
CREATE TABLE parts (k integer NOT NULL, v integer, PRIMARY KEY (k)) PARTITION BY RANGE (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 (gone text, v integer, k integer NOT NULL PRIMARY KEY);
ALTER TABLE parts_2 DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20);
SELECT ml.add_check('parts', 'range', '{v}', '{"max": 10}');
SELECT ml.guard('parts', 'parts', 'quarantine');
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (20) TO (30);
INSERT INTO parts VALUES (1, 1), (2, 20), (11, 1), (12, 20), (21, 1), (22, 20);
INSERT INTO parts_2 (k, v) VALUES (13, 30);
UPDATE parts SET k = 5, v = 99 WHERE k = 11;
UPDATE parts SET k = 6, v = 2 WHERE k = 11;
SELECT tableoid::regclass, * FROM parts ORDER BY k;
SELECT relation, operation, "row", key FROM ml.quarantine ORDER BY quarantine_id;
SELECT relation, action, quarantined FROM ml.guards WHERE relation = 'parts'::regclass;
UPDATE ml.quarantine SET "row" = "row" || '{"v": 7}' WHERE operation = 'INSERT';
SELECT ml.release(quarantine_id) FROM ml.quarantine WHERE operation = 'INSERT';
SELECT tableoid::regclass, * FROM parts ORDER BY k;
SELECT ml.guard('parts_1', 'parts');
SELECT ml.unguard('parts_1');
SELECT ml.guard('parts', 'parts', 'flag');
INSERT INTO parts VALUES (9, 90);
SELECT tgrelid::regclass, tgenabled, tgtype FROM pg_trigger WHERE tgfoid = 'ml.guard_row'::regproc AND tgrelid::regclass::text LIKE 'parts%'
	ORDER BY tgrelid::regclass::text;
SELECT ml.unguard('parts');
SELECT count(*) FROM pg_trigger WHERE tgfoid = 'ml.guard_row'::regproc AND tgrelid::regclass::text LIKE 'parts%';
SELECT ml.guard('parts_1', 'parts');
SELECT ml.guard('parts', 'parts');
DELETE FROM ml.quarantine;

-- Inheritance: children are tables of their own.
CREATE TABLE parent (v integer);
CREATE TABLE child () INHERITS (parent);
SELECT ml.guard('parent', 'parts');
INSERT INTO child VALUES (99);

-- A foreign key's action cannot leave its row out.
CREATE TABLE boss (v integer PRIMARY KEY);
CREATE TABLE staff (v integer REFERENCES boss ON UPDATE CASCADE);
INSERT INTO boss VALUES (1);
INSERT INTO staff VALUES (1);
SELECT ml.guard('staff', 'parts', 'quarantine');
UPDATE boss SET v = 50;
TABLE staff;
SELECT action, operation, "row", key, reason FROM ml.quarantine;
SELECT ml.guard('staff', 'parts');
\set VERBOSITY terse
UPDATE boss SET v = 60;
\set VERBOSITY default
DELETE FROM ml.quarantine;

-- MERGE, COPY, INSERT ... SELECT, temporary tables, and replication's role.
CREATE TEMP TABLE t (k integer, v integer);
SELECT ml.guard('t', 'parts', 'quarantine');
INSERT INTO t SELECT i, i FROM generate_series(9, 12) i;
MERGE INTO t USING (VALUES (9, 99), (10, 8), (20, 20), (21, 1)) s (k, v) ON t.k = s.k
	WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.k, s.v);
COPY t FROM stdin;
30	30
31	3
\.
SELECT * FROM t ORDER BY k;
SELECT operation, "row", key FROM ml.quarantine ORDER BY quarantine_id;
RESET ROLE;
SET session_replication_role = replica;
INSERT INTO t VALUES (40, 40);
RESET session_replication_role;
SET ROLE regress_ml_owner;
SELECT count(*) FROM t WHERE k = 40;
DELETE FROM ml.quarantine;

-- Row security of the table holds for whoever releases.
SELECT ml.guard('person', 'intake', 'quarantine');
INSERT INTO person (id, name, age) VALUES (70, 'Flo', 700);
ALTER TABLE person ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY small ON person USING (id < 50);
UPDATE ml.quarantine SET "row" = "row" || '{"age": 7}';
\set VERBOSITY terse
SELECT ml.release(quarantine_id) FROM ml.quarantine;
\set VERBOSITY default
DROP POLICY small ON person;
ALTER TABLE person NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;

-- Another's number cannot be used, nor a number kept when its table is gone.
SELECT guard_id AS mine FROM ml.guards WHERE relation = 'person'::regclass \gset
SET ROLE regress_ml_other;
SET search_path = thieves;
CREATE TABLE thief (age integer, name text, score integer);
CREATE TRIGGER g BEFORE INSERT ON thief FOR EACH ROW EXECUTE FUNCTION ml.guard_row('intake', 'quarantine', :'mine');
INSERT INTO thief VALUES (1000);
CREATE TRIGGER h AFTER INSERT ON thief FOR EACH ROW EXECUTE FUNCTION ml.guard_row('intake', 'quarantine', :'mine');
DROP TRIGGER g ON thief;
INSERT INTO thief VALUES (1000);
DROP TRIGGER h ON thief;
SET ROLE regress_ml_owner;
SET search_path = guarded;
DROP TABLE person, zoo, zoo_before CASCADE;
SELECT count(*) FROM ml.quarantine;
SET ROLE regress_ml_other;
SET search_path = thieves;
CREATE TRIGGER g BEFORE INSERT ON thief FOR EACH ROW EXECUTE FUNCTION ml.guard_row('intake', 'quarantine', :'mine');
SELECT count(*) FROM ml.quarantine;
DROP TABLE thief;
RESET ROLE;
\set VERBOSITY terse
SELECT ml.release(quarantine_id) FROM ml.quarantine;
SELECT ml.guard('ml.quarantine', 'intake');
\set VERBOSITY default
UPDATE ml.releases SET released_by = 'nobody';

-- A suite that judges nothing lets nothing pass unseen, and an UPDATE tells no value that its user may not read.
SET search_path = guarded;
CREATE TABLE sealed (id integer PRIMARY KEY, a integer, secret text);
INSERT INTO sealed VALUES (1, 1, 'hush');
GRANT SELECT (id), INSERT, UPDATE ON sealed TO regress_ml_writer;
GRANT USAGE ON SCHEMA guarded TO regress_ml_writer;
SELECT ml.add_check('sealed', 'like', '{secret}', '{"pattern": "m%"}');
SELECT ml.guard('sealed', 'sealed');
SET ROLE regress_ml_writer;
INSERT INTO sealed VALUES (2, 1, 'mine');
INSERT INTO sealed VALUES (3, 1, 'own');
UPDATE sealed SET a = 2 WHERE id = 1;
RESET ROLE;
SELECT ml.drop_check('sealed', 'secret_like');
INSERT INTO sealed VALUES (4, 1, 'x');
SELECT ml.add_check('sealed', 'mean', '{a}', '{"max": 1}');
INSERT INTO sealed VALUES (4, 1, 'x');
SELECT ml.guard('sealed', 'sealed');
SELECT ml.add_check('sealed', 'not_null', '{a}', severity => 'warn');
INSERT INTO sealed VALUES (4, NULL, 'x');

\c postgres
DROP DATABASE regress_ml_guard;
DROP ROLE regress_ml_owner, regress_ml_writer, regress_ml_other;
