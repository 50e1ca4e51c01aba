-- Staged deployment: shadow and canary, their ends, and ml.promote.
CREATE ROLE regress_ml_deployer;
CREATE ROLE regress_ml_scorer;
CREATE DATABASE regress_ml_staged TEMPLATE template0;
\c regress_ml_staged
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
DO $$
BEGIN
	FOR v IN 1..6 LOOP
		CALL regress_version('churn', v);
	END LOOP;
	CALL regress_version('price', 1);
	CALL regress_version('price', 2);
END
$$;
CREATE VIEW regress_current AS
	SELECT model, version, role, traffic FROM ml.deployments WHERE ended_at IS NULL ORDER BY model, version;
CREATE VIEW regress_last AS
	SELECT kind, version, detail FROM ml.events ORDER BY event_id DESC LIMIT 2;

-- A canary needs a share, and a version in production that is another one.
SELECT ml.deploy('churn', 2, 'canary');
SELECT ml.deploy('churn', 2, 'canary', 0);
SELECT ml.deploy('churn', 2, 'canary', 1);
SELECT ml.deploy('churn', 2, 'canary', -0.5);
SELECT ml.deploy('churn', 2, 'canary', 'NaN');
SELECT ml.deploy('churn', 2, 'canary', 'Infinity');
SELECT ml.deploy('churn', 2, 'shadow', 0.1);
SELECT ml.deploy('churn', 2, 'canary', 0.1);
SELECT ml.deploy('churn', 1);
SELECT ml.deploy('churn', 1, 'canary', 0.1);
SELECT ml.deploy('churn', 1, 'shadow');
SELECT ml.deploy('churn', 1, 'staging');
SELECT ml.deploy('churn', 99, 'canary', 0.1);
SELECT ml.deploy('churn', 2, 'canary', 1e-9);
SELECT ml.deploy('churn', 2, 'canary', 0.1, 'a tenth');
TABLE regress_current;
TABLE regress_last;
-- The same share is no change; another one is a row and an event.
SELECT ml.deploy('churn', 2, 'canary', 0.1);
SELECT ml.deploy('churn', 2, 'canary', 0.25);
SELECT version, role, traffic, ended_at IS NULL AS current, ended_at = lead(deployed_at) OVER (ORDER BY deployment_id) AS continued
FROM ml.deployments WHERE role = 'canary' ORDER BY deployment_id;
TABLE regress_last;
SELECT * FROM ml.deployed_at('churn', clock_timestamp()) ORDER BY 1;
-- Another canary ends the one there is. Shadows are as many as one likes.
SELECT ml.deploy('churn', 3, 'canary', 0.5);
SELECT ml.deploy('churn', 4, 'shadow'), ml.deploy('churn', 5, 'shadow'), ml.deploy('churn', 2, 'shadow');
TABLE regress_current;
SELECT kind, version, detail FROM ml.events WHERE version = 3;
-- Into production: the canary's own row ends, and another version's canary goes on.
SELECT ml.deploy('churn', 4);
TABLE regress_current;
SELECT ml.deploy('churn', 3);
TABLE regress_current;
-- A canary, or a shadow, that production rolls back to ends.
SELECT ml.deploy('churn', 4, 'canary', 0.5);
SELECT ml.rollback('churn');
TABLE regress_current;
TABLE regress_last;
SELECT ml.deploy('churn', 1, 'shadow');
SELECT ml.rollback('churn');
TABLE regress_current;
-- Archived and dropped versions leave their role.
SELECT ml.deploy('churn', 2, 'canary', 0.5);
SELECT ml.archive('churn', 2), ml.archive('churn', 5);
SELECT ml.deploy('churn', 2, 'canary', 0.5);
SELECT ml.deploy('churn', 2, 'shadow');
SELECT ml.deploy('churn', 3, 'canary', 0.5);
SELECT ml.drop_version('churn', 3);
TABLE regress_current;
SELECT ml.deploy('churn', 4, 'canary', 0.5);
SELECT ml.undeploy('churn', 'canary');
SELECT ml.undeploy('churn', 'canary');
SELECT ml.deploy('churn', 6, 'shadow');
SELECT ml.undeploy('churn', 'shadow');
-- Without production there is no canary.
SELECT ml.deploy('churn', 4, 'canary', 0.5);
SELECT ml.undeploy('churn', 'production');
TABLE regress_current;
TABLE regress_last;
SELECT bool_and(ended_at = (SELECT max(ended_at) FROM ml.deployments WHERE role = 'production')) AS at_once
FROM ml.deployments WHERE version = 4 AND deployment_id = (SELECT max(deployment_id) FROM ml.deployments WHERE version = 4);
SELECT ml.rollback('churn');
SELECT ml.deploy('churn', 4, 'canary', 0.5);
SELECT ml.deploy('churn', 1, 'retired');
TABLE regress_current;
TABLE regress_last;
SELECT ml.deploy('churn', 4);

-- One step at a time.
SELECT ml.promote('price', 1);
SELECT ml.promote('price', 1);
SELECT ml.promote('price', 1);
SELECT ml.promote('price', 2), ml.promote('price', 2), ml.promote('price', 2, 0.2);
SELECT model, version, role, traffic FROM regress_current WHERE model = 'price';
SELECT ml.promote('price', 2);
SELECT model, version, role, traffic FROM regress_current WHERE model = 'price';
SELECT ml.deploy('price', 1, 'retired');
SELECT ml.promote('price', version) FROM (VALUES (1), (1), (1), (1), (1)) v (version);
SELECT version, role, traffic, reason, ended_at IS NULL AS current FROM ml.deployments WHERE model = 'price' ORDER BY deployment_id;
SELECT kind, version, detail FROM ml.events WHERE model = 'price' ORDER BY event_id;
-- A shadow that lost production goes there straight.
SELECT ml.deploy('price', 2, 'shadow');
SELECT ml.undeploy('price', 'production');
SELECT ml.promote('price', 2);
SELECT ml.promote('price', 1), ml.promote('price', 1);
SELECT ml.promote('price', 1, 'NaN');
SELECT ml.promote('price', 1, 1);
SELECT ml.promote('price', 1, NULL);
SELECT ml.promote('price', NULL);
SELECT ml.promote('price', 3);
SELECT ml.promote('prize', 1);
SELECT ml.promote(NULL, 1);
SELECT ml.promote('churn', 2);
BEGIN READ ONLY;
SELECT ml.promote('price', 1);
ROLLBACK;
SELECT ml.grant('price', 'use', 'regress_ml_scorer'), ml.grant('price', 'deploy', 'regress_ml_deployer');
\set VERBOSITY terse
SET ROLE regress_ml_scorer;
SELECT ml.promote('price', 1);
SELECT ml.deploy('price', 1, 'canary', 0.1);
SET ROLE regress_ml_deployer;
SELECT ml.promote('price', 1);
RESET ROLE;
SELECT * FROM ml.verify_events();

\c contrib_regression
DROP DATABASE regress_ml_staged;
DROP ROLE regress_ml_deployer, regress_ml_scorer;
