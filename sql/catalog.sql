-- The catalog's tables: creation, constraints, immutability, views.
-- Rows are inserted as the owner of the tables would restore them; nothing here decodes artifacts.
CREATE DATABASE regress_ml_catalog TEMPLATE template0;
\c regress_ml_catalog
\set VERBOSITY default
SET TIME ZONE 'UTC';

-- A schema somebody made before is refused, and nothing is left behind.
\set SHOW_CONTEXT never
CREATE SCHEMA ml;
CREATE EXTENSION pg_mlops;
SELECT count(*) FROM pg_class WHERE relnamespace = 'ml'::regnamespace;
DROP SCHEMA ml;
CREATE EXTENSION pg_mlops;
CREATE EXTENSION pg_mlops;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
DROP EXTENSION pg_mlops;
SELECT count(*) FROM pg_namespace WHERE nspname = 'ml';
CREATE EXTENSION pg_mlops;

-- pg_dump takes every table with rows of users, and every sequence.
SELECT relname, relkind FROM pg_class
WHERE relnamespace = 'ml'::regnamespace AND relkind IN ('r', 'S')
	AND oid <> ALL (SELECT unnest(extconfig) FROM pg_extension WHERE extname = 'pg_mlops');
-- No trigger fires on INSERT, which is what a restore does.
SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 4 <> 0
	AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'ml'::regnamespace);
-- No table refers to itself.
SELECT conname FROM pg_constraint WHERE contype = 'f' AND conrelid = confrelid
	AND connamespace = 'ml'::regnamespace;
-- Every table is under row security.
SELECT relname FROM pg_class WHERE relnamespace = 'ml'::regnamespace AND relkind = 'r' AND NOT relrowsecurity;
-- Everybody may look, but at the heads of the events, and delete what a guard has set aside, if row security lets him; nobody else may create or write.
SELECT has_schema_privilege('public', 'ml', 'USAGE') AS usage, has_schema_privilege('public', 'ml', 'CREATE') AS "create";
SELECT relname FROM pg_class WHERE relnamespace = 'ml'::regnamespace AND relkind IN ('r', 'v')
	AND (NOT has_table_privilege('public', oid, 'SELECT')
		 OR has_table_privilege('public', oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'));

-- Names. The DETAIL of a failed check shows the time.
\set VERBOSITY terse
INSERT INTO ml.models (model, task) VALUES ('', 'regression');
INSERT INTO ml.models (model, task) VALUES ('a/b', 'regression');
INSERT INTO ml.models (model, task) VALUES ('a@b', 'regression');
INSERT INTO ml.models (model, task) VALUES (E'a\nb', 'regression');
INSERT INTO ml.models (model, task) VALUES (E'a\x7F', 'regression');
INSERT INTO ml.models (model, task) VALUES (repeat('x', 64), 'regression');
INSERT INTO ml.models (model, task) VALUES ('price', 'guessing');
INSERT INTO ml.models (model, task, tags) VALUES ('price', 'regression', '[]');
INSERT INTO ml.models (model, task, target, last_version) VALUES
	('price', 'regression', 'amount', 2), ('iris', 'classification', 'species', 1),
	(E'\u00e9t\u00e9 d''or', 'clustering', NULL, 0);
INSERT INTO ml.models (model, task) VALUES ('price', 'regression');

-- Runs, snapshots, versions.
INSERT INTO ml.runs (kind, model, status) VALUES ('train', 'price', 'succeeded');
INSERT INTO ml.runs (kind, model, status, finished_at) VALUES ('train', 'price', 'running', 'infinity');
INSERT INTO ml.runs (kind, model, status, finished_at) VALUES ('train', 'price', 'failed', 'infinity');
INSERT INTO ml.runs (kind, model, status, started_at, finished_at) VALUES ('train', 'price', 'succeeded', '2026-01-02', '2026-01-01');
INSERT INTO ml.runs (kind, model, status) VALUES ('sing', 'price', 'running');
INSERT INTO ml.runs (kind, model, status) VALUES ('train', 'nowhere', 'running');
TRUNCATE ml.runs RESTART IDENTITY CASCADE;
SELECT setval('ml.runs_run_id_seq', 1, false) AS next_run;
INSERT INTO ml.runs (kind, model, version, status, code, environment, params, started_at, finished_at, actor) VALUES
	('train', 'price', 1, 'succeeded', 'v1.py', '{"extension_version": "0.1.0"}', '{"source": "sales"}', '2026-01-01 10:00', '2026-01-01 10:01', 'ada'),
	('train', 'price', 2, 'succeeded', NULL, '{"extension_version": "0.1.0"}', '{"source": "sales"}', '2026-01-02 10:00', '2026-01-02 10:01', 'ada'),
	('train', 'iris', 1, 'succeeded', NULL, '{}', '{"source": "SELECT * FROM iris"}', '2026-01-03 10:00', '2026-01-03 10:01', 'bob');
INSERT INTO ml.run_metrics (run_id, name, value) VALUES (1, 'rmse', 3), (2, 'rmse', 2), (3, 'accuracy', 0.9);
INSERT INTO ml.run_metrics (run_id, name, value) VALUES (1, 'rmse', 4);
INSERT INTO ml.run_metrics (run_id, name, step, value) VALUES (1, 'rmse', 0, 4);
INSERT INTO ml.run_metrics (run_id, name, slice_value, value) VALUES (1, 'rmse', 'north', 4);
INSERT INTO ml.run_metrics (run_id, name, value) VALUES (99, 'rmse', 4);
INSERT INTO ml.snapshots (model, source, rows) VALUES ('price', 'sales', -1);
INSERT INTO ml.snapshots (model, source, rows, fingerprint) VALUES ('price', 'sales', 1, 'XY');
SELECT setval('ml.snapshots_snapshot_id_seq', 1, false) AS next_snapshot;
INSERT INTO ml.snapshots (model, source, relations, rows, fingerprint, taken_at) VALUES
	('price', 'sales', '{public.sales}', 100, '0a0b', '2026-01-01 10:00');

-- A digest that is not the artifact's.
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256)
	VALUES ('price', 1, 1, 'ridge', 'regression', '\x010203', repeat('0', 64));
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256)
	VALUES ('price', 1, 1, 'ridge', 'regression', '', encode(sha256(''), 'hex'));
