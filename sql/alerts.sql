-- Alerts: one for each signal, how they open and close, who may do what with them.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_trainer;
CREATE ROLE regress_ml_deployer;
CREATE ROLE regress_ml_reader;
CREATE ROLE regress_ml_stranger;
CREATE DATABASE regress_ml_alerts TEMPLATE template0;
\c regress_ml_alerts
SET lc_messages = 'C';
CREATE EXTENSION pg_mlops;
CREATE TABLE regress_rows AS SELECT i AS x, 2 * i AS y FROM generate_series(1, 10) i;
GRANT SELECT ON regress_rows TO PUBLIC;
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT version, deployed FROM ml.train('churn', 'regress_rows', 'y', 'linear_regression', split => '{"method": "none"}');
SELECT version, deployed FROM ml.train('churn', 'regress_rows', 'y', 'linear_regression', split => '{"method": "none"}', deploy => 'never');
SELECT ml.grant('churn', 'train', 'regress_ml_trainer'), ml.grant('churn', 'deploy', 'regress_ml_deployer'), ml.grant('churn', 'use', 'regress_ml_reader');

-- A signal has one open alert; a slice is another signal, and so is another rule.
SELECT ml.raise_alert('churn', 'drift:x') AS first;
SELECT ml.raise_alert('churn', 'drift:x', 'error', detail => '{"statistic": 0.3}') AS again;
SELECT ml.raise_alert('churn', 'drift:x', slice => 'city=Rome') AS slice, ml.raise_alert('churn', 'drift:x', slice => 'city=Rome', detail => '{"statistic": 0.2}') AS slice_again, ml.raise_alert('churn/1', 'latency') AS rule;
SELECT alert_id, model, version, rule, severity, slice, state, detail, seen, reopened FROM ml.alerts ORDER BY 1;
-- Members of the detail replace those of their name.
SELECT ml.raise_alert('churn', 'drift:x', 'error', detail => '{"statistic": 0.4, "limit": 0.1}') AS again;
SELECT detail FROM ml.alerts WHERE alert_id = 1;
-- What is wrong.
SELECT ml.raise_alert('churn/2', 'latency');
SELECT ml.raise_alert('chrun', 'latency');
SELECT ml.raise_alert('churn', '');
SELECT ml.raise_alert('churn', NULL);
SELECT ml.raise_alert('churn', repeat('x', 257));
SELECT ml.raise_alert('churn', 'latency', 'fatal');
SELECT ml.raise_alert('churn', 'latency', slice => '');
SELECT ml.raise_alert('churn', 'latency', detail => '[]');
-- A long slice is kept as its beginning and a hash, by whole characters, and found by all of it.
SELECT ml.raise_alert('churn', 'long', slice => 'k=' || repeat('é', 3000)) AS long, ml.raise_alert('churn', 'long', slice => 'k=' || repeat('é', 3001)) AS longer, ml.raise_alert('churn', 'long', slice => 'k=' || repeat('é', 3000)) AS long_again;
SELECT alert_id, octet_length(slice), left(slice, 5), seen FROM ml.alerts WHERE rule = 'long' ORDER BY 1;
SELECT ml.clear_alert('churn', 'long', 'k=' || repeat('é', 3000)), ml.clear_alert('churn', 'long', 'k=' || repeat('é', 3001)), ml.clear_alert('churn', 'long');

-- Flapping is one alert: what comes back soon reopens it. What comes back late is a new one.
SELECT ml.clear_alert('churn', 'latency');
SELECT state, close_reason, closed_by, closed_at >= opened_at AS closed FROM ml.alerts WHERE alert_id = 3;
SELECT ml.clear_alert('churn', 'latency') AS twice;
SELECT ml.raise_alert('churn', 'latency') = 3 AS reopened;
SELECT state, seen, reopened, close_reason FROM ml.alerts WHERE alert_id = 3;
SELECT ml.clear_alert('churn', 'latency');
RESET SESSION AUTHORIZATION;
UPDATE ml.alerts SET closed_at = now() - interval '119 minutes', opened_at = now() - interval '1 day' WHERE alert_id = 3;
SELECT ml.raise_alert('churn', 'latency') AS after_less_than_two_windows, ml.clear_alert('churn', 'latency');
UPDATE ml.alerts SET closed_at = now() - interval '121 minutes' WHERE alert_id = 3;
SELECT ml.raise_alert('churn', 'latency') > 3 AS after_two_windows, ml.clear_alert('churn', 'latency');
UPDATE ml.models SET window_length = '1 minute';
UPDATE ml.alerts SET closed_at = now() - interval '59 minutes' WHERE rule = 'latency' AND alert_id > 3;
SELECT ml.raise_alert('churn', 'latency') = max(alert_id) AS after_less_than_an_hour, ml.clear_alert('churn', 'latency') FROM ml.alerts WHERE rule = 'latency';
UPDATE ml.models SET window_length = NULL;
SET SESSION AUTHORIZATION regress_ml_owner;

