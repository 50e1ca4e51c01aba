-- Training: every argument, what is written to the catalog, where rows may come from, and that equal rows give equal bytes.
CREATE ROLE regress_ml_reader;
CREATE ROLE regress_ml_writer;
CREATE ROLE regress_ml_keeper;
CREATE DATABASE regress_ml_train TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_train
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET client_min_messages = warning;
CREATE EXTENSION pg_mlops;

-- 240 houses: deterministic, with gaps in lot, in side and in price; sold and band are two and three classes.
CREATE TABLE houses AS
	SELECT i AS id, 40 + i * 37 % 101 AS area, (1 + i * 13 % 5)::int2 AS rooms, CASE WHEN i % 9 > 0 THEN (i * 29 % 71) / 7.0 END::float8 AS lot,
		CASE WHEN i % 13 > 0 THEN (ARRAY['north', 'south', 'east', 'west'])[1 + i * 11 % 7 % 4] END AS side, i % 3 = 0 AS garden,
		i % 4 = 0 AS held_out, 1 + i % 3 AS weight, 'fixed'::text AS town, 'code ' || i AS code, NULL::float8 AS never,
		CASE WHEN i % 24 > 0 THEN (40 + i * 37 % 101) * 2 + (1 + i * 13 % 5) * 10 - CASE WHEN i % 9 > 0 THEN (i * 29 % 71) / 7.0 ELSE 0 END + i * 7 % 10 END::numeric AS price,
		(i * 37 % 101 + i * 53 % 83) > 90 AS sold, (ARRAY['low', 'middle', 'high'])[1 + (i * 37 % 101 + i * 53 % 83) / 65] AS band
	FROM generate_series(1, 240) i;
ALTER TABLE houses ADD PRIMARY KEY (id);
CREATE FUNCTION rounded(metrics jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(round(value::text::numeric, 6)) ELSE value END) FROM jsonb_each(metrics)
$$;

-- Linear regression: the row that comes back, the coefficients, the figures of the fit.
SELECT model, version, algorithm, task, rows, features, rounded(metrics) AS metrics, deployed, seconds >= 0 AS took_time, pg_typeof(seconds) AS seconds
	FROM ml.train('price', 'houses', 'price', 'linear_regression', exclude => '{held_out,weight,sold,band}');
SELECT unnest(notes) AS note FROM ml.train('price', 'houses', 'price', 'linear_regression', exclude => '{held_out,weight,sold,band}');
SELECT term, round(estimate::numeric, 6) AS estimate, round(std_error::numeric, 6) AS std_error, round(statistic::numeric, 4) AS statistic, round(p_value::numeric, 6) AS p_value,
	round(low::numeric, 4) AS low, round(high::numeric, 4) AS high FROM ml.coefficients('price/1');
SELECT name, round(value::numeric, 4) AS value FROM ml.summary('price/1') WHERE name <> 'condition_number';
-- Least squares on one column are those of the server's aggregates.
SELECT version FROM ml.train('simple', 'SELECT area, price FROM houses', 'price', 'linear_regression', split => '{"method": "none"}');
SELECT term, round((estimate - CASE term WHEN 'area' THEN slope ELSE intercept END)::numeric, 9) AS difference
	FROM ml.coefficients('simple'), (SELECT regr_slope(price::float8, area) AS slope, regr_intercept(price::float8, area) AS intercept FROM houses) r;
SELECT round((value - r2)::numeric, 9) AS difference FROM ml.summary('simple'), (SELECT regr_r2(price::float8, area) AS r2 FROM houses) r WHERE name = 'r2';
SELECT ml.drop_model('simple') FROM ml.undeploy('simple', 'production');
-- Logistic regression of two classes and of three.
SELECT model, version, algorithm, task, rows, features, rounded(metrics) AS metrics, deployed, notes FROM ml.train('sold', 'houses', 'sold', 'logistic_regression', '{area,rooms,lot,side}');
SELECT term, round(estimate::numeric, 6) AS estimate, round(std_error::numeric, 6) AS std_error, round(p_value::numeric, 6) AS p_value FROM ml.coefficients('sold');
SELECT model, version, algorithm, task, rows, features, rounded(metrics) AS metrics, deployed, notes FROM ml.train('band', 'houses', 'band', 'logistic_regression', '{area,rooms,garden}');
SELECT term, round(estimate::numeric, 6) AS estimate, round(std_error::numeric, 6) AS std_error FROM ml.coefficients('band');
SELECT name, round(value::numeric, 4) AS value FROM ml.summary('band') ORDER BY 1;

