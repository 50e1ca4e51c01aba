-- 77_policies.sql - the verbs on policies.

CREATE FUNCTION ml.set_policy(model text, trigger text, action text, params jsonb DEFAULT '{}',
							  cooldown interval DEFAULT NULL, budget integer DEFAULT NULL) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_set_policy';
COMMENT ON FUNCTION ml.set_policy(text, text, text, jsonb, interval, integer) IS
	'says what is done when a trigger finds something: retrain, rollback or notify; returns the policy''s number';

CREATE FUNCTION ml.enable_policy(policy_id bigint, enabled boolean DEFAULT true) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_enable_policy';
COMMENT ON FUNCTION ml.enable_policy(bigint, boolean) IS 'lets a policy rest, or ends its rest';

CREATE FUNCTION ml.drop_policy(policy_id bigint) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_policy';
COMMENT ON FUNCTION ml.drop_policy(bigint) IS 'drops a policy; what it has done stays in ml.policy_firings';

CREATE FUNCTION ml.drop_policy(model text, trigger text, action text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_policy_named';
COMMENT ON FUNCTION ml.drop_policy(text, text, text) IS 'drops the policy of a model with a trigger and an action';

CREATE FUNCTION ml.run_policies() RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'ml_run_policies';
COMMENT ON FUNCTION ml.run_policies() IS
	'does now what the worker does with the policies of the caller''s models; returns how many fired';

CREATE FUNCTION ml.next_due(cron text, after timestamptz DEFAULT pg_catalog.now(), timezone text DEFAULT 'UTC')
	RETURNS timestamptz
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'ml_next_due';
COMMENT ON FUNCTION ml.next_due(text, timestamptz, text) IS
	'the first moment after another one that a cron expression names; NULL when there is none in sixty years';

CREATE FUNCTION ml.worker_runs() RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'ml_worker_runs';
COMMENT ON FUNCTION ml.worker_runs() IS 'whether a background worker watches the models of this database';

CREATE FUNCTION ml.list_policy_parameters(OUT for_what text, OUT name text, OUT type text, OUT default_value text,
										  OUT description text) RETURNS SETOF record
	LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 12 AS 'MODULE_PATHNAME', 'ml_list_policy_parameters';
COMMENT ON FUNCTION ml.list_policy_parameters() IS 'the rows of ml.policy_parameters';

CREATE VIEW ml.policy_parameters AS
	SELECT p.for_what, p.name, p.type, p.default_value, p.description FROM ml.list_policy_parameters() AS p;
COMMENT ON VIEW ml.policy_parameters IS 'the parameters of every trigger and action, as ml.set_policy takes them in params';
GRANT SELECT ON ml.policy_parameters TO PUBLIC;
