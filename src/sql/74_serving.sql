-- 74_serving.sql - the service of deployed versions, and what is counted and not written yet.

CREATE FUNCTION ml.list_serving()
    RETURNS TABLE (model text, version integer, role text, rows bigint, errors bigint, rejected bigint,
                   mean_us double precision, p50_us double precision, p99_us double precision, since timestamptz,
                   invalid bigint, dropped bigint, last_at timestamptz)
    LANGUAGE c VOLATILE PARALLEL RESTRICTED STRICT COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'ml_list_serving';
COMMENT ON FUNCTION ml.list_serving() IS 'internal: what view ml.stat_serving shows';

CREATE VIEW ml.stat_serving AS
	SELECT s.model, s.version, s.role, s.rows, s.errors, s.rejected, s.mean_us, s.p50_us, s.p99_us, s.since,
		   s.invalid, s.dropped, s.last_at
	FROM ml.list_serving() s;
COMMENT ON VIEW ml.stat_serving IS
	'rows that deployed versions have scored since the server started, their times, and rows whose counts found no room';
GRANT SELECT ON ml.stat_serving TO PUBLIC;

CREATE FUNCTION ml.list_live_windows(model text)
    RETURNS TABLE (model text, version integer, role text, window_start timestamptz, window_end timestamptz,
                   slices text[], counts bytea)
    LANGUAGE c VOLATILE PARALLEL RESTRICTED STRICT COST 1000 ROWS 10 AS 'MODULE_PATHNAME', 'ml_list_live_windows';
COMMENT ON FUNCTION ml.list_live_windows(text) IS 'internal: what ml.live_profile reads';

CREATE FUNCTION ml.live_profile(model text)
    RETURNS TABLE (model text, version integer, role text, window_start timestamptz, window_end timestamptz,
                   slice_key text, slice_value text, column_name text, count bigint, null_share double precision,
                   nan_share double precision, unseen_share double precision, mean double precision,
                   stddev double precision, min double precision, max double precision, bins jsonb)
    LANGUAGE sql VOLATILE PARALLEL RESTRICTED STRICT ROWS 100
BEGIN ATOMIC
	SELECT w.model, w.version, w.role, w.window_start, w.window_end, p.slice_key, p.slice_value, p.column_name, p.count,
		   p.null_share, p.nan_share, p.unseen_share, p.mean, p.stddev, p.min, p.max, p.bins
	FROM ml.list_live_windows(live_profile.model) w
		JOIN ml.versions v ON v.model = w.model AND v.version = w.version,
		LATERAL ml.window_profile(v.baseline, w.slices, w.counts) p;
END;
COMMENT ON FUNCTION ml.live_profile(text) IS
    'what is counted of the rows that a model has scored, and not written yet; on a standby all of it';
