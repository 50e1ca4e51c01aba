-- How a version's source differs today from what its training read.
CREATE ROLE regress_ml_owner;
CREATE ROLE regress_ml_reader;
CREATE DATABASE regress_ml_source_changed TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_source_changed
SET lc_messages = 'C';
\set SHOW_CONTEXT never
SET extra_float_digits = 1;
CREATE EXTENSION pg_mlops;
GRANT CREATE ON SCHEMA public TO regress_ml_owner;
SET ROLE regress_ml_owner;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE data AS SELECT i AS id, i % 13 AS a, CASE i % 50 WHEN 0 THEN NULL WHEN 1 THEN 'NaN' ELSE (i * 37 % 101) / 10.0 END::float8 AS b, i % 2 = 0 AS flag,
	date '2026-01-01' + i % 90 AS day, 'city ' || i % 5 AS city, 'k' || i * 31 % 290 AS many, (ARRAY['sad', 'glad'])[1 + i % 2]::mood AS mood,
	ARRAY[i % 7, i % 11]::float8[] AS vec, ARRAY[1, 1]::float8[] AS flat, 5 AS same, 'x' || i AS name, '{}'::jsonb AS doc, 1 + i % 3 AS w, i % 5 = 0 AS held,
	2.0 * (i % 13) + i % 7 AS y FROM generate_series(1, 600) i;
ALTER TABLE data ADD PRIMARY KEY (id);
SELECT version FROM ml.train('linear', 'data', 'y', 'linear_regression', exclude => '{w,held}');
SELECT version FROM ml.train('trees', 'data', 'y', 'gradient_boosting', exclude => '{held}', weight => 'w', params => '{"n_trees": 3}');
SELECT version FROM ml.train('held', 'SELECT a, b, held, city, y > 15 AS high FROM data', 'high', 'logistic_regression', params => '{"l2": 1}', split => '{"method": "column", "column": "held"}');
SELECT version FROM ml.train('streamed', 'SELECT a, w, y FROM data', 'y', 'linear_regression', split => '{"method": "none"}');
SELECT version FROM ml.train('picked', 'data', 'y', 'gradient_boosting', features => '{vec,a}', params => '{"n_trees": 3}');
SELECT version FROM ml.train('auto', 'SELECT a, city, y FROM data', 'y', split => '{"method": "none"}');
SET pg_mlops.max_categories = 3;
SELECT version FROM ml.train('few', 'SELECT city, many, a, y FROM data', 'y', 'linear_regression');
RESET pg_mlops.max_categories;
CREATE VIEW models AS SELECT m FROM unnest('{linear,trees,held,streamed,picked,auto,few}'::text[]) WITH ORDINALITY u (m, n) ORDER BY n;
SELECT e ->> 'column' AS column, e ->> 'type' AS type, e ->> 'role' AS role FROM ml.snapshots, jsonb_array_elements(profile) e WHERE model = 'trees' AND e ? 'role';

-- Nothing has changed, whatever the order of rows and the session's settings.
SELECT m, c.* FROM models, ml.source_changed(m) c;
CREATE TABLE other AS SELECT * FROM data ORDER BY city DESC, id;
TRUNCATE data;
INSERT INTO data SELECT * FROM other;
SET pg_mlops.max_categories = 2;
SET extra_float_digits = 0;
SET search_path = pg_catalog;
SET DateStyle = 'SQL, DMY';
SELECT m, c.* FROM public.models, ml.source_changed(m) c;
RESET pg_mlops.max_categories;
RESET extra_float_digits;
RESET search_path;
RESET DateStyle;
RESET ROLE;
SELECT m, c.* FROM models, ml.source_changed(m) c;
SET ROLE regress_ml_owner;

-- Values that change, come and go. Fingerprints are not shown: the rows and their number decide.
CREATE FUNCTION changed(ref text) RETURNS TABLE (column_name text, statistic text, recorded text, today text) LANGUAGE sql AS $$
	SELECT c.column_name, c.statistic, CASE WHEN c.statistic <> 'fingerprint' THEN c.recorded END, CASE WHEN c.statistic <> 'fingerprint' THEN c.today END FROM ml.source_changed(ref) c $$;
