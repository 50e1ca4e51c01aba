-- Training: one function, one row back.

CREATE TYPE ml.train_result AS (
    model text,
    version integer,
    algorithm text,
    task text,
    rows bigint,
    features integer,
    metrics jsonb,
    deployed boolean,
    seconds double precision,
    notes text[]
);
COMMENT ON TYPE ml.train_result IS 'what ml.train returns';

CREATE FUNCTION ml.train(
    model text,
    source text,
    target text DEFAULT NULL,
    algorithm text DEFAULT 'auto',
    features text[] DEFAULT NULL,
    exclude text[] DEFAULT '{}',
    task text DEFAULT NULL,
    params jsonb DEFAULT '{}',
    pipeline jsonb DEFAULT NULL,
    split jsonb DEFAULT '{"test": 0.2}',
    search jsonb DEFAULT NULL,
    weight text DEFAULT NULL,
    seed bigint DEFAULT 0,
    snapshot text DEFAULT 'fingerprint',
    deploy text DEFAULT 'first',
    experiment text DEFAULT NULL,
    tags jsonb DEFAULT '{}',
    code text DEFAULT NULL
) RETURNS ml.train_result
    LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME', 'ml_train';
COMMENT ON FUNCTION ml.train(text, text, text, text, text[], text[], text, jsonb, jsonb, jsonb, jsonb, text,
    bigint, text, text, text, jsonb, text) IS 'trains a model on the rows of a relation or query and registers a version';

CREATE FUNCTION ml.list_learners(OUT name text, OUT tasks text[], OUT summary text) RETURNS SETOF record
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 10 AS 'MODULE_PATHNAME', 'ml_list_learners';
COMMENT ON FUNCTION ml.list_learners() IS 'the rows of ml.learners';

CREATE FUNCTION ml.list_parameters(
    OUT learner text,
    OUT name text,
    OUT type text,
    OUT default_value text,
    OUT min_value double precision,
    OUT max_value double precision,
    OUT description text
) RETURNS SETOF record
    LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 50 AS 'MODULE_PATHNAME', 'ml_list_parameters';
COMMENT ON FUNCTION ml.list_parameters() IS 'the rows of ml.parameters';

CREATE VIEW ml.learners AS
    SELECT l.name, l.tasks, l.summary FROM ml.list_learners() AS l;
COMMENT ON VIEW ml.learners IS 'the algorithms ml.train knows';
GRANT SELECT ON ml.learners TO PUBLIC;

CREATE VIEW ml.parameters AS
    SELECT p.learner, p.name, p.type, p.default_value, p.min_value, p.max_value, p.description
    FROM ml.list_parameters() AS p;
COMMENT ON VIEW ml.parameters IS 'the parameters of every learner, as ml.train takes them in params';
GRANT SELECT ON ml.parameters TO PUBLIC;
