-- 19_jobs.sql - the queue of trainings that background workers run.
--
-- A job is a call, with the role whose rights it has and the settings it was
-- made under. Only the functions and the workers write. The role's number is
-- what counts: a role that is made anew under a name does not inherit its jobs.

CREATE TABLE ml.job_queue (
	job_id			bigint GENERATED ALWAYS AS IDENTITY,
	kind			text COLLATE "C" NOT NULL,
	-- Not a foreign key: the job may be what makes the model.
	model			text COLLATE "C" NOT NULL,
	args			jsonb NOT NULL,
	status			text COLLATE "C" NOT NULL DEFAULT 'queued',
	message			text,
	submitted_by	name NOT NULL,
	submitted_at	timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	started_at		timestamptz,
	finished_at		timestamptz,
	result			jsonb,
	error			text,
	-- How often it was started, the process that has it, and in which life of the server.
	attempts		integer NOT NULL DEFAULT 0,
	pid				integer,
	life			timestamptz,
	role_id			oid NOT NULL,
	-- Who was logged in: one person under two roles is still one person.
	login			name NOT NULL,
	settings		jsonb NOT NULL DEFAULT '{}',
	CONSTRAINT job_queue_pkey PRIMARY KEY (job_id),
	CONSTRAINT job_queue_kind_check CHECK (kind IN ('train', 'retrain')),
	CONSTRAINT job_queue_args_check CHECK (pg_catalog.jsonb_typeof(args) = 'object'),
	CONSTRAINT job_queue_settings_check CHECK (pg_catalog.jsonb_typeof(settings) = 'object'),
	CONSTRAINT job_queue_status_check CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
	CONSTRAINT job_queue_finished_at_check CHECK ((status IN ('queued', 'running')) = (finished_at IS NULL)),
	CONSTRAINT job_queue_result_check CHECK ((status = 'succeeded') = (result IS NOT NULL)),
	CONSTRAINT job_queue_error_check CHECK ((status = 'failed') = (error IS NOT NULL))
);
CREATE INDEX job_queue_due_idx ON ml.job_queue (job_id) WHERE status IN ('queued', 'running');
CREATE INDEX job_queue_model_idx ON ml.job_queue (model);
COMMENT ON TABLE ml.job_queue IS 'trainings that background workers run, have run or are to run; ml.jobs shows them';

ALTER TABLE ml.job_queue ENABLE ROW LEVEL SECURITY;
CREATE POLICY job_queue_seen ON ml.job_queue FOR SELECT
	USING (submitted_by = CURRENT_USER OR ml.is_member(submitted_by) OR ml.has_privilege(model, 'read'));
GRANT SELECT ON ml.job_queue TO PUBLIC;

-- What has not ended belongs to this server: a copy of the database does not repeat it.
SELECT pg_catalog.pg_extension_config_dump('ml.job_queue', 'WHERE status NOT IN (''queued'', ''running'')');
SELECT pg_catalog.pg_extension_config_dump('ml.job_queue_job_id_seq', '');
