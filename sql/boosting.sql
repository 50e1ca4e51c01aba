-- Gradient-boosted trees: what they learn from and how they answer. Figures of a fit are only compared with limits.
CREATE DATABASE regress_ml_boosting TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_boosting
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET TIME ZONE 'UTC';
CREATE EXTENSION pg_mlops;

-- 3000 rows: a curve, a step, a category without order, a number whose absence means something, and targets of three kinds.
CREATE TABLE ground AS
	SELECT i, a, b, c, gap, round((10 * sin(a) + CASE WHEN b > 40 THEN 6 ELSE 0 END + 4 * (c IN ('k1', 'k4', 'k5', 'k9'))::int
			+ coalesce(gap / 20, 9) + i * 7 % 11 / 20.0)::numeric, 3)::float8 AS y
	FROM (SELECT i, i * 37 % 1009 / 100.0::float8 AS a, (i * 53 % 89)::int AS b, 'k' || i * 29 % 997 % 12 AS c,
			CASE WHEN i * 31 % 10 < 7 THEN i * 41 % 101 END AS gap FROM generate_series(1, 3000) i) s;
ALTER TABLE ground ADD yes boolean, ADD kind text;
UPDATE ground SET yes = y > 11, kind = CASE WHEN y < 4 THEN 'low' WHEN y < 11 THEN 'middle' WHEN y < 17 THEN 'high' ELSE 'top' END;
ANALYZE ground;

-- A training in one line: what the arguments leave out is this.
CREATE FUNCTION grow(model text, source text, target text, params jsonb DEFAULT '{}', more text DEFAULT $$, split => '{"method": "none"}'$$,
	OUT version int, OUT rows bigint, OUT metrics jsonb, OUT notes text[]) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT version, rows, metrics, notes FROM ml.train(%L, %L, %L, ''gradient_boosting'', params => %L, deploy => ''always'' %s)',
		model, source, target, '{"n_trees": 40, "learning_rate": 0.2, "min_rows": 5, "early_stopping": 0, "l2": 1, "min_hessian": 0.001, "row_fraction": 1, "column_fraction": 1, "node_column_fraction": 1, "path_smoothing": 0}'::jsonb || params, more)
		INTO version, rows, metrics, notes;
END
$$;

-- Three tasks, by the target.
SELECT algorithm, task, rows, features, deployed, (metrics ->> 'r2')::float8 > 0.9 AS good, notes
	FROM ml.train('number', 'SELECT a, b, c, gap, y FROM ground', 'y', 'gradient_boosting', params => '{"early_stopping": 0}');
SELECT algorithm, task, features, (metrics ->> 'auc')::float8 > 0.98 AS good, (metrics ->> 'log_loss')::float8 < 0.2 AS sure
	FROM ml.train('two', 'SELECT a, b, c, gap, yes FROM ground', 'yes', 'gradient_boosting');
SELECT algorithm, task, features, (metrics ->> 'accuracy')::float8 > 0.8 AS good, (metrics ->> 'log_loss')::float8 < 0.5 AS sure
	FROM ml.train('many', 'SELECT a, b, c, gap, kind FROM ground', 'kind', 'gradient_boosting');
SELECT count(*) AS rows, avg(abs(ml.predict('number', g) - y)) < 0.7 AS near, avg((ml.predict('two', g, NULL::boolean) = yes)::int) > 0.95 AS two,
	avg((ml.predict('many', g, NULL::text) = kind)::int) > 0.9 AS many,
	count(*) FILTER (WHERE ml.predict('two', g, NULL::boolean) = (ml.probability('two', g) > 0.5)) AS likelier,
	count(*) FILTER (WHERE abs((SELECT sum(value::float8) FROM jsonb_each_text(ml.probabilities('many', g))) - 1) < 1e-12) AS sums
	FROM ground g;
-- A linear model does not find it.
SELECT (metrics ->> 'r2')::float8 < 0.6 AS straight FROM ml.train('straight', 'SELECT a, b, c, gap, y FROM ground', 'y', 'linear_regression', deploy => 'never');

