-- demo.sql - a subscription business with a documented truth, from made-up rows to a deployed model.
--
--   psql -X -v ON_ERROR_STOP=1 -d DATABASE -f contrib/demo/demo.sql      in an empty database
--
-- ./bootstrap demo builds the extension, starts a server and comes here.
-- Every number comes from a hash of the customer's number, so each run makes the
-- same rows. README.md beside this file says what is true of them.

\set ON_ERROR_STOP on
\set QUIET on
\pset footer off
\pset null '(null)'

CREATE EXTENSION pg_mlops;
CREATE SCHEMA demo;
SET search_path = demo, public;

\echo
\echo '== 1. A business in SQL: 100,000 customers ==========================================='
\echo
\echo 'Each row comes from a hash of its number. demo.sql shows how; README.md says what is true of it.'
\echo

-- A number between 0 and 1 that depends on i and k alone.
CREATE FUNCTION demo.dice(i bigint, k bigint) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT ((hashint8extended(i, k) >> 11) + 4503599627370496.5) / 9007199254740992.0;
END;

CREATE TABLE demo.customers AS
SELECT i AS customer_id,
       CASE WHEN dice(i, 1) < 0.50 THEN 'basic' WHEN dice(i, 1) < 0.85 THEN 'plus' ELSE 'pro' END AS plan,
       (ARRAY['AT', 'DE', 'DE', 'DE', 'FR', 'FR', 'NL', 'US'])[1 + floor(8 * dice(i, 2))::int] AS country,
       date '2021-01-01' + floor(1826 * dice(i, 3))::int AS signed_up,
       1 + floor(-4 * ln(dice(i, 4)))::int AS seats,
       floor(30 * dice(i, 5) ^ 1.5)::int AS logins,
       floor(-1.2 * ln(dice(i, 6)))::int AS tickets,
       CASE WHEN dice(i, 7) < 0.7 THEN 1 + floor(5 * dice(i, 8) ^ 0.6)::int END AS satisfaction,
       dice(i, 9) < 0.2 AS is_test
FROM generate_series(1, 100000) AS i;

-- What only the generator knows; no model ever sees this table.
CREATE TABLE demo.truth AS
SELECT customer_id,
       1 / (1 + exp(-( 0.4
                     - 0.5 * (plan = 'plus')::int
                     - 1.0 * (plan = 'pro')::int
                     + 0.5 * (signed_up - date '2021-01-01') / 365.25
                     - 0.10 * logins
                     + 0.45 * tickets
                     - coalesce(0.7 * satisfaction, 1.9)))) AS p_churn,
       CASE plan WHEN 'basic' THEN 9 WHEN 'plus' THEN 29 ELSE 79 END
           + 6.5 * seats
           + 0.004 * (signed_up - date '2021-01-01') AS expected_revenue
FROM demo.customers;

-- What the business sees: the coin has fallen, the invoice is written (with noise of standard deviation 12).
-- Whether the customers of December 2025 leave is not known yet.
ALTER TABLE demo.customers ADD COLUMN churned boolean, ADD COLUMN revenue numeric(8, 2);
UPDATE demo.customers c
SET churned = CASE WHEN signed_up < date '2025-12-01' THEN dice(c.customer_id, 10) < t.p_churn END,
    revenue = t.expected_revenue
        + 12 * sqrt(-2 * ln(dice(c.customer_id, 11))) * cos(2 * pi() * dice(c.customer_id, 12))
FROM demo.truth t WHERE t.customer_id = c.customer_id;
ALTER TABLE demo.customers ADD PRIMARY KEY (customer_id);
ALTER TABLE demo.truth ADD PRIMARY KEY (customer_id);
VACUUM ANALYZE demo.customers, demo.truth;

\set ECHO queries
SELECT * FROM customers ORDER BY customer_id LIMIT 5;
SELECT count(*) AS customers, count(churned) AS labelled, count(*) - count(satisfaction) AS no_survey,
       round(avg(churned::int), 3) AS churn_rate, round(avg(revenue), 2) AS revenue
FROM customers;

\echo '== 2. Train: who leaves? ============================================================='
\echo

SELECT version, algorithm, rows, features, deployed, round(seconds::numeric, 2) AS seconds
FROM ml.train('churn', 'demo.customers', target => 'churned', exclude => '{revenue}',
              split => '{"method": "column", "column": "is_test"}');

\echo 'What was decided without being asked:'
\echo
SELECT jsonb_array_elements_text(notes) AS note FROM ml.versions WHERE model = 'churn' AND version = 1;

\echo '== 3. How good is it? The generator knows the best possible answer ==================='
\echo
\echo 'On the rows the model has not seen. "best possible" scores them with the true probabilities.'
\echo

