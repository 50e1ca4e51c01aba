-- Transforms of numbers: what they make of rows, what they say of themselves, and that the pipeline of a version makes it again.
CREATE DATABASE regress_ml_transforms TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_transforms
SET lc_messages = 'C';
SET extra_float_digits = 1;
CREATE EXTENSION pg_mlops;

-- Training rows: a from 0 to 10, b from 1 to 1024, gaps misses every fifth value, a category and an array.
CREATE TABLE ground AS
	SELECT i, (i * 7 % 11)::float8 AS a, 2 ^ (i * 3 % 11) AS b, CASE WHEN i % 5 > 0 THEN (i * 5 % 13)::float8 END AS gaps,
		sqrt(i * 37 % 101) * 1.1 AS rough,
		(ARRAY['red', 'green', 'blue'])[i % 3 + 1] AS colour, ARRAY[i % 4, i * 3 % 5]::float8[] AS v,
		i * 7 % 11 + 3 * (i % 3) + i * 5 % 13 AS y, i * 7 % 11 + i % 3 > 6 AS two
	FROM generate_series(1, 110) i;
-- Rows to look at: two as in training, one that misses everything, one beyond all training rows.
CREATE TABLE look AS
	SELECT i, a, b, gaps, colour, v FROM ground WHERE i IN (1, 5)
	UNION ALL SELECT 1001, NULL, 'NaN', NULL, NULL, ARRAY[NULL, 'NaN']::float8[]
	UNION ALL SELECT 1002, -5, 0, 100, 'black', ARRAY[-9, 9]::float8[];

-- Trains with a pipeline, by a learner that takes what it gives, and shows what it makes of the rows to look at.
CREATE FUNCTION seen(pipeline jsonb, features text[] DEFAULT '{a,b,gaps}') RETURNS TABLE (i integer, row_seen jsonb) LANGUAGE plpgsql AS $$
DECLARE
	n text;
BEGIN
	FOREACH n IN ARRAY (SELECT t.notes FROM ml.train('seen', 'ground', 'y', 'gradient_boosting', features, pipeline => seen.pipeline,
		params => '{"n_trees": 1}', split => '{"method": "none"}', deploy => 'always') t) LOOP
		IF n !~ 'held out|features of the source' THEN
			RAISE NOTICE '%', n;
		END IF;
	END LOOP;
	RETURN QUERY SELECT l.i, (SELECT jsonb_object_agg(key, CASE WHEN jsonb_typeof(value) = 'number' THEN to_jsonb(round(value::numeric, 9)) ELSE value END)
		FROM jsonb_each(ml.transform('seen', l))) FROM look l ORDER BY l.i;
END
$$;
-- The steps of that, with what they learned rounded.
CREATE FUNCTION steps() RETURNS TABLE (place integer, step text, columns text[], learned text, description text) LANGUAGE sql AS $$
	SELECT s.place, s.step, s.columns, regexp_replace(s.learned::text, '(\.\d{6})\d+', '\1', 'g'),
		regexp_replace(s.description, '(\.\d{6})\d+', '\1', 'g') FROM ml.pipeline_steps('seen') s ORDER BY s.place
$$;