-- No step stands between the columns and the trees: what is missing and what is a category reach them as they are.
SELECT pipeline FROM ml.versions WHERE model = 'number';
SELECT count(*) FILTER (WHERE abs(ml.predict('number', ROW(a, b, c, NULL::int)) - (y - coalesce(gap / 20, 9) + 9)) < 2.5) > 2800 AS what_absence_means FROM ground;
-- NULL and NaN are one, so are a category never seen and NULL; neither was in the training data of these columns.
SELECT count(*) AS rows, count(*) FILTER (WHERE ml.predict('number', ROW(NULL::float8, b, c, gap)) = ml.predict('number', ROW('NaN'::float8, b, c, gap))) AS nan,
	count(*) FILTER (WHERE ml.predict('number', ROW(a, b, NULL::text, gap)) = ml.predict('number', ROW(a, b, 'never', gap))) AS unseen,
	bool_and(ml.predict('number', ROW(NULL::float8, NULL::float8, NULL::text, NULL::int)) BETWEEN -20 AND 40) AS within FROM ground;
-- Where a column misses values in training, the trees learn where they go: here to the other side than most rows.
SELECT version FROM grow('absent', 'SELECT CASE WHEN i % 4 > 0 THEN i % 100 END AS x, CASE WHEN i % 5 > 0 THEN ''c'' || i % 3 END AS c, (i % 4 = 0)::int * 50.0 + (i % 5 = 0)::int * 7 AS y FROM generate_series(1, 2000) i', 'y');
SELECT x, c, round(ml.predict('absent', ROW(x, c))::numeric) AS y FROM (VALUES (5, 'c1'), (99, 'c2'), (NULL, 'c0'), (5, NULL), (NULL, NULL), (5, 'new')) v (x, c);

-- Of 1000 levels the 254 most frequent are kept, the others are one; with fewer than 255 none is pooled.
SELECT version, notes FROM grow('levels', 'SELECT ''l'' || l AS c, l % 7 AS x, (l % 2) * 10.0 AS y FROM (SELECT CASE WHEN i <= 5000 THEN i % 250 ELSE i % 1000 END AS l FROM generate_series(1, 10000) i) s', 'y');
SELECT bool_and(abs(ml.predict('levels', ROW('l' || l, l % 7)) - l % 2 * 10) < 1) AS kept FROM generate_series(0, 249) l;
SELECT count(DISTINCT ml.predict('levels', ROW(c, 3))) AS pooled FROM unnest('{l700,l999,never,l500,"(other)"}'::text[]) c;
SELECT version, notes FROM grow('few levels', 'SELECT ''l'' || i % 254 AS c, (i % 254) % 2 * 10.0 AS y FROM generate_series(1, 5080) i', 'y');
SELECT bool_and(abs(ml.predict('few levels', ROW('l' || l)) - l % 2 * 10) < 1) AS kept FROM generate_series(0, 253) l;

-- Early stopping: noise is not learned to the end, and what was decided is said.
CREATE VIEW noise AS SELECT i, i * 7919 % 1013 AS a, i * 31 % 97 AS b, (i * 7919 % 1013 > 500)::int * 4 + (i::bigint * i * 2654435761 % 1000) / 100.0 AS y FROM generate_series(1, 3000) i;
SELECT notes[1] ~ '^early stopping kept [0-9]+ of [0-9]+ rounds: there the loss on (30[0-9]|29[0-9]) held-back training rows was least$' AS noted, cardinality(notes)
	FROM grow('stopped', 'SELECT a, b, y FROM noise', 'y', '{"n_trees": 500, "early_stopping": 5, "validation_fraction": 0.1}');
SELECT (SELECT value < 500 FROM ml.summary('stopped') WHERE name = 'rounds') AS stopped,
	(SELECT value BETWEEN 290 AND 310 FROM ml.summary('stopped') WHERE name = 'held_back_rows') AS held_back,
	(SELECT value BETWEEN 6 AND 13 FROM ml.summary('stopped') WHERE name = 'held_back_loss') AS loss;
