-- The kinds of checks that judge a row: each with values that pass, that fail,
-- NULL, what is empty, and parameters that are wrong.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_mlops;
RESET client_min_messages;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, YMD';

-- Judges values, as texts of a type, by a check of one column.
CREATE FUNCTION judge(kind text, params jsonb, type text, VARIADIC vals text[],
					  OUT value text, OUT valid boolean, OUT message text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ml.add_check('judge', kind, '{v}', params);
	FOREACH value IN ARRAY vals LOOP
		EXECUTE pg_catalog.format('SELECT ml.is_valid(''judge'', row_), (SELECT pg_catalog.string_agg(c.message, ''; '') FROM ml.check_row(''judge'', row_) AS c) FROM (SELECT CAST(%L AS %s) AS v) AS row_', value, type)
			INTO valid, message;
		RETURN NEXT;
	END LOOP;
	PERFORM ml.drop_suite('judge');
END $$;

-- Judges one row, an SQL select list, by a check of several columns.
CREATE FUNCTION judge_row(kind text, columns text[], params jsonb, row_sql text, OUT valid boolean, OUT message text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ml.add_check('judge', kind, columns, params);
	EXECUTE pg_catalog.format('SELECT ml.is_valid(''judge'', row_), (SELECT pg_catalog.string_agg(c.message, ''; '') FROM ml.check_row(''judge'', row_) AS c) FROM (SELECT %s) AS row_', row_sql)
		INTO valid, message;
	PERFORM ml.drop_suite('judge');
END $$;

-- What a definition that is wrong is told.
CREATE FUNCTION refused(kind text, columns text[], params jsonb, OUT state text, OUT message text, OUT detail text, OUT hint text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM ml.add_check('refused', kind, columns, params);
	PERFORM ml.drop_suite('refused');
	state := 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
END $$;

-- What a column of a type that cannot be judged is told.
CREATE FUNCTION refused_type(kind text, params jsonb, type text, OUT state text, OUT message text, OUT detail text)
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM judge(kind, params, type, NULL);
	state := 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
END $$;

CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE DOMAIN age AS integer;

-- not_null, any_not_null
SELECT * FROM judge('not_null', '{}', 'integer', '1', NULL);
SELECT * FROM judge_row('any_not_null', '{a,b,c}', '{}', 'NULL::int AS a, 1 AS b, NULL::text AS c');
SELECT * FROM judge_row('any_not_null', '{a,b,c}', '{}', 'NULL::int AS a, NULL::int AS b, NULL::text AS c');
SELECT * FROM judge_row('any_not_null', '{a,b}', '{}', 'NULL::int AS a, '''' AS b');
SELECT * FROM refused('any_not_null', '{a}', '{}');
SELECT * FROM refused('any_not_null', '{a,b}', '{"min": 1}');

-- not_empty
SELECT * FROM judge('not_empty', '{}', 'text', 'a', ' ', '', NULL);
SELECT * FROM judge('not_empty', '{"blank": true}', 'text', 'a', E' \t\n', '', NULL);
SELECT * FROM judge('not_empty', '{}', 'char(4)', 'a', '');
SELECT * FROM judge('not_empty', '{}', 'varchar(4)', 'a', '');
SELECT * FROM judge('not_empty', '{}', 'bytea', 'a', '');
SELECT * FROM judge('not_empty', '{}', 'integer[]', '{1}', '{NULL}', '{}', NULL);
SELECT * FROM judge('not_empty', '{}', 'jsonb', '{"a": 1}', '[1]', '0', 'false', '"a"', '{}', '[]', '""', 'null', NULL);
SELECT * FROM judge('not_empty', '{}', 'json', '{"a": 1}', '[ 1 ]', '0', '"a"', '{ }', ' [ ] ', '""', 'null', NULL);
SELECT * FROM refused_type('not_empty', '{}', 'integer');
SELECT * FROM refused('not_empty', '{a}', '{"blank": 1}');

-- not_nan, finite
SELECT * FROM judge('not_nan', '{}', 'float8', '1', 'NaN', 'Infinity', NULL);
SELECT * FROM judge('not_nan', '{}', 'float4', '1', 'NaN', NULL);
SELECT * FROM judge('not_nan', '{}', 'numeric', '1', 'NaN', NULL);
SELECT * FROM judge('not_nan', '{}', 'float8[]', '{}', '{1,NULL,2}', '{1,NULL,NaN}', NULL);
SELECT * FROM judge('not_nan', '{}', 'float4[]', '{NULL,1}', '{NULL,NaN}');
SELECT * FROM judge('not_nan', '{}', 'bigint', '1', NULL);
SELECT * FROM refused_type('not_nan', '{}', 'text');
SELECT * FROM refused('not_nan', '{}', '{}');
SELECT * FROM refused('not_nan', '{a}', '{"max": 1}');
SELECT * FROM judge('finite', '{}', 'float8', '1e308', 'NaN', '-Infinity', NULL);
SELECT * FROM judge('finite', '{}', 'float4', '1', 'Infinity');
SELECT * FROM judge('finite', '{}', 'numeric', '1', 'NaN', 'Infinity');
SELECT * FROM judge('finite', '{}', 'date', '2024-02-29', 'infinity', NULL);
SELECT * FROM judge('finite', '{}', 'timestamptz', '2024-02-29', '-infinity', NULL);
SELECT * FROM judge('finite', '{}', 'interval', '1 day', NULL);
SELECT * FROM judge('finite', '{}', 'float8[]', '{1,2}', '{1,Infinity}', '{}');
SELECT * FROM refused_type('finite', '{}', 'boolean');
SELECT * FROM refused('finite', '{a}', '{"x": 1}');

-- range
SELECT * FROM judge('range', '{"min": 0, "max": 120}', 'integer', '0', '120', '121', '-1', NULL);
SELECT * FROM judge('range', '{"min": 0.5, "max": 2.5}', 'smallint', '0', '1', '2', '3');
SELECT * FROM judge('range', '{"min": "2024-01-01"}', 'date', '2024-01-01', '2023-12-31', 'infinity');
SELECT * FROM judge('range', '{"max": 1, "strict_max": true}', 'float8', '0.999', '1', 'NaN', 'Infinity');
SELECT * FROM judge('range', '{"min": "a", "max": "b"}', 'text', '', 'a', 'az', 'c');
SELECT * FROM refused('range', '{a}', '{}');
SELECT * FROM refused('range', '{a}', '{"min": 2, "max": 1}');

-- in_set, not_in_set
SELECT * FROM judge('in_set', '{"values": [1, 2.0, 3.5, 1e3, 99999999999]}', 'integer', '1', '2', '3', '1000', NULL);
SELECT * FROM judge('in_set', '{"values": [1, 2.0]}', 'smallint', '2', '3');
SELECT * FROM judge('in_set', '{"values": [9223372036854775807, 9223372036854775808]}', 'bigint', '9223372036854775807', '9223372036854775806');
SELECT * FROM judge('in_set', '{"values": [1, 0.1, "NaN"]}', 'float8', '1', '0.1', 'NaN', '0.2', '-0', NULL);
SELECT * FROM judge('in_set', '{"values": [0.1, 0]}', 'float4', '0.1', '-0', '0.2');
SELECT * FROM judge('in_set', '{"values": [0.10, 1]}', 'numeric', '0.1', '1.00', '2', 'NaN');
SELECT * FROM judge('in_set', '{"values": ["a", "", 1, true]}', 'text', 'a', '', '1', 'true', 'A', 'a ', NULL);
SELECT * FROM judge('in_set', '{"values": ["a "]}', 'char(3)', 'a', 'b');
SELECT * FROM judge('in_set', '{"values": ["a"]}', 'varchar(3)', 'a', 'b');
SELECT * FROM judge('in_set', '{"values": ["red", "blue"]}', 'color', 'red', 'green', NULL);
SELECT * FROM judge('in_set', '{"values": [true]}', 'boolean', 'true', 'false', NULL);
SELECT * FROM judge('in_set', '{"values": ["2024-01-01", "infinity"]}', 'date', '2024-01-01', '2024-01-02', 'infinity');
SELECT * FROM judge('in_set', '{"values": ["2024-01-01 00:00+00"]}', 'timestamptz', '2024-01-01 01:00+01', '2024-01-01 01:00+00');
SELECT * FROM judge('in_set', '{"values": ["24 hours"]}', 'interval', '1 day', '2 days');
SELECT * FROM judge('in_set', '{"values": ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"]}', 'uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12');
SELECT * FROM judge('in_set', '{"values": [18]}', 'age', '18', '19');
SELECT * FROM judge('in_set', '{"values": ["{1,2}"]}', 'integer[]', '{1,2}', '{2,1}', '{}');
SELECT * FROM judge('in_set', '{"values": [1, "a"]}', 'jsonb', '1.0', '"a"', '2', '{}');
-- of several columns the one that fails is named
SELECT * FROM judge_row('in_set', '{a,b}', '{"values": [1, 2]}', '1 AS a, 3 AS b');
SELECT * FROM judge_row('length', '{a,b}', '{"max": 1}', '''x''::text AS a, ''xy''::text AS b');
SELECT * FROM judge('not_in_set', '{"values": [0, -1]}', 'integer', '1', '0', NULL);
SELECT * FROM judge('not_in_set', '{"values": ["", "n/a"]}', 'text', 'a', 'n/a', '', NULL);
SELECT * FROM refused('in_set', '{a}', '{}');
SELECT * FROM refused('in_set', '{a}', '{"values": 1}');
SELECT * FROM refused('in_set', '{a}', '{"values": []}');
SELECT * FROM refused('in_set', '{a}', '{"values": [1, null]}');
SELECT * FROM refused('in_set', '{a}', '{"values": [1, [2]]}');
SELECT * FROM refused('not_in_set', '{a}', '{"values": {}}');
SELECT * FROM refused_type('in_set', '{"values": [1]}', 'json');
SELECT * FROM refused_type('in_set', '{"values": ["no"]}', 'color');
-- many values go into a table
SELECT ml.add_check('many', 'in_set', '{n}', (SELECT jsonb_build_object('values', jsonb_agg(i * 2)) FROM generate_series(1, 100000) AS i));
SELECT ml.add_check('many', 'in_set', '{t}', (SELECT jsonb_build_object('values', jsonb_agg('v' || i * 2)) FROM generate_series(1, 100000) AS i));
SELECT ml.add_check('many', 'in_set', '{x}', (SELECT jsonb_build_object('values', jsonb_agg(i * 0.5)) FROM generate_series(1, 1000) AS i));
SELECT ml.add_check('many', 'in_set', '{m}', (SELECT jsonb_build_object('values', jsonb_agg(i * 0.5)) FROM generate_series(1, 1000) AS i));
SELECT count(*), count(*) FILTER (WHERE ml.is_valid('many', r))
FROM (SELECT i AS n, 'v' || i AS t, (i % 2000 / 4.0)::float8 AS x, i % 2000 / 4.0 AS m FROM generate_series(1, 4000) AS i) AS r;
SELECT message FROM ml.check_row('many', (SELECT r FROM (SELECT 1 AS n, 'v1'::text AS t, 0.25::float8 AS x, 0.25::numeric AS m) AS r));
SELECT ml.drop_suite('many');

-- pair_in_set
SELECT * FROM judge_row('pair_in_set', '{c,m}', '{"values": [["DE", "EUR"], ["FR", "EUR"], ["US", "USD"]]}', '''US''::text AS c, ''USD''::text AS m');
SELECT * FROM judge_row('pair_in_set', '{c,m}', '{"values": [["DE", "EUR"], ["FR", "EUR"], ["US", "USD"]]}', '''US''::text AS c, ''EUR''::text AS m');
SELECT * FROM judge_row('pair_in_set', '{c,m}', '{"values": [["DE", "EUR"]]}', '''XX''::text AS c, NULL::text AS m');
SELECT * FROM judge_row('pair_in_set', '{a,b,c}', '{"values": [[1, "x", true], [1.5, "x", true]]}', '1 AS a, ''x''::text AS b, true AS c');
SELECT * FROM refused('pair_in_set', '{a,b}', '{"values": [[1, 2], [1]]}');
SELECT * FROM refused('pair_in_set', '{a,b}', '{"values": [1]}');
SELECT * FROM refused('pair_in_set', '{a,b}', '{"values": [[1, null]]}');
SELECT * FROM refused('pair_in_set', '{a}', '{"values": [[1]]}');

-- type
SELECT * FROM judge('type', '{"expected": "integer"}', 'integer', '1', NULL);
SELECT * FROM judge('type', '{"expected": ["int8", "numeric(10,2)"]}', 'numeric(10,2)', '1');
SELECT * FROM judge('type', '{"expected": ["int8", "numeric(10,2)"]}', 'numeric(10,3)', '1', NULL);
SELECT * FROM judge('type', '{"expected": "varchar"}', 'text', '');
SELECT * FROM judge('type', '{"expected": "integer"}', 'age', '1');
SELECT * FROM judge('type', '{"castable": "integer"}', 'text', '1', ' -2147483648 ', '2147483648', '1.0', '', '+', '0x1F', '1_000', NULL);
SELECT * FROM judge('type', '{"castable": "smallint"}', 'varchar(9)', '32767', '32768', '-32768', '-32769');
SELECT * FROM judge('type', '{"castable": "bigint"}', 'text', '9223372036854775807', '9223372036854775808', '-9223372036854775808', '99999999999999999999');
SELECT * FROM judge('type', '{"castable": "number"}', 'text', '1', '-1.5e-3', '.5', '5.', '1e131071', '1e131072', '0e9999999', '1e-16383', '1e-16384', '.', 'e5', '1e', 'NaN', '1,5', '');
SELECT * FROM judge('type', '{"castable": "double precision"}', 'text', '1e308', '1e309', '1e-400', 'NaN', '-inf', 'Infinity', '+nan', '--1', '');
SELECT * FROM judge('type', '{"castable": "boolean"}', 'text', 'true', ' off ', '1', 'y', '2', 'o', '');
SELECT * FROM judge('type', '{"castable": "date"}', 'text', '2024-02-29', '2023-02-29', '2024-13-01', 'yesterday', 'x', '');
SELECT * FROM judge('type', '{"castable": "timestamp"}', 'text', '2024-02-29 23:59:59', '2024-02-29 25:00', 'infinity');
SELECT * FROM judge('type', '{"castable": "timestamptz"}', 'text', '2024-02-29 23:59:59+02', '2024-02-29 10:00 Nowhere/City');
SELECT * FROM judge('type', '{"castable": "interval"}', 'text', '1 day 2 hours', 'P1D', 'soon');
SELECT * FROM judge('type', '{"castable": "uuid"}', 'text', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{a0eebc999c0b4ef8bb6d6bb9bd380a11}', 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11', 'a0eebc99', '{}', '');
SELECT * FROM judge('type', '{"castable": "json"}', 'text', '{"a": [1, null]}', '{a: 1}', '');
-- decimal numbers, and nothing else
SELECT t FROM unnest('{1,-1,+1,"- 1",1.5,.5,5.,1e3,1e,1e+,0x10,"1 ","","-",1.2.3,00012,-0,1e-3}'::text[]) AS t
WHERE (SELECT valid FROM judge('type', '{"castable": "number"}', 'text', t)) IS DISTINCT FROM (t ~ '^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$');
SELECT * FROM refused('type', '{a}', '{}');
SELECT * FROM refused('type', '{a}', '{"expected": "integre"}');
SELECT * FROM refused('type', '{a}', '{"expected": 5}');
SELECT * FROM refused('type', '{a}', '{"castable": "money"}');
SELECT * FROM refused_type('type', '{"castable": "integer"}', 'integer');

-- length
SELECT * FROM judge('length', '{"min": 2, "max": 3}', 'text', 'ab', 'äöü', 'a', 'äöüß', '', NULL);
SELECT * FROM judge('length', '{"min": 1}', 'char(5)', 'a', '');
SELECT * FROM judge('length', '{"max": 2}', 'varchar(5)', 'ab', 'abc');
SELECT * FROM judge('length', '{"max": 2}', 'bytea', '\x0102', '\x010203');
SELECT * FROM judge('length', '{"min": 1, "max": 2}', 'integer[]', '{1}', '{{1,2},{3,4}}', '{}', NULL);
SELECT * FROM judge('length', '{"max": 36}', 'uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT valid, message FROM judge('length', '{"max": 10000000}', 'text', repeat('ä', 10000000), repeat('ä', 10000001));
SELECT * FROM refused('length', '{a}', '{}');
SELECT * FROM refused('length', '{a}', '{"min": 3, "max": 2}');
SELECT * FROM refused('length', '{a}', '{"min": -1}');
SELECT * FROM refused('length', '{a}', '{"min": 1.5}');
SELECT * FROM refused_type('length', '{"min": 1}', 'integer');

-- like, matches
SELECT * FROM judge('like', '{"pattern": "A%"}', 'text', 'Ab', 'ab', '', NULL);
SELECT * FROM judge('like', '{"pattern": "a_ä", "case_insensitive": true}', 'text', 'AXä', 'axäd');
SELECT * FROM judge('like', '{"pattern": "%x%", "not": true}', 'text', 'abc', 'axc');
SELECT * FROM judge('like', '{"pattern": "a__"}', 'char(5)', 'abc', 'ab');
SELECT * FROM judge('like', '{"pattern": "r%"}', 'color', 'red', 'blue');
SELECT * FROM refused('like', '{a}', '{}');
SELECT * FROM refused('like', '{a}', '{"pattern": "a\\"}');
SELECT * FROM refused('like', '{a}', '{"pattern": "a\\\\"}');
SELECT * FROM refused_type('like', '{"pattern": "a"}', 'integer');
SELECT * FROM judge('matches', '{"pattern": "^[A-Z]{2}\\d+$"}', 'text', 'AB12', 'ab12', '', NULL);
SELECT * FROM judge('matches', '{"pattern": "^[a-z]+$", "case_insensitive": true}', 'varchar(9)', 'AB', 'A1');
SELECT * FROM judge('matches', '{"pattern": "\\d", "not": true}', 'text', 'ab', 'a1');
SELECT * FROM judge('matches', '{"pattern": "^.{3}$"}', 'char(5)', 'äöü', 'ab');
SELECT * FROM refused('matches', '{a}', '{"pattern": "(a"}');
SELECT * FROM refused('matches', '{a}', '{}');
SELECT * FROM refused('matches', '{a}', '{"pattern": "a", "flags": "i"}');
SELECT * FROM refused_type('matches', '{"pattern": "a"}', 'integer');

-- format
SELECT * FROM judge('format', '{"format": "email"}', 'text', 'a.b+c@example.co.uk', 'a@b', '@b.de', 'a@', 'a..b@c.de', '.a@c.de', 'a.@c.de', 'a b@c.de', 'a@-c.de', 'a@c.de.', 'a@b@c.de', 'a@10.0.0.1', 'ä@c.de', '', NULL);
SELECT valid FROM judge('format', '{"format": "email"}', 'text', repeat('a', 64) || '@c.de', repeat('a', 65) || '@c.de');
SELECT * FROM judge('format', '{"format": "url"}', 'text', 'http://example.com', 'https://u:p@example.com:8080/a/b?c=d#e', 'http://[::1]:80/', 'http://192.168.0.1', 'ftp://localhost/%20', 'http://', 'example.com', 'http://a b', 'http://a/%2', 'http://a:99999', 'http://[::1', 'javascript:alert(1)', '1http://a', '');
SELECT * FROM judge('format', '{"format": "uuid"}', 'text', 'A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a0eebc999c0b4ef8bb6d6bb9bd380a11', 'g0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '');
SELECT * FROM judge('format', '{"format": "json"}', 'text', '{"a": [1, 2.5e3, true, null, "\u00e4\n"]}', ' [] ', '"a"', '-0', '[1,]', '{"a"}', '{1: 2}', '01', '1.', '.5', '"\x"', '"\u12"', E'"\t"', '[1 2]', '[', '{"a": 1', 'nul', 'truex', '[1]]', '', NULL);
SELECT * FROM judge('format', '{"format": "date"}', 'text', '2024-02-29', '2023-02-29', '1900-02-29', '2000-02-29', '2024-1-1', '0000-01-01', '2024-04-31', '2024-13-01', '');
SELECT * FROM judge('format', '{"format": "timestamp"}', 'text', '2024-02-29T23:59:59Z', '2024-02-29 23:59:59.123+05:30', '2024-02-29T23:59:59', '2024-02-29T24:00:00', '2024-02-29', '2024-02-29T23:59', '2024-02-29T23:59:59.', '2024-02-29T23:59:59+0530', '');
SELECT * FROM judge('format', '{"format": "time"}', 'text', '23:59:59', '23:59:59.5Z', '24:00:00', '1:00:00', '');
SELECT * FROM judge('format', '{"format": "ipv4"}', 'text', '0.0.0.0', '255.255.255.255', '256.0.0.1', '1.2.3', '1.2.3.4.5', '01.2.3.4', '1.2.3.', '1.2.3.4 ', '');
SELECT * FROM judge('format', '{"format": "ipv6"}', 'text', '::', '::1', '2001:db8::8a2e:370:7334', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', '1::', '1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1::2::3', ':::', '1:', ':1', '12345::', '::1.2.3', 'g::', '1:2:3:4:5:6:7::8', '');
SELECT * FROM judge('format', '{"format": "iban"}', 'text', 'DE89 3704 0044 0532 0130 00', 'GB29NWBK60161331926819', 'NO9386011117947', 'DE88370400440532013000', 'DE8937040044053201300', 'XX89370400440532013000', 'de89370400440532013000', 'DE', '');
SELECT * FROM judge('format', '{"format": "credit_card"}', 'text', '4111 1111 1111 1111', '378282246310005', '5555-5555-5555-4444', '4111111111111112', '0000000000000000', '41111111', '4111  1111 1111 1111', '41111111111111111111111', 'x', '');
SELECT * FROM judge('format', '{"format": "country"}', 'text', 'DE', 'DEU', 'ZWE', 'AD', 'XX', 'de', 'DEUT', 'D', '');
SELECT * FROM judge('format', '{"format": "phone"}', 'text', '+4930123456', '+14155552671', '030123456', '+0123456789', '+49 30 1', '+1234567890123456', '');
SELECT * FROM judge('format', '{"format": "isbn"}', 'text', '0-306-40615-2', '080442957X', '978-0-306-40615-7', '0-306-40615-3', '9780306406158', '9770306406150', '');
SELECT * FROM judge('format', '{"format": "mac_address"}', 'text', '00:1A:2b:3c:4d:5e', '00-1a-2b-3c-4d-5e', '001a.2b3c.4d5e', '00:1a-2b:3c:4d:5e', '00:1a:2b:3c:4d', '00:1g:2b:3c:4d:5e', '');
SELECT * FROM judge('format', '{"format": "us_ssn"}', 'text', '123-45-6789', '000-45-6789', '666-45-6789', '900-45-6789', '123-00-6789', '123-45-0000', '123456789', '');
SELECT * FROM judge('format', '{"format": "base64"}', 'text', 'YWJj', 'YWI=', 'YQ==', 'YQ=', 'YQ', 'Y===', '====', 'YW Jj', '');
SELECT * FROM judge('format', '{"format": "hex"}', 'text', '00ff', '0FF', 'xy', '');
SELECT * FROM refused('format', '{a}', '{}');
SELECT * FROM refused('format', '{a}', '{"format": "mail"}');
SELECT * FROM refused_type('format', '{"format": "json"}', 'jsonb');
-- as the server reads JSON
CREATE FUNCTION is_json(t text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM t::json;
	RETURN true;
EXCEPTION WHEN OTHERS THEN
	RETURN false;
END $$;
SELECT t FROM unnest(ARRAY['{}', '[1, {"a": "b"}]', '[01]', '{"a":1,}', '"\u0000"', '"\ud800"', '[-]', '[1e5, -1.5E-7]', '{"a":1 "b":2}', 'null null', '[[[[]]]]']) AS t
WHERE (SELECT valid FROM judge('format', '{"format": "json"}', 'text', t)) IS DISTINCT FROM
	is_json(t);
DROP FUNCTION is_json;

-- json_schema
SELECT * FROM judge('json_schema', '{"schema": {"$schema": "x", "title": "t", "type": "object", "required": ["id", "tags"], "additionalProperties": false,
	"properties": {"id": {"type": "integer", "minimum": 1}, "tags": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 3}, "minItems": 1, "maxItems": 2},
	"mail": {"format": "email"}, "price": {"exclusiveMinimum": 0, "exclusiveMaximum": 10, "multipleOf": 0.1}, "code": {"pattern": "^[A-Z]+$"}, "kind": {"enum": ["a", 1, null, {"x": [1, 2]}]}, "one": {"const": 1}}}}', 'jsonb',
	'{"id": 1, "tags": ["a"]}', '{"id": 1.0, "tags": ["äöü"], "mail": "a@b.de", "price": 0.3, "code": "A", "kind": {"x": [1.0, 2]}, "one": 1.00}',
	'{"id": 0, "tags": ["a"]}', '{"id": 1.5, "tags": ["a"]}', '{"id": 1}', '{"id": 1, "tags": []}', '{"id": 1, "tags": ["a", "b", "c"]}', '{"id": 1, "tags": ["a", "long"]}', '{"id": 1, "tags": ["a", 2]}',
	'{"id": 1, "tags": ["a"], "more": 1}', '{"id": 1, "tags": ["a"], "mail": "no"}', '{"id": 1, "tags": ["a"], "price": 0}', '{"id": 1, "tags": ["a"], "price": 10}', '{"id": 1, "tags": ["a"], "price": 0.35}',
	'{"id": 1, "tags": ["a"], "code": "a"}', '{"id": 1, "tags": ["a"], "kind": {"x": [2, 1]}}', '{"id": 1, "tags": ["a"], "kind": null}', '{"id": 1, "tags": ["a"], "one": 2}', '[]', '1', '{}', 'null', NULL);
SELECT * FROM judge('json_schema', '{"schema": {"anyOf": [{"type": "integer"}, {"type": "string"}], "not": {"const": "x"}}}', 'text', '1', '"a"', '"x"', '1.5', 'no json', '"\u0000"', '"\ud83d\ude00"', '"\ud83d"', '1e999999', '', NULL);
SELECT * FROM judge('json_schema', '{"schema": {"oneOf": [{"minimum": 5}, {"maximum": 10}]}}', 'json', '3', '7', '12');
SELECT * FROM judge('json_schema', '{"schema": {"allOf": [{"minimum": 5}, {"maximum": 10}]}}', 'json', '3', '7', '12', '"any"');
SELECT * FROM judge('json_schema', '{"schema": {"properties": {"a": false, "b": true}, "additionalProperties": {"type": ["null", "boolean"]}}}', 'json', '{"b": 1}', '{"a": 1}', '{"c": true, "d": null}', '{"c": 1}');
SELECT * FROM judge('json_schema', '{"schema": {"maxLength": 1, "format": "date-time"}}', 'jsonb', '5', '"ab"');
SELECT * FROM judge('json_schema', '{"schema": {"const": {"a": 1, "b": 2}}}', 'json', '{"b": 2, "a": 1}', '{"a": 1, "a": 1}', '{"a": 1}');
SELECT * FROM refused('json_schema', '{a}', '{}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": "x"}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": {"properties": {"x": {"minimun": 1}}}}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": {"$ref": "#/a"}}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": {"type": "int"}}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": {"pattern": "("}}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": {"format": "colour"}}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": {"minItems": -1}}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": {"multipleOf": 0}}');
SELECT * FROM refused('json_schema', '{a}', '{"schema": {"anyOf": []}}');
SELECT * FROM refused_type('json_schema', '{"schema": {}}', 'integer');

-- encoding_valid
SELECT * FROM judge('encoding_valid', '{"encoding": "LATIN1"}', 'text', 'abc', 'äöü', '€', '', NULL);
SELECT * FROM judge('encoding_valid', '{"encoding": "SQL_ASCII"}', 'varchar(9)', 'abc', 'ä');
SELECT * FROM judge('encoding_valid', '{"encoding": "UTF8"}', 'text', '€');
SELECT valid FROM judge('encoding_valid', '{"encoding": "LATIN1"}', 'text', repeat('ä', 5000), repeat('ä', 5000) || '€');
SELECT * FROM refused('encoding_valid', '{a}', '{}');
SELECT * FROM refused('encoding_valid', '{a}', '{"encoding": "LATIN99"}');
SELECT * FROM refused_type('encoding_valid', '{"encoding": "LATIN1"}', 'integer');

-- not_in_future
SELECT * FROM judge('not_in_future', '{}', 'timestamptz', '2000-01-01', '9999-01-01 00:00+00', 'infinity', '-infinity', NULL);
SELECT * FROM judge('not_in_future', '{}', 'timestamp', '2000-01-01', '9999-01-01');
SELECT * FROM judge('not_in_future', '{}', 'date', '2000-01-01', '9999-01-01', 'infinity', NULL);
SELECT * FROM judge_row('not_in_future', '{a,b,c,d}', '{}', 'now() AS a, clock_timestamp() AS b, current_date AS c, localtimestamp AS d');
SELECT * FROM judge_row('not_in_future', '{a}', '{"tolerance": "1 hour"}', 'now() + interval ''30 minutes'' AS a');
SELECT valid FROM judge_row('not_in_future', '{a}', '{"tolerance": "1 hour"}', 'now() + interval ''90 minutes'' AS a');
SELECT * FROM refused('not_in_future', '{a}', '{"tolerance": "soon"}');
SELECT * FROM refused('not_in_future', '{a}', '{"tolerance": "-1 hour"}');
SELECT * FROM refused('not_in_future', '{a}', '{"tolerance": "1000 years"}');
SELECT * FROM refused_type('not_in_future', '{}', 'text');

-- compare
SELECT op, a, b, (judge_row('compare', '{a,b}', jsonb_build_object('op', op), format('%s AS a, %s AS b', a, b))).*
FROM unnest('{<,<=,=,<>,>=,>}'::text[]) AS op, (VALUES ('1', '2'), ('2', '2.0'), ('3::float8', '2'), ('1', '''NaN''::float8')) AS v(a, b) ORDER BY v, op COLLATE "C";
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "<"}', '9007199254740992::float8 AS a, 9007199254740993 AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": ">"}', '9223372036854775807 AS a, 9223372036854775808::float8 AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "="}', '0.1 AS a, 0.1::float8 AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "="}', '9223372036854775807 AS a, 9223372036854775807.5 AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "<="}', 'date ''2024-01-02'' AS a, date ''2024-01-01'' AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "<="}', 'interval ''1 day'' AS a, interval ''24 hours'' AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "<"}', '''a''::text COLLATE "C" AS a, ''''::varchar AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "<"}', '''red''::color AS a, ''blue''::color AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "<"}', '1 AS a, NULL::int AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "<", "or_null": false}', '1 AS a, NULL::int AS b');
SELECT * FROM judge_row('compare', '{a,b}', '{"op": "<"}', '1 AS a, ''x''::text AS b');
SELECT * FROM refused('compare', '{a,b}', '{}');
SELECT * FROM refused('compare', '{a,b}', '{"op": "=="}');
SELECT * FROM refused('compare', '{a}', '{"op": "="}');
SELECT * FROM refused('compare', '{a,a}', '{"op": "="}');

-- sum_of_columns
SELECT * FROM judge_row('sum_of_columns', '{a,b}', '{"total": 100}', '40 AS a, 60::smallint AS b');
SELECT * FROM judge_row('sum_of_columns', '{a,b}', '{"total": 100}', '40 AS a, 61 AS b');
SELECT * FROM judge_row('sum_of_columns', '{a,b}', '{"total": 100, "tolerance": 1}', '40 AS a, 61 AS b');
SELECT * FROM judge_row('sum_of_columns', '{a,b,c}', '{"equals_last": true}', '0.1 AS a, 0.2 AS b, 0.3 AS c');
SELECT * FROM judge_row('sum_of_columns', '{a,b,c}', '{"equals_last": true}', '0.1::float8 AS a, 0.2::float8 AS b, 0.3::float8 AS c');
SELECT * FROM judge_row('sum_of_columns', '{a,b,c}', '{"equals_last": true}', '0.1::float8 AS a, 0.2::float8 AS b, 0.3001::float8 AS c');
SELECT * FROM judge_row('sum_of_columns', '{a,b,c}', '{"equals_last": true}', '9223372036854775807 AS a, 9223372036854775807 AS b, 18446744073709551614 AS c');
SELECT * FROM judge_row('sum_of_columns', '{a,b}', '{"total": 1}', '''NaN''::float8 AS a, 1 AS b');
SELECT * FROM judge_row('sum_of_columns', '{a,b}', '{"total": 1}', '''NaN''::numeric AS a, 1 AS b');
SELECT * FROM judge_row('sum_of_columns', '{a,b}', '{"total": 1}', 'NULL::int AS a, 1 AS b');
SELECT * FROM refused('sum_of_columns', '{a,b}', '{}');
SELECT * FROM refused('sum_of_columns', '{a,b}', '{"total": 1, "equals_last": true}');
SELECT * FROM refused('sum_of_columns', '{a,b}', '{"total": "x"}');
SELECT * FROM refused('sum_of_columns', '{a}', '{"equals_last": true}');
SELECT * FROM refused('sum_of_columns', '{a,b}', '{"total": 1, "tolerance": -1}');
SELECT * FROM judge_row('sum_of_columns', '{a,b}', '{"total": 1}', '''''::text AS a, 1 AS b');

-- unique_within_row
SELECT * FROM judge_row('unique_within_row', '{a,b,c}', '{}', '1 AS a, 2 AS b, 3.0 AS c');
SELECT * FROM judge_row('unique_within_row', '{a,b,c}', '{}', '1 AS a, 2 AS b, 2.0 AS c');
SELECT * FROM judge_row('unique_within_row', '{a,b}', '{}', 'NULL::text AS a, NULL::text AS b');
SELECT * FROM judge_row('unique_within_row', '{a,b}', '{}', '''''::text AS a, ''''::text AS b');
SELECT * FROM judge_row('unique_within_row', '{a,b}', '{}', '1 AS a, ''x''::text AS b');
SELECT * FROM refused('unique_within_row', '{a}', '{}');
SELECT * FROM refused('unique_within_row', '{a,b}', '{"x": 1}');

-- z_score
SELECT * FROM judge('z_score', '{"mean": 100, "stddev": 15}', 'float8', '100', '145', '146', '54', 'NaN', 'Infinity', NULL);
SELECT * FROM judge('z_score', '{"mean": 100, "stddev": 15, "max": 1}', 'integer', '115', '116');
SELECT * FROM judge('z_score', '{"mean": 0, "stddev": 1}', 'numeric', '-3', '3.01');
SELECT * FROM refused('z_score', '{a}', '{"mean": 1}');
SELECT * FROM refused('z_score', '{a}', '{"mean": 1, "stddev": 0}');
SELECT * FROM refused('z_score', '{a}', '{"mean": 1, "stddev": 1, "max": -1}');
SELECT * FROM refused_type('z_score', '{"mean": 1, "stddev": 1}', 'text');

-- predicate
SELECT * FROM judge_row('predicate', '{}', '{"expression": "a <= b -- of course"}', '1 AS a, 2 AS b');
SELECT * FROM judge_row('predicate', '{}', '{"expression": "a <= b"}', '3 AS a, 2 AS b');
SELECT valid FROM judge_row('predicate', '{}', '{"expression": "a <= b"}', 'NULL::int AS a, 2 AS b');
SELECT * FROM refused('predicate', '{}', '{}');
SELECT * FROM refused('predicate', '{}', '{"expression": " "}');
SELECT * FROM refused('predicate', '{a}', '{"expression": "true"}');

-- foreign_key
CREATE SCHEMA keys;
CREATE TABLE keys."Customers" (id integer PRIMARY KEY, region text, UNIQUE (id, region));
INSERT INTO keys."Customers" VALUES (1, 'n'), (2, NULL);
SELECT * FROM judge_row('foreign_key', '{id}', '{"references": "keys.\"Customers\""}', '1 AS id');
SELECT * FROM judge_row('foreign_key', '{c}', '{"references": "keys.\"Customers\"", "references_columns": ["id"]}', '3 AS c');
SELECT * FROM judge_row('foreign_key', '{c}', '{"references": "keys.\"Customers\"", "references_columns": ["id"]}', 'NULL::int AS c');
SELECT * FROM judge_row('foreign_key', '{id,r}', '{"references": "keys.\"Customers\"", "references_columns": ["id", "region"]}', '1 AS id, ''n''::text AS r');
SELECT * FROM judge_row('foreign_key', '{id,r}', '{"references": "keys.\"Customers\"", "references_columns": ["id", "region"]}', '2 AS id, ''n''::text AS r');
SELECT * FROM judge_row('foreign_key', '{c}', '{"references": "keys.\"Customers\"", "references_columns": ["region"]}', '''''::text AS c');
SELECT * FROM refused('foreign_key', '{a}', '{}');
SELECT * FROM refused('foreign_key', '{a}', '{"references": "customers"}');
SELECT * FROM refused('foreign_key', '{a}', '{"references": "keys.c; DROP TABLE x"}');
SELECT * FROM refused('foreign_key', '{a,b}', '{"references": "keys.c", "references_columns": ["id"]}');
SELECT * FROM refused('foreign_key', '{a}', '{"references": "keys.c", "references_columns": [1]}');

-- completeness, domain_mass: their parameters
SELECT * FROM refused('completeness', '{a}', '{}');
SELECT * FROM refused('completeness', '{a}', '{"min": 2}');
SELECT * FROM refused('completeness', '{}', '{"min": 1}');
SELECT * FROM refused('domain_mass', '{a}', '{"values": [1]}');
SELECT * FROM refused('domain_mass', '{a}', '{"min": 0.9}');
SELECT * FROM refused('domain_mass', '{a,b}', '{"values": [1], "min": 0.9}');

-- attacks: a pattern that takes for ever ends with the statement's time
SELECT ml.add_check('slow', 'matches', '{v}', '{"pattern": "^(a+)(a+)(a+)(a+)(a+)\\1\\2\\3\\4\\5b$"}');
SET statement_timeout = 300;
SELECT ml.is_valid('slow', row_) FROM (SELECT repeat('a', 1001) || 'b' AS v) AS row_;
RESET statement_timeout;
SELECT ml.drop_suite('slow');
-- JSON deeper than any stack, and long
SELECT valid, message FROM judge('format', '{"format": "json"}', 'text', repeat('[', 1000000) || repeat(']', 1000000), repeat('[', 1000000));
SELECT valid FROM judge('json_schema', '{"schema": {"type": "array", "items": {"items": {"type": "number"}}}}', 'text', repeat('[', 300000) || repeat(']', 300000), '[[' || repeat('1,', 300000) || '1]]');
SELECT valid FROM judge('json_schema', '{"schema": {"const": [[[]]]}}', 'text', repeat('[', 300000) || repeat(']', 300000), '[[[]]]');
SELECT valid FROM judge('matches', '{"pattern": "b$"}', 'text', repeat('a', 10000000) || 'b', repeat('a', 10000000));
SELECT valid FROM judge('like', '{"pattern": "%b"}', 'text', repeat('a', 10000000) || 'b', repeat('a', 10000000));
SELECT valid FROM judge('format', '{"format": "email"}', 'text', repeat('a.', 5000000) || '@b.de');
SELECT valid FROM judge('type', '{"castable": "number"}', 'text', repeat('1', 131072), repeat('1', 131073), repeat('0', 10000000) || '1');
SELECT valid FROM judge('type', '{"castable": "timestamp"}', 'text', '2024-01-01' || repeat(' ', 10000000));

DROP FUNCTION judge, judge_row, refused, refused_type;
DROP SCHEMA keys CASCADE;
DROP TYPE color;
DROP DOMAIN age;
