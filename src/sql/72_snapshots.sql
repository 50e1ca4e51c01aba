-- 72_snapshots.sql - copies of what trainings read, and trainings repeated.

CREATE FUNCTION ml.snapshot_query(snapshot_id bigint) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_snapshot_query';
COMMENT ON FUNCTION ml.snapshot_query(bigint) IS
	'a SELECT that gives the rows back that a training with snapshot => ''copy'' kept';

CREATE FUNCTION ml.snapshot_query(model_ref text) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE COST 1000 AS 'MODULE_PATHNAME', 'ml_snapshot_query_of';
COMMENT ON FUNCTION ml.snapshot_query(text) IS 'the same for the snapshot of a version';

CREATE FUNCTION ml.reproduce(
	model_ref				text,
	OUT identical			boolean,
	OUT expected_sha256		text,
	OUT actual_sha256		text,
	OUT source_unchanged	boolean,
	OUT notes				text[]
)
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000000 AS 'MODULE_PATHNAME', 'ml_reproduce';
COMMENT ON FUNCTION ml.reproduce(text) IS
	'trains a version again by its recorded call and compares the bytes; source_unchanged is NULL where that is not known';