SELECT notes FROM grow('not stopped', 'SELECT a, b, y FROM noise', 'y', '{"n_trees": 7}');
SELECT value FROM ml.summary('not stopped') WHERE name IN ('rounds', 'trees', 'held_back_rows') ORDER BY name;
SELECT notes FROM grow('stopped early', 'SELECT i AS x, i % 2 * 1.0 AS y FROM generate_series(1, 3) i', 'y', '{"early_stopping": 5, "min_rows": 1}');
SELECT notes FROM grow('nothing to learn', 'SELECT 1 + i % 2 AS x, i % 3 * 1.0 AS y FROM generate_series(1, 9) i', 'y', '{"min_rows": 20}');
SELECT notes FROM grow('nothing to learn', 'SELECT 1 + i % 2 AS x, i % 3 * 1.0 AS y FROM generate_series(1, 9) i', 'y', '{"min_rows": 20, "row_fraction": 0.5}');
SELECT ml.predict('nothing to learn', ROW(x))::numeric(20, 6) AS mean FROM generate_series(1, 2) x;

-- Parts of the rows and of the columns: another forest, by the seed, and as good a one.
SELECT grow('parts', 'SELECT a, b, c, gap, y FROM ground', 'y', p, format($$, split => '{"method": "none"}', seed => %s$$, seed)) IS NOT NULL AS trained
	FROM (VALUES (1, '{}'::jsonb, 0), (2, '{"row_fraction": 0.5}', 0), (3, '{"row_fraction": 0.5}', 1), (4, '{"column_fraction": 0.5}', 0), (5, '{"column_fraction": 0.5}', 1),
		(6, '{"row_fraction": 0.5}', 0), (7, '{"column_fraction": 0.5}', 0)) v (n, p, seed) ORDER BY n;
SELECT array_agg(first ORDER BY version) FROM (SELECT version, min(version) OVER (PARTITION BY artifact_sha256) AS first FROM ml.versions WHERE model = 'parts') s;
SELECT v, sqrt(avg((ml.predict('parts/' || v, g) - y) ^ 2)) < 1 AS good FROM ground g, generate_series(1, 5) v GROUP BY v ORDER BY v;

-- Values drawn to those of the parents are less far apart.
SELECT grow('smooth', 'SELECT a, b, c, gap, y FROM ground', 'y', '{"path_smoothing": 1000}') IS NOT NULL AS trained;
SELECT stddev(ml.predict('smooth', g)) < stddev(ml.predict('parts/1', g)) AS smoother FROM ground g;

-- Weights of classes: as a whole, by name, and as the argument weight says it.
CREATE VIEW rare AS SELECT i, i % 1000 / 10.0 AS x, i * 31 % 89 AS z, i % 1000 + i * 31 % 89 * 3 > 1150 AS yes FROM generate_series(1, 4000) i;
CREATE VIEW blurred AS SELECT x, yes <> (i * 7919 % 10 = 0) AS yes FROM rare;
SELECT grow('plain', 'blurred', 'yes') IS NOT NULL, grow('balanced', 'blurred', 'yes', '{"class_weight": "balanced"}') IS NOT NULL,
	grow('named', 'blurred', 'yes', '{"class_weight": {"true": 5}}') IS NOT NULL, grow('alike', 'blurred', 'yes', '{"class_weight": {"true": 5, "false": 1}}') IS NOT NULL,
	grow('weighted', 'SELECT *, CASE WHEN yes THEN 5 ELSE 1 END AS w FROM blurred', 'yes', '{}', $$, split => '{"method": "none"}', weight => 'w'$$) IS NOT NULL;
SELECT avg(ml.probability('balanced', b)) > avg(ml.probability('plain', b)) + 0.1 AS balanced, avg(ml.probability('named', b)) > avg(ml.probability('plain', b)) + 0.1 AS named,
	bool_and(ml.probability('alike', b) = ml.probability('named', b)) AS alike, avg(abs(ml.probability('weighted', b) - ml.probability('named', b))) < 0.05 AS by_argument FROM blurred b;
