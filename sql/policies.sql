-- Policies: what they may be, when they fire, what keeps them back. ml.run_policies does what the worker does.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_trainer;
CREATE ROLE regress_ml_other;
CREATE DATABASE regress_ml_policies TEMPLATE template0;
\c regress_ml_policies
SET lc_messages = 'C';
SET timezone = 'UTC';
\set SHOW_CONTEXT never
CREATE EXTENSION pg_mlops;
CREATE TABLE regress_rows AS SELECT i AS x, 2 * i AS y FROM generate_series(1, 10) i;
GRANT SELECT ON regress_rows TO regress_ml_owner;
CREATE FUNCTION regress_train(deploy text DEFAULT 'always') RETURNS int LANGUAGE sql
	AS $$SELECT t.version FROM ml.train('churn', 'SELECT x, y FROM public.regress_rows -- all', 'y', 'linear_regression', split => '{"method": "none"}', deploy => deploy) t$$;
-- What was done since it was last asked; times of refusals cut out.
CREATE TABLE regress_seen (firing_id bigint);
CREATE FUNCTION regress_news(OUT trigger text, OUT action text, OUT outcome text, OUT brake text, OUT why text, OUT reason text, OUT evidence jsonb, OUT version int, OUT times bigint) RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY SELECT f.trigger, f.action, f.outcome, f.brake, regexp_replace(f.why, '\d{4}-[-0-9: .+]*\d', '<time>'), regexp_replace(f.reason, '\d{4}-[-0-9:.+T]*\d', '<time>'), f.evidence, f.version, f.times
		FROM ml.policy_firings f WHERE f.firing_id NOT IN (SELECT firing_id FROM regress_seen) ORDER BY f.firing_id;
	INSERT INTO regress_seen SELECT firing_id FROM ml.policy_firings;
END
$$;
-- What rests is looked at again at once; what fired, as if that were so long ago.
CREATE FUNCTION regress_later(past interval) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	UPDATE ml.policies SET next_due = CASE WHEN trigger = 'schedule' THEN next_due - past END, last_fired_at = last_fired_at - past;
	SET LOCAL session_replication_role = replica;
	UPDATE ml.policy_firings SET fired_at = fired_at - past, last_at = last_at - past;
	SET LOCAL session_replication_role = origin;
END
$$;
CREATE FUNCTION regress_end_job(how text, result jsonb DEFAULT NULL, error text DEFAULT NULL) RETURNS bigint LANGUAGE sql
	AS $$UPDATE ml.job_queue SET status = how, finished_at = clock_timestamp(), result = regress_end_job.result, error = regress_end_job.error WHERE finished_at IS NULL RETURNING 1::bigint$$;
GRANT SELECT, INSERT ON regress_seen TO regress_ml_owner;
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT regress_train();
SELECT ml.grant('churn', 'train', 'regress_ml_trainer'), ml.grant('churn', 'read', 'regress_ml_trainer');

