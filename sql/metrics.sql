--
-- Metrics as aggregates
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
RESET client_min_messages;
SET extra_float_digits = 0;
CREATE SCHEMA metrics_test;
SET search_path = metrics_test, pg_catalog;

-- what there is
SELECT p.proname, pg_get_function_arguments(p.oid) AS arguments, p.provolatile, p.proparallel,
       a.aggcombinefn::regproc AS combine, a.aggtranstype::regtype AS state, a.aggfinalmodify,
       obj_description(p.oid, 'pg_proc') IS NOT NULL AS described
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid
WHERE p.pronamespace = 'ml'::regnamespace
  AND p.proname IN ('rmse', 'mae', 'r2', 'mape', 'auc', 'average_precision', 'log_loss', 'brier', 'accuracy', 'f1',
                    'precision', 'recall', 'mcc', 'calibration_error')
ORDER BY p.proname COLLATE "C";

--
-- Values worked out by hand
--
CREATE TABLE few (id int, y float8, y_hat float8, label boolean, p float8, predicted boolean);
INSERT INTO few VALUES
    (1, 3, 2.5, true, 0.9, true),
    (2, -0.5, 0, false, 0.8, true),
    (3, 2, 2, true, 0.7, true),
    (4, 7, 8, false, 0.4, false),
    (5, 4, 4, true, 0.4, false),
    (6, 1, 3, false, 0.1, false);

SELECT round(ml.rmse(y, y_hat)::numeric, 12) AS rmse, round(ml.mae(y, y_hat)::numeric, 12) AS mae,
       round(ml.r2(y, y_hat)::numeric, 12) AS r2, round(ml.mape(y, y_hat)::numeric, 12) AS mape
FROM few;
SELECT round(ml.auc(label, p)::numeric, 12) AS auc,
       round(ml.average_precision(label, p)::numeric, 12) AS average_precision,
       round(ml.log_loss(label, p)::numeric, 12) AS log_loss, round(ml.brier(label, p)::numeric, 12) AS brier,
       round(ml.calibration_error(label, p)::numeric, 12) AS calibration_error
FROM few;
SELECT round(ml.accuracy(label, predicted)::numeric, 12) AS accuracy, round(ml.f1(label, predicted)::numeric, 12) AS f1,
       round(ml.precision(label, predicted)::numeric, 12) AS "precision",
       round(ml.recall(label, predicted)::numeric, 12) AS recall, round(ml.mcc(label, predicted)::numeric, 12) AS mcc
FROM few;
-- the same from the definitions
SELECT abs(ml.rmse(y, y_hat) - sqrt(avg((y - y_hat) ^ 2))) < 1e-12 AS rmse,
       abs(ml.mae(y, y_hat) - avg(abs(y - y_hat))) < 1e-12 AS mae,
       abs(ml.r2(y, y_hat) - (1 - sum((y - y_hat) ^ 2) / (var_pop(y) * count(*)))) < 1e-12 AS r2,
       abs(ml.mape(y, y_hat) - avg(abs(y - y_hat) / abs(y))) < 1e-12 AS mape,
       abs(ml.log_loss(label, p) - avg(-ln(CASE WHEN label THEN p ELSE 1 - p END))) < 1e-12 AS log_loss,
       abs(ml.brier(label, p) - avg((label::int - p) ^ 2)) < 1e-12 AS brier,
       abs(ml.mcc(label, predicted) - corr(label::int, predicted::int)) < 1e-12 AS mcc
FROM few;

--
-- NULL, nothing, and what is not defined
--
CREATE TABLE holes AS
    SELECT * FROM few
    UNION ALL SELECT 7, NULL, 1, NULL, 0.5, true
    UNION ALL SELECT 8, 1, NULL, true, NULL, NULL
    UNION ALL SELECT 9, NULL, NULL, NULL, NULL, NULL;
CREATE VIEW all_metrics AS
    SELECT ml.rmse(y, y_hat) AS rmse, ml.mae(y, y_hat) AS mae, ml.r2(y, y_hat) AS r2, ml.mape(y, y_hat) AS mape,
           ml.auc(label, p) AS auc, ml.average_precision(label, p) AS ap, ml.log_loss(label, p) AS log_loss,
           ml.brier(label, p) AS brier, ml.accuracy(label, predicted) AS accuracy, ml.f1(label, predicted) AS f1,
           ml.precision(label, predicted) AS "precision", ml.recall(label, predicted) AS recall,
           ml.mcc(label, predicted) AS mcc, ml.calibration_error(label, p) AS calibration_error
    FROM holes;