SELECT grow('many weighted', 'SELECT a, b, c, gap, kind FROM ground', 'kind', '{"class_weight": {"top": 100}}') IS NOT NULL;
SELECT avg(ml.probability('many weighted', g, 'top')) > avg(ml.probability('many', g, 'top')) AS more FROM ground g;

-- Directions of columns hold everywhere, of a number and of the probability of two classes; without them they do not.
CREATE VIEW wavy AS SELECT i % 200 / 10.0 AS up, i * 37 % 83 AS down, i * 13 % 7 AS free, (i % 200 / 20 + 3 * sin(i % 200 / 5.0) - i * 37 % 83 / 40.0 + cos(i * 37 % 83) + i * 13 % 7 * sin(i)) AS y FROM generate_series(1, 4000) i;
SELECT grow('free', 'wavy', 'y') IS NOT NULL, grow('bound', 'wavy', 'y', '{"monotone": {"up": 1, "down": -1}}') IS NOT NULL,
	grow('free two', 'SELECT up, down, free, y > 4 AS y FROM wavy', 'y') IS NOT NULL, grow('bound two', 'SELECT up, down, free, y > 4 AS y FROM wavy', 'y', '{"monotone": {"up": 1, "down": -1}, "row_fraction": 0.7}') IS NOT NULL;
CREATE FUNCTION falls(model text, two boolean, OUT up bigint, OUT down bigint, OUT spread boolean) LANGUAGE sql AS $$
	WITH grid AS MATERIALIZED (SELECT u, d, f, CASE WHEN two THEN ml.probability(model, ROW(u / 2.0, d, f)) ELSE ml.predict(model, ROW(u / 2.0, d, f)) END AS p
		FROM generate_series(-1, 41) u, generate_series(-1, 84, 5) d, generate_series(0, 6, 3) f)
	SELECT count(*) FILTER (WHERE p < u_before), count(*) FILTER (WHERE p > d_before), stddev(p) > 0.1
		FROM (SELECT p, lag(p) OVER (PARTITION BY d, f ORDER BY u) AS u_before, lag(p) OVER (PARTITION BY u, f ORDER BY d) AS d_before FROM grid) s
$$;
SELECT up > 100 AS free_up, down > 100 AS free_down FROM falls('free', false) UNION ALL SELECT up > 100, down > 100 FROM falls('free two', true);
SELECT * FROM falls('bound', false) UNION ALL SELECT * FROM falls('bound two', true);
SELECT sqrt(avg((ml.predict('bound', w) - y) ^ 2)) < stddev(y) AS learned FROM wavy w;

-- Losses by name.
SELECT grow('softmax', 'SELECT a, b, c, gap, yes FROM ground', 'yes', '{"loss": "softmax"}') IS NOT NULL, grow('logistic', 'SELECT a, b, c, gap, yes FROM ground', 'yes', '{"loss": "logistic"}') IS NOT NULL,
	grow('unnamed', 'SELECT a, b, c, gap, yes FROM ground', 'yes') IS NOT NULL, grow('squared', 'SELECT a, b, c, gap, y FROM ground', 'y', '{"loss": "squared"}') IS NOT NULL;
SELECT bool_and(ml.probability('logistic', g) = ml.probability('unnamed', g)) AS default, avg((ml.predict('softmax', g, NULL::boolean) = yes)::int) > 0.95 AS softmax,
	bool_and(abs(ml.probability('softmax', g, 'true') + ml.probability('softmax', g, 'false') - 1) < 1e-12) AS sums,
	avg(abs(ml.probability('softmax', g) - ml.probability('logistic', g))) < 0.05 AS alike FROM ground g;
SELECT (SELECT value FROM ml.summary('softmax') WHERE name = 'trees') / (SELECT value FROM ml.summary('logistic') WHERE name = 'trees') AS trees_a_round;
-- The positive class: of two classes the probability turns round.
SELECT grow('negative', 'SELECT a, b, c, gap, yes FROM ground', 'yes', '{"positive_class": "false"}') IS NOT NULL;
SELECT avg(abs(ml.probability('negative', g) - ml.probability('unnamed', g, 'false'))) < 0.01 AS turned FROM ground g;

