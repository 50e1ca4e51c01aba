-- replay.sql - what replay runs first: data, models and views. Real data come in batches in the order of their time, are scored, and their labels follow.
--
-- Four weeks of the data are one batch, and a batch is one window of a second. A row has happened when it has a time,
-- and its label is known when the next batch has been scored.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
CREATE SCHEMA replay;

CREATE TABLE replay.electricity (
	id integer PRIMARY KEY, date float8, day integer, period float8, nswprice float8, nswdemand float8, vicprice float8,
	vicdemand float8, transfer float8, class text
);
CREATE TABLE replay.bike (
	id integer PRIMARY KEY, dteday date, season integer, yr integer, mnth integer, hr integer, holiday integer,
	weekday integer, workingday integer, weathersit integer, temp float8, atemp float8, hum float8, windspeed float8,
	casual integer, registered integer, cnt integer
);
\copy replay.electricity FROM PROGRAM 'gzip -dc "$REPLAY_DATA/electricity.csv.gz"' WITH (FORMAT csv, HEADER)
\copy replay.bike FROM PROGRAM 'gzip -dc "$REPLAY_DATA/bike_sharing_hour.csv.gz"' WITH (FORMAT csv, HEADER)
ALTER TABLE replay.electricity ADD batch integer, ADD at timestamptz, ADD known boolean NOT NULL DEFAULT false, ADD predicted text;
ALTER TABLE replay.bike ADD batch integer, ADD at timestamptz, ADD known boolean NOT NULL DEFAULT false, ADD predicted float8;
UPDATE replay.electricity SET batch = (id - 1) / (48 * 28);
UPDATE replay.bike SET batch = (dteday - date '2011-01-01') / 28;
ANALYZE replay.electricity;
ANALYZE replay.bike;

-- When each batch was scored.
CREATE TABLE replay.steps (
	model text, batch integer, started_at timestamptz, version integer,
	PRIMARY KEY (model, batch)
);

-- What a training reads: the newest rows whose label is known. Every fourth day is held out, as a whole: the half hours
-- of one day are too much alike to judge each other.
CREATE VIEW replay.electricity_known AS
	SELECT day, period, nswprice, nswdemand, vicprice, vicdemand, transfer, id / 48 % 4 = 0 AS held_out, class
	FROM replay.electricity WHERE known AND batch > (SELECT max(batch) - 3 FROM replay.electricity WHERE known);
CREATE VIEW replay.bike_known AS
	SELECT hr, holiday, weekday, workingday, weathersit, temp, hum, windspeed, (dteday - date '2011-01-01') % 4 = 0 AS held_out, cnt
	FROM replay.bike WHERE known AND batch > (SELECT max(batch) - 3 FROM replay.bike WHERE known);

-- The models: trained on the first twelve weeks, watched, guarded by a gate, and retrained by a policy.
UPDATE replay.electricity SET known = true WHERE batch < 3;
UPDATE replay.bike SET known = true WHERE batch < 3;
CREATE FUNCTION replay.begin(model text, target text, source text, metric text, margin float8, trigger text, params jsonb)
	RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM FROM ml.train(model, format('replay.%I_known', model), target, 'gradient_boosting',
						  split => '{"method": "column", "column": "held_out"}');
	PERFORM ml.set_monitor(model, window_length => '1 second', truth_source => source, cyclic => '{}');
	PERFORM ml.add_gate(model, 'not worse', metric, versus => 'production', margin => margin);
	PERFORM ml.set_policy(model, trigger, 'retrain', params, cooldown => '900 ms', budget => 1000);
END $$;

-- Scores the batches of a model from the fourth on.
CREATE PROCEDURE replay.run(model text, target text, last integer) LANGUAGE plpgsql AS $$
DECLARE
	relation regclass := format('replay.%I', model);
	started timestamptz;
	b integer;
BEGIN
	EXECUTE format('SELECT least(max(batch), %s) FROM %s', last, relation) INTO last;
	FOR b IN 3 .. last LOOP
		-- a window begins with the second
		PERFORM pg_sleep(1.01 - extract(second FROM clock_timestamp()) % 1);
		started := clock_timestamp();
		EXECUTE format('UPDATE %s t SET at = clock_timestamp(), predicted = ml.predict(%L, t, NULL::%s) WHERE batch = %s',
					   relation, model, CASE target WHEN 'class' THEN 'text' ELSE 'float8' END, b);
		INSERT INTO replay.steps SELECT run.model, b, started, d.version
			FROM ml.deployments d WHERE d.model = run.model AND d.role = 'production' AND d.ended_at IS NULL;
		COMMIT;
		-- the worker counts, judges drift, estimates, measures the batch before, and asks the policies
		PERFORM ml.flush_monitor();
		COMMIT;
		PERFORM ml.wait_job(j.job_id, '2 minutes') FROM ml.jobs j WHERE j.model = run.model AND j.status IN ('queued', 'running');
		COMMIT;
		EXECUTE format('UPDATE %s SET known = true WHERE batch = %s', relation, b);
		COMMIT;
	END LOOP;
	PERFORM ml.flush_monitor();
END $$;

-- The table that is shown: what each batch met with. A batch is the windows from its second on.
CREATE VIEW replay.result AS
WITH step AS (
	SELECT model, batch, version, started_at, date_trunc('second', started_at) AS from_time,
		   date_trunc('second', lead(started_at, 1, 'infinity') OVER (PARTITION BY model ORDER BY batch)) AS until_time
	FROM replay.steps)
SELECT s.model, s.batch, s.version, w.rows, d.worst_drift, e.value AS estimated, e.low, e.high, r.value AS realised,
	   a.rules, a.alerts, p.policy
