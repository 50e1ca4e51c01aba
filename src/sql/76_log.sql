-- The prediction log: keys of rows, and what became of those that were to be logged.

CREATE FUNCTION ml.row_key(model text, features anyelement) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE COST 200 AS 'MODULE_PATHNAME', 'ml_row_key';
COMMENT ON FUNCTION ml.row_key(text, anyelement) IS
    'the key that a row has in ml.prediction_log: a hash of the values of the version''s inputs';

CREATE FUNCTION ml.prediction_log_counts()
    RETURNS TABLE (
        accepted bigint,
        waiting bigint,
        written bigint,
        discarded bigint,
        dropped bigint,
        used_bytes bigint,
        memory_bytes bigint,
        since timestamptz
    )
    LANGUAGE c VOLATILE PARALLEL SAFE STRICT COST 100 ROWS 1 AS 'MODULE_PATHNAME', 'ml_prediction_log_counts';
COMMENT ON FUNCTION ml.prediction_log_counts() IS
    'internal: what ml.stat_prediction_log shows';

CREATE VIEW ml.stat_prediction_log WITH (security_invoker = true) AS
	SELECT c.accepted, c.waiting, c.written, c.discarded, c.dropped, c.used_bytes, c.memory_bytes, c.since
	FROM ml.prediction_log_counts() c;
COMMENT ON VIEW ml.stat_prediction_log IS
	'what became of the rows of this database that were to be logged, since the server started; no row without preload';
GRANT SELECT ON ml.stat_prediction_log TO PUBLIC;