BEGIN;
UPDATE data SET a = 100 WHERE id = 3;
SELECT m, c.* FROM models, changed(m) c WHERE m IN ('streamed', 'auto');
SELECT recorded <> today AS differs, length(today) FROM ml.source_changed('streamed') WHERE statistic = 'fingerprint';
ROLLBACK;
BEGIN;
DELETE FROM data WHERE id > 590;
UPDATE data SET y = NULL WHERE id = 1;
SELECT * FROM changed('streamed');
ROLLBACK;
BEGIN;
UPDATE data SET city = 'city 1';
UPDATE data SET many = 'k7';
SELECT c.* FROM changed('few') c;
SELECT c.* FROM changed('trees') c WHERE c.column_name IN ('city', 'many');
ROLLBACK;
BEGIN;
UPDATE data SET w = w + 1;
SELECT * FROM changed('trees');
ROLLBACK;

-- Columns that are gone, new, retyped or of no use any more.
BEGIN;
ALTER TABLE data DROP COLUMN vec, DROP COLUMN name, DROP COLUMN doc, ADD COLUMN fresh int DEFAULT 1, ADD COLUMN strange point, ALTER COLUMN same TYPE bigint, ALTER COLUMN flag TYPE text;
SELECT * FROM changed('linear');
SELECT * FROM changed('picked');
ROLLBACK;
BEGIN;
ALTER TABLE data ALTER COLUMN a TYPE point USING point(a, 1), ALTER COLUMN mood TYPE text, ALTER COLUMN vec TYPE float8[] USING vec || 1;
SELECT * FROM changed('linear');
SELECT * FROM changed('picked');
ROLLBACK;
BEGIN;
ALTER TABLE data DROP COLUMN y, DROP COLUMN w, DROP COLUMN held;
SELECT column_name, statistic, recorded, today FROM changed('trees') WHERE statistic = 'type';
ROLLBACK;
BEGIN;
ALTER TABLE data DROP CONSTRAINT data_pkey, ADD PRIMARY KEY (id, a);
SELECT * FROM changed('linear');
ROLLBACK;

-- What cannot be compared, and who may.
SELECT version FROM ml.train('linear', 'data', 'y', 'linear_regression', snapshot => 'none');
SELECT * FROM ml.source_changed('linear/2');
SELECT * FROM ml.source_changed('linear/9');
SELECT * FROM ml.source_changed('nowhere');
SELECT * FROM ml.source_changed(NULL);
BEGIN;
DROP TABLE data CASCADE;
SELECT * FROM ml.source_changed('linear');
ROLLBACK;
BEGIN;
TRUNCATE data;
SELECT * FROM changed('streamed');
ROLLBACK;
BEGIN;
ALTER TABLE data DROP COLUMN vec, DROP COLUMN a;
SELECT * FROM changed('picked');
ROLLBACK;
SET ROLE regress_ml_reader;
SELECT * FROM ml.source_changed('linear');
SET ROLE regress_ml_owner;
SELECT ml.grant('linear', 'use', 'regress_ml_reader');
SET ROLE regress_ml_reader;
SELECT * FROM ml.source_changed('linear');
SET ROLE regress_ml_owner;
SELECT ml.grant('linear', 'read', 'regress_ml_reader');
SET ROLE regress_ml_reader;
SELECT count(*) FROM data;
BEGIN READ ONLY;
SELECT * FROM ml.source_changed('linear');
COMMIT;
RESET ROLE;
REVOKE SELECT ON data FROM regress_ml_owner;
SET ROLE regress_ml_reader;
SELECT * FROM ml.source_changed('linear');
RESET ROLE;

\c postgres
DROP DATABASE regress_ml_source_changed;
DROP ROLE regress_ml_owner, regress_ml_reader;
