-- search: what is tried, how trials are judged and recorded, and every wrong argument.
CREATE DATABASE regress_ml_search TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_search
SET lc_messages = 'C';
SET extra_float_digits = 1;
CREATE EXTENSION pg_mlops;

CREATE TABLE ground AS
	SELECT i, i % 500 / 50.0::float8 AS a, (i * 37 % 101)::float8 AS b, 'k' || i * 29 % 997 % 5 AS c, i * 7919 % 1013 / 1013.0::float8 AS noise
	FROM generate_series(1, 600) i;
ALTER TABLE ground ADD y float8, ADD yes boolean, ADD kind text;
UPDATE ground SET y = 10 * sin(a) + 5 * (b > 30)::int * (c IN ('k1', 'k3'))::int + noise;
UPDATE ground SET yes = y > 2, kind = CASE WHEN y < -3 THEN 'low' WHEN y < 5 THEN 'middle' ELSE 'high' END;

-- A training with a search: what it says, with figures of no interest left out; its trials, and whether the best one is the model.
CREATE FUNCTION words(notes text[]) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT regexp_replace(n, '-?[0-9]+\.[0-9e+-]*[0-9]', '#', 'g') FROM unnest(notes) n WHERE n ~ 'search|trial'
$$;
CREATE FUNCTION searched(model text, target text, algorithm text, search jsonb, params jsonb DEFAULT '{}', pipeline jsonb DEFAULT NULL, split jsonb DEFAULT '{"test": 0.2}', seed bigint DEFAULT 0)
	RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	r record;
BEGIN
	SELECT * INTO r FROM ml.train(model, 'ground', target, algorithm => algorithm, features => '{a,b,c}', params => params, pipeline => pipeline, split => split, search => search || '{"workers": 0}', seed => seed, deploy => 'never');
	RETURN QUERY SELECT words(r.notes);
END
$$;
CREATE FUNCTION run_of(model text) RETURNS bigint LANGUAGE sql AS $$ SELECT run_id FROM ml.versions v WHERE v.model = $1 ORDER BY version DESC LIMIT 1 $$;

-- A grid tries what it says, in its order; the winner has the least error, and is trained on all training rows.
SELECT searched('grid', 'y', 'gradient_boosting', '{"method": "grid", "space": {"max_leaves": [2, 8], "learning_rate": [0.05, 0.3], "n_trees": [20]}}');
SELECT t.trial, t.params, t.metric, t.status, t.value > 0 AS judged FROM ml.trials(run_of('grid')) t;
SELECT (SELECT min(value) FROM ml.trials(run_of('grid'))) = t.value AS least, v.params @> t.params AS its_params
	FROM ml.versions v, ml.trials(v.run_id) t WHERE v.model = 'grid' ORDER BY t.value LIMIT 1;
SELECT version FROM ml.train('plain', 'ground', 'y', algorithm => 'gradient_boosting', features => '{a,b,c}', params => (SELECT t.params FROM ml.trials(run_of('grid')) t ORDER BY t.value LIMIT 1), deploy => 'never');
SELECT count(DISTINCT artifact_sha256) FROM ml.versions WHERE model IN ('grid', 'plain');
-- A trial is a run: each fold's figures, and their means.
SELECT r.kind, r.model, r.version, r.status, r.params, r.error, r.parent_run_id = run_of('grid') AS child FROM ml.runs r WHERE r.parent_run_id = run_of('grid') ORDER BY run_id LIMIT 1;
SELECT m.name, count(*) FILTER (WHERE step IS NULL) AS means, count(*) FILTER (WHERE step IS NOT NULL) AS folds, abs(avg(value) FILTER (WHERE step IS NULL) - avg(value) FILTER (WHERE step IS NOT NULL)) < 1e-12 AS agree
	FROM ml.run_metrics m WHERE run_id = (SELECT t.run_id FROM ml.trials(run_of('grid')) t WHERE trial = 1) GROUP BY 1 ORDER BY 1;
SELECT ml.openlineage(t.run_id) #>> '{run,facets,parent,run,runId}' = ml.openlineage(run_of('grid')) #>> '{run,runId}' AS parent FROM ml.trials(run_of('grid')) t WHERE trial = 2;
-- A range in a grid; the ends are in it.
SELECT searched('points', 'yes', 'logistic_regression', '{"method": "grid", "space": {"l2": {"min": 0.01, "max": 100, "scale": "log"}, "max_iterations": {"min": 5, "max": 7, "points": 9}}, "folds": 1, "metric": "brier"}');
SELECT trial, params, metric, status FROM ml.trials(run_of('points'));

