--
-- Detectors of change as aggregates
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
RESET client_min_messages;
SET extra_float_digits = 0;
CREATE SCHEMA detectors_test;
SET search_path = detectors_test, pg_catalog;

SELECT * FROM ml.detectors;

-- streams of test/unit/test_detect.c, by the generator of Lewis, Goodman and Miller
CREATE TABLE stream AS
WITH RECURSIVE drawn(i, a, b) AS (
	SELECT 0, 1 * 48271::bigint % 2147483647, 2 * 48271::bigint % 2147483647
	UNION ALL
	SELECT i + 1, a * 48271 % 2147483647, b * 48271 % 2147483647 FROM drawn WHERE i < 3999
)
SELECT i + 1 AS t,
	   (a / 2147483647.0::float8 < (ARRAY[0.2, 0.4, 0.1, 0.3])[1 + i / 1000])::int AS error,
	   b / 2147483647.0::float8 + (ARRAY[0, 0.3, 0.3, -0.2])[1 + i / 1000] AS number
FROM drawn ORDER BY md5(i::text);

-- the places are River's
SELECT (ml.adwin(error ORDER BY t)).* FROM stream;
SELECT (ml.adwin(number ORDER BY t)).drifts FROM stream;
SELECT (ml.adwin(error, '{"delta": 0.2, "clock": 8, "max_buckets": 3, "min_window_length": 2, "grace_period": 0}' ORDER BY t)).drifts FROM stream;
SELECT (ml.hddm_w(error ORDER BY t)).* FROM stream;
SELECT (ml.hddm_w(error, '{"two_sided_test": true}' ORDER BY t)).drifts FROM stream;
SELECT (ml.page_hinkley(error ORDER BY t)).* FROM stream;
SELECT (ml.page_hinkley(number, '{"threshold": 10, "mode": "down"}' ORDER BY t)).drifts FROM stream;
SELECT (ml.ddm(error ORDER BY t)).* FROM stream;
SELECT (ml.eddm(error ORDER BY t)).* FROM stream;
SELECT (ml.kswin(number ORDER BY t)).* FROM stream;
SELECT (ml.kswin(number, '{"alpha": 0.001, "window_size": 150, "stat_size": 50, "seed": 1099511627781}' ORDER BY t)).drifts FROM stream;

-- NULL is passed over, and has no place
SELECT (ml.adwin(x ORDER BY t, x NULLS FIRST)).drifts FROM (
	SELECT t, error AS x FROM stream UNION ALL SELECT t, NULL FROM stream WHERE t % 3 = 0) s;
SELECT (ml.adwin(x)).n, ml.adwin(x) IS NULL AS nothing FROM (SELECT NULL::float8 AS x FROM stream) s;
SELECT ml.ddm(x) FROM (SELECT 1 AS x WHERE false) s;
SELECT ml.kswin(x) FROM (VALUES (1.5)) s(x);
SELECT ml.eddm(x) FROM (VALUES (0), (1)) s(x);

-- as a window function: what was found up to each row
SELECT t, (d).drifts, (d).in_drift FROM (
	SELECT t, ml.adwin(error) OVER (ORDER BY t) AS d FROM stream) s
WHERE t IN (1087, 1088, 1089, 2080, 4000) ORDER BY t;
-- and by group
SELECT t % 2 AS half, (ml.hddm_w(error ORDER BY t)).drifts FROM stream GROUP BY 1 ORDER BY 1;

-- what they refuse
SELECT ml.adwin(x) FROM (VALUES ('NaN'::float8)) s(x);
SELECT ml.kswin(x) FROM (VALUES ('-inf'::float8)) s(x);
SELECT ml.hddm_w(x) FROM (VALUES (1.5)) s(x);
SELECT ml.ddm(x) FROM (VALUES (-0.1)) s(x);
SELECT ml.eddm(x) FROM (VALUES (0.5)) s(x);
SELECT ml.adwin(1, '{"delte": 0.1}');
SELECT ml.adwin(1, '{"delta": 2}');
SELECT ml.adwin(1, '[]');
SELECT ml.page_hinkley(1, '{"mode": "sideways"}');
SELECT ml.eddm(1, '{"alpha": 0.5, "beta": 0.6}');
SELECT ml.kswin(1, '{"stat_size": 60}');

DROP SCHEMA detectors_test CASCADE;
