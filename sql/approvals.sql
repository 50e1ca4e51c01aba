-- Approvals: who may give them, what counts as one person, and what is refused without them.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_ann;
CREATE ROLE regress_ml_bob;
CREATE ROLE regress_ml_team;
GRANT regress_ml_team TO regress_ml_ann, regress_ml_bob;
CREATE ROLE regress_ml_stranger;
CREATE ROLE regress_ml_root SUPERUSER;
CREATE DATABASE regress_ml_approvals TEMPLATE template0;
\c regress_ml_approvals
CREATE EXTENSION pg_mlops;
CREATE TABLE regress_rows AS SELECT i AS x, 2 * i AS y FROM generate_series(1, 10) i;
GRANT SELECT ON regress_rows TO PUBLIC;
CREATE FUNCTION regress_train(how text, OUT version int, OUT deployed boolean, OUT notes text[]) LANGUAGE sql
	AS $$SELECT t.version, t.deployed, t.notes FROM ml.train('churn', 'regress_rows', 'y', 'linear_regression', split => '{"method": "none"}', deploy => how) t$$;
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT version, deployed FROM regress_train('first');
SELECT version, deployed FROM regress_train('never');
SELECT version, deployed FROM regress_train('never');
SELECT ml.grant('churn', p, r) FROM unnest('{deploy,read}'::text[]) p, unnest('{regress_ml_ann,regress_ml_bob,regress_ml_team}'::text[]::regrole[]) r;

-- The rules are the owner's.
SELECT ml.require_approval('churn', 'production', 2);
SELECT ml.require_approval('churn', 'production', 2);
SELECT ml.require_approval('churn', 'canary', 1);
SELECT ml.require_approval('churn', 'staging', 0);
SELECT ml.require_approval('churn', 'staging', -1);
SELECT ml.require_approval('churn', 'staging', NULL);
SELECT ml.require_approval('churn', 'retired', 1);
SELECT ml.require_approval('churn', 'nowhere', 1);
SELECT ml.require_approval('churn', NULL, 1);
SELECT ml.require_approval('chrun', 'staging', 1);
SELECT model, role, approvers, set_by FROM ml.approval_rules ORDER BY 2;
SET SESSION AUTHORIZATION regress_ml_ann;
SELECT ml.require_approval('churn', 'production', 0);

