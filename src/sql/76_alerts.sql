-- 76_alerts.sql - the verbs on alerts.

CREATE FUNCTION ml.raise_alert(model text, rule text, severity text DEFAULT 'warning', slice text DEFAULT NULL,
							   detail jsonb DEFAULT '{}') RETURNS bigint
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_raise_alert';
COMMENT ON FUNCTION ml.raise_alert(text, text, text, text, jsonb) IS
	'opens an alert on a deployed version, or touches the open one; returns its number';

CREATE FUNCTION ml.clear_alert(model text, rule text, slice text DEFAULT NULL) RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_clear_alert';
COMMENT ON FUNCTION ml.clear_alert(text, text, text) IS
	'closes the open alert of a rule because its signal went away; whether there was one';

CREATE FUNCTION ml.acknowledge_alert(id bigint, comment text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_acknowledge_alert';
COMMENT ON FUNCTION ml.acknowledge_alert(bigint, text) IS 'says that somebody looks after an alert';

CREATE FUNCTION ml.mute_alert(id bigint, duration interval DEFAULT NULL, until timestamptz DEFAULT NULL,
							  comment text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_mute_alert';
COMMENT ON FUNCTION ml.mute_alert(bigint, interval, timestamptz, text) IS
	'keeps an alert from notifying and from firing policies for a while';

CREATE FUNCTION ml.unmute_alert(id bigint) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_unmute_alert';
COMMENT ON FUNCTION ml.unmute_alert(bigint) IS 'ends what ml.mute_alert began';

CREATE FUNCTION ml.close_alert(id bigint, comment text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_close_alert';
COMMENT ON FUNCTION ml.close_alert(bigint, text) IS 'closes an alert; the next signal opens a new one';

CREATE FUNCTION ml.reopen_alert(id bigint, comment text DEFAULT NULL) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'ml_reopen_alert';
COMMENT ON FUNCTION ml.reopen_alert(bigint, text) IS 'opens a closed alert again';