FROM step s
	LEFT JOIN LATERAL (
		SELECT sum(w.rows) AS rows FROM ml.windows w
		WHERE w.model = s.model AND w.role = 'production' AND w.window_start >= from_time AND w.window_start < until_time) w ON true
	LEFT JOIN LATERAL (
		SELECT format('%s %s', d.column_name, round((d.statistic / d.limit_value)::numeric, 1)) AS worst_drift
		FROM ml.drift d
		WHERE d.model = s.model AND d.drift_type = 'baseline' AND d.verdict = 'drift'
			AND d.window_start >= from_time AND d.window_start < until_time
		ORDER BY d.statistic / d.limit_value DESC LIMIT 1) d ON true
	LEFT JOIN LATERAL (
		SELECT sum(q.value * q.n) / sum(q.n) AS value, sum(q.low * q.n) / sum(q.n) AS low, sum(q.high * q.n) / sum(q.n) AS high
		FROM ml.quality q
		WHERE q.model = s.model AND q.kind = 'estimated' AND q.metric = 'accuracy' AND q.slice_key IS NULL
			AND q.window_start >= from_time AND q.window_start < until_time) e ON true
	LEFT JOIN LATERAL (
		SELECT sum(q.value * q.n) / sum(q.n) AS value FROM ml.quality q
		WHERE q.model = s.model AND q.kind = 'realised' AND q.metric IN ('accuracy', 'mae') AND q.slice_key IS NULL
			AND q.window_start >= from_time AND q.window_start < until_time
			AND q.metric = CASE s.model WHEN 'bike' THEN 'mae' ELSE 'accuracy' END) r ON true
	LEFT JOIN LATERAL (
		SELECT string_agg(rules, ' ') AS rules, string_agg(concat(n, ' ', kind), ', ' ORDER BY kind) AS alerts
		FROM (SELECT split_part(a.rule, ':', 1) AS kind, count(*) AS n, string_agg(a.rule, ' ') AS rules FROM ml.alerts a
			  WHERE a.model = s.model AND a.opened_at >= s.started_at AND a.opened_at < until_time GROUP BY 1) k) a ON true
	LEFT JOIN LATERAL (
		SELECT string_agg(concat_ws(' ', f.outcome, coalesce(f.version::text, f.brake)), ', ' ORDER BY f.firing_id) AS policy
		FROM ml.policy_firings f
		WHERE f.model = s.model AND f.fired_at >= s.started_at AND f.fired_at < until_time) p ON true;

-- What the first version alone would have done from the batch on in which another one served first.
CREATE FUNCTION replay.recovery(model text, OUT served float8, OUT first_version float8) LANGUAGE plpgsql AS $$
DECLARE
	since integer := (SELECT min(s.batch) FROM replay.steps s WHERE s.model = recovery.model AND s.version > 1);
BEGIN
	IF model = 'bike' THEN
		SELECT avg(abs(predicted - cnt)), avg(abs(ml.predict('bike/1', r) - cnt)) INTO served, first_version
			FROM replay.bike r WHERE batch >= since AND at IS NOT NULL;
	ELSE
		SELECT avg((predicted = class)::int), avg((ml.predict('electricity/1', r, NULL::text) = class)::int)
			INTO served, first_version FROM replay.electricity r WHERE batch >= since AND at IS NOT NULL;
	END IF;
END $$;

-- The batches in which alerts opened whose rule matches.
CREATE FUNCTION replay.alerts(model text, rule text) RETURNS integer[] LANGUAGE sql STABLE AS $$
	SELECT array_agg(DISTINCT batch ORDER BY batch) FROM replay.result r WHERE r.model = alerts.model AND r.rules ~ rule
$$;

CREATE VIEW replay.checks AS
SELECT model || ': each batch was counted whole' AS what,
	   bool_and(rows = CASE model WHEN 'bike' THEN (SELECT count(*) FROM replay.bike b WHERE b.batch = r.batch)
					   ELSE (SELECT count(*) FROM replay.electricity e WHERE e.batch = r.batch) END) AS ok
FROM replay.result r GROUP BY model
UNION ALL SELECT model || ': each batch has its realised figure', bool_and(realised IS NOT NULL) FROM replay.result GROUP BY model
UNION ALL SELECT 'electricity: each batch has an estimate', bool_and(estimated IS NOT NULL) FROM replay.result WHERE model = 'electricity'
UNION ALL SELECT 'electricity: an alert on concept drift or quality with the market of May 1997 (batches 12 to 14)',
	replay.alerts('electricity', 'concept_drift|quality') && '{12,13,14}'
UNION ALL SELECT 'electricity: alerts on the columns that changed with it, and none before',
	(replay.alerts('electricity', 'drift:(vicdemand|vicprice|transfer)'))[1] BETWEEN 13 AND 15
UNION ALL SELECT 'bike: an alert on temperature before the summer of 2011 (batch 5)', (replay.alerts('bike', 'drift:temp'))[1] <= 5
UNION ALL SELECT m || ': the policy retrained by a job, and the gate admitted', EXISTS (
	SELECT FROM ml.policy_firings f JOIN ml.jobs j USING (job_id)
	WHERE f.model = m AND f.outcome = 'deployed' AND j.status = 'succeeded' AND EXISTS (
		SELECT FROM ml.gate_results g WHERE g.model = m AND g.version = f.version AND g.verdict = 'pass'))
	FROM unnest('{bike,electricity}'::text[]) m
UNION ALL SELECT 'electricity: accuracy recovered by 2 points and more', served >= first_version + 0.02 FROM replay.recovery('electricity')
UNION ALL SELECT 'bike: the mean absolute error recovered by a tenth and more', served <= 0.9 * first_version FROM replay.recovery('bike');
