-- Evaluation: the limits of every metric, confusion, receiver operating characteristic, calibration.
CREATE ROLE regress_ml_judge;
CREATE DATABASE regress_ml_evaluate TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_evaluate
SET lc_messages = 'C';
SET extra_float_digits = 1;
\pset null '(null)'
CREATE EXTENSION pg_mlops;

-- 600 houses: deterministic; side has gaps, sold and band are two and three classes that the columns do not decide.
CREATE TABLE houses AS
	SELECT i AS id, 40 + i * 37 % 101 AS area, (1 + i * 13 % 5)::int2 AS rooms,
		CASE WHEN i % 10 > 0 THEN (ARRAY['north', 'south', 'East'])[1 + i * 11 % 7 % 3] END AS side,
		(40 + i * 37 % 101) * 2 + (1 + i * 13 % 5) * 10 + (i * 7 % 31)::float8 AS price,
		i * 37 % 101 + i * 53 % 83 > 90 AS sold, (ARRAY['low', 'middle', 'high'])[1 + (i * 37 % 101 + i * 53 % 83) / 65] AS band
	FROM generate_series(1, 600) i;
CREATE TABLE turned AS SELECT * FROM houses ORDER BY md5(id::text);
CREATE FUNCTION trained(model text, target text, algorithm text) RETURNS text LANGUAGE sql
	BEGIN ATOMIC
		SELECT t.model FROM ml.train(model, 'SELECT area, rooms, price, sold, band FROM houses', target, algorithm, '{area,rooms}') t;
	END;
SELECT trained('price', 'price', 'linear_regression'), trained('sold', 'sold', 'logistic_regression'), trained('band', 'band', 'logistic_regression');

-- Every metric of every task.
SELECT m AS model, metric, round(value::numeric, 6) AS value, round(low::numeric, 6) AS low, round(high::numeric, 6) AS high, n
	FROM unnest('{price,sold,band}'::text[]) m, ml.evaluate(m, 'houses');
-- Slices come in bytewise order, NULL last; a slice has the figures of its rows alone.
SELECT DISTINCT slice_key, slice_value, n FROM ml.evaluate('sold', 'houses', '{side,rooms}') ORDER BY 1, 2;
SELECT array_agg(coalesce(slice_value, 'none') ORDER BY place) AS values FROM (SELECT slice_value, min(ordinality) AS place
	FROM ml.evaluate('sold', 'houses', '{side}') WITH ORDINALITY WHERE slice_key IS NOT NULL GROUP BY 1) s;
SELECT m AS model, count(*), count(*) FILTER (WHERE s.value = a.value AND s.low = a.low AND s.high = a.high AND s.n = a.n) AS same
	FROM unnest('{price,sold,band}'::text[]) m, ml.evaluate(m, 'houses', '{side}') s,
		ml.evaluate(m, 'SELECT * FROM houses WHERE side = ''south''') a
	WHERE s.slice_value = 'south' AND a.metric = s.metric GROUP BY m ORDER BY m COLLATE "C" DESC;
SELECT count(*), bool_and(low < value AND value < high) FROM ml.evaluate('sold', 'houses', '{side}');

-- Nothing depends on where the rows stand.
SELECT m AS model, count(*) FROM unnest('{price,sold,band}'::text[]) m, LATERAL (
	(SELECT * FROM ml.evaluate(m, 'houses', '{side}') EXCEPT SELECT * FROM ml.evaluate(m, 'turned', '{side}')) UNION ALL
	(SELECT * FROM ml.evaluate(m, 'turned', '{side}') EXCEPT SELECT * FROM ml.evaluate(m, 'houses', '{side}'))) d GROUP BY m;
SELECT count(*) FROM (SELECT * FROM ml.roc('sold', 'houses') EXCEPT ALL SELECT * FROM ml.roc('sold', 'turned')) d;
SELECT count(*) FROM (SELECT * FROM ml.calibration('sold', 'houses') EXCEPT ALL SELECT * FROM ml.calibration('sold', 'turned')) d;
SELECT count(*) FROM (SELECT * FROM ml.confusion('sold', 'houses') EXCEPT ALL SELECT * FROM ml.confusion('sold', 'turned')) d;

-- Shares have Wilson's limits, areas those of DeLong, both by their formulas.
CREATE TABLE scored AS SELECT sold AS label, ml.probability('sold', h) AS p, ml.predict('sold', h, NULL::boolean) AS decided, side FROM houses h;
WITH shares (metric, part, whole) AS (
	SELECT 'accuracy', count(*) FILTER (WHERE label = decided)::float8, count(*) FROM scored UNION ALL
	SELECT 'precision', count(*) FILTER (WHERE label), count(*) FROM scored WHERE decided UNION ALL
	SELECT 'recall', count(*) FILTER (WHERE decided), count(*) FROM scored WHERE label)
