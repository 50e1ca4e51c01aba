--
-- Quality of deployed versions, where no worker is needed
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
RESET client_min_messages;
SET extra_float_digits = 0;
CREATE SCHEMA quality_test;
SET search_path = quality_test, pg_catalog;
\set SHOW_CONTEXT never

CREATE FUNCTION u(i bigint, k int) RETURNS float8 LANGUAGE sql IMMUTABLE
	BEGIN ATOMIC SELECT ((pg_catalog.hashint8extended(i, k) % 1000003 + 1000003) % 1000003) / 1000003.0; END;
CREATE TABLE rows AS SELECT i, u(i, 1) AS x, u(i, 2) AS z, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END AS k,
	   u(i, 3) < 1 / (1 + exp(-6 * (u(i, 1) - 0.5) - u(i, 2))) AS y FROM generate_series(1, 6000) i;
SELECT version, deployed FROM ml.train('quality test', 'SELECT x, z, k, y FROM quality_test.rows WHERE i <= 3000', 'y',
	algorithm => 'logistic_regression');

-- the truth comes later than the predictions
CREATE TABLE truth (at timestamptz, x float8, z float8, k text, y boolean);
SELECT ml.set_truth('quality test', 'SELECT * FROM truth;');
INSERT INTO truth SELECT statement_timestamp() + i * interval '1 microsecond', x, z, k, CASE WHEN i <= 4000 AND i % 10 <> 0 THEN y END FROM rows WHERE i > 3000 ORDER BY i;
SELECT pg_sleep(0.01);
SELECT ml.judge_quality('quality test') BETWEEN 1 AND 2 AS written;
SELECT metric, kind, role, sum(n) AS n, bool_and(low <= value AND value <= high) AS inside FROM ml.quality
	WHERE model = 'quality test' GROUP BY 1, 2, 3 ORDER BY 1;
-- those of ml.evaluate, where all rows are in one window
SELECT bool_and(q.value = e.value AND q.low = e.low AND q.high = e.high) OR count(DISTINCT q.window_start) > 1 AS same
	FROM ml.evaluate('quality test/1', 'SELECT * FROM truth') e JOIN ml.quality q USING (metric) WHERE q.model = 'quality test';
SELECT labelled, unanswered, error FROM ml.truth_sources WHERE model = 'quality test';
-- nothing has changed
SELECT ml.judge_quality('quality test');
SELECT detector, n, drifts FROM ml.detector_states WHERE model = 'quality test' ORDER BY 1;

-- labels that come late replace figures; beyond some of them detectors have gone already
UPDATE truth t SET y = r.y FROM rows r WHERE r.x = t.x AND r.z = t.z AND r.i <= 5000 AND t.y IS NULL;
INSERT INTO truth SELECT clock_timestamp() - interval '1 year', x, z, k, y FROM rows WHERE i <= 10;
SELECT ml.judge_quality('quality test') BETWEEN 1 AND 2 AS written;
SELECT sum(n) FROM ml.quality WHERE model = 'quality test' AND metric = 'auc';
SELECT sum(rows) AS rows, sum(late) AS late FROM ml.truth_windows WHERE model = 'quality test';
SELECT detector, n, drifts FROM ml.detector_states WHERE model = 'quality test' ORDER BY 1;
SELECT rule FROM ml.alerts WHERE model = 'quality test' AND closed_at IS NULL;

-- the concept changes
INSERT INTO truth SELECT statement_timestamp() + i * interval '1 microsecond', x, z, k, NOT y FROM rows WHERE i > 3000;
SELECT pg_sleep(0.01);
SELECT ml.judge_quality('quality test') BETWEEN 1 AND 2 AS written;
SELECT detector, n, drifts > 0 AS drifts FROM ml.detector_states WHERE model = 'quality test' ORDER BY 1;
SELECT rule, state FROM ml.alerts WHERE model = 'quality test' ORDER BY 1;

-- what it refuses
SELECT ml.set_truth('quality test', 'SELECT x, z, y, at FROM truth');
SELECT ml.set_truth('quality test', 'SELECT x, z, k, at FROM truth');
SELECT ml.set_truth('quality test', 'SELECT x, z, k, y FROM truth');
SELECT ml.set_truth('quality test', 'DELETE FROM truth');
SELECT ml.set_truth('quality test', 'SELECT * FROM truth', detectors => '{"adwyn": {}}');
SELECT ml.set_truth('quality test', 'SELECT * FROM truth', detectors => '{"adwin": {"delta": 7}}');
SELECT ml.set_truth('quality test', 'SELECT * FROM truth', truth_wait => '-1 day');
\set VERBOSITY terse
SELECT ml.set_truth('no such model', 'SELECT 1');
\set VERBOSITY default
-- a source that fails
ALTER TABLE truth RENAME TO truth_moved;
SELECT ml.judge_quality('quality test');
ALTER TABLE truth_moved RENAME TO truth;

-- rights
CREATE ROLE regress_quality;
SET ROLE regress_quality;
SELECT count(*) FROM ml.quality;
SELECT ml.judge_quality('quality test');
RESET ROLE;
DROP ROLE regress_quality;

SELECT ml.set_truth('quality test', NULL);
SELECT count(*) FROM ml.truth_sources WHERE model = 'quality test';
SELECT ml.undeploy('quality test', 'production');
SELECT ml.drop_model('quality test');
SELECT count(*) FROM ml.quality WHERE model = 'quality test';
SET client_min_messages = warning;
DROP SCHEMA quality_test CASCADE;