-- What a policy may be.
SELECT * FROM ml.policy_parameters;
SELECT ml.set_policy('churn', 'drifts', 'retrain');
SELECT ml.set_policy('churn', 'drift', 'deploy');
SELECT ml.set_policy('churn', NULL, 'retrain');
SELECT ml.set_policy('churn', 'drift', NULL);
SELECT ml.set_policy('churn', 'age', 'rollback');
SELECT ml.set_policy('churn', 'drift', 'retrain', '{"colums": ["x"]}');
SELECT ml.set_policy('churn', 'drift', 'notify', '{"deploy": "never"}');
SELECT ml.set_policy('churn', 'drift', 'retrain', '{"columns": "x"}');
SELECT ml.set_policy('churn', 'drift', 'retrain', '{"columns": []}');
SELECT ml.set_policy('churn', 'drift', 'retrain', '{"columns": ["x", 1]}');
SELECT ml.set_policy('churn', 'drift', 'retrain', '{"min_columns": 0}');
SELECT ml.set_policy('churn', 'drift', 'retrain', '{"severity": "fatal"}');
SELECT ml.set_policy('churn', 'drift', 'retrain', '{"deploy": "first"}');
SELECT ml.set_policy('churn', 'drift', 'retrain', '[]');
SELECT ml.set_policy('churn', 'age', 'retrain');
SELECT ml.set_policy('churn', 'age', 'retrain', '{"interval": "0"}');
\set VERBOSITY terse
SELECT ml.set_policy('churn', 'age', 'retrain', '{"interval": "a while"}');
SELECT ml.set_policy('churn', 'new_rows', 'retrain');
SELECT ml.set_policy('churn', 'new_rows', 'retrain', '{"count": 1.5}');
SELECT ml.set_policy('churn', 'new_rows', 'retrain', '{"count": 5, "every": "-1 hour"}');
SELECT ml.set_policy('churn', 'schedule', 'retrain');
SELECT ml.set_policy('churn', 'schedule', 'retrain', '{"cron": "0 0 * *"}');
SELECT ml.set_policy('churn', 'schedule', 'retrain', '{"cron": "0 0 30 2 *"}');
SELECT ml.set_policy('churn', 'schedule', 'retrain', '{"cron": "@daily", "timezone": "Moon"}');
SELECT ml.set_policy('churn', 'drift', 'retrain', cooldown => '-1 day');
SELECT ml.set_policy('churn', 'drift', 'retrain', budget => 0);
SELECT ml.set_policy('chrun', 'drift', 'retrain');
SET SESSION AUTHORIZATION regress_ml_trainer;
SELECT ml.set_policy('churn', 'drift', 'retrain');
SET SESSION AUTHORIZATION regress_ml_owner;
\set VERBOSITY default
SELECT ml.set_policy('churn', 'drift', 'retrain', '{"min_columns": 2}') AS first;
SELECT ml.set_policy('churn', 'drift', 'retrain', cooldown => '12 hours', budget => 3) AS same;
SELECT ml.set_policy('churn', 'schedule', 'notify', '{"cron": "0 3 * * mon", "timezone": "Europe/Berlin"}') > 1 AS other;
SELECT trigger, action, params, cooldown, budget, enabled, created_by, next_due > now() AS later FROM ml.policies ORDER BY policy_id;
SET SESSION AUTHORIZATION regress_ml_trainer;
SELECT count(*) FROM ml.policies;
\set VERBOSITY terse
SELECT ml.drop_policy(1);
SELECT ml.enable_policy(1, false);
SET SESSION AUTHORIZATION regress_ml_other;
SELECT count(*) FROM ml.policies;
SELECT ml.run_policies();
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT ml.drop_policy(0);
\set VERBOSITY default
SELECT ml.drop_policy('churn', 'drift', 'notify');
SELECT ml.drop_policy('churn', 'schedule', 'notify');
SELECT ml.enable_policy(1), ml.enable_policy(1, false);
SELECT ml.enable_policy(1, false);

