-- Every type of column: what can be used trains, and scores the same by row, by position and as JSON; the rest is left out, and a note says so.
CREATE DATABASE regress_ml_types TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';
\c regress_ml_types
SET lc_messages = 'C';
SET extra_float_digits = 1;
SET TIME ZONE 'UTC';
SET DateStyle = 'ISO, MDY';
SET client_min_messages = warning;
CREATE EXTENSION pg_mlops;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy', 'eager', 'calm', 'wild');
CREATE DOMAIN small AS int2 CHECK (VALUE < 1000);
CREATE DOMAIN smaller AS small CHECK (VALUE < 100);
CREATE DOMAIN single AS float4;
CREATE DOMAIN code AS char(5);
CREATE DOMAIN state AS mood;
CREATE DOMAIN day AS date;
CREATE DOMAIN reading AS float4[];
CREATE DOMAIN money_amount AS numeric(12, 2);

-- Trains on one column of a type, whose value for row i is an expression in k = i % 6, and scores all rows in every way.
CREATE FUNCTION try(type text, expression text, OUT features int, OUT recorded text, OUT nullable boolean, OUT predictions bigint, OUT first numeric,
	OUT by_position bigint, OUT by_json bigint, OUT by_array bigint, OUT notes text[]) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('DROP TABLE IF EXISTS typed; CREATE TABLE typed (i int, x %s, z float8, y float8)', type);
	EXECUTE format('INSERT INTO typed SELECT i, (%s)::%s, i * 7 %% 10, (i %% 6) * (i %% 6) + i * 7 %% 10 + i %% 4 / 10.0 FROM generate_series(1, 60) i, LATERAL (SELECT i %% 6 AS k) q',
				   expression, type);
	SELECT t.features, t.notes INTO features, notes
		FROM ml.train('typed', 'typed', 'y', 'linear_regression', '{x,z}', split => '{"method": "none"}', deploy => 'always') t;
	SELECT input ->> 'type', (input ->> 'nullable')::boolean INTO recorded, nullable FROM ml.versions v, jsonb_array_elements(signature -> 'inputs') input
		WHERE model = 'typed' AND input ->> 'name' = 'x' ORDER BY version DESC LIMIT 1;
	SELECT count(DISTINCT round(p::numeric, 9)), min(round(p::numeric, 6)) FILTER (WHERE i = 1), count(*) FILTER (WHERE p = ml.predict('typed', ROW(x, z))),
		   count(*) FILTER (WHERE p = ml.predict('typed', to_jsonb(t)))
		INTO predictions, first, by_position, by_json FROM typed t, LATERAL (SELECT ml.predict('typed', t) AS p) q;
	notes := array_remove(notes, 'no rows were held out: there are no metrics');
	-- Alone, the column can be an array of one too.
	IF recorded !~ '\[\]$' THEN
		PERFORM ml.train('typed', 'typed', 'y', 'linear_regression', '{x}', split => '{"method": "none"}', deploy => 'always');
		EXECUTE 'SELECT count(*) FROM typed t WHERE ml.predict(''typed'', t) = ml.predict(''typed'', ARRAY[x])' INTO by_array;
	END IF;
END
$$;

-- Numbers.
SELECT type, t.* FROM (VALUES ('int2', 'k'), ('int4', 'k * 100000'), ('int8', 'k * 1000000000000'), ('float8', 'k / 7.0'), ('float4', 'k / 7.0'), ('numeric', 'k / 7.0'),
	('numeric(10, 2)', 'k / 7.0'), ('boolean', 'k > 2'), ('small', 'k'), ('smaller', 'k'), ('single', 'k / 7.0'), ('money_amount', 'k / 7.0')) v (type, expression), try(type, expression) t;
-- With gaps: NULL and NaN.
SELECT type, t.* FROM (VALUES ('int4', 'CASE WHEN i % 5 > 0 THEN k END'), ('boolean', 'CASE WHEN i % 5 > 0 THEN k > 2 END'), ('float8', 'CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN ''NaN''::float8 ELSE k END'),
	('float4', 'CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN ''NaN''::numeric ELSE k / 7.0 END'), ('numeric', 'CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN ''NaN''::numeric ELSE k / 7.0 END'),
	('single', 'CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN ''NaN''::numeric ELSE k / 7.0 END')) v (type, expression), try(type, expression) t;
