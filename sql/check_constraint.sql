-- ml.is_valid in CHECK constraints: the error says which checks failed, and only where the constraint fails for it.
CREATE ROLE regress_ml_writer;
CREATE DATABASE regress_ml_constraint TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_constraint
SET lc_messages = 'C';
SET TIME ZONE 'UTC';
CREATE EXTENSION pg_mlops;
SELECT ml.add_check('people', 'range', '{age}', '{"min": 0, "max": 120}'), ml.add_check('people', 'not_null', '{name,age}', name => 'who'),
	ml.add_check('people', 'in_set', '{status}', '{"values": ["new", "old"]}'), ml.add_check('people', 'range', '{age}', '{"max": 100}', severity => 'warn');
-- What an error says, with its fields.
CREATE FUNCTION told(sql text, OUT state text, OUT message text, OUT detail text, OUT "table" text, OUT "constraint" text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	state := 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, "table" = TABLE_NAME, "constraint" = CONSTRAINT_NAME;
END
$$;

CREATE TABLE people (gone int, name text, age int, status text, doubled int GENERATED ALWAYS AS (age * 2) STORED, CONSTRAINT "People check" CHECK (ml.is_valid('people', people)));
ALTER TABLE people DROP COLUMN gone;
INSERT INTO people VALUES ('a', 1, 'new'), ('b', NULL, NULL);
INSERT INTO people VALUES ('a', 1, 'new'), ('b', 110, NULL);
SELECT * FROM told($$INSERT INTO people VALUES ('c', 130, 'strange')$$);
SELECT * FROM told($$UPDATE people SET age = -1, name = NULL WHERE name = 'a'$$);
SELECT * FROM told($$INSERT INTO people SELECT 'd', i, 'old' FROM generate_series(119, 121) i$$);
SELECT * FROM told($$INSERT INTO people VALUES ('c', 130) ON CONFLICT DO NOTHING$$);
SELECT * FROM told($$MERGE INTO people p USING (VALUES ('a')) v (name) ON p.name = v.name WHEN MATCHED THEN UPDATE SET status = 'strange'$$);
COPY people (name, age, status) FROM stdin;
x	1	new
y	121	old
\.
SELECT name, age, status, doubled FROM people ORDER BY name;

-- COPY ... WHERE filters, by the same call, and the constraint speaks for itself.
CREATE TABLE copied (name text, age int, status text, CONSTRAINT copied_valid CHECK (ml.is_valid('people', copied)));
COPY copied FROM stdin WHERE ml.is_valid('people', copied);
x	1	new
y	121	old
\.
SELECT name, age FROM copied;
COPY copied FROM stdin WHERE ml.is_valid('people', copied) OR age = 121;
x	1	new
z	122	old
y	121	old
\.
SELECT name, age FROM copied;
CREATE TABLE filtered (name text, age int, status text);
COPY filtered FROM stdin WHERE ml.is_valid('people', filtered);
x	1	new
y	121	old
\.
SELECT * FROM filtered;

-- A member of the AND at the top decides, in any depth, with arguments by name and computed; anything else does not.
CREATE TABLE conditions (name text, age int, status text, kind int,
	CONSTRAINT first CHECK (kind > 0 AND (name <> '' AND ml.is_valid(data => conditions, suite => 'peo' || 'ple'))));
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 130, 'new', 1)$$);
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 130, 'new', 0)$$);
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 130, 'new', NULL)$$);
ALTER TABLE conditions DROP CONSTRAINT first;
ALTER TABLE conditions ADD CONSTRAINT either CHECK (ml.is_valid('people', conditions) OR kind = 1);
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 130, 'new', 1)$$);
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 130, 'new', 2)$$);
ALTER TABLE conditions DROP CONSTRAINT either;
ALTER TABLE conditions ADD CONSTRAINT negated CHECK (NOT ml.is_valid('people', conditions));
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 130, 'new', 2)$$);
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 13, 'new', 2)$$);
ALTER TABLE conditions DROP CONSTRAINT negated;
-- One that stands alone in one constraint, and does not decide in another.
TRUNCATE conditions;
INSERT INTO conditions VALUES ('a', 130, 'new', 1);
ALTER TABLE conditions ADD CONSTRAINT alone CHECK (ml.is_valid('people', conditions)) NOT VALID;
ALTER TABLE conditions ADD CONSTRAINT either CHECK (ml.is_valid('people', conditions) OR kind = 1);
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 131, 'new', 1)$$);
ALTER TABLE conditions DROP CONSTRAINT either;

-- ALTER TABLE: rows that are there already.
ALTER TABLE conditions VALIDATE CONSTRAINT alone;
ALTER TABLE conditions DROP CONSTRAINT alone;
ALTER TABLE conditions ADD CONSTRAINT alone CHECK (ml.is_valid('people', conditions));
ALTER TABLE conditions ADD CONSTRAINT alone CHECK (ml.is_valid('people', conditions)) NOT VALID;
SELECT * FROM told($$INSERT INTO conditions VALUES ('a', 131, 'new', 1)$$);
-- An expression that computes a column is no constraint.
ALTER TABLE conditions ALTER kind TYPE boolean USING ml.is_valid('people', conditions);
SELECT * FROM conditions;
SELECT * FROM told('ALTER TABLE conditions ALTER kind TYPE boolean USING ml.is_valid(''people'', conditions)');

