-- 19_policies.sql - policies: what is done by itself when a model drifts, gets worse or gets old, and what was done.
--
-- What a policy has done outlives it, so firings name it by its number alone.

CREATE TABLE ml.policies (
	policy_id		bigint GENERATED ALWAYS AS IDENTITY,
	model			text COLLATE "C" NOT NULL,
	trigger			text COLLATE "C" NOT NULL,
	action			text COLLATE "C" NOT NULL,
	params			jsonb NOT NULL DEFAULT '{}',
	cooldown		interval NOT NULL,
	-- NULL: no bound.
	budget			integer,
	enabled			boolean NOT NULL DEFAULT true,
	created_by		name NOT NULL DEFAULT CURRENT_USER,
	created_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	last_checked_at	timestamptz,
	last_fired_at	timestamptz,
	last_outcome	text,
	-- When it is looked at again; NULL: in every round.
	next_due		timestamptz,
	CONSTRAINT policies_pkey PRIMARY KEY (policy_id),
	CONSTRAINT policies_key UNIQUE (model, trigger, action),
	CONSTRAINT policies_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT policies_trigger_check CHECK (trigger IN ('drift', 'quality', 'age', 'new_rows', 'schedule')),
	CONSTRAINT policies_action_check CHECK (action IN ('retrain', 'rollback', 'notify')),
	CONSTRAINT policies_rollback_check CHECK (action <> 'rollback' OR trigger IN ('drift', 'quality')),
	CONSTRAINT policies_params_check CHECK (pg_catalog.jsonb_typeof(params) = 'object'),
	CONSTRAINT policies_cooldown_check CHECK (cooldown BETWEEN interval '0' AND interval '100 years'),
	CONSTRAINT policies_budget_check CHECK (budget >= 1)
);
COMMENT ON TABLE ml.policies IS 'what is done by itself when a model drifts, gets worse or gets old';
COMMENT ON COLUMN ml.policies.cooldown IS 'so long after it has fired, it does not fire again';
COMMENT ON COLUMN ml.policies.budget IS 'how often it fires in seven days at most';
COMMENT ON COLUMN ml.policies.next_due IS 'when it is looked at again; of a schedule, when it is due; NULL: in every round';

CREATE TABLE ml.policy_firings (
	firing_id		bigint GENERATED ALWAYS AS IDENTITY,
	policy_id		bigint NOT NULL,
	model			text COLLATE "C" NOT NULL,
	trigger			text COLLATE "C" NOT NULL,
	action			text COLLATE "C" NOT NULL,
	fired_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	why				text NOT NULL,
	evidence		jsonb NOT NULL DEFAULT '{}',
	outcome			text COLLATE "C" NOT NULL,
	-- What refused it, or why a retrained version was not deployed.
	reason			text,
	brake			text COLLATE "C",
	job_id			bigint,
	-- That was trained, or that production went back to.
	version			integer,
	finished_at		timestamptz,
	-- The same refusal or failure again, until the policy does something else.
	times			bigint NOT NULL DEFAULT 1,
	last_at			timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT policy_firings_pkey PRIMARY KEY (firing_id),
	CONSTRAINT policy_firings_evidence_check CHECK (pg_catalog.jsonb_typeof(evidence) = 'object'),
	CONSTRAINT policy_firings_outcome_check
		CHECK (outcome IN ('started', 'done', 'deployed', 'undeployed', 'failed', 'cancelled', 'refused')),
	CONSTRAINT policy_firings_brake_check CHECK ((outcome = 'refused') = (brake IS NOT NULL)),
	CONSTRAINT policy_firings_finished_at_check CHECK ((outcome = 'started') = (finished_at IS NULL))
);
CREATE INDEX policy_firings_policy_idx ON ml.policy_firings (policy_id, firing_id);
CREATE INDEX policy_firings_model_idx ON ml.policy_firings (model, firing_id);
CREATE INDEX policy_firings_at_idx ON ml.policy_firings (fired_at);
CREATE INDEX policy_firings_started_idx ON ml.policy_firings (job_id) WHERE outcome = 'started';
COMMENT ON TABLE ml.policy_firings IS 'what policies have done, with the reasons, and what kept them from it';
COMMENT ON COLUMN ml.policy_firings.outcome IS
	'started: the retraining is queued or runs; deployed and undeployed: how it ended; done: of the other actions; refused: by a brake';
COMMENT ON COLUMN ml.policy_firings.brake IS 'cooldown, budget, busy, quality_holds, no_version or rolled_back';

CREATE TRIGGER policy_firings_immutable BEFORE UPDATE OR DELETE ON ml.policy_firings
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Only the policies write it.');
CREATE TRIGGER policy_firings_no_truncate BEFORE TRUNCATE ON ml.policy_firings
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('They go away with their model: use ml.drop_model.');

ALTER TABLE ml.policies ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.policy_firings ENABLE ROW LEVEL SECURITY;
CREATE POLICY policies_any ON ml.policies FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY policy_firings_read ON ml.policy_firings FOR SELECT USING (ml.has_privilege(model, 'read'));
GRANT SELECT ON ml.policies, ml.policy_firings TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('ml.policies', '');
SELECT pg_catalog.pg_extension_config_dump('ml.policies_policy_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.policy_firings', '');
SELECT pg_catalog.pg_extension_config_dump('ml.policy_firings_firing_id_seq', '');