SELECT * FROM seen('[]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "min_max"}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "min_max", "feature_range": [-1, 1], "clip": true, "columns": ["a", "gaps"]}]');
SELECT * FROM seen('[{"step": "robust_scale"}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "robust_scale", "quantile_range": [0, 100], "center": false}]');
SELECT * FROM seen('[{"step": "quantile_transform", "n_quantiles": 5}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "quantile_transform", "n_quantiles": 5, "output": "normal"}]');
SELECT * FROM seen('[{"step": "power"}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "power", "method": "box_cox", "standardize": false, "columns": ["b"]}]');
SELECT * FROM seen('[{"step": "log1p"}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "clip", "min": 2, "upper": 0.75}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "bucketize", "edges": [1, 5, 50]}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "bucketize", "bins": 3, "output": "category"}]');
SELECT * FROM seen('[{"step": "bucketize", "bins": 3, "strategy": "uniform", "output": "one_hot", "columns": ["a"]}]');
SELECT * FROM seen('[{"step": "polynomial"}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "polynomial", "degree": 3, "interaction_only": true}]');
SELECT * FROM seen('[{"step": "impute", "indicator": false}, {"step": "standardise"}, {"step": "pca", "components": 2}]');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "standardise"}, {"step": "pca", "components": 0.5, "whiten": true, "prefix": "main ", "columns": ["a", "gaps"]}]');
SELECT * FROM seen('[{"step": "drop", "columns": ["b", "colour"]}]', '{a,b,colour}');
SELECT * FROM seen('[{"step": "select", "columns": ["colour", "a"]}]', '{a,b,colour}');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "impute", "strategy": "most_frequent"}]', '{a,gaps,colour}');
SELECT * FROM steps();
SELECT * FROM seen('[{"step": "impute", "strategy": "constant", "value": -1.5}]', '{a,gaps,colour}');
SELECT * FROM seen('[{"step": "impute", "strategy": "constant", "value": "none"}]', '{a,gaps,colour}');
SELECT * FROM seen('[{"step": "impute", "strategy": "constant", "value": "red"}, {"step": "one_hot", "drop": false}]', '{a,colour}');
-- All numbers are treated, and categories pass by; an array is named as a whole.
SELECT * FROM seen('[{"step": "min_max", "columns": ["v"]}]', '{a,colour,v}');
SELECT * FROM steps();
-- A function that is not defined for a value: missing, unless impute came before; then what the smallest training value becomes.
SELECT * FROM seen('[{"step": "impute"}, {"step": "log1p"}, {"step": "power", "method": "box_cox", "standardize": false, "columns": ["b"]}]');
-- A column that does not vary, behind a step that takes its variation.
SELECT * FROM seen('[{"step": "clip", "max": 0}, {"step": "min_max"}, {"step": "robust_scale"}, {"step": "power"}, {"step": "quantile_transform", "n_quantiles": 2}, {"step": "bucketize"}]', '{a,b}');
-- A time that is cut off is a time.
CREATE TABLE days AS SELECT date '2024-01-01' + i % 300 AS day, i % 300 / 30 AS y FROM generate_series(1, 600) i;
SELECT version FROM ml.train('days', 'days', 'y', 'linear_regression', pipeline => '[{"step": "clip", "lower": 0.25}, {"step": "date_parts", "parts": ["month", "day"]}]', split => '{"method": "none"}');
SELECT day, ml.transform('days', d) FROM (VALUES (date '2024-01-20'), ('2024-09-03')) d (day);

-- Linear models: coefficients are in the units of the source as long as steps are linear.
CREATE TABLE line AS SELECT i::float8 AS a, (i * i % 17)::float8 AS b, 3 + 2.0 * i - 0.5 * (i * i % 17) AS y FROM generate_series(1, 60) i;
CREATE FUNCTION terms(pipeline jsonb) RETURNS TABLE (term text, estimate numeric) LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ml.train('line', 'line', 'y', 'linear_regression', pipeline => terms.pipeline, split => '{"method": "none"}', deploy => 'always');
	RETURN QUERY SELECT c.term, round(c.estimate::numeric, 9) FROM ml.coefficients('line') c;
END
$$;
SELECT * FROM terms('[{"step": "min_max", "feature_range": [5, 9]}, {"step": "robust_scale"}]');
SELECT * FROM terms('[{"step": "min_max", "feature_range": [5, 9], "clip": true, "columns": ["a"]}]');
SELECT * FROM terms('[{"step": "standardise"}, {"step": "clip", "min": -9, "columns": ["a"]}]');
SELECT * FROM terms('[{"step": "standardise"}, {"step": "bucketize", "edges": [-1, 0, 1], "columns": ["a"], "output": "category"}, {"step": "one_hot"}]');

