-- Metrics as aggregates. All of them pass over rows in which an argument is NULL, give NULL when no row is left or
-- the metric is not defined for the rows, and have the same bits whatever the order of the rows and the plan.
--
-- The states are bytea and have combine functions, so that workers and shards can add up a part each. The support
-- functions refuse to run outside an aggregate.

CREATE FUNCTION ml.rmse_accum(state bytea, y float8, y_hat float8) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_rmse_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

CREATE FUNCTION ml.mae_accum(state bytea, y float8, y_hat float8) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_mae_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

CREATE FUNCTION ml.r2_accum(state bytea, y float8, y_hat float8) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_r2_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;

CREATE FUNCTION ml.mape_accum(state bytea, y float8, y_hat float8) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_mape_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

CREATE FUNCTION ml.ranking_accum(state bytea, label boolean, score float8) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_ranking_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

CREATE FUNCTION ml.log_loss_accum(state bytea, label boolean, p float8) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_log_loss_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 4;

CREATE FUNCTION ml.brier_accum(state bytea, label boolean, p float8) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_brier_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

CREATE FUNCTION ml.accuracy_accum(state bytea, label anyelement, predicted anyelement) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_accuracy_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

CREATE FUNCTION ml.decision_accum(state bytea, label boolean, predicted boolean) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_decision_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION ml.calibration_error_accum(state bytea, label boolean, p float8) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_calibration_error_accum' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 2;

CREATE FUNCTION ml.metric_combine(a bytea, b bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_metric_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE;

CREATE FUNCTION ml.ranking_combine(a bytea, b bytea) RETURNS bytea
    AS 'MODULE_PATHNAME', 'ml_ranking_combine' LANGUAGE C IMMUTABLE PARALLEL SAFE COST 100;

CREATE FUNCTION ml.rmse_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_rmse_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

CREATE AGGREGATE ml.rmse(y float8, y_hat float8) (
    SFUNC = ml.rmse_accum,
    STYPE = bytea,
    SSPACE = 576,
    FINALFUNC = ml.rmse_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.rmse(float8, float8) IS
    'root mean squared error; 0 is perfect, in the unit of y';

CREATE FUNCTION ml.mae_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_mae_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

CREATE AGGREGATE ml.mae(y float8, y_hat float8) (
    SFUNC = ml.mae_accum,
    STYPE = bytea,
    SSPACE = 304,
    FINALFUNC = ml.mae_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.mae(float8, float8) IS
    'mean absolute error; 0 is perfect, in the unit of y';

CREATE FUNCTION ml.r2_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_r2_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 100;

CREATE AGGREGATE ml.r2(y float8, y_hat float8) (
    SFUNC = ml.r2_accum,
    STYPE = bytea,
    SSPACE = 1408,
    FINALFUNC = ml.r2_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.r2(float8, float8) IS
    'share of the variance of y that the predictions explain; 1 is perfect, 0 is as good as the mean, NULL when y is constant';

CREATE FUNCTION ml.mape_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_mape_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

CREATE AGGREGATE ml.mape(y float8, y_hat float8) (
    SFUNC = ml.mape_accum,
    STYPE = bytea,
    SSPACE = 304,
    FINALFUNC = ml.mape_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.mape(float8, float8) IS
    'mean absolute error as a fraction of |y|; a row with y = 0 is divided by 2.2e-16';

CREATE FUNCTION ml.auc_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_auc_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;

CREATE AGGREGATE ml.auc(label boolean, score float8) (
    SFUNC = ml.ranking_accum,
    STYPE = bytea,
    SSPACE = 1024,
    FINALFUNC = ml.auc_final,
    COMBINEFUNC = ml.ranking_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.auc(boolean, float8) IS
    'area under the ROC curve: chance that a positive row scores above a negative one, equal scores count half; NULL unless both classes occur';

CREATE FUNCTION ml.average_precision_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_average_precision_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 1000;

CREATE AGGREGATE ml.average_precision(label boolean, score float8) (
    SFUNC = ml.ranking_accum,
    STYPE = bytea,
    SSPACE = 1024,
    FINALFUNC = ml.average_precision_final,
    COMBINEFUNC = ml.ranking_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.average_precision(boolean, float8) IS
    'mean precision over the steps of recall, without interpolation; NULL when no row is positive';

CREATE FUNCTION ml.log_loss_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_log_loss_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

CREATE AGGREGATE ml.log_loss(label boolean, p float8) (
    SFUNC = ml.log_loss_accum,
    STYPE = bytea,
    SSPACE = 304,
    FINALFUNC = ml.log_loss_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.log_loss(boolean, float8) IS
    'mean negative logarithm of the probability given to what happened, with p kept 1e-15 away from 0 and 1';

CREATE FUNCTION ml.brier_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_brier_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE COST 10;

CREATE AGGREGATE ml.brier(label boolean, p float8) (
    SFUNC = ml.brier_accum,
    STYPE = bytea,
    SSPACE = 576,
    FINALFUNC = ml.brier_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.brier(boolean, float8) IS
    'mean squared error of the probability; 0 is perfect';

CREATE FUNCTION ml.accuracy_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_accuracy_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE ml.accuracy(label anyelement, predicted anyelement) (
    SFUNC = ml.accuracy_accum,
    STYPE = bytea,
    SSPACE = 24,
    FINALFUNC = ml.accuracy_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.accuracy(anyelement, anyelement) IS
    'share of the rows whose prediction equals the label by the equality of their type';

CREATE FUNCTION ml.f1_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_f1_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE ml.f1(label boolean, predicted boolean) (
    SFUNC = ml.decision_accum,
    STYPE = bytea,
    SSPACE = 48,
    FINALFUNC = ml.f1_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.f1(boolean, boolean) IS
    'harmonic mean of precision and recall; NULL when no row is positive and none was predicted to be';

CREATE FUNCTION ml.precision_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_precision_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE ml.precision(label boolean, predicted boolean) (
    SFUNC = ml.decision_accum,
    STYPE = bytea,
    SSPACE = 48,
    FINALFUNC = ml.precision_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.precision(boolean, boolean) IS
    'share of the positive predictions that are right; NULL when there are none';

CREATE FUNCTION ml.recall_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_recall_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE ml.recall(label boolean, predicted boolean) (
    SFUNC = ml.decision_accum,
    STYPE = bytea,
    SSPACE = 48,
    FINALFUNC = ml.recall_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.recall(boolean, boolean) IS
    'share of the positive rows that were found; NULL when there are none';

CREATE FUNCTION ml.mcc_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_mcc_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE ml.mcc(label boolean, predicted boolean) (
    SFUNC = ml.decision_accum,
    STYPE = bytea,
    SSPACE = 48,
    FINALFUNC = ml.mcc_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.mcc(boolean, boolean) IS
    'Matthews correlation coefficient of label and prediction; NULL when either is the same for all rows';

CREATE FUNCTION ml.calibration_error_final(state bytea) RETURNS float8
    AS 'MODULE_PATHNAME', 'ml_calibration_error_final' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;

CREATE AGGREGATE ml.calibration_error(label boolean, p float8) (
    SFUNC = ml.calibration_error_accum,
    STYPE = bytea,
    SSPACE = 272,
    FINALFUNC = ml.calibration_error_final,
    COMBINEFUNC = ml.metric_combine,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.calibration_error(boolean, float8) IS
    'expected calibration error: mean distance of the probability from the observed share over ten bins of equal width, weighted by rows';
