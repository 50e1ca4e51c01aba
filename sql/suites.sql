-- Suites of checks: what can be defined, whose they are, who sees them, and when they go.
CREATE ROLE regress_ml_suite_owner;
CREATE ROLE regress_ml_suite_other;
CREATE ROLE regress_ml_suite_group;
CREATE ROLE regress_ml_suite_member IN ROLE regress_ml_suite_group;
CREATE DATABASE regress_ml_suites TEMPLATE template0;
\c regress_ml_suites
CREATE EXTENSION pg_mlops;
SET client_min_messages = warning;

CREATE VIEW regress_checks WITH (security_invoker = true) AS
	SELECT suite, name, kind, columns, params, severity, environment, learned, created_by FROM ml.checks ORDER BY suite, check_id;
CREATE VIEW regress_seen WITH (security_invoker = true) AS
	SELECT (SELECT string_agg(suite, ',' ORDER BY suite) FROM ml.suites) AS suites, (SELECT count(*) FROM ml.checks) AS checks,
		(SELECT string_agg(suite || '.' || name || ' by ' || actor, ', ' ORDER BY result_id) FROM ml.check_results) AS results;
GRANT SELECT ON regress_checks, regress_seen TO PUBLIC;

-- Which kinds there are, and their parameters.
SELECT kind, scope, summary, min_columns, max_columns FROM ml.check_kinds WHERE kind = 'not_null';
SELECT p FROM ml.check_kinds, jsonb_array_elements(parameters) p WHERE kind = 'not_null';
SELECT * FROM ml.check_parameters WHERE kind = 'not_null';
SELECT count(*) FROM ml.check_kinds WHERE scope NOT IN ('row', 'data') OR summary = '' OR min_columns < 0 OR max_columns < min_columns;
SELECT kind, name FROM ml.check_parameters EXCEPT
	SELECT kind, p ->> 'name' FROM ml.check_kinds, jsonb_array_elements(parameters) p;
SELECT kind, name FROM ml.check_parameters GROUP BY 1, 2 HAVING count(*) > 1;

-- The first check makes the suite. A check without a name is named after its columns and its kind.
SET ROLE regress_ml_suite_owner;
SELECT ml.add_check('people', 'range', '{age}', '{"min": 0, "max": 120}');
SELECT ml.add_check('people', 'range', '{age}', '{"max": 100}', severity => 'warn', environment => 'serving');
SELECT ml.add_check('people', 'range', columns => '{age}', params => NULL, environment => 'training');
SELECT ml.add_check('people', 'not_null', '{name,age}', '{"mostly": 0.9, "where": "age > 0"}', name => 'who');
SELECT ml.add_check('people', 'not_null', ARRAY['c' || repeat(E'\u00e9', 200)]);
SELECT ml.add_check('people', 'not_null', ARRAY['c' || repeat(E'\u00e9', 200)]);
SELECT name = 'c' || repeat(E'\u00e9', 122) || '_not_null', octet_length(name),
	name = 'c' || repeat(E'\u00e9', 122) || '_not_nul_1' FROM ml.checks WHERE octet_length(name) > 20 ORDER BY check_id;
SELECT * FROM regress_checks WHERE octet_length(name) < 20;
SELECT suite, owner, model, version, source FROM ml.suites;
-- Two in one statement, one in a subtransaction that fails.
SELECT ml.add_check('two', 'not_null', '{a}'), ml.add_check('two', 'not_null', '{a}');
DO $$ BEGIN PERFORM ml.add_check('two', 'not_null', '{b}'), ml.add_check('three', 'not_null', '{b}'); RAISE 'no'; EXCEPTION WHEN raise_exception THEN END $$;
SELECT suite, name FROM regress_checks WHERE suite IN ('two', 'three');

-- Every change is a new revision.
SELECT revision AS before FROM ml.suites WHERE suite = 'two' \gset
SELECT ml.drop_check('two', 'a_not_null_1');
SELECT revision > :before AS dropped, revision AS before FROM ml.suites WHERE suite = 'two' \gset
\echo :dropped
SELECT ml.add_check('two', 'not_null', '{b}');
SELECT revision > :before AS added FROM ml.suites WHERE suite = 'two';