-- By chance, by an estimator, by halving: the first trial is as given. The same seed gives the same trials, another one others.
SELECT searched('random', 'y', 'gradient_boosting', '{"method": "random", "trials": 5, "space": {"max_leaves": {"min": 2, "max": 32, "scale": "log"}, "learning_rate": {"min": 0.01, "max": 0.5}, "loss": ["squared"]}}', '{"n_trees": 15, "max_leaves": 3}');
SELECT trial, params, status FROM ml.trials(run_of('random'));
SELECT searched('again', 'y', 'gradient_boosting', '{"method": "random", "trials": 5, "space": {"max_leaves": {"min": 2, "max": 32, "scale": "log"}, "learning_rate": {"min": 0.01, "max": 0.5}, "loss": ["squared"]}}', '{"n_trees": 15, "max_leaves": 3}');
SELECT count(*) FROM ml.trials(run_of('random')) a JOIN ml.trials(run_of('again')) b USING (trial, params, metric, value, status);
SELECT searched('other', 'y', 'gradient_boosting', '{"method": "random", "trials": 5, "space": {"max_leaves": {"min": 2, "max": 32, "scale": "log"}, "learning_rate": {"min": 0.01, "max": 0.5}, "loss": ["squared"]}}', '{"n_trees": 15, "max_leaves": 3}', seed => 1);
SELECT count(*) FROM ml.trials(run_of('random')) a JOIN ml.trials(run_of('other')) b USING (trial, params);
SELECT searched('tpe', 'yes', 'gradient_boosting', '{"trials": 12, "space": {"max_leaves": {"min": 2, "max": 32}, "learning_rate": {"min": 0.01, "max": 0.5, "scale": "log"}}, "early_stopping": false}', '{"n_trees": 15}');
SELECT count(*), count(DISTINCT params), bool_and((params ->> 'max_leaves')::int BETWEEN 2 AND 32) AS whole, bool_and((params ->> 'learning_rate')::float8 BETWEEN 0.01 AND 0.5) AS within FROM ml.trials(run_of('tpe'));
SELECT searched('halving', 'y', 'gradient_boosting', '{"method": "halving", "trials": 9, "eta": 2, "space": {"max_leaves": {"min": 2, "max": 32}, "learning_rate": {"min": 0.01, "max": 0.5}}, "folds": 2}', '{"n_trees": 15}');
SELECT t.status, (r.params ->> 'row_share')::float8 AS row_share, count(*), min(regexp_replace(r.error, '-?[0-9]+\.[0-9e+-]*[0-9]', '#', 'g')) AS error FROM ml.trials(run_of('halving')) t JOIN ml.runs r USING (run_id) GROUP BY 1, 2 ORDER BY 2, 1;
-- A space of few combinations ends.
SELECT searched('few', 'y', 'linear_regression', '{"method": "random", "trials": 20, "space": {"l2": [0, 1, 10]}}');
SELECT count(*), count(DISTINCT params) FROM ml.trials(run_of('few'));
-- A stopped trial says why; it has the figures of the folds that were judged.
SELECT searched('stops', 'y', 'gradient_boosting', '{"method": "random", "trials": 24, "space": {"learning_rate": {"min": 0.0001, "max": 0.5, "scale": "log"}}, "folds": 4}', '{"n_trees": 10}');
SELECT DISTINCT t.status, regexp_replace(r.error, '-?[0-9]+\.[0-9e+-]*[0-9]', '#', 'g') AS error, (SELECT count(*) FROM ml.run_metrics m WHERE m.run_id = t.run_id AND m.name = 'rmse' AND m.step IS NOT NULL) AS folds FROM ml.trials(run_of('stops')) t JOIN ml.runs r USING (run_id) ORDER BY 1, 2, 3;

-- The pipeline: a parameter of a step, by its name and its place, and whole pipelines.
SELECT searched('steps', 'yes', 'logistic_regression', '{"method": "grid", "space": {"2.center": [true, false]}, "metric": "log_loss"}', pipeline => '[{"step": "one_hot"}, {"step": "standardise"}]');
SELECT trial, params, metric, status FROM ml.trials(run_of('steps'));
SELECT searched('pipelines', 'y', 'linear_regression', '{"method": "grid", "space": {"pipeline": [null, [{"step": "one_hot"}], [{"step": "one_hot"}, {"step": "standardise"}]], "l2": [0, 5]}}');
SELECT trial, params, status FROM ml.trials(run_of('pipelines'));

