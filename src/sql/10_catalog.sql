-- 10_catalog.sql - the tables, their constraints, who sees which rows, and what pg_dump takes.
--
-- The rules that make illegal states impossible are constraints. Foreign keys
-- have no cycle and no table refers to itself, so pg_dump finds an order of the
-- data in which every one of them holds. No trigger fires on INSERT: a restore
-- loads the rows by COPY after CREATE EXTENSION. Names compare bytewise
-- (COLLATE "C"): a new version of the operating system's collations cannot
-- damage an index of the catalog. Roles are stored by name, which survives a
-- dump; a name that no role has any more grants nothing. The C code reads the
-- tables by column number: later releases append columns only.

-- Models ---------------------------------------------------------------------

CREATE TABLE ml.models (
	model			text COLLATE "C" NOT NULL,
	task			text COLLATE "C" NOT NULL,
	target			text,
	owner			name NOT NULL DEFAULT CURRENT_USER,
	description		text,
	tags			jsonb NOT NULL DEFAULT '{}',
	created_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	-- Numbers of dropped versions are not given out again.
	last_version	integer NOT NULL DEFAULT 0,
	-- What becomes of rows to be scored that fail the model's checks; NULL: they are not judged.
	invalid_policy	text COLLATE "C",
	-- How scored rows are counted (ml.set_monitor); NULL: an hour, not cut, not logged.
	window_length	interval,
	slices			text[],
	log_fraction	double precision,
	CONSTRAINT models_pkey PRIMARY KEY (model),
	CONSTRAINT models_model_check
		CHECK (pg_catalog.octet_length(model) BETWEEN 1 AND 63 AND model !~ '[/@\u0001-\u001f\u007f]'),
	CONSTRAINT models_task_check
		CHECK (task IN ('regression', 'classification', 'clustering', 'anomaly',
						'forecasting', 'decomposition', 'recommendation')),
	CONSTRAINT models_tags_check CHECK (pg_catalog.jsonb_typeof(tags) = 'object'),
	CONSTRAINT models_last_version_check CHECK (last_version >= 0),
	CONSTRAINT models_invalid_policy_check CHECK (invalid_policy IN ('score', 'null', 'error')),
	-- Without months, which have no length: a window is a multiple of it since 2000.
	CONSTRAINT models_window_length_check
		CHECK (window_length BETWEEN interval '1 second' AND interval '366 days'
			   AND pg_catalog.date_part('month', window_length) = 0 AND pg_catalog.date_part('year', window_length) = 0),
	CONSTRAINT models_log_fraction_check CHECK (log_fraction BETWEEN 0 AND 1)
);
COMMENT ON TABLE ml.models IS 'named prediction tasks; each holds versions';

CREATE TABLE ml.grants (
	model			text COLLATE "C" NOT NULL,
	grantee			name NOT NULL,
	privilege		text COLLATE "C" NOT NULL,
	granted_by		name NOT NULL DEFAULT CURRENT_USER,
	granted_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT grants_pkey PRIMARY KEY (model, grantee, privilege),
	CONSTRAINT grants_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT grants_privilege_check CHECK (privilege IN ('use', 'read', 'train', 'deploy'))
);
COMMENT ON TABLE ml.grants IS 'privileges on models; the owner of a model has all of them without a row here';

-- Runs and what they read ----------------------------------------------------