-- Without them nothing enters the role, not even by force; other roles are free.
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT ml.deploy('churn', 2);
SELECT ml.deploy('churn', 2, force => true, reason => 'in a hurry');
SELECT ml.deploy('churn', 2, 'canary', 0.1);
SELECT ml.promote('churn', 2), ml.promote('churn', 2);
SELECT ml.promote('churn', 2);
-- Not by the trainer, in whatever role.
SELECT ml.approve('churn', 2, 'production');
SET SESSION AUTHORIZATION regress_ml_stranger;
SELECT ml.approve('churn', 2, 'production');
SELECT * FROM ml.approvals;
RESET SESSION AUTHORIZATION;
GRANT regress_ml_owner TO regress_ml_bob;
GRANT regress_ml_ann TO regress_ml_owner;
SET SESSION AUTHORIZATION regress_ml_bob;
SET ROLE regress_ml_owner;
SELECT ml.approve('churn', 2, 'production');
SET SESSION AUTHORIZATION regress_ml_owner;
SET ROLE regress_ml_ann;
SELECT ml.approve('churn', 2, 'production');
SET SESSION AUTHORIZATION regress_ml_root;
SET ROLE regress_ml_owner;
SELECT ml.approve('churn', 2, 'production');
-- One person counts once.
SET SESSION AUTHORIZATION regress_ml_ann;
SELECT ml.approve('churn', 2, 'production');
SELECT ml.approve('churn', 2, 'production');
SET ROLE regress_ml_team;
SELECT ml.approve('churn', 2, 'production');
SELECT ml.deploy('churn', 2);
SET SESSION AUTHORIZATION regress_ml_bob;
SET ROLE regress_ml_team;
SELECT ml.approve('churn', 2, 'production');
SET ROLE regress_ml_bob;
SELECT ml.approve('churn', 2, 'production');
SET SESSION AUTHORIZATION regress_ml_ann;
SET ROLE regress_ml_team;
SELECT ml.approve('churn', 2, 'production');
RESET ROLE;
SELECT model, version, role, approver, login FROM ml.approvals ORDER BY approver;
-- Two people have approved it.
SELECT ml.deploy('churn', 2);
SELECT version, role FROM ml.deployments WHERE ended_at IS NULL ORDER BY 1;
-- Going back to what was in production needs none; deploying it does.
SELECT ml.rollback('churn');
SELECT ml.deploy('churn', 2);
SELECT ml.deploy('churn', 1);
-- An approval is for one version and one role.
SELECT ml.approve('churn', 3, 'canary');
SELECT ml.deploy('churn', 3);
SELECT ml.deploy('churn', 3, 'canary', 0.1);
SELECT ml.deploy('churn', 1, 'canary', 0.1);
-- It is withdrawn by who gave it; what is deployed stays.
SELECT ml.withdraw_approval('churn', 3, 'production');
SELECT ml.withdraw_approval('churn', 2, 'production');
SELECT ml.withdraw_approval('churn', 2, 'production');
SET SESSION AUTHORIZATION regress_ml_stranger;
SELECT ml.withdraw_approval('churn', 2, 'production');
RESET SESSION AUTHORIZATION;
SELECT version, role FROM ml.deployments WHERE ended_at IS NULL ORDER BY 1;
SELECT ml.rollback('churn');
SELECT ml.deploy('churn', 2);
-- A superuser is no exception; he may approve as anybody else.
SELECT ml.deploy('churn', 2, force => true, reason => 'in a hurry');
SET SESSION AUTHORIZATION regress_ml_root;
SELECT ml.approve('churn', 2, 'production');
SELECT ml.deploy('churn', 2);
RESET SESSION AUTHORIZATION;
-- Training does not deploy then, and says why.
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT version, deployed, notes[cardinality(notes)] AS note FROM regress_train('always');
SELECT version, deployed, notes[cardinality(notes)] AS note FROM regress_train('first');
SELECT ml.undeploy('churn', 'production');
SELECT version, deployed, notes[cardinality(notes)] AS note FROM regress_train('first');
SELECT ml.require_approval('churn', 'production', 1);
SELECT version, deployed, notes[cardinality(notes)] AS note FROM regress_train('first');
SELECT ml.require_approval('churn', 'production', 0);
SELECT version, deployed FROM regress_train('first');
SELECT ml.require_approval('churn', 'production', 1);
-- The trainer who acts as another role is known by his login, where the run has it.
RESET SESSION AUTHORIZATION;
SET session_replication_role = replica;
UPDATE ml.runs SET environment = environment || '{"session_user": "regress_ml_bob"}' WHERE version = 5;
RESET session_replication_role;
SET SESSION AUTHORIZATION regress_ml_bob;
SELECT ml.approve('churn', 5, 'production');
SET ROLE regress_ml_team;
SELECT ml.approve('churn', 5, 'production');
SET SESSION AUTHORIZATION regress_ml_ann;
SET ROLE regress_ml_team;
SELECT ml.approve('churn', 5, 'production');
RESET ROLE;
-- A superuser's session that acts as others counts as them, as a pool of connections does.
RESET SESSION AUTHORIZATION;
SET ROLE regress_ml_owner;
SELECT version FROM regress_train('never');
SET ROLE regress_ml_ann;
SELECT ml.approve('churn', 9, 'staging');
SET ROLE regress_ml_bob;
SELECT ml.approve('churn', 9, 'staging');
RESET ROLE;
SELECT ml.approve('churn', 9, 'staging');
SET ROLE regress_ml_owner;
SELECT ml.approve('churn', 9, 'staging');
RESET ROLE;
SELECT approver, login FROM ml.approvals WHERE version = 9 ORDER BY 1;
SET SESSION AUTHORIZATION regress_ml_ann;
-- What cannot be approved.
SELECT ml.approve('churn', 99, 'production');
SELECT ml.approve('churn', 5, 'retired');
SELECT ml.approve('churn', 5, 'x');
SELECT ml.approve('churn', 5, NULL);
SELECT ml.approve('churn', NULL, 'production');
SELECT ml.approve(NULL, 5, 'production');
SELECT ml.approve('chrun', 5, 'production');
SELECT ml.withdraw_approval('chrun', 5, 'production');
RESET SESSION AUTHORIZATION;
SELECT ml.archive('churn', 6);
SET SESSION AUTHORIZATION regress_ml_ann;
SELECT ml.approve('churn', 6, 'production');
BEGIN READ ONLY;
SELECT ml.approve('churn', 5, 'production');
ROLLBACK;
BEGIN READ ONLY;
SELECT ml.withdraw_approval('churn', 5, 'production');
ROLLBACK;
RESET SESSION AUTHORIZATION;
BEGIN READ ONLY;
SELECT ml.require_approval('churn', 'production', 5);
ROLLBACK;
SELECT ml.drop_version('churn', 5);
SELECT version, role, approver FROM ml.approvals ORDER BY 1, 2, 3;
SELECT actor, kind, version, detail FROM ml.events WHERE kind ~ 'approv' ORDER BY event_id;
SELECT * FROM ml.verify_events();
-- All of it goes with the model.
SELECT ml.undeploy('churn', 'production');
SELECT ml.drop_model('churn');
SELECT (SELECT count(*) FROM ml.approvals) AS approvals, (SELECT count(*) FROM ml.approval_rules) AS rules;

\c contrib_regression
DROP DATABASE regress_ml_approvals;
DROP ROLE regress_ml_owner, regress_ml_ann, regress_ml_bob, regress_ml_team, regress_ml_stranger, regress_ml_root;
