-- ml.reproduce: a training once more, and whether the same comes of it.
CREATE ROLE regress_ml_maker;
CREATE ROLE regress_ml_asker;
CREATE DATABASE regress_ml_reproduce TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_reproduce
SET lc_messages = 'C';
\set SHOW_CONTEXT never
SET extra_float_digits = 1;
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_maker;
SET ROLE regress_ml_maker;
CREATE TABLE data AS SELECT i AS id, i % 13 AS a, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' ELSE (i * 37 % 101) / 10.0 END::float8 AS b, i % 2 = 0 AS flag,
	timestamptz '2026-01-01 00:00:00+00' + i % 90 * interval '1 hour' AS at, 'city ' || i % 5 AS city, 'k' || i * 31 % 290 AS many, 1 + i % 3 AS w, i % 5 = 0 AS held,
	i % 13 + i % 7 > 8 AS high, (ARRAY['low', 'middle', 'top'])[1 + i * 7 % 13 / 5] AS band, CASE WHEN i % 60 > 0 THEN 2.0 * (i % 13) + i % 7 END AS y FROM generate_series(1, 600) i;
ALTER TABLE data ADD PRIMARY KEY (id);
CREATE FUNCTION trained(name text, call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT FROM ml.train(%L, %s)', name, call);
	RETURN name;
END $$;
SELECT trained(name, call) FROM (VALUES
	('stream', $$'SELECT a, w, y FROM data WHERE y IS NOT NULL', 'y', 'linear_regression'$$),
	('linear', $$'data', 'y', 'linear_regression', exclude => '{high,band,held}', weight => 'w', params => '{"l2": 0.5}', seed => 7$$),
	('two', $$'data', 'high', 'logistic_regression', exclude => '{y,band,w,held,many}', params => '{"l2": 1, "positive_class": false}'$$),
	('three', $$'data', 'band', 'logistic_regression', features => '{a,b,city}', params => '{"l2": 1}', split => '{"method": "column", "column": "held"}'$$),
	('trees', $$'data', 'y', 'gradient_boosting', exclude => '{high,band,held,w}', params => '{"n_trees": 5, "row_fraction": 0.7}'$$),
	('piped', $$'data', 'y', 'gradient_boosting', features => '{a,b,city}', params => '{"n_trees": 3}', pipeline => '[{"step": "impute"}, {"step": "one_hot"}]'$$),
	('auto', $$'data', 'y', exclude => '{high,band,held}', params => '{"n_trees": 5, "l2": 2}'$$),
	('auto all', $$'data', 'high', exclude => '{y,band,w,held}', params => '{"n_trees": 5, "positive_class": false}', split => '{"method": "none"}'$$),
	('grouped', $$'data', 'y', 'linear_regression', features => '{a,b}', split => '{"method": "group", "column": "many"}'$$),
	('folded', $$'data', 'y', 'linear_regression', features => '{a,b}', split => '{"folds": 3}'$$),
	('refitted', $$'data', 'y', 'gradient_boosting', features => '{a,b}', params => '{"n_trees": 3}', split => '{"test": 0.3, "refit": true}'$$),
	('copied', $$'data', 'y', 'gradient_boosting', exclude => '{high,band,held}', weight => 'w', params => '{"n_trees": 5}', snapshot => 'copy'$$)
	) AS t (name, call);
SET pg_mlops.max_categories = 3;
SELECT trained('few', $$'SELECT city, many, a, y FROM data', 'y', 'linear_regression'$$);
RESET pg_mlops.max_categories;
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'SQL, DMY';
SELECT trained('local', $$'SELECT at::date AS day, at::text AS words, a, y FROM data', 'y', 'gradient_boosting', params => '{"n_trees": 5}'$$);
RESET TimeZone;
RESET DateStyle;
CREATE VIEW models AS SELECT model FROM ml.models ORDER BY model;

-- The same, whatever became of the table and the session.
SELECT model, r.identical, r.expected_sha256 = r.actual_sha256 AS same_bytes, r.source_unchanged, r.notes FROM models, ml.reproduce(model) r;
CREATE INDEX other ON data (many DESC, id);
CLUSTER data USING other;
VACUUM FULL data;
SET TimeZone = 'America/Lima';
SET pg_mlops.max_categories = 50;
SET search_path = pg_catalog;
SET default_transaction_read_only = on;
SELECT model, r.identical, r.source_unchanged FROM public.models, ml.reproduce(model) r;
SELECT r.notes FROM ml.reproduce('stream') r;
RESET default_transaction_read_only;
RESET search_path;
RESET pg_mlops.max_categories;
RESET TimeZone;

-- What is recorded of it: a run below the version's, and nothing else.
SELECT r.kind, r.model, r.version, r.status, r.actor = current_user AS mine, r.parent_run_id = v.run_id AS of_version, r.params ->> 'from' AS read, r.params -> 'identical' AS identical,
	(SELECT count(*) FROM ml.run_metrics m WHERE m.run_id = r.run_id) = (SELECT count(*) FROM ml.run_metrics m WHERE m.run_id = v.run_id) AS metrics, r.environment ? 'server_version' AS environment
	FROM ml.runs r JOIN ml.versions v USING (model, version) WHERE r.kind = 'reproduce' ORDER BY 2;
SELECT count(*) = count(DISTINCT model) AS one_version_each FROM ml.versions;
SELECT DISTINCT kind FROM ml.events ORDER BY 1;

-- One value of one row: which column, and what has changed of it.
BEGIN;
UPDATE data SET a = 100 WHERE id = 7;
SELECT model, r.identical, r.actual_sha256 IS NOT NULL AS trained, r.source_unchanged FROM models, ml.reproduce(model) r;
SELECT regexp_replace(note, 'metric (\S+) was .*', 'metric \1 differs') AS note FROM ml.reproduce('stream') r, unnest(r.notes) note;
SELECT note FROM ml.reproduce('copied') r, unnest(r.notes) note;
ROLLBACK;
BEGIN;
UPDATE data SET w = w + 1 WHERE id = 8;
SELECT note FROM ml.reproduce('linear') r, unnest(r.notes) note WHERE note !~ 'metric';
SELECT identical, source_unchanged, notes FROM ml.reproduce('trees');
ROLLBACK;
BEGIN;
DELETE FROM data WHERE id = 9;
SELECT note FROM ml.reproduce('few') r, unnest(r.notes) note WHERE note !~ 'metric';
ROLLBACK;

-- Columns and tables that are not what they were.
BEGIN;
ALTER TABLE data DROP COLUMN b;
SELECT identical, actual_sha256 IS NOT NULL AS trained, source_unchanged, notes FROM ml.reproduce('three');
SELECT identical, actual_sha256 IS NOT NULL AS trained, source_unchanged, (SELECT array_agg(n) FROM unnest(notes) n WHERE n !~ 'metric') AS notes FROM ml.reproduce('trees');
SELECT identical, source_unchanged, notes FROM ml.reproduce('copied');
ROLLBACK;
BEGIN;
ALTER TABLE data ALTER COLUMN a TYPE text;
SELECT identical, actual_sha256 IS NOT NULL AS trained, source_unchanged, (SELECT array_agg(n) FROM unnest(notes) n WHERE n !~ 'metric') AS notes FROM ml.reproduce('grouped');
ROLLBACK;
BEGIN;
ALTER TABLE data ALTER COLUMN a TYPE bigint;
SELECT identical, actual_sha256 IS NOT NULL AS trained, source_unchanged, notes FROM ml.reproduce('grouped');
ROLLBACK;
BEGIN;
DROP TABLE data CASCADE;
SELECT identical, actual_sha256, source_unchanged, notes FROM ml.reproduce('linear');
SELECT identical, source_unchanged, notes FROM ml.reproduce('copied');
ROLLBACK;

-- The copy: tampered with, given away, gone.
SELECT stored_as AS copy FROM ml.snapshots WHERE model = 'copied' \gset
BEGIN;
UPDATE :copy SET y = array_replace(y, 14, 15);
SELECT identical, source_unchanged, (SELECT array_agg(n) FROM unnest(notes) n WHERE n !~ 'metric') AS notes FROM ml.reproduce('copied');
ROLLBACK;
RESET ROLE;
BEGIN;
ALTER TABLE :copy OWNER TO regress_ml_asker;
SELECT identical, source_unchanged, notes FROM ml.reproduce('copied');
ROLLBACK;
BEGIN;
DROP TABLE :copy;
CREATE VIEW :copy AS SELECT 1;
SELECT identical, source_unchanged, notes FROM ml.reproduce('copied');
ROLLBACK;
BEGIN;
DROP TABLE :copy;
SELECT identical, source_unchanged, notes FROM ml.reproduce('copied');
ROLLBACK;

-- Another server, and an artifact that this one would not make: the metrics are compared.
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE ml.runs SET environment = environment || '{"server_version": "14.9", "extension_version": "0.0.9"}' WHERE kind = 'train';
SELECT identical, source_unchanged, (SELECT array_agg(regexp_replace(n, ' and is .*', '')) FROM unnest(notes) n) AS notes FROM ml.reproduce('linear');
UPDATE ml.versions v SET artifact = w.artifact, artifact_sha256 = w.artifact_sha256 FROM ml.versions w WHERE v.model = 'linear' AND w.model = 'trees';
SELECT identical, source_unchanged, (SELECT array_agg(regexp_replace(n, ' and is .*', '')) FROM unnest(notes) n) AS notes FROM ml.reproduce('linear');
UPDATE ml.versions SET metrics = jsonb_set(metrics, '{rmse}', to_jsonb((metrics ->> 'rmse')::float8 * 1.001)) WHERE model = 'linear';
SELECT identical, (SELECT array_agg(regexp_replace(n, ' was .*', '')) FROM unnest(notes) n WHERE n ~ 'metric') AS notes FROM ml.reproduce('linear');
UPDATE ml.runs SET environment = environment - 'server_version' - 'extension_version' WHERE kind = 'train';
SELECT notes[cardinality(notes)] FROM ml.reproduce('linear');
UPDATE ml.runs SET params = '{}' WHERE kind = 'train' AND model = 'linear';
SELECT ml.reproduce('linear');
ROLLBACK;

-- Without a snapshot the call is known, and the source unknown.
SET ROLE regress_ml_maker;
SELECT trained('bare', $$'data', 'y', 'linear_regression', features => '{a}', snapshot => 'none'$$);
SELECT identical, source_unchanged, notes FROM ml.reproduce('bare');

-- Who may, and as whom the source is read.
SET ROLE regress_ml_asker;
SELECT ml.reproduce('linear');
SET ROLE regress_ml_maker;
SELECT ml.grant('linear', 'read', 'regress_ml_asker');
SET ROLE regress_ml_asker;
SELECT count(*) FROM data;
SELECT identical, source_unchanged, notes FROM ml.reproduce('linear');
SELECT count(*) FROM ml.runs WHERE kind = 'reproduce' AND actor = 'regress_ml_asker';
RESET ROLE;
REVOKE SELECT ON data FROM regress_ml_maker;
SET ROLE regress_ml_asker;
SELECT ml.reproduce('linear');
RESET ROLE;
SELECT ml.reproduce('nowhere');
SELECT ml.reproduce('linear/9');
SELECT ml.reproduce(NULL);

-- A learner of one pass learns the same from rows that are kept, for a search or a pipeline: sums are exact either way.
CREATE TABLE fractions AS SELECT sqrt(i) AS a, i / 7.0::float8 AS b, ln(i) * 3 AS c, sin(i) AS y, 1 / (1 + i % 5)::float8 AS w FROM generate_series(1, 2000) i;
SELECT version FROM ml.train('searched', 'fractions', 'y', 'linear_regression', '{a,b,c}', search => '{"method": "grid", "space": {"l2": [3, 1]}, "workers": 0}');
SELECT identical, expected_sha256 = actual_sha256 AS same, source_unchanged, notes FROM ml.reproduce('searched');
SELECT version FROM ml.train('searched', 'fractions', 'y', 'linear_regression', '{a,b,c}', search => '{"method": "random", "space": {"impute.strategy": ["mean", "median"], "l2": {"min": 0.1, "max": 10}}, "trials": 3, "workers": 0}',
	pipeline => '[{"step": "impute"}, {"step": "standardise"}]', deploy => 'always');
SELECT identical, expected_sha256 = actual_sha256 AS same, source_unchanged, notes FROM ml.reproduce('searched');
SELECT version FROM ml.train('passed', 'fractions', 'y', 'linear_regression', '{a,b,c}', weight => 'w', deploy => 'never');
SELECT version FROM ml.train('passed', 'fractions', 'y', 'linear_regression', '{a,b,c}', weight => 'w', pipeline => ml.pipeline_spec('passed/1'));
SELECT count(DISTINCT artifact_sha256) AS artifacts FROM ml.versions WHERE model = 'passed';

-- A retraining looks for words as the training did, whatever the session that retrains is set to; a job, as the session that submits.
CREATE TABLE letters AS SELECT 'The ' || (ARRAY['dogs run', 'dog runs', 'cats are sleeping', 'cat sleeps'])[1 + i % 4] AS body, (i % 4 < 2)::int * 10 + i % 3 AS y FROM generate_series(1, 120) i;
SET default_text_search_config = 'pg_catalog.english';
SELECT version FROM ml.train('letters', 'letters', 'y', 'linear_regression', task => 'regression', pipeline => '[{"step": "tfidf"}]', params => '{"l2": 1}');
SET default_text_search_config = 'pg_catalog.simple';
SELECT version FROM ml.retrain('letters', deploy => 'never');
SELECT count(DISTINCT artifact_sha256) AS artifacts, min(pipeline -> 0 -> 'params' ->> 'config') AS config FROM ml.versions WHERE model = 'letters';
SET client_min_messages = error;
SELECT ml.train_async('letters', 'letters', 'y') > 0 AS queued;
SELECT settings ->> 'default_text_search_config' AS config, settings ? 'extra_float_digits' AS digits FROM ml.job_queue WHERE model = 'letters';
RESET client_min_messages;
RESET default_text_search_config;

\c postgres
DROP DATABASE regress_ml_reproduce;
DROP ROLE regress_ml_maker, regress_ml_asker;