CREATE TABLE ml.runs (
	run_id			bigint GENERATED ALWAYS AS IDENTITY,
	experiment		text,
	kind			text COLLATE "C" NOT NULL,
	-- NULL: a run of outside code that is about no model.
	model			text COLLATE "C",
	version			integer,
	-- Not a foreign key: pg_dump cannot order the rows of a table that refers to itself.
	parent_run_id	bigint,
	status			text COLLATE "C" NOT NULL,
	params			jsonb NOT NULL DEFAULT '{}',
	seed			bigint,
	code			text,
	actor			name NOT NULL DEFAULT CURRENT_USER,
	started_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	finished_at		timestamptz,
	environment		jsonb NOT NULL DEFAULT '{}',
	error			text,
	tags			jsonb NOT NULL DEFAULT '{}',
	name			text,
	CONSTRAINT runs_pkey PRIMARY KEY (run_id),
	-- The target of versions_run_fkey: a version's run names that same version.
	CONSTRAINT runs_version_key UNIQUE (model, version, run_id),
	CONSTRAINT runs_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT runs_kind_check
		CHECK (kind IN ('train', 'retrain', 'trial', 'evaluate', 'gate', 'reproduce', 'import', 'external')),
	CONSTRAINT runs_model_check CHECK (model IS NOT NULL OR (kind = 'external' AND version IS NULL)),
	CONSTRAINT runs_version_check CHECK (version >= 1),
	CONSTRAINT runs_parent_run_id_check CHECK (parent_run_id <> run_id),
	CONSTRAINT runs_status_check CHECK (status IN ('running', 'succeeded', 'failed', 'cancelled')),
	CONSTRAINT runs_params_check CHECK (pg_catalog.jsonb_typeof(params) = 'object'),
	CONSTRAINT runs_environment_check CHECK (pg_catalog.jsonb_typeof(environment) = 'object'),
	CONSTRAINT runs_tags_check CHECK (pg_catalog.jsonb_typeof(tags) = 'object'),
	CONSTRAINT runs_finished_at_check
		CHECK ((status = 'running') = (finished_at IS NULL) AND finished_at >= started_at),
	CONSTRAINT runs_error_check
		-- Outside code may not know why it failed.
		CHECK (CASE status WHEN 'failed' THEN error IS NOT NULL OR kind = 'external'
						   WHEN 'cancelled' THEN true
						   ELSE error IS NULL END)
);
CREATE INDEX runs_parent_idx ON ml.runs (parent_run_id) WHERE parent_run_id IS NOT NULL;
CREATE INDEX runs_external_idx ON ml.runs (actor) WHERE kind = 'external';
CREATE INDEX runs_experiment_idx ON ml.runs (experiment) WHERE experiment IS NOT NULL;
COMMENT ON TABLE ml.runs IS
	'executions: trainings, trials, evaluations, gates, reproductions and those of outside code, with parameters, actor and outcome';

CREATE TABLE ml.run_metrics (
	run_id			bigint NOT NULL,
	name			text COLLATE "C" NOT NULL,
	step			integer,
	slice_key		text,
	slice_value		text,
	value			double precision NOT NULL,
	CONSTRAINT run_metrics_key UNIQUE NULLS NOT DISTINCT (run_id, name, step, slice_key, slice_value),
	CONSTRAINT run_metrics_run_fkey FOREIGN KEY (run_id) REFERENCES ml.runs (run_id),
	CONSTRAINT run_metrics_name_check CHECK (name <> ''),
	CONSTRAINT run_metrics_step_check CHECK (step >= 0),
	CONSTRAINT run_metrics_slice_check CHECK (slice_key IS NOT NULL OR slice_value IS NULL)
);
COMMENT ON TABLE ml.run_metrics IS 'what runs measured; step is NULL for the final value, and value may be NaN';

CREATE TABLE ml.snapshots (
	snapshot_id		bigint GENERATED ALWAYS AS IDENTITY,
	source			text NOT NULL,
	relations		text[] NOT NULL DEFAULT '{}',
	rows			bigint NOT NULL,
	fingerprint		text COLLATE "C",
	profile			jsonb,
	wal_lsn			pg_lsn,
	stored_as		text,
	taken_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	model			text COLLATE "C" NOT NULL,
	-- The SELECT that gives the rows of stored_as back.
	stored_query	text,
	CONSTRAINT snapshots_pkey PRIMARY KEY (snapshot_id),
	-- The target of versions_snapshot_fkey: a version cannot name another model's snapshot.
	CONSTRAINT snapshots_model_key UNIQUE (model, snapshot_id),
	CONSTRAINT snapshots_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT snapshots_rows_check CHECK (rows >= 0),
	CONSTRAINT snapshots_stored_check CHECK ((stored_as IS NULL) = (stored_query IS NULL)),
	CONSTRAINT snapshots_fingerprint_check CHECK (fingerprint ~ '^([0-9a-f][0-9a-f])+$')
);
COMMENT ON TABLE ml.snapshots IS 'identity of the data that trainings read';

