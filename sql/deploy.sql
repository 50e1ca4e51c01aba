-- The verbs of the registry: deployments, rollback, aliases, archiving, drops, and their errors.
CREATE DATABASE regress_ml_deploy TEMPLATE template0;
\c regress_ml_deploy
CREATE EXTENSION pg_mlops;

-- A version as a training leaves it, without its training.
CREATE PROCEDURE regress_version(m text, v int) LANGUAGE plpgsql AS $$
DECLARE
	r bigint;
	s bigint;
BEGIN
	INSERT INTO ml.models (model, task, target) VALUES (m, 'regression', 'y') ON CONFLICT DO NOTHING;
	UPDATE ml.models SET last_version = v WHERE model = m;
	INSERT INTO ml.runs (kind, model, version, status, finished_at)
		VALUES ('train', m, v, 'succeeded', 'infinity') RETURNING run_id INTO r;
	INSERT INTO ml.run_metrics (run_id, name, value) VALUES (r, 'rmse', v);
	INSERT INTO ml.snapshots (model, source, rows) VALUES (m, 'data', 10) RETURNING snapshot_id INTO s;
	INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256, snapshot_id, parent_version)
		SELECT m, v, r, 'ridge', 'regression', a, encode(sha256(a), 'hex'), s, nullif(v - 1, 0)
		FROM convert_to(m || v, 'UTF8') a;
END
$$;
CALL regress_version('churn', 1);
CALL regress_version('churn', 2);
CALL regress_version('churn', 3);
CALL regress_version('churn', 4);
CALL regress_version('price', 1);
CREATE VIEW regress_current AS
	SELECT model, version, role, traffic, reason FROM ml.deployments WHERE ended_at IS NULL ORDER BY model, version;

-- Deploying, and what was deployed when.
SELECT ml.deploy('churn', 1, reason => 'first');
SELECT clock_timestamp() AS t1 \gset
SELECT ml.deploy(model => 'churn', version => 2, role => 'staging');
SELECT ml.deploy('churn', 2);
SELECT clock_timestamp() AS t2 \gset
SELECT ml.deploy('churn', 3);
TABLE regress_current;
SELECT * FROM ml.deployed_at('churn', :'t1');
SELECT * FROM ml.deployed_at('churn', :'t2');
SELECT * FROM ml.deployed_at('churn', now());
SELECT * FROM ml.deployed_at('churn', '2000-01-01');
SELECT * FROM ml.deployed_at('churn', 'infinity');
-- A version that is there already is no change.
SELECT ml.deploy('churn', 3);
SELECT count(*) FROM ml.deployments WHERE model = 'churn';

-- The history has neither gap nor overlap.
SELECT version, role, ended_at = lead(deployed_at) OVER (ORDER BY deployment_id) AS continued
FROM ml.deployments WHERE model = 'churn' AND role = 'production' ORDER BY deployment_id;

-- Rollback goes back, and back again, not forth.
SELECT ml.rollback('churn', 'worse');
TABLE regress_current;
SELECT ml.rollback('churn');
TABLE regress_current;
SELECT ml.rollback('churn');
-- After a rollback a new deployment continues from where it led.
SELECT ml.deploy('churn', 4);
SELECT ml.rollback('churn');
TABLE regress_current;
-- Versions that were dropped, archived or retired are passed over.
SELECT ml.deploy('churn', 2);
SELECT ml.deploy('churn', 3);
SELECT ml.deploy('churn', 4);
SELECT ml.archive('churn', 3);
SELECT ml.deploy('churn', 2, 'retired');
SELECT ml.rollback('churn');
TABLE regress_current;
SELECT ml.rollback('churn');
-- After an undeploy the version before is the one that was taken out.
SELECT ml.undeploy('churn', 'production');
TABLE regress_current;
SELECT ml.rollback('price');
SELECT ml.rollback('churn');
TABLE regress_current;
-- All of it rolls back with the transaction.
BEGIN;
SELECT ml.deploy('churn', 4);
SELECT ml.set_alias('churn', 'champion', 4);
TABLE regress_current;
ROLLBACK;
TABLE regress_current;
SELECT count(*) FROM ml.aliases;
-- Several changes in one transaction are all history, in order.
BEGIN;
SELECT ml.deploy('price', 1);
SELECT ml.undeploy('price', 'production');
SELECT ml.deploy('price', 1);
COMMIT;
SELECT version, ended_at IS NULL AS current, ended_at >= deployed_at AS ordered FROM ml.deployments
WHERE model = 'price' ORDER BY deployment_id;

-- Aliases.
SELECT ml.set_alias('churn', 'champion', 1);
SELECT ml.set_alias('churn', 'challenger', 4);
SELECT ml.set_alias('churn', 'champion', 4);
SELECT ml.set_alias('churn', 'champion', 4);
SELECT ml.set_alias('churn', E'\u00e9t\u00e9 ''26', 1);
SELECT alias, version, valid_until IS NULL AS current FROM ml.aliases WHERE model = 'churn' ORDER BY alias_id;
SELECT ml.drop_alias('churn', 'challenger');
SELECT ml.drop_alias('churn', 'challenger');
SELECT ml.drop_alias('churn', 'champoin');
SELECT ml.set_alias('churn', 'champion', 3);
SELECT ml.set_alias('churn', 'a/b', 1);
SELECT ml.set_alias('churn', '', 1);
SELECT ml.set_alias('churn', NULL, 1);

