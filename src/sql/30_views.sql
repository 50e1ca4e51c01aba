-- 30_views.sql - reports over the catalog.
--
-- They read with the rights of whoever asks (security_invoker), so that row
-- security on the tables decides; it also keeps leaky conditions of the outer
-- query behind its own, so the views need no barrier of their own. Operators and
-- casts are bound here, under the search_path that 00_schema.sql pins.

CREATE VIEW ml.lineage WITH (security_invoker = true) AS
	SELECT v.model, v.version, v.run_id, v.parent_version,
		   coalesce(s.source, r.params ->> 'source') AS source,
		   s.relations, v.snapshot_id, s.fingerprint, s.rows,
		   v.algorithm, v.params, v.pipeline, r.code,
		   r.environment ->> 'extension_version' AS extension_version,
		   r.actor AS trained_by, r.finished_at AS trained_at,
		   d.role AS deployed_as, d.deployed_at
	FROM ml.versions v
		 JOIN ml.runs r ON r.run_id = v.run_id
		 LEFT JOIN ml.snapshots s ON s.snapshot_id = v.snapshot_id
		 LEFT JOIN ml.deployments d ON d.model = v.model
			AND d.version = v.version AND d.ended_at IS NULL;
COMMENT ON VIEW ml.lineage IS 'where every version comes from and where it serves';
GRANT SELECT ON ml.lineage TO PUBLIC;

-- Held-out metrics that are not a number (not measured, or not defined) are NULL.
-- The order puts each model's best version first: by rmse for numbers, by auc,
-- then log_loss and accuracy, for classes.
CREATE VIEW ml.leaderboard WITH (security_invoker = true) AS
	SELECT v.model, v.version, v.algorithm,
		   m.rmse, m.mae, m.r2, m.mape, m.auc, m.average_precision, m.log_loss, m.brier,
		   m.accuracy, m.f1, m.precision, m.recall, m.mcc, m.calibration_error,
		   d.role AS deployed_as
	FROM ml.versions v
		 LEFT JOIN LATERAL (
			SELECT pg_catalog.max(e.value) FILTER (WHERE e.key = 'rmse') AS rmse,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'mae') AS mae,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'r2') AS r2,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'mape') AS mape,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'auc') AS auc,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'average_precision') AS average_precision,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'log_loss') AS log_loss,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'brier') AS brier,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'accuracy') AS accuracy,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'f1') AS f1,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'precision') AS precision,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'recall') AS recall,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'mcc') AS mcc,
				   pg_catalog.max(e.value) FILTER (WHERE e.key = 'calibration_error') AS calibration_error
			FROM (SELECT j.key,
						 CASE WHEN pg_catalog.jsonb_typeof(j.value) = 'number'
							  THEN j.value::double precision END AS value
				  FROM pg_catalog.jsonb_each(v.metrics) AS j (key, value)) e
		 ) m ON true
		 LEFT JOIN ml.deployments d ON d.model = v.model
			AND d.version = v.version AND d.ended_at IS NULL
	WHERE v.archived_at IS NULL
	ORDER BY v.model, m.rmse NULLS LAST, m.auc DESC NULLS LAST, m.log_loss NULLS LAST,
			 m.accuracy DESC NULLS LAST, v.version DESC;
COMMENT ON VIEW ml.leaderboard IS 'held-out metrics of the versions in one row each, each model''s best first; archived versions are left out';
GRANT SELECT ON ml.leaderboard TO PUBLIC;