-- Versions -------------------------------------------------------------------

CREATE TABLE ml.versions (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	run_id			bigint NOT NULL,
	algorithm		text COLLATE "C" NOT NULL,
	task			text COLLATE "C" NOT NULL,
	params			jsonb NOT NULL DEFAULT '{}',
	pipeline		jsonb,
	signature		jsonb,
	metrics			jsonb,
	artifact		bytea NOT NULL,
	artifact_sha256	text COLLATE "C" NOT NULL,
	artifact_bytes	bigint GENERATED ALWAYS AS (pg_catalog.octet_length(artifact)) STORED,
	snapshot_id		bigint,
	-- Not a foreign key: the number stays true when that version is dropped.
	parent_version	integer,
	created_by		name NOT NULL DEFAULT CURRENT_USER,
	created_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	summary			jsonb,
	notes			jsonb,
	archived_at		timestamptz,
	-- What it was trained on, in frozen bins (drift/profile.h); NULL: not known.
	baseline		bytea,
	CONSTRAINT versions_pkey PRIMARY KEY (model, version),
	CONSTRAINT versions_run_key UNIQUE (run_id),
	CONSTRAINT versions_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT versions_run_fkey
		FOREIGN KEY (model, version, run_id) REFERENCES ml.runs (model, version, run_id),
	CONSTRAINT versions_snapshot_fkey
		FOREIGN KEY (model, snapshot_id) REFERENCES ml.snapshots (model, snapshot_id),
	CONSTRAINT versions_version_check CHECK (version >= 1),
	CONSTRAINT versions_task_check
		CHECK (task IN ('regression', 'classification', 'clustering', 'anomaly',
						'forecasting', 'decomposition', 'recommendation')),
	CONSTRAINT versions_params_check CHECK (pg_catalog.jsonb_typeof(params) = 'object'),
	CONSTRAINT versions_metrics_check CHECK (pg_catalog.jsonb_typeof(metrics) = 'object'),
	CONSTRAINT versions_notes_check CHECK (pg_catalog.jsonb_typeof(notes) = 'array'),
	-- 500 MB: pg_dump writes two characters a byte into a buffer that ends at 1 GB.
	CONSTRAINT versions_artifact_check CHECK (pg_catalog.octet_length(artifact) BETWEEN 1 AND 524288000),
	CONSTRAINT versions_artifact_sha256_check
		CHECK (artifact_sha256 = pg_catalog.encode(pg_catalog.sha256(artifact), 'hex')),
	CONSTRAINT versions_parent_version_check CHECK (parent_version BETWEEN 1 AND version - 1)
);
CREATE INDEX versions_snapshot_idx ON ml.versions (model, snapshot_id);
COMMENT ON TABLE ml.versions IS 'immutable artifacts of models, with what made them';

-- Relations and columns by name: a dump restores them whether or not they are still there.
CREATE TABLE ml.source_columns (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	relation		text COLLATE "C" NOT NULL,
	column_name		text COLLATE "C",
	type			text,
	CONSTRAINT source_columns_key UNIQUE NULLS NOT DISTINCT (model, version, relation, column_name),
	CONSTRAINT source_columns_version_fkey
		FOREIGN KEY (model, version) REFERENCES ml.versions (model, version),
	CONSTRAINT source_columns_type_check CHECK ((column_name IS NULL) = (type IS NULL))
);
CREATE INDEX source_columns_relation_idx ON ml.source_columns (relation, column_name);
COMMENT ON TABLE ml.source_columns IS
	'what the source of each version read, views looked through; column_name is NULL where only rows were counted';