-- What is wrong: SQLSTATE, message, detail and hint.
CREATE FUNCTION fails(params text, target text DEFAULT 'y', source text DEFAULT 'ground', more text DEFAULT '') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT ml.train(''bad'', %L, %L, ''gradient_boosting'', params => %L, exclude => ''{i}'' %s)', source, target, params, more);
	RETURN NEXT 'NO ERROR';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN NEXT SQLSTATE || ': ' || SQLERRM;
	RETURN NEXT '  detail: ' || replace(detail, (SELECT string_agg(name, ', ') FROM ml.parameters WHERE learner = 'gradient_boosting'), '(all parameters)');
	RETURN NEXT '  hint: ' || coalesce(nullif(hint, ''), 'NONE');
END
$$;
\pset format unaligned
\pset tuples_only on
SELECT fails('{"n_tree": 5}');
SELECT fails('{"depth": 5}');
SELECT fails('[1]');
SELECT fails('{"loss": "huber"}');
SELECT fails('{"loss": "softmax"}');
SELECT fails('{"loss": "logistic"}');
SELECT fails('{"loss": "squared"}', 'yes');
SELECT fails('{"loss": "logistic"}', 'kind');
SELECT fails('{"class_weight": "balanced"}');
SELECT fails('{"class_weight": "balance"}', 'yes');
SELECT fails('{"class_weight": 3}', 'yes');
SELECT fails('{"class_weight": {"yes": 3}}', 'yes');
SELECT fails('{"class_weight": {"midle": 3}}', 'kind');
SELECT fails('{"class_weight": {"true": -1}}', 'yes');
SELECT fails('{"class_weight": {"true": "3"}}', 'yes');
SELECT fails('{"class_weight": {"true": null}}', 'yes');
SELECT fails('{"class_weight": {"true": 0, "false": 0}}', 'yes');
SELECT fails('{"monotone": {"z": 1}}');
SELECT fails('{"monotone": {"c": 1}}');
SELECT fails('{"monotone": {"a": 2}}');
SELECT fails('{"monotone": {"a": "up"}}');
SELECT fails('{"monotone": 1}');
SELECT fails('{"monotone": {"a": 1}}', 'kind');
SELECT fails('{"monotone": {"a": 1}, "loss": "softmax"}', 'yes');
SELECT fails('{"positive_class": "true"}');
SELECT fails('{"positive_class": "maybe"}', 'yes');
SELECT fails('{}', 'y', 'SELECT a, y, nullif(i, 77) AS i, nullif(b, 77) AS w FROM ground ORDER BY ground.i', $$, weight => 'w'$$);
SELECT fails('{}', 'y', 'SELECT a, i, y, 0 AS w FROM ground', $$, weight => 'w'$$);
SELECT fails('{}', 'y', 'SELECT a, i, y, CASE WHEN i = 1 THEN 1e200 ELSE 1 END AS w FROM ground', $$, weight => 'w'$$);
SELECT fails('{"learning_rate": 1, "l2": 0, "min_rows": 1}', 'y', 'SELECT i AS x, i, CASE WHEN i < 10 THEN 1.7e308 ELSE -1.7e308 END AS y FROM ground WHERE i <= 200');
\pset format aligned
\pset tuples_only off
-- Every parameter: below its range, above it, of another type; what is listed is not refused as it should be.
CREATE FUNCTION unrefused() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	p record;
	v text;
	answer text;
BEGIN
	FOR p IN SELECT * FROM ml.parameters WHERE learner = 'gradient_boosting' LOOP
		FOREACH v IN ARRAY CASE WHEN p.type IN ('integer', 'number') THEN ARRAY[(p.min_value - abs(p.min_value) / 2 - (p.min_value = 0)::int)::text, (p.max_value * 2)::text, '"1"', 'true', '[]', '1e400', '-1e400']
			WHEN p.type = 'text' THEN '{1,true,\{\},"\"\""}'::text[] ELSE '{1,true,"\"x\""}' END LOOP
			SELECT string_agg(f, ' ') INTO answer FROM fails(format('{"%s": %s}', p.name, v), 'yes') f;
			IF answer !~ '^22023: ' OR answer !~ p.name OR answer !~ '  detail: .+  hint: .+' OR answer ~ 'NONE' THEN
				RETURN NEXT p.name || ' = ' || v || ': ' || coalesce(answer, 'NULL');
			END IF;
		END LOOP;
	END LOOP;
