-- The contract every learner keeps: it is asked for from the view ml.learners, so a new one is tested without a change here.
-- Only what breaks the contract is shown.
CREATE DATABASE regress_ml_learners TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_learners
SET lc_messages = 'C';
SET extra_float_digits = 1;
CREATE EXTENSION pg_mlops;

-- Learners of the two tasks that predict a column of a row.
CREATE VIEW learner_tasks AS
	SELECT name, task, row_number() OVER (ORDER BY name, task) AS number FROM ml.learners, unnest(tasks) task
	WHERE task IN ('regression', 'classification');
SELECT count(*) > 1 AS several, count(DISTINCT task) AS tasks FROM learner_tasks;

-- 120 rows with everything in them: numbers, a number with gaps, a category, an array; targets for both tasks, of two and of three classes.
CREATE TABLE ground AS
	SELECT i, i * 37 % 101 / 10.0::float8 AS a, i * i % 13 AS b, CASE WHEN i % 8 > 0 THEN i * 29 % 71 END AS gaps,
		(ARRAY['x', 'y', 'z'])[i * 7 % 11 % 3 + 1] AS c, ARRAY[i % 5, i * 3 % 7]::float8[] AS v,
		i * 37 % 101 / 5.0::float8 - i * i % 13 + i % 4 AS regression, i * 37 % 101 + i * 17 % 60 > 80 AS classification,
		(ARRAY['low', 'middle', 'high'])[(i * 37 % 101 + i * 17 % 60) / 55 + 1] AS three
	FROM generate_series(1, 120) i;