-- Over learners: trivial and linear are always there; what the best one gains can be seen.
SELECT searched('auto', 'y', 'auto', '{"trials": 8}');
SELECT t.trial, r.params ->> 'algorithm' AS algorithm, t.metric, t.status FROM ml.trials(run_of('auto')) t JOIN ml.runs r USING (run_id) WHERE trial <= 3;
SELECT v.algorithm, v.algorithm = (SELECT r.params ->> 'algorithm' FROM ml.trials(v.run_id) t JOIN ml.runs r USING (run_id) WHERE t.status = 'succeeded' ORDER BY t.value, t.trial LIMIT 1) AS best FROM ml.versions v WHERE model = 'auto';
SELECT searched('auto kind', 'kind', 'auto', '{"method": "random", "trials": 4, "space": {"gradient_boosting.n_trees": [5, 10], "logistic_regression.l2": {"min": 0.1, "max": 10}}, "metric": "accuracy"}');
SELECT trial, params, metric, status FROM ml.trials(run_of('auto kind'));
-- Without a search, auto says what the trivial model gives.
SELECT n ~ 'trivial [0-9.]+' AS said FROM ml.train('without', 'ground', 'y', features => '{a,b,c}', deploy => 'never') t, unnest(t.notes) n WHERE n ~ '^algorithm "auto"';
-- The trivial learner: a weighted mean, and shares.
SELECT version FROM ml.train('mean', 'SELECT a, b, y, i AS w FROM ground', 'y', algorithm => 'trivial', weight => 'w', split => '{"method": "none"}');
SELECT abs(ml.predict('mean', '{"a": 1, "b": null}'::jsonb) - sum(i * y) / sum(i)) < 1e-12 AS mean FROM ground;
SELECT version FROM ml.train('shares', 'SELECT a, c, kind FROM ground', 'kind', algorithm => 'trivial', split => '{"method": "none"}');
SELECT kind, abs((ml.probabilities('shares', '{"a": 1, "c": "x"}'::jsonb) ->> kind)::float8 - count(*) / 600.0) < 1e-12 AS share FROM ground GROUP BY kind ORDER BY kind;

-- Folds of the split serve the search, too; without rows held out a note says what the figures are.
SELECT searched('folds', 'yes', 'gradient_boosting', '{"method": "grid", "space": {"n_trees": [5, 10]}}', split => '{"folds": 4, "stratified": true}');
SELECT count(*) FILTER (WHERE step IS NOT NULL) FROM ml.run_metrics WHERE run_id = (SELECT run_id FROM ml.trials(run_of('folds')) WHERE trial = 1) AND name = 'auc';
-- The time budget ends the search between rounds.
SELECT searched('time', 'y', 'gradient_boosting', '{"method": "random", "trials": 500, "seconds": 0.001, "space": {"learning_rate": {"min": 0.01, "max": 0.5}}}', '{"n_trees": 5}');

-- A trial that fails is that trial alone; where all fail, the error says why.
SELECT searched('fails', 'y', 'gradient_boosting', '{"method": "grid", "space": {"monotone": [{"a": 1}, {"none": 1}]}}', '{"n_trees": 5}');
SELECT t.trial, t.params, t.metric, t.value IS NULL AS none, t.status, r.error FROM ml.trials(run_of('fails')) t JOIN ml.runs r USING (run_id);
SELECT searched('all fail', 'y', 'gradient_boosting', '{"method": "grid", "space": {"monotone": [{"nobody": 1}, {"none": 1}]}}');
SELECT count(*) FROM ml.models WHERE model = 'all fail';

-- A retraining repeats the search.
SELECT r.metrics ? 'rmse' AS judged, words(r.notes) FROM ml.retrain('grid', deploy => 'never') r;
SELECT count(*) FROM ml.trials(run_of('grid'));
SELECT v.version, r.kind, v.artifact_sha256 = first_value(v.artifact_sha256) OVER (ORDER BY v.version) AS same FROM ml.versions v JOIN ml.runs r USING (run_id) WHERE v.model = 'grid';

