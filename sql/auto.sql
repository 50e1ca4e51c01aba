-- algorithm => 'auto': boosted trees or the linear model, whichever the held-out rows favour, and a note that says why.
CREATE DATABASE regress_ml_auto TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_auto
SET lc_messages = 'C';
SET extra_float_digits = 1;
CREATE EXTENSION pg_mlops;

CREATE TABLE ground AS
	SELECT i, i % 500 / 50.0::float8 AS a, (i * 37 % 101)::float8 AS b, 'k' || i * 29 % 997 % 5 AS c, i * 7919 % 1013 / 1013.0::float8 AS noise, NULL::float8 AS bent, NULL::float8 AS straight, NULL::boolean AS bent_yes, NULL::boolean AS straight_yes, NULL::text AS bent_kind
	FROM generate_series(1, 2500) i;
UPDATE ground SET bent = 10 * sin(a) + 5 * (b > 30)::int * (c IN ('k1', 'k3'))::int + noise, straight = 3 * a - b / 4 + (c = 'k2')::int + 4 * noise;
UPDATE ground SET bent_yes = bent > 2, straight_yes = straight > 4 + 20 * (i * 31 % 97 / 97.0 - 0.5), bent_kind = CASE WHEN bent < -3 THEN 'low' WHEN bent < 5 THEN 'middle' ELSE 'high' END;

-- Which one was kept, and whether the notes say which two were compared, on how many rows, and the one that was kept.
CREATE FUNCTION choose(model text, source text, target text, more text DEFAULT '', OUT algorithm text, OUT compared text, OUT judged boolean, OUT others text[]) LANGUAGE plpgsql AS $$
DECLARE
	notes text[];
	metrics jsonb;
BEGIN
	EXECUTE format('SELECT algorithm, notes, metrics FROM ml.train(%L, %L, %L, exclude => ''{i,noise}'', deploy => ''always'' %s)', model, source, target, more) INTO algorithm, notes, metrics;
	SELECT string_agg(regexp_replace(n, '[0-9.e+-]*[0-9]|Infinity', '#', 'g'), ' ') INTO compared FROM unnest(notes) n WHERE n ~ '^algorithm "auto"';
	others = ARRAY(SELECT n FROM unnest(notes) n WHERE n !~ '^algorithm "auto"');
	judged = metrics <> '{}';
END
$$;
\x on
SELECT * FROM choose('bent', 'SELECT a, b, c, bent, i, noise FROM ground', 'bent');
SELECT * FROM choose('bent yes', 'SELECT a, b, c, bent_yes, i, noise FROM ground', 'bent_yes');
SELECT * FROM choose('bent kind', 'SELECT a, b, c, bent_kind, i, noise FROM ground', 'bent_kind');
SELECT * FROM choose('straight', 'SELECT a, b, c, straight, i, noise FROM ground', 'straight');
SELECT * FROM choose('straight yes', 'SELECT a, b, c, straight_yes, i, noise FROM ground', 'straight_yes');
-- The default of ml.train is auto.
SELECT algorithm, (SELECT count(*) FROM unnest(notes) n WHERE n ~ '^algorithm "auto"') AS noted FROM ml.train('default', 'SELECT a, b, c, bent FROM ground', 'bent');
-- Few rows, and so few that none is held out.
SELECT * FROM choose('tiny', 'SELECT a, b, straight, i, noise FROM ground WHERE i <= 12', 'straight');
SELECT * FROM choose('tiny', 'SELECT a, b, bent AS straight, i, noise FROM ground WHERE i <= 12', 'straight');
SELECT * FROM choose('two rows', 'SELECT a, b, straight, i, noise FROM ground WHERE i <= 2', 'straight');
-- Without a split rows are held out for the comparison alone, and what was kept learns from all of them.
SELECT * FROM choose('bent', 'SELECT a, b, c, bent, i, noise FROM ground', 'bent', $$, split => '{"method": "none"}'$$);
SELECT * FROM choose('straight', 'SELECT a, b, c, straight, i, noise FROM ground', 'straight', $$, split => '{"method": "none"}'$$);
SELECT * FROM choose('column', 'SELECT a, b, c, bent, i, noise, i % 4 = 0 AS out FROM ground', 'bent', $$, split => '{"method": "column", "column": "out"}'$$);
\x off
-- It is the model that the algorithm itself gives on all rows, to the byte; its comparison left no trace in it.
SELECT algorithm FROM ml.train('bent trees', 'SELECT a, b, c, bent, i, noise FROM ground', 'bent', 'gradient_boosting', exclude => '{i,noise}', split => '{"method": "none"}');
SELECT algorithm FROM ml.train('straight line', 'SELECT a, b, c, straight, i, noise FROM ground', 'straight', 'linear_regression', exclude => '{i,noise}', split => '{"method": "none"}');
SELECT (SELECT artifact_sha256 FROM ml.versions WHERE model = 'bent' AND version = 2) = (SELECT artifact_sha256 FROM ml.versions WHERE model = 'bent trees') AS trees,
	(SELECT artifact_sha256 FROM ml.versions WHERE model = 'straight' AND version = 2) = (SELECT artifact_sha256 FROM ml.versions WHERE model = 'straight line') AS line,
	(SELECT rows FROM ml.lineage WHERE model = 'bent' AND version = 2) AS rows;