-- Dates and times: days since 2000-01-01, intervals in seconds.
SELECT type, t.* FROM (VALUES ('date', 'date ''1999-12-30'' + k'), ('timestamp', 'timestamp ''2020-01-01 12:00:00.123456'' + k * interval ''1 hour'''),
	('timestamptz', 'timestamptz ''2020-01-01 12:00:00.123456+02'' + k * interval ''1 hour'''), ('interval', 'k * interval ''1 day 02:03:04.5'''), ('interval', 'k * interval ''1 month -3 days'''),
	('day', 'date ''2020-01-01'' + k'), ('date', 'CASE WHEN i % 5 > 0 THEN date ''2020-01-01'' + k END'), ('interval', 'CASE WHEN i % 5 > 0 THEN k * interval ''1 year'' END')) v (type, expression), try(type, expression) t;
SET IntervalStyle = 'iso_8601';
SELECT by_json FROM try('interval', 'k * interval ''1 mon -3 days 02:03:04.5''');
SET IntervalStyle = 'sql_standard';
SELECT by_json FROM try('interval', 'k * interval ''1 day 02:03:04.5''');
RESET IntervalStyle;
SET DateStyle = 'German';
SELECT by_json FROM try('date', 'date ''2020-01-01'' + k');
SET TIME ZONE 'Asia/Tokyo';
SELECT by_json FROM try('timestamptz', 'timestamptz ''2020-01-01 12:00:00+00'' + k * interval ''1 hour''');
SET DateStyle = 'ISO, MDY';
SET TIME ZONE 'UTC';
-- Categories.
SELECT type, t.* FROM (VALUES ('text', '''k'' || k'), ('varchar(20)', '''k'' || k'), ('char(6)', '''k'' || k'), ('"char"', 'chr(65 + k)'), ('name', '''k'' || k'), ('mood', '(enum_range(NULL::mood))[k + 1]'),
	('uuid', '''00000000-0000-0000-0000-00000000000'' || k'), ('code', '''k'' || k'), ('state', '(enum_range(NULL::mood))[k + 1]'), ('text', 'CASE WHEN i % 5 > 0 THEN ''k'' || k END'),
	('char(6)', 'CASE WHEN i % 5 > 0 THEN ''k'' || k END'), ('text', 'repeat('' '', k)'), ('text', 'CASE k WHEN 0 THEN ''"'' WHEN 1 THEN '''''''' WHEN 2 THEN E''\n'' WHEN 3 THEN U&''\00e4'' WHEN 4 THEN ''a=b'' ELSE ''(other)'' END')) v (type, expression),
	try(type, expression) t;
-- Arrays of numbers.
SELECT type, t.* FROM (VALUES ('float8[]', 'ARRAY[k, k * k, i % 3]'), ('float4[]', 'ARRAY[k / 7.0, k * k, i % 3]'), ('reading', 'ARRAY[k / 7.0, k * k]'), ('float8[]', 'ARRAY[[k], [k * k]]'),
	('float8[]', 'CASE WHEN i % 5 > 0 THEN ARRAY[k, CASE WHEN i % 7 > 0 THEN k * k END, CASE WHEN i % 8 = 0 THEN ''NaN''::float8 ELSE i % 3 END] END'),
	('float4[]', 'CASE WHEN i % 5 > 0 THEN ARRAY[k / 7.0, CASE WHEN i % 7 > 0 THEN k * k END] END')) v (type, expression), try(type, expression) t;

-- What is not finite is refused, whatever its type.
CREATE FUNCTION refused(type text, value text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('DROP TABLE IF EXISTS endless; CREATE TABLE endless AS SELECT CASE WHEN i = 3 THEN %L ELSE %s END AS x, i AS y FROM generate_series(1, 9) i', value || '',
		CASE type WHEN 'date' THEN 'date ''2020-01-01'' + i' WHEN 'timestamp' THEN 'timestamp ''2020-01-01'' + i * interval ''1 h'''
			WHEN 'timestamptz' THEN 'timestamptz ''2020-01-01'' + i * interval ''1 h''' WHEN 'interval' THEN 'i * interval ''1 h''' ELSE 'i::' || type END);
	PERFORM ml.train('endless', 'SELECT * FROM endless ORDER BY y', 'y', 'linear_regression');
	RETURN 'trained';
EXCEPTION WHEN numeric_value_out_of_range THEN
	RETURN SQLERRM;
WHEN invalid_datetime_format THEN
	-- Before 17 no interval is infinite.
	RETURN 'column "x" has the value ' || replace(initcap(value), '-i', '-I') || ' in row 3 of the source';
END
$$;
SELECT type, value, refused(type, value) FROM unnest('{float8,float4,numeric,date,timestamp,timestamptz,interval}'::text[]) type, unnest('{infinity,-infinity}'::text[]) value ORDER BY 1, 2;

-- Types that are neither numbers nor categories: left out, and named.
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN anything AS jsonb;
CREATE TABLE odd AS SELECT i AS x, i % 5 AS x2, '{}'::json AS a_json, '{}'::jsonb AS a_jsonb, '{}'::anything AS a_domain, point(i, i) AS a_point, '\x00'::bytea AS a_bytea, ARRAY[i] AS ints, ARRAY['a'] AS texts,
	ARRAY[1.5] AS numerics, time '12:00' AS a_time, timetz '12:00+00' AS a_timetz, i::money AS a_money, inet '::1' AS an_inet, B'1' AS a_bit, int4range(1, i + 2) AS a_range, '<a/>'::text AS markup,
	'a:1'::tsvector AS words, ROW(1, 2)::pair AS a_pair, i::oid AS an_oid, 'pg_class'::regclass AS a_regclass, pg_lsn '0/1' AS a_lsn, xid8 '7' AS an_xid, 2.0 * i + i % 5 + i % 3 AS y
	FROM generate_series(1, 60) i;
SELECT features, unnest(notes) AS note FROM ml.train('odd', 'odd', 'y', 'linear_regression', split => '{"method": "none"}');
SELECT count(ml.predict('odd', o)) FROM odd o;
SELECT ml.train('odd', 'odd', 'y', 'linear_regression', '{x,a_money}');
SELECT ml.train('odd', 'odd', 'y', 'linear_regression', '{x,texts}');
SELECT ml.train('odd', 'odd', 'a_time', 'linear_regression', '{x}');
SELECT ml.train('odd', 'SELECT x, x2, ARRAY[x::float8] AS y FROM odd', 'y', 'linear_regression');

-- Values of one type for a feature of another: numbers for each other, anything with a text for a category, dates for timestamps.
SELECT version FROM ml.train('mixed', 'SELECT i % 6 AS n, (i % 4)::text AS c, date ''2020-01-01'' + i % 7 AS d, i % 2 = 0 AS b, i % 6 + i % 4 + i % 7 + i % 2 AS y FROM generate_series(1, 90) i',
	'y', 'linear_regression', split => '{"method": "none"}');
SELECT count(DISTINCT round(p::numeric, 9)) AS values, min(p)::numeric(20, 6) FROM (VALUES
	(ml.predict('mixed', ROW(3, '2'::text, date '2020-01-03', true))), (ml.predict('mixed', ROW(3.0, 2, timestamp '2020-01-03', 1))),
	(ml.predict('mixed', ROW(3::float4, 2::int8, date '2020-01-03', 1.0::float8))), (ml.predict('mixed', ROW('3'::numeric, '2'::char(3), '2020-01-03'::timestamp, true))),
	(ml.predict('mixed', '{"n": 3.00, "c": 2, "d": "2020-01-03", "b": true}'::jsonb)), (ml.predict('mixed', '{"n": 3, "c": "2", "d": "2020-01-03 00:00", "b": 1}'::jsonb))) v (p);
SELECT ml.predict('mixed', ROW('3'::text, '2', date '2020-01-03', true));
SELECT ml.predict('mixed', ROW(3, '2', timestamptz '2020-01-03', true));
SELECT ml.predict('mixed', ROW(3, '2', 20200103, true));
SELECT ml.predict('mixed', ROW(3, ARRAY['2'], date '2020-01-03', true));
SELECT ml.predict('mixed', '{"n": 3, "c": "2", "d": "someday", "b": true}'::jsonb);
SELECT ml.predict('mixed', '{"n": 3, "c": "2", "d": 20200103, "b": true}'::jsonb);
SELECT ml.predict('mixed', '{"n": 3, "c": "2", "d": "infinity", "b": true}'::jsonb);
SELECT ml.predict('mixed', ROW(3, '2', date '-infinity', true));
SELECT version FROM ml.train('vector', 'SELECT ARRAY[i, i % 3]::float8[] AS v, i + i % 3 AS y FROM generate_series(1, 30) i', 'y', 'linear_regression', split => '{"method": "none"}');
SELECT count(DISTINCT round(p::numeric, 9)) AS values, min(p)::numeric(20, 6) FROM (VALUES (ml.predict('vector', ROW(ARRAY[3, 1]::float8[]))), (ml.predict('vector', ROW(ARRAY[3, 1]::float4[]))),
	(ml.predict('vector', ARRAY[3, 1])), (ml.predict('vector', '{"v": [3, 1]}'::jsonb))) v (p);
SELECT ml.predict('vector', ROW(ARRAY[3, 1, 2]::float8[]));
SELECT ml.predict('vector', ROW('{}'::float8[]));
SELECT ml.predict('vector', ROW(ARRAY[3, 1]));
SELECT ml.predict('vector', ROW(3.0::float8));
SELECT ml.predict('vector', '{"v": [3]}'::jsonb);
SELECT ml.predict('vector', '{"v": [3, 1, 2]}'::jsonb);
SELECT ml.predict('vector', '{"v": [3, "x"]}'::jsonb);
SELECT ml.predict('vector', '{"v": [3, [1]]}'::jsonb);
SELECT ml.predict('vector', '{"v": [[3, 1]]}'::jsonb)::numeric(20, 6);
SELECT ml.predict('vector', '{"v": [3, {"a": 1}]}'::jsonb);
SELECT ml.predict('vector', '{"v": {"a": 1}}'::jsonb);
SELECT ml.predict('vector', '{"v": 3}'::jsonb);
-- Missing elements, and a missing array.
SELECT count(DISTINCT round(p::numeric, 9)) AS values FROM (VALUES (ml.predict('vector', ROW(ARRAY[NULL, 'NaN']::float8[]))), (ml.predict('vector', ROW(NULL::float8[]))),
	(ml.predict('vector', '{"v": [null, "NaN"]}'::jsonb)), (ml.predict('vector', '{"v": null}'::jsonb))) v (p);

-- The bytes of an artifact do not depend on search_path, nor on settings of input and output.
CREATE SCHEMA apart;
CREATE TYPE apart.hue AS ENUM ('red', 'blue');
CREATE TABLE apart.hues AS SELECT (ARRAY['red', 'blue'])[i % 2 + 1]::apart.hue AS hue, i % 7 / 3.0 AS x, (ARRAY['red', 'blue'])[i % 3 % 2 + 1]::apart.hue AS y FROM generate_series(1, 50) i;
SELECT version FROM ml.train('hue', 'apart.hues', 'y', 'logistic_regression');
SET search_path = apart;
SET extra_float_digits = -5;
SET DateStyle = 'German';
SELECT version FROM ml.train('hue', 'hues', 'y', 'logistic_regression');
SELECT count(*), count(DISTINCT artifact_sha256) AS artifacts, min(signature -> 'inputs' -> 0 ->> 'type') AS type, min(signature -> 'output' ->> 'type') AS target FROM ml.versions WHERE model = 'hue';
RESET search_path;

\c postgres
DROP DATABASE regress_ml_types;
