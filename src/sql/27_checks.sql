-- 27_checks.sql - suites of checks: the verbs, and which kinds there are.

CREATE FUNCTION ml.add_check(suite text, kind text, columns text[] DEFAULT '{}', params jsonb DEFAULT '{}',
							 severity text DEFAULT 'error', environment text DEFAULT 'both',
							 name text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_add_check';
COMMENT ON FUNCTION ml.add_check(text, text, text[], jsonb, text, text, text) IS
	'adds a check to a suite; the first one makes the suite';

CREATE FUNCTION ml.drop_check(suite text, name text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_check';
COMMENT ON FUNCTION ml.drop_check(text, text) IS 'drops a check of a suite; what it found stays';

CREATE FUNCTION ml.drop_suite(suite text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_suite';
COMMENT ON FUNCTION ml.drop_suite(text) IS 'drops a suite with all its checks; what they found stays';

CREATE FUNCTION ml.set_suite_owner(suite text, owner regrole) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_set_suite_owner';
COMMENT ON FUNCTION ml.set_suite_owner(text, regrole) IS 'gives a suite to another role';

CREATE FUNCTION ml.list_check_kinds(OUT kind text, OUT scope text, OUT summary text, OUT min_columns integer,
									OUT max_columns integer, OUT parameters jsonb) RETURNS SETOF record
	LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 50 AS 'MODULE_PATHNAME', 'ml_list_check_kinds';
COMMENT ON FUNCTION ml.list_check_kinds() IS 'the rows of ml.check_kinds';

CREATE FUNCTION ml.list_check_parameters(OUT kind text, OUT name text, OUT type text, OUT default_value text,
										 OUT min_value double precision, OUT max_value double precision,
										 OUT description text) RETURNS SETOF record
	LANGUAGE c IMMUTABLE PARALLEL SAFE ROWS 150 AS 'MODULE_PATHNAME', 'ml_list_check_parameters';
COMMENT ON FUNCTION ml.list_check_parameters() IS 'the rows of ml.check_parameters';

CREATE VIEW ml.check_kinds AS
	SELECT k.kind, k.scope, k.summary, k.min_columns, k.max_columns, k.parameters
	FROM ml.list_check_kinds() AS k;
COMMENT ON VIEW ml.check_kinds IS
	'the kinds of checks; scope row: judges a row alone, and data by the share of rows that fail; data: judges data only';
COMMENT ON COLUMN ml.check_kinds.max_columns IS 'NULL: any number';
GRANT SELECT ON ml.check_kinds TO PUBLIC;

CREATE VIEW ml.check_parameters AS
	SELECT p.kind, p.name, p.type, p.default_value, p.min_value, p.max_value, p.description
	FROM ml.list_check_parameters() AS p;
COMMENT ON VIEW ml.check_parameters IS 'the parameters of every kind of check, as ml.add_check takes them in params';
GRANT SELECT ON ml.check_parameters TO PUBLIC;
