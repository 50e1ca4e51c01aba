-- 67_check_data.sql - judging data.

-- One scan for all checks: the state is bytes, so parallel workers each fill one of their own.
CREATE FUNCTION ml.check_scan_add(state bytea, spec bytea, VARIADIC columns "any") RETURNS bytea
	LANGUAGE c STABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'ml_check_scan';
CREATE FUNCTION ml.check_scan_add_row(state bytea, spec bytea, columns anyelement) RETURNS bytea
	LANGUAGE c STABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'ml_check_scan_whole';
CREATE FUNCTION ml.check_scan_combine(state bytea, other bytea) RETURNS bytea
	LANGUAGE c STABLE PARALLEL SAFE COST 50 AS 'MODULE_PATHNAME', 'ml_check_scan_combine';
COMMENT ON FUNCTION ml.check_scan_add(bytea, bytea, "any") IS 'for ml.check_scan';
COMMENT ON FUNCTION ml.check_scan_add_row(bytea, bytea, anyelement) IS 'for ml.check_scan_row';
COMMENT ON FUNCTION ml.check_scan_combine(bytea, bytea) IS 'for ml.check_scan';

CREATE AGGREGATE ml.check_scan(spec bytea, VARIADIC columns "any") (
	SFUNC = ml.check_scan_add, STYPE = bytea, COMBINEFUNC = ml.check_scan_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE ml.check_scan(bytea, "any") IS 'what ml.check_data runs over a source';
CREATE AGGREGATE ml.check_scan_row(spec bytea, columns anyelement) (
	SFUNC = ml.check_scan_add_row, STYPE = bytea, COMBINEFUNC = ml.check_scan_combine, PARALLEL = SAFE);
COMMENT ON AGGREGATE ml.check_scan_row(bytea, anyelement) IS 'what ml.check_data runs over a source of very many columns';

CREATE FUNCTION ml.meets(condition text, whose text, data anyelement) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'ml_meets';
COMMENT ON FUNCTION ml.meets(text, text, anyelement) IS
	'whether a row meets the condition of a check, under the rules for conditions of checks; NULL for no';

CREATE FUNCTION ml.check_data(suite text, source text, environment text DEFAULT NULL)
	RETURNS TABLE (
		name text,
		kind text,
		column_name text,
		severity text,
		success boolean,
		status text,
		observed jsonb,
		expected jsonb,
		n bigint,
		n_failed bigint
	)
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 30 AS 'MODULE_PATHNAME', 'ml_check_data';
COMMENT ON FUNCTION ml.check_data(text, text, text) IS
	'checks a source by a suite, version or model in one scan, and records the results in ml.check_results';

CREATE FUNCTION ml.failing_rows(suite text, check_name text, source text) RETURNS SETOF jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 1000 AS 'MODULE_PATHNAME', 'ml_failing_rows';
COMMENT ON FUNCTION ml.failing_rows(text, text, text) IS 'the rows of a source that fail a check of a suite, all of them';

CREATE FUNCTION ml.infer_checks(suite text, source text) RETURNS integer
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME', 'ml_infer_checks';
COMMENT ON FUNCTION ml.infer_checks(text, text) IS
	'learns checks from a source, which a fresh sample of it passes, in place of those that the suite learned before; how many';
