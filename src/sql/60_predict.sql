-- Scoring and judging.

-- The planner asks it about the functions below: a whole row becomes its columns, and calls get a cost.
CREATE FUNCTION ml.predict_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE STRICT AS 'MODULE_PATHNAME', 'ml_predict_support';
COMMENT ON FUNCTION ml.predict_support(internal) IS 'internal: what the planner asks about scoring';

CREATE FUNCTION ml.predict(model text, features anyelement, result anycompatible DEFAULT NULL::double precision)
    RETURNS anycompatible
    LANGUAGE c STABLE PARALLEL SAFE COST 100 SUPPORT ml.predict_support
    AS 'MODULE_PATHNAME', 'ml_predict';
COMMENT ON FUNCTION ml.predict(text, anyelement, anycompatible) IS
    'the predicted value or label of a row, an array or jsonb, as a value of the third argument''s type';

CREATE FUNCTION ml.probability(model text, features anyelement, class text DEFAULT NULL)
    RETURNS double precision
    LANGUAGE c STABLE PARALLEL SAFE COST 100 SUPPORT ml.predict_support
    AS 'MODULE_PATHNAME', 'ml_probability';
COMMENT ON FUNCTION ml.probability(text, anyelement, text) IS
    'the probability of a class; of the positive one when a model of two classes is not asked for another';

CREATE FUNCTION ml.probabilities(model text, features anyelement)
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE COST 200 SUPPORT ml.predict_support
    AS 'MODULE_PATHNAME', 'ml_probabilities';
COMMENT ON FUNCTION ml.probabilities(text, anyelement) IS 'the probability of every class, by label';

CREATE FUNCTION ml.transform(model text, features anyelement)
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'ml_transform';
COMMENT ON FUNCTION ml.transform(text, anyelement) IS
    'a row as the learner of a version sees it, after the pipeline: a number or a level for each column; it is not scored';

-- What the planner makes of the functions above for a row of a table: the columns come one by one.
CREATE FUNCTION ml.predict_columns(model text, result anyelement, names text[], VARIADIC columns "any")
    RETURNS anyelement
    LANGUAGE c STABLE PARALLEL SAFE COST 100 SUPPORT ml.predict_support
    AS 'MODULE_PATHNAME', 'ml_predict_columns';
COMMENT ON FUNCTION ml.predict_columns(text, anyelement, text[], "any") IS
    'internal: how the planner calls ml.predict for a row of a table';

CREATE FUNCTION ml.probability_columns(model text, class text, names text[], VARIADIC columns "any")
    RETURNS double precision
    LANGUAGE c STABLE PARALLEL SAFE COST 100 SUPPORT ml.predict_support
    AS 'MODULE_PATHNAME', 'ml_probability_columns';
COMMENT ON FUNCTION ml.probability_columns(text, text, text[], "any") IS
    'internal: how the planner calls ml.probability for a row of a table';

CREATE FUNCTION ml.probabilities_columns(model text, names text[], VARIADIC columns "any")
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE COST 200 SUPPORT ml.predict_support
    AS 'MODULE_PATHNAME', 'ml_probabilities_columns';
COMMENT ON FUNCTION ml.probabilities_columns(text, text[], "any") IS
    'internal: how the planner calls ml.probabilities for a row of a table';

-- A parallel worker has counts of its own, so the leader answers.
CREATE FUNCTION ml.serving_counts()
    RETURNS TABLE (model text, version integer, role text, rows bigint, errors bigint, invalid bigint)
    LANGUAGE c VOLATILE PARALLEL RESTRICTED STRICT COST 1000 ROWS 10 AS 'MODULE_PATHNAME', 'ml_serving_counts';
COMMENT ON FUNCTION ml.serving_counts() IS
    'the rows that this session has scored with deployed versions, those that a shadow could not score, and those judged invalid';

CREATE FUNCTION ml.evaluate(model text, source text, slices text[] DEFAULT '{}', target text DEFAULT NULL)
    RETURNS TABLE (
        slice_key text,
        slice_value text,
        metric text,
        value double precision,
        low double precision,
        high double precision,
        n bigint
    )
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 20 AS 'MODULE_PATHNAME', 'ml_evaluate';
COMMENT ON FUNCTION ml.evaluate(text, text, text[], text) IS
    'the metrics of a version on the rows of a source that carry the target, overall and by slice; also a run, where the transaction can write';

CREATE FUNCTION ml.confusion(model text, source text, target text DEFAULT NULL)
    RETURNS TABLE (actual text, predicted text, n bigint)
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 10 AS 'MODULE_PATHNAME', 'ml_confusion';
COMMENT ON FUNCTION ml.confusion(text, text, text) IS
    'how many rows of each class a version gave each class, pairs without rows too';

CREATE FUNCTION ml.roc(model text, source text, target text DEFAULT NULL)
    RETURNS TABLE (threshold double precision, false_positive_rate double precision, true_positive_rate double precision)
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1000 AS 'MODULE_PATHNAME', 'ml_roc';
COMMENT ON FUNCTION ml.roc(text, text, text) IS
    'the receiver operating characteristic of a version: both rates at every distinct probability as threshold';

CREATE FUNCTION ml.calibration(model text, source text, bins integer DEFAULT 10, target text DEFAULT NULL)
    RETURNS TABLE (
        bin integer,
        p_low double precision,
        p_high double precision,
        mean_probability double precision,
        observed_share double precision,
        low double precision,
        high double precision,
        n bigint
    )
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 10 AS 'MODULE_PATHNAME', 'ml_calibration';
COMMENT ON FUNCTION ml.calibration(text, text, integer, text) IS
    'the probabilities of a version beside the shares that came true, in bins of equal width, with 95 % limits';

CREATE FUNCTION ml.coefficients(model_ref text)
    RETURNS TABLE (
        term text,
        estimate double precision,
        std_error double precision,
        statistic double precision,
        p_value double precision,
        low double precision,
        high double precision
    )
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 ROWS 30 AS 'MODULE_PATHNAME', 'ml_coefficients';
COMMENT ON FUNCTION ml.coefficients(text) IS
    'the terms of a linear model with standard errors and 95 % limits, in the units of the source';

CREATE FUNCTION ml.importance(model_ref text, method text DEFAULT 'gain')
    RETURNS TABLE (feature text, importance double precision)
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000000 ROWS 30 AS 'MODULE_PATHNAME', 'ml_importance';
COMMENT ON FUNCTION ml.importance(text, text) IS
    'what each feature adds to a version, most first: by the gain or the number of its splits, or by permutation';

CREATE FUNCTION ml.summary(model_ref text)
    RETURNS TABLE (name text, value double precision)
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 ROWS 10 AS 'MODULE_PATHNAME', 'ml_summary';
COMMENT ON FUNCTION ml.summary(text) IS 'what the learner says of its fit on the training rows';

CREATE FUNCTION ml.pipeline_steps(model_ref text)
    RETURNS TABLE (step text, columns text[], learned jsonb, description text, place integer)
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 ROWS 5 AS 'MODULE_PATHNAME', 'ml_pipeline_steps';
COMMENT ON FUNCTION ml.pipeline_steps(text) IS
    'the steps between the source and the learner of a version, in order: the columns they treat and what they learned';

CREATE FUNCTION ml.pipeline_spec(model_ref text) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_pipeline_spec_of';
COMMENT ON FUNCTION ml.pipeline_spec(text) IS
    'the pipeline of a version, automatic or given, as ml.train takes it to make the same steps';
