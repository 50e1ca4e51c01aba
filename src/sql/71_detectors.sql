-- 71_detectors.sql - detectors of change as aggregates over a stream in the order of events.
--
-- The order is the query's: ml.adwin(x ORDER BY at). A state sees one number after the other, so there is nothing to
-- combine.

CREATE TYPE ml.detection AS (
	n			bigint,
	drifts		bigint[],
	warnings	bigint[],
	level		double precision,
	in_warning	boolean,
	in_drift	boolean
);
COMMENT ON TYPE ml.detection IS
	'what a detector found: numbers seen, places of changes and of the beginnings of warnings (the first number is 1), the level it sees now, and whether the last number was in a warning or brought a change';

CREATE FUNCTION ml.detection_final(state internal) RETURNS ml.detection
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'ml_detection_final';
COMMENT ON FUNCTION ml.detection_final(internal) IS 'support function of the detectors';

CREATE FUNCTION ml.list_detectors(
	OUT name text,
	OUT summary text,
	OUT parameter text,
	OUT type text,
	OUT default_value text,
	OUT description text
) RETURNS SETOF record
	LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 25 AS 'MODULE_PATHNAME', 'ml_list_detectors';
COMMENT ON FUNCTION ml.list_detectors() IS 'the rows of ml.detectors';

CREATE VIEW ml.detectors AS
	SELECT d.name, d.summary, d.parameter, d.type, d.default_value, d.description FROM ml.list_detectors() AS d;
COMMENT ON VIEW ml.detectors IS 'the detectors of change with their parameters';
GRANT SELECT ON ml.detectors TO PUBLIC;

