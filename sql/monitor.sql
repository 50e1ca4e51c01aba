--
-- How a model is watched, and drift of sources: all that needs no worker
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
RESET client_min_messages;
SET extra_float_digits = 0;
SET intervalstyle = postgres;
CREATE SCHEMA monitor_test;
SET search_path = monitor_test, pg_catalog;
CREATE TABLE watched AS SELECT i, (i * 7919) % 1000 AS amount, (i * 31) % 24 AS hour, (ARRAY['red', 'green', 'blue'])[1 + i % 3] AS color,
	i % 2 = 0 AS flag, 7 AS constant, NULL::float8 AS nothing, date '2024-01-01' + i % 300 AS day, '{1}'::int[] AS other,
	2.0 * ((i * 7919) % 1000) + i % 5 AS y
	FROM generate_series(1, 3000) i;
SELECT version FROM ml.train('watched', 'SELECT amount, hour, color, flag, y FROM watched', 'y', algorithm => 'linear_regression');

-- settings that are wrong
SELECT ml.set_monitor(NULL);
\set VERBOSITY terse
SELECT ml.set_monitor('nobody');
\set VERBOSITY default
SELECT ml.set_monitor('watched', '1 month');
SELECT ml.set_monitor('watched', '0');
SELECT ml.set_monitor('watched', slices => '{colour}');
SELECT ml.set_monitor('watched', slices => '{color,color}');
SELECT ml.set_monitor('watched', slices => '{:prediction}');
SELECT ml.set_monitor('watched', cyclic => '{color}');
SELECT ml.set_monitor('watched', methods => '{ps1}');
SELECT ml.set_monitor('watched', min_rows => 0);
SELECT ml.set_monitor('watched', log_fraction => 1.5);
SELECT ml.set_monitor('watched', log_fraction => 'NaN');
SELECT ml.set_monitor('watched', alpha => 0);
SELECT ml.set_monitor('watched', alert_after => 3, alert_of => 2);
SELECT ml.set_monitor('watched', truth_source => ' ');

-- defaults, settings, and back
SELECT window_length, slices, methods, min_rows, log_fraction, alpha, alert_after, alert_of, columns, false_alarms, detection_delay, problem
	FROM ml.monitors WHERE model = 'watched';
SELECT ml.set_monitor('watched', '1 day', slices => '{color}', cyclic => '{hour}', min_rows => 150, alert_after => 2, alert_of => 3);
SELECT window_length, slices, methods, min_rows, alert_after, alert_of, cyclic, false_alarms < 1e-4 AS rare, detection_delay, problem
	FROM ml.monitors WHERE model = 'watched';
SELECT version, slices, counts IS NOT NULL AS counted FROM ml.slice_baselines WHERE model = 'watched';
SELECT kind, detail FROM ml.events WHERE model = 'watched' AND kind LIKE '%monitor%' ORDER BY event_id;
-- the source is no longer what it was
UPDATE watched SET y = y + 1 WHERE i = 1;
SELECT ml.set_monitor('watched', slices => '{flag}');
SELECT problem FROM ml.monitors WHERE model = 'watched';
UPDATE watched SET y = y - 1 WHERE i = 1;
SELECT ml.set_monitor('watched', NULL);
SELECT window_length, slices, alert_of, set_by IS NULL AS unset FROM ml.monitors WHERE model = 'watched';

-- a source, judged as a window
SELECT column_name, drift_type, method, n, verdict FROM ml.monitor_source('watched', 'SELECT amount, hour, color, flag FROM watched');
SELECT column_name, method, n, verdict FROM ml.monitor_source('watched',
	'SELECT amount + 400 AS amount, NULL::int AS hour, ''violet'' AS color, flag FROM watched');
SELECT column_name, method, statistic, n, verdict FROM ml.monitor_source('watched', 'SELECT amount, hour, color, flag FROM watched LIMIT 0');
SELECT DISTINCT verdict FROM ml.monitor_source('watched', 'SELECT amount, hour, color, flag FROM watched LIMIT 50');
SELECT ml.monitor_source('watched', 'SELECT amount FROM watched');
-- by slices
SELECT ml.set_monitor('watched', slices => '{color}');
SELECT slice_key, slice_value, column_name, verdict FROM ml.monitor_source('watched',
	'SELECT CASE WHEN color = ''red'' THEN 5 ELSE amount END AS amount, hour, color, flag FROM watched') WHERE column_name = 'amount' ORDER BY 2 NULLS FIRST;

-- two sources
SELECT column_name, method, statistic, n_reference, n, verdict FROM ml.drift_between('watched', 'watched');
SELECT column_name, method, verdict FROM ml.drift_between('SELECT amount, color, constant, nothing FROM watched',
	'SELECT amount, CASE WHEN i % 5 = 0 THEN NULL ELSE color END AS color, 8 AS constant, 1.0::float8 AS nothing FROM watched');
SELECT column_name, verdict FROM ml.drift_between('SELECT amount::float8 FROM watched',
	'SELECT CASE WHEN i % 4 = 0 THEN ''NaN''::float8 WHEN i % 4 = 1 THEN ''infinity''::float8 ELSE amount END AS amount FROM watched');
SELECT method, verdict FROM ml.drift_between('SELECT nothing FROM watched', 'SELECT nothing FROM watched', '{welch_t,psi}');
SELECT ml.drift_between('SELECT i FROM watched', 'SELECT 1 AS j');
SELECT ml.drift_between('SELECT i FROM watched', 'SELECT ''x'' AS i');
SELECT ml.drift_between('SELECT i FROM watched', 'SELECT i FROM watched', '{nothing}');
SELECT ml.drift_between('SELECT other FROM watched', 'SELECT other FROM watched');

-- what a version was trained on
SELECT column_name, count > 2000 AS most, "distinct", null_share, jsonb_array_length(bins) AS bins FROM ml.baseline('watched') WHERE column_name <> ':prediction';

-- rights
CREATE ROLE regress_ml_watcher;
SET ROLE regress_ml_watcher;
SELECT ml.set_monitor('watched');
SELECT ml.monitor_source('watched', 'SELECT 1');
SELECT count(*) FROM ml.monitors WHERE model = 'watched';
RESET ROLE;
SELECT ml.grant('watched', 'use', 'regress_ml_watcher');
SET ROLE regress_ml_watcher;
SELECT ml.monitor_source('watched', 'SELECT 1');
SELECT model, version, columns FROM ml.monitors WHERE model = 'watched';
RESET ROLE;
SELECT ml.revoke('watched', 'use', 'regress_ml_watcher');
DROP ROLE regress_ml_watcher;
SELECT ml.undeploy('watched', 'production');
SELECT ml.drop_model('watched');
SELECT count(*) FROM ml.slice_baselines WHERE model = 'watched';
SET client_min_messages = warning;
DROP SCHEMA monitor_test CASCADE;
