-- 71_worker.sql - the background worker of the database.

CREATE FUNCTION ml.flush_monitor() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000
	AS 'MODULE_PATHNAME', 'ml_flush_monitor';
COMMENT ON FUNCTION ml.flush_monitor() IS
	'has the database''s worker write and judge what was counted so far, and waits for it';

-- The launcher cannot see that the extension has come: it is told, once this has committed.
CREATE FUNCTION ml.wake_worker() RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE
	AS 'MODULE_PATHNAME', 'ml_wake_worker';
COMMENT ON FUNCTION ml.wake_worker() IS
	'when the transaction has committed, the database''s worker does what is due; nothing without shared_preload_libraries';
REVOKE ALL ON FUNCTION ml.wake_worker() FROM PUBLIC;
SELECT ml.wake_worker();
