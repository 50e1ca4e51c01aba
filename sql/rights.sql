-- Rights on models: what each privilege shows and allows, and what nothing but the owner may.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_user;
CREATE ROLE regress_ml_group;
CREATE ROLE regress_ml_member IN ROLE regress_ml_group;
CREATE ROLE regress_ml_gone;
CREATE DATABASE regress_ml_rights TEMPLATE template0;
\c regress_ml_rights
CREATE EXTENSION pg_mlops;
INSERT INTO ml.models (model, task, owner, last_version) VALUES
	('churn', 'regression', 'regress_ml_owner', 2), ('secret', 'regression', 'regress_ml_gone', 0);
INSERT INTO ml.runs (kind, model, version, status, finished_at) VALUES
	('train', 'churn', 1, 'succeeded', 'infinity'), ('train', 'churn', 2, 'succeeded', 'infinity');
INSERT INTO ml.run_metrics (run_id, name, value) VALUES (1, 'rmse', 1), (2, 'rmse', 2);
INSERT INTO ml.snapshots (model, source, rows) VALUES ('churn', 'data', 10);
INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256, snapshot_id)
	SELECT 'churn', v, v, 'ridge', 'regression', a, encode(sha256(a), 'hex'), 1
	FROM generate_series(1, 2) v, convert_to('artifact ' || v, 'UTF8') a;
-- A name that was written by hand counts for nothing until the role is given the model.
SET ROLE regress_ml_owner;
SELECT ml.deploy('churn', 1);
SELECT ml.describe('churn', 'mine');
SELECT ml.has_privilege('churn', 'any');
RESET ROLE;
SELECT ml.set_owner('churn', 'regress_ml_owner'), ml.set_owner('secret', 'regress_ml_gone');

-- What a user sees of everything, in one row.
CREATE VIEW regress_seen WITH (security_invoker = true) AS
	SELECT (SELECT string_agg(model, ',' ORDER BY model) FROM ml.models) AS models,
		(SELECT count(*) FROM ml.grants) AS grants, (SELECT count(*) FROM ml.versions) AS versions,
		(SELECT count(*) FROM ml.runs) AS runs, (SELECT count(*) FROM ml.run_metrics) AS metrics,
		(SELECT count(*) FROM ml.snapshots) AS snapshots, (SELECT count(*) FROM ml.aliases) AS aliases,
		(SELECT count(*) FROM ml.deployments) AS deployments, (SELECT count(*) > 0 FROM ml.events) AS events,
		(SELECT count(*) FROM ml.lineage) AS lineage, (SELECT count(*) FROM ml.leaderboard) AS leaderboard;
GRANT SELECT ON regress_seen TO PUBLIC;

-- The owner, who is no superuser, has all.
SET ROLE regress_ml_owner;
SELECT ml.deploy('churn', 1);
SELECT ml.set_alias('churn', 'champion', 1);
SELECT ml.describe('churn', 'who leaves');
TABLE regress_seen;
SELECT p, ml.has_privilege('churn', p) FROM unnest('{use,read,train,deploy,owner,any}'::text[]) p;
SELECT ml.has_privilege('nowhere', 'use'), ml.has_privilege(NULL, 'use');
SELECT ml.has_privilege('churn', 'SELECT');
SELECT DISTINCT actor FROM ml.events WHERE kind <> 'set_owner';
SELECT DISTINCT actor FROM ml.deployments;
-- But not on the tables, the schema or others' models.
INSERT INTO ml.models (model, task) VALUES ('other', 'regression');
UPDATE ml.models SET owner = 'regress_ml_user';
DELETE FROM ml.grants;
INSERT INTO ml.grants (model, grantee, privilege) VALUES ('secret', 'regress_ml_owner', 'use');
SELECT nextval('ml.events_event_id_seq');
CREATE TABLE ml.mine ();
CREATE FUNCTION ml.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TRIGGER mine BEFORE INSERT ON ml.events FOR EACH ROW EXECUTE FUNCTION ml.refuse_change();
CREATE POLICY mine ON ml.versions USING (true);
SELECT ml.describe('secret', 'mine');
RESET ROLE;

