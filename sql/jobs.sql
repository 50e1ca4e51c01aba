-- The queue of trainings where no worker runs, and retraining.
\set VERBOSITY terse
CREATE ROLE regress_ml_job_owner;
CREATE ROLE regress_ml_job_helper;
CREATE ROLE regress_ml_job_other;
CREATE DATABASE regress_ml_jobs TEMPLATE template0;
\c regress_ml_jobs
CREATE EXTENSION pg_mlops;
SET client_min_messages = warning;
GRANT USAGE ON SCHEMA ml TO PUBLIC;
CREATE SCHEMA jobs AUTHORIZATION regress_ml_job_owner;
SET ROLE regress_ml_job_owner;
CREATE TABLE jobs.houses AS
	SELECT i AS id, (i * 7919 % 97)::float8 AS area, 'k' || i % 4 AS kind, (i * 7919 % 97) * 2.5 + i % 4 AS price
	FROM generate_series(1, 400) i;
ALTER TABLE jobs.houses ADD PRIMARY KEY (id);
SET search_path = jobs;

-- Submitting: what needs no data is checked at once.
SELECT ml.train_async('house', 'houses', 'price', 'no_such_learner');
SELECT ml.train_async('house', 'houses', 'price', 'linear_regression', params => '{"no_such": 1}');
SELECT ml.train_async('house', 'houses', 'price', split => '{"test": 2}');
SELECT ml.train_async('house', 'houses', 'price', pipeline => '[{"step": "no_such"}]');
SELECT ml.train_async('house', 'houses', 'price', deploy => 'perhaps');
SELECT ml.train_async('house', 'houses');
SELECT ml.train_async('ho/use', 'houses', 'price');
SELECT ml.train_async(NULL, 'houses', 'price');
BEGIN READ ONLY;
SELECT ml.train_async('house', 'houses', 'price');
ROLLBACK;
SELECT count(*) FROM ml.jobs;

-- What is queued is a call with its settings. Nobody runs it here, and that is said.
SET pg_mlops.max_categories = 17;
SELECT ml.train_async('house', 'houses', 'price', 'linear_regression', features => '{area}', params => '{"l2": 0.5}', seed => 3, experiment => 'e', tags => '{"t": 1}', code => 'c') AS job \gset
RESET pg_mlops.max_categories;
SELECT kind, model, status, progress, message, submitted_by, started_at IS NULL AS waits, result, error, attempts, pid FROM ml.jobs WHERE job_id = :job;
SELECT args, settings ->> 'search_path' AS path, settings ->> 'pg_mlops.max_categories' AS categories, login = session_user AS login FROM ml.job_queue WHERE job_id = :job;
SELECT ml.wait_job(:job, '0');
SELECT ml.wait_job(:job, '50 ms');
SELECT ml.wait_job(:job, '-1 s');
SELECT ml.wait_job(:job);
SELECT ml.wait_job(NULL);
SELECT ml.wait_job(-7);
-- It begins when the transaction has committed, so that one cannot wait for it.
SELECT ml.wait_job(ml.train_async('house', 'houses', 'price'), '1 s');
-- A status is as of now, whatever the transaction sees.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT status FROM ml.jobs WHERE job_id = :job;
SELECT ml.wait_job(:job, '0');
ROLLBACK;

-- Others neither see nor end it.
SET ROLE regress_ml_job_other;
SELECT count(*) FROM ml.jobs;
SELECT count(*) FROM ml.job_queue;
SELECT ml.cancel_job(:job);
SELECT ml.wait_job(:job, '0');
UPDATE ml.job_queue SET status = 'succeeded';
SET ROLE regress_ml_job_owner;
DELETE FROM ml.job_queue;
BEGIN READ ONLY;
SELECT ml.cancel_job(:job);
ROLLBACK;
BEGIN;
SELECT ml.cancel_job(:job);
ROLLBACK;
SELECT status FROM ml.jobs WHERE job_id = :job;
SELECT ml.cancel_job(:job);
SELECT status, progress, message, finished_at IS NOT NULL AS ended FROM ml.jobs WHERE job_id = :job;
SELECT ml.wait_job(:job);
SET client_min_messages = notice;
SELECT ml.cancel_job(:job);
SET client_min_messages = warning;

-- Retraining: the newest version's call on today's rows.
SELECT ml.retrain('house');
SELECT version, rows, deployed FROM ml.train('house', 'houses', 'price', 'linear_regression', exclude => '{kind}', params => '{"l2": 0.5}', seed => 3, experiment => 'e', code => 'c.py');
INSERT INTO jobs.houses SELECT i, i % 97, 'k1', (i % 97) * 2.6 FROM generate_series(401, 500) i;
SET search_path = pg_catalog;
SELECT version, algorithm, rows, features, deployed, notes FROM ml.retrain('house');
SELECT version, parent_version, rows, algorithm, code, trained_by, deployed_as FROM ml.lineage WHERE model = 'house' ORDER BY version;
SELECT r.kind, r.experiment, r.seed, r.parent_run_id = p.run_id AS parent, r.params - 'deploy' = p.params - 'deploy' AS same_call, r.environment ->> 'search_path' AS path, r.environment ->> 'reader' AS reader
	FROM ml.runs r JOIN ml.versions v USING (run_id) JOIN ml.versions w ON w.model = v.model AND w.version = 1 JOIN ml.runs p ON p.run_id = w.run_id WHERE v.model = 'house' AND v.version = 2;