-- What cannot be a check.
SELECT ml.add_check('people', 'range', '{age}', '{"min": 0}', name => 'who');
SELECT ml.add_check('people', 'not_null', '{age}', name => '');
SELECT ml.add_check('people', 'not_null', '{age}', name => repeat('x', 256));
SELECT ml.add_check('people', 'not_null', '{age}', severity => 'fatal');
SELECT ml.add_check('people', 'not_null', '{age}', severity => NULL);
SELECT ml.add_check('people', 'not_null', '{age}', environment => 'test');
SELECT ml.add_check('people', 'not_null');
SELECT ml.add_check('people', 'not_null', '{age,name,age}');
SELECT ml.add_check('people', 'not_null', '{{a},{b}}');
SELECT ml.add_check('people', 'not_null', '{a,NULL}');
SELECT ml.add_check('people', 'not_null', '{age}', '[]');
SELECT ml.add_check('people', 'not_null', '{age}', '1');
SELECT ml.add_check('people', 'not_null', '{age}', 'null');
SELECT ml.add_check('people', 'not_null', '{age}', '{"mostly": 1.5}');
SELECT ml.add_check('people', 'not_null', '{age}', '{"mostly": "all"}');
SELECT ml.add_check('people', 'not_null', '{age}', '{"where": {}}');
SELECT ml.add_check('people', 'range', '{age}', '{"strict_min": 1}');
SELECT ml.add_check(NULL, 'not_null', '{age}');
SELECT ml.add_check('people', NULL, '{age}');
-- The kinds are many: their list is left out.
\set VERBOSITY terse
SELECT ml.add_check('people', 'nonsense', '{age}');
SELECT ml.add_check('people', 'not_null', '{age}', '{"minimum": 1}');
\set VERBOSITY default
-- What cannot name a suite.
SELECT ml.add_check('', 'not_null', '{age}');
SELECT ml.add_check('a@b', 'not_null', '{age}');
SELECT ml.add_check('a/b', 'not_null', '{age}');
SELECT ml.add_check('/3', 'not_null', '{age}');
SELECT ml.add_check(repeat('x', 64), 'not_null', '{age}');
SELECT ml.add_check(E'a\nb', 'not_null', '{age}');
SELECT ml.add_check('churn/3', 'not_null', '{age}');
SELECT ml.drop_check('churn/3', 'age_not_null');
SELECT ml.drop_suite('churn/3');
-- What is not there.
SELECT ml.drop_check('people', 'wo');
SELECT ml.drop_check('peeple', 'who');
SELECT ml.drop_suite('nothing at all like it');
SELECT ml.drop_check('people', NULL);
SELECT ml.drop_suite(NULL);
SELECT ml.set_suite_owner('people', NULL);
SELECT ml.set_suite_owner('people', 99999);
SELECT ml.set_suite_owner('nothing', 'regress_ml_suite_owner');
SELECT count(*), count(DISTINCT suite) FROM ml.checks;

-- Where nothing can be written.
BEGIN READ ONLY;
SELECT ml.add_check('people', 'not_null', '{age}');
ROLLBACK;
BEGIN READ ONLY;
SELECT ml.drop_check('people', 'who');
ROLLBACK;
BEGIN READ ONLY;
SELECT ml.drop_suite('people');
ROLLBACK;
BEGIN READ ONLY;
SELECT ml.set_suite_owner('people', 'regress_ml_suite_owner');
ROLLBACK;

-- Others neither see nor change a suite, nor write the tables.
SET ROLE regress_ml_suite_other;
TABLE regress_seen;
SELECT ml.add_check('people', 'not_null', '{age}');
SELECT ml.drop_check('people', 'who');
SELECT ml.drop_suite('people');
SELECT ml.drop_suite('peopl');
SELECT ml.set_suite_owner('people', 'regress_ml_suite_other');
SELECT ml.is_member('regress_ml_suite_owner'), ml.is_member('regress_ml_suite_other'), ml.is_member('nobody'), ml.is_member(NULL);
INSERT INTO ml.suites (suite, owner) VALUES ('mine', 'regress_ml_suite_other');
UPDATE ml.suites SET owner = 'regress_ml_suite_other';
DELETE FROM ml.checks;
INSERT INTO ml.check_results (suite, name, kind, severity, environment, source, success, status, run)
	VALUES ('people', 'who', 'not_null', 'error', 'both', 't', true, 'pass', 1);
SELECT nextval('ml.suite_revision');

-- Not even a superuser rewrites them by hand.
RESET ROLE;
UPDATE ml.suites SET owner = 'regress_ml_suite_other';
DELETE FROM ml.suites;
UPDATE ml.checks SET severity = 'warn';
DELETE FROM ml.checks;
TRUNCATE ml.checks;
INSERT INTO ml.check_results (suite, name, kind, severity, environment, source, success, status, run, at, actor) VALUES
	('people', 'who', 'not_null', 'error', 'both', 't', true, 'pass', 1, '2020-01-01', 'regress_ml_suite_member'),
	('people', 'who', 'not_null', 'error', 'both', 't', true, 'pass', 2, '2200-01-01', 'postgres');