-- What the catalog keeps of it.
SELECT model, task, target, last_version FROM ml.models ORDER BY model;
SELECT model, version, algorithm, task, params @> '{"intercept": true}' AS params, parent_version, artifact_bytes = length(artifact) AS bytes, artifact_sha256 = encode(sha256(artifact), 'hex') AS digest,
	created_by = current_user AS creator, rounded(metrics) IS NOT NULL AS metrics, summary ? 'rows' OR summary ? 'weight' AS summary, jsonb_array_length(notes) AS notes FROM ml.versions ORDER BY 1, 2;
SELECT jsonb_pretty(signature) FROM ml.versions WHERE model = 'band';
SELECT step ->> 'step' AS step, round((step #>> '{learned,fill,area}')::numeric, 6) AS fill, step #> '{learned,indicator}' AS indicator, round((step #>> '{learned,columns,area,mean}')::numeric, 6) AS mean,
	round((step #>> '{learned,columns,area,stddev}')::numeric, 6) AS stddev FROM ml.versions, jsonb_array_elements(pipeline) step WHERE model = 'band';
SELECT kind, model, version, status, seed, actor = current_user AS actor, started_at <= finished_at AS finished, error, parent_run_id,
	params @> '{"seed": 0, "task": null, "split": {"test": 0.2}, "deploy": "first", "params": {}, "weight": null, "pipeline": null, "snapshot": "fingerprint", "source": "houses"}' AS defaults,
	params ->> 'target' AS target, params ->> 'algorithm' AS algorithm, params -> 'features' AS features, params -> 'exclude' AS exclude,
	environment @> '{"spilled": false, "max_categories": 100, "train_memory_kb": 524288}' AS environment,
	environment ->> 'extension_version' = (SELECT extversion FROM pg_extension WHERE extname = 'pg_mlops') AS extension FROM ml.runs ORDER BY run_id;
SELECT r.model, r.version, m.name, round(m.value::numeric, 6) AS value, m.step, m.slice_key FROM ml.run_metrics m JOIN ml.runs r USING (run_id) WHERE r.model = 'sold' AND m.name !~ '^fit\.' ORDER BY 1, 2, 3;
SELECT count(*) > 5 AS figures FROM ml.run_metrics m JOIN ml.runs r USING (run_id) WHERE r.model = 'sold' AND m.name ~ '^fit\.';
-- The metrics of the result, of the version and of the run are the same numbers.
SELECT count(*), count(*) FILTER (WHERE m.value = (v.metrics ->> m.name)::float8) AS same FROM ml.run_metrics m JOIN ml.versions v USING (run_id) WHERE m.name !~ '^fit\.';
SELECT model, source, relations, rows, fingerprint ~ '^[0-9a-f]{32}$' AS fingerprint, jsonb_typeof(profile) AS profile, wal_lsn IS NOT NULL AS wal, stored_as FROM ml.snapshots ORDER BY snapshot_id;
SELECT count(DISTINCT fingerprint) FROM ml.snapshots WHERE model = 'price';
SELECT model, version, parent_version, source, relations, rows, algorithm, code, trained_by = current_user AS by_me, deployed_as FROM ml.lineage ORDER BY 1, 2;
SELECT model, version, role, reason FROM ml.deployments ORDER BY deployment_id;
SELECT kind, model, version FROM ml.events ORDER BY event_id;

-- Held-out metrics: of the rows that were held out, and of no others.
SELECT version, rows FROM ml.train('judged', 'houses', 'price', 'linear_regression', '{area,rooms}', split => '{"method": "column", "column": "held_out"}');
SELECT e.metric, e.n, (v.metrics ->> e.metric)::float8 = e.value AS same FROM ml.versions v, ml.evaluate('judged', 'SELECT * FROM houses WHERE held_out') e WHERE v.model = 'judged' ORDER BY 1;
-- The rows held out have no part in the training: it is the same without them.
SELECT version, metrics FROM ml.train('judged', 'SELECT * FROM houses WHERE NOT held_out', 'price', 'linear_regression', '{area,rooms}', split => '{"method": "none"}');
SELECT count(*), count(DISTINCT artifact_sha256) AS artifacts FROM ml.versions WHERE model = 'judged';
SELECT version, rows FROM ml.train('judged three', 'houses', 'band', 'logistic_regression', '{area,lot,side}', split => '{"method": "column", "column": "held_out"}');
SELECT version, rows FROM ml.train('judged three', 'SELECT * FROM houses WHERE NOT held_out', 'band', 'logistic_regression', '{area,lot,side}', split => '{"test": 0}');
SELECT count(*), count(DISTINCT artifact_sha256) AS artifacts FROM ml.versions WHERE model = 'judged three';
-- The share, and the seed that chooses.
CREATE TABLE many AS SELECT i AS x, i % 10 AS y FROM generate_series(1, 5000) i;
SELECT count(*) FROM unnest('{0.1,0.2,0.5,0.95}'::float8[]) share, LATERAL ml.train('shares', 'many', 'y', 'linear_regression', split => jsonb_build_object('test', share));
SELECT r.params #>> '{split,test}' AS share, abs((v.summary ->> 'rows')::float8 / 5000 - (1 - (r.params #>> '{split,test}')::float8)) < 0.02 AS about FROM ml.versions v JOIN ml.runs r USING (run_id) WHERE v.model = 'shares' ORDER BY 1;
SELECT count(*) FROM generate_series(0, 4) seed, LATERAL ml.train('seeds', 'many', 'y', 'linear_regression', seed => seed);
SELECT count(*), count(DISTINCT v.artifact_sha256) AS artifacts, count(DISTINCT r.seed) AS seeds, count(DISTINCT s.fingerprint) AS fingerprints
	FROM ml.versions v JOIN ml.runs r USING (run_id) JOIN ml.snapshots s USING (snapshot_id) WHERE v.model = 'seeds';
SELECT version FROM ml.train('seeds', 'many', 'y', 'linear_regression', seed => 9223372036854775807);
SELECT version FROM ml.train('seeds', 'many', 'y', 'linear_regression', seed => -9223372036854775808);
SELECT version FROM ml.train('seeds', 'many', 'y', 'linear_regression', seed => NULL);
SELECT v.artifact_sha256 = w.artifact_sha256 AS null_is_0 FROM ml.versions v, ml.versions w WHERE v.model = 'seeds' AND w.model = 'seeds' AND v.version = 8 AND w.version = 1;

-- Features and exclusions: what is left over is used, without the key, constants and codes.
SELECT features, notes FROM ml.train('chosen', 'houses', 'price', 'linear_regression', '{lot,area}', split => '{"method": "none"}');
SELECT features, notes FROM ml.train('chosen', 'houses', 'price', 'linear_regression', exclude => '{area,held_out,weight,sold,band,code,town,never,id}', split => '{"method": "none"}');
SELECT features FROM ml.train('chosen', 'houses', 'price', 'linear_regression', '{id,area}', split => '{"method": "none"}');
SELECT version, (SELECT string_agg(i ->> 'name', ',') FROM jsonb_array_elements(signature -> 'inputs') i) AS inputs FROM ml.versions WHERE model = 'chosen' ORDER BY 1;
SELECT features FROM ml.train('quoted', 'SELECT area AS "Area; --", rooms AS "a ""b"" c", lot AS " ", garden AS U&"\00e4", price AS "the price" FROM houses', 'the price', 'linear_regression', '{"Area; --","a \"b\" c"," ","ä"}');
SELECT term, estimate IS NOT NULL AS estimated FROM ml.coefficients('quoted');

-- Parameters, and the class that counts as positive.
SELECT version FROM ml.train('penalised', 'houses', 'price', 'linear_regression', '{area,rooms}', params => '{"l2": 10, "intercept": false}');
SELECT version, params @> '{"l2": 10, "intercept": false}' AS params FROM ml.versions WHERE model = 'penalised';
SELECT term, round(estimate::numeric, 6) AS estimate, std_error FROM ml.coefficients('penalised');
SELECT version FROM ml.train('positive', 'houses', 'sold', 'logistic_regression', '{area,rooms}', split => '{"method": "none"}');
SELECT version FROM ml.train('positive', 'houses', 'sold', 'logistic_regression', '{area,rooms}', params => '{"positive_class": false}', split => '{"method": "none"}');
SELECT version FROM ml.train('positive', 'houses', 'sold', 'logistic_regression', '{area,rooms}', params => '{"positive_class": "true", "l2": 0}', split => '{"method": "none"}');
SELECT version, signature -> 'output' ->> 'positive_class' AS positive, signature -> 'output' -> 'classes' AS classes FROM ml.versions WHERE model = 'positive' ORDER BY 1;
SELECT a.term, round(a.estimate::numeric, 6) AS estimate, round((a.estimate + b.estimate)::numeric, 9) AS mirrored FROM ml.coefficients('positive/1') a JOIN ml.coefficients('positive/2') b USING (term) ORDER BY 1;
SELECT count(*) FILTER (WHERE round((ml.probability('positive/1', h) + ml.probability('positive/2', h))::numeric, 9) = 1) AS mirrored,
	count(*) FILTER (WHERE ml.probability('positive/1', h, 'false') - ml.probability('positive/2', h) < 1e-9) AS same,
	count(*) FILTER (WHERE ml.predict('positive/1', h, NULL::boolean) = ml.predict('positive/2', h, NULL::boolean)) AS labels FROM houses h;
SELECT version FROM ml.train('grades', 'SELECT area, rooms, 1 + sold::int AS y FROM houses', 'y', 'logistic_regression', params => '{"positive_class": 1}');
SELECT signature -> 'output' ->> 'positive_class' AS positive FROM ml.versions WHERE model = 'grades';

-- Pipelines that are given.
CREATE FUNCTION piped(pipeline jsonb, features text[] DEFAULT '{area,lot,side,garden}') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	v int;
BEGIN
	SELECT version INTO v FROM ml.train('piped', 'houses', 'price', 'linear_regression', features, pipeline => piped.pipeline, split => '{"method": "none"}');
	RETURN (SELECT ver.pipeline FROM ml.versions ver WHERE model = 'piped' AND version = v);
END
$$;
SELECT piped('[]', '{area,garden}');
SELECT p #> '{0,learned,indicator}' AS indicator, p #> '{0,learned,fill,lot}' AS lot, p #> '{0,learned,fill,side}' AS side, round((p #>> '{0,learned,fill,area}')::numeric, 6) AS area, p -> 1 AS one_hot
	FROM piped('[{"step": "impute"}, {"step": "one_hot"}]') p;
SELECT piped('[{"step": "impute", "strategy": "median", "indicator": false}, {"step": "one_hot", "drop": false}]');
SELECT piped('[{"step": "impute", "strategy": "mean"}, {"step": "standardise", "columns": ["area", "lot"]}, {"step": "one_hot"}]') #> '{1,learned,columns}' ? 'garden' AS all_columns;
SELECT piped('[{"step": "impute"}, {"step": "one_hot", "columns": ["side"]}, {"step": "standardise"}, {"step": "standardise"}]') -> 3 ->> 'step' AS again;
SELECT version, string_agg(term, ', ' ORDER BY position) AS terms FROM generate_series(1, 5) version, ml.coefficients('piped/' || version) WITH ORDINALITY c (term, e, s, t, p, l, h, position) GROUP BY 1 ORDER BY 1;
-- Whatever the units the design has, linear regression answers the same.
SELECT count(*), count(*) FILTER (WHERE abs(ml.predict('piped/2', h) - ml.predict('piped/4', h)) < 1e-9) AS "2=4" FROM houses h WHERE lot IS NOT NULL;
SELECT count(*) FILTER (WHERE abs(ml.predict('piped/2', h) - ml.predict('piped/5', h)) < 1e-9) AS "2=5" FROM houses h;

-- Weights: a row of weight 3 is three rows. Rows of weight 0 are none.
CREATE TABLE repeated AS SELECT h.* FROM houses h, generate_series(1, h.weight) WHERE lot IS NOT NULL;
CREATE TABLE weighings (target text, algorithm text);
INSERT INTO weighings VALUES ('price', 'linear_regression'), ('sold', 'logistic_regression'), ('band', 'logistic_regression');
SELECT target, version, rows FROM weighings, LATERAL ml.train('weighted ' || target, 'SELECT * FROM houses WHERE lot IS NOT NULL', target, algorithm, '{area,rooms,lot}', weight => 'weight', split => '{"method": "none"}');
SELECT target, version, rows FROM weighings, LATERAL ml.train('weighted ' || target, 'repeated', target, algorithm, '{area,rooms,lot}', split => '{"method": "none"}');
SELECT target, a.term, round(a.estimate::numeric, 6) AS estimate, round((a.estimate - b.estimate)::numeric, 9) AS difference
	FROM weighings, LATERAL ml.coefficients('weighted ' || target || '/1') a, LATERAL ml.coefficients('weighted ' || target || '/2') b WHERE a.term = b.term ORDER BY 1, 2;
SELECT (SELECT count(*) FROM ml.train('zero', 'SELECT *, (id % 2)::float4 AS w FROM houses', 'price', 'linear_regression', '{area,rooms}', weight => 'w', split => '{"method": "none"}')),
	(SELECT count(*) FROM ml.train('zero', 'SELECT * FROM houses WHERE id % 2 = 1', 'price', 'linear_regression', '{area,rooms}', split => '{"method": "none"}'));
SELECT a.term, round((a.estimate - b.estimate)::numeric, 9) AS difference FROM ml.coefficients('zero/1') a JOIN ml.coefficients('zero/2') b USING (term) ORDER BY 1;

-- Snapshot, deploy, experiment, tags, code.
SELECT version, deployed FROM ml.train('bare', 'houses', 'price', 'linear_regression', '{area}', snapshot => 'none', deploy => 'never', experiment => 'first look', tags => '{"team": "a"}', code => 'git:1234');
SELECT v.snapshot_id, l.source, l.code, r.experiment, r.tags, r.code, r.params ->> 'snapshot' AS snapshot, r.params ->> 'deploy' AS deploy FROM ml.versions v JOIN ml.runs r USING (run_id)
	JOIN ml.lineage l ON l.model = v.model AND l.version = v.version WHERE v.model = 'bare';
SELECT count(*) FROM ml.snapshots WHERE model = 'bare';
SELECT version, deployed FROM ml.train('bare', 'houses', 'price', 'linear_regression', '{area}');
SELECT version, deployed FROM ml.train('bare', 'houses', 'price', 'linear_regression', '{area}');
SELECT version, deployed FROM ml.train('bare', 'houses', 'price', 'linear_regression', '{area}', deploy => 'always');
SELECT version, deployed FROM ml.train('bare', 'houses', 'price', 'linear_regression', '{area}', deploy => 'if_gates_pass');
SELECT version, deployed FROM ml.train('bare', 'houses', 'price', 'linear_regression', '{area}', deploy => 'never');
SELECT version, role, ended_at IS NULL AS current, reason FROM ml.deployments WHERE model = 'bare' ORDER BY deployment_id;

-- A model keeps its task and its target.
SELECT ml.train('bare', 'houses', 'area', 'linear_regression', '{rooms}');
SELECT ml.train('bare', 'houses', 'price', 'logistic_regression', '{rooms}');

-- The task, from the type and the values of the target. The learner that 'auto' takes is not told here.
SELECT y.expression, t.task, (SELECT array_agg(note) FROM unnest(t.notes) note WHERE note ~ '^target') AS notes FROM (VALUES ('area > 90'), ('side'), ('area'), ('area % 7'), ('area::float8'), ('area / 7.0'),
	('(area > 90)::int'), ('(area > 90)::int::float8'), ('(area > 90)::int * 2 - 1'), ('(area % 7)::float8'), ('(area % 3)::numeric'), ('area % 21'), ('band'), ('md5(area::text)::uuid')) y (expression),
	LATERAL ml.train('inferred ' || substr(md5(expression), 1, 6), format('SELECT rooms, lot, garden, %s AS y FROM houses WHERE area < 90 OR side IS NOT NULL', expression), 'y', split => '{"method": "none"}', deploy => 'never') t;
SELECT t.task, (SELECT count(*) FROM unnest(t.notes) note WHERE note ~ '^target') AS notes FROM ml.train('told', 'SELECT rooms, lot, (area > 90)::int AS y FROM houses', 'y', task => 'regression') t;
SELECT t.task FROM ml.train('told too', 'SELECT rooms, lot, area % 3 AS y FROM houses', 'y', task => 'classification') t;

-- Where rows may come from. All of these are the same rows.
CREATE SCHEMA "Weird Schema";
CREATE TABLE plain AS SELECT area AS a, rooms AS b, lot AS c, side AS d, price AS y FROM houses;
CREATE TABLE "Weird Schema"."Plain; DROP TABLE plain" AS SELECT * FROM plain;
CREATE TABLE "select" AS SELECT * FROM plain;
CREATE TABLE "with space" AS SELECT * FROM plain;
CREATE VIEW seen AS SELECT * FROM plain;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM plain;
CREATE TEMP TABLE passing AS SELECT * FROM plain;
CREATE UNLOGGED TABLE unlogged AS SELECT * FROM plain;
CREATE TABLE parted (LIKE plain) PARTITION BY RANGE (a);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (MINVALUE) TO (80);
CREATE TABLE parted_high (y numeric, d text, c float8, b int2, a int);
ALTER TABLE parted ATTACH PARTITION parted_high FOR VALUES FROM (80) TO (MAXVALUE);
INSERT INTO parted SELECT * FROM plain;
CREATE TABLE parent (LIKE plain);
CREATE TABLE child (extra int) INHERITS (parent);
INSERT INTO parent SELECT * FROM plain WHERE b < 3;
INSERT INTO child SELECT * FROM plain WHERE b >= 3;
CREATE TABLE dropped (gone int, a int, b int2, gone_too text, c float8, d text, y numeric);
INSERT INTO dropped SELECT 1, a, b, 'x', c, d, y FROM plain WHERE b < 3;
ALTER TABLE dropped DROP COLUMN gone, DROP COLUMN gone_too;
INSERT INTO dropped SELECT * FROM plain WHERE b >= 3;
CREATE FUNCTION rows_of() RETURNS SETOF plain LANGUAGE sql STABLE AS $$ SELECT * FROM plain $$;
CREATE FUNCTION rows_made() RETURNS SETOF plain LANGUAGE plpgsql VOLATILE AS $$ BEGIN RETURN QUERY SELECT * FROM plain ORDER BY c; END $$;
CREATE TABLE sources (n int GENERATED ALWAYS AS IDENTITY, source text);
INSERT INTO sources (source) VALUES ('plain'), (' plain '), ('public.plain'), ('PLAIN'), ('"plain"'), ('public."plain"'), ('"select"'), ('"with space"'), ('"Weird Schema"."Plain; DROP TABLE plain"'),
	('seen'), ('kept'), ('passing'), ('pg_temp.passing'), ('unlogged'), ('parted'), ('parent'), ('dropped'),
	('SELECT * FROM plain'), ('select a,b,c,d,y from plain'), ('SELECT(a),b,c,d,y FROM plain'), ('  SELECT * FROM plain;  '), ('SELECT * FROM plain ORDER BY y, a DESC'), (E'\n\tSELECT\n*\nFROM\nplain\n'),
	('-- first, a comment' || chr(10) || 'SELECT * FROM plain -- and one at the end'), ('/* a comment; */ SELECT * FROM plain'), ('/* a /* nested */ comment */ -- and' || chr(10) || 'TABLE plain'), ('(SELECT * FROM plain)'), ('((TABLE plain))'),
	('TABLE plain'), ('table"select"'), ('WITH p AS (SELECT * FROM plain) SELECT * FROM p'), ('WITH p AS MATERIALIZED (TABLE plain) TABLE p'), ('WITH RECURSIVE r (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT p.* FROM plain p JOIN r ON p.b = r.n'),
	('SELECT * FROM plain WHERE b < 3 UNION ALL SELECT * FROM plain WHERE b >= 3'), ('SELECT * FROM (SELECT * FROM plain) q'), ('SELECT * FROM rows_of()'), ('SELECT * FROM rows_made()'), ('SELECT (p).* FROM (SELECT p FROM plain p) q'),
	('SELECT a, b, c, d, y FROM plain TABLESAMPLE BERNOULLI (100)'), ('SELECT * FROM plain LIMIT ALL OFFSET 0'), ('SELECT p.* FROM plain p LEFT JOIN houses h ON h.id = -1'), ('SELECT DISTINCT ON (h.id) p.* FROM plain p JOIN houses h ON p = ROW(h.area, h.rooms, h.lot, h.side, h.price)::plain');
CREATE FUNCTION of_sources(OUT n int, OUT version int, OUT rows bigint, OUT features int, OUT sha text, OUT fingerprint text, OUT relations text[]) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	s record;
BEGIN
	FOR s IN SELECT * FROM sources ORDER BY sources.n LOOP
		n := s.n;
		SELECT t.version, t.rows, t.features INTO version, rows, features FROM ml.train('same', s.source, 'y', 'linear_regression') t;
		SELECT v.artifact_sha256, p.fingerprint, p.relations INTO sha, fingerprint, relations FROM ml.versions v JOIN ml.snapshots p USING (snapshot_id) WHERE v.model = 'same' AND v.version = of_sources.version;
		RETURN NEXT;
	END LOOP;
END
$$;
CREATE TABLE results AS SELECT * FROM of_sources();
SELECT count(*) = (SELECT count(*) FROM sources) AS all_sources, count(DISTINCT sha) AS artifacts, count(DISTINCT fingerprint) AS fingerprints, min(rows) AS rows, max(rows) AS most, min(features) AS features FROM results;
-- What differs, if any: the source.
SELECT n, source, rows FROM results JOIN sources USING (n) WHERE sha <> (SELECT sha FROM results WHERE n = 1);
SELECT source, (SELECT array_agg(r ORDER BY r) FROM unnest(relations) r) AS relations FROM results JOIN sources USING (n) WHERE source IN ('plain', 'seen', 'parted', 'parent', '"select"', 'SELECT * FROM rows_of()') OR source ~ 'houses|Weird' ORDER BY n;
SELECT rows, features FROM ml.train('listed', 'VALUES (1, 2), (2, 4), (3, 7), (4, 8)', 'column2', 'linear_regression', split => '{"method": "none"}');
SELECT rows, features FROM ml.train('listed', '(VALUES (1, 2), (2, 4), (3, 7), (4, 8))', 'column2', 'linear_regression', split => '{"method": "none"}');
-- Names are found through the search_path of the caller.
SET search_path = "Weird Schema", public;
CREATE TABLE "Weird Schema".plain AS SELECT * FROM public.plain LIMIT 100;
SELECT rows <= 100 AS found FROM ml.train('found', 'plain', 'y', 'linear_regression');
RESET search_path;

-- The order of rows, the memory and the plan do not show in the bytes.
CREATE TABLE ordered AS SELECT i % 1009 AS a, i * 7919 % 10007 / 3.0 AS b, CASE WHEN i % 31 > 0 THEN i % 83 END AS c, 'level ' || i % 7 AS d, i % 1009 + i * 7919 % 10007 / 30.0 + i * 31 % 1000 AS y,
	i * 31 % 1000 + i % 1009 > 1000 AS two, (i * 31 % 1000 + i % 1009) / 700 AS three FROM generate_series(1, 20000) i;
CREATE TABLE reordered (LIKE ordered);
INSERT INTO reordered SELECT * FROM ordered ORDER BY hashtext(a || ' ' || b), c, d, y;
CREATE TABLE shas (target text, how text, sha text, spilled boolean, rows bigint);
CREATE PROCEDURE note_sha(how text, source text) LANGUAGE plpgsql AS $$
DECLARE
	target text;
	t record;
BEGIN
	FOREACH target IN ARRAY '{y,two,three}'::text[] LOOP
		SELECT * INTO t FROM ml.train('ordered ' || target, source, target, CASE target WHEN 'y' THEN 'linear_regression' ELSE 'logistic_regression' END, '{a,b,c,d}', seed => 5);
		INSERT INTO shas SELECT target, how, artifact_sha256, (r.environment ->> 'spilled')::boolean, t.rows FROM ml.versions v JOIN ml.runs r USING (run_id) WHERE v.model = t.model AND v.version = t.version;
	END LOOP;
END
$$;
CALL note_sha('as it is', 'ordered');
CALL note_sha('in another order', 'reordered');
CALL note_sha('sorted', 'SELECT * FROM ordered ORDER BY y, a, b');
SET pg_mlops.train_memory = '1MB';
CALL note_sha('in 1 MB', 'ordered');
CALL note_sha('in 1 MB, in another order', 'reordered');
SET pg_mlops.train_memory = '3MB';
CALL note_sha('in 3 MB', 'reordered');
SET pg_mlops.train_memory = '2GB';
CALL note_sha('in 2 GB', 'ordered');
RESET pg_mlops.train_memory;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CALL note_sha('by workers', 'ordered');
DO $$
BEGIN
	-- The setting has another name before 16.
	PERFORM set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'on', false);
END
$$;
CALL note_sha('by a worker', 'reordered');
SET max_parallel_workers_per_gather = 0;
SET work_mem = '64kB';
SET enable_seqscan = off;
SET jit = off;
CALL note_sha('without workers', 'SELECT o.* FROM ordered o JOIN (VALUES (true), (false)) v (two) USING (two)');
RESET ALL;
SET lc_messages = 'C';
SET client_min_messages = warning;
UPDATE ordered SET a = a WHERE a % 3 = 0;
CALL note_sha('updated', 'ordered');
DELETE FROM ordered WHERE a = 5;
INSERT INTO ordered SELECT * FROM reordered WHERE a = 5;
CALL note_sha('deleted and inserted', 'ordered');
VACUUM FULL ordered;
CALL note_sha('packed', 'ordered');
SELECT target, count(*), count(DISTINCT sha) AS artifacts, count(*) FILTER (WHERE spilled) AS spilled, min(rows) AS rows, max(rows) AS most FROM shas GROUP BY 1 ORDER BY 1;
SELECT how, bool_or(spilled) AS spilled FROM shas WHERE how ~ 'B' GROUP BY 1 ORDER BY 1;
-- One value changed is another artifact, and another fingerprint.
UPDATE ordered SET c = c + 1 WHERE ctid = (SELECT min(ctid) FROM ordered WHERE c IS NOT NULL);
CALL note_sha('changed', 'ordered');
SELECT target, count(DISTINCT sha) AS artifacts FROM shas GROUP BY 1 ORDER BY 1;

-- Row security, and the privileges of the caller.
CREATE TABLE guarded AS SELECT i AS x, i % 7 AS z, i % 3 = 0 AS mine, 2 * i + i % 5 AS y, i AS secret FROM generate_series(1, 90) i;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON guarded TO regress_ml_reader USING (mine);
GRANT SELECT (x, z, mine, y) ON guarded TO regress_ml_reader;
CREATE VIEW widened AS SELECT x, z, y FROM guarded;
GRANT SELECT ON widened TO regress_ml_reader;
GRANT CREATE ON SCHEMA public TO regress_ml_writer;
SELECT rows FROM ml.train('all', 'guarded', 'y', 'linear_regression');
UPDATE ml.models SET owner = 'regress_ml_keeper';
SET ROLE regress_ml_reader;
SELECT rows, features FROM ml.train('mine', 'guarded', 'y', 'linear_regression', '{x,z}');
SELECT rows, features FROM ml.train('mine', 'guarded', 'y', 'linear_regression', exclude => '{secret}');
SELECT rows, features FROM ml.train('mine', 'SELECT x, y FROM guarded', 'y', 'linear_regression');
SELECT rows, features FROM ml.train('mine', 'widened', 'y', 'linear_regression');
SELECT ml.train('mine', 'guarded', 'y', 'linear_regression');
SELECT ml.train('mine', 'guarded', 'y', 'linear_regression', '{x,secret}');
SELECT ml.train('mine', 'SELECT * FROM guarded', 'y', 'linear_regression');
SELECT ml.train('mine', 'houses', 'price', 'linear_regression');
SELECT ml.train('all', 'guarded', 'y', 'linear_regression', '{x}');
-- The model belongs to who trained it, who may train, score and deploy it further.
SELECT model, owner FROM ml.models;
SELECT round(ml.predict('mine', ROW(1, 2))::numeric, 6) IS NOT NULL AS scores;
SELECT ml.deploy('mine', 2);
SELECT ml.grant('mine', 'train', 'regress_ml_writer');
SET ROLE regress_ml_writer;
CREATE TABLE own AS SELECT i AS x, 2 * i AS y FROM generate_series(1, 50) i;
-- Who may train may not deploy.
SELECT version, deployed, notes FROM ml.train('mine', 'own', 'y', 'linear_regression', deploy => 'always');
SELECT ml.predict('mine', ROW(1, 2));
RESET ROLE;
SELECT version, created_by, (SELECT actor FROM ml.runs r WHERE r.run_id = v.run_id) AS actor FROM ml.versions v WHERE model = 'mine' ORDER BY 1;

-- Inside a transaction: seen at once, gone when it is rolled back, in part or as a whole.
BEGIN;
CREATE TABLE fresh AS SELECT i AS x, 3 * i AS y FROM generate_series(1, 20) i;
SELECT version, deployed FROM ml.train('fleeting', 'fresh', 'y', 'linear_regression');
SELECT ml.predict('fleeting', ROW(5))::numeric(20, 6);
SAVEPOINT s;
SELECT version FROM ml.train('fleeting', 'SELECT x, -y AS y FROM fresh', 'y', 'linear_regression', deploy => 'always');
SELECT ml.predict('fleeting', ROW(5))::numeric(20, 6);
ROLLBACK TO s;
SELECT ml.predict('fleeting', ROW(5))::numeric(20, 6);
ROLLBACK;
SELECT count(*) FROM ml.models WHERE model = 'fleeting';
-- A statement that trains twice; a function that trains in a loop.
SELECT a.version, b.version FROM ml.train('twice', 'plain', 'y', 'linear_regression') a, ml.train('twice', 'plain', 'y', 'linear_regression', seed => 1) b;
CREATE FUNCTION tried(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	t ml.train_result;
BEGIN
	FOR i IN 1..n LOOP
		t := ml.train(model => 'twice', source => 'plain', target => 'y', algorithm => 'linear_regression', params => jsonb_build_object('l2', i));
	END LOOP;
	RETURN t.version;
END
$$;
SELECT tried(3);
SELECT version, parent_version, params ->> 'l2' AS l2 FROM ml.versions WHERE model = 'twice' ORDER BY 1;
-- Names of models.
CREATE TABLE names AS SELECT unnest(ARRAY['a b', U&'\00c4 \00f6', 'it''s', '"q"', '; DROP TABLE plain', '1', '.', '*', 'null', repeat('x', 63)]) AS name;
SELECT count(*) FROM names, LATERAL ml.train(name, 'plain', 'y', 'linear_regression', '{a}');
SELECT count(*) FROM names WHERE ml.predict(name, ROW(5)) = ml.predict(name || '/1', '{"a": 5}'::jsonb);

\c postgres
DROP DATABASE regress_ml_train;
DROP ROLE regress_ml_reader;
DROP ROLE regress_ml_writer;
DROP ROLE regress_ml_keeper;