SELECT s.who, count(*) AS rows,
       round(ml.auc(churned, s.p)::numeric, 4) AS auc,
       round(ml.log_loss(churned, s.p)::numeric, 4) AS log_loss,
       round(ml.brier(churned, s.p)::numeric, 4) AS brier,
       round(ml.calibration_error(churned, s.p)::numeric, 4) AS calibration
FROM customers c JOIN truth t USING (customer_id),
     LATERAL (VALUES (1, 'best possible', t.p_churn),
                     (2, 'the model', ml.probability('churn', c)),
                     (3, 'always 21 %', 0.21)) AS s (place, who, p)
WHERE is_test AND churned IS NOT NULL
GROUP BY s.place, s.who ORDER BY s.place;

\echo 'The model against the truth, term by term (README.md tells it):'
\echo

SELECT term, round(estimate::numeric, 5) AS estimate, truth,
       round(low::numeric, 5) AS low, round(high::numeric, 5) AS high, truth BETWEEN low AND high AS inside
FROM ml.coefficients('churn')
     JOIN (VALUES ('plan=plus', -0.5), ('plan=pro', -1.0), ('country=DE', 0), ('country=FR', 0),
                  ('country=NL', 0), ('country=US', 0), ('signed_up', round(0.5 / 365.25, 5)), ('seats', 0),
                  ('logins', -0.10), ('tickets', 0.45), ('satisfaction', -0.7)) AS t (term, truth) USING (term);

\echo '== 4. Train: how much do they pay? ==================================================='
\echo

SELECT version, algorithm, rows, features, deployed, round(seconds::numeric, 2) AS seconds
FROM ml.train('revenue', 'SELECT * FROM demo.customers', target => 'revenue', exclude => '{customer_id,churned}',
              split => '{"method": "column", "column": "is_test"}');

SELECT s.who, round(ml.rmse(revenue, s.y)::numeric, 3) AS rmse, round(ml.mae(revenue, s.y)::numeric, 3) AS mae,
       round(ml.r2(revenue, s.y)::numeric, 4) AS r2
FROM customers c JOIN truth t USING (customer_id),
     LATERAL (VALUES (1, 'best possible', t.expected_revenue),
                     (2, 'the model', ml.predict('revenue', c))) AS s (place, who, y)
WHERE is_test
GROUP BY s.place, s.who ORDER BY s.place;

SELECT term, round(estimate::numeric, 5) AS estimate, truth,
       round(low::numeric, 5) AS low, round(high::numeric, 5) AS high, truth BETWEEN low AND high AS inside
FROM ml.coefficients('revenue')
     JOIN (VALUES ('plan=plus', 20), ('plan=pro', 70), ('signed_up', 0.004), ('seats', 6.5), ('logins', 0),
                  ('tickets', 0), ('satisfaction', 0)) AS t (term, truth) USING (term);

\echo '== 5. A truth that is no line: how many hours of support? ============================'
\echo
\echo 'Rules with thresholds and exceptions, and noise of standard deviation 1. Nobody names the learner.'
\echo

\set ECHO none
CREATE TABLE demo.support AS
SELECT customer_id, CASE WHEN tickets = 0 THEN 0.5 WHEN plan = 'pro' THEN 1 + tickets ELSE 2.5 * tickets END
           + CASE WHEN logins BETWEEN 3 AND 9 THEN 2 ELSE 0 END
           + CASE WHEN country IN ('FR', 'US') AND seats > 4 THEN 3 ELSE 0 END
           + CASE WHEN satisfaction IS NULL THEN 1 ELSE 0 END AS expected_hours
FROM customers;
CREATE VIEW demo.support_log AS
SELECT customer_id, plan, country, signed_up, seats, logins, tickets, satisfaction, is_test,
       expected_hours + sqrt(-2 * ln(dice(customer_id, 13))) * cos(2 * pi() * dice(customer_id, 14)) AS hours
FROM customers JOIN support USING (customer_id);

\set ECHO queries
SELECT version, algorithm, rows, features, deployed, round(seconds::numeric, 2) AS seconds
FROM ml.train('support', 'demo.support_log', target => 'hours', exclude => '{customer_id}',
              split => '{"method": "column", "column": "is_test"}');
SELECT jsonb_array_elements_text(notes) AS note FROM ml.versions WHERE model = 'support';

SELECT s.who, round(ml.rmse(hours, s.y)::numeric, 4) AS rmse, round(ml.r2(hours, s.y)::numeric, 4) AS r2
FROM support_log l JOIN support t USING (customer_id),
     LATERAL (VALUES (1, 'best possible', t.expected_hours),
                     (2, 'the model', ml.predict('support', l))) AS s (place, who, y)
