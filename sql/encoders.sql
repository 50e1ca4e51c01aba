-- Steps for categories, texts, times and arrays: what they make of rows, in every form in which rows are scored.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
RESET client_min_messages;
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET extra_float_digits = 0;
CREATE SCHEMA encoders;
SET search_path = encoders, public;

CREATE TABLE orders AS
SELECT i AS id,
       (ARRAY['red', 'green', 'blue', 'cyan'])[1 + i % 4] AS colour,
       CASE WHEN i % 9 > 0 THEN (ARRAY['S', 'M', 'L'])[1 + i % 3] END AS size,
       'z' || (i * 7919 % 60) AS zip,
       date '2024-01-01' + i AS day,
       timestamp '2024-02-28 22:00' + i * interval '5 hours' AS at,
       timestamptz '2024-03-30 20:30+00' + i * interval '1 hour' AS instant,
       CASE WHEN i % 10 > 0 THEN 'The ' || (ARRAY['dogs run', 'dog runs and runs', 'cat sleeps', 'cats are sleeping'])[1 + i % 4]
            || ' on day ' || i END AS body,
       ARRAY[i % 3, i % 5] AS v,
       (i % 4) * 10 + (i % 7)::float8 AS y
FROM generate_series(1, 240) AS i;

-- Trains and says what came of it: notes, and a row as the learner sees it.
CREATE FUNCTION trained(model text, features text[], pipeline jsonb, algorithm text DEFAULT 'linear_regression') RETURNS text[]
    LANGUAGE sql AS $$
    SELECT notes FROM ml.train(model, 'orders', 'y', features => features, algorithm => algorithm, pipeline => pipeline,
                               params => CASE algorithm WHEN 'linear_regression' THEN '{"l2": 1}'::jsonb ELSE '{"n_trees": 3}' END,
                               split => '{"method": "none"}', deploy => 'always')
$$;
CREATE FUNCTION seen(model text, source text DEFAULT 'orders WHERE id IN (1, 2, 9)') RETURNS SETOF jsonb
    LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT ml.transform(%L, o) FROM (SELECT * FROM %s) AS o ORDER BY o.id', model, source);
END
$$;
CREATE VIEW strange AS
SELECT 1 AS id, NULL::text AS colour, NULL::text AS size, NULL::text AS zip, NULL::date AS day, NULL::timestamp AS at,
       NULL::timestamptz AS instant, NULL::text AS body, ARRAY[NULL, 1]::int[] AS v
UNION ALL SELECT 2, 'mauve', 'XXL', 'z99', '1999-12-31', '1999-12-31 23:59:59.999999', '1999-12-31 23:59:59.999999+00', 'nothing known', '{1,2}'
UNION ALL SELECT 3, '', '', '', 'infinity', NULL, NULL, '', NULL;

-- One hot: levels that few rows have, and that none has
SELECT trained('hot', '{colour,zip}', '[{"step": "one_hot", "drop": false, "max_levels": 2}]');
SELECT seen('hot');
SELECT seen('hot', 'strange');
SELECT trained('hot', '{colour,size,v}', '[{"step": "one_hot", "min_count": 70, "other": false}, {"step": "impute"}]');
SELECT seen('hot', 'strange WHERE id < 3');
SELECT pipeline -> 0 -> 'learned' AS learned FROM ml.versions WHERE model = 'hot' ORDER BY version;

-- Ordinal: bytewise, in an order, and what stands for the others
SELECT trained('number', '{colour,size}', '[{"step": "ordinal", "order": {"size": ["S", "M", "L", "XL"]}, "missing": -1}]');
SELECT seen('number');
SELECT seen('number', 'strange');
SELECT trained('number', '{colour,size}', '[{"step": "ordinal", "unseen": 9}]', 'gradient_boosting');
SELECT seen('number', 'strange');
SELECT trained('number', '{colour}', '[{"step": "ordinal"}]');
SELECT ml.predict('number', s) IS NOT NULL AS known FROM orders AS s WHERE id = 1;
SELECT ml.predict('number', s) FROM strange AS s WHERE id = 1;
SELECT ml.predict('number', s) FROM strange AS s WHERE id = 2;

-- Counts and mean targets
SELECT trained('counts', '{colour,size}', '[{"step": "count_encode", "columns": ["colour"]}, {"step": "count_encode", "share": true}]');
SELECT seen('counts');
SELECT trained('counts', '{colour,size}', '[{"step": "count_encode", "columns": ["size"]}, {"step": "one_hot"}]');
SELECT seen('counts', 'strange');
SELECT trained('means', '{colour,size}', '[{"step": "target_encode", "smoothing": 0}]');
SELECT seen('means');
SELECT avg(y) AS prior, avg(y) FILTER (WHERE size IS NULL) AS missing FROM orders;
SELECT seen('means', 'strange');

-- Hashes
SELECT trained('hashes', '{zip,body}', '[{"step": "hash_encode", "buckets": 4}]');
SELECT seen('hashes');
SELECT seen('hashes', 'strange');
SELECT signature -> 'inputs' AS inputs FROM ml.versions WHERE model = 'hashes';