SELECT metric, abs(low - ((part + z2 / 2) - half) / (whole + z2)) < 1e-12 AS low, abs(high - ((part + z2 / 2) + half) / (whole + z2)) < 1e-12 AS high
	FROM shares JOIN ml.evaluate('sold', 'houses') USING (metric), (SELECT 1.959963984540054 ^ 2) z (z2),
		LATERAL (SELECT sqrt(z2 * part * (whole - part) / whole + z2 * z2 / 4)) h (half) ORDER BY 1;
WITH pairs AS (SELECT a.ctid AS x, b.ctid AS y, CASE WHEN a.p > b.p THEN 1 WHEN a.p = b.p THEN 0.5 ELSE 0 END AS win
		FROM scored a JOIN scored b ON a.label AND NOT b.label),
	spread AS (SELECT (SELECT var_samp(w) / count(*) FROM (SELECT avg(win) AS w FROM pairs GROUP BY x) s) +
		(SELECT var_samp(w) / count(*) FROM (SELECT avg(win) AS w FROM pairs GROUP BY y) s) AS variance)
SELECT abs(high - value - 1.959963984540054 * sqrt(variance)) < 1e-12 AS high, abs(value - low - 1.959963984540054 * sqrt(variance)) < 1e-12 AS low
	FROM spread, ml.evaluate('sold', 'houses') WHERE metric = 'auc';

-- Where there is little to go by, limits are NULL, and undefined metrics are left out.
SELECT metric, value IS NOT NULL AS value, low IS NOT NULL AS low, high IS NOT NULL AS high, n FROM ml.evaluate('price', 'SELECT * FROM houses WHERE id = 1');
SELECT metric, value IS NOT NULL AS value, low IS NOT NULL AS low, high IS NOT NULL AS high, n FROM ml.evaluate('sold', 'SELECT * FROM houses WHERE id = 1');
SELECT metric, low IS NOT NULL AS low FROM ml.evaluate('sold', '(SELECT * FROM houses WHERE sold LIMIT 1) UNION ALL (SELECT * FROM houses WHERE NOT sold LIMIT 30)') WHERE metric IN ('auc', 'mcc', 'brier');
-- Numbers as large and as small as there are; copies of rows are rows.
SELECT metric, low <= value AND value <= high AND low > 0 AND high < 'Infinity' AS around FROM ml.evaluate('price', 'SELECT area, rooms, price * 1e300 AS price FROM houses') WHERE metric IN ('rmse', 'mae', 'mape');
SELECT version FROM ml.train('tiny', 'SELECT area, rooms, price * 1e-200 AS price FROM houses', 'price', 'linear_regression');
SELECT metric, low <= value AND value <= high AND low > 0 AS around FROM ml.evaluate('tiny', 'SELECT area, rooms, price * 1e-200 AS price FROM houses') WHERE metric <> 'mape';
SELECT metric, round(((a.high - a.low) / (b.high - b.low))::numeric) AS narrower
	FROM ml.evaluate('sold', 'houses') a JOIN ml.evaluate('sold', 'SELECT h.* FROM houses h, generate_series(1, 25)') b USING (metric)
	WHERE metric IN ('auc', 'brier', 'f1', 'accuracy');
-- A replicate of the bootstrap may have one y only, and then no r2.
SELECT metric, low IS NULL AS no_limits FROM ml.evaluate('price', 'SELECT area, rooms, CASE id WHEN 1 THEN 0.3 ELSE 0.1 END AS price FROM houses WHERE id < 20') WHERE metric IN ('r2', 'rmse');

-- Confusion: all pairs of known classes; then what the model does not know.
SELECT * FROM ml.confusion('band', 'houses');
SELECT c.n = count(s.*) AS same FROM ml.confusion('sold', 'houses') c LEFT JOIN scored s ON s.label::text = c.actual AND s.decided::text = c.predicted
	GROUP BY c.actual, c.predicted, c.n ORDER BY c.actual, c.predicted;
SELECT * FROM ml.confusion('band', 'SELECT area, rooms, CASE WHEN id < 30 THEN ''Zero'' WHEN id < 40 THEN ''apex'' ELSE ''low'' END AS band FROM houses WHERE id < 60');
SELECT sum(n) FROM ml.confusion('band', 'SELECT area, rooms, band AS truth FROM houses WHERE id % 2 = 0', target => 'truth');
SELECT * FROM ml.confusion('sold', 'SELECT area, rooms, NULL::boolean AS sold FROM houses LIMIT 3');