WHERE is_test
GROUP BY s.place, s.who ORDER BY s.place;

SELECT name, value FROM ml.summary('support') WHERE name IN ('trees', 'leaves', 'depth');

\echo '== 6. Score rows nobody has a label for =============================================='
\echo

SELECT customer_id, plan, logins, tickets, satisfaction,
       round(ml.probability('churn', c)::numeric, 3) AS p_model, round(t.p_churn::numeric, 3) AS p_true,
       ml.predict('churn', c, NULL::boolean) AS leaves,
       round(ml.predict('revenue', c)::numeric, 2) AS revenue
FROM customers c JOIN truth t USING (customer_id)
WHERE churned IS NULL
ORDER BY ml.probability('churn', c) DESC LIMIT 5;

\echo 'One that is not in the table, with a country never seen and no survey, as JSON:'
\echo

SELECT round(ml.probability('churn', jsonb '{"plan": "basic", "country": "JP", "signed_up": "2026-01-10",
       "seats": 2, "logins": 1, "tickets": 3, "satisfaction": null}')::numeric, 3) AS p_churn;

\echo '== 7. A second version goes into service, and back out ==============================='
\echo
\echo 'Somebody wants a simpler model: only the columns of the contract.'
\echo

SELECT version, features, deployed
FROM ml.train('churn', 'demo.customers', target => 'churned',
              features => '{plan,country,signed_up,seats}',
              split => '{"method": "column", "column": "is_test"}');
SELECT ml.deploy('churn', 2, reason => 'simpler');

SELECT version, round(auc::numeric, 4) AS auc, round(log_loss::numeric, 4) AS log_loss, deployed_as
FROM ml.leaderboard WHERE model = 'churn';

\echo 'The held-out rows say no. Back to the version before; a reason goes on record:'
\echo

SELECT ml.rollback('churn', reason => 'auc fell on held-out rows');

SELECT version, role, ended_at IS NULL AS serves_now, reason
FROM ml.deployments WHERE model = 'churn' ORDER BY deployment_id;

\echo '== 8. A rule in place of good intentions =============================================='
\echo
\echo 'From now on a version enters production only if it is not worse on the same rows. What does that say of version 2?'
\echo

SELECT ml.add_gate('churn', 'not worse', 'auc', versus => 'production', margin => 0.01);
SELECT gate, verdict, reason FROM ml.run_gates('churn', 2, 'SELECT * FROM demo.customers WHERE is_test');

\echo 'It may answer a tenth of the rows beside production, always the same ones:'
\echo

SELECT ml.deploy('churn', 2, role => 'canary', traffic => 0.1);
SELECT count(ml.probability('churn', c)) AS scored FROM customers c;
SELECT version, role, rows FROM ml.serving_counts() WHERE model = 'churn' AND role = 'canary';
SELECT ml.undeploy('churn', 'canary');

\echo '== 9. Where do they come from? ======================================================='
\echo

SELECT model, version, algorithm, source, relations, rows, left(fingerprint, 8) AS fingerprint, deployed_as
FROM ml.lineage ORDER BY model, version;

SELECT * FROM ml.impact('demo.customers', 'seats') ORDER BY 1, 2;

SELECT event_id, actor, kind, model, version, left(hash, 8) AS hash FROM ml.events ORDER BY event_id;

\echo 'Nobody has tampered with that record:'
\echo

SELECT * FROM ml.verify_events();

\echo 'The same rows, arguments and seed give the same bytes, in whatever order the rows lie:'
\echo

CREATE TABLE shuffled AS SELECT * FROM customers ORDER BY dice(customer_id, 99);
SELECT version, deployed
FROM ml.train('churn', 'demo.shuffled', target => 'churned', exclude => '{customer_id,revenue}',
              split => '{"method": "column", "column": "is_test"}');
SELECT version, rows, left(fingerprint, 16) AS fingerprint, left(artifact_sha256, 16) AS artifact_sha256
FROM ml.versions JOIN ml.snapshots USING (model, snapshot_id) WHERE model = 'churn' ORDER BY version;

\set ECHO none
\echo '== Yours to play on =================================================================='
\echo
\echo 'Schema demo has customers, truth, support, support_log and shuffled; ml.models, ml.versions, ml.runs, ml.events have the rest.'
\echo 'Try:'
\echo
\echo '    SELECT * FROM ml.evaluate(''churn'', ''SELECT * FROM demo.customers WHERE is_test'', slices => ''{plan}'');'
\echo '    SELECT * FROM ml.summary(''churn'');'
\echo '    SELECT ml.deploy(''churn'', 3, reason => ''same bytes, tidier table'');'
\echo '    SELECT * FROM ml.parameters;'
