-- 78_health.sql - a line for each model: what serves, what was seen of it, what needs a look.
--
-- It shows what row security shows: of windows, drift, quality and firings only
-- to whoever may read the model.

CREATE VIEW ml.health WITH (security_invoker = true) AS
	SELECT m.model, s.production, s.canary, s.shadows, s.deployed_at,
		   w.rows AS rows_window, h.rows AS rows_24h,
		   coalesce(a.open_alerts, 0) AS open_alerts,
		   ml.worker_runs() AS monitored, p.next_retraining,
		   CASE WHEN s.production IS NULL THEN 'no version is in production'
				WHEN a.first IS NOT NULL THEN a.first
				WHEN f.outcome = 'failed' THEN pg_catalog.format('policy %s failed: %s', f.policy_id, f.reason)
				WHEN f.outcome = 'undeployed'
				THEN pg_catalog.format('version %s was retrained and not deployed: %s', f.version, f.reason)
				WHEN NOT ml.worker_runs() THEN 'nothing watches it: no background worker runs in this database'
				WHEN h.rows = 0 THEN 'no rows were scored in the last 24 hours' END AS attention
	FROM ml.models m
		 LEFT JOIN LATERAL (
			SELECT pg_catalog.max(t.version) FILTER (WHERE t.role = 'production') AS production,
				   pg_catalog.max(t.version) FILTER (WHERE t.role = 'canary') AS canary,
				   pg_catalog.array_agg(t.version ORDER BY t.version) FILTER (WHERE t.role = 'shadow') AS shadows,
				   pg_catalog.max(t.deployed_at) FILTER (WHERE t.role = 'production') AS deployed_at
			FROM ml.deployments t WHERE t.model = m.model AND t.ended_at IS NULL
		 ) s ON true
		 LEFT JOIN LATERAL (
			SELECT t.rows FROM ml.windows t
			WHERE t.model = m.model AND t.version = s.production AND t.role = 'production'
			ORDER BY t.window_start DESC LIMIT 1
		 ) w ON true
		 LEFT JOIN LATERAL (
			SELECT coalesce(pg_catalog.sum(t.rows), 0)::bigint AS rows FROM ml.windows t
			WHERE t.model = m.model AND t.role IN ('production', 'canary')
				  AND t.window_end > pg_catalog.now() - interval '24 hours'
			HAVING ml.has_privilege(m.model, 'read')
		 ) h ON true
		 LEFT JOIN LATERAL (
			SELECT pg_catalog.count(*) AS open_alerts,
				   (pg_catalog.array_agg(pg_catalog.format('alert %s: %s of version %s%s', t.alert_id, t.rule, t.version,
														   CASE WHEN t.slice IS NOT NULL THEN ' where ' || t.slice ELSE '' END)
										 ORDER BY t.acknowledged_at IS NOT NULL, t.severity, t.alert_id))[1] AS first
			FROM ml.alerts t WHERE t.model = m.model AND t.closed_at IS NULL AND t.muted_until IS NULL
		 ) a ON true
		 LEFT JOIN LATERAL (
			SELECT pg_catalog.min(t.next_due) AS next_retraining FROM ml.policies t
			WHERE t.model = m.model AND t.trigger = 'schedule' AND t.action = 'retrain' AND t.enabled
		 ) p ON true
		 LEFT JOIN LATERAL (
			SELECT t.policy_id, t.outcome, t.version, t.reason FROM ml.policy_firings t
			WHERE t.model = m.model AND t.outcome NOT IN ('refused', 'started') ORDER BY t.firing_id DESC LIMIT 1
		 ) f ON true
	ORDER BY m.model;
COMMENT ON VIEW ml.health IS 'a line for each model: what serves, what was seen of it, and what to look at first';
COMMENT ON COLUMN ml.health.attention IS 'what to look at first; NULL: nothing';
GRANT SELECT ON ml.health TO PUBLIC;
