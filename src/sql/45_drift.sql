-- 45_drift.sql - how far the rows of two sides differ.

CREATE FUNCTION ml.list_drift_methods(
	OUT name text,
	OUT summary text,
	OUT needs_order boolean,
	OUT needs_moments boolean,
	OUT floor double precision
) RETURNS SETOF record
	LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 20 AS 'MODULE_PATHNAME', 'ml_list_drift_methods';
COMMENT ON FUNCTION ml.list_drift_methods() IS 'the rows of ml.drift_methods';

CREATE VIEW ml.drift_methods AS
	SELECT m.name, m.summary, m.needs_order, m.needs_moments, m.floor FROM ml.list_drift_methods() AS m;
COMMENT ON VIEW ml.drift_methods IS 'the drift statistics that ml.drift_statistic knows';
GRANT SELECT ON ml.drift_methods TO PUBLIC;

CREATE FUNCTION ml.drift_statistic(
	method text,
	reference bigint[],
	"current" bigint[],
	edges double precision[] DEFAULT NULL,
	alpha double precision DEFAULT 0.01,
	low double precision DEFAULT NULL,
	high double precision DEFAULT NULL,
	reference_moments double precision[] DEFAULT NULL,
	current_moments double precision[] DEFAULT NULL,
	null_bin integer DEFAULT NULL,
	floor double precision DEFAULT NULL,
	OUT statistic double precision,
	OUT p_value double precision,
	OUT limit_value double precision,
	OUT drift boolean
)
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_drift_statistic';
COMMENT ON FUNCTION ml.drift_statistic(text, bigint[], bigint[], double precision[], double precision, double precision,
	double precision, double precision[], double precision[], integer, double precision) IS
	'one drift statistic of two profiles: counts of rows in the same bins';