-- The task given beforehand, when the linear model learns while rows are read.
SELECT algorithm FROM ml.train('straight told', 'SELECT a, b, c, straight, i, noise FROM ground', 'straight', exclude => '{i,noise}', task => 'regression', split => '{"method": "none"}');
SELECT count(DISTINCT artifact_sha256) AS artifacts FROM ml.versions WHERE model IN ('straight line', 'straight told');
-- With a split it is the one the algorithm gives on the training rows.
SELECT algorithm FROM ml.train('bent trees', 'SELECT a, b, c, bent, i, noise FROM ground', 'bent', 'gradient_boosting', exclude => '{i,noise}');
SELECT count(DISTINCT artifact_sha256) AS artifacts, count(DISTINCT metrics) AS metrics FROM ml.versions WHERE (model, version) IN (('bent', 1), ('bent trees', 2));
SELECT model, version, algorithm, params ? 'n_trees' AS of_trees FROM ml.lineage WHERE model IN ('bent', 'straight') ORDER BY model, version;

-- The same again in another order: the same choice and the same bytes.
SELECT algorithm FROM choose('bent', 'SELECT a, b, c, bent, i, noise FROM ground ORDER BY noise', 'bent');
SELECT algorithm FROM choose('straight', 'SELECT a, b, c, straight, i, noise FROM ground ORDER BY noise', 'straight');
SELECT model, array_agg(first ORDER BY version), count(DISTINCT notes) FROM (SELECT model, version, notes, min(version) OVER (PARTITION BY model, artifact_sha256) AS first FROM ml.versions WHERE model IN ('bent', 'straight') AND version IN (1, 3)) s GROUP BY model ORDER BY model;

-- Parameters go to the learner that has them; one that neither has is an error.
SELECT algorithm FROM choose('given', 'SELECT a, b, c, bent, i, noise FROM ground', 'bent', $$, params => '{"n_trees": 3}'$$);
SELECT value FROM ml.summary('given') WHERE name = 'trees';
SELECT algorithm FROM choose('given', 'SELECT a, b, c, bent, i, noise FROM ground', 'bent', $$, params => '{"intercept": false, "n_trees": 4}'$$);
SELECT value FROM ml.summary('given') WHERE name = 'trees';
SELECT algorithm FROM choose('given', 'SELECT a, b, c, straight AS bent, i, noise FROM ground', 'bent', $$, params => '{"intercept": false, "n_trees": 4}'$$);
SELECT count(*) FROM ml.coefficients('given') WHERE term = 'intercept';
SELECT algorithm FROM choose('given yes', 'SELECT a, b, c, bent_yes, i, noise FROM ground', 'bent_yes', $$, params => '{"positive_class": "false", "n_trees": 5}'$$);
SELECT avg(CASE WHEN bent_yes THEN 1 - ml.probability('given yes', g) ELSE ml.probability('given yes', g) END) > 0.5 AS turned FROM ground g;
\set VERBOSITY terse
SELECT ml.train('bad', 'ground', 'bent', params => '{"n_tres": 3}');
\set VERBOSITY default
SELECT ml.train('bad', 'ground', 'bent', params => '{"n_trees": 0}');
SELECT ml.train('bad', 'ground', 'bent', params => '{"intercept": 7}');
SELECT ml.train('bad', 'ground', 'bent', params => '{"class_weight": "balanced"}');
-- The other arguments hold for both.
SELECT algorithm, features, notes[2:] FROM ml.train('both', 'SELECT a, b, c, bent, 1 AS one FROM ground', 'bent', pipeline => '[{"step": "impute"}, {"step": "one_hot"}]', weight => 'b');
SELECT algorithm, task FROM ml.train('both tasks', 'SELECT a, b, i % 3 AS k FROM ground', 'k', task => 'regression');

-- One that needs too much memory is left out; if both do, it is an error.
SET pg_mlops.train_memory = '4MB';
\x on
SELECT * FROM choose('large', 'SELECT i * 7 % 1000 AS a, i % 7 AS b, sin(i) AS y, 1 AS i, 1 AS noise FROM generate_series(1, 200000) i', 'y');
SELECT * FROM choose('wide', 'SELECT ARRAY(SELECT sin(i * j) FROM generate_series(1, 300) j) AS many, i % 7 * 1.0 AS y, i, 1 AS noise FROM generate_series(1, 60) i', 'y', $$, params => '{"max_bins": 10}'$$);
\x off
\set VERBOSITY terse
SELECT ml.train('bad', 'SELECT ARRAY(SELECT sin(i * j) FROM generate_series(1, 300) j) AS many, sin(i) AS y FROM generate_series(1, 9000) i', 'y');
RESET pg_mlops.train_memory;
\set VERBOSITY default
SELECT count(*) FROM ml.models WHERE model = 'bad';

\c postgres
DROP DATABASE regress_ml_auto;