-- Wrong arguments.
CREATE FUNCTION wrong(search text, algorithm text DEFAULT 'gradient_boosting', params jsonb DEFAULT '{}', pipeline jsonb DEFAULT NULL, target text DEFAULT 'y') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM * FROM ml.train('wrong', 'ground', target, algorithm => algorithm, features => '{a,b,c}', params => params, pipeline => pipeline, search => search::jsonb);
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n', SQLSTATE || ': ' || message, detail, hint);
END
$$;
\pset format unaligned
\pset tuples_only on
SELECT wrong('[]');
SELECT wrong('{"methods": "grid"}');
SELECT wrong('{"method": "bayes"}');
SELECT wrong('{"trials": 0}');
SELECT wrong('{"trials": "many"}');
SELECT wrong('{"folds": 0}');
SELECT wrong('{"seconds": -1}');
SELECT wrong('{"eta": 1}');
SELECT wrong('{"workers": -1}');
SELECT wrong('{"space": []}');
SELECT wrong('{"space": "all"}');
SELECT wrong('{"space": {}}');
SELECT wrong('{"space": {"learnig_rate": [0.1]}}');
SELECT wrong('{"space": {"learning_rate": []}}');
SELECT wrong('{"space": {"learning_rate": 0.1}}');
SELECT wrong('{"space": {"learning_rate": [0.1, 2]}}');
SELECT wrong('{"space": {"learning_rate": ["fast"]}}');
SELECT wrong('{"space": {"learning_rate": {"min": 0.1}}}');
SELECT wrong('{"space": {"learning_rate": {"min": 0.1, "max": 7}}}');
SELECT wrong('{"space": {"learning_rate": {"min": 0.2, "max": 0.1}}}');
SELECT wrong('{"space": {"learning_rate": {"min": 0.1, "max": 0.2, "scale": "cubic"}}}');
SELECT wrong('{"space": {"learning_rate": {"from": 0.1, "max": 0.2}}}');
SELECT wrong('{"space": {"l2": {"min": 0, "max": 10, "scale": "log"}}}');
SELECT wrong('{"space": {"max_leaves": {"min": 2.5, "max": 10}}}');
SELECT wrong('{"space": {"max_leaves": {"min": 2, "max": 10, "type": "number"}}}');
SELECT wrong('{"space": {"loss": {"min": 0, "max": 1}}}');
SELECT wrong('{"space": {"loss": ["squarred"]}}');
SELECT wrong('{"space": {"pipeline": {"min": 0, "max": 1}}}');
SELECT wrong('{"space": {"pipeline": [[{"step": "imput"}]]}}');
SELECT wrong('{"space": {"impute.strategy": ["mean"]}}');
SELECT wrong('{"space": {"imput.strategy": ["mean"]}}', pipeline => '[{"step": "impute"}]');
SELECT wrong('{"space": {"impute.none": ["mean"]}}', pipeline => '[{"step": "impute"}]');
SELECT wrong('{"space": {"standardise.center": [true]}}', pipeline => '[{"step": "standardise"}, {"step": "standardise"}]');
SELECT wrong('{"space": {"1.center": [7]}}', pipeline => '[{"step": "standardise"}]');
SELECT wrong('{"space": {"1.center": [true], "pipeline": [null]}}', pipeline => '[{"step": "standardise"}]');
SELECT wrong('{"method": "grid"}');
SELECT wrong('{"method": "grid", "trials": 3, "space": {"l2": [1, 2], "max_leaves": [2, 3]}}');
SELECT wrong('{"method": "grid", "space": {"l2": [1, 2]}}', params => '{"l2": 1}');
SELECT wrong('{"metric": "auc", "trials": 2}');
SELECT wrong('{"metric": "rmsd", "trials": 2}');
SELECT wrong('{"metric": "rmse", "trials": 2}', target => 'kind');
SELECT wrong('{"trials": 2}', 'trivial');
SELECT wrong('{"space": {"l2": [1]}}', 'auto');
SELECT wrong('{"space": {"linear.l2": [1]}}', 'auto');
SELECT wrong('{"space": {"trivial.l2": [1]}}', 'auto');
SELECT wrong('{"trials": 4}', 'auto', '{"n_tree": 4}');
SELECT wrong('{"folds": 700, "trials": 2}');
SELECT wrong('{"space": {"one_hot.columns": [["c"]]}}', pipeline => '[{"step": "one_hot"}]');
-- The same before a job is queued.
SELECT ml.train_async('job', 'ground', 'y', algorithm => 'gradient_boosting', search => '{"space": {"l2": [-1]}}');
\c postgres
DROP DATABASE regress_ml_search;
