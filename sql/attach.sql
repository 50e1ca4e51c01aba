-- Models attached to relations: the server refuses to drop or retype what they read, or a view tells of it.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_other;
CREATE DATABASE regress_ml_attach TEMPLATE template0;
\c regress_ml_attach
SET lc_messages = 'C';
\set SHOW_CONTEXT never
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_owner, regress_ml_other;
SET ROLE regress_ml_owner;
CREATE TABLE customers AS SELECT i AS id, 20 + i % 50 AS age, (i * 37 % 1000)::numeric(10, 2) AS income, 'n' || i % 3 AS note, i % 7 AS spare, 2.0 * i AS y FROM generate_series(1, 100) i;
SELECT version FROM ml.train('churn', 'customers', 'y', 'linear_regression', features => '{id,age}');

SELECT ml.attach('churn', 'customers');
SELECT model, relation, mode, guard, attached_by FROM ml.attachments;
SELECT p.proname, pg_get_function_sqlbody(p.oid), pg_get_userbyid(p.proowner) = 'regress_ml_owner' AS owned, has_function_privilege('regress_ml_other', p.oid, 'EXECUTE') AS runs,
	obj_description(p.oid), array_agg(d.deptype ORDER BY d.deptype) FILTER (WHERE d.refclassid = 'pg_extension'::regclass) AS extension
	FROM pg_proc p JOIN ml.attachments a ON a.guard = p.proname JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass GROUP BY p.oid, p.proname, p.proowner;
TABLE ml.attached_columns;
-- Used columns stay, with the model named; the others are free.
ALTER TABLE customers DROP COLUMN age;
-- Older minors refuse in other words.
DO $$
DECLARE
	told text;
BEGIN
	ALTER TABLE customers ALTER COLUMN age TYPE bigint;
	RAISE NOTICE 'retyped';
EXCEPTION WHEN feature_not_supported OR internal_error THEN
	GET STACKED DIAGNOSTICS told = PG_EXCEPTION_DETAIL;
	RAISE NOTICE 'refused because of %', substring(SQLERRM || told from 'function ml\..*\(\)');
END
$$;
DROP TABLE customers;
ALTER TABLE customers ALTER COLUMN income TYPE float8;
ALTER TABLE customers DROP COLUMN spare;
TABLE ml.attached_columns;

-- A version that reads more widens the guard, one that goes narrows it.
SELECT version FROM ml.train('churn', 'customers', 'y', 'linear_regression', features => '{id,income}');
SELECT column_name, recorded_type, status, mode FROM ml.attached_columns;
ALTER TABLE customers DROP COLUMN income;
SELECT ml.archive('churn', 2);
SELECT column_name, recorded_type, status, mode FROM ml.attached_columns;
ALTER TABLE customers DROP COLUMN income;
SELECT version FROM ml.train('churn', 'customers', 'y', 'linear_regression', features => '{note}');
ALTER TABLE customers DROP COLUMN note;
SELECT ml.drop_version('churn', 3);
ALTER TABLE customers DROP COLUMN note;

-- Renaming goes through, and what was recorded under the old names is still kept.
ALTER TABLE customers RENAME COLUMN age TO years;
ALTER TABLE customers RENAME TO clients;
TABLE ml.attached_columns;
ALTER TABLE clients DROP COLUMN years;
SELECT version FROM ml.train('churn', 'clients', 'y', 'linear_regression', features => '{id,years}');
SELECT relation, column_name, status, mode FROM ml.attached_columns;
SELECT pg_get_function_sqlbody(p.oid) FROM pg_proc p JOIN ml.attachments a ON a.guard = p.proname;
ALTER TABLE clients ADD COLUMN age int;
UPDATE clients SET age = id % 9;
SELECT version FROM ml.train('churn', 'clients', 'y', 'linear_regression', features => '{id,age}');
ALTER TABLE clients DROP COLUMN age;
ALTER TABLE clients DROP COLUMN years;
-- Another table of the old name is another relation.
CREATE TABLE customers AS SELECT * FROM clients;
SELECT version FROM ml.train('churn', 'customers', 'y', 'linear_regression', features => '{id,age}');
SELECT ml.attach('churn', 'customers');
SELECT ml.detach('churn', 'customers');
SELECT ml.detach('churn', 'clients');
SELECT ml.attach('churn', 'customers');
SELECT ml.attach('churn', 'clients');
SELECT relation, mode, guard FROM ml.attachments ORDER BY relation;
SELECT ml.detach('churn', 'clients');
SELECT ml.detach('churn', 'clients');
DROP TABLE clients;

-- CASCADE takes the guard along, and the view says so.
ALTER TABLE customers DROP COLUMN age CASCADE;
ALTER TABLE customers ALTER COLUMN id TYPE bigint;
SELECT column_name, recorded_type, current_type, status, mode FROM ml.attached_columns;
SELECT ml.attach('churn', 'customers');
-- A training makes it anew for what is left.
SELECT version FROM ml.train('churn', 'customers', 'y', 'linear_regression', features => '{id}');
SELECT column_name, recorded_type, current_type, status, mode FROM ml.attached_columns;
ALTER TABLE customers DROP COLUMN id;
DROP TABLE customers CASCADE;
SELECT column_name, current_type, status, mode FROM ml.attached_columns;
RESET ROLE;

-- It is not made anew on a relation that only has the name.
SET ROLE regress_ml_other;
CREATE TABLE customers AS SELECT i AS id, i % 5 AS age, i * 1.0 AS y FROM generate_series(1, 50) i;
GRANT SELECT ON customers TO regress_ml_owner;
SET ROLE regress_ml_owner;
SELECT version FROM ml.train('churn', 'customers', 'y', 'linear_regression');
SELECT column_name, current_type, status, mode FROM ml.attached_columns WHERE column_name <> 'years';
SELECT ml.detach('churn', 'customers');
RESET ROLE;
DROP TABLE customers;