-- Another model's run, another version's run, another model's snapshot, a parent that is not older.
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256)
	VALUES ('price', 1, 3, 'ridge', 'regression', '\x010203', encode(sha256('\x010203'), 'hex'));
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256)
	VALUES ('price', 1, 2, 'ridge', 'regression', '\x010203', encode(sha256('\x010203'), 'hex'));
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256, snapshot_id)
	VALUES ('iris', 1, 3, 'ridge', 'classification', '\x010203', encode(sha256('\x010203'), 'hex'), 1);
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256, parent_version)
	VALUES ('price', 1, 1, 'ridge', 'regression', '\x010203', encode(sha256('\x010203'), 'hex'), 1);
INSERT INTO ml.versions (model, version, run_id, algorithm, task, params, metrics, artifact, artifact_sha256, snapshot_id, parent_version, created_at) VALUES
	('price', 1, 1, 'ridge', 'regression', '{"l2": 1}', '{"rmse": 3, "r2": 0.5, "mape": null, "mae": "n/a"}', '\x010203', encode(sha256('\x010203'), 'hex'), 1, NULL, '2026-01-01 10:01'),
	('price', 2, 2, 'ridge', 'regression', '{"l2": 2}', '{"rmse": 2, "r2": 0.7}', '\x0405', encode(sha256('\x0405'), 'hex'), 1, 1, '2026-01-02 10:01'),
	('iris', 1, 3, 'logistic', 'classification', '{}', '{"accuracy": 0.9, "precision": 0.8}', '\x010203', encode(sha256('\x010203'), 'hex'), NULL, NULL, '2026-01-03 10:01');
SELECT model, version, artifact_bytes, length(artifact_sha256) FROM ml.versions ORDER BY 1, 2;

-- Deployments and aliases.
INSERT INTO ml.deployments (model, version, role) VALUES ('price', 3, 'production');
INSERT INTO ml.deployments (model, version, role) VALUES ('price', 1, 'somewhere');
INSERT INTO ml.deployments (model, version, role, traffic) VALUES ('price', 1, 'production', 0.5);
INSERT INTO ml.deployments (model, version, role) VALUES ('price', 1, 'canary');
INSERT INTO ml.deployments (model, version, role, traffic) VALUES ('price', 1, 'canary', 'NaN');
INSERT INTO ml.deployments (model, version, role, deployed_at, ended_at) VALUES ('price', 1, 'production', '2026-01-02', '2026-01-01');
INSERT INTO ml.deployments (model, version, role, deployed_at) VALUES ('price', 1, 'production', '2026-01-01 11:00');
INSERT INTO ml.deployments (model, version, role) VALUES ('price', 2, 'production');
INSERT INTO ml.deployments (model, version, role) VALUES ('price', 1, 'staging');
-- History may tell of versions that are gone.
INSERT INTO ml.deployments (model, version, role, deployed_at, ended_at) VALUES ('price', 3, 'production', '2025-01-01', '2025-01-02');
INSERT INTO ml.aliases (model, alias, version) VALUES ('price', 'champion', 3);
INSERT INTO ml.aliases (model, alias, version) VALUES ('price', 'a@b', 1);
INSERT INTO ml.aliases (model, alias, version) VALUES ('price', 'champion', 1);
INSERT INTO ml.aliases (model, alias, version) VALUES ('price', 'champion', 2);
INSERT INTO ml.events (kind, model, hash) VALUES ('Deploy!', 'price', repeat('0', 64));
INSERT INTO ml.events (kind, model, hash) VALUES ('deploy', 'price', repeat('0', 63));
INSERT INTO ml.events (kind, model, hash) VALUES ('deploy', 'price', repeat('0', 64));