-- Dates
SELECT trained('days', '{day,at,instant}', '[{"step": "date_parts", "timezone": "Europe/Berlin"}]', 'gradient_boosting');
SELECT id, day, at, instant FROM orders WHERE id IN (1, 2, 9);
SELECT seen('days');
SELECT seen('days', 'strange WHERE id < 3');
SELECT trained('days', '{day,at}', '[{"step": "date_parts", "columns": ["at"], "parts": ["month", "hour", "is_weekend"], "cyclic": true, "keep": true}]');
SELECT seen('days');
SELECT ml.transform('days', s) FROM strange AS s WHERE id = 3;
SELECT ml.transform('days', s) FROM strange AS s WHERE id = 1;

-- Texts
SET default_text_search_config = 'pg_catalog.english';
SELECT trained('texts', '{body}', '[{"step": "tfidf", "norm": "none", "use_idf": false}]');
SELECT seen('texts');
SELECT seen('texts', 'strange');
SELECT signature -> 'inputs' AS inputs FROM ml.versions WHERE model = 'texts';
SET default_text_search_config = 'pg_catalog.simple';
SELECT seen('texts', 'orders WHERE id = 2');
CREATE TEXT SEARCH CONFIGURATION encoders."My words" (COPY = pg_catalog.simple);
SELECT trained('texts', '{body}', '[{"step": "tfidf", "config": "\"My words\"", "max_terms": 3}]');
SELECT seen('texts', 'orders WHERE id = 2');
SELECT signature -> 'inputs' -> 0 ->> 'config' AS config FROM ml.versions WHERE model = 'texts' ORDER BY version;
DROP TEXT SEARCH CONFIGURATION encoders."My words";
SELECT ml.predict('texts', o) FROM orders AS o WHERE id = 2;
SELECT count(*) FROM ml.importance('texts/1', 'permutation');
SELECT * FROM ml.importance('texts/2', 'permutation');
RESET default_text_search_config;

-- Arrays of any number type
CREATE TABLE arrays AS
SELECT id, v AS whole, v::bigint[] AS long, v::smallint[] AS short, ARRAY[id / 8.0, NULL, 1.25]::numeric[] AS exact, y FROM orders;
SELECT notes FROM ml.train('arrays', 'arrays', 'y', features => '{whole,long,short,exact}', algorithm => 'gradient_boosting',
                           params => '{"n_trees": 3}', split => '{"method": "none"}', pipeline => '[]');
SELECT ml.transform('arrays', a) FROM arrays AS a WHERE id IN (3, 14) ORDER BY id;
SELECT bool_and(ml.predict('arrays', a) = ml.predict('arrays', to_jsonb(a))) AS same FROM arrays AS a;
SELECT ml.transform('arrays', (SELECT a FROM (SELECT ARRAY[1, 2, 3] AS whole, long, short, exact FROM arrays) AS a LIMIT 1));

-- The same in every form of features, and in a trigger as in a query
SELECT trained('all', '{colour,size,zip,day,at,instant,body,v}', '[{"step": "target_encode", "columns": ["zip"]},
    {"step": "tfidf", "columns": ["body"], "config": "pg_catalog.english"}, {"step": "hash_encode", "columns": ["size"], "buckets": 3},
    {"step": "one_hot"}, {"step": "date_parts", "cyclic": true}]');
SELECT jsonb_pretty(ml.transform('all', o)) FROM orders AS o WHERE id = 10;
SELECT count(*) AS rows,
       bool_and(ml.predict('all', o) = ml.predict('all', to_jsonb(o))) AS as_jsonb,
       bool_and(ml.predict('all', o) = ml.predict('all', ROW(colour, size, zip, day, at, instant, body, v))) AS by_position,
       bool_and(ml.predict('all', o) = (SELECT ml.predict('all', q) FROM (SELECT o.*) AS q)) AS as_row
FROM orders AS o;
SELECT trained('words', '{colour,zip,body}', '[{"step": "tfidf", "columns": ["body"], "config": "pg_catalog.english"},
    {"step": "hash_encode", "columns": ["zip"], "buckets": 3}, {"step": "one_hot"}]');
SELECT bool_and(ml.predict('words', o) = ml.predict('words', ARRAY[colour, zip, body])) AS as_array FROM orders AS o;
SELECT ml.predict('words', ARRAY['red', 'z1']);
CREATE TABLE scored (LIKE orders, features jsonb);
CREATE FUNCTION score() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.features = ml.transform('all', NEW);
    RETURN NEW;
END
$$;
CREATE TRIGGER score BEFORE INSERT ON scored FOR EACH ROW EXECUTE FUNCTION score();
INSERT INTO scored SELECT * FROM orders;
SELECT count(*) AS rows, bool_and(s.features = ml.transform('all', o)) AS same FROM scored AS s JOIN orders AS o USING (id);

-- A category of noise gains nothing on rows that were held out. Encoded by the targets of the rows themselves
-- (target_encode without apply_training), its coefficient is 1.58 and r2 is -0.44.
CREATE TABLE noise AS
SELECT i AS id, 'c' || ('x' || left(md5('c' || i), 4))::bit(16)::int % 3000 AS c,
       ('x' || left(md5('y' || i), 7))::bit(28)::int::float8 / 2 ^ 28 AS y FROM generate_series(1, 6000) AS i;