UPDATE ml.check_results SET success = true;
DELETE FROM ml.check_results;
TRUNCATE ml.check_results;

-- The owner of the suite does not see what others found with it; who recorded one does.
SET ROLE regress_ml_suite_owner;
TABLE regress_seen;
SET ROLE regress_ml_suite_member;
TABLE regress_seen;

-- A suite that goes to a group belongs to its members; to give it, one must be able to become the new owner.
SET ROLE regress_ml_suite_owner;
SELECT ml.set_suite_owner('people', 'regress_ml_suite_group');
RESET ROLE;
GRANT regress_ml_suite_group TO regress_ml_suite_owner;
SET ROLE regress_ml_suite_owner;
SET client_min_messages = notice;
SELECT ml.set_suite_owner('people', 'regress_ml_suite_owner');
SET client_min_messages = warning;
SELECT revision AS before FROM ml.suites WHERE suite = 'people' \gset
SELECT ml.set_suite_owner('people', 'regress_ml_suite_group');
SELECT revision > :before AS given FROM ml.suites WHERE suite = 'people';
RESET ROLE;
REVOKE regress_ml_suite_group FROM regress_ml_suite_owner;
SET ROLE regress_ml_suite_member;
SELECT ml.add_check('people', 'not_null', '{shoe}', name => 'shoe');
SELECT suites, checks FROM regress_seen;
SET ROLE regress_ml_suite_owner;
SELECT suites, checks FROM regress_seen;

-- Whoever owns a suite has the item on ml.my_rights(), so the role cannot be dropped; it goes with the last suite.
RESET ROLE;
CREATE VIEW regress_items AS SELECT a.grantee::regrole AS role FROM pg_proc p, aclexplode(p.proacl) a
	WHERE p.oid = 'ml.my_rights'::regproc AND a.grantee <> p.proowner ORDER BY a.grantee::regrole::text COLLATE "C";
TABLE regress_items;
DROP ROLE regress_ml_suite_owner;
SET ROLE regress_ml_suite_owner;
SELECT ml.drop_suite('two');
RESET ROLE;
TABLE regress_items;
-- A role that owns a suite keeps the item when its last model goes, and the other way round.
CREATE ROLE regress_ml_suite_trainer;
INSERT INTO ml.models (model, task) VALUES ('churn', 'regression');
SELECT ml.set_owner('churn', 'regress_ml_suite_trainer');
SELECT ml.grant('churn', 'train', 'regress_ml_suite_group');
SET ROLE regress_ml_suite_group;
SELECT ml.add_check('more', 'not_null', '{a}');
SELECT ml.drop_suite('more');
RESET ROLE;
SELECT ml.revoke('churn', 'train', 'regress_ml_suite_group');
TABLE regress_items;
-- DROP OWNED takes the suite away; a superuser gives it to somebody else.
CREATE ROLE regress_ml_suite_gone;
SET ROLE regress_ml_suite_gone;
SELECT ml.add_check('left', 'not_null', '{a}');
SELECT ml.add_check('right', 'not_null', '{a}');
RESET ROLE;
DROP OWNED BY regress_ml_suite_gone;
SET ROLE regress_ml_suite_gone;
TABLE regress_seen;
SELECT ml.add_check('left', 'not_null', '{b}');
RESET ROLE;
DROP ROLE regress_ml_suite_gone;
-- A new role of the name has nothing of it, and what the old one left passes to the extension's owner.
CREATE ROLE regress_ml_suite_gone;
SET ROLE regress_ml_suite_gone;
SELECT suites FROM regress_seen;
SELECT ml.add_check('new', 'not_null', '{a}');
SELECT suites FROM regress_seen;
RESET ROLE;
SELECT suite, owner = CURRENT_USER AS mine, owner FROM ml.suites WHERE suite IN ('left', 'right', 'new') AND owner <> CURRENT_USER;
SELECT ml.set_suite_owner('left', 'regress_ml_suite_other');
SELECT ml.drop_suite('right');
SET ROLE regress_ml_suite_other;
SELECT suites FROM regress_seen;
RESET ROLE;