-- The WHEN of a trigger, on a table with the same call as constraint.
CREATE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'trigger %', TG_NAME; RETURN new; END $$;
CREATE TABLE watched (name text, age int, status text, CHECK (ml.is_valid('people', watched)));
CREATE TRIGGER bad BEFORE INSERT ON watched FOR EACH ROW WHEN (NOT ml.is_valid('people', new)) EXECUTE FUNCTION noticed();
CREATE TRIGGER good BEFORE INSERT ON watched FOR EACH ROW WHEN (ml.is_valid('people', new)) EXECUTE FUNCTION noticed();
INSERT INTO watched VALUES ('a', 1, 'new');
INSERT INTO watched VALUES ('a', 121, 'new');

-- The same of a partitioned table: the trigger's clones convert the row to the parent's type, whose columns lie elsewhere.
CREATE TABLE parted (status text, name text, age int) PARTITION BY RANGE (age);
CREATE TABLE parted_low (gone int, age int, more text, name text, status text, CONSTRAINT low_valid CHECK (ml.is_valid('people', parted_low)));
ALTER TABLE parted_low DROP COLUMN gone, DROP COLUMN more;
ALTER TABLE parted ATTACH PARTITION parted_low FOR VALUES FROM (-10) TO (50);
CREATE TABLE parted_high PARTITION OF parted (CONSTRAINT high_valid CHECK (ml.is_valid('people', parted_high))) FOR VALUES FROM (50) TO (1000);
CREATE TRIGGER bad BEFORE INSERT ON parted FOR EACH ROW WHEN (NOT ml.is_valid('people', new)) EXECUTE FUNCTION noticed();
CREATE TRIGGER good BEFORE INSERT ON parted FOR EACH ROW WHEN (ml.is_valid('people', new)) EXECUTE FUNCTION noticed();
INSERT INTO parted VALUES ('new', 'a', 1), ('old', 'b', 60);
-- Each partition has a constraint of its own: the server lets none inherit one about the whole row.
SELECT * FROM told($$INSERT INTO parted VALUES ('strange', 'a', -1)$$);
SELECT * FROM told($$INSERT INTO parted_high VALUES ('new', NULL, 121)$$);
SELECT * FROM told($$UPDATE parted SET age = age + 100$$);
COPY parted FROM stdin;
new	c	2
new	d	500
\.
SELECT ml.is_valid('people', p), tableoid::regclass, p.* FROM parted p ORDER BY age;
SELECT * FROM told('ALTER TABLE parted ADD CHECK (ml.is_valid(''people'', parted))');
CREATE TABLE parent (name text, age int, status text, CHECK (ml.is_valid('people', parent)) NO INHERIT);
CREATE TABLE child (own text, CHECK (ml.is_valid('people', child))) INHERITS (parent);
SELECT * FROM told($$INSERT INTO parent VALUES ('a', 121, 'new')$$);
SELECT * FROM told($$INSERT INTO child VALUES ('a', 121, 'strange', 'x')$$);
SELECT * FROM told($$INSERT INTO child VALUES ('a', 12, 'old', 'x')$$);
SELECT * FROM told($$UPDATE parent SET age = 121$$);

-- A suite that changes.
CREATE TABLE follows (name text, age int, status text, CHECK (ml.is_valid('follows', follows)));
SELECT * FROM told($$INSERT INTO follows VALUES ('a', 1, 'new')$$);
SELECT ml.add_check('follows', 'range', '{age}', '{"max": 10}');
SELECT * FROM told($$INSERT INTO follows VALUES ('a', 1, 'new')$$);
SELECT * FROM told($$INSERT INTO follows VALUES ('a', 11, 'new')$$);
SELECT ml.drop_check('follows', 'age_range'), ml.add_check('follows', 'range', '{age}', '{"max": 5}');
SELECT * FROM told($$INSERT INTO follows VALUES ('a', 6, 'new')$$);
SELECT ml.add_check('follows', 'range', '{height}', '{"max": 5}');
SELECT * FROM told($$INSERT INTO follows VALUES ('a', 1, 'new')$$);
SELECT ml.drop_suite('follows');
SELECT * FROM told($$INSERT INTO follows VALUES ('a', 1, 'new')$$);

-- Values that a role may not read are not told.
GRANT INSERT, UPDATE ON people TO regress_ml_writer;
GRANT SELECT (name) ON people TO regress_ml_writer;
SET ROLE regress_ml_writer;
INSERT INTO people VALUES (NULL, 130, 'new');
UPDATE people SET name = NULL;
RESET ROLE;
GRANT SELECT ON people TO regress_ml_writer;
SET ROLE regress_ml_writer;
INSERT INTO people VALUES (NULL, 130, 'new');
RESET ROLE;
ALTER TABLE people ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON people USING (true);
SET ROLE regress_ml_writer;
INSERT INTO people VALUES (NULL, 130, 'new');
RESET ROLE;

-- Only the planner makes such calls.
SELECT ml.is_valid_stored('people', (SELECT '{age}'::text[]), 'people', 'c', 1);
SELECT ml.is_valid_stored('people', '{name,age,status}', 'people', 'c', 'a'::text, 1, 'new'::text), ml.is_valid_stored(NULL, '{age}', 'people', 'c', 1);

\c postgres
DROP DATABASE regress_ml_constraint;
DROP ROLE regress_ml_writer;