SELECT kind, version, detail ->> 'reason' AS reason FROM ml.events WHERE model = 'house' ORDER BY event_id;
-- The same rows give the same bytes.
SELECT version FROM ml.retrain('house', 'never');
SELECT count(*) AS versions, count(DISTINCT artifact_sha256) AS artifacts FROM ml.versions WHERE model = 'house' AND version > 1;
SELECT notes FROM ml.versions WHERE model = 'house' AND version = 3;
SELECT version, deployed, notes FROM ml.retrain('house', 'first');

-- Another role with the privilege to train: the source stays that of who wrote it.
SELECT ml.grant('house', 'train', 'regress_ml_job_helper');
SELECT ml.grant('house', 'read', 'regress_ml_job_helper');
SET ROLE regress_ml_job_other;
SELECT ml.retrain('house');
SET ROLE regress_ml_job_helper;
SELECT count(*) FROM jobs.houses;
SELECT version, rows, deployed, notes FROM ml.retrain('house');
SELECT version, rows, deployed FROM ml.retrain('house', 'never');
SELECT version, trained_by, parent_version FROM ml.lineage WHERE model = 'house' AND version > 4 ORDER BY version;
SELECT DISTINCT environment ->> 'reader' AS reader, environment ->> 'search_path' AS path FROM ml.runs WHERE model = 'house' AND version > 4;
SELECT column_name, statistic FROM ml.source_changed('house/6');
-- Nor does it read what is temporary, which is whoever's asks.
SET ROLE regress_ml_job_owner;
SET search_path = jobs;
CREATE TABLE gone AS TABLE houses;
SELECT version FROM ml.train('gone', 'gone', 'price', 'linear_regression', features => '{area}', deploy => 'never');
SELECT ml.grant('gone', 'train', 'regress_ml_job_helper');
DROP TABLE gone;
SET search_path = pg_catalog;
SET ROLE regress_ml_job_helper;
CREATE TEMP TABLE gone AS SELECT i::float8 AS area, i::float8 AS price FROM generate_series(1, 10) i;
GRANT SELECT ON pg_temp.gone TO PUBLIC;
SELECT ml.retrain('gone');
-- Not even for the suite that judges it before.
SET ROLE regress_ml_job_owner;
SELECT ml.add_check('gone', 'row_count', params => '{"min": 11}');
SET ROLE regress_ml_job_helper;
SELECT ml.retrain('gone');
DROP TABLE pg_temp.gone;
SET ROLE regress_ml_job_owner;

-- Gates: what does not pass is registered, stays undeployed, and its reason with it.
SELECT ml.add_gate('house', 'good', 'r2', min => 0.99999);
SELECT version, deployed, notes FROM ml.retrain('house');
SELECT notes FROM ml.versions WHERE model = 'house' AND version = 7;
SELECT kind, version, detail ->> 'deploy' AS deploy, detail -> 'reasons' AS reasons FROM ml.events WHERE model = 'house' AND kind = 'not_deployed' AND version = 7;
SELECT ml.drop_gate('house', 'good');
SELECT ml.add_gate('house', 'fair', 'r2', min => 0.1);
SELECT version, deployed, notes FROM ml.retrain('house');
SELECT count(*) FROM ml.verify_events();

-- The newest version that is not archived is repeated.
SELECT ml.archive('house', 7);
SELECT ml.archive('house', 6);
SELECT version, deployed FROM ml.retrain('house', 'never');
SELECT parent_version FROM ml.versions WHERE model = 'house' AND version = 9;
SELECT ml.retrain('house', 'perhaps');
SELECT ml.retrain('nowhere');
SELECT ml.retrain(NULL);
-- The suite of the model's name judges the source with the rights of whose it is.
SELECT ml.add_check('house', 'not_null', '{area}');
SET ROLE regress_ml_job_helper;
SELECT version FROM ml.retrain('house', 'never');
SET ROLE regress_ml_job_owner;
UPDATE jobs.houses SET area = NULL WHERE id = 1;
SELECT ml.retrain('house');
UPDATE jobs.houses SET area = 1 WHERE id = 1;
-- A training without a snapshot can be repeated too; a model without a recorded training cannot.
SELECT version FROM ml.train('bare', 'jobs.houses', 'price', 'linear_regression', snapshot => 'none');
SELECT version, rows, deployed FROM ml.retrain('bare');
-- As a job.
SELECT ml.retrain_async('house') AS job \gset
SELECT kind, model, status FROM ml.jobs WHERE job_id = :job;
SELECT ml.retrain_async('house', 'perhaps');
SET ROLE regress_ml_job_other;
SELECT ml.retrain_async('house');
SET ROLE regress_ml_job_owner;

-- Nothing is under way, and without shared memory nothing would be seen.
SELECT count(*) FROM ml.stat_progress_train;

-- A model takes its jobs along.
SELECT ml.undeploy('bare', 'production');
SELECT ml.retrain_async('bare') > 0 AS queued;
SELECT ml.drop_model('bare');
SELECT count(*) FROM ml.jobs WHERE model = 'bare';

-- Schedules are pg_cron's.
\set VERBOSITY default
SELECT ml.schedule_retrain('house', '0 3 * * *');
\set VERBOSITY terse
SELECT ml.schedule_retrain('nowhere', '0 3 * * *');
SET ROLE regress_ml_job_helper;
SELECT ml.schedule_retrain('house', '0 3 * * *');

\c contrib_regression
DROP DATABASE regress_ml_jobs;
DROP ROLE regress_ml_job_owner, regress_ml_job_helper, regress_ml_job_other;