CREATE TABLE ml.attachments (
	model			text COLLATE "C" NOT NULL,
	relation		text COLLATE "C" NOT NULL,
	mode			text COLLATE "C" NOT NULL,
	-- The function of schema ml whose body reads the columns, and so keeps them from being dropped.
	guard			name,
	attached_by		name NOT NULL DEFAULT CURRENT_USER,
	attached_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT attachments_pkey PRIMARY KEY (model, relation),
	CONSTRAINT attachments_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT attachments_mode_check CHECK (mode IN ('refuse', 'report')),
	CONSTRAINT attachments_guard_check CHECK ((mode = 'refuse') = (guard IS NOT NULL))
);
COMMENT ON TABLE ml.attachments IS
	'relations whose columns cannot be dropped or retyped while a model uses them (refuse), or are watched (report)';

-- What serves ----------------------------------------------------------------

CREATE TABLE ml.aliases (
	model			text COLLATE "C" NOT NULL,
	alias			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	valid_from		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	valid_until		timestamptz,
	actor			name NOT NULL DEFAULT CURRENT_USER,
	reason			text,
	alias_id		bigint GENERATED ALWAYS AS IDENTITY,
	-- Only a current alias needs its version to exist; history outlives versions.
	current_version	integer GENERATED ALWAYS AS (CASE WHEN valid_until IS NULL THEN version END) STORED,
	CONSTRAINT aliases_pkey PRIMARY KEY (alias_id),
	CONSTRAINT aliases_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT aliases_version_fkey
		FOREIGN KEY (model, current_version) REFERENCES ml.versions (model, version),
	CONSTRAINT aliases_alias_check
		CHECK (pg_catalog.octet_length(alias) BETWEEN 1 AND 63 AND alias !~ '[/@\u0001-\u001f\u007f]'),
	CONSTRAINT aliases_version_check CHECK (version >= 1),
	CONSTRAINT aliases_valid_until_check CHECK (valid_until >= valid_from)
);
CREATE UNIQUE INDEX aliases_current_key ON ml.aliases (model, alias) WHERE valid_until IS NULL;
CREATE INDEX aliases_version_idx ON ml.aliases (model, current_version);
COMMENT ON TABLE ml.aliases IS 'history of named pointers to versions; valid_until is NULL in the current rows';

CREATE TABLE ml.deployments (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	role			text COLLATE "C" NOT NULL,
	traffic			double precision,
	deployed_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	ended_at		timestamptz,
	actor			name NOT NULL DEFAULT CURRENT_USER,
	reason			text,
	deployment_id	bigint GENERATED ALWAYS AS IDENTITY,
	-- The production row that ml.rollback goes back to from this one.
	rollback_id		bigint,
	-- Only a current deployment needs its version to exist; history outlives versions.
	current_version	integer GENERATED ALWAYS AS (CASE WHEN ended_at IS NULL THEN version END) STORED,
	CONSTRAINT deployments_pkey PRIMARY KEY (deployment_id),
	CONSTRAINT deployments_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT deployments_version_fkey
		FOREIGN KEY (model, current_version) REFERENCES ml.versions (model, version),
	CONSTRAINT deployments_version_check CHECK (version >= 1),
	CONSTRAINT deployments_role_check
		CHECK (role IN ('staging', 'shadow', 'canary', 'production', 'retired')),
	CONSTRAINT deployments_traffic_check
		CHECK ((role = 'canary') = (traffic IS NOT NULL) AND traffic > 0 AND traffic < 1),
	CONSTRAINT deployments_ended_at_check CHECK (ended_at >= deployed_at),
	CONSTRAINT deployments_rollback_id_check
		CHECK (rollback_id IS NULL OR (role = 'production' AND rollback_id < deployment_id))
);
-- One production version and at most one canary per model, and one role per version.
CREATE UNIQUE INDEX deployments_production_key ON ml.deployments (model)
	WHERE role = 'production' AND ended_at IS NULL;
CREATE UNIQUE INDEX deployments_canary_key ON ml.deployments (model)
	WHERE role = 'canary' AND ended_at IS NULL;
CREATE UNIQUE INDEX deployments_current_key ON ml.deployments (model, version) WHERE ended_at IS NULL;
-- What a prediction looks up.
CREATE INDEX deployments_serving_idx ON ml.deployments (model)
	WHERE ended_at IS NULL AND role IN ('production', 'canary', 'shadow');