END
$$;
SELECT * FROM unrefused();
SELECT count(*) >= 15 AS parameters FROM ml.parameters WHERE learner = 'gradient_boosting';
SELECT count(*) FROM ml.models WHERE model = 'bad';

-- A weight of 2 is the row twice, a weight of 0 is no row.
CREATE VIEW steps AS SELECT i, i % 60 AS x, 'c' || i % 60 % 4 AS c, (i % 60 / 20) * 10.0 + (i % 60 % 4) * 100 AS y, 1 + i % 2 AS w FROM generate_series(1, 1200) i;
SELECT grow('twice', 'SELECT x, c, y, w FROM steps', 'y', '{"n_trees": 100, "min_rows": 1}', $$, split => '{"method": "none"}', weight => 'w'$$) IS NOT NULL,
	grow('repeated', 'SELECT x, c, y FROM steps UNION ALL SELECT x, c, y FROM steps WHERE w = 2', 'y', '{"n_trees": 100, "min_rows": 1}') IS NOT NULL,
	grow('none', 'SELECT x, c, y, 1 AS w FROM steps UNION ALL SELECT x, c, y + 1000, 0 FROM steps', 'y', '{"n_trees": 100, "min_rows": 1}', $$, split => '{"method": "none"}', weight => 'w'$$) IS NOT NULL;
SELECT max(abs(ml.predict('twice', s) - ml.predict('repeated', s))) < 0.01 AS twice, max(abs(ml.predict('none', s) - y)) < 0.5 AS none, max(abs(ml.predict('twice', s) - y)) < 0.5 AS learned FROM steps s;
-- Where one x has two targets, their weights decide.
SELECT grow('between', 'SELECT x, y, w FROM (VALUES (1, 0.0, 3), (1, 10.0, 1), (2, 0.0, 1), (2, 10.0, 3)) v (x, y, w), generate_series(1, 100)', 'y', '{"n_trees": 100, "l2": 0}', $$, split => '{"method": "none"}', weight => 'w'$$) IS NOT NULL;
SELECT x, round(ml.predict('between', ROW(x))::numeric, 3) AS y FROM generate_series(1, 2) x;
-- Rows of weight 0 alone to hold back: nothing is held back.
SELECT notes FROM grow('unheld', 'SELECT i % 7 AS x, i % 7 * 1.0 AS y, (i = 1)::int AS w FROM generate_series(1, 200) i', 'y', '{"early_stopping": 5}', $$, split => '{"method": "none"}', weight => 'w'$$);

-- Steps before the trees: they see what the steps make. The same columns made by hand give the same trees.
SELECT grow('piped', 'SELECT b, c, gap, y FROM ground', 'y', '{}', $$, split => '{"method": "none"}', pipeline => '[{"step": "impute", "strategy": "median"}, {"step": "one_hot", "drop": false}]'$$) IS NOT NULL,
	grow('by hand', 'SELECT b, (c = ''k0'')::int AS k0, (c = ''k1'')::int AS k1, (c = ''k10'')::int AS k10, (c = ''k11'')::int AS k11, (c = ''k2'')::int AS k2, (c = ''k3'')::int AS k3, (c = ''k4'')::int AS k4,
		(c = ''k5'')::int AS k5, (c = ''k6'')::int AS k6, (c = ''k7'')::int AS k7, (c = ''k8'')::int AS k8, (c = ''k9'')::int AS k9, coalesce(gap, (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) FROM ground)) AS gap,
		(gap IS NULL)::int AS absent, y FROM ground', 'y') IS NOT NULL;