-- Reports instead of refusing; to attach again changes the mode.
SET ROLE regress_ml_owner;
CREATE TABLE facts (id int, x int, z numeric(6, 2), w int, y float8);
INSERT INTO facts SELECT i, i % 9, i % 4, i % 5, i * 2.5 FROM generate_series(1, 100) i;
CREATE VIEW facts_view AS SELECT id, x, z, y FROM facts;
SELECT version FROM ml.train('sales', 'facts_view', 'y', 'linear_regression');
SET pg_mlops.attach_mode = 'report';
SELECT ml.attach('sales', 'facts');
SELECT ml.attach('sales', 'facts_view');
SELECT relation, column_name, recorded_type, current_type, status, mode FROM ml.attached_columns ORDER BY 1, 2;
DROP VIEW facts_view;
ALTER TABLE facts DROP COLUMN x, ALTER COLUMN z TYPE numeric(8, 2);
SELECT relation, column_name, recorded_type, current_type, status, mode FROM ml.attached_columns ORDER BY 1, 2;
SET pg_mlops.attach_mode = 'refuse';
SELECT ml.attach('sales', 'facts');
ALTER TABLE facts ADD COLUMN x int;
SELECT ml.attach('sales', 'facts');
ALTER TABLE facts DROP COLUMN x;
SELECT relation, mode, guard FROM ml.attachments WHERE model = 'sales' ORDER BY 1;
SET pg_mlops.attach_mode = 'report';
SELECT ml.attach('sales', 'facts');
SELECT relation, mode, guard FROM ml.attachments WHERE model = 'sales' ORDER BY 1;
ALTER TABLE facts DROP COLUMN x;
SET pg_mlops.attach_mode = 'watch';
RESET pg_mlops.attach_mode;

-- Relations of which only rows are counted, names that are too long, and names that come to the same.
CREATE TABLE counted AS SELECT 1 AS one;
CREATE TABLE "a table of a name so long that a guard cannot have it whole" AS SELECT i AS x, i * 2.0 AS y FROM generate_series(1, 30) i;
CREATE TABLE "a table of a name so long that a guard cannot have it either" AS TABLE "a table of a name so long that a guard cannot have it whole";
SELECT version FROM ml.train('a model with a rather long name: éééééééé', 'SELECT a.x, b.y + (SELECT count(*) FROM counted) AS y
	FROM "a table of a name so long that a guard cannot have it whole" a JOIN "a table of a name so long that a guard cannot have it either" b USING (x)', 'y', 'linear_regression');
SELECT ml.attach('a model with a rather long name: éééééééé', c.relation::regclass) FROM (SELECT DISTINCT relation FROM ml.source_columns WHERE model LIKE 'a model%' ORDER BY relation) c;
SELECT guard, octet_length(guard::text) FROM ml.attachments WHERE model LIKE 'a model%' ORDER BY relation;
DROP TABLE counted;
ALTER TABLE counted DROP COLUMN one;
-- A model that is dropped leaves none behind.
SELECT ml.undeploy('a model with a rather long name: éééééééé', 'production');
SELECT ml.drop_model('a model with a rather long name: éééééééé');
DROP TABLE counted;
SELECT count(*) FROM pg_proc WHERE proname LIKE 'model a model%';

-- Errors and rights.
CREATE TABLE unread (a int);
SELECT ml.attach('sales', 'unread');
SELECT ml.attach('nowhere', 'facts');
SELECT ml.attach(NULL, 'facts');
SELECT ml.attach('sales', NULL);
SELECT ml.attach('sales', 0);
SELECT ml.attach('sales', 'nowhere');
SELECT ml.detach('sales', 'unread');
CREATE TEMP TABLE fleeting AS SELECT i AS x, i * 2.0 AS y FROM generate_series(1, 30) i;
SELECT version FROM ml.train('brief', 'fleeting', 'y', 'linear_regression');
SELECT ml.attach('brief', 'fleeting');
BEGIN READ ONLY;
SELECT ml.attach('sales', 'facts');
ROLLBACK;
RESET ROLE;
SET ROLE regress_ml_other;
SELECT ml.attach('sales', 'facts');
SELECT ml.detach('sales', 'facts');
CREATE TABLE theirs AS SELECT i AS x, i * 2.0 AS y FROM generate_series(1, 30) i;
GRANT SELECT ON theirs TO regress_ml_owner;
SELECT count(*) FROM ml.attached_columns;
SET ROLE regress_ml_owner;
SELECT version FROM ml.train('sales', 'SELECT x, y FROM theirs', 'y', 'linear_regression');
SELECT ml.attach('sales', 'theirs');
SELECT ml.grant('sales', 'use', 'regress_ml_other');
RESET ROLE;
SET ROLE regress_ml_other;
SELECT count(*) FROM ml.attachments;
SELECT count(*) FROM ml.attached_columns;
RESET ROLE;
SELECT kind, model, detail FROM ml.events WHERE kind IN ('attach', 'detach') AND model = 'sales' ORDER BY event_id;

-- The extension goes, and its guards with it.
SET ROLE regress_ml_owner;
SELECT version FROM ml.train('last', 'SELECT id, w, y FROM facts', 'y', 'linear_regression');
SELECT ml.attach('last', 'facts');
RESET ROLE;
DROP EXTENSION pg_mlops;
SELECT count(*) FROM pg_namespace WHERE nspname = 'ml';
ALTER TABLE facts DROP COLUMN w;
\c postgres
DROP DATABASE regress_ml_attach;
DROP ROLE regress_ml_owner, regress_ml_other;