CREATE INDEX deployments_version_idx ON ml.deployments (model, current_version);
CREATE INDEX deployments_history_idx ON ml.deployments (model, deployment_id);
COMMENT ON TABLE ml.deployments IS 'history of which versions serve, in which role; ended_at is NULL in the current rows';

-- What must hold before a version enters a role -------------------------------

CREATE TABLE ml.gates (
	model			text COLLATE "C" NOT NULL,
	name			text COLLATE "C" NOT NULL,
	metric			text COLLATE "C" NOT NULL,
	min				double precision,
	max				double precision,
	versus			text COLLATE "C",
	margin			double precision NOT NULL DEFAULT 0,
	slices			text[] NOT NULL DEFAULT '{}',
	min_rows		bigint NOT NULL DEFAULT 1,
	role			text COLLATE "C" NOT NULL DEFAULT 'production',
	created_by		name NOT NULL DEFAULT CURRENT_USER,
	created_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	-- Results name it: a gate that is dropped and added again has none.
	gate_id			bigint GENERATED ALWAYS AS IDENTITY,
	CONSTRAINT gates_pkey PRIMARY KEY (model, name),
	CONSTRAINT gates_id_key UNIQUE (gate_id),
	CONSTRAINT gates_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT gates_name_check CHECK (pg_catalog.octet_length(name) BETWEEN 1 AND 63),
	CONSTRAINT gates_versus_check CHECK (versus IN ('production', 'baseline', 'trivial')),
	CONSTRAINT gates_limit_check
		CHECK ((versus IS NOT NULL OR min IS NOT NULL OR max IS NOT NULL) AND NOT min > max),
	CONSTRAINT gates_finite_check
		CHECK (coalesce(min, 0) BETWEEN '-1.7976931348623157e308' AND '1.7976931348623157e308'
			   AND coalesce(max, 0) BETWEEN '-1.7976931348623157e308' AND '1.7976931348623157e308'
			   AND margin BETWEEN '-1.7976931348623157e308' AND '1.7976931348623157e308'),
	CONSTRAINT gates_min_rows_check CHECK (min_rows >= 1),
	CONSTRAINT gates_role_check CHECK (role IN ('staging', 'shadow', 'canary', 'production'))
);
COMMENT ON TABLE ml.gates IS 'rules that a version must pass to enter a role';

CREATE TABLE ml.gate_results (
	result_id		bigint GENERATED ALWAYS AS IDENTITY,
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	gate			text COLLATE "C" NOT NULL,
	gate_id			bigint NOT NULL,
	run_id			bigint NOT NULL,
	slice_key		text,
	slice_value		text,
	value			double precision,
	low				double precision,
	high			double precision,
	limit_value		double precision,
	verdict			text COLLATE "C" NOT NULL,
	n				bigint NOT NULL,
	reason			text NOT NULL,
	-- What the result rests on: it expires when that changes.
	source			text,
	source_digest	text COLLATE "C" NOT NULL,
	fingerprint		text COLLATE "C" NOT NULL,
	versus_version	integer,
	judged_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	-- Whose rights the source was read with, and by which names.
	actor			name NOT NULL DEFAULT CURRENT_USER,
	search_path		text,
	CONSTRAINT gate_results_pkey PRIMARY KEY (result_id),
	CONSTRAINT gate_results_version_fkey
		FOREIGN KEY (model, version) REFERENCES ml.versions (model, version),
	CONSTRAINT gate_results_run_fkey FOREIGN KEY (run_id) REFERENCES ml.runs (run_id),
	CONSTRAINT gate_results_slice_check CHECK (slice_key IS NOT NULL OR slice_value IS NULL),
	CONSTRAINT gate_results_verdict_check CHECK (verdict IN ('pass', 'fail', 'inconclusive')),
	CONSTRAINT gate_results_n_check CHECK (n >= 0)
);
CREATE INDEX gate_results_gate_idx ON ml.gate_results (model, version, gate_id, result_id);
CREATE INDEX gate_results_run_idx ON ml.gate_results (run_id);
COMMENT ON TABLE ml.gate_results IS 'what the gates found for a version, with the figures';