-- A suite of a model's name takes part in its trainings: only those who may train it make or change one.
SET ROLE regress_ml_suite_other;
SELECT ml.add_check('churn', 'not_null', '{a}');
RESET ROLE;
SELECT ml.grant('churn', 'read', 'regress_ml_suite_other');
SET ROLE regress_ml_suite_other;
SELECT ml.add_check('churn', 'not_null', '{a}');
RESET ROLE;
SELECT ml.grant('churn', 'train', 'regress_ml_suite_other');
SET ROLE regress_ml_suite_other;
SELECT ml.add_check('churn', 'not_null', '{a}');
RESET ROLE;
SELECT ml.revoke('churn', 'train', 'regress_ml_suite_other');
SET ROLE regress_ml_suite_other;
SELECT ml.add_check('churn', 'not_null', '{b}');
SELECT ml.drop_check('churn', 'a_not_null');
SELECT suites, checks FROM regress_seen;
RESET ROLE;

-- A version's suite is seen by readers of the model, changed by nobody, and goes with the version.
INSERT INTO ml.runs (kind, model, version, status, finished_at) SELECT 'train', 'churn', v, 'succeeded', 'infinity' FROM generate_series(1, 2) v;
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256)
	SELECT 'churn', version, run_id, 'ridge', 'regression', a, encode(sha256(a), 'hex') FROM ml.runs, convert_to('a', 'UTF8') a;
INSERT INTO ml.suites (suite, model, version, source) SELECT 'churn/' || v, 'churn', v, 'customers' FROM generate_series(1, 2) v;
INSERT INTO ml.checks (suite, name, kind, columns, learned, created_by)
	SELECT 'churn/' || v, 'a_not_null', 'not_null', '{a}', true, 'regress_ml_suite_trainer' FROM generate_series(1, 2) v;
SET ROLE regress_ml_suite_other;
SELECT * FROM regress_checks WHERE suite LIKE 'churn/%';
SELECT ml.drop_suite('churn/9');
SET ROLE regress_ml_suite_owner;
TABLE regress_seen;
RESET ROLE;
SELECT ml.add_check('churn/1', 'not_null', '{a}');
SELECT ml.set_suite_owner('churn/1', 'regress_ml_suite_other');
SELECT ml.drop_version('churn', 1);
SELECT suite FROM ml.suites WHERE model = 'churn';
SELECT suite FROM ml.checks WHERE suite LIKE 'churn%' ORDER BY 1;
SELECT ml.drop_model('churn');
-- The suite of the model's name is its owner's, and stays.
SELECT suite, owner FROM ml.suites WHERE suite LIKE 'churn%';

-- States that the tables refuse.
\set VERBOSITY terse
INSERT INTO ml.suites (suite) VALUES ('nobody');
INSERT INTO ml.suites (suite, owner) VALUES ('a/b', 'postgres');
INSERT INTO ml.suites (suite, owner) VALUES ('', 'postgres');
INSERT INTO ml.suites (suite, owner, model, version) VALUES ('churn/1', 'postgres', 'churn', 1);
INSERT INTO ml.suites (suite, model) VALUES ('churn/1', 'churn');
INSERT INTO ml.suites (suite, model, version) VALUES ('churn/2', 'churn', 1);
INSERT INTO ml.suites (suite, model, version) VALUES ('churn/1', 'churn', 1);
INSERT INTO ml.checks (suite, name, kind) VALUES ('nowhere', 'a', 'not_null');
INSERT INTO ml.checks (suite, name, kind) VALUES ('left', '', 'not_null');
INSERT INTO ml.checks (suite, name, kind, params) VALUES ('left', 'a', 'not_null', '[]');
INSERT INTO ml.checks (suite, name, kind, severity) VALUES ('left', 'a', 'not_null', 'fatal');
INSERT INTO ml.checks (suite, name, kind, environment) VALUES ('left', 'a', 'not_null', 'test');
INSERT INTO ml.check_results (suite, name, kind, severity, environment, source, success, status, run)
	VALUES ('left', 'a', 'not_null', 'error', 'both', 't', true, 'perhaps', 1);
\set VERBOSITY default

-- An extension that is made anew counts revisions from the start: what a session knows of the old ones is not taken for them.
DROP EXTENSION pg_mlops CASCADE;
CREATE EXTENSION pg_mlops;
SELECT ml.add_check('s', 'range', '{x}', '{"max": 100}');
SELECT ml.is_valid('s', t) FROM (VALUES (50)) AS t (x);
DROP EXTENSION pg_mlops;
CREATE EXTENSION pg_mlops;
SELECT ml.add_check('s', 'range', '{x}', '{"max": 10}');
SELECT ml.is_valid('s', t) FROM (VALUES (50)) AS t (x);

\c contrib_regression
DROP DATABASE regress_ml_suites;
DROP ROLE regress_ml_suite_owner, regress_ml_suite_other, regress_ml_suite_group, regress_ml_suite_member, regress_ml_suite_gone,
	regress_ml_suite_trainer;