-- Acknowledged, muted, closed, reopened.
SELECT ml.acknowledge_alert(1, 'on it');
SELECT state, acknowledged_by, acknowledged_at IS NOT NULL AS at, comment FROM ml.alerts WHERE alert_id = 1;
SELECT ml.acknowledge_alert(1);
SELECT ml.acknowledge_alert(1, 'still on it');
SELECT ml.mute_alert(1, '1 hour');
SELECT ml.raise_alert('churn', 'drift:x');
SELECT state, acknowledged_by, muted_until > now() + interval '59 minutes' AS until, seen, severity, comment FROM ml.alerts WHERE alert_id = 1;
-- What comes back while it is muted is muted, however long it was away.
SELECT ml.clear_alert('churn', 'drift:x');
RESET SESSION AUTHORIZATION;
UPDATE ml.alerts SET closed_at = now() - interval '7 days', opened_at = now() - interval '8 days' WHERE alert_id = 1;
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT ml.raise_alert('churn', 'drift:x');
SELECT state, reopened FROM ml.alerts WHERE alert_id = 1;
SELECT ml.unmute_alert(1);
SELECT ml.unmute_alert(1);
SELECT state FROM ml.alerts WHERE alert_id = 1;
SELECT ml.mute_alert(1, until => 'infinity');
SELECT state, muted_until FROM ml.alerts WHERE alert_id = 1;
SELECT ml.close_alert(1, 'season');
SET client_min_messages = warning;
SELECT ml.close_alert(1);
RESET client_min_messages;
SELECT state, closed_by, close_reason, comment, muted_until FROM ml.alerts WHERE alert_id = 1;
\set VERBOSITY sqlstate
SELECT ml.acknowledge_alert(1);
SELECT ml.mute_alert(1, '1 hour');
\set VERBOSITY default
-- What a person has closed is not reopened by a signal.
SELECT ml.raise_alert('churn', 'drift:x') > 1 AS new;
SELECT ml.reopen_alert(1);
SELECT ml.clear_alert('churn', 'drift:x');
SELECT ml.reopen_alert(1, 'no season');
SELECT ml.reopen_alert(1);
SELECT state, closed_by, acknowledged_by, comment, reopened FROM ml.alerts WHERE alert_id = 1;
-- A mute whose time is over ends when the signal is seen, and when policies are run.
SELECT ml.mute_alert(1, '1 hour'), ml.mute_alert(2, '1 hour');
RESET SESSION AUTHORIZATION;
UPDATE ml.alerts SET muted_until = now() - interval '1 second' WHERE muted_until IS NOT NULL;
SELECT ml.raise_alert('churn', 'drift:x');
SELECT alert_id, state FROM ml.alerts WHERE alert_id IN (1, 2) ORDER BY 1;
SELECT ml.run_policies();
SELECT alert_id, state FROM ml.alerts WHERE alert_id IN (1, 2) ORDER BY 1;
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT ml.mute_alert(1);
SELECT ml.mute_alert(1, '1 hour', now());
\set VERBOSITY terse
SELECT ml.mute_alert(1, '0');
SELECT ml.mute_alert(1, '-1 day');
\set VERBOSITY default
SELECT ml.acknowledge_alert(0);
SELECT ml.acknowledge_alert(NULL);

-- Who deploys or trains acts on alerts; who uses sees them; only the owner raises.
SET SESSION AUTHORIZATION regress_ml_trainer;
SELECT ml.acknowledge_alert(1, 'trainer');
SELECT ml.raise_alert('churn', 'latency');
SET SESSION AUTHORIZATION regress_ml_deployer;
SELECT ml.acknowledge_alert(2, 'deployer');
\set VERBOSITY terse
SELECT ml.clear_alert('churn', 'latency');
\set VERBOSITY default
SET SESSION AUTHORIZATION regress_ml_reader;
SELECT count(*) > 0 AS seen FROM ml.alerts;
SELECT ml.close_alert(1);
UPDATE ml.alerts SET comment = 'x';
SET SESSION AUTHORIZATION regress_ml_stranger;
SELECT count(*) AS seen FROM ml.alerts;
\set VERBOSITY terse
SELECT ml.close_alert(1);
BEGIN READ ONLY;
SELECT ml.close_alert(1);
ROLLBACK;

-- Alerts of a version that serves no more are closed; those of a version that is dropped go with it.
SET SESSION AUTHORIZATION regress_ml_owner;
SELECT ml.deploy('churn', 2);
SELECT ml.run_policies();
SELECT DISTINCT version, state, close_reason FROM ml.alerts WHERE close_reason <> 'cleared' ORDER BY 1;
SELECT ml.raise_alert('churn', 'latency') > 0 AS raised;
SELECT count(DISTINCT version) FROM ml.alerts;
SELECT ml.drop_version('churn', 1);
SELECT DISTINCT version FROM ml.alerts;

-- Everything people did is in the chain of events, and what signals did is not.
SELECT kind, actor, version, count(*) FROM ml.events WHERE kind LIKE '%alert' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT detail - 'until' AS detail FROM ml.events WHERE kind = 'close_alert';
SELECT * FROM ml.verify_events();
SELECT ml.undeploy('churn', 'production');
SELECT ml.drop_model('churn');
RESET SESSION AUTHORIZATION;
SELECT count(*) FROM ml.alerts;
\c postgres
DROP DATABASE regress_ml_alerts;
DROP ROLE regress_ml_owner, regress_ml_trainer, regress_ml_deployer, regress_ml_reader, regress_ml_stranger;