SELECT row(m.*) = row(f.*) AS rows_with_null_are_passed_over
FROM all_metrics m,
     (SELECT ml.rmse(y, y_hat), ml.mae(y, y_hat), ml.r2(y, y_hat), ml.mape(y, y_hat), ml.auc(label, p),
             ml.average_precision(label, p), ml.log_loss(label, p), ml.brier(label, p),
             ml.accuracy(label, predicted), ml.f1(label, predicted), ml.precision(label, predicted),
             ml.recall(label, predicted), ml.mcc(label, predicted), ml.calibration_error(label, p) FROM few) f;
BEGIN;
DELETE FROM holes WHERE id < 7;
SELECT num_nonnulls(VARIADIC ARRAY[rmse, mae, r2, mape, auc, ap, log_loss, brier, accuracy, f1, "precision", recall,
                                   mcc, calibration_error]) AS defined FROM all_metrics;
DELETE FROM holes;
SELECT num_nonnulls(VARIADIC ARRAY[rmse, mae, r2, mape, auc, ap, log_loss, brier, accuracy, f1, "precision", recall,
                                   mcc, calibration_error]) AS defined FROM all_metrics;
ROLLBACK;
-- one class
SELECT label, ml.auc(label, p) AS auc, round(ml.average_precision(label, p)::numeric, 6) AS ap,
       ml.recall(label, predicted) IS NULL AS no_recall, ml.mcc(label, predicted) IS NULL AS no_mcc
FROM few GROUP BY label ORDER BY label;
-- nothing predicted to be positive
SELECT ml.precision(label, false), ml.recall(label, false), ml.f1(label, false), ml.mcc(label, false),
       ml.accuracy(label, false) FROM few;
SELECT ml.f1(false, false), ml.precision(false, false), ml.recall(false, false) FROM few;
-- perfect, and perfectly wrong
SELECT ml.mcc(label, label), ml.mcc(label, NOT label), ml.f1(label, label), ml.f1(label, NOT label),
       ml.auc(label, label::int), ml.auc(label, -(label::int)), ml.r2(y, y), ml.rmse(y, y),
       ml.calibration_error(label, label::int) FROM few;
-- a constant target, one row, the mean as prediction
SELECT ml.r2(5, y_hat) IS NULL AS constant, ml.r2(y, (SELECT avg(y) FROM few)) AS mean FROM few;
SELECT ml.r2(y, y_hat) IS NULL AS one_row, ml.rmse(y, y_hat) FROM few WHERE id = 1;
-- a zero target is not left out
SELECT ml.mape(y, y_hat) > 1e15 AS loud FROM (VALUES (0::float8, 1::float8), (1, 1)) v(y, y_hat);
SELECT ml.mape(y, y_hat) FROM (VALUES (0::float8, 0::float8), (1, 1.5)) v(y, y_hat);

--
-- Ties
--
SELECT ml.auc(label, 0.5), ml.average_precision(label, 0.5) FROM few;
SELECT ml.auc(l, s) FROM (VALUES (true, 0::float8), (false, '-0'), (true, 1), (false, 1)) v(l, s);
SELECT ml.auc(i % 3 = 0, i / 10), ml.average_precision(i % 3 = 0, i / 10) FROM generate_series(1, 99) i;