CREATE TABLE ml.approval_rules (
	model			text COLLATE "C" NOT NULL,
	role			text COLLATE "C" NOT NULL,
	approvers		integer NOT NULL,
	set_by			name NOT NULL DEFAULT CURRENT_USER,
	set_at			timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT approval_rules_pkey PRIMARY KEY (model, role),
	CONSTRAINT approval_rules_model_fkey FOREIGN KEY (model) REFERENCES ml.models (model),
	CONSTRAINT approval_rules_role_check CHECK (role IN ('staging', 'shadow', 'canary', 'production')),
	CONSTRAINT approval_rules_approvers_check CHECK (approvers >= 1)
);
COMMENT ON TABLE ml.approval_rules IS 'how many people other than the trainer must approve before a version enters a role';

CREATE TABLE ml.approvals (
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	role			text COLLATE "C" NOT NULL,
	approver		name NOT NULL,
	-- Who logged in: one person under two roles is still one person.
	login			name NOT NULL,
	approved_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	CONSTRAINT approvals_pkey PRIMARY KEY (model, version, role, approver),
	CONSTRAINT approvals_login_key UNIQUE (model, version, role, login),
	CONSTRAINT approvals_version_fkey
		FOREIGN KEY (model, version) REFERENCES ml.versions (model, version),
	CONSTRAINT approvals_role_check CHECK (role IN ('staging', 'shadow', 'canary', 'production'))
);
COMMENT ON TABLE ml.approvals IS 'who approved that a version enters a role';

-- What happened ----------------------------------------------------------------

-- Neither model nor version is a foreign key: events outlive what they tell of.
CREATE TABLE ml.events (
	event_id		bigint GENERATED ALWAYS AS IDENTITY,
	at				timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	actor			name NOT NULL DEFAULT CURRENT_USER,
	kind			text COLLATE "C" NOT NULL,
	model			text COLLATE "C",
	version			integer,
	detail			jsonb NOT NULL DEFAULT '{}',
	-- Over the hash before it in the chain of its model, and all columns above.
	hash			text COLLATE "C" NOT NULL,
	CONSTRAINT events_pkey PRIMARY KEY (event_id),
	CONSTRAINT events_kind_check CHECK (kind ~ '^[a-z][a-z_]*$'),
	CONSTRAINT events_detail_check CHECK (pg_catalog.jsonb_typeof(detail) = 'object'),
	CONSTRAINT events_hash_check CHECK (hash ~ '^[0-9a-f]{64}$')
);
CREATE INDEX events_model_idx ON ml.events (model, event_id);
COMMENT ON TABLE ml.events IS 'append-only record of every change of models made through the functions of schema ml, chained by hashes';

-- A row stays when its model is dropped, and a new model of that name goes on from it.
CREATE TABLE ml.event_heads (
	model			text COLLATE "C" NOT NULL,
	events			bigint NOT NULL,
	event_id		bigint NOT NULL,
	hash			text COLLATE "C" NOT NULL,
	CONSTRAINT event_heads_pkey PRIMARY KEY (model),
	CONSTRAINT event_heads_events_check CHECK (events >= 0 AND event_id >= events),
	CONSTRAINT event_heads_hash_check CHECK (hash ~ '^[0-9a-f]{64}$')
);
COMMENT ON TABLE ml.event_heads IS 'the end of the chain of events of every name that a model ever had';

-- History cannot be rewritten, not even by a superuser's UPDATE: only the
-- functions, which write the events, get past these triggers. They do not
-- fire on INSERT, so a restore never meets them. Their argument is the HINT.
-- ml.models, ml.grants and ml.attachments hold present state and keep plain SQL as the
-- superuser's way to mend them, for instance after ALTER ROLE ... RENAME.

