-- 74_jobs.sql - trainings in the background, how far trainings are, and retraining.

CREATE FUNCTION ml.train_async(
	model text,
	source text,
	target text DEFAULT NULL,
	algorithm text DEFAULT 'auto',
	features text[] DEFAULT NULL,
	exclude text[] DEFAULT '{}',
	task text DEFAULT NULL,
	params jsonb DEFAULT '{}',
	pipeline jsonb DEFAULT NULL,
	split jsonb DEFAULT '{"test": 0.2}',
	search jsonb DEFAULT NULL,
	weight text DEFAULT NULL,
	seed bigint DEFAULT 0,
	snapshot text DEFAULT 'fingerprint',
	deploy text DEFAULT 'first',
	experiment text DEFAULT NULL,
	tags jsonb DEFAULT '{}',
	code text DEFAULT NULL
) RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'ml_train_async';
COMMENT ON FUNCTION ml.train_async(text, text, text, text, text[], text[], text, jsonb, jsonb, jsonb, jsonb, text,
	bigint, text, text, text, jsonb, text) IS
	'queues the training as a job of a background worker, and returns the number of the job';

CREATE FUNCTION ml.retrain(model text, deploy text DEFAULT 'if_gates_pass') RETURNS ml.train_result
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME', 'ml_retrain';
COMMENT ON FUNCTION ml.retrain(text, text) IS 'repeats the training of the newest version on today''s data';

CREATE FUNCTION ml.retrain_async(model text, deploy text DEFAULT 'if_gates_pass') RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'ml_retrain_async';
COMMENT ON FUNCTION ml.retrain_async(text, text) IS
	'queues the retraining as a job of a background worker, and returns the number of the job';

CREATE FUNCTION ml.cancel_job(job_id bigint) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'ml_cancel_job';
COMMENT ON FUNCTION ml.cancel_job(bigint) IS 'ends a job that is queued or running';

CREATE FUNCTION ml.wait_job(job_id bigint, timeout interval DEFAULT NULL) RETURNS text
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'ml_wait_job';
COMMENT ON FUNCTION ml.wait_job(bigint, interval) IS
	'waits until a job has ended, or for so long, and returns its status';

CREATE FUNCTION ml.schedule_retrain(model text, schedule text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 10000 AS 'MODULE_PATHNAME', 'ml_schedule_retrain';
COMMENT ON FUNCTION ml.schedule_retrain(text, text) IS
	'has pg_cron call ml.retrain by a schedule, as the current user; NULL ends that';

CREATE FUNCTION ml.list_training_progress(
	OUT pid integer,
	OUT job_id bigint,
	OUT model text,
	OUT phase text,
	OUT rows_done bigint,
	OUT rows_total bigint,
	OUT iterations_done bigint,
	OUT iterations_total bigint,
	OUT memory_bytes bigint
) RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL RESTRICTED ROWS 10 AS 'MODULE_PATHNAME', 'ml_list_training_progress';
COMMENT ON FUNCTION ml.list_training_progress() IS 'the rows of ml.stat_progress_train';

CREATE VIEW ml.stat_progress_train WITH (security_invoker = true) AS
	SELECT p.pid, p.job_id, p.model, p.phase, p.rows_done, p.rows_total, p.iterations_done, p.iterations_total, p.memory_bytes
	FROM ml.list_training_progress() p;
COMMENT ON VIEW ml.stat_progress_train IS
	'the trainings under way in this database, jobs and calls alike; empty without shared_preload_libraries';
GRANT SELECT ON ml.stat_progress_train TO PUBLIC;

CREATE VIEW ml.jobs WITH (security_invoker = true) AS
	SELECT j.job_id, j.kind, j.model, j.status,
		   CASE j.status WHEN 'queued' THEN 0
						 WHEN 'running' THEN coalesce(p.iterations_done::double precision / nullif(p.iterations_total, 0), 0)
						 WHEN 'succeeded' THEN 1 END AS progress,
		   coalesce(j.message, CASE WHEN j.status = 'running' THEN p.phase END) AS message,
		   j.submitted_by, j.submitted_at, j.started_at, j.finished_at, j.result, j.error, j.attempts, j.pid
	FROM ml.job_queue j LEFT JOIN ml.stat_progress_train p ON p.job_id = j.job_id AND j.status = 'running';
COMMENT ON VIEW ml.jobs IS 'trainings in the background: those submitted by the current user, and of models that may be read';
GRANT SELECT ON ml.jobs TO PUBLIC;