SELECT (metrics ->> 'r2')::float8 BETWEEN -0.02 AND 0.01 AS nothing_gained
FROM ml.train('noise', 'noise', 'y', features => '{c}', algorithm => 'linear_regression',
              pipeline => '[{"step": "target_encode", "smoothing": 1}]', split => '{"test": 0.3}');
SELECT abs(estimate) < 0.25 AS not_trusted FROM ml.coefficients('noise') WHERE term = 'c';

-- What cannot be
SELECT trained('bad', '{colour}', '[{"step": "target_encod"}]');
SELECT trained('bad', '{colour}', '[{"step": "target_encode", "columns": ["color"]}]');
SELECT trained('bad', '{colour}', '[{"step": "target_encode", "smoothing": -1}]');
SELECT trained('bad', '{colour,day}', '[{"step": "target_encode", "columns": ["day"]}]');
SELECT trained('bad', '{colour,day}', '[{"step": "one_hot", "columns": ["day"]}]');
SELECT trained('bad', '{colour}', '[{"step": "one_hot", "max_levels": 0}]');
SELECT trained('bad', '{colour,v}', '[{"step": "ordinal", "columns": ["v"]}]');
SELECT trained('bad', '{colour}', '[{"step": "ordinal", "order": {"colour": ["red", "green", "blue"]}}]');
SELECT trained('bad', '{colour}', '[{"step": "ordinal", "order": {"color": ["red", "green", "blue"]}}]');
SELECT trained('bad', '{colour}', '[{"step": "ordinal", "order": {"colour": ["red", "red"]}}]');
SELECT trained('bad', '{colour}', '[{"step": "ordinal", "order": {"colour": "red"}}]');
SELECT trained('bad', '{colour}', '[{"step": "ordinal", "order": "bytewise"}]');
SELECT trained('bad', '{colour}', '[{"step": "ordinal", "order": ["red"]}]');
SELECT trained('bad', '{colour,size}', '[{"step": "ordinal", "columns": ["size"]}, {"step": "one_hot"}]');
SELECT trained('bad', '{colour}', '[{"step": "count_encode", "share": 1}]');
SELECT trained('bad', '{colour}', '[{"step": "hash_encode", "buckets": 0}]');
SELECT trained('bad', '{colour,day}', '[{"step": "hash_encode", "columns": ["day"]}]');
SELECT trained('bad', '{colour}', '[{"step": "one_hot", "columns": ["colour"]}, {"step": "hash_encode", "columns": ["colour"]}]');
SELECT trained('bad', '{colour,body}', '[{"step": "hash_encode", "columns": ["body"]}, {"step": "tfidf", "columns": ["body"]}]');
SELECT trained('bad', '{body}', '[{"step": "tfidf", "config": "klingon"}]');
SELECT trained('bad', '{body}', '[{"step": "tfidf", "config": "pg_catalog.simple", "min_documents": 300}]');
SELECT trained('bad', '{body}', '[{"step": "tfidf", "norm": "l1"}]');
SELECT trained('bad', '{day,body}', '[{"step": "tfidf", "columns": ["day"]}]');
SELECT trained('bad', '{day}', '[{"step": "date_parts", "parts": ["moth"]}]');
SELECT trained('bad', '{day}', '[{"step": "date_parts", "parts": "month"}]');
SELECT trained('bad', '{day}', '[{"step": "date_parts", "parts": []}]');
SELECT trained('bad', '{day}', '[{"step": "date_parts", "timezone": "Mars/Olympus"}]');
SELECT trained('bad', '{day,colour}', '[{"step": "date_parts", "columns": ["colour"]}]');
SELECT trained('bad', '{day}', '[{"step": "standardise"}, {"step": "date_parts", "columns": ["day"]}]');
SELECT trained('bad', '{zip}', '[{"step": "hash_encode"}, {"step": "one_hot", "columns": ["zip"]}]');
SET pg_mlops.train_memory = '1MB';
SELECT ml.train('bad', 'SELECT ''c'' || id AS c, y FROM noise', 'y', split => '{"method": "none"}', algorithm => 'linear_regression',
                pipeline => '[{"step": "target_encode", "columns": ["c"]}]');
SELECT ml.train('bad', 'SELECT string_agg(chr(97 + (id + k) % 26) || chr(97 + (id * 7 + k / 26) % 26), '' '') || id AS body, id AS y
                        FROM generate_series(1, 1200) AS id, generate_series(1, 200) AS k GROUP BY id', 'y', split => '{"method": "none"}', algorithm => 'linear_regression',
                pipeline => '[{"step": "tfidf", "config": "pg_catalog.simple"}]');
RESET pg_mlops.train_memory;
SELECT count(*) FROM ml.versions WHERE model = 'bad';

SET client_min_messages = warning;
SELECT count(ml.undeploy(model, 'production')) FROM ml.deployments WHERE ended_at IS NULL;
SELECT count(ml.drop_model(model)) FROM ml.models;
DROP SCHEMA encoders CASCADE;