CREATE FUNCTION ml.adwin_accum(state internal, x double precision) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'ml_adwin_accum';
COMMENT ON FUNCTION ml.adwin_accum(internal, double precision) IS 'support function of ml.adwin';
CREATE AGGREGATE ml.adwin(x double precision) (
	SFUNC = ml.adwin_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.adwin(double precision) IS
	'where a stream changed by adaptive windowing: the mean of any numbers';

CREATE FUNCTION ml.adwin_accum(state internal, x double precision, params jsonb) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 2 AS 'MODULE_PATHNAME', 'ml_adwin_accum';
COMMENT ON FUNCTION ml.adwin_accum(internal, double precision, jsonb) IS 'support function of ml.adwin';
CREATE AGGREGATE ml.adwin(x double precision, params jsonb) (
	SFUNC = ml.adwin_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.adwin(double precision, jsonb) IS
	'where a stream changed by adaptive windowing: the mean of any numbers; ml.detectors lists the parameters';

CREATE FUNCTION ml.hddm_w_accum(state internal, x double precision) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'ml_hddm_w_accum';
COMMENT ON FUNCTION ml.hddm_w_accum(internal, double precision) IS 'support function of ml.hddm_w';
CREATE AGGREGATE ml.hddm_w(x double precision) (
	SFUNC = ml.hddm_w_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.hddm_w(double precision) IS
	'where a stream changed by HDDM-W: the mean of numbers from 0 to 1, such as errors';

CREATE FUNCTION ml.hddm_w_accum(state internal, x double precision, params jsonb) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'ml_hddm_w_accum';
COMMENT ON FUNCTION ml.hddm_w_accum(internal, double precision, jsonb) IS 'support function of ml.hddm_w';
CREATE AGGREGATE ml.hddm_w(x double precision, params jsonb) (
	SFUNC = ml.hddm_w_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.hddm_w(double precision, jsonb) IS
	'where a stream changed by HDDM-W: the mean of numbers from 0 to 1, such as errors; ml.detectors lists the parameters';

CREATE FUNCTION ml.page_hinkley_accum(state internal, x double precision) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'ml_page_hinkley_accum';
COMMENT ON FUNCTION ml.page_hinkley_accum(internal, double precision) IS 'support function of ml.page_hinkley';
CREATE AGGREGATE ml.page_hinkley(x double precision) (
	SFUNC = ml.page_hinkley_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.page_hinkley(double precision) IS
	'where a stream changed by the test of Page and Hinkley: the mean of any numbers; its threshold is in their unit';

CREATE FUNCTION ml.page_hinkley_accum(state internal, x double precision, params jsonb) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'ml_page_hinkley_accum';
COMMENT ON FUNCTION ml.page_hinkley_accum(internal, double precision, jsonb) IS 'support function of ml.page_hinkley';
CREATE AGGREGATE ml.page_hinkley(x double precision, params jsonb) (
	SFUNC = ml.page_hinkley_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.page_hinkley(double precision, jsonb) IS
	'where a stream changed by the test of Page and Hinkley: the mean of any numbers; its threshold is in their unit; ml.detectors lists the parameters';

CREATE FUNCTION ml.ddm_accum(state internal, x double precision) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'ml_ddm_accum';
COMMENT ON FUNCTION ml.ddm_accum(internal, double precision) IS 'support function of ml.ddm';
CREATE AGGREGATE ml.ddm(x double precision) (
	SFUNC = ml.ddm_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.ddm(double precision) IS
	'where a stream changed by DDM: the share of errors, of numbers from 0 to 1';

CREATE FUNCTION ml.ddm_accum(state internal, x double precision, params jsonb) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'ml_ddm_accum';
COMMENT ON FUNCTION ml.ddm_accum(internal, double precision, jsonb) IS 'support function of ml.ddm';
CREATE AGGREGATE ml.ddm(x double precision, params jsonb) (
	SFUNC = ml.ddm_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.ddm(double precision, jsonb) IS
	'where a stream changed by DDM: the share of errors, of numbers from 0 to 1; ml.detectors lists the parameters';

CREATE FUNCTION ml.eddm_accum(state internal, x double precision) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'ml_eddm_accum';
COMMENT ON FUNCTION ml.eddm_accum(internal, double precision) IS 'support function of ml.eddm';
CREATE AGGREGATE ml.eddm(x double precision) (
	SFUNC = ml.eddm_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.eddm(double precision) IS
	'where a stream changed by EDDM: the distance between errors, of numbers 0 and 1';

CREATE FUNCTION ml.eddm_accum(state internal, x double precision, params jsonb) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 1 AS 'MODULE_PATHNAME', 'ml_eddm_accum';
COMMENT ON FUNCTION ml.eddm_accum(internal, double precision, jsonb) IS 'support function of ml.eddm';
CREATE AGGREGATE ml.eddm(x double precision, params jsonb) (
	SFUNC = ml.eddm_accum,
	STYPE = internal,
	SSPACE = 8192,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.eddm(double precision, jsonb) IS
	'where a stream changed by EDDM: the distance between errors, of numbers 0 and 1; ml.detectors lists the parameters';

CREATE FUNCTION ml.kswin_accum(state internal, x double precision) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'ml_kswin_accum';
COMMENT ON FUNCTION ml.kswin_accum(internal, double precision) IS 'support function of ml.kswin';
CREATE AGGREGATE ml.kswin(x double precision) (
	SFUNC = ml.kswin_accum,
	STYPE = internal,
	SSPACE = 16000,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.kswin(double precision) IS
	'where a stream changed by KSWIN: the distribution of any numbers';

CREATE FUNCTION ml.kswin_accum(state internal, x double precision, params jsonb) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'ml_kswin_accum';
COMMENT ON FUNCTION ml.kswin_accum(internal, double precision, jsonb) IS 'support function of ml.kswin';
CREATE AGGREGATE ml.kswin(x double precision, params jsonb) (
	SFUNC = ml.kswin_accum,
	STYPE = internal,
	SSPACE = 16000,
	FINALFUNC = ml.detection_final,
	FINALFUNC_MODIFY = READ_ONLY,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE ml.kswin(double precision, jsonb) IS
	'where a stream changed by KSWIN: the distribution of any numbers; ml.detectors lists the parameters';