-- The curve: every score is a threshold, and the area under it is auc.
SELECT * FROM ml.roc('sold', 'houses') LIMIT 1;
SELECT count(*) - 1 = (SELECT count(DISTINCT p) FROM scored) AS points, max(false_positive_rate), max(true_positive_rate),
	min(threshold) = (SELECT min(p) FROM scored) AS least FROM ml.roc('sold', 'houses');
SELECT bool_and(abs(false_positive_rate - (SELECT avg((p >= threshold)::int) FROM scored WHERE NOT label)) < 1e-12) AS false_positives,
	bool_and(abs(true_positive_rate - (SELECT avg((p >= threshold)::int) FROM scored WHERE label)) < 1e-12) AS true_positives FROM ml.roc('sold', 'houses');
SELECT abs(sum((f - before_f) * (t + before_t) / 2) - (SELECT ml.auc(label, p) FROM scored)) < 1e-12 AS area FROM (
	SELECT false_positive_rate AS f, true_positive_rate AS t, lag(false_positive_rate) OVER w AS before_f, lag(true_positive_rate) OVER w AS before_t
	FROM ml.roc('sold', 'houses') WINDOW w AS (ORDER BY threshold DESC)) c;
SELECT count(*), count(false_positive_rate) AS false_rates, count(true_positive_rate) AS true_rates FROM ml.roc('sold', 'SELECT * FROM houses WHERE NOT sold AND id < 50');

-- Calibration.
SELECT bin, p_low, p_high, round(mean_probability::numeric, 6) AS mean_probability, round(observed_share::numeric, 6) AS observed_share,
	round(low::numeric, 6) AS low, round(high::numeric, 6) AS high, n FROM ml.calibration('sold', 'houses');
SELECT count(*), bool_and(c.n = s.n AND abs(c.mean_probability - s.p) < 1e-12 AND abs(c.observed_share - s.share) < 1e-12) AS same
	FROM ml.calibration('sold', 'houses', 7) c JOIN (SELECT least(floor(p * 7), 6) + 1 AS bin, count(*) AS n, avg(p) AS p, avg(label::int) AS share FROM scored GROUP BY 1) s USING (bin);
SELECT bin, p_low, p_high, n, observed_share IS NULL AND mean_probability IS NULL AND low IS NULL AND high IS NULL AS empty FROM ml.calibration('sold', 'SELECT * FROM houses WHERE id = 1', 3);
SELECT bin, n FROM ml.calibration('sold', 'SELECT area, rooms, sold AS truth FROM houses', bins => 1, target => 'truth');
SELECT count(*) FROM ml.calibration('sold', 'houses', 1000);

-- What cannot be, each with its next step.
SELECT ml.confusion('price', 'houses');
SELECT ml.roc('price', 'houses');
SELECT ml.calibration('price', 'houses');
SELECT ml.roc('band', 'houses');
SELECT ml.calibration('band', 'houses');
SELECT ml.calibration('sold', 'houses', 0);
SELECT ml.calibration('sold', 'houses', 1001);
SELECT ml.calibration('sold', 'houses', NULL);
SELECT ml.calibration(NULL, 'houses');
SELECT ml.confusion('sold', NULL);
SELECT ml.roc(NULL, 'houses');
SELECT ml.roc('sold', 'SELECT * FROM houses WHERE false');
SELECT ml.confusion('sold', 'houses', 'slod');
SELECT ml.calibration('slod', 'houses');
SELECT ml.evaluate('sold', 'houses', '{sied}');
SELECT count(*) FROM ml.evaluate('sold', 'houses', NULL);

-- They need the right to use the model, and the right to read the rows; they write nothing.
\set VERBOSITY terse
GRANT USAGE ON SCHEMA ml TO regress_ml_judge;
SET ROLE regress_ml_judge;
SELECT ml.confusion('sold', 'SELECT 1 AS area');
SELECT ml.roc('sold', 'SELECT 1 AS area');
SELECT ml.calibration('sold', 'SELECT 1 AS area');
RESET ROLE;
SELECT ml.grant('sold', 'use', 'regress_ml_judge');
SET ROLE regress_ml_judge;
SELECT ml.confusion('sold', 'houses');
RESET ROLE;
GRANT SELECT ON houses TO regress_ml_judge;
SET ROLE regress_ml_judge;
BEGIN READ ONLY;
SELECT sum(n) FROM ml.confusion('sold', 'houses');
SELECT count(*) > 10 FROM ml.roc('sold', 'houses');
SELECT sum(n) FROM ml.calibration('sold', 'houses');
SELECT count(*), count(low) AS limits FROM ml.evaluate('sold', 'houses');
COMMIT;
RESET ROLE;

\c postgres
DROP DATABASE regress_ml_evaluate;
DROP ROLE regress_ml_judge;