CREATE TRIGGER versions_immutable BEFORE UPDATE OR DELETE ON ml.versions
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Train a new version, or use ml.archive or ml.drop_version.');
CREATE TRIGGER versions_no_truncate BEFORE TRUNCATE ON ml.versions
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Use ml.drop_version or ml.drop_model.');
CREATE TRIGGER runs_immutable BEFORE UPDATE OR DELETE ON ml.runs
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Runs go away with their model: use ml.drop_model; those of outside code with ml.drop_run.');
CREATE TRIGGER runs_no_truncate BEFORE TRUNCATE ON ml.runs
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Runs go away with their model: use ml.drop_model.');
CREATE TRIGGER run_metrics_immutable BEFORE UPDATE OR DELETE ON ml.run_metrics
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Metrics of runs go away with their model: use ml.drop_model; those of outside code with ml.drop_run.');
CREATE TRIGGER run_metrics_no_truncate BEFORE TRUNCATE ON ml.run_metrics
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Metrics of runs go away with their model: use ml.drop_model.');
CREATE TRIGGER snapshots_immutable BEFORE UPDATE OR DELETE ON ml.snapshots
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Snapshots go away with their version: use ml.drop_version.');
CREATE TRIGGER snapshots_no_truncate BEFORE TRUNCATE ON ml.snapshots
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Snapshots go away with their version: use ml.drop_version.');
CREATE TRIGGER aliases_immutable BEFORE UPDATE OR DELETE ON ml.aliases
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Use ml.set_alias or ml.drop_alias.');
CREATE TRIGGER aliases_no_truncate BEFORE TRUNCATE ON ml.aliases
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Use ml.drop_alias or ml.drop_model.');
CREATE TRIGGER deployments_immutable BEFORE UPDATE OR DELETE ON ml.deployments
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Use ml.deploy, ml.rollback or ml.undeploy.');
CREATE TRIGGER deployments_no_truncate BEFORE TRUNCATE ON ml.deployments
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Use ml.undeploy or ml.drop_model.');
CREATE TRIGGER source_columns_immutable BEFORE UPDATE OR DELETE ON ml.source_columns
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('They go away with their version: use ml.drop_version.');
CREATE TRIGGER source_columns_no_truncate BEFORE TRUNCATE ON ml.source_columns
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('They go away with their version: use ml.drop_version.');
CREATE TRIGGER gates_immutable BEFORE UPDATE OR DELETE ON ml.gates
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Use ml.drop_gate and ml.add_gate.');
CREATE TRIGGER gates_no_truncate BEFORE TRUNCATE ON ml.gates
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Use ml.drop_gate.');
CREATE TRIGGER gate_results_immutable BEFORE UPDATE OR DELETE ON ml.gate_results
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Run the gates again with ml.run_gates.');
CREATE TRIGGER gate_results_no_truncate BEFORE TRUNCATE ON ml.gate_results
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('They go away with their version: use ml.drop_version.');
CREATE TRIGGER approval_rules_immutable BEFORE UPDATE OR DELETE ON ml.approval_rules
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Use ml.require_approval.');
CREATE TRIGGER approval_rules_no_truncate BEFORE TRUNCATE ON ml.approval_rules
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Use ml.require_approval.');
CREATE TRIGGER approvals_immutable BEFORE UPDATE OR DELETE ON ml.approvals
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('They go away with their version: use ml.drop_version.');
CREATE TRIGGER approvals_no_truncate BEFORE TRUNCATE ON ml.approvals
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('They go away with their version: use ml.drop_version.');
CREATE TRIGGER events_immutable BEFORE UPDATE OR DELETE ON ml.events
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Events are append-only.');
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON ml.events
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Events are append-only.');
CREATE TRIGGER event_heads_immutable BEFORE UPDATE OR DELETE ON ml.event_heads
	FOR EACH ROW EXECUTE FUNCTION ml.refuse_change('Events are append-only.');
CREATE TRIGGER event_heads_no_truncate BEFORE TRUNCATE ON ml.event_heads
	FOR EACH STATEMENT EXECUTE FUNCTION ml.refuse_change('Events are append-only.');