--
-- Infinity and NaN
--
SELECT ml.auc(l, s), ml.average_precision(l, s)
FROM (VALUES (true, 'Infinity'::float8), (false, '-Infinity'), (true, '-1e308'), (false, '1e308')) v(l, s);
SELECT ml.rmse(y, y_hat), ml.mae(y, y_hat), ml.r2(y, y_hat) FROM (VALUES (1::float8, 'Infinity'::float8), (2, 2)) v(y, y_hat);
SELECT ml.rmse(y, y_hat), ml.mae(y, y_hat), ml.r2(y, y_hat), ml.mape(y, y_hat)
FROM (VALUES (1::float8, 'NaN'::float8), (2, 2)) v(y, y_hat);
SELECT ml.rmse(y, y_hat), ml.mae(y, y_hat), ml.r2(y, y_hat), ml.mape(y, y_hat)
FROM (VALUES ('Infinity'::float8, 'Infinity'::float8), (2, 2)) v(y, y_hat);
SELECT ml.auc(true, 'NaN');
SELECT ml.average_precision(label, 'NaN') FROM few;
SELECT ml.log_loss(true, 1.5);
SELECT ml.log_loss(true, 'NaN');
SELECT ml.brier(false, -0.25);
SELECT ml.calibration_error(false, '-Infinity');
-- certainty that was wrong is clipped
SELECT round(ml.log_loss(true, 0)::numeric, 6) AS wrong, round(ml.log_loss(false, 0)::numeric, 6) AS right_;
SELECT ml.calibration_error(l, p) FROM (VALUES (true, 1::float8), (false, 0), (true, '-0')) v(l, p);

--
-- Nothing is rounded on the way
--
SELECT ml.rmse(y, 0), ml.mae(y, 0) FROM (VALUES (1e200::float8), (1e200)) v(y);
SELECT ml.rmse(y, 0) FROM (VALUES (1e-200::float8), (1e-200)) v(y);
SELECT ml.mae(y, 0) FROM (VALUES (1e308::float8), (1e308), (1e308)) v(y);
-- a large level does not drown the variance
SELECT ml.r2(1e15 + i, 1e15 + i + (i % 2)) = ml.r2(i, i + (i % 2)) AS same FROM generate_series(1, 1000) i;
SELECT ml.mae(y, 0) * 3 - 1e16 FROM (VALUES (1e16::float8), (1), (1)) v(y);

--
-- Any type with an equality
--
SELECT ml.accuracy(a, b) FROM (VALUES ('x'::text, 'x'::text), ('y', 'z')) v(a, b);
SELECT ml.accuracy(a, b) FROM (VALUES (1.0, 1.000), (2, 3), (4, 4), (NULL, 5)) v(a, b);
SELECT ml.accuracy(a, b) FROM (VALUES (ARRAY[1, 2], ARRAY[1, 2]), (ARRAY[1], ARRAY[2])) v(a, b);
SELECT ml.accuracy(a, b) FROM (VALUES ('NaN'::float8, 'NaN'::float8)) v(a, b);
SELECT ml.accuracy(point(1, 2), point(1, 2));
SELECT ml.accuracy('{}'::json, '{}'::json);
\set VERBOSITY terse
SELECT ml.accuracy(1, 'a'::text);
\set VERBOSITY default

--
-- GROUP BY, FILTER, DISTINCT, ORDER BY, windows
--
SELECT label, ml.mae(y, y_hat), ml.brier(label, p) FROM few GROUP BY label ORDER BY label;
SELECT label, predicted, ml.mae(y, y_hat) FROM few GROUP BY CUBE (label, predicted) ORDER BY 1, 2;
SELECT ml.mae(y, y_hat) FILTER (WHERE id > 3), ml.auc(label, p) FILTER (WHERE id > 3),
       ml.auc(label, p ORDER BY id DESC) = ml.auc(label, p) AS order_does_not_matter,
       ml.mae(DISTINCT y, y_hat) = ml.mae(y, y_hat) AS distinct_rows FROM few;
SELECT id, ml.mae(y, y_hat) OVER w AS mae, round((ml.r2(y, y_hat) OVER w)::numeric, 6) AS r2,
       round((ml.auc(label, p) OVER w)::numeric, 6) AS auc,
       round((ml.average_precision(label, p) OVER w)::numeric, 6) AS ap,
       round((ml.mcc(label, predicted) OVER w)::numeric, 6) AS mcc,
       round((ml.calibration_error(label, p) OVER w)::numeric, 6) AS calibration_error
FROM few WINDOW w AS (ORDER BY id) ORDER BY id;
SELECT id, round((ml.auc(label, p) OVER w)::numeric, 6) AS auc, ml.accuracy(label, predicted) OVER w AS accuracy
FROM few WINDOW w AS (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) ORDER BY id;