-- Somebody without any privilege.
SET ROLE regress_ml_user;
TABLE regress_seen;
SELECT ml.deploy('churn', 2);
SELECT ml.deploy('churn', 99);
SELECT ml.deploy('chrun', 1);
SELECT ml.rollback('churn');
SELECT ml.undeploy('churn', 'production');
SELECT ml.set_alias('churn', 'x', 1);
SELECT ml.drop_alias('churn', 'champion');
SELECT ml.describe('churn', 'mine');
SELECT ml.tag('churn', 'a', '1');
SELECT ml.archive('churn', 2);
SELECT ml.drop_version('churn', 2);
SELECT ml.drop_model('churn');
SELECT ml.grant('churn', 'use', 'regress_ml_user');
SELECT ml.revoke('churn', 'use', 'regress_ml_user');
SELECT * FROM ml.deployed_at('churn', now());
SET row_security = off;
SELECT count(*) FROM ml.versions;
RESET row_security;
RESET ROLE;

-- Privileges one by one.
SET ROLE regress_ml_owner;
SELECT ml.grant('churn', 'use', 'regress_ml_user');
SELECT ml.grant('churn', 'use', 'regress_ml_user');
SELECT ml.grant('churn', 'read', 'regress_ml_group');
SELECT ml.grant('churn', 'deploy', 'regress_ml_gone');
SELECT model, grantee, privilege, granted_by FROM ml.grants ORDER BY 2, 3;
SET ROLE regress_ml_user;
TABLE regress_seen;
SELECT ml.deploy('chrun', 1);
SELECT version, role FROM ml.deployed_at('churn', now());
SELECT ml.deploy('churn', 2);
SET ROLE regress_ml_member;
TABLE regress_seen;
SELECT version, convert_from(artifact, 'UTF8') FROM ml.versions ORDER BY 1;
SELECT ml.deploy('churn', 2);
SET ROLE regress_ml_gone;
SELECT ml.deploy('churn', 2, reason => 'mine to decide');
SELECT ml.drop_version('churn', 1);
TABLE regress_seen;
RESET ROLE;
SELECT actor, kind, version, detail FROM ml.events WHERE kind <> 'set_owner' ORDER BY event_id;

-- A function that runs as its definer acts as the definer, and nobody gets more by it.
CREATE FUNCTION regress_promote(v int) RETURNS void LANGUAGE sql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp AS 'SELECT ml.deploy(''churn'', v)';
ALTER FUNCTION regress_promote(int) OWNER TO regress_ml_owner;
SET ROLE regress_ml_user;
SELECT regress_promote(1);
SELECT current_user;
RESET ROLE;
SELECT actor, version FROM ml.deployments WHERE ended_at IS NULL;

-- Revoking counts at once.
SELECT ml.revoke('churn', 'use', 'regress_ml_user');
SELECT ml.revoke('churn', 'use', 'regress_ml_user');
SELECT ml.revoke('churn', 'read', 'regress_ml_group');
SET ROLE regress_ml_user;
TABLE regress_seen;
SET ROLE regress_ml_member;
TABLE regress_seen;
RESET ROLE;

-- What cannot be granted.
SELECT ml.grant('churn', 'owner', 'regress_ml_user');
SELECT ml.grant('churn', 'any', 'regress_ml_user');
SELECT ml.grant('churn', 'SELECT', 'regress_ml_user');
SELECT ml.grant('churn', NULL, 'regress_ml_user');
SELECT ml.grant('churn', 'use', 'regress_ml_nobody');
SELECT ml.grant('churn', 'use', '-');
SELECT ml.grant('churn', 'use', NULL);
SELECT ml.grant('nowhere', 'use', 'regress_ml_user');

-- A role that is gone grants nothing and breaks nothing, as owner or grantee; see sql/roles.sql for more.
SELECT ml.grant('secret', 'use', 'regress_ml_group');
DROP OWNED BY regress_ml_gone;
DROP ROLE regress_ml_gone;
SET ROLE regress_ml_member;
TABLE regress_seen;
SELECT ml.deploy('secret', 1);
RESET ROLE;
SELECT ml.drop_model('secret');

-- A model that gets the name of a dropped one does not inherit its events.
SELECT ml.undeploy('churn', 'production');
SELECT ml.drop_model('churn');
INSERT INTO ml.models (model, task, owner) VALUES ('churn', 'regression', 'regress_ml_user');
SELECT ml.set_owner('churn', 'regress_ml_user');
SET ROLE regress_ml_user;
SELECT count(*) FROM ml.events;
SELECT ml.tag('churn', 'mine', 'true');
SELECT kind FROM ml.events;
RESET ROLE;

\c contrib_regression
DROP DATABASE regress_ml_rights;
DROP ROLE regress_ml_owner, regress_ml_user, regress_ml_group, regress_ml_member;
