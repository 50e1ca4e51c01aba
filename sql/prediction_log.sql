-- The prediction log where the library is not preloaded: keys of rows, and nothing is logged.
CREATE ROLE regress_ml_log_user;
CREATE DATABASE regress_ml_prediction_log TEMPLATE template0;
\c regress_ml_prediction_log
CREATE EXTENSION pg_mlops;
CREATE TABLE flat (id int, area real, rooms int, place text, shape float8[], at timestamptz, price float8);
INSERT INTO flat SELECT i, i % 17 / 7::real, i % 5, (ARRAY['hill', 'lake'])[1 + i % 2], ARRAY[i % 3, 1.5], timestamptz '2020-01-01 00:00Z' + i % 11 * interval '1 day',
	i % 17 + 10 * (i % 5) FROM generate_series(1, 200) i;
SELECT version FROM ml.train('flat', 'flat', 'price', 'linear_regression', exclude => '{id}');

-- A share to be logged is no reason for anything to fail.
SET session_replication_role = replica;
UPDATE ml.models SET log_fraction = 1 WHERE model = 'flat';
RESET session_replication_role;
SELECT count(ml.predict('flat', f)) FROM flat f;
SELECT count(*) FROM ml.prediction_log;
SELECT count(*) FROM ml.stat_prediction_log;

-- The key is that of the values, in whatever form they come; columns that are no inputs have no part in it.
SELECT ml.row_key('flat', f) FROM flat f WHERE id = 7;
SELECT count(*) FILTER (WHERE k = ml.row_key('flat', to_jsonb(f))) AS as_json,
	count(*) FILTER (WHERE k = ml.row_key('flat', ROW(area, rooms, place, shape, at))) AS as_row,
	count(*) FILTER (WHERE k = ml.row_key('flat/1', s)) AS as_subquery,
	count(*) FILTER (WHERE k ~ '^[0-9a-f]{16}$') AS well_formed, count(DISTINCT k) AS keys, count(DISTINCT (area, rooms, place, shape, at)) AS rows
FROM (SELECT f AS f, ml.row_key('flat', f) AS k, f.* FROM flat f) s;
SELECT ml.row_key('flat', f) = ml.row_key('flat', g) AS same FROM flat f, (SELECT -1 AS id, area, rooms, place, shape, at FROM flat WHERE id = 7) g WHERE f.id = 7;
-- Texts that training never saw are texts, and NULL is none of them.
SELECT count(DISTINCT ml.row_key('flat', jsonb_build_object('area', 1, 'rooms', 2, 'place', p, 'shape', '[0, 1.5]'::jsonb, 'at', '2020-01-01 00:00Z')))
FROM unnest(ARRAY['hill', 'sea', 'fen', '', NULL]) p;
-- 0 and -0 are one number; NULL and NaN are two.
SELECT count(DISTINCT ml.row_key('flat', ROW(a, 2, 'hill', '{0,1.5}'::float8[], timestamptz '2020-01-01 00:00Z'))) FROM unnest('{0,-0,NaN,NULL}'::real[]) a;

-- Another version with the same inputs gives the same key, whatever levels it saw; one with others does not.
SELECT version FROM ml.train('flat', $$SELECT area, rooms, CASE WHEN id < 100 THEN 'fen' ELSE place END AS place, shape, at, price FROM flat$$, 'price', 'linear_regression', deploy => 'never');
SELECT version FROM ml.train('flat', 'flat', 'price', 'linear_regression', exclude => '{id,rooms}', deploy => 'never');
SELECT count(*) FILTER (WHERE ml.row_key('flat/1', f) = ml.row_key('flat/2', f)) AS same, count(*) FILTER (WHERE ml.row_key('flat/1', f) = ml.row_key('flat/3', f)) AS other FROM flat f;

-- Arrays of numbers.
SELECT version FROM ml.train('plain', 'SELECT area, rooms::float8, price FROM flat', 'price', 'linear_regression');
SELECT ml.row_key('plain', ARRAY[1.5, 2]::float8[]) = ml.row_key('plain', '{"area": 1.5, "rooms": 2}'::jsonb) AS same;

-- What cannot be scored has no key.
SELECT ml.row_key('flat', NULL::jsonb) IS NULL AS none, ml.row_key(NULL, '{}'::jsonb) IS NULL AS no_model;
SELECT ml.row_key('flat', '{"area": 1}'::jsonb);
SELECT ml.row_key('flat', 1);
SELECT ml.row_key('plain', ARRAY[1.5]);
SELECT ml.row_key('nobody', '{}'::jsonb);

-- The right to score is needed; to see the log, the one to read.
SET ROLE regress_ml_log_user;
SELECT ml.row_key('plain', '{"area": 1.5, "rooms": 2}'::jsonb);
SELECT count(*) FROM ml.prediction_log;
SELECT count(*) FROM ml.stat_prediction_log;
RESET ROLE;
SELECT ml.grant('plain', 'use', 'regress_ml_log_user');
CREATE TABLE ml.prediction_log_20200101 PARTITION OF ml.prediction_log FOR VALUES FROM ('2020-01-01 00:00Z') TO ('2020-01-02 00:00Z');
INSERT INTO ml.prediction_log VALUES ('2020-01-01 12:00Z', 'plain', 1, 'production', '{"area": 1}', '17', NULL, '0'), ('2020-01-01 13:00Z', 'flat', 1, 'shadow', '{}', '18', NULL, '1'),
	('2020-01-01 14:00Z', 'flat', 3, 'production', '{}', '18', NULL, '1');
SET ROLE regress_ml_log_user;
SELECT ml.row_key('plain', '{"area": 1.5, "rooms": 2}'::jsonb) IS NOT NULL AS allowed;
SELECT count(*) FROM ml.prediction_log;
SELECT count(*) FROM ml.prediction_log_20200101;
INSERT INTO ml.prediction_log VALUES ('2020-01-01 12:00Z', 'plain', 1, 'production', '{"area": 1}', '17', NULL, '0');
RESET ROLE;
SELECT ml.grant('plain', 'read', 'regress_ml_log_user');
SET ROLE regress_ml_log_user;
SELECT model, features FROM ml.prediction_log;
RESET ROLE;

-- Rows go with their version and model.
SELECT ml.drop_version('flat', 3);
SELECT model, version FROM ml.prediction_log ORDER BY 1, 2;
SELECT ml.undeploy('plain', 'production');
SELECT ml.drop_model('plain');
SELECT model, version FROM ml.prediction_log;

-- Partitions go with the extension.
DROP EXTENSION pg_mlops;
SELECT count(*) FROM pg_class WHERE relname LIKE 'prediction\_log%';
\c postgres
DROP DATABASE regress_ml_prediction_log;
DROP ROLE regress_ml_log_user;