-- Recorded history is refused every change, a superuser's too.
\set VERBOSITY sqlstate
UPDATE ml.versions SET artifact = artifact WHERE model = 'price';
\set VERBOSITY default
UPDATE ml.versions SET notes = '[]';
DELETE FROM ml.versions;
TRUNCATE ml.versions;
UPDATE ml.runs SET seed = 1;
DELETE FROM ml.runs;
TRUNCATE ml.run_metrics;
UPDATE ml.run_metrics SET value = 0;
DELETE FROM ml.run_metrics;
UPDATE ml.snapshots SET rows = 0;
DELETE FROM ml.snapshots;
TRUNCATE ml.snapshots CASCADE;
UPDATE ml.aliases SET version = 2;
DELETE FROM ml.aliases;
TRUNCATE ml.aliases;
UPDATE ml.deployments SET version = 2;
DELETE FROM ml.deployments;
TRUNCATE ml.deployments;
UPDATE ml.events SET actor = 'nobody';
DELETE FROM ml.events;
TRUNCATE ml.events;
UPDATE ml.event_heads SET events = 0;
DELETE FROM ml.event_heads;
TRUNCATE ml.event_heads;
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256)
	SELECT model, version, run_id, algorithm, task, artifact, artifact_sha256 FROM ml.versions
	ON CONFLICT (model, version) DO UPDATE SET algorithm = 'changed';
SELECT ml.refuse_change();
\set VERBOSITY terse
-- The gate that a function opens closes with it, also when it fails.
SELECT ml.set_alias('price', 'champion', 2);
UPDATE ml.versions SET notes = '[]';
ALTER TABLE ml.aliases ADD CONSTRAINT regress_never CHECK (alias <> 'never');
SELECT ml.set_alias('price', 'never', 2);
UPDATE ml.versions SET notes = '[]';
BEGIN;
SAVEPOINT a;
SELECT ml.set_alias('price', 'never', 2);
ROLLBACK TO a;
UPDATE ml.versions SET notes = '[]';
ROLLBACK;
DO $$
BEGIN
	PERFORM ml.set_alias('price', 'never', 2);
EXCEPTION WHEN check_violation THEN
	UPDATE ml.versions SET notes = '[]';
END
$$;
ALTER TABLE ml.aliases DROP CONSTRAINT regress_never;

-- Views.
\x
SELECT model, version, run_id, parent_version, source, relations, snapshot_id, fingerprint, rows, algorithm, params,
	pipeline, code, extension_version, trained_by, trained_at, deployed_as, deployed_at
FROM ml.lineage ORDER BY model, version;
\x
SELECT model, version, algorithm, rmse, mae, r2, mape, auc, accuracy, f1, precision, recall, deployed_as FROM ml.leaderboard;
SELECT column_name FROM information_schema.columns WHERE table_schema = 'ml' AND table_name = 'leaderboard' ORDER BY ordinal_position;

-- Hostile objects in front of the server's own do not reach the catalog's writes.
CREATE SCHEMA regress_evil;
CREATE FUNCTION regress_evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
CREATE FUNCTION regress_evil.evil_eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hijacked'; END $$;
CREATE OPERATOR regress_evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_evil.evil_eq);
CREATE TEMP TABLE models (model text, owner name, task text, target text);
SET search_path = regress_evil, pg_temp, pg_catalog;
SELECT ml.deploy('price', 2);
SELECT count(*) FROM ml.leaderboard;
RESET search_path;
SELECT current_setting('search_path');

\c contrib_regression
DROP DATABASE regress_ml_catalog;