-- A policy that rests does nothing; nor does one without an alert.
SELECT ml.raise_alert('churn', 'drift:x'), ml.run_policies();
SELECT ml.enable_policy(1);
SELECT ml.mute_alert(1, '1 hour'), ml.run_policies();
SELECT ml.unmute_alert(1), ml.raise_alert('churn', 'quality:rmse');
SELECT ml.run_policies();
SELECT * FROM regress_news();
SELECT kind, model, args, status, submitted_by FROM ml.job_queue;
SELECT detail FROM ml.alerts WHERE alert_id = 1;
SELECT last_outcome, last_fired_at IS NOT NULL AS fired, next_due FROM ml.policies;
-- Not while the model has a job, nor within the cool-down, nor beyond the budget: each refusal is one row.
RESET SESSION AUTHORIZATION;
SELECT regress_later('13 hours'), ml.run_policies();
SELECT regress_later('0'), ml.run_policies();
SELECT * FROM regress_news();
SELECT next_due > now() + interval '50 seconds' AS rests FROM ml.policies;
SELECT regress_end_job('succeeded', '{"version": 2, "deployed": false, "notes": ["seed 0", "the version was not deployed: gate \"good\" failed: rmse 3.1 > 2", "the version was not deployed: gate \"fair\" is inconclusive"]}');
SELECT ml.run_policies();
SELECT outcome, reason, version, finished_at IS NOT NULL AS finished FROM ml.policy_firings WHERE job_id IS NOT NULL;
SELECT last_outcome FROM ml.policies;
SELECT detail FROM ml.alerts WHERE alert_id = 1;
UPDATE ml.policies SET last_fired_at = now(), next_due = NULL;
SELECT ml.run_policies();
SELECT regress_later('0'), ml.run_policies();
SELECT * FROM regress_news();
SELECT next_due = last_fired_at + cooldown AS rests FROM ml.policies;
SELECT regress_later('13 hours'), ml.run_policies(), regress_end_job('failed', error => 'no more rows');
SELECT regress_later('13 hours'), ml.run_policies(), regress_end_job('cancelled');
SELECT regress_later('13 hours'), ml.run_policies();
SELECT * FROM regress_news();
SELECT next_due = (SELECT min(fired_at) FROM ml.policy_firings WHERE job_id IS NOT NULL) + interval '7 days' AS rests FROM ml.policies;
SELECT regress_later('6 days'), ml.run_policies();
SELECT regress_end_job('succeeded', '{"version": 3, "deployed": true, "notes": []}');
SELECT ml.run_policies();
SELECT * FROM regress_news();
DELETE FROM ml.job_queue;
SET SESSION AUTHORIZATION regress_ml_owner;

-- Parameters of drift: columns, how many, how severe. Rules of columns with a colon, and slices, are of their column.
SELECT ml.drop_policy(1), ml.close_alert(1), ml.close_alert(2);
SELECT ml.set_policy('churn', 'drift', 'notify', '{"columns": ["a:b", ":prediction"], "min_columns": 2}', '0', 1000) > 0 AS set;
SELECT ml.raise_alert('churn', 'drift:x') > 0, ml.raise_alert('churn', 'drift:a:b') > 0, ml.raise_alert('churn', 'drift:a:b', slice => 'city=Rome') > 0, ml.raise_alert('churn', 'drifting:a:b') > 0, ml.run_policies();
SELECT ml.raise_alert('churn', 'drift::prediction') > 0, ml.run_policies();
SELECT action, outcome, why, evidence -> 'rules' AS rules FROM regress_news();
SELECT ml.set_policy('churn', 'drift', 'notify', '{"severity": "error"}', '0', 1000) > 0 AS set, ml.run_policies();
SELECT ml.raise_alert('churn', 'drift:a:b', 'error') > 0, ml.run_policies();
SELECT action, outcome, why, evidence -> 'rules' AS rules FROM regress_news();
SELECT ml.drop_policy('churn', 'drift', 'notify');
-- Quality: alerts on it and on concept drift.
SELECT ml.set_policy('churn', 'quality', 'notify', '{"metric": "mae"}', '0', 1000) > 0 AS set, ml.raise_alert('churn', 'quality:rmse') > 0, ml.run_policies();
SELECT ml.set_policy('churn', 'quality', 'notify', '{}', '0', 1000) > 0 AS set, ml.raise_alert('churn', 'concept_drift') > 0, ml.run_policies();
SELECT action, outcome, why, evidence -> 'rules' AS rules FROM regress_news();
SELECT ml.drop_policy('churn', 'quality', 'notify');