-- The pipeline of a version makes it again, byte for byte: every learner, on numbers alone, with gaps, with categories.
CREATE FUNCTION again(OUT learner text, OUT task text, OUT features text, OUT spec jsonb, OUT same boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	chosen text[];
	shas text[];
BEGIN
	FOR learner, task IN SELECT l.name, t FROM ml.learners l, unnest(l.tasks) t WHERE t IN ('regression', 'classification') ORDER BY 1, 2 LOOP
		FOREACH features IN ARRAY ARRAY['{a,rough}', '{rough,gaps}', '{a,rough,gaps,colour,v}'] LOOP
			chosen := features;
			spec := NULL;
			FOR k IN 1..2 LOOP
				PERFORM ml.train('again ' || task, 'ground', CASE task WHEN 'regression' THEN 'y' ELSE 'two' END, learner, chosen, task => again.task,
					pipeline => spec, deploy => 'never');
				SELECT shas[1:k - 1] || v.artifact_sha256, ml.pipeline_spec(v.model || '/' || v.version) INTO shas, spec
				FROM ml.versions v WHERE model = 'again ' || again.task ORDER BY version DESC LIMIT 1;
			END LOOP;
			same := shas[1] = shas[2];
			RETURN NEXT;
		END LOOP;
	END LOOP;
END
$$;
SELECT * FROM again() WHERE learner IN ('gradient_boosting', 'linear_regression', 'logistic_regression');
SELECT * FROM again() WHERE NOT same;
-- A pipeline that was given, with every step there is here.
SELECT count(*) FROM seen('[{"step": "impute", "strategy": "constant", "value": 4}, {"step": "clip", "lower": 0.1, "max": 900}, {"step": "power"}, {"step": "min_max"},
	{"step": "quantile_transform", "n_quantiles": 30}, {"step": "bucketize", "edges": [0.2, 0.5], "columns": ["gaps"]}, {"step": "log1p"}, {"step": "polynomial", "columns": ["a", "b"]},
	{"step": "pca", "components": 0.9, "columns": ["a", "b"]}, {"step": "robust_scale", "quantile_range": [10, 90]}, {"step": "drop", "columns": ["pc1"]}]');
SELECT jsonb_array_length(ml.pipeline_spec('seen')), (SELECT count(*) FROM steps());
SELECT count(*) FROM seen(ml.pipeline_spec('seen'));
SELECT count(DISTINCT artifact_sha256) FROM (SELECT artifact_sha256 FROM ml.versions WHERE model = 'seen' ORDER BY version DESC LIMIT 2) v;
-- The row that a trigger sees becomes the same.
CREATE TABLE arriving (LIKE look, seen jsonb, score float8);
CREATE FUNCTION score() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.seen := ml.transform('seen', NEW); NEW.score := ml.predict('seen', NEW); RETURN NEW; END $$;
CREATE TRIGGER score BEFORE INSERT ON arriving FOR EACH ROW EXECUTE FUNCTION score();
INSERT INTO arriving SELECT * FROM look;
SELECT count(*), bool_and(a.seen = ml.transform('seen', l) AND a.score = ml.predict('seen', l)) AS same FROM arriving a JOIN look l USING (i);

-- Artifacts that are damaged. The bytes are put into the catalog with a digest that fits, as only a superuser can;
-- the answer is what scoring says: the SQLSTATE of the refusal, or 'accepted'.
CREATE FUNCTION damaged(m text, bytes bytea) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	r bigint;
	task text;
	answer text;
BEGIN
	SELECT models.task INTO task FROM ml.models WHERE model = m;
	BEGIN
		INSERT INTO ml.runs (kind, model, version, status, finished_at) VALUES ('import', m, 1000, 'succeeded', 'infinity') RETURNING run_id INTO r;
		INSERT INTO ml.versions (model, version, run_id, algorithm, task, artifact, artifact_sha256)
			VALUES (m, 1000, r, 'damaged', task, bytes, encode(sha256(bytes), 'hex'));
		PERFORM ml.predict(m || '/1000', g, NULL::text) FROM look g;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
		RETURN 'accepted';
	WHEN OTHERS THEN
		RETURN SQLSTATE;
	END;
END
$$;
-- CRC-32C, to damage the content and have the envelope fit.
CREATE TABLE crc_table AS SELECT array_agg(c ORDER BY i) AS lookup FROM (
	WITH RECURSIVE r (i, bit, c) AS (SELECT i::bigint, 0, i::bigint FROM generate_series(0, 255) i
		UNION ALL SELECT i, bit + 1, CASE WHEN c & 1 = 1 THEN (c >> 1) # 2197175160 ELSE c >> 1 END FROM r WHERE bit < 8)
	SELECT i, c FROM r WHERE bit = 8) s;
CREATE FUNCTION crc32c(bytes bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	lookup bigint[] := (SELECT t.lookup FROM crc_table t);
	c bigint := 4294967295;
BEGIN
	FOR i IN 0..length(bytes) - 1 LOOP
		c := lookup[((c # get_byte(bytes, i)) & 255) + 1] # (c >> 8);
	END LOOP;
	RETURN c # 4294967295;
END
$$;
-- Envelope: 20 bytes, of which the last 4 are the CRC of the content, its SHA-256, the content.
CREATE FUNCTION enveloped(head bytea, content bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT substr(head, 1, 12) || int8send(length(content)) || int4send(((crc32c(content) + 2147483648) % 4294967296 - 2147483648)::int) || sha256(content) || content
$$;
-- Every step, small; every byte of it is damaged in two ways, and every number of four bytes becomes one that means trouble.
SELECT version FROM ml.train('every', 'ground', 'y', 'gradient_boosting', '{a,b,gaps,colour}', params => '{"n_trees": 1, "max_leaves": 3}', split => '{"method": "none"}',
	pipeline => '[{"step": "impute", "strategy": "constant", "value": "none"}, {"step": "clip", "lower": 0.1, "max": 900}, {"step": "power", "columns": ["a"]}, {"step": "log1p", "columns": ["b"]},
	{"step": "min_max", "columns": ["a"]}, {"step": "quantile_transform", "n_quantiles": 4, "columns": ["b"]}, {"step": "robust_scale", "columns": ["gaps"]},
	{"step": "standardise", "columns": ["gaps"]}, {"step": "bucketize", "edges": [-1, 0.5], "columns": ["gaps"], "output": "category"}, {"step": "polynomial", "columns": ["a", "b"]},
	{"step": "pca", "components": 2, "columns": ["a", "b", "a*b"]}, {"step": "one_hot", "columns": ["gaps"]}, {"step": "drop", "columns": ["pc1"]}]');
CREATE TABLE whole AS SELECT artifact, substr(artifact, 57) AS content, length(artifact) - 56 AS n FROM ml.versions WHERE model = 'every';
SELECT damaged('every', enveloped(artifact, content)) AS made_here FROM whole;
SELECT DISTINCT damaged('every', enveloped(artifact, set_byte(content, byte, get_byte(content, byte) # mask))) AS flipped FROM whole, generate_series(0, n - 1) byte, unnest(ARRAY[1, 128]) mask ORDER BY 1;
SELECT DISTINCT damaged('every', enveloped(artifact, overlay(content PLACING word FROM at + 1 FOR 4))) AS replaced
	FROM whole, generate_series(0, n - 4) at, unnest(ARRAY['\x7fffffff', '\x7ff00000']::bytea[]) word ORDER BY 1;
SELECT DISTINCT damaged('every', enveloped(artifact, substr(content, 1, cut))) AS truncated FROM whole, generate_series(0, n - 1, 7) cut;

-- Errors.
CREATE FUNCTION refuse(pipeline text, features text[] DEFAULT '{a,b,gaps,colour,v}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	state text;
	message text;
	detail text;
	hint text;
BEGIN
	PERFORM ml.train('refused', 'ground', 'y', 'linear_regression', features, pipeline => refuse.pipeline::jsonb, split => '{"method": "none"}');
	RAISE NOTICE 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE NOTICE '% %', state, message USING DETAIL = detail, HINT = hint;
END
$$;
\set VERBOSITY default
SELECT refuse('[{"step": "minmax"}]');
SELECT refuse('[{"step": "min_max", "range": [0, 1]}]');
SELECT refuse('[{"step": "min_max", "clip": "yes"}]');
SELECT refuse('[{"step": "min_max", "feature_range": [1, 0]}]');
SELECT refuse('[{"step": "min_max", "feature_range": [1]}]');
SELECT refuse('[{"step": "min_max", "feature_range": "wide"}]');
SELECT refuse('[{"step": "min_max", "feature_range": [0, "1"]}]');
SELECT refuse('[{"step": "min_max", "columns": ["colour"]}]');
SELECT refuse('[{"step": "min_max", "columns": ["aa"]}]');
SELECT refuse('[{"step": "one_hot", "columns": ["a"]}]');
SELECT refuse('[{"step": "standardise", "columns": ["colour"]}]');
SELECT refuse('[{"step": "robust_scale", "quantile_range": [25, 175]}]');
SELECT refuse('[{"step": "robust_scale", "quantile_range": {"low": 25}}]');
SELECT refuse('[{"step": "quantile_transform", "n_quantiles": 1}]');
SELECT refuse('[{"step": "quantile_transform", "output": "gauss"}]');
SELECT refuse('[{"step": "power", "method": "tukey"}]');
SELECT refuse('[{"step": "power", "method": "box_cox"}]');
SELECT refuse('[{"step": "standardise"}, {"step": "log1p"}]');
SELECT refuse('[{"step": "log1p", "base": 2}]');
SELECT refuse('[{"step": "clip"}]');
SELECT refuse('[{"step": "clip", "min": 1, "lower": 0.1}]');
SELECT refuse('[{"step": "clip", "max": 1, "upper": 0.1}]');
SELECT refuse('[{"step": "clip", "min": 2, "max": 1}]');
SELECT refuse('[{"step": "clip", "lower": 0.9, "upper": 0.1}]');
SELECT refuse('[{"step": "clip", "lower": 0.5, "max": -1}]');
SELECT refuse('[{"step": "bucketize", "edges": []}]');
SELECT refuse('[{"step": "bucketize", "edges": [1, 1]}]');
SELECT refuse('[{"step": "bucketize", "bins": 1}]');
SELECT refuse('[{"step": "bucketize", "bins": 2.5}]');
SELECT refuse('[{"step": "bucketize", "strategy": "kmeans"}]');
SELECT refuse('[{"step": "polynomial", "degree": 4}]');
SELECT refuse('[{"step": "impute"}, {"step": "polynomial", "columns": ["a"]}]');
SELECT refuse('[{"step": "pca", "components": 0}]');
SELECT refuse('[{"step": "pca", "components": 2.5}]');
SELECT refuse('[{"step": "impute"}, {"step": "pca", "components": 9}]');
SELECT refuse('[{"step": "pca", "prefix": "gaps", "columns": ["a"]}, {"step": "pca", "prefix": "gaps", "columns": ["b"]}]');
SELECT refuse('[{"step": "drop"}]');
SELECT refuse('[{"step": "select", "columns": []}]');
SELECT refuse('[{"step": "drop", "columns": ["a", "b", "gaps", "colour", "v"]}]');
SELECT refuse('[{"step": "impute", "strategy": "constant"}]');
SELECT refuse('[{"step": "impute", "strategy": "constant", "value": [1]}]');
SELECT refuse('[{"step": "impute", "value": 1}]');
SELECT refuse('[{"step": "impute", "strategy": "constant", "value": "x", "columns": ["a"]}]');
SELECT refuse('[{"step": "impute", "strategy": "constant", "value": 1, "columns": ["colour"]}]');
SELECT refuse('[{"step": "log1p", "columns": ["gaps"]}]', '{gaps}');
-- Products beyond the range of a double, and beyond the memory of a training.
CREATE TABLE huge AS SELECT i * 1e199 AS a, i::float8 AS y FROM generate_series(1, 20) i;
SELECT ml.train('refused', 'huge', 'y', 'linear_regression', pipeline => '[{"step": "polynomial"}]');
CREATE TABLE wide AS SELECT ARRAY(SELECT (i * k % 97)::float8 FROM generate_series(1, 60) k) AS v, i::float8 AS y FROM generate_series(1, 50) i;
SET pg_mlops.train_memory = '64MB';
SELECT ml.train('refused', 'wide', 'y', 'gradient_boosting', pipeline => '[{"step": "polynomial", "degree": 3}]');
RESET pg_mlops.train_memory;

-- Who may not read the model does not see what it learned.
CREATE ROLE regress_ml_transforms_user;
SELECT ml.grant('seen', 'use', 'regress_ml_transforms_user');
GRANT USAGE ON SCHEMA ml TO regress_ml_transforms_user;
SET ROLE regress_ml_transforms_user;
SELECT * FROM ml.pipeline_steps('seen');
SELECT ml.pipeline_spec('seen');
RESET ROLE;
SELECT ml.pipeline_spec('nobody');
SELECT ml.pipeline_spec(NULL);

\c postgres
DROP DATABASE regress_ml_transforms;
DROP ROLE regress_ml_transforms_user;
