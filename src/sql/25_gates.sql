-- 25_gates.sql - rules that a version must pass before it enters a role.

CREATE FUNCTION ml.add_gate(model text, name text, metric text, min double precision DEFAULT NULL,
							max double precision DEFAULT NULL, versus text DEFAULT NULL,
							margin double precision DEFAULT NULL, slices text[] DEFAULT '{}',
							min_rows bigint DEFAULT NULL, role text DEFAULT 'production') RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_add_gate';
COMMENT ON FUNCTION ml.add_gate(text, text, text, double precision, double precision, text, double precision,
								text[], bigint, text) IS
	'adds a rule that versions of a model must pass to enter a role';

CREATE FUNCTION ml.drop_gate(model text, name text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_drop_gate';
COMMENT ON FUNCTION ml.drop_gate(text, text) IS 'drops a rule; what it found stays';

CREATE FUNCTION ml.run_gates(model text, version integer, source text DEFAULT NULL)
	RETURNS TABLE (
		gate text,
		slice_key text,
		slice_value text,
		value double precision,
		limit_value double precision,
		verdict text,
		n bigint,
		reason text
	)
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 ROWS 10 AS 'MODULE_PATHNAME', 'ml_run_gates';
COMMENT ON FUNCTION ml.run_gates(text, integer, text) IS
	'judges a version by the gates of its model on a source, or on the rows its training held out';

CREATE FUNCTION ml.list_gate_metrics()
	RETURNS TABLE (metric text, tasks text[], larger_is_better boolean, summary text)
	LANGUAGE c STABLE PARALLEL SAFE ROWS 30 AS 'MODULE_PATHNAME', 'ml_list_gate_metrics';
COMMENT ON FUNCTION ml.list_gate_metrics() IS 'internal: what ml.gate_metrics shows';

CREATE VIEW ml.gate_metrics AS
	SELECT g.metric, g.tasks, g.larger_is_better, g.summary FROM ml.list_gate_metrics() g;
COMMENT ON VIEW ml.gate_metrics IS 'what a gate can judge by';
GRANT SELECT ON ml.gate_metrics TO PUBLIC;
