-- 72_quality.sql - the truth of predictions.

CREATE FUNCTION ml.set_truth(
	model text,
	source text,
	truth_wait interval DEFAULT '30 days',
	detectors jsonb DEFAULT '{"adwin": {}, "hddm_w": {"drift_confidence": 1e-6, "warning_confidence": 1e-5}}'
) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_set_truth';
COMMENT ON FUNCTION ml.set_truth(text, text, interval, jsonb) IS
	'says where the truth of a model''s predictions is found; NULL: nowhere any more';

CREATE FUNCTION ml.judge_quality(model text) RETURNS integer
	LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_judge_quality';
COMMENT ON FUNCTION ml.judge_quality(text) IS
	'reads the truth of a model''s predictions now, and returns how many windows got new figures; the worker does the same';