--
-- The same bits in any order and in any plan
--
CREATE TABLE many AS
    SELECT i AS id, i % 7 AS g, sin(i) * 10 ^ (i % 30 - 15) AS y, cos(i * i) * 10 ^ (i % 30 - 15) AS y_hat,
           sin(i) > 0.3 AS label, abs(sin(i * 1.1)) AS p, round((i * 7919 % 1000)::numeric / 1000, 2)::float8 AS score,
           cos(i) > 0.2 AS predicted, 'class ' || i % 4 AS t, 'class ' || i % 3 AS t_hat
    FROM generate_series(1, 20000) i;
ALTER TABLE many SET (parallel_workers = 3);
ANALYZE many;
CREATE FUNCTION bits(source text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format($q$
        SELECT string_agg(r::text, E'\n' ORDER BY g) FROM (
            SELECT g, row(float8send(ml.rmse(y, y_hat)), float8send(ml.mae(y, y_hat)), float8send(ml.r2(y, y_hat)),
                   float8send(ml.mape(y, y_hat)), float8send(ml.auc(label, score)), float8send(ml.auc(label, p)),
                   float8send(ml.average_precision(label, score)), float8send(ml.log_loss(label, p)),
                   float8send(ml.brier(label, p)), float8send(ml.accuracy(t, t_hat)),
                   float8send(ml.f1(label, predicted)), float8send(ml.precision(label, predicted)),
                   float8send(ml.recall(label, predicted)), float8send(ml.mcc(label, predicted)),
                   float8send(ml.calibration_error(label, p))) AS r
            FROM %1$s GROUP BY GROUPING SETS ((g), ())) s $q$, source) INTO result;
    RETURN result;
END $$;
CREATE FUNCTION bits_at_once(source text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format($q$
        SELECT row(float8send(ml.rmse(y, y_hat)), float8send(ml.mae(y, y_hat)), float8send(ml.r2(y, y_hat)),
                   float8send(ml.mape(y, y_hat)), float8send(ml.auc(label, score)), float8send(ml.auc(label, p)),
                   float8send(ml.average_precision(label, score)), float8send(ml.log_loss(label, p)),
                   float8send(ml.brier(label, p)), float8send(ml.accuracy(t, t_hat)),
                   float8send(ml.f1(label, predicted)), float8send(ml.precision(label, predicted)),
                   float8send(ml.recall(label, predicted)), float8send(ml.mcc(label, predicted)),
                   float8send(ml.calibration_error(label, p)))::text
        FROM %1$s $q$, source) INTO result;
    RETURN result;
END $$;
-- whether a plan adds up partial aggregates
CREATE FUNCTION is_partial(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line LIKE '%Partial%Aggregate%' THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;
SET max_parallel_workers_per_gather = 0;
CREATE TABLE expected_bits AS SELECT bits('many') AS grouped, bits_at_once('many') AS whole;
SELECT bits('(SELECT * FROM many ORDER BY md5(id::text)) s') = grouped AS grouped,
       bits_at_once('(SELECT * FROM many ORDER BY md5(id::text)) s') = whole AS whole FROM expected_bits;
SET max_parallel_workers_per_gather = 3;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT is_partial('SELECT ml.rmse(y, y_hat), ml.auc(label, p), ml.accuracy(t, t_hat) FROM many') AS partial;
SELECT bits_at_once('many') = whole AS whole FROM expected_bits;
SET parallel_leader_participation = off;
SELECT bits_at_once('many') = whole AS whole FROM expected_bits;
RESET parallel_leader_participation;
CREATE TABLE grouped AS
    SELECT g, ml.rmse(y, y_hat) AS rmse, ml.r2(y, y_hat) AS r2, ml.auc(label, p) AS auc,
           ml.calibration_error(label, p) AS ce, ml.mcc(label, predicted) AS mcc FROM many GROUP BY g;
SELECT is_partial('SELECT g, ml.rmse(y, y_hat), ml.auc(label, p) FROM many GROUP BY g') AS partial;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM (
    SELECT * FROM grouped EXCEPT ALL
    SELECT g, ml.rmse(y, y_hat), ml.r2(y, y_hat), ml.auc(label, p), ml.calibration_error(label, p),
           ml.mcc(label, predicted) FROM many GROUP BY g) s;
-- workers that see no row, or no row without a NULL
SET max_parallel_workers_per_gather = 3;
SELECT ml.auc(label, p), ml.rmse(y, y_hat) FROM many WHERE id < 0;
SELECT ml.auc(label, CASE WHEN id <= 3 THEN p END) AS auc, ml.mae(y, CASE WHEN id = 2 THEN y END) AS mae FROM many;
-- spilling and sorted groups
SET max_parallel_workers_per_gather = 0;
SET work_mem = '64kB';
SELECT count(*), sum((mae = abs(y - y_hat))::int) AS right_ FROM (
    SELECT id, min(y) AS y, min(y_hat) AS y_hat, ml.mae(y, y_hat) AS mae, ml.auc(label, p) AS auc
    FROM many GROUP BY id) s;
RESET work_mem;
-- pieces that are combined by hand, as partitions are
CREATE TABLE parted (LIKE many) PARTITION BY LIST (g);
CREATE TABLE parted_0 PARTITION OF parted FOR VALUES IN (0, 1, 2);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (3, 4, 5, 6);
INSERT INTO parted SELECT * FROM many;
ANALYZE parted;
SET enable_partitionwise_aggregate = on;
SELECT bits_at_once('parted') = whole AS whole FROM expected_bits;
RESET enable_partitionwise_aggregate;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

--
-- Hostile hands
--
SELECT ml.rmse_accum(NULL, 1, 2);
SELECT ml.rmse_accum('\x00', 1, 2);
SELECT ml.ranking_accum(NULL, NULL, NULL);
SELECT ml.metric_combine('\x00', '\x00');
SELECT ml.ranking_combine('\x00', NULL);
SELECT ml.rmse_final('\x00');
SELECT ml.auc_final('\x00');

-- each support function inside an aggregate of someone else's making
CREATE AGGREGATE get_state(float8, float8) (SFUNC = ml.rmse_accum, STYPE = bytea);
CREATE AGGREGATE get_r2_state(float8, float8) (SFUNC = ml.r2_accum, STYPE = bytea);
CREATE AGGREGATE get_ranking(boolean, float8) (SFUNC = ml.ranking_accum, STYPE = bytea);
CREATE AGGREGATE get_decisions(boolean, boolean) (SFUNC = ml.decision_accum, STYPE = bytea);
CREATE AGGREGATE get_calibration(boolean, float8) (SFUNC = ml.calibration_error_accum, STYPE = bytea);
CREATE AGGREGATE merge_states(bytea) (SFUNC = ml.metric_combine, STYPE = bytea);
CREATE AGGREGATE merge_rankings(bytea) (SFUNC = ml.ranking_combine, STYPE = bytea);
CREATE FUNCTION last_state(bytea, bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS 'SELECT $2';
DO $$
DECLARE
    f text;
BEGIN
    FOREACH f IN ARRAY ARRAY['rmse', 'r2', 'mae', 'auc', 'average_precision', 'accuracy', 'mcc', 'f1', 'precision',
                             'recall', 'calibration_error', 'log_loss', 'brier', 'mape'] LOOP
        EXECUTE format('CREATE AGGREGATE final_%1$s(bytea) (SFUNC = last_state, STYPE = bytea, FINALFUNC = ml.%1$s_final)', f);
    END LOOP;
END $$;
CREATE AGGREGATE start_short(float8, float8) (SFUNC = ml.rmse_accum, STYPE = bytea, INITCOND = '\x00');
CREATE AGGREGATE start_empty(boolean, float8) (SFUNC = ml.ranking_accum, STYPE = bytea, INITCOND = '');
SELECT start_short(1, 2);
SELECT start_empty(true, 2);
SELECT merge_states(s) FROM (VALUES ('\x'::bytea)) v(s);
SELECT merge_rankings(s) FROM (VALUES ('\x'::bytea)) v(s);

-- states of the right making go round
SELECT final_rmse(s) = ml.rmse(y, y_hat) AS rmse FROM (SELECT get_state(y, y_hat) AS s FROM few) s, few GROUP BY s;
SELECT final_auc(s), final_average_precision(s) = ap AS same
FROM (SELECT merge_rankings(s) AS s FROM (SELECT get_ranking(label, p) AS s FROM few GROUP BY id % 2) r) s,
     (SELECT ml.average_precision(label, p) AS ap FROM few) e GROUP BY ap;
-- and the others are refused: another kind's, cut short, too long, one byte changed
CREATE TABLE states AS
    SELECT 'squares' AS kind, get_state(y, y_hat) AS s FROM few
    UNION ALL SELECT 'r2', get_r2_state(y, y_hat) FROM few
    UNION ALL SELECT 'ranking', get_ranking(label, p) FROM few
    UNION ALL SELECT 'decisions', get_decisions(label, predicted) FROM few
    UNION ALL SELECT 'calibration', get_calibration(label, p) FROM few;
CREATE FUNCTION outcome(query text, s bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE query INTO result USING s;
    RETURN 'a value';
EXCEPTION WHEN invalid_binary_representation THEN
    RETURN 'refused';
END $$;
SELECT kind,
       outcome('SELECT final_rmse($1)', s) AS rmse, outcome('SELECT final_r2($1)', s) AS r2,
       outcome('SELECT final_auc($1)', s) AS auc, outcome('SELECT final_mcc($1)', s) AS mcc,
       outcome('SELECT final_calibration_error($1)', s) AS calibration_error,
       outcome('SELECT final_mae($1)', s) AS mae, outcome('SELECT final_accuracy($1)', s) AS accuracy,
       outcome('SELECT merge_states($1)', s) AS metric_combine, outcome('SELECT merge_rankings($1)', s) AS ranking_combine
FROM states ORDER BY kind COLLATE "C";
CREATE TABLE damaged AS
    SELECT kind, 'cut to ' || n AS how, substr(s, 1, n) AS s FROM states, generate_series(0, octet_length(s) - 1) n
    UNION ALL SELECT kind, 'too long', s || '\x00' FROM states
    UNION ALL SELECT kind, 'tag ' || n, set_byte(s, n, get_byte(s, n) # 32) FROM states, generate_series(0, 3) n
    UNION ALL SELECT kind, 'no rows', overlay(s PLACING '\x0000000000000000' FROM 5) FROM states
    UNION ALL SELECT kind, 'minus one row', overlay(s PLACING '\xffffffffffffffff' FROM 5) FROM states
    UNION ALL SELECT kind, 'one count', overlay(s PLACING '\xffffffffffffffff' FROM 13) FROM states
                     WHERE kind IN ('ranking', 'decisions', 'calibration')
    UNION ALL SELECT kind, 'other count', overlay(s PLACING '\xffffffffffffff7f' FROM 13) FROM states
                     WHERE kind IN ('ranking', 'decisions', 'calibration');
SELECT kind, count(*) > 30 AS many,
       count(*) FILTER (WHERE outcome(CASE kind WHEN 'squares' THEN 'SELECT final_rmse($1)'
                                                WHEN 'r2' THEN 'SELECT final_r2($1)'
                                                WHEN 'ranking' THEN 'SELECT final_auc($1)'
                                                WHEN 'decisions' THEN 'SELECT final_mcc($1)'
                                                ELSE 'SELECT final_calibration_error($1)' END, s) <> 'refused') AS let_through,
       count(*) FILTER (WHERE outcome(CASE kind WHEN 'ranking' THEN 'SELECT merge_rankings($1)'
                                                ELSE 'SELECT merge_states($1)' END, s) <> 'refused') AS merged
FROM damaged GROUP BY kind ORDER BY kind COLLATE "C";
-- numbers that no honest run gives, in every byte of the sums, do no harm
SELECT kind, count(*) > 0 AS some,
       bool_and(outcome(CASE kind WHEN 'squares' THEN 'SELECT final_rmse($1)' ELSE 'SELECT final_r2($1)' END,
                        set_byte(s, n, 255)) = 'a value') AS survived
FROM states, generate_series(12, octet_length(s) - 1) n WHERE kind IN ('squares', 'r2') GROUP BY kind ORDER BY kind COLLATE "C";
-- rows that would overflow
SELECT merge_states(s) FROM (
    SELECT overlay(s PLACING '\xffffffffffffff7f' FROM 5) AS s FROM states, generate_series(1, 2) WHERE kind = 'squares') v;

SET client_min_messages = warning;
DROP SCHEMA metrics_test CASCADE;
