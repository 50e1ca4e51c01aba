-- 19_alerts.sql - alerts: states of deployed versions that somebody should know of.
--
-- An alert is a state, not an event: one row for a version, rule and slice from
-- the moment it is raised until it is closed, however often the signal is seen
-- meanwhile. A version is no foreign key: whoever raises an alert must not wait
-- for who drops a model. What is left of a version that is gone, retention takes.

CREATE TABLE ml.alerts (
	alert_id		bigint GENERATED ALWAYS AS IDENTITY,
	model			text COLLATE "C" NOT NULL,
	version			integer NOT NULL,
	rule			text COLLATE "C" NOT NULL,
	severity		text COLLATE "C" NOT NULL,
	slice			text COLLATE "C",
	opened_at		timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	acknowledged_by	name,
	closed_at		timestamptz,
	detail			jsonb NOT NULL DEFAULT '{}',
	state			text COLLATE "C" GENERATED ALWAYS AS
		(CASE WHEN closed_at IS NOT NULL THEN 'closed'
			  WHEN muted_until IS NOT NULL THEN 'muted'
			  WHEN acknowledged_at IS NOT NULL THEN 'acknowledged'
			  ELSE 'open' END) STORED,
	acknowledged_at	timestamptz,
	-- Stays in a closed alert: what comes back meanwhile is muted still.
	muted_until		timestamptz,
	last_seen_at	timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
	seen			bigint NOT NULL DEFAULT 1,
	reopened		bigint NOT NULL DEFAULT 0,
	-- NULL: it was closed because the signal went away, or for close_reason.
	closed_by		name,
	close_reason	text,
	comment			text,
	CONSTRAINT alerts_pkey PRIMARY KEY (alert_id),
	CONSTRAINT alerts_version_check CHECK (version >= 1),
	CONSTRAINT alerts_rule_check CHECK (pg_catalog.octet_length(rule) BETWEEN 1 AND 256),
	CONSTRAINT alerts_severity_check CHECK (severity IN ('warning', 'error')),
	CONSTRAINT alerts_slice_check CHECK (pg_catalog.octet_length(slice) BETWEEN 1 AND 1024),
	CONSTRAINT alerts_detail_check CHECK (pg_catalog.jsonb_typeof(detail) = 'object'),
	CONSTRAINT alerts_acknowledged_check CHECK ((acknowledged_by IS NULL) = (acknowledged_at IS NULL)),
	CONSTRAINT alerts_closed_check CHECK ((closed_at IS NULL) = (close_reason IS NULL))
);
-- One open alert for each signal, whoever raises it.
CREATE UNIQUE INDEX alerts_open_key ON ml.alerts (model, version, rule, slice) NULLS NOT DISTINCT
	WHERE closed_at IS NULL;
CREATE INDEX alerts_signal_idx ON ml.alerts (model, version, rule, closed_at);
CREATE INDEX alerts_closed_idx ON ml.alerts (closed_at) WHERE closed_at IS NOT NULL;
COMMENT ON TABLE ml.alerts IS 'what somebody should know of deployed versions: one row a signal, until it is closed';
COMMENT ON COLUMN ml.alerts.state IS 'open, acknowledged, muted or closed';
COMMENT ON COLUMN ml.alerts.seen IS 'how often the signal was raised';
COMMENT ON COLUMN ml.alerts.reopened IS 'how often it came back shortly after it was closed, or was reopened';
COMMENT ON COLUMN ml.alerts.close_reason IS 'cleared, closed, or why nobody looks at the signal any more';

ALTER TABLE ml.alerts ENABLE ROW LEVEL SECURITY;
CREATE POLICY alerts_any ON ml.alerts FOR SELECT USING (ml.has_privilege(model, 'any'));
GRANT SELECT ON ml.alerts TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('ml.alerts', '');
SELECT pg_catalog.pg_extension_config_dump('ml.alerts_alert_id_seq', '');