-- A rollback needs a version before, and does not follow another one until something was deployed.
SELECT ml.set_policy('churn', 'drift', 'rollback', '{}', '0', 1000) > 0 AS set, ml.run_policies();
SELECT trigger, action, outcome, brake, reason, version FROM regress_news();
SELECT regress_train();
SELECT ml.raise_alert('churn', 'drift:x') > 0;
RESET SESSION AUTHORIZATION;
SELECT regress_later('0'), ml.run_policies();
SELECT version, role, actor, reason FROM ml.deployments WHERE ended_at IS NULL;
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT ml.raise_alert('churn', 'drift:x') > 0;
RESET SESSION AUTHORIZATION;
SELECT regress_later('0'), ml.run_policies();
SELECT trigger, action, outcome, brake, reason, version FROM regress_news();
SELECT ml.deploy('churn', 2);
SELECT ml.raise_alert('churn', 'drift:x') > 0, regress_later('0'), ml.run_policies();
SELECT trigger, action, outcome, brake, reason, version FROM regress_news();
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT ml.drop_policy('churn', 'drift', 'rollback');

-- Age is that of the version in production; new rows are those with a target, read as who trained.
SELECT ml.set_policy('churn', 'age', 'notify', '{"interval": "30 days"}') > 0, ml.set_policy('churn', 'new_rows', 'notify', '{"count": 5}') > 0;
SELECT ml.run_policies();
SELECT trigger, next_due BETWEEN now() + interval '59 minutes' AND now() + interval '1 hour' AS rests FROM ml.policies ORDER BY 1;
RESET SESSION AUTHORIZATION;
INSERT INTO regress_rows SELECT i, CASE WHEN i > 4 THEN NULL ELSE i END FROM generate_series(1, 8) i;
SELECT regress_later('0'), ml.run_policies();
INSERT INTO regress_rows VALUES (1, 1);
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE ml.versions SET created_at = now() - interval '31 days' WHERE version = 1;
COMMIT;
SELECT regress_later('0'), ml.run_policies();
SELECT trigger, action, outcome, why, evidence FROM regress_news();
-- What fails is said once, and does not stop the others.
REVOKE SELECT ON regress_rows FROM regress_ml_owner;
SELECT regress_later('2 days'), ml.run_policies();
SELECT regress_later('0'), ml.run_policies();
SELECT trigger, action, outcome, brake, reason, times FROM regress_news();
SELECT trigger, next_due > now() + interval '9 minutes' AS rests, last_outcome FROM ml.policies WHERE trigger = 'new_rows';
DELETE FROM ml.policies;

-- A schedule is due once for the moments that went by, and is not refused by itself.
SELECT ml.set_policy('churn', 'schedule', 'notify', '{"cron": "*/5 * * * *"}') > 0 AS set, ml.run_policies();
SELECT regress_later('1 day'), ml.run_policies();
SELECT ml.run_policies();
SELECT trigger, action, outcome, why, times FROM regress_news();
SELECT next_due = ml.next_due('*/5 * * * *') AS next, cooldown, budget FROM ml.policies;
-- Refused, it waits for its next moment.
SELECT ml.set_policy('churn', 'schedule', 'notify', '{"cron": "*/5 * * * *"}', '7 days') > 0 AS set, regress_later('1 hour'), ml.run_policies();
SELECT trigger, action, outcome, brake, times FROM regress_news();
SELECT next_due = ml.next_due('*/5 * * * *') AS next FROM ml.policies;

-- The owner acts, whoever runs the policies.
SELECT kind, actor, count(*) FROM ml.events WHERE kind LIKE '%polic%' OR kind = 'rollback' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT version, detail - 'policy_id' - 'firing_id' AS detail FROM ml.events WHERE kind = 'fire_policy' ORDER BY event_id LIMIT 1;
SELECT * FROM ml.verify_events();
UPDATE ml.policy_firings SET why = '';
BEGIN READ ONLY;
SELECT ml.run_policies();
ROLLBACK;
SELECT ml.undeploy('churn', 'production');
SELECT ml.drop_model('churn');
SELECT (SELECT count(*) FROM ml.policies) AS policies, (SELECT count(*) FROM ml.policy_firings) AS firings;
\c postgres
DROP DATABASE regress_ml_policies;
DROP ROLE regress_ml_owner, regress_ml_trainer, regress_ml_other;
