-- 72_snapshots.sql - copies of what trainings read, and trainings repeated.

CREATE FUNCTION ml.snapshot_query(snapshot_id bigint) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_snapshot_query';
COMMENT ON FUNCTION ml.snapshot_query(bigint) IS
	'a SELECT that gives the rows back that a training with snapshot => ''copy'' kept';

CREATE FUNCTION ml.snapshot_query(model_ref text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_snapshot_query_of';
COMMENT ON FUNCTION ml.snapshot_query(text) IS 'the same for the snapshot of a version';
