-- 65_check_rows.sql - judging rows.

CREATE FUNCTION ml.check_support(internal) RETURNS internal
	LANGUAGE c STABLE STRICT AS 'MODULE_PATHNAME', 'ml_check_support';
COMMENT ON FUNCTION ml.check_support(internal) IS 'for the planner: ml.is_valid of a whole row takes its columns';

CREATE FUNCTION ml.is_valid(suite text, data anyelement) RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 20 SUPPORT ml.check_support AS 'MODULE_PATHNAME', 'ml_is_valid';
COMMENT ON FUNCTION ml.is_valid(text, anyelement) IS
	'whether a row or JSON object passes all checks of severity error of a suite, version or model';

-- What the planner makes of the function above for a row of a table: the columns come one by one.
CREATE FUNCTION ml.is_valid_columns(suite text, names text[], VARIADIC columns "any") RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'ml_is_valid_columns';
COMMENT ON FUNCTION ml.is_valid_columns(text, text[], "any") IS 'what the planner makes of ml.is_valid for a row of a table';

-- And where a CHECK constraint rests on it: an error that says what failed takes the place of false.
CREATE FUNCTION ml.is_valid_stored(suite text, names text[], relation regclass, constraint_name text, VARIADIC columns "any")
	RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE COST 20 AS 'MODULE_PATHNAME', 'ml_is_valid_stored';
COMMENT ON FUNCTION ml.is_valid_stored(text, text[], regclass, text, "any") IS
	'internal: how the server calls ml.is_valid in a CHECK constraint';

CREATE FUNCTION ml.check_row(suite text, data anyelement)
	RETURNS TABLE (name text, kind text, column_name text, severity text, message text)
	LANGUAGE c STABLE PARALLEL SAFE COST 100 ROWS 3 AS 'MODULE_PATHNAME', 'ml_check_row';
COMMENT ON FUNCTION ml.check_row(text, anyelement) IS 'the checks that a row or JSON object fails, and why; no rows if it is valid';