-- Description and tags.
SELECT ml.describe('churn', 'who is about to leave');
SELECT ml.tag('churn', 'team', '"crm"');
SELECT ml.tag('churn', 'tier', '{"level": 1}');
SELECT ml.tag('churn', 'tier', '2');
SELECT ml.tag('churn', 'nothing', 'null');
SELECT model, description, tags FROM ml.models WHERE model = 'churn';
SELECT ml.describe('churn', NULL);
SELECT ml.tag('churn', 'team', NULL);
SELECT ml.tag('churn', '', '1');
SELECT ml.tag('churn', NULL, '1');
SELECT model, description, tags FROM ml.models WHERE model = 'churn';

-- Archiving and dropping.
SELECT ml.archive('churn', 1);
SELECT ml.archive('churn', 4);
SELECT ml.archive('churn', 3);
SELECT version FROM ml.leaderboard WHERE model = 'churn' ORDER BY version;
SELECT ml.deploy('churn', 3);
SELECT ml.drop_version('churn', 1);
SELECT ml.drop_version('churn', 4);
SELECT ml.drop_version('churn', 3);
SELECT ml.drop_version('churn', 2);
SELECT ml.drop_version('churn', 2);
SELECT version, run_id, snapshot_id FROM ml.versions WHERE model = 'churn' ORDER BY version;
SELECT count(*) AS runs, count(*) FILTER (WHERE version IN (2, 3)) AS of_dropped FROM ml.runs WHERE model = 'churn';
SELECT snapshot_id FROM ml.snapshots WHERE model = 'churn' ORDER BY 1;
SELECT last_version FROM ml.models WHERE model = 'churn';
TABLE regress_current;
SELECT ml.drop_model('churn');
SELECT ml.undeploy('churn', 'production');
SELECT ml.drop_model('churn');
SELECT (SELECT count(*) FROM ml.models) AS models, (SELECT count(*) FROM ml.versions) AS versions,
	(SELECT count(*) FROM ml.runs) AS runs, (SELECT count(*) FROM ml.run_metrics) AS metrics,
	(SELECT count(*) FROM ml.snapshots) AS snapshots, (SELECT count(*) FROM ml.aliases) AS aliases,
	(SELECT count(*) FROM ml.deployments WHERE model = 'churn') AS deployments;
SELECT kind, model, version, detail - 'owner' AS detail FROM ml.events ORDER BY event_id;
SELECT bool_and(actor = current_user) AS by_me FROM ml.events;

-- A version can be taken out of service for good; it keeps that role until it is deployed again.
SELECT ml.deploy('price', 1, 'retired');
SELECT model, version, deployed_as FROM ml.lineage;
SELECT ml.deploy('price', 1);
SELECT ml.deploy('price', 1, 'staging');
SELECT ml.undeploy('price', 'staging');
SELECT ml.undeploy('price', 'production');
SELECT ml.undeploy('price', 'production');

-- What cannot be deployed.
SELECT ml.deploy('prize', 1);
SELECT ml.deploy('something else', 1);
SELECT ml.deploy('price', 2);
SELECT ml.deploy('price', 0);
SELECT ml.deploy('price', NULL);
SELECT ml.deploy(NULL, 1);
SELECT ml.deploy('', 1);
SELECT ml.deploy('price/1', 1);
SELECT ml.deploy(E'a\tb', 1);
SELECT ml.deploy(repeat('x', 64), 1);
SELECT length(repeat('x', 63)), ml.deploy(repeat('x', 63), 1);
SELECT ml.deploy('price', 1, 'shadow');
SELECT ml.deploy('price', 1, 'canary', 0.1);
SELECT ml.deploy('price', 1, 'Production');
SELECT ml.deploy('price', 1, NULL);
SELECT ml.deploy('price', 1, traffic => 0.5);
SELECT ml.deploy('price', 1, force => true);
SELECT ml.deploy('price', 1, force => true, reason => 'outage');
SELECT detail FROM ml.events ORDER BY event_id DESC LIMIT 1;
SELECT ml.undeploy('price', 'nowhere');
SELECT ml.undeploy('price', NULL);
SELECT * FROM ml.deployed_at('prize', now());
SELECT * FROM ml.deployed_at('price', NULL);
SELECT * FROM ml.deployed_at(NULL, now());

-- Long lists are cut, and say by how much.
DO $$
BEGIN
	FOR i IN 10..25 LOOP
		CALL regress_version('model ' || i, 1);
	END LOOP;
	FOR v IN 2..12 LOOP
		CALL regress_version('model 10', v);
	END LOOP;
END
$$;
SELECT ml.deploy('model 1O', 1);
SELECT ml.deploy('model 10', 13);

-- Not where nothing can be written.
BEGIN READ ONLY;
SELECT ml.deploy('price', 1);
ROLLBACK;
BEGIN READ ONLY;
SELECT version, role FROM ml.deployed_at('price', 'infinity');
SELECT ml.drop_model('price');
ROLLBACK;
SET row_security = off;
SET default_transaction_isolation = 'repeatable read';
SELECT ml.rollback('model 10');
SELECT ml.deploy('model 10', 7);
SELECT ml.deploy('model 10', 8);
SELECT ml.rollback('model 10');
SELECT version FROM ml.deployed_at('model 10', clock_timestamp());

\c contrib_regression
DROP DATABASE regress_ml_deploy;