-- Trains, and says how it went: 'trained', or the SQLSTATE of the error with its hint.
CREATE FUNCTION attempt(model text, source text, target text, learner text, task text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text;
	hint text;
BEGIN
	PERFORM ml.train(model, source, target, learner, task => task, split => '{"method": "none"}', deploy => 'always');
	RETURN 'trained';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
	RETURN state || CASE WHEN hint = '' THEN ' without a hint: ' || SQLERRM ELSE '' END;
END
$$;

-- What is wrong with the answers of a model for the rows of a query: an error, or answers that are NULL, NaN or infinite.
CREATE FUNCTION answers(model text, task text, rows text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	bad bigint;
BEGIN
	IF task = 'regression' THEN
		EXECUTE format('SELECT count(*) FROM (%s) q, LATERAL (SELECT ml.predict(%L, q) AS y) p WHERE y IS NULL OR abs(y) IN (''NaN'', ''Infinity'')', rows, model) INTO bad;
	ELSE
		EXECUTE format('SELECT count(*) FROM (%s) q, LATERAL jsonb_each_text(ml.probabilities(%L, q)) p (class, p)
			WHERE NOT (p::float8 BETWEEN 0 AND 1) OR ml.predict(%2$L, q, NULL::text) IS NULL', rows, model) INTO bad;
	END IF;
	RETURN CASE WHEN bad > 0 THEN bad || ' answers are no numbers' ELSE 'fine' END;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ': ' || SQLERRM;
END
$$;

CREATE FUNCTION broken(OUT learner text, OUT task text, OUT what text, OUT problem text) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	t record;
	m text;
	target text;
	shas text[];
	seen text;
	c record;
BEGIN
	FOR t IN SELECT * FROM learner_tasks ORDER BY number LOOP
		learner := t.name;
		task := t.task;
		FOREACH target IN ARRAY CASE task WHEN 'regression' THEN '{regression}' ELSE '{classification,three}' END::text[] LOOP
			m := learner || ' ' || target;

			-- The same data and seed give the same bytes, in any order of rows, and with little memory.
			what := target || ': same bytes';
			problem := attempt(m, format('SELECT a, b, gaps, c, v, %I FROM ground ORDER BY i', target), target, learner, task);
			IF problem = 'trained' THEN
				problem := attempt(m, format('SELECT a, b, gaps, c, v, %I FROM ground ORDER BY i * 7919 %% 127', target), target, learner, task);
			END IF;
			IF problem <> 'trained' THEN
				RETURN NEXT;
				CONTINUE;
			END IF;
			PERFORM set_config('pg_mlops.train_memory', '64MB', true);
			PERFORM attempt(m, format('SELECT a, b, gaps, c, v, %I FROM ground ORDER BY i DESC', target), target, learner, task);
			PERFORM set_config('pg_mlops.train_memory', '512MB', true);
			SELECT array_agg(DISTINCT artifact_sha256) INTO shas FROM ml.versions WHERE model = m;
			problem := cardinality(shas) || ' different artifacts of ' || (SELECT count(*) FROM ml.versions WHERE model = m);
			IF problem <> '1 different artifacts of 3' THEN
				RETURN NEXT;
			END IF;

			-- Finite values in, finite values out: of the training, missing ones, and far beyond it.
			what := target || ': answers';
			FOR c IN VALUES ('SELECT * FROM ground'), ('SELECT NULL::float8 AS a, NULL::float8 AS b, NULL::int AS gaps, NULL::text AS c, NULL::float8[] AS v'),
				('SELECT ''NaN''::float8 AS a, ''NaN''::float8 AS b, 1 AS gaps, ''never seen'' AS c, ''{NaN,NULL}''::float8[] AS v'),
				('SELECT s * 1e15 AS a, s * -1e15 AS b, s * 1e9 AS gaps, ''x'' AS c, ARRAY[s * 1e15, 1e-300] AS v FROM unnest(''{1,-1}''::float8[]) s') LOOP
				problem := answers(m, task, c.column1);
				IF problem <> 'fine' THEN
					problem := problem || ' for ' || c.column1;
					RETURN NEXT;
				END IF;
			END LOOP;
			-- Where the sums of a model overflow, an error says so.
			what := target || ': answers at the ends of the range';
			problem := answers(m, task, 'SELECT s * 1.7e308 AS a, s * r * 1.7e308 AS b, r * 1e308 AS gaps, ''x'' AS c, ARRAY[r * 1.7e308, 0] AS v
				FROM unnest(''{1,-1}''::float8[]) s, unnest(''{1,-1}''::float8[]) r');
			IF problem <> 'fine' AND problem !~ '^22003: the prediction of model ".*" is out of range' THEN
				RETURN NEXT;
			END IF;
		END LOOP;

		-- Sources with little in them: a result whose answers are numbers, or one of the errors that are named here.
		target := task;
		FOR c IN SELECT * FROM (VALUES
			('0 rows', 'SELECT a, b, %I FROM ground WHERE false', 'P0002'),
			('1 row', 'SELECT a, b, %I FROM ground WHERE i = 1', 'P0002'),
			('2 rows', 'SELECT a, b, %I FROM ground WHERE i IN (1, 2)', 'trained'),
			('constant target', 'SELECT a, b, (array_agg(%1$I) OVER ())[1] AS %1$I FROM ground', '22023'),
			('target all NULL', 'SELECT a, b, nullif(%1$I, %1$I) AS %1$I FROM ground', 'P0002'),
			('no useful column', 'SELECT 1 AS a, NULL::int AS b, %I FROM ground', '22023'),
			('a constant column', 'SELECT a, 5 AS b, %I FROM ground', 'trained'),
			('a column all NULL', 'SELECT a, NULL::float8 AS b, %I FROM ground', 'trained'),
			('a category all NULL', 'SELECT a, NULL::text AS b, %I FROM ground', 'trained'),
			('a constant in the training rows with gaps', 'SELECT a, CASE WHEN i %% 2 = 0 THEN 5 END AS b, %I FROM ground', 'trained'),
			('a category of one level with gaps', 'SELECT a, CASE WHEN i %% 2 = 0 THEN ''k'' END AS b, %I FROM ground', 'trained'),
			('more columns than rows', 'SELECT a, b, i AS d, gaps, a * b AS e, a - b AS f, i * i AS g, c, v, %I FROM ground WHERE i < 8', 'trained'),
			('collinear columns', 'SELECT a, 2 * a + 1 AS b, -a AS d, %I FROM ground', 'trained'),
			('equal columns', 'SELECT a, a AS b, %I FROM ground', 'trained'),
			('all rows alike but for the target', 'SELECT 1 + i / 119 AS a, 1 + i / 119 AS b, %I FROM ground', 'trained'),
			('units far apart', 'SELECT a * 1e100 AS a, b * 1e-100 AS b, %I FROM ground', 'trained'),
			('an offset that dwarfs the spread', 'SELECT a + 1e12 AS a, b, %I FROM ground', 'trained'),
			('one category for each row but two', 'SELECT a, c || i / 2 AS b, %I FROM ground', 'trained'),
			('an empty category', 'SELECT a, CASE WHEN i %% 3 = 0 THEN '''' ELSE c END AS b, %I FROM ground', 'trained')) k (name, source, outcome) LOOP
			what := c.name;
			m := learner || ' ' || task || ' ' || c.name;
			m := substr(m, 1, 63);
			seen := attempt(m, format(c.source, target), target, learner, task);
			problem := seen;
			IF seen <> c.outcome AND NOT (c.name IN ('2 rows') AND seen ~ '^(22023|P0002)$') THEN
				RETURN NEXT;
			ELSIF seen = 'trained' THEN
				problem := answers(m, task, format(c.source, target));
				IF problem <> 'fine' THEN
					RETURN NEXT;
				END IF;
			END IF;
		END LOOP;
	END LOOP;
END
$$;
SELECT * FROM broken();
SELECT count(*) > 20 AS trained FROM ml.models;
-- What was left out, and why, is in the notes.
SELECT model ~ ' (a constant column|a column all NULL|a category all NULL)$' AS expected, bool_and(notes::text ~ '"column \\"b\\" was left out: (it is constant|it has no value)"') AS noted
	FROM ml.versions WHERE model ~ ' (a constant column|a column all NULL|a category all NULL)$' GROUP BY 1;

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
		PERFORM ml.predict(m || '/1000', g, NULL::text) FROM ground g WHERE g.i <= 3;
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
SELECT to_hex(crc32c('123456789'));
-- Envelope: 20 bytes, of which the last 4 are the CRC of the content, its SHA-256, the content.
CREATE FUNCTION enveloped(head bytea, content bytea) RETURNS bytea LANGUAGE sql AS $$
	SELECT substr(head, 1, 12) || int8send(length(content)) || int4send(((crc32c(content) + 2147483648) % 4294967296 - 2147483648)::int) || sha256(content) || content
$$;
CREATE TABLE whole AS SELECT model, artifact, length(artifact) AS n FROM ml.versions v
	WHERE version = 1 AND model IN (SELECT name || ' ' || target FROM learner_tasks, unnest('{regression,classification,three}'::text[]) target);
SELECT count(*) >= count(DISTINCT split_part(model, ' ', 1)) AND count(*) > 2 AS all_learners FROM whole;
-- What is whole is accepted, also with an envelope made here: so it is the damage that is refused below.
SELECT damaged(model, artifact) AS as_it_is, damaged(model, enveloped(artifact, substr(artifact, 57))) AS made_here, count(*) > 2 AS several FROM whole GROUP BY 1, 2;
SELECT damaged(model, substr(artifact, 1, cut)) AS truncated, count(*) > 10 AS several
	FROM whole, LATERAL (SELECT cut FROM unnest(ARRAY[1, 2, 4, 6, 12, 19, 20, 24, 55, 56, 57, 58, 64, n / 3, n / 2, n - 100, n - 8, n - 1]) cut) q GROUP BY 1;
SELECT damaged(model, artifact || add) AS lengthened, count(*) > 2 AS several FROM whole, unnest(ARRAY['\x00', '\xff00', artifact]) add GROUP BY 1;
SELECT damaged(model, bytes) AS of_another_kind FROM (SELECT model FROM whole LIMIT 1) w, unnest(ARRAY['\x00', 'MLOP', convert_to(repeat('x', 1000), 'UTF8'), '\x1f8b08']::bytea[]) bytes;
-- One bit, in every byte of the envelope. What says which release wrote it may be taken for a newer one.
SELECT CASE WHEN byte BETWEEN 4 AND 9 THEN 'release' ELSE 'the rest' END AS of, damaged(model, set_byte(artifact, byte, get_byte(artifact, byte) # (1 << byte % 8))) AS flipped,
	count(*) > 2 AS several FROM whole, generate_series(0, 55) byte GROUP BY 1, 2 ORDER BY 1, 2;
-- One bit, in a hundred places of the content.
SELECT damaged(model, set_byte(artifact, byte, get_byte(artifact, byte) # (1 << byte % 8))) AS flipped, count(*) > 100 AS several
	FROM whole, LATERAL (SELECT 56 + (i::bigint * (n - 56) / 100)::int AS byte FROM generate_series(0, 99) i) q GROUP BY 1;
-- The content is truncated or flipped and the envelope fits: what can't be right is refused as damaged, and nothing worse happens.
-- A flip may rename or retype a feature, which the rows then lack, or make one step another, which then overflows or finds no value.
SELECT damaged(model, enveloped(artifact, substr(artifact, 57, cut))) AS truncated, count(*) > 50 AS several
	FROM whole, LATERAL (SELECT (i::bigint * (n - 57) / 25)::int AS cut FROM generate_series(0, 25) i) q GROUP BY 1;
SELECT DISTINCT damaged(model, enveloped(artifact, set_byte(content, byte, get_byte(content, byte) # mask))) IN ('XX001', '0A000', '42703', '42804', '22003', '22004', '2202E', 'accepted') AS defined
	FROM whole, LATERAL (SELECT substr(artifact, 57) AS content) c,
		LATERAL (SELECT (i::bigint * (n - 56) / 60)::int AS byte, CASE i % 3 WHEN 0 THEN 255 WHEN 1 THEN 128 ELSE 1 END AS mask FROM generate_series(0, 59) i) q;
-- Trees have many places that point to others: every byte of a small model of them, with splits of numbers and of categories, and every word of four bytes.
SELECT count(*) AS trained FROM (VALUES ('grove', 'regression', '{}'), ('grove of two', 'classification', '{"loss": "logistic"}'), ('grove of three', 'three', '{}')) v (m, target, params),
	LATERAL (SELECT ml.train(m, format('SELECT a, b, gaps, c, v, %I FROM ground', target), target, 'gradient_boosting', params => params::jsonb || '{"n_trees": 3, "min_rows": 2, "max_leaves": 6, "max_bins": 9, "column_fraction": 0.5, "early_stopping": 0}', split => '{"method": "none"}')) t;
CREATE TABLE groves AS SELECT model, artifact, substr(artifact, 57) AS content, length(artifact) - 56 AS n FROM ml.versions WHERE model ~ '^grove';
SELECT damaged(model, enveloped(artifact, content)) AS made_here, count(*) FROM groves GROUP BY 1;
SELECT DISTINCT damaged(model, enveloped(artifact, set_byte(content, byte, get_byte(content, byte) # CASE byte % 4 WHEN 0 THEN 255 WHEN 1 THEN 128 WHEN 2 THEN 1 ELSE 4 END))) IN ('XX001', '0A000', '42703', '42804', '22003', 'accepted') AS defined
	FROM groves, generate_series(0, n - 1) byte;
SELECT DISTINCT damaged(model, enveloped(artifact, overlay(content PLACING word FROM at + 1 FOR 4))) IN ('XX001', '0A000', '42703', '42804', '22003', 'accepted') AS defined
	FROM groves, unnest(ARRAY['\xffffffff', '\x7fffffff', '\x00000000', '\x00000001']::bytea[]) word, LATERAL (SELECT i * 11 + 3 AS at FROM generate_series(0, (n - 8) / 11) i) q;
SELECT DISTINCT damaged(model, enveloped(artifact, substr(content, 1, i * 7))) AS truncated FROM groves, generate_series(0, (n - 1) / 7) i;
-- Nothing of it stayed.
SELECT count(*) FROM ml.versions WHERE version = 1000;

\c postgres
DROP DATABASE regress_ml_learners;