SELECT count(*) FILTER (WHERE ml.predict('piped', g) = ml.predict('by hand', q)) AS same, count(*) AS rows
	FROM ground g, LATERAL (SELECT b, (c = 'k0')::int AS k0, (c = 'k1')::int AS k1, (c = 'k10')::int AS k10, (c = 'k11')::int AS k11, (c = 'k2')::int AS k2, (c = 'k3')::int AS k3, (c = 'k4')::int AS k4,
		(c = 'k5')::int AS k5, (c = 'k6')::int AS k6, (c = 'k7')::int AS k7, (c = 'k8')::int AS k8, (c = 'k9')::int AS k9, coalesce(gap, (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY gap) FROM ground)) AS gap,
		(gap IS NULL)::int AS absent) q;
-- Only some of the steps: a category goes on as it is, missing values too.
SELECT grow('half', 'SELECT a, b, c, gap, y FROM ground', 'y', '{}', $$, split => '{"method": "none"}', pipeline => '[{"step": "standardise"}]'$$) IS NOT NULL, grow('whole', 'SELECT a, b, c, gap, y FROM ground', 'y') IS NOT NULL;
SELECT max(abs(ml.predict('half', g) - ml.predict('whole', g))) < 0.5 AS alike FROM ground g;

-- Features of all types.
CREATE TABLE typed AS SELECT i % 2 = 0 AS flag, date '2024-01-01' + i % 300 AS day, timestamptz '2024-01-01 00:00+00' + i % 77 * interval '7 hours' AS at, (i % 91)::numeric(10, 2) AS amount, i % 13 * interval '1 day' AS span,
		(i % 5)::int2 AS small, (i % 17)::int8 AS large, (i % 19)::float4 AS real, ARRAY[i % 3, i % 23]::float8[] AS pair, ('v' || i % 6)::varchar(10) AS word, NULL::float8 AS y FROM generate_series(1, 2000) i;
UPDATE typed SET y = flag::int * 3 + (day - date '2024-01-01') / 50 + extract(epoch FROM at - timestamptz '2024-01-01 00:00+00') / 3600 / 100 + (amount > 50)::int * 5 + extract(day FROM span) + small * 2 - large + real + pair[1] * pair[2] / 10 + (word IN ('v1', 'v4'))::int * 4;
SELECT (grow('typed', 'typed', 'y', '{"n_trees": 200}')).rows;
SELECT count(*) AS rows, avg(abs(ml.predict('typed', t) - y)) < 1.5 AS near, count(*) FILTER (WHERE ml.predict('typed', t) = ml.predict('typed', to_jsonb(t))) AS by_key,
	count(*) FILTER (WHERE ml.predict('typed', t) = ml.predict('typed', ROW(flag, day, at, amount, span, small, large, real, pair, word))) AS by_position FROM typed t;
SELECT count(DISTINCT ml.predict('typed', ROW(f, d, t, a, s, 1::int2, 2::int8, 3::float4, p, w))) > 5 AS all_matter FROM typed, LATERAL (SELECT true, day, at, 5, span, pair, 'v1') q (f, d, t, a, s, p, w);

-- One answer to the bit, whichever way the row comes.
CREATE TABLE answers AS SELECT i, ml.predict('whole', g) AS y FROM ground g;
SELECT ml.train('numbers', 'SELECT a, b, gap, y FROM ground', 'y', 'gradient_boosting', deploy => 'always') IS NOT NULL AS trained;
SELECT count(*) FILTER (WHERE ml.predict('whole', to_jsonb(g)) = x.y) AS by_key, count(*) FILTER (WHERE ml.predict('whole', ROW(g.a, g.b, g.c, g.gap)) = x.y) AS by_position,
	count(*) FILTER (WHERE ml.predict('whole/1', g) = x.y) AS by_version,
	count(*) FILTER (WHERE ml.predict('numbers', g) = ml.predict('numbers', ARRAY[g.a, g.b, g.gap])) AS by_array FROM ground g JOIN answers x USING (i);
CREATE VIEW seen AS SELECT i, ml.predict('whole', g) AS y FROM (SELECT gap, c, i, a, b FROM ground) g;
SELECT count(*) AS through_a_view FROM seen s JOIN answers x USING (i) WHERE s.y = x.y;
PREPARE one (float8, int, text, int) AS SELECT ml.predict('whole', ROW($1, $2, $3, $4));
CREATE FUNCTION prepared() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	g ground;
	p float8;
	same bigint = 0;