-- Who sees what ----------------------------------------------------------------
--
-- Everybody may SELECT; row security shows the rows. Any privilege on a model
-- shows that it exists and what serves; its weights, data and metrics need read.

ALTER TABLE ml.models ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.runs ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.run_metrics ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.aliases ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.deployments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.source_columns ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.attachments ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.gates ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.gate_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.approval_rules ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.approvals ENABLE ROW LEVEL SECURITY;
ALTER TABLE ml.events ENABLE ROW LEVEL SECURITY;
-- No policy and no GRANT: only functions look at it.
ALTER TABLE ml.event_heads ENABLE ROW LEVEL SECURITY;

CREATE POLICY models_any ON ml.models FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY grants_any ON ml.grants FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY aliases_any ON ml.aliases FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY deployments_any ON ml.deployments FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY attachments_any ON ml.attachments FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY gates_any ON ml.gates FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY approval_rules_any ON ml.approval_rules FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY approvals_any ON ml.approvals FOR SELECT USING (ml.has_privilege(model, 'any'));
CREATE POLICY versions_read ON ml.versions FOR SELECT USING (ml.has_privilege(model, 'read'));
-- Whoever began a run of outside code sees it, of whatever model it is.
CREATE POLICY runs_read ON ml.runs FOR SELECT
	USING (ml.has_privilege(model, 'read') OR (kind = 'external' AND ml.is_member(actor)));
CREATE POLICY snapshots_read ON ml.snapshots FOR SELECT USING (ml.has_privilege(model, 'read'));
CREATE POLICY source_columns_read ON ml.source_columns FOR SELECT USING (ml.has_privilege(model, 'read'));
CREATE POLICY gate_results_read ON ml.gate_results FOR SELECT USING (ml.has_privilege(model, 'read'));
-- The subquery is itself under runs_read.
CREATE POLICY run_metrics_read ON ml.run_metrics FOR SELECT
	USING (EXISTS (SELECT FROM ml.runs r WHERE r.run_id = run_metrics.run_id));
-- A name can come back after a drop: its new owner does not see the old model's events.
CREATE POLICY events_read ON ml.events FOR SELECT
	USING (ml.has_privilege(model, 'read')
		   AND at >= (SELECT m.created_at FROM ml.models m WHERE m.model = events.model));

GRANT SELECT ON ml.models, ml.grants, ml.runs, ml.run_metrics, ml.snapshots, ml.versions,
	ml.source_columns, ml.attachments, ml.aliases, ml.deployments, ml.gates, ml.gate_results,
	ml.approval_rules, ml.approvals, ml.events TO PUBLIC;

-- What pg_dump takes -----------------------------------------------------------

SELECT pg_catalog.pg_extension_config_dump('ml.models', '');
SELECT pg_catalog.pg_extension_config_dump('ml.grants', '');
SELECT pg_catalog.pg_extension_config_dump('ml.runs', '');
SELECT pg_catalog.pg_extension_config_dump('ml.runs_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.run_metrics', '');
SELECT pg_catalog.pg_extension_config_dump('ml.snapshots', '');
SELECT pg_catalog.pg_extension_config_dump('ml.snapshots_snapshot_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.versions', '');
SELECT pg_catalog.pg_extension_config_dump('ml.source_columns', '');
SELECT pg_catalog.pg_extension_config_dump('ml.attachments', '');
SELECT pg_catalog.pg_extension_config_dump('ml.aliases', '');
SELECT pg_catalog.pg_extension_config_dump('ml.aliases_alias_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.deployments', '');
SELECT pg_catalog.pg_extension_config_dump('ml.deployments_deployment_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.gates', '');
SELECT pg_catalog.pg_extension_config_dump('ml.gates_gate_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.gate_results', '');
SELECT pg_catalog.pg_extension_config_dump('ml.gate_results_result_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.approval_rules', '');
SELECT pg_catalog.pg_extension_config_dump('ml.approvals', '');
SELECT pg_catalog.pg_extension_config_dump('ml.events', '');
SELECT pg_catalog.pg_extension_config_dump('ml.events_event_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('ml.event_heads', '');