BEGIN
	FOR g IN SELECT * FROM ground WHERE i <= 50 LOOP
		EXECUTE format('EXECUTE one (%L, %L, %L, %L)', g.a, g.b, g.c, g.gap) INTO p;
		same = same + (p = (SELECT y FROM answers WHERE i = g.i))::int + (p = ml.predict('whole', g))::int;
	END LOOP;
	RETURN same;
END
$$;
SELECT prepared();
CREATE TABLE arrivals (i int, a float8, b int, c text, gap int, y float8);
CREATE FUNCTION score() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.y = ml.predict('whole', NEW);
	RETURN NEW;
END
$$;
CREATE TRIGGER score BEFORE INSERT ON arrivals FOR EACH ROW EXECUTE FUNCTION score();
INSERT INTO arrivals SELECT i, a, b, c, gap FROM ground;
SELECT count(*) AS by_a_trigger FROM arrivals s JOIN answers x USING (i) WHERE s.y = x.y;
DO $$
BEGIN
	PERFORM set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'on', false);
END
$$;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
CREATE FUNCTION in_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
		IF line ~ 'Gather' THEN
			RETURN true;
		END IF;
	END LOOP;
	RETURN false;
END
$$;
SELECT in_parallel('SELECT sum(ml.predict(''whole'', g)) FROM ground g');
CREATE TABLE in_parallel AS SELECT i, ml.predict('whole', g) AS y FROM ground g;
SELECT count(*) AS in_parallel FROM in_parallel s JOIN answers x USING (i) WHERE s.y = x.y;
-- Training with workers, too, gives the same bytes; so does training again without.
SELECT grow('whole', 'SELECT a, b, c, gap, y FROM ground', 'y') IS NOT NULL AS trained;
DO $$
BEGIN
	PERFORM set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END, 'off', false);
END
$$;
RESET min_parallel_table_scan_size;
SET max_parallel_workers_per_gather = 0;
SELECT grow('whole', 'SELECT a, b, c, gap, y FROM ground ORDER BY c, a', 'y') IS NOT NULL AS trained;
SELECT count(*) AS versions, count(DISTINCT artifact_sha256) AS artifacts FROM ml.versions WHERE model = 'whole';
SELECT count(*) AS by_the_others FROM ground g JOIN answers x USING (i) WHERE ml.predict('whole/2', g) = x.y AND ml.predict('whole/3', g) = x.y;
-- The same seed holds the same rows out, another one others.
SELECT ml.train('many', 'SELECT a, b, c, gap, kind FROM ground', 'kind', 'gradient_boosting', seed => seed) IS NOT NULL AS trained FROM (VALUES (0), (1)) v (seed);
SELECT count(*) AS versions, count(DISTINCT artifact_sha256) AS artifacts FROM ml.versions WHERE model = 'many';

-- Splits: none, by a column.
SELECT rows, metrics, notes FROM grow('split', 'SELECT a, b, y FROM ground', 'y');
SELECT rows, metrics ? 'r2' AS judged FROM grow('split', 'SELECT a, b, i % 10 = 0 AS held_out, y FROM ground', 'y', '{}', $$, split => '{"method": "column", "column": "held_out"}'$$);
SELECT artifact_sha256 = (SELECT artifact_sha256 FROM ml.versions WHERE model = 'split' AND version = 1) AS same, algorithm FROM ml.versions WHERE model = 'split' ORDER BY version;

-- What is told of a model: figures, but no coefficients.
SELECT * FROM ml.coefficients('whole');
SELECT name, value > 0 AS positive FROM ml.summary('whole') WHERE name NOT LIKE 'held_back%' ORDER BY name;
SELECT metric, value IS NOT NULL AS known, n FROM ml.evaluate('whole', 'ground') WHERE metric IN ('r2', 'rmse') ORDER BY metric;
SELECT name, tasks FROM ml.learners WHERE name = 'gradient_boosting';

\c postgres
DROP DATABASE regress_ml_boosting;
